"""What stays when a machine goes, and what grows when load comes."""

from cluster import Cluster


def disruption_budgets(cluster: Cluster) -> list[str]:
    """Each replicated workload has one; each allows something, or no machine could ever be emptied."""
    broken, covered = [], set()
    for budget in cluster.of_kind("PodDisruptionBudget"):
        name, spec = budget["metadata"]["name"], budget["spec"]
        pods = cluster.selected(spec["selector"])
        if len(pods) != 1:
            broken.append(f"PodDisruptionBudget {name}: selects {[str(pod) for pod in pods]}, not one workload")
        if spec.get("maxUnavailable", 0) == 0 and "minAvailable" not in spec:
            broken.append(f"PodDisruptionBudget {name}: allows nothing")
        covered.update(str(workload) for workload in pods)
    for workload in cluster.workloads:
        if workload.replicas > 1 and str(workload) not in covered:
            broken.append(f"{workload}: {workload.replicas} replicas without a PodDisruptionBudget")
        if workload.replicas == 1 and str(workload) in covered:
            broken.append(f"{workload}: one replica with a PodDisruptionBudget")
    return broken


def autoscalers(cluster: Cluster) -> list[str]:
    broken, targets = [], []
    for scaler in cluster.of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        spec, name = scaler["spec"], f"{scaler['kind']} {scaler['metadata']['name']}"
        target = spec["scaleTargetRef"]
        targets.append(target["name"])
        workload = next((w for w in cluster.workloads if (w.kind, w.name) == (target["kind"], target["name"])), None)
        if workload is None:
            broken.append(f"{name}: there is no {target['kind']} {target['name']}")
            continue
        # The operator leaves the number of replicas alone only where it is told so.
        if workload.app and not workload.app["spec"].get("enableAutoscaling"):
            broken.append(f"{name}: SpinApp {workload.name} has enableAutoscaling off")
        if "cpu" not in workload.containers[0]["resources"].get("requests", {}):
            broken.append(f"{name}: {workload} has no request of the processor to reckon with")
        least = spec.get("minReplicas", spec.get("minReplicaCount", 1))
        most = spec.get("maxReplicas", spec.get("maxReplicaCount"))
        if not 2 <= least <= most:
            broken.append(f"{name}: {least} to {most} replicas")
    broken += [f"{name}: two autoscalers" for name in set(targets) if targets.count(name) > 1]
    for app in cluster.of_kind("SpinApp"):
        name, spec = app["metadata"]["name"], app["spec"]
        if spec.get("enableAutoscaling") and name not in targets:
            broken.append(f"SpinApp {name}: enableAutoscaling without an autoscaler")
        if spec.get("enableAutoscaling") and spec.get("replicas") is not None:
            broken.append(f"SpinApp {name}: replicas beside enableAutoscaling")
    return broken


def lag_scales_projections(cluster: Cluster) -> list[str]:
    """Where KEDA is: by what the worker says of how far the read models are behind."""
    if not cluster.of_kind("ScaledObject"):
        return []
    triggers = [
        trigger
        for scaled in cluster.of_kind("ScaledObject")
        if scaled["spec"]["scaleTargetRef"]["name"] == "social-projections"
        for trigger in scaled["spec"]["triggers"]
    ]
    if not any("worker_projection_lag_seconds" in trigger["metadata"].get("query", "") for trigger in triggers):
        return ["no trigger looks at worker_projection_lag_seconds"]
    broken = []
    for trigger in (trigger for trigger in triggers if trigger["type"] == "prometheus"):
        host = trigger["metadata"]["serverAddress"].removeprefix("http://")
        service = cluster.named("Service", host.split(".")[0])
        if (
            not service
            or host != f"{service['metadata']['name']}.social-network.svc:{service['spec']['ports'][0]['port']}"
        ):
            broken.append(f"there is no Service behind {host}")
    return broken


def spread(cluster: Cluster) -> list[str]:
    broken = []
    for workload in cluster.workloads:
        constraints = workload.pod.get("topologySpreadConstraints", [])
        if workload.replicas > 1 and not any(c["topologyKey"] == "kubernetes.io/hostname" for c in constraints):
            broken.append(f"{workload}: its replicas may all be on one machine")
        for constraint in constraints:
            if [str(found) for found in cluster.selected(constraint["labelSelector"])] != [str(workload)]:
                broken.append(f"{workload}: spreads pods that are not its own")
    return broken


POLICIES = [disruption_budgets, autoscalers, lag_scales_projections, spread]
