"""Scenario: the worker's image as it is built: two static files and an empty folder, read-only, and a user who is not root."""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from sandbox import network
from sandbox.pods import Process, wait_for

USER = 65532
ADDRESS = "127.0.0.1:9100"


def image(binaries: Path) -> Path:
    """A folder as COPY leaves it, mounted so that nobody can write to it."""
    root = Path(tempfile.mkdtemp(prefix="image-"))
    for name in ("projection-worker", "probe"):
        shutil.copy(binaries / name, root / name)
        (root / name).chmod(0o755)
    root.chmod(0o755)
    subprocess.run(["mount", "--bind", root, root], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", root], check=True)
    return root


def confined(root: Path):
    def enter() -> None:
        os.chroot(root)
        os.chdir("/")
        try:
            os.setgroups([])
            os.setgid(USER)
            os.setuid(USER)
        except PermissionError:
            # In a namespace of one user there is no other, and this one is not root outside.
            pass

    return enter


def probe(root: Path, target: str) -> int:
    return subprocess.run(["/probe", target], preexec_fn=confined(root), env={}, timeout=10).returncode


if __name__ == "__main__":
    network.start()
    root = image(Path(sys.argv[1]))
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    Process("redis", ["redis-server", "--save", "", "--dir", str(folder)], {}, folder / "redis.log").start()

    assert probe(root, f"{ADDRESS}/readyz") == 1, "nobody listens yet"
    # No environment but what the image and the manifest say.
    worker = subprocess.Popen(
        ["/projection-worker"], preexec_fn=confined(root), env={"WORKER_LISTEN": ADDRESS}, stderr=subprocess.DEVNULL
    )
    answer = wait_for("the worker is ready", lambda: urllib.request.urlopen(f"http://{ADDRESS}/readyz").read())
    assert b'"caughtUp":true' in answer, answer
    assert probe(root, f"{ADDRESS}/readyz") == 0
    assert probe(root, f"{ADDRESS}/no-such-path") == 1
    assert probe(root, "readyz") == 2

    mapped = {line.split()[5] for line in Path(f"/proc/{worker.pid}/maps").read_text().splitlines() if "/" in line}
    assert len(mapped) == 1, f"it needs more than itself: {mapped}"
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines() if ":\t" in line
    )
    if os.getuid() == 0 and status["Uid"].split()[0] != "0":
        assert status["Uid"].split() == [str(USER)] * 4
    print(
        f"ok {(root / 'projection-worker').stat().st_size} bytes, {status['VmRSS'].strip()} resident, uid {status['Uid'].split()[0]}"
    )
    worker.terminate()
    assert worker.wait(15) == 0
