"""Who may talk to whom: derived from the NetworkPolicies as a cluster applies them, and compared with the picture."""

from cluster import Cluster, Workload

# The picture of the system, as arrows: from, to, port. Every pod may ask the cluster's DNS besides.
DESKTOP = {
    ("functions", "redis", 6379),
    ("functions", "worker", 9100),
    # The friend service asks the user service.
    ("functions", "functions", 80),
    ("functions", "registry", 443),
    ("functions", "prometheus", 9090),
    ("worker", "redis", 6379),
    ("prometheus", "worker", 9100),
    ("grafana", "prometheus", 9090),
}

CONTEXTS = ("user", "friend", "view")

HYPERSCALE = {
    ("ingress", "front", 8080),
    ("front", "commands", 80),
    ("front", "queries", 80),
    # The friend service asks the user service.
    ("commands", "commands", 80),
    ("queries", "commands", 80),
    ("queries", "worker", 9100),
    # Commands write events and state, projections read events and write read models, queries read all of it.
    ("commands", "user-redis-proxy", 6379),
    ("commands", "friend-redis-proxy", 6379),
    *(
        (asker, f"{context}-redis-proxy", 6379)
        for asker in ("queries", "projections", "worker")
        for context in CONTEXTS
    ),
    *((f"{context}-redis-proxy", f"{context}-redis", port) for context in CONTEXTS for port in (6379, 26379)),
    *((f"{context}-redis", f"{context}-redis", port) for context in CONTEXTS for port in (6379, 26379)),
    *((app, "registry", 443) for app in ("commands", "queries", "projections")),
    *((app, "prometheus", 9090) for app in ("commands", "queries", "projections")),
    ("prometheus", "worker", 9100),
    ("prometheus", "front", 8404),
    *(("prometheus", f"{context}-redis-proxy", 8404) for context in CONTEXTS),
    ("grafana", "prometheus", 9090),
}

PICTURE = {
    "desktop": DESKTOP,
    "hyperscale": HYPERSCALE,
    "hyperscale-keda": HYPERSCALE | {("keda", "prometheus", 9090)},
}

# Peers outside the namespace, by how a policy names them.
OUTSIDE = {
    "ingress": {"namespaceSelector": {"matchLabels": {"social-network/ingress": "allowed"}}},
    "keda": {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}},
        "podSelector": {"matchLabels": {"app": "keda-operator"}},
    },
    "dns": {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    },
}


def role(workload: Workload) -> str:
    """The name of a workload in the picture: a SpinApp's is its class."""
    if workload.app:
        given = workload.labels["social-network/class"]
        return "functions" if given == "whole" else given
    return workload.name


def _peers(cluster: Cluster, selectors: list[dict]) -> set[str]:
    found = set()
    for selector in selectors:
        outside = [name for name, form in OUTSIDE.items() if form == selector]
        if outside:
            found.update(outside)
        elif "ipBlock" in selector:
            found.add("registry")
        elif set(selector) == {"podSelector"}:
            found.update(role(workload) for workload in cluster.selected(selector["podSelector"]))
        else:
            found.add(f"somebody unknown: {selector}")
    return found


def _half_arrows(cluster: Cluster, direction: str) -> set[tuple]:
    """What the policies of one direction allow: (from, to, port)."""
    side = "to" if direction == "egress" else "from"
    allowed = set()
    for policy in cluster.of_kind("NetworkPolicy"):
        spec = policy["spec"]
        for rule in spec.get(direction, []):
            peers = _peers(cluster, rule[side]) if side in rule else {"everybody"}
            ports = [port["port"] for port in rule["ports"]] if "ports" in rule else ["every port"]
            for workload in cluster.selected(spec["podSelector"]):
                for peer in peers:
                    ends = (role(workload), peer) if direction == "egress" else (peer, role(workload))
                    allowed.update((*ends, port) for port in ports)
    return allowed


def arrows(cluster: Cluster) -> set[tuple]:
    """What can flow: allowed at both ends, or at the one end that is ours."""
    out, into = _half_arrows(cluster, "egress"), _half_arrows(cluster, "ingress")
    inside = {role(workload) for workload in cluster.workloads}
    return {
        (source, target, port)
        for source, target, port in out | into
        if (source not in inside or (source, target, port) in out)
        and (target not in inside or (source, target, port) in into)
    }


def denied_by_default(cluster: Cluster) -> list[str]:
    """A pod is closed in a direction as soon as one policy of that direction selects it: one has to select them all."""
    closed = set()
    for policy in cluster.of_kind("NetworkPolicy"):
        spec = policy["spec"]
        if spec["podSelector"] == {}:
            closed.update(kind for kind in spec["policyTypes"] if not spec.get(kind.lower()))
    return [f"no NetworkPolicy closes every pod's {kind}" for kind in ("Ingress", "Egress") if kind not in closed]


def exactly_the_picture(cluster: Cluster) -> list[str]:
    dns = {(role(workload), "dns", 53) for workload in cluster.workloads}
    wanted, found = PICTURE[cluster.overlay] | dns, arrows(cluster)
    return [f"allowed, but not in the picture: {arrow}" for arrow in sorted(found - wanted, key=str)] + [
        f"in the picture, but not allowed: {arrow}" for arrow in sorted(wanted - found, key=str)
    ]


def no_half_arrow(cluster: Cluster) -> list[str]:
    """What one end allows and the other does not is a mistake, or will become one."""
    inside = {role(workload) for workload in cluster.workloads}
    out, into = _half_arrows(cluster, "egress"), _half_arrows(cluster, "ingress")
    return [
        f"only one end allows it: {arrow}"
        for arrow in sorted(out ^ into, key=str)
        if arrow[0] in inside and arrow[1] in inside
    ]


def no_metadata_service(cluster: Cluster) -> list[str]:
    """169.254.169.254 hands out the machine's credentials in most clouds."""
    broken = []
    for policy in cluster.of_kind("NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            for block in (peer["ipBlock"] for peer in rule.get("to", []) if "ipBlock" in peer):
                kept = {"0.0.0.0/0": "169.254.0.0/16", "::/0": "fe80::/10"}.get(block["cidr"])
                if kept and kept not in block.get("except", []):
                    broken.append(f"NetworkPolicy {policy['metadata']['name']}: {block['cidr']} is not without {kept}")
    return broken


POLICIES = [denied_by_default, exactly_the_picture, no_half_arrow, no_metadata_service]
