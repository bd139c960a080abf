"""The image of the worker: what the Containerfile says, and that what it builds needs nothing else."""

import os
import platform
import re
import shutil
import struct
import subprocess

import pytest

import sandbox
from render import ROOT

CONTAINERFILE = (ROOT / "infra/docker/Containerfile").read_text()
TARGET = f"{platform.machine()}-unknown-linux-musl"

# 3.3 MB with the Containerfile's optimisations, 5.3 MB with those of `make build`, which are used here.
LARGEST = 8 << 20

PT_INTERP = 3


@pytest.fixture(scope="module")
def binaries():
    if platform.system() != "Linux" or not shutil.which("rustup"):
        pytest.skip("a static binary is built with rustup, on Linux")
    if subprocess.run(["rustup", "target", "add", TARGET], capture_output=True).returncode != 0:
        pytest.skip(f"rustup could not add {TARGET}")
    command = ["cargo", "build", "--quiet", "--locked", "--profile", "native", "--target", TARGET]
    subprocess.run([*command, "-p", "projection", "-p", "probe"], cwd=ROOT, check=True, env=os.environ)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / TARGET / "native"


def has_interpreter(binary: bytes) -> bool:
    """Whether the kernel has to load a dynamic linker for it."""
    (table,) = struct.unpack_from("<Q", binary, 32)
    size, count = struct.unpack_from("<HH", binary, 54)
    return any(struct.unpack_from("<I", binary, table + size * index)[0] == PT_INTERP for index in range(count))


@pytest.mark.parametrize("name", ["projection-worker", "probe"])
def test_binary_is_static_and_small(binaries, name):
    binary = (binaries / name).read_bytes()
    assert binary[:4] == b"\x7fELF" and not has_interpreter(binary)
    assert len(binary) < LARGEST


def test_a_dynamic_binary_is_noticed():
    with open(shutil.which("python3") and os.path.realpath("/bin/sh"), "rb") as shell:
        assert has_interpreter(shell.read())


def test_worker_runs_in_an_empty_image(binaries):
    sandbox.run("empty_root.py", ["redis-server"], str(binaries))


def stages() -> dict[str, str]:
    """The instructions of each stage, by its name."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", CONTAINERFILE, flags=re.M)
    return {name: f"FROM {base}\n{body}" for base, name, body in zip(parts[1::3], parts[2::3], parts[3::3])}


def test_images_are_confined():
    for name in ("worker", "spin"):
        stage = stages()[name]
        assert "\nUSER 65532:65532\n" in stage
        assert "\nHEALTHCHECK " in stage
        assert "\nRUN " not in stage, "there is no shell in it"
    assert stages()["worker"].startswith("FROM scratch\n")


def test_bases_are_pinned():
    images = re.findall(r"^ARG \w+_IMAGE=(\S+)$", CONTAINERFILE, flags=re.M)
    assert len(images) == 2
    for image in images:
        assert re.search(r":v?\d+\.\d+", image), image


def test_what_is_copied_is_there():
    for line in re.findall(r"^COPY (?!--from)(.+)$", CONTAINERFILE, flags=re.M):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
