import functools

import pytest

from cluster import Cluster
from render import OVERLAYS, resources


@functools.cache
def cluster_of(overlay: str) -> Cluster:
    return Cluster(resources(overlay), overlay)


@pytest.fixture(params=OVERLAYS)
def cluster(request) -> Cluster:
    return cluster_of(request.param)
