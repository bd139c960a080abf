"""Scenario: the front sends every path of spin.toml to the class that has its component, and copes with pods that go."""

import http.client
import json
import re
import sys
import tempfile
import time
from pathlib import Path

from cluster import Cluster
from policies.functions import MANIFEST, components_of
from render import resources
from sandbox import network
from sandbox.echo import Pod
from sandbox.network import NAMESPACE
from sandbox.pods import Process, environment, wait_for, write_config_map

FRONT = "127.0.3.10"


class Front:
    def __init__(self):
        network.start()
        self.cluster = Cluster(resources("hyperscale"), "hyperscale")
        workload = next(w for w in self.cluster.workloads if w.name == "front")
        container, folder = workload.containers[0], Path(tempfile.mkdtemp(prefix="front-"))
        write_config_map(self.cluster, workload, "config", folder)
        facts = {"metadata.namespace": NAMESPACE, "status.podIP": FRONT}
        self.pods: dict[str, list[Pod]] = {"commands": [], "queries": []}
        self.publish()
        command = [word.replace("/etc/haproxy", str(folder)) for word in container["command"]]
        self.log = folder / "front.log"
        self.process = Process("front", command, environment(container, facts, {}), self.log).start()
        wait_for("the front is ready", lambda: self.ask("/readyz", port=8404)[0] == 200)

    def publish(self) -> None:
        """Says in the name server which pods there are."""
        for name, pods in self.pods.items():
            addresses = [pod.server.server_address[0] for pod in pods]
            network.ADDRESSES[f"{name}-nodes.{NAMESPACE}.svc.cluster.local"] = addresses

    def add(self, name: str, address: str) -> Pod:
        pod = Pod(name, address)
        self.pods[name].append(pod)
        self.publish()
        return pod

    def ask(self, path: str, method: str = "GET", port: int = 8080, body: bytes | None = None):
        connection = http.client.HTTPConnection(FRONT, port, timeout=10)
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())

    def asks_until(self, path: str, wanted: int) -> None:
        wait_for(f"{path} answers {wanted}", lambda: self.ask(path)[0] == wanted)


def says_when_a_class_is_away(front: Front) -> None:
    """As the components do: a problem, and when to try again."""
    status, body, headers = front.ask("/user/v1/users", "POST", body=b"{}")
    assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/problem+json", "1")
    assert json.loads(body)["status"] == 503, body


def class_of(cluster: Cluster, component: str) -> str:
    """Where no class has it, the 404 of the queries."""
    apps = [app for app in cluster.of_kind("SpinApp") if component in components_of(app)]
    names = {app["spec"]["podLabels"]["social-network/class"] for app in apps} & {"commands", "queries"}
    assert len(names) == 1, f"{component}: {names}"
    return names.pop()


def routes_as_spin_would(front: Front) -> None:
    front.add("commands", "127.0.4.1")
    front.add("queries", "127.0.4.2")
    front.asks_until("/user/v1/users", 200)
    front.asks_until("/", 200)
    asked = 0
    for trigger in MANIFEST["trigger"]["http"]:
        wanted = class_of(front.cluster, trigger["component"])
        path = re.sub(r":\w+", "7", trigger["route"]).replace("/...", "/no/such/path")
        for spelling in (path, f"{path}/", f"{path}//", f"{path}?friendId=2&x=/user/v1/users"):
            if spelling.endswith("/live"):
                continue
            for method in ("GET", "POST", "DELETE"):
                status, body, _ = front.ask(spelling, method)
                assert (status, body) == (200, wanted), f"{method} {spelling}: {status} {body}, not {wanted}"
                asked += 1
    for path in ("/", "/user/v1/users/1/2", "/user/v1/usersx", "/friend/v1/users/1/commands/addFriends", "/user/v1"):
        assert front.ask(path)[1] == "queries", path
    print(f"   {asked} requests for the {len(MANIFEST['trigger']['http'])} routes of spin.toml")


def says_who_asks(front: Front) -> None:
    front.ask("/stats/v1")
    assert front.pods["queries"][0].asked[-1][2]["x-forwarded-for"].startswith("127.")


def streams(front: Front) -> None:
    """A live tail arrives as it is said, not when it ends."""
    connection = http.client.HTTPConnection(FRONT, 8080, timeout=10)
    began = time.monotonic()
    connection.request("GET", "/events/v1/user/live")
    assert connection.getresponse().read(7) == b": here\n"
    assert time.monotonic() - began < 0.4


def sends_a_command_once(front: Front) -> None:
    """A connection that breaks after the request was sent: what it did is not known, so it is not sent again."""
    pod = front.pods["commands"][0]
    pod.breaks, before = True, len(pod.asked)
    status, body, _ = front.ask("/user/v1/users", "POST", body=b"{}")
    time.sleep(1)
    pod.breaks = False
    assert (status, len(pod.asked) - before) == (502, 1)
    assert "may have been applied" in json.loads(body)["detail"]
    front.asks_until("/user/v1/users", 200)


def finds_and_loses_pods(front: Front) -> None:
    """Two pods share the requests; when one goes, no request fails."""
    front.add("queries", "127.0.4.3")
    first, second = front.pods["queries"]
    wait_for("the second is asked", lambda: front.ask("/stats/v1")[0] == 200 and len(second.asked) > 3)
    first.stop()
    for _ in range(50):
        assert front.ask("/stats/v1")[0] == 200
    front.pods["queries"].remove(first)
    front.publish()
    for _ in range(50):
        assert front.ask("/stats/v1")[0] == 200


def counts(front: Front) -> None:
    status, text, _ = front.ask("/metrics", port=8404)
    assert status == 200 and 'haproxy_backend_http_responses_total{proxy="queries",code="2xx"}' in text


SCENES = [
    says_when_a_class_is_away,
    routes_as_spin_would,
    says_who_asks,
    streams,
    sends_a_command_once,
    finds_and_loses_pods,
    counts,
]

if __name__ == "__main__":
    front = Front()
    for scene in SCENES:
        try:
            scene(front)
            print(f"ok {scene.__name__}", flush=True)
        except Exception:
            print(front.log.read_text()[-3000:], file=sys.stderr)
            raise
