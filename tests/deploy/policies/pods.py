"""What every container must be, whoever wrote its manifest: the policy's additions to a SpinApp's pods count."""

import re

from cluster import Cluster

# Pod Security "restricted": the volumes that it allows.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SYSCTLS = {"net.ipv4.ip_unprivileged_port_start"}

# repository:version, the version beginning with a number: neither nothing, nor `latest`, nor a branch.
PINNED = re.compile(r"^[\w.\-/]+(:\d+)?/[\w.\-/]+:v?\d+(\.\d+)+[\w.\-]*$")


def restricted(cluster: Cluster) -> list[str]:
    """Pod Security "restricted", which the namespace enforces."""
    broken = []
    for workload in cluster.workloads:
        pod, context = workload.pod, workload.pod.get("securityContext", {})

        def must(holds: bool, what: str, subject=workload) -> None:
            if not holds:
                broken.append(f"{subject}: {what}")

        must(context.get("runAsNonRoot") is True, "runAsNonRoot is not set")
        must(context.get("runAsUser", 0) != 0, "runAsUser is root, or not said")
        must(context.get("seccompProfile", {}).get("type") == "RuntimeDefault", "seccompProfile is not RuntimeDefault")
        must({sysctl["name"] for sysctl in context.get("sysctls", [])} <= SYSCTLS, "a sysctl that is not allowed")
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            must(not pod.get(key), f"{key} is set")
        for volume in pod.get("volumes", []):
            must(set(volume) - {"name"} <= VOLUMES, f"volume {volume['name']} is of a kind that is not allowed")
        for container in workload.containers:
            own, name = container.get("securityContext", {}), container["name"]
            must(
                own.get("allowPrivilegeEscalation") is False, f"container {name}: allowPrivilegeEscalation is not false"
            )
            must(
                own.get("capabilities", {}) == {"drop": ["ALL"]}, f"container {name}: capabilities are not all dropped"
            )
            must(not own.get("privileged"), f"container {name}: privileged")
            must(own.get("runAsUser") != 0 and own.get("runAsNonRoot") is not False, f"container {name}: runs as root")
            for port in container.get("ports", []):
                must("hostPort" not in port, f"container {name}: hostPort")
    return broken


def read_only(cluster: Cluster) -> list[str]:
    return [
        f"{workload}: container {container['name']}: readOnlyRootFilesystem is not set"
        for workload in cluster.workloads
        for container in workload.containers
        if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True
    ]


def resources(cluster: Cluster) -> list[str]:
    """Requests to be scheduled by, a memory limit to be ended at; no limit of the processor, which only makes it slow."""
    broken = []
    for workload in cluster.workloads:
        for container in workload.containers:
            given = container.get("resources", {})
            for kind, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
                if name not in given.get(kind, {}):
                    broken.append(f"{workload}: container {container['name']}: no {kind} of {name}")
            if "cpu" in given.get("limits", {}):
                broken.append(f"{workload}: container {container['name']}: a limit of the processor")
    return broken


def probes(cluster: Cluster) -> list[str]:
    return [
        f"{workload}: container {container['name']}: no {probe}"
        for workload in cluster.workloads
        for container in workload.pod["containers"]
        for probe in ("livenessProbe", "readinessProbe")
        if probe not in container
    ]


def probes_reach_a_port(cluster: Cluster) -> list[str]:
    broken = []
    for workload in cluster.workloads:
        for container in workload.pod["containers"]:
            for probe in ("livenessProbe", "readinessProbe"):
                port = container.get(probe, {}).get("httpGet", {}).get("port")
                if port is not None and workload.port(port) is None:
                    broken.append(f"{workload}: {probe} asks port {port}, which the pod does not have")
    return broken


def pinned_images(cluster: Cluster) -> list[str]:
    images = {
        (str(workload), container["image"]) for workload in cluster.workloads for container in workload.containers
    }
    images |= {(f"SpinApp {app['metadata']['name']}", app["spec"]["image"]) for app in cluster.of_kind("SpinApp")}
    return [f"{where}: image {image} has no version" for where, image in sorted(images) if not PINNED.match(image)]


def no_token(cluster: Cluster) -> list[str]:
    """Nothing here calls the cluster's API, so nothing gets a token for it."""
    return [
        f"{workload}: automountServiceAccountToken is not false"
        for workload in cluster.workloads
        if workload.pod.get("automountServiceAccountToken") is not False
    ]


def ends_in_order(cluster: Cluster) -> list[str]:
    """What serves requests waits until no Service sends any before it ends, and has the time to end what it began."""
    broken = []
    for workload in cluster.workloads:
        if not serves(workload):
            continue
        waits = [
            container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            for container in workload.pod["containers"]
        ]
        if max(waits) < 5:
            broken.append(f"{workload}: no preStop sleep of 5 s")
        # 10 s is what the parts take at most to answer what they have accepted.
        if workload.pod.get("terminationGracePeriodSeconds", 30) < max(waits) + 10:
            broken.append(f"{workload}: terminationGracePeriodSeconds is too short")
    return broken


def serves(workload) -> bool:
    """Requests of users: Redis hands over in its own way, and nobody waits for what only watches."""
    return workload.labels.get("app.kubernetes.io/name") in ("functions", "worker", "front", "redis-proxy")


def enforced(cluster: Cluster) -> list[str]:
    namespaces = cluster.of_kind("Namespace")
    if len(namespaces) != 1:
        return [f"{len(namespaces)} namespaces"]
    level = namespaces[0]["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
    return [] if level == "restricted" else [f"the namespace enforces {level}, not restricted"]


POLICIES = [
    restricted,
    read_only,
    resources,
    probes,
    probes_reach_a_port,
    pinned_images,
    no_token,
    ends_in_order,
    enforced,
]
