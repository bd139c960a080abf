"""publish.sh calls what builds and pushes, and says what is missing. The tools themselves are not on this machine: here are
two that write down how they were called."""

import os
import subprocess

import pytest

from policies.functions import COMPONENTS
from render import ROOT


@pytest.fixture
def publish(tmp_path):
    """Runs publish.sh; gives what it said, and what it called."""
    calls = tmp_path / "calls"
    built = all((ROOT / component["source"]).exists() for component in COMPONENTS.values())

    def run(*arguments: str, spin: str | None = "4.1.0", **variables: str):
        for name, said in (("podman", ""), ("spin", f"spin {spin} (abcdef 2026-06-01)")):
            tool = tmp_path / name
            tool.unlink(missing_ok=True)
            if name != "spin" or spin:
                tool.write_text(f'#!/bin/sh\necho "{name} $*" >>"{calls}"\necho "{said}"\n')
                tool.chmod(0o755)
        calls.unlink(missing_ok=True)
        path = f"{tmp_path}:/usr/bin:/bin"
        environment = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "BUILDER": "podman"} | variables
        done = subprocess.run(
            ["sh", str(ROOT / "infra/docker/publish.sh"), *arguments], env=environment, capture_output=True, text=True
        )
        return done, calls.read_text().splitlines() if calls.exists() else []

    run.built = built
    return run


def test_image(publish):
    done, calls = publish("image", REGISTRY="ghcr.io/you", VERSION="1.2.3")
    assert done.returncode == 0
    wanted = "podman build --file infra/docker/Containerfile --target worker --tag ghcr.io/you/worker:1.2.3 ."
    assert calls == [wanted]


def test_push(publish):
    if not publish.built:
        pytest.skip("the components are not built: make components")
    done, calls = publish("push", REGISTRY="ghcr.io/you", VERSION="1.2.3")
    assert done.returncode == 0, done.stderr
    assert calls == [
        "spin --version",
        "podman push ghcr.io/you/worker:1.2.3",
        "spin registry push ghcr.io/you/app:1.2.3",
    ]


@pytest.mark.parametrize(
    "arguments,settings,says",
    [
        (["push"], {}, "REGISTRY is not set"),
        (["push"], {"REGISTRY": "r", "spin": None}, "the Spin CLI, 4.1 or later, which is not installed"),
        (["push"], {"REGISTRY": "r", "spin": "3.6.3"}, "spin 3.6 is installed: it has to be 4.1 or later"),
        (["push"], {"REGISTRY": "r", "spin": "4.0.1"}, "spin 4.0 is installed"),
        (["image"], {"BUILDER": "kaniko"}, "BUILDER=kaniko is not installed"),
        (["release"], {}, "release: it is image or push"),
    ],
)
def test_what_is_missing_is_named(publish, arguments, settings, says):
    done, calls = publish(*arguments, **settings)
    assert done.returncode == 2 and says in done.stderr
    assert not any(call.startswith("podman") or "registry" in call for call in calls)
