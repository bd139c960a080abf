"""A rendered overlay as a cluster would have it: with the Deployments that operators make, and the pods that are admitted."""

import copy
import functools
from dataclasses import dataclass, field

import admission
import spin_operator

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


@dataclass
class Workload:
    kind: str
    name: str
    replicas: int
    labels: dict
    pod: dict
    selector: dict
    # Where a SpinApp made it.
    app: dict | None = None
    claims: list = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def containers(self) -> list[dict]:
        return self.pod.get("initContainers", []) + self.pod["containers"]

    def port(self, target) -> int | None:
        """The number of a container's port by name or number."""
        for container in self.pod["containers"]:
            for port in container.get("ports", []):
                if target in (port.get("name"), port["containerPort"]):
                    return port["containerPort"]
        return None


class Cluster:
    def __init__(self, resources: list[dict], overlay: str):
        self.resources = resources
        self.overlay = overlay

    def mutated(self, change) -> "Cluster":
        """The same after `change`, for showing that a policy notices it."""
        resources = copy.deepcopy(self.resources)
        change(resources)
        return Cluster(resources, self.overlay)

    def of_kind(self, *kinds: str) -> list[dict]:
        return [resource for resource in self.resources if resource["kind"] in kinds]

    def named(self, kind: str, name: str) -> dict | None:
        return next((found for found in self.of_kind(kind) if found["metadata"]["name"] == name), None)

    @functools.cached_property
    def services(self) -> list[dict]:
        return self.of_kind("Service") + [spin_operator.service(app) for app in self.of_kind("SpinApp")]

    @functools.cached_property
    def _deployments(self) -> list[tuple[dict, dict | None]]:
        made = []
        for app in self.of_kind("SpinApp"):
            executor = self.named("SpinAppExecutor", app["spec"]["executor"])
            if executor:
                made.append((spin_operator.deployment(app, executor), app))
        return [(resource, None) for resource in self.of_kind(*WORKLOADS)] + made

    def _replicas(self, resource: dict) -> int:
        """As many as an autoscaler may make of it, where it has one."""
        name = resource["metadata"]["name"]
        for scaler in self.of_kind("HorizontalPodAutoscaler", "ScaledObject"):
            if scaler["spec"]["scaleTargetRef"]["name"] == name:
                return scaler["spec"].get("maxReplicas") or scaler["spec"]["maxReplicaCount"]
        return resource["spec"].get("replicas") or 1

    @functools.cached_property
    def workloads(self) -> list[Workload]:
        policies = self.of_kind("MutatingAdmissionPolicy")
        found = []
        for resource, app in self._deployments:
            template = admission.admit(policies, resource["spec"]["template"])
            found.append(
                Workload(
                    kind=resource["kind"],
                    name=resource["metadata"]["name"],
                    replicas=self._replicas(resource),
                    labels=template["metadata"].get("labels", {}),
                    pod=template["spec"],
                    selector=resource["spec"]["selector"],
                    app=app,
                    claims=resource["spec"].get("volumeClaimTemplates", []),
                )
            )
        return found

    def selected(self, selector: dict) -> list[Workload]:
        return [workload for workload in self.workloads if selects(selector, workload.labels)]


def selects(selector: dict, labels: dict) -> bool:
    """Whether a label selector takes these labels; the empty one takes all."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", []):
        key, operator = expression["key"], expression["operator"]
        taken = {
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
            "In": labels.get(key) in expression.get("values", []),
            "NotIn": labels.get(key) not in expression.get("values", []),
        }[operator]
        if not taken:
            return False
    return True
