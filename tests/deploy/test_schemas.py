"""Every manifest is what its kind's schema says, with no field that the schema does not have."""

import copy

import pytest

from conftest import cluster_of
from render import K8S, OVERLAYS, render
from schemas import VERSIONS, mistakes


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid(cluster, version):
    assert [mistake for resource in cluster.resources for mistake in mistakes(resource, version)] == []


# A manifest with a mistake, and what has to be said of it.
MISTAKES = [
    ("Deployment", "front", lambda r: r["spec"].update(replica=2), "replica"),
    (
        "StatefulSet",
        "worker",
        lambda r: r["spec"]["template"]["spec"]["containers"][0].update(readOnly=True),
        "readOnly",
    ),
    ("NetworkPolicy", "worker", lambda r: r["spec"].update(policyType=["Ingress"]), "policyType"),
    ("SpinApp", "social-commands", lambda r: r["spec"].update(securityContext={}), "securityContext"),
    ("SpinApp", "social-commands", lambda r: r["spec"].pop("image"), "image"),
    ("SpinApp", "social-queries", lambda r: r["spec"]["checks"]["liveness"].update(exec={}), "exec"),
    ("SpinAppExecutor", "spin", lambda r: r["spec"]["deploymentConfig"].update(image="spin"), "image"),
    ("ScaledObject", "social-projections", lambda r: r["spec"]["triggers"][1]["metadata"].pop("query"), "triggers[1]"),
    (
        "HorizontalPodAutoscaler",
        "social-queries",
        lambda r: r.update(apiVersion="autoscaling/v2beta2"),
        "no autoscaling/v2beta2",
    ),
]


@pytest.mark.parametrize("kind,name,change,says", MISTAKES, ids=lambda value: value if isinstance(value, str) else "")
def test_mistake_is_noticed(kind, name, change, says):
    overlay = "hyperscale-keda" if kind == "ScaledObject" else "hyperscale"
    resource = copy.deepcopy(cluster_of(overlay).named(kind, name))
    change(resource)
    found = mistakes(resource, VERSIONS[0])
    assert any(says in mistake for mistake in found), found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_rendering_is_deterministic(overlay):
    folder = K8S / "overlays" / overlay
    assert render.__wrapped__(folder) == render.__wrapped__(folder)
