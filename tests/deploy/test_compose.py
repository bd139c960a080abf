"""compose.yaml: valid, and as careful as the manifests are."""

import subprocess
import sys

import pytest
import yaml

from conftest import cluster_of
from policies.pods import PINNED
from render import ROOT

FILE = ROOT / "infra/docker/compose.yaml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES = COMPOSE["services"]
OURS = {"worker", "spin"}


def test_it_is_valid():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_mistake_is_noticed(tmp_path):
    broken = tmp_path / "compose.yaml"
    broken.write_text(FILE.read_text().replace("read_only: true", "readonly: true"))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(broken)]
    assert subprocess.run(command, capture_output=True).returncode == 1


def test_it_has_the_whole_system():
    assert set(SERVICES) == {"redis", "worker", "spin", "prometheus", "grafana"}


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_confined(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    # Where it is not said here, the image says it.
    assert name in OURS or not service["user"].startswith("0")
    assert service["healthcheck"]["test"]
    assert "mem_limit" in service


@pytest.mark.parametrize("name", SERVICES)
def test_image_has_a_version(name):
    image = SERVICES[name]["image"]
    assert PINNED.match(image) or (name in OURS and image.endswith(":0.1.0")), image


def test_versions_are_those_of_the_cluster():
    in_cluster = {c["image"] for w in cluster_of("hyperscale").workloads for c in w.containers}
    for name in set(SERVICES) - OURS:
        assert SERVICES[name]["image"] in in_cluster


def test_nothing_is_reachable_from_other_machines():
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"
    # Redis and the worker ask for no password here.
    for name in ("redis", "worker"):
        assert SERVICES[name]["networks"] == ["inside"] and "ports" not in SERVICES[name]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_parts_wait_for_what_they_need():
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}, f"{name} waits for {needed} {how}"
    assert set(SERVICES["spin"]["depends_on"]) == {"redis", "worker"}


def test_mounted_files_are_there():
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (FILE.parent / source).exists(), f"{name}: {source}"
            else:
                assert source in COMPOSE["volumes"], f"{name}: {source}"
