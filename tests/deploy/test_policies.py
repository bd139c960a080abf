"""Every promise of infra/k8s, for every overlay."""

import pytest

import policies


@pytest.mark.parametrize("policy", policies.ALL, ids=lambda policy: policy.__name__)
def test_policy(cluster, policy):
    assert policy(cluster) == []
