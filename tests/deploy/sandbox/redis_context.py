"""The Redis of one context as the hyperscale overlay runs it: three nodes with their Sentinels, two proxies."""

import shutil
import tempfile
from pathlib import Path

from cluster import Cluster
from render import resources
from sandbox import network
from sandbox.network import NAMESPACE
from sandbox.pods import Process, environment, wait_for, write_config_map
from sandbox.resp import Redis

CONTEXT = "user"
PASSWORD = "a-password-of-letters-and-2-digits"
SECRETS = {f"{CONTEXT}-redis": {"password": PASSWORD, "credentials": f":{PASSWORD}@"}}
DOMAIN = f"{CONTEXT}-redis-nodes.{NAMESPACE}.svc.cluster.local"

# Instead of 10 s: a test need not wait that long. The rest is as in the cluster.
QUICK = {"SENTINEL_DOWN_AFTER_MS": "2000"}


class Node:
    def __init__(self, cluster: Cluster, number: int, folder: Path):
        workload = next(w for w in cluster.workloads if w.name == f"{CONTEXT}-redis")
        self.number, self.address = number, f"127.0.1.{10 + number}"
        self.pod, self.data = f"{CONTEXT}-redis-{number}", folder / f"node-{number}"
        self.name = f"{self.pod}.{DOMAIN}"
        self.data.mkdir()
        scripts, config = folder / f"scripts-{number}", folder / f"config-{number}"
        write_config_map(cluster, workload, "scripts", scripts)
        write_config_map(cluster, workload, "config", config)
        facts = {
            "metadata.labels['app.kubernetes.io/instance']": CONTEXT,
            "metadata.namespace": NAMESPACE,
            "metadata.name": self.pod,
            "status.podIP": self.address,
        }
        where = {"DATA_DIR": str(self.data), "REDIS_CONFIG": str(config / "redis.conf")} | QUICK
        self.containers = {}
        for container in workload.containers:
            variables = environment(container, facts, SECRETS) | where
            command = [word.replace("/scripts/", f"{scripts}/") for word in container["command"]]
            log = folder / f"{self.pod}-{container['name']}.log"
            self.containers[container["name"]] = Process(f"{self.pod} {container['name']}", command, variables, log)
        self.redis, self.sentinel = self.containers["redis"], self.containers["sentinel"]
        self.hand_over_command = [
            word.replace("/scripts/", f"{scripts}/")
            for word in workload.containers[0]["lifecycle"]["preStop"]["exec"]["command"]
        ]
        network.ADDRESSES[self.name] = [self.address]

    def start(self) -> None:
        self.redis.start()
        self.sentinel.start()

    def client(self) -> Redis:
        return Redis(self.address, 6379, PASSWORD)

    def role(self) -> str:
        return self.client().command("ROLE")[0]

    def in_step(self) -> bool:
        return "master_link_status:up" in self.client().command("INFO", "replication")

    def watches_everybody(self) -> bool:
        """Its Sentinel has heard of both replicas and both other Sentinels: it learns every 10 s."""
        sentinel = Redis(self.address, 26379, PASSWORD)
        return all(len(sentinel.command("SENTINEL", of, "redis")) == 2 for of in ("REPLICAS", "SENTINELS"))

    def lose_volume(self) -> None:
        shutil.rmtree(self.data)
        self.data.mkdir()

    def hand_over(self) -> Process:
        """What the kubelet runs before it ends the node."""
        log = self.redis.log.with_suffix(".hand-over")
        return Process(f"{self.pod} hand-over", self.hand_over_command, self.redis.variables, log).start()


class Proxy:
    def __init__(self, cluster: Cluster, number: int, folder: Path):
        workload = next(w for w in cluster.workloads if w.name == f"{CONTEXT}-redis-proxy")
        container = workload.containers[0]
        self.address, config = f"127.0.2.{10 + number}", folder / f"proxy-{number}"
        write_config_map(cluster, workload, "config", config)
        facts = {
            "metadata.labels['app.kubernetes.io/instance']": CONTEXT,
            "metadata.namespace": NAMESPACE,
            "status.podIP": self.address,
        }
        command = [word.replace("/etc/haproxy", str(config)) for word in container["command"]]
        log = folder / f"proxy-{number}.log"
        self.process = Process(f"proxy {number}", command, environment(container, facts, SECRETS), log).start()

    def client(self) -> Redis:
        return Redis(self.address, 6379, PASSWORD)


class Context:
    def __init__(self):
        network.start()
        self.folder = Path(tempfile.mkdtemp(prefix="redis-"))
        cluster = Cluster(resources("hyperscale"), "hyperscale")
        self.nodes = [Node(cluster, number, self.folder) for number in range(3)]
        for node in self.nodes:
            node.start()
        self.proxies = [Proxy(cluster, number, self.folder) for number in range(2)]

    def primary(self) -> Node | None:
        """The node that the first proxy leads to."""
        said = self.proxies[0].client().command("CONFIG", "GET", "bind")[1]
        return next(node for node in self.nodes if node.address == said)

    def wait_until_whole(self) -> Node:
        """A primary that all proxies lead to, and two replicas that have what it has."""
        primary = wait_for("a primary behind the proxy", self.primary, 60)
        for proxy in self.proxies:
            wait_for("both proxies lead to it", lambda: proxy.client().command("ROLE")[0] == "master")
        for node in self.nodes:
            wait_for(f"the Sentinel of {node.pod} knows the others", node.watches_everybody)
            if node is not primary:
                wait_for(f"{node.pod} follows", lambda: node.role() == "slave" and node.in_step(), 60)
        return primary

    def logs(self) -> str:
        return "".join(f"\n--- {log.name}\n{log.read_text()[-2500:]}" for log in sorted(self.folder.glob("*.log")))
