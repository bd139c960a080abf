"""The programs of the pods, run as processes: with the commands, scripts, settings and names that the manifests give them."""

import pytest

import sandbox
from render import ROOT


def test_redis_leads_to_its_primary_whatever_happens():
    sandbox.run("redis_failover.py", ["redis-server", "redis-cli", "haproxy"])


def test_front_sends_each_path_to_its_class():
    sandbox.run("front_routes.py", ["haproxy"])


def test_system_goes_on_when_a_primary_dies():
    missing = [name for name in ("host", "projection-worker") if not (ROOT / "target/native" / name).exists()]
    if missing:
        pytest.skip(f"{missing} not built: make build")
    sandbox.run("system_failover.py", ["redis-server", "redis-cli", "haproxy"])
