"""Renders the overlays with kustomize, as `kubectl apply -k` would."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "infra/k8s"
OVERLAYS = ["desktop", "hyperscale", "hyperscale-keda"]

# Components came with kustomize 3.7, anchors and the fields of `labels` later; what was tested is 5.5 and 5.7.
KUSTOMIZE_NEEDED = (5, 0)


def _kustomize_version(kubectl: str) -> tuple[int, ...]:
    said = subprocess.run([kubectl, "version", "--client"], capture_output=True, text=True).stdout
    found = re.search(r"Kustomize Version: v(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0, 0)


@functools.cache
def kubectl() -> str:
    """The kubectl that setup.sh found or installed."""
    for candidate in (str(ROOT / ".local/deploy/bin/kubectl"), shutil.which("kubectl")):
        if candidate and Path(candidate).exists() and _kustomize_version(candidate) >= KUSTOMIZE_NEEDED:
            return candidate
    raise SystemExit("no kubectl with kustomize 5: sh infra/dev/setup.sh deploy installs one")


@functools.cache
def render(folder: Path) -> str:
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{folder} cannot be rendered: {done.stderr}")
    return done.stdout


def resources(overlay: str) -> list[dict]:
    return [document for document in yaml.safe_load_all(render(K8S / "overlays" / overlay)) if document]


def main() -> None:
    """`make k8s-render`."""
    folder = ROOT / ".local/k8s"
    folder.mkdir(parents=True, exist_ok=True)
    for overlay in OVERLAYS:
        target = folder / f"{overlay}.yaml"
        target.write_text(render(K8S / "overlays" / overlay))
        print(f"{target.relative_to(ROOT)}: {len(resources(overlay))} objects")


if __name__ == "__main__":
    main()
