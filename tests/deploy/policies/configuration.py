"""What the parts are told: durable Redis, memory that fits, volumes where something is kept, no credentials."""

import re

from cluster import Cluster

DURABLE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
UNITS = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "mb": 1 << 20, "gb": 1 << 30}


def bytes_of(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", str(quantity)).groups()
    return int(number) * UNITS[unit]


def directives(text: str) -> dict:
    lines = (line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {line[0]: line[1] if len(line) > 1 else "" for line in lines}


def redis_is_durable(cluster: Cluster) -> list[str]:
    broken = []
    for config in cluster.of_kind("ConfigMap"):
        if "redis.conf" not in config["data"]:
            continue
        given = directives(config["data"]["redis.conf"])
        for name, value in DURABLE.items():
            if given.get(name) != value:
                broken.append(f"ConfigMap {config['metadata']['name']}: {name} is {given.get(name)}, not {value}")
    mounted = {
        volume["configMap"]["name"]
        for workload in redis_of(cluster)
        for volume in workload.pod["volumes"]
        if "configMap" in volume
    }
    if not any("redis.conf" in (cluster.named("ConfigMap", name) or {"data": {}})["data"] for name in mounted):
        broken.append("no Redis mounts a redis.conf")
    return broken


def redis_of(cluster: Cluster) -> list:
    return [workload for workload in cluster.workloads if workload.labels.get("app.kubernetes.io/name") == "redis"]


def redis_fits(cluster: Cluster) -> list[str]:
    """Rewriting the log forks: what changes meanwhile is there twice."""
    broken = []
    for workload in redis_of(cluster):
        container = workload.pod["containers"][0]
        most = next((v["value"] for v in container["env"] if v["name"] == "REDIS_MAXMEMORY"), None)
        limit = container.get("resources", {}).get("limits", {}).get("memory")
        if most is None or limit is None or 2 * bytes_of(most) > bytes_of(limit):
            broken.append(f"{workload}: maxmemory {most} is more than half of its limit {limit}")
    return broken


def redis_is_replicated(cluster: Cluster) -> list[str]:
    """Hyperscale: three nodes for each context, with a Sentinel each, and a proxy that the context's Service selects."""
    if cluster.overlay == "desktop":
        return []
    broken = []
    for context in ("user", "friend", "view"):
        nodes = next((w for w in redis_of(cluster) if w.name == f"{context}-redis"), None)
        if nodes is None or nodes.replicas != 3 or [c["name"] for c in nodes.containers] != ["redis", "sentinel"]:
            broken.append(f"{context}: not three nodes with a Redis and a Sentinel each")
            continue
        if not any(c["whenUnsatisfiable"] == "DoNotSchedule" for c in nodes.pod.get("topologySpreadConstraints", [])):
            broken.append(f"{context}: two nodes may be on one machine, and be lost with it")
        service = cluster.named("Service", f"{context}-redis")
        behind = [w.name for w in cluster.selected({"matchLabels": service["spec"]["selector"]})] if service else []
        if behind != [f"{context}-redis-proxy"]:
            broken.append(f"{context}: Service {context}-redis leads to {behind}, not to its proxy")
    return broken


def worker_fits(cluster: Cluster) -> list[str]:
    """A rebuild keeps a second graph beside the first."""
    broken = []
    for workload in (w for w in cluster.workloads if w.name == "worker"):
        container = workload.pod["containers"][0]
        budget = next((v["value"] for v in container["env"] if v["name"] == "WORKER_MEMORY_BUDGET"), None)
        limit = container.get("resources", {}).get("limits", {}).get("memory", "0")
        if budget is not None and 2 * int(budget) > bytes_of(limit):
            broken.append(f"{workload}: its budget {budget} is more than half of its limit {limit}")
    return broken


def what_is_kept_has_a_volume(cluster: Cluster) -> list[str]:
    kept = {"redis": "/data", "worker": "/snapshots", "prometheus": "/prometheus"}
    broken = []
    for workload in cluster.workloads:
        path = kept.get(workload.labels.get("app.kubernetes.io/name"))
        claims = {claim["metadata"]["name"] for claim in workload.claims}
        mounts = [m for c in workload.containers for m in c.get("volumeMounts", []) if m["mountPath"] == path]
        if path and not any(mount["name"] in claims for mount in mounts):
            broken.append(f"{workload}: {path} is not on a volume that stays")
    return broken


def no_credentials(cluster: Cluster) -> list[str]:
    broken = []
    for secret in cluster.of_kind("Secret"):
        # The operator takes Spin's runtime configuration from a Secret only; test_runtime_config.py looks inside.
        if not secret["metadata"]["name"].startswith("spin-runtime-config"):
            broken.append(f"Secret {secret['metadata']['name']}: in a manifest")
    for workload in cluster.workloads:
        for container in workload.containers:
            for variable in container.get("env", []):
                secret = re.search(r"PASSWORD|CREDENTIALS|TOKEN|REDISCLI_AUTH", variable["name"])
                if secret and variable.get("value"):
                    broken.append(f"{workload}: {variable['name']} is in the manifest")
                if re.search(r"://[^/$]*:[^/$]+@", variable.get("value") or ""):
                    broken.append(f"{workload}: {variable['name']} has a password in it")
    return broken


POLICIES = [
    redis_is_durable,
    redis_fits,
    redis_is_replicated,
    worker_fits,
    what_is_kept_has_a_volume,
    no_credentials,
]
