"""What Spin is told besides spin.toml: runtime-config.toml, and the variables of compose.yaml."""

import re
import tomllib

import pytest
import yaml

from policies.functions import COMPONENTS, MANIFEST
from render import ROOT

CONFIG = ROOT / "infra/spin/runtime-config.toml"

# What Spin 4.1 knows (crates/runtime-config, and the factors that it reads for); it refuses to start over another key.
KNOWN = {
    "outbound_http": {"connection_pooling", "max_connections"},
    "outbound_networking": {"block_networks", "max_socket_connections", "max_total_connections"},
    "outbound_redis": {"max_connections"},
}


def test_runtime_config_has_known_keys_and_no_credentials():
    config = tomllib.loads(CONFIG.read_text())
    for section, values in config.items():
        assert section in KNOWN, section
        assert set(values) <= KNOWN[section], section
    # The section's default is not the one of Spin without the section.
    assert config["outbound_http"]["connection_pooling"] is True
    assert "169.254.0.0/16" in config["outbound_networking"]["block_networks"]
    assert not re.search(r"password|token|secret_id", CONFIG.read_text(), re.I)


def test_no_component_uses_what_is_left_out():
    for name, component in COMPONENTS.items():
        for grant in ("key_value_stores", "sqlite_databases", "ai_models"):
            assert grant not in component, f"{name} uses {grant}: runtime-config.toml says that nobody does"


def test_every_cluster_has_it(cluster):
    for app in cluster.of_kind("SpinApp"):
        secret = cluster.named("Secret", app["spec"]["runtimeConfig"]["loadFromSecret"])
        assert list(secret["data"]) == ["runtime-config.toml"]


@pytest.fixture
def compose() -> dict:
    return yaml.safe_load((ROOT / "infra/docker/compose.yaml").read_text())


def test_compose_sets_the_variables_of_the_manifest(compose):
    given = {
        name.removeprefix("SPIN_VARIABLE_").lower()
        for name in compose["services"]["spin"]["environment"]
        if name.startswith("SPIN_VARIABLE_")
    }
    # Its Redis asks for no password.
    secret = {name for name, variable in MANIFEST["variables"].items() if variable.get("secret")}
    assert given == set(MANIFEST["variables"]) - secret


def test_addresses_in_compose_are_its_services(compose):
    for name in ("spin", "worker"):
        for variable, value in compose["services"][name]["environment"].items():
            found = re.fullmatch(r"(?:\w+://)?([a-z]+):\d+(/.*)?", value)
            if found:
                assert found[1] in compose["services"], f"{variable}={value}"
