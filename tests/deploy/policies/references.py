"""Whatever names something else names something that is there, or that whoever installs it is told to make."""

import re

from cluster import Cluster

# Made on the cluster, by secrets.sh or by what keeps your secrets: never in a manifest. A pod that misses one of the first
# three does not start, and its event names the Secret and the key; without the last, the Ingress has no certificate.
REQUIRED_SECRETS = {
    "user-redis": {"password", "credentials"},
    "friend-redis": {"password", "credentials"},
    "view-redis": {"password", "credentials"},
    "api-tls": {"tls.crt", "tls.key"},
}


def _referred(workload) -> list[tuple[str, str, str | None, bool]]:
    """Secrets and ConfigMaps that a pod refers to: kind, name, key, whether it starts without."""
    found = []
    for container in workload.containers:
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            for kind, field in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
                if reference := source.get(field):
                    found.append((kind, reference["name"], reference["key"], reference.get("optional", False)))
        for source in container.get("envFrom", []):
            for kind, field in (("Secret", "secretRef"), ("ConfigMap", "configMapRef")):
                if reference := source.get(field):
                    found.append((kind, reference["name"], None, reference.get("optional", False)))
    for volume in workload.pod.get("volumes", []):
        if secret := volume.get("secret"):
            found.append(("Secret", secret["secretName"], None, secret.get("optional", False)))
        if config := volume.get("configMap"):
            found.append(("ConfigMap", config["name"], None, config.get("optional", False)))
    return found


def _keys(cluster: Cluster, kind: str, name: str) -> set | None:
    if resource := cluster.named(kind, name):
        return set(resource.get("data", {})) | set(resource.get("binaryData", {})) | set(resource.get("stringData", {}))
    return REQUIRED_SECRETS.get(name) if kind == "Secret" else None


def secrets_and_config_maps(cluster: Cluster) -> list[str]:
    broken = []
    for workload in cluster.workloads:
        for kind, name, key, optional in _referred(workload):
            keys = _keys(cluster, kind, name)
            if keys is None:
                broken.append(f"{workload}: {kind} {name} is neither there nor one that is asked for")
            elif key is not None and key not in keys:
                broken.append(f"{workload}: {kind} {name} has no key {key}")
            # An optional one that is missing makes no event: the pod would start, and fail somewhere else.
            elif optional and not cluster.named(kind, name):
                broken.append(f"{workload}: {kind} {name} is optional, so that nothing says when it is missing")
    return broken


def certificates(cluster: Cluster) -> list[str]:
    return [
        f"Ingress {ingress['metadata']['name']}: Secret {tls['secretName']} is not one that is asked for"
        for ingress in cluster.of_kind("Ingress")
        for tls in ingress["spec"].get("tls", [])
        if tls["secretName"] not in REQUIRED_SECRETS
    ]


def variables_of_variables(cluster: Cluster) -> list[str]:
    """$(NAME) stands for a variable that was set before it; else it stays as it is, silently."""
    broken = []
    for workload in cluster.workloads:
        for container in workload.containers:
            known: set[str] = set()
            for variable in container.get("env", []):
                for name in re.findall(r"\$\((\w+)\)", variable.get("value") or ""):
                    if name not in known:
                        broken.append(f"{workload}: {variable['name']} refers to {name}, which is not set before it")
                known.add(variable["name"])
    return broken


def volumes(cluster: Cluster) -> list[str]:
    broken = []
    for workload in cluster.workloads:
        names = {volume["name"] for volume in workload.pod.get("volumes", [])}
        names |= {claim["metadata"]["name"] for claim in workload.claims}
        for container in workload.containers:
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in names:
                    broken.append(f"{workload}: volume {mount['name']} is mounted, but not there")
    return broken


def services_have_pods(cluster: Cluster) -> list[str]:
    broken = []
    for service in cluster.services:
        name = service["metadata"]["name"]
        pods = cluster.selected({"matchLabels": service["spec"]["selector"]})
        if not pods:
            broken.append(f"Service {name}: selects no pod")
        for workload in pods:
            for port in service["spec"]["ports"]:
                if workload.port(port.get("targetPort", port["port"])) is None:
                    broken.append(f"Service {name}: {workload} has no port {port.get('targetPort')}")
    return broken


def workloads_select_their_pods(cluster: Cluster) -> list[str]:
    """A selector that takes another workload's pods would make two controllers fight over them."""
    broken = []
    for workload in cluster.workloads:
        taken = [str(other) for other in cluster.selected(workload.selector)]
        if taken != [str(workload)]:
            broken.append(f"{workload}: its selector takes the pods of {taken}")
    return broken


def stateful_sets_have_names(cluster: Cluster) -> list[str]:
    broken = []
    for resource in cluster.of_kind("StatefulSet"):
        wanted = resource["spec"]["serviceName"]
        if not cluster.named("Service", wanted):
            broken.append(f"StatefulSet {resource['metadata']['name']}: there is no Service {wanted}")
    return broken


def ingress_leads_somewhere(cluster: Cluster) -> list[str]:
    broken = []
    for ingress in cluster.of_kind("Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                service = cluster.named("Service", backend["name"])
                ports = service["spec"]["ports"] if service else []
                if not any(backend["port"].get("name") == port.get("name") for port in ports):
                    broken.append(f"Ingress: {backend['name']} has no port {backend['port']}")
    return broken


def one_namespace(cluster: Cluster) -> list[str]:
    everywhere = {"Namespace", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"}
    return [
        f"{resource['kind']} {resource['metadata']['name']}: not in the namespace social-network"
        for resource in cluster.resources
        if resource["kind"] not in everywhere and resource["metadata"].get("namespace") != "social-network"
    ]


def what_is_needed_comes_first(cluster: Cluster) -> list[str]:
    """`kubectl apply` goes from top to bottom. The operator refuses a SpinApp without its executor, the API server whatever is
    in a namespace that is not there, and pods are completed by a policy that has to be known by then."""
    kinds = [resource["kind"] for resource in cluster.resources]
    first = {kind: kinds.index(kind) for kind in kinds}
    broken = [] if first["Namespace"] == 0 else ["the Namespace is not the first"]
    for kind in ("SpinAppExecutor", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"):
        if first.get(kind, len(kinds)) > first["SpinApp"]:
            broken.append(f"SpinApp comes before {kind}")
    return broken


POLICIES = [
    what_is_needed_comes_first,
    secrets_and_config_maps,
    certificates,
    variables_of_variables,
    volumes,
    services_have_pods,
    workloads_select_their_pods,
    stateful_sets_have_names,
    ingress_leads_somewhere,
    one_namespace,
]
