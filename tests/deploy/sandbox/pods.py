"""Containers as processes: what a manifest says is run, with the environment that it would have in a pod."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from cluster import Cluster


def environment(container: dict, facts: dict, secrets: dict) -> dict:
    """A container's variables: fields of the pod, keys of Secrets, and $(OTHERS)."""
    values: dict[str, str] = {}
    for variable in container.get("env", []):
        source = variable.get("valueFrom", {})
        if field := source.get("fieldRef"):
            value = facts[field["fieldPath"]]
        elif key := source.get("secretKeyRef"):
            value = secrets[key["name"]][key["key"]]
        else:
            value = re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], variable.get("value", ""))
        values[variable["name"]] = value
    return values


def write_config_map(cluster: Cluster, workload, volume: str, folder: Path) -> None:
    """What a pod would have mounted."""
    name = next(v["configMap"]["name"] for v in workload.pod["volumes"] if v["name"] == volume)
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in cluster.named("ConfigMap", name)["data"].items():
        (folder / file).write_text(text)


class Process:
    """One container. Its log is beside its data."""

    def __init__(self, name: str, command: list[str], variables: dict, log: Path):
        self.name, self.command, self.variables, self.log = name, command, variables, log
        self.child: subprocess.Popen | None = None

    def start(self) -> "Process":
        with self.log.open("a") as log:
            self.child = subprocess.Popen(
                self.command, env=os.environ | self.variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        return self

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    def terminate(self, patience: float = 30) -> int:
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(patience)

    def ended(self, patience: float) -> int:
        return self.child.wait(patience)


def wait_for(what: str, condition, patience: float = 30, every: float = 0.1):
    """The first true answer of `condition`."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if answer := condition():
                return answer
        except OSError:
            pass
        time.sleep(every)
    raise AssertionError(f"not within {patience} s: {what}")
