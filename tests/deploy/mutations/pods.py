"""Of what every container must be."""

from mutations.mutation import Mutation, find, pod, container, app, without, policy_text
from policies import pods

ROOT = {"securityContext": {"runAsNonRoot": False}}

ALL = [
    Mutation(pods.restricted, "runAsNonRoot is not set", pod("StatefulSet", "worker", lambda p: p.update(ROOT))),
    Mutation(pods.restricted, "Deployment social-commands: runAsNonRoot", without("MutatingAdmissionPolicy", "social")),
    Mutation(
        pods.restricted,
        "Deployment social-queries: container social-queries: allowPrivilegeEscalation",
        policy_text('"allowPrivilegeEscalation": false', '"allowPrivilegeEscalation": true'),
    ),
    Mutation(pods.restricted, "seccompProfile", policy_text("RuntimeDefault", "Unconfined")),
    Mutation(pods.restricted, "a sysctl", policy_text("ip_unprivileged_port_start", "ip_forward")),
    Mutation(
        pods.restricted,
        "capabilities are not all dropped",
        container("Deployment", "front", lambda c: c["securityContext"].pop("capabilities")),
    ),
    Mutation(
        pods.restricted,
        "volume data is of a kind",
        pod("Deployment", "grafana", lambda p: p["volumes"].append({"name": "data", "hostPath": {"path": "/"}})),
    ),
    Mutation(pods.restricted, "hostNetwork", pod("Deployment", "front", lambda p: p.update(hostNetwork=True))),
    Mutation(
        pods.read_only,
        "StatefulSet user-redis: container redis",
        container("StatefulSet", "user-redis", lambda c: c["securityContext"].pop("readOnlyRootFilesystem")),
    ),
    Mutation(
        pods.resources,
        "no limits of memory",
        container("StatefulSet", "worker", lambda c: c["resources"].pop("limits")),
    ),
    Mutation(
        pods.resources,
        "social-commands: no requests of cpu",
        app("social-commands", lambda s: s["resources"]["requests"].pop("cpu")),
    ),
    Mutation(
        pods.resources,
        "a limit of the processor",
        container("Deployment", "front", lambda c: c["resources"]["limits"].update(cpu="1")),
    ),
    Mutation(pods.probes, "no readinessProbe", container("StatefulSet", "worker", lambda c: c.pop("readinessProbe"))),
    Mutation(
        pods.probes, "social-queries: no livenessProbe", app("social-queries", lambda s: s["checks"].pop("liveness"))
    ),
    Mutation(
        pods.probes_reach_a_port,
        "asks port web",
        container("StatefulSet", "worker", lambda c: c["livenessProbe"]["httpGet"].update(port="web")),
    ),
    Mutation(
        pods.pinned_images,
        "redis:latest",
        container("StatefulSet", "user-redis", lambda c: c.update(image="docker.io/library/redis:latest")),
    ),
    Mutation(
        pods.pinned_images, "SpinApp social-commands", app("social-commands", lambda s: s.update(image="ghcr.io/a/app"))
    ),
    Mutation(
        pods.no_token,
        "automountServiceAccountToken",
        pod("StatefulSet", "worker", lambda p: p.pop("automountServiceAccountToken")),
    ),
    Mutation(pods.ends_in_order, "no preStop", container("StatefulSet", "worker", lambda c: c.pop("lifecycle"))),
    Mutation(pods.ends_in_order, "social-commands: no preStop", policy_text('"seconds": 5', '"seconds": 0')),
    Mutation(
        pods.ends_in_order,
        "too short",
        pod("StatefulSet", "worker", lambda p: p.update(terminationGracePeriodSeconds=10)),
    ),
    Mutation(
        pods.enforced,
        "enforces baseline",
        lambda r: find(r, "Namespace", "social-network")["metadata"]["labels"].update(
            {"pod-security.kubernetes.io/enforce": "baseline"}
        ),
    ),
]
