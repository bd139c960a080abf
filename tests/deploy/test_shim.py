"""The containerd shim is one line away, and keeps every promise."""

import pytest
import yaml

import policies
from cluster import Cluster
from policies.network import HYPERSCALE, PICTURE
from render import ROOT, render
from schemas import VERSIONS, mistakes

# Nothing in the pods pulls the application any more: the kubelet does.
PICTURE["hyperscale-shim"] = {arrow for arrow in HYPERSCALE if arrow[1] != "registry"}


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    text = render(ROOT / "tests/deploy/overlays/shim")
    return Cluster(list(yaml.safe_load_all(text)), "hyperscale-shim")


def test_spin_apps_are_run_by_the_runtime_class(cluster):
    config = cluster.named("SpinAppExecutor", "spin")["spec"]["deploymentConfig"]
    assert config["runtimeClassName"] == "wasmtime-spin-v2" and "spinImage" not in config
    assert {w.pod["runtimeClassName"] for w in cluster.workloads if w.app} == {"wasmtime-spin-v2"}


@pytest.mark.parametrize("policy", policies.ALL, ids=lambda policy: policy.__name__)
def test_policy(cluster, policy):
    assert policy(cluster) == []


def test_manifests_are_valid(cluster):
    assert [mistake for resource in cluster.resources for mistake in mistakes(resource, VERSIONS[0])] == []
