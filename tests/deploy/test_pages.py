"""The pages of infra/k8s and infra/docker say what is so."""

import re

import pytest

from conftest import cluster_of
from policies.configuration import bytes_of
from policies.references import REQUIRED_SECRETS
from render import K8S, OVERLAYS, ROOT

PAGES = [K8S / "README.md", K8S / "schemas/README.md", ROOT / "infra/docker/README.md"]
PAGE = PAGES[0].read_text()
EVERYTHING = [resource for overlay in OVERLAYS for resource in cluster_of(overlay).resources]


def test_required_secrets_are_named():
    for name, keys in REQUIRED_SECRETS.items():
        assert f"`{name}`" in PAGE
        assert name == "api-tls" or all(f"`{key}`" in PAGE for key in keys)


def test_what_apply_prints_is_what_is_rendered():
    """Lines such as `spinapp.core.spinkube.dev/social created` after an apply of an overlay."""
    rendered = {(resource["kind"].lower(), resource["metadata"]["name"]) for resource in EVERYTHING}
    for block in re.findall(r"apply -k .*?```", PAGE, flags=re.S):
        lines = re.findall(r"^([a-z]+)(?:\.[\w.]+)?/([\w-]+) (?:created|configured)$", block, flags=re.M)
        assert lines
        for line in lines:
            assert line in rendered, line


def test_forwarded_ports_are_those_of_services():
    forwards = re.findall(r"port-forward service/(\S+) \d+:(\d+)", PAGE)
    assert len(forwards) >= 4
    for name, port in forwards:
        ports = [
            entry["port"]
            for overlay in OVERLAYS
            for service in cluster_of(overlay).services
            if service["metadata"]["name"] == name
            for entry in service["spec"]["ports"]
        ]
        assert int(port) in ports, f"{name}:{port}"


def test_versions_are_those_of_the_manifests():
    image = cluster_of("desktop").named("SpinAppExecutor", "spin")["spec"]["deploymentConfig"]["spinImage"]
    assert "Spin CLI, 4.1 or later" in PAGE and ":v4.1" in image
    enforced = cluster_of("desktop").named("Namespace", "social-network")["metadata"]["labels"]
    assert f"Kubernetes {enforced['pod-security.kubernetes.io/enforce-version'].removeprefix('v')} or later" in PAGE
    # One version of each thing that is installed.
    for what in ("spin-operator/releases/download", "cert-manager/releases/download", "keda/releases/download"):
        assert len(set(re.findall(re.escape(what) + r"/(v[\d.]+)", PAGE))) == 1, what


def requested_memory(overlay: str) -> float:
    """In GB, with every workload at its smallest."""
    total, cluster = 0, cluster_of(overlay)
    for workload in cluster.workloads:
        scaler = next(
            (
                s
                for s in cluster.of_kind("HorizontalPodAutoscaler")
                if s["spec"]["scaleTargetRef"]["name"] == workload.name
            ),
            None,
        )
        replicas = scaler["spec"]["minReplicas"] if scaler else workload.replicas
        total += replicas * sum(bytes_of(c["resources"]["requests"]["memory"]) for c in workload.containers)
    return total / 1e9


@pytest.mark.parametrize(
    "overlay,said", [("desktop", r"about ([\d.]+) GB of memory"), ("hyperscale", r"(\d+) GB of memory as it")]
)
def test_memory_is_enough(overlay, said):
    needed, promised = requested_memory(overlay), float(re.search(said, PAGE)[1])
    # The cluster itself takes some of a single machine.
    assert needed <= promised <= needed * 1.1 + 1, f"{needed:.1f} GB are requested"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_commands_lead_somewhere(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert link.startswith("https://") or (page.parent / link).exists(), link
    for path in re.findall(r"(?:apply|delete) -k (\S+)|sh (infra/\S+\.sh)|--file (infra/\S+)", text):
        assert (ROOT / next(filter(None, path))).exists(), path
    makefile = (ROOT / "Makefile").read_text()
    for words in re.findall(r"\bmake ((?:[a-z0-9]+(?:-[a-z0-9]+)* ?)+)", text):
        for verb in (word for word in words.split() if word not in ("it", "that")):
            if re.search(rf"^make {verb}|`make {verb}|&& make {verb}|\$ make {verb}", text, flags=re.M):
                assert re.search(rf"^{verb}:", makefile, flags=re.M), f"make {verb}"
