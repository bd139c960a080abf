"""Runs the programs of an overlay as its pods would: their own commands, scripts and settings, in a network of their own.

A scenario is a program of this folder. It runs in new namespaces, where it may bind every port and every loopback address,
and where the names of Services and pods are answered by a small name server. Whatever it starts ends with it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def _unshare() -> list[str]:
    return NAMESPACES if os.geteuid() == 0 else [*NAMESPACES, "--user", "--map-root-user"]


def run(scenario: str, needs: list[str], *arguments: str) -> None:
    for program in needs:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: sh infra/dev/setup.sh deploy")
    if not shutil.which("unshare") or subprocess.run([*_unshare(), "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine does not let us have namespaces of our own")
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        environment = os.environ | {"PYTHONPATH": str(HERE.parent), "TMPDIR": folder}
        command = [*_unshare(), sys.executable, str(HERE / scenario), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    print(done.stdout)
    assert done.returncode == 0, f"{scenario} failed:\n{done.stdout}\n{done.stderr}"
