"""A policy that notices nothing would pass as well: each has to find the mistakes that it is there for."""

import pytest

import mutations
import policies
from conftest import cluster_of


@pytest.mark.parametrize("mutation", mutations.ALL, ids=str)
def test_mistake_is_noticed(mutation):
    broken = cluster_of(mutation.overlay).mutated(mutation.change)
    found = mutation.policy(broken)
    assert any(mutation.says in sentence for sentence in found), found


def test_every_policy_has_a_mistake_to_find():
    assert {mutation.policy for mutation in mutations.ALL} == set(policies.ALL)
