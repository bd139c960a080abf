"""Scenario: the whole system over the replicated Redis, with the settings that its pods have. The primary dies in the middle.

The runtime is the embedded one, in the place of Spin: one process with every component, as in the desktop overlay. One
context's Redis stands for all three; the three names lead to its proxies.
"""

import http.client
import json
import sys
import tempfile
import time
from pathlib import Path

from cluster import Cluster
from render import ROOT, resources
from sandbox import network
from sandbox.network import NAMESPACE
from sandbox.pods import Process, environment, wait_for
from sandbox.redis_context import SECRETS, Context

API, WORKER = "127.0.5.1", "127.0.5.2"
NATIVE = ROOT / "target/native"


class System:
    def __init__(self):
        self.context = Context()
        proxies = [proxy.address for proxy in self.context.proxies]
        names = {
            "user-redis": proxies,
            "friend-redis": proxies,
            "view-redis": proxies,
            "social": [API],
            "worker": [WORKER],
        }
        network.ADDRESSES.update({f"{name}.{NAMESPACE}.svc.cluster.local": at for name, at in names.items()})
        self.context.wait_until_whole()

        cluster, folder = Cluster(resources("desktop"), "desktop"), Path(tempfile.mkdtemp(prefix="system-"))
        secret = next(iter(SECRETS.values()))
        secrets = {f"{context}-redis": secret for context in ("user", "friend", "view")}
        pods = {workload.name: workload.containers[0] for workload in cluster.workloads}
        # The pods have an address each; here they share one network.
        worker = environment(pods["worker"], {}, secrets) | {"WORKER_LISTEN": f"{WORKER}:9100"}
        worker["WORKER_SNAPSHOT_DIR"] = str(folder)
        functions = environment(pods["social"], {}, secrets)
        host = [str(NATIVE / "host"), "--from", str(ROOT / "spin.toml"), "--listen", f"{API}:80"]
        host += ["--log-dir", str(folder / "components"), "--cache-dir", str(folder / "cache")]
        self.logs = [folder / "worker.log", folder / "host.log"]
        self.worker = Process("worker", [str(NATIVE / "projection-worker")], worker, self.logs[0]).start()
        self.host = Process("host", host, functions, self.logs[1]).start()

    def ask(self, method: str, path: str, body: dict | None = None):
        connection = http.client.HTTPConnection(API, 80, timeout=10)
        text = json.dumps(body) if body else None
        connection.request(method, path, text, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or "null")

    def person(self, name: str) -> int | None:
        status, body = self.ask("POST", "/user/v1/users", {"firstName": name, "lastName": "Tester"})
        return body["id"] if status == 201 else None

    def befriend(self, one: int, other: int) -> None:
        answer = self.ask("POST", f"/friend/v1/users/{one}/commands/addFriend?friendId={other}")
        assert answer[0] == 201, answer

    def recommended(self, person: int) -> list[int]:
        status, body = self.ask("GET", f"/recommendation/v1/users/{person}/commands/recommendFriends")
        return [entry["user"]["id"] for entry in body] if status == 200 else []

    def found(self, name: str) -> bool:
        status, body = self.ask("GET", f"/user/v1/directory?name={name}")
        return status == 200 and name in json.dumps(body)


def works(system: System) -> None:
    status = lambda: system.ask("GET", "/recommendation/actuator/health")[0]
    wait_for("the system is healthy", lambda: status() == 200, 120)
    ada, grace, alan = (system.person(name) for name in ("Ada", "Grace", "Alan"))
    system.befriend(ada, grace)
    system.befriend(grace, alan)
    wait_for("Ada may know Alan", lambda: system.recommended(ada) == [alan])
    wait_for("the directory has Alan", lambda: system.found("Alan"))


def goes_on_without_its_primary(system: System) -> None:
    primary = system.context.wait_until_whole()
    began = time.monotonic()
    primary.redis.kill()
    status, problem = system.ask("POST", "/user/v1/users", {"firstName": "Too", "lastName": "Early"})
    assert status == 503 and problem["status"] == 503, (status, problem)
    edsger = wait_for("a command is accepted again", lambda: system.person("Edsger"), 60)
    print(
        f"   commands again after {time.monotonic() - began:.1f} s, 2 s of it until Sentinel believes that the primary is gone"
    )
    # What was acknowledged before is there; what comes now reaches graph and read models without anybody's help.
    assert system.ask("GET", "/user/v1/users/3")[1]["firstName"] == "Alan"
    system.befriend(3, edsger)
    wait_for("Grace may know Edsger", lambda: edsger in system.recommended(2))
    wait_for("the directory has Edsger", lambda: system.found("Edsger"))


if __name__ == "__main__":
    system = System()
    for scene in (works, goes_on_without_its_primary):
        try:
            scene(system)
            print(f"ok {scene.__name__}", flush=True)
        except Exception:
            for log in system.logs:
                print(f"--- {log.name}\n{log.read_text()[-3000:]}", file=sys.stderr)
            raise
