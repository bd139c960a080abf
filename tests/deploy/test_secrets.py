"""secrets.sh makes what the manifests refer to."""

import subprocess

import pytest
import yaml

from policies.references import REQUIRED_SECRETS
from render import K8S

SCRIPT = K8S / "secrets.sh"


def printed(overlay: str) -> dict:
    done = subprocess.run(["sh", str(SCRIPT), "--print", overlay], capture_output=True, text=True, check=True)
    return {secret["metadata"]["name"]: secret for secret in yaml.safe_load_all(done.stdout)}


@pytest.mark.parametrize("overlay", ["desktop", "hyperscale"])
def test_it_makes_what_is_asked_for(overlay):
    secrets = printed(overlay)
    assert set(secrets) == set(REQUIRED_SECRETS) - {"api-tls"}
    for name, secret in secrets.items():
        data = secret["stringData"]
        assert set(data) == REQUIRED_SECRETS[name]
        assert secret["metadata"]["namespace"] == "social-network"
        assert len(data["password"]) == 64 and data["password"].isalnum()
        assert data["credentials"] == f":{data['password']}@"


def test_contexts_share_a_password_only_where_they_share_a_redis():
    assert len({secret["stringData"]["password"] for secret in printed("desktop").values()}) == 1
    assert len({secret["stringData"]["password"] for secret in printed("hyperscale").values()}) == 3
    assert printed("hyperscale") != printed("hyperscale")


def test_a_wrong_call_is_told():
    done = subprocess.run(["sh", str(SCRIPT), "laptop"], capture_output=True, text=True)
    assert done.returncode == 2 and "laptop: it is desktop or hyperscale" in done.stderr
