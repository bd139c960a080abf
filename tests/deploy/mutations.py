"""Mistakes that somebody could make in a manifest, each with the policy that has to notice it and what it has to say."""

from dataclasses import dataclass
from typing import Callable

from policies import availability, configuration, functions, network, pods, references


@dataclass
class Mutation:
    policy: Callable
    says: str
    change: Callable[[list[dict]], None]
    overlay: str = "hyperscale"

    def __str__(self) -> str:
        return f"{self.policy.__name__}: {self.says}"


def find(resources: list[dict], kind: str, name: str) -> dict:
    return next(r for r in resources if r["kind"] == kind and r["metadata"]["name"].startswith(name))


def spec(kind: str, name: str, change: Callable[[dict], object]) -> Callable:
    return lambda resources: change(find(resources, kind, name)["spec"]) and None


def pod(kind: str, name: str, change: Callable[[dict], object]) -> Callable:
    return spec(kind, name, lambda of: change(of["template"]["spec"]))


def container(kind: str, name: str, change: Callable[[dict], object]) -> Callable:
    return pod(kind, name, lambda of: change(of["containers"][0]))


def app(name: str, change: Callable[[dict], object]) -> Callable:
    return spec("SpinApp", name, change)


def without(kind: str, name: str) -> Callable:
    return lambda resources: resources.remove(find(resources, kind, name))


def variable(name: str, **value) -> Callable[[dict], object]:
    """Sets a variable of a SpinApp anew."""

    def change(of: dict) -> None:
        of["variables"] = [v for v in of["variables"] if v["name"] != name] + [{"name": name} | value]

    return change


def rule(name: str, direction: str, change: Callable[[dict], object]) -> Callable:
    return spec("NetworkPolicy", name, lambda of: change(of[direction][0]))


def redis_conf(old: str, new: str) -> Callable:
    def change(resources: list[dict]) -> None:
        data = find(resources, "ConfigMap", "user-redis-config")["data"]
        assert old in data["redis.conf"]
        data["redis.conf"] = data["redis.conf"].replace(old, new)

    return change


def policy_text(old: str, new: str) -> Callable:
    """Changes the policy that completes the functions' pods."""

    def change(resources: list[dict]) -> None:
        for mutation in find(resources, "MutatingAdmissionPolicy", "social-network-functions")["spec"]["mutations"]:
            mutation["jsonPatch"]["expression"] = mutation["jsonPatch"]["expression"].replace(old, new)

    return change


ROOT = {"securityContext": {"runAsNonRoot": False}}
ANYWHERE = {"from": [{"namespaceSelector": {}}]}

ALL = [
    Mutation(pods.restricted, "runAsNonRoot is not set", pod("StatefulSet", "worker", lambda p: p.update(ROOT))),
    Mutation(pods.restricted, "Deployment social-commands: runAsNonRoot", without("MutatingAdmissionPolicy", "social")),
    Mutation(pods.restricted, "Deployment social-queries: container social-queries: allowPrivilegeEscalation",
             policy_text('"allowPrivilegeEscalation": false', '"allowPrivilegeEscalation": true')),
    Mutation(pods.restricted, "seccompProfile", policy_text("RuntimeDefault", "Unconfined")),
    Mutation(pods.restricted, "a sysctl", policy_text("ip_unprivileged_port_start", "ip_forward")),
    Mutation(pods.restricted, "capabilities are not all dropped",
             container("Deployment", "front", lambda c: c["securityContext"].pop("capabilities"))),
    Mutation(pods.restricted, "volume data is of a kind",
             pod("Deployment", "grafana", lambda p: p["volumes"].append({"name": "data", "hostPath": {"path": "/"}}))),
    Mutation(pods.restricted, "hostNetwork", pod("Deployment", "front", lambda p: p.update(hostNetwork=True))),
    Mutation(pods.read_only, "StatefulSet user-redis: container redis",
             container("StatefulSet", "user-redis", lambda c: c["securityContext"].pop("readOnlyRootFilesystem"))),
    Mutation(pods.resources, "no limits of memory", container("StatefulSet", "worker", lambda c: c["resources"].pop("limits"))),
    Mutation(pods.resources, "social-commands: no requests of cpu",
             app("social-commands", lambda s: s["resources"]["requests"].pop("cpu"))),
    Mutation(pods.resources, "a limit of the processor",
             container("Deployment", "front", lambda c: c["resources"]["limits"].update(cpu="1"))),
    Mutation(pods.probes, "no readinessProbe", container("StatefulSet", "worker", lambda c: c.pop("readinessProbe"))),
    Mutation(pods.probes, "social-queries: no livenessProbe", app("social-queries", lambda s: s["checks"].pop("liveness"))),
    Mutation(pods.probes_reach_a_port, "asks port web",
             container("StatefulSet", "worker", lambda c: c["livenessProbe"]["httpGet"].update(port="web"))),
    Mutation(pods.pinned_images, "redis:latest",
             container("StatefulSet", "user-redis", lambda c: c.update(image="docker.io/library/redis:latest"))),
    Mutation(pods.pinned_images, "SpinApp social-commands", app("social-commands", lambda s: s.update(image="ghcr.io/a/app"))),
    Mutation(pods.no_token, "automountServiceAccountToken",
             pod("StatefulSet", "worker", lambda p: p.pop("automountServiceAccountToken"))),
    Mutation(pods.ends_in_order, "no preStop", container("StatefulSet", "worker", lambda c: c.pop("lifecycle"))),
    Mutation(pods.ends_in_order, "social-commands: no preStop", policy_text('"seconds": 5', '"seconds": 0')),
    Mutation(pods.ends_in_order, "too short",
             pod("StatefulSet", "worker", lambda p: p.update(terminationGracePeriodSeconds=10))),
    Mutation(pods.enforced, "enforces baseline",
             lambda r: find(r, "Namespace", "social-network")["metadata"]["labels"].update(
                 {"pod-security.kubernetes.io/enforce": "baseline"})),
    Mutation(references.what_is_needed_comes_first, "SpinApp comes before SpinAppExecutor",
             lambda r: r.append(r.pop(r.index(find(r, "SpinAppExecutor", "spin"))))),
    Mutation(references.what_is_needed_comes_first, "the Namespace is not the first", lambda r: r.reverse()),
    Mutation(references.secrets_and_config_maps, "Secret redis-password is neither",
             app("social-commands", variable("user_redis_credentials",
                                            valueFrom={"secretKeyRef": {"name": "redis-password", "key": "credentials"}}))),
    Mutation(references.secrets_and_config_maps, "Secret view-redis has no key url",
             app("social-queries", variable("view_redis_credentials",
                                            valueFrom={"secretKeyRef": {"name": "view-redis", "key": "url"}}))),
    Mutation(references.secrets_and_config_maps, "Secret spin-runtime-config-", without("Secret", "spin-runtime-config-q")),
    Mutation(references.secrets_and_config_maps, "ConfigMap user-redis-scripts", without("ConfigMap", "user-redis-scripts")),
    Mutation(references.certificates, "Secret tls", spec("Ingress", "api", lambda s: s["tls"][0].update(secretName="tls"))),
    Mutation(references.variables_of_variables, "USER_REDIS_URL refers to USER_REDIS_CREDENTIALS",
             container("StatefulSet", "worker", lambda c: c["env"].reverse())),
    Mutation(references.volumes, "volume data is mounted", pod("Deployment", "grafana", lambda p: p["volumes"].pop(1))),
    Mutation(references.services_have_pods, "Service worker: selects no pod",
             spec("Service", "worker", lambda s: s.update(selector={"app": "worker"}))),
    Mutation(references.services_have_pods, "has no port metrics",
             spec("Service", "worker", lambda s: s["ports"][0].update(targetPort="metrics"))),
    Mutation(references.services_have_pods, "Service view-redis", without("Deployment", "view-redis-proxy")),
    Mutation(references.workloads_select_their_pods, "its selector takes the pods of",
             spec("StatefulSet", "user-redis", lambda s: s["selector"].update(
                 matchLabels={"app.kubernetes.io/name": "redis"}))),
    Mutation(references.stateful_sets_have_names, "no Service worker-nodes", without("Service", "worker-nodes")),
    Mutation(references.ingress_leads_somewhere, "front has no port", without("Service", "front")),
    Mutation(references.one_namespace, "Service worker",
             lambda r: find(r, "Service", "worker")["metadata"].update(namespace="default")),
    Mutation(network.denied_by_default, "every pod's Egress", without("NetworkPolicy", "default-deny")),
    Mutation(network.exactly_the_picture, "not in the picture: ('commands', 'view-redis-proxy', 6379)",
             lambda r: (rule("functions-commands", "egress", lambda e: e["to"].append(
                 {"podSelector": {"matchLabels": {"redis.social-network/view": "serves"}}}))(r),
                 rule("view-redis", "ingress", lambda e: e["from"].append(
                     {"podSelector": {"matchLabels": {"social-network/class": "commands"}}}))(r))),
    Mutation(network.exactly_the_picture, "not in the picture: (\"somebody unknown",
             rule("worker", "ingress", lambda e: e.update(ANYWHERE))),
    Mutation(network.exactly_the_picture, "not in the picture: ('everybody', 'worker', 9100)",
             rule("worker", "ingress", lambda e: e.pop("from"))),
    Mutation(network.exactly_the_picture, "not allowed: ('queries', 'worker', 9100)", without("NetworkPolicy", "worker")),
    Mutation(network.exactly_the_picture, "not in the picture: ('front', 'commands', 'every port')",
             lambda r: (rule("functions-commands", "ingress", lambda e: e.pop("ports"))(r),
                        rule("front", "egress", lambda e: e.pop("ports"))(r))),
    Mutation(network.exactly_the_picture, "not allowed: ('keda', 'prometheus', 9090)",
             without("NetworkPolicy", "keda"), overlay="hyperscale-keda"),
    Mutation(network.exactly_the_picture, "not allowed: ('worker', 'redis', 6379)", without("NetworkPolicy", "worker"),
             overlay="desktop"),
    Mutation(network.no_half_arrow, "('front', 'worker', 80)",
             rule("front", "egress", lambda e: e["to"].append(
                 {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "worker"}}}))),
    Mutation(network.no_metadata_service, "169.254.0.0/16",
             rule("functions-registry", "egress", lambda e: e["to"][0]["ipBlock"].pop("except"))),
    Mutation(availability.disruption_budgets, "StatefulSet worker: 3 replicas without", without("PodDisruptionBudget", "worker")),
    Mutation(availability.disruption_budgets, "allows nothing",
             spec("PodDisruptionBudget", "front", lambda s: s.update(maxUnavailable=0))),
    Mutation(availability.disruption_budgets, "not one workload",
             spec("PodDisruptionBudget", "user-redis", lambda s: s.update(
                 selector={"matchLabels": {"app.kubernetes.io/name": "redis"}}))),
    Mutation(availability.autoscalers, "there is no Deployment commands",
             spec("HorizontalPodAutoscaler", "social-commands", lambda s: s["scaleTargetRef"].update(name="commands"))),
    Mutation(availability.autoscalers, "enableAutoscaling off", app("social-queries", lambda s: s.update(enableAutoscaling=False))),
    Mutation(availability.autoscalers, "enableAutoscaling without an autoscaler",
             without("ScaledObject", "social-queries"), overlay="hyperscale-keda"),
    Mutation(availability.autoscalers, "replicas beside", app("social-queries", lambda s: s.update(replicas=2))),
    Mutation(availability.lag_scales_projections, "no trigger looks at",
             spec("ScaledObject", "social-projections", lambda s: s["triggers"].pop()), overlay="hyperscale-keda"),
    Mutation(availability.lag_scales_projections, "no Service behind",
             spec("ScaledObject", "social-projections", lambda s: s["triggers"][1]["metadata"].update(
                 serverAddress="http://prometheus:9091")), overlay="hyperscale-keda"),
    Mutation(availability.spread, "StatefulSet worker: its replicas may all",
             pod("StatefulSet", "worker", lambda p: p.pop("topologySpreadConstraints"))),
    Mutation(availability.spread, "spreads pods that are not its own",
             pod("StatefulSet", "view-redis", lambda p: p["topologySpreadConstraints"][0].update(
                 labelSelector={"matchLabels": {"app.kubernetes.io/name": "redis"}}))),
    Mutation(functions.variables, "worker_url is not set",
             app("social-queries", lambda s: s["variables"].remove(next(v for v in s["variables"] if v["name"] == "worker_url")))),
    Mutation(functions.variables, "worker_url is set, but no component",
             app("social-commands", variable("worker_url", value="http://worker:9100"))),
    Mutation(functions.variables, "user_redis_credentials does not come from a Secret",
             app("social-commands", variable("user_redis_credentials", value=":hunter2@"))),
    Mutation(functions.addresses_lead_somewhere, "there is no such Service and port",
             app("social-queries", variable("worker_url", value="http://worker:9101"))),
    Mutation(functions.addresses_lead_somewhere, "no NetworkPolicy lets queries reach worker:9100", without("NetworkPolicy", "worker")),
    Mutation(functions.addresses_lead_somewhere, "there is no such Service", without("Service", "friend-redis")),
    Mutation(functions.every_component_runs, "stats: in 0 SpinApps",
             app("social-queries", lambda s: s["components"].remove("stats"))),
    Mutation(functions.every_component_runs, "stats: in 2 SpinApps",
             app("social-commands", lambda s: s["components"].append("stats"))),
    Mutation(functions.every_app_answers, "social-projections",
             app("social-projections", lambda s: s["components"].remove("not-found"))),
    Mutation(functions.executors, "there is no SpinAppExecutor", app("social-queries", lambda s: s.update(executor="shim"))),
    Mutation(functions.executors, "lacks WASI 0.3.0",
             spec("SpinAppExecutor", "spin", lambda s: s["deploymentConfig"].update(spinImage="ghcr.io/spinframework/spin:v3.6.3"))),
    Mutation(functions.executors, "not both",
             spec("SpinAppExecutor", "spin", lambda s: s["deploymentConfig"].update(runtimeClassName="wasmtime-spin-v2"))),
    Mutation(functions.telemetry, "no Service behind",
             spec("SpinAppExecutor", "spin", lambda s: s["deploymentConfig"]["otel"].update(
                 exporter_otlp_metrics_endpoint="http://collector:4318"))),
    Mutation(configuration.redis_is_durable, "appendfsync is everysec", redis_conf("appendfsync always", "appendfsync everysec")),
    Mutation(configuration.redis_is_durable, "maxmemory-policy is allkeys-lru",
             redis_conf("maxmemory-policy noeviction", "maxmemory-policy allkeys-lru")),
    Mutation(configuration.redis_fits, "more than half",
             container("StatefulSet", "user-redis", lambda c: c["resources"]["limits"].update(memory="6Gi"))),
    Mutation(configuration.redis_is_replicated, "user: not three nodes", spec("StatefulSet", "user-redis", lambda s: s.update(replicas=2))),
    Mutation(configuration.redis_is_replicated, "view: two nodes may be",
             pod("StatefulSet", "view-redis", lambda p: p["topologySpreadConstraints"].pop(0))),
    Mutation(configuration.redis_is_replicated, "friend: Service friend-redis leads to",
             spec("Service", "friend-redis", lambda s: s.update(selector={"app.kubernetes.io/name": "redis"}))),
    Mutation(configuration.worker_fits, "more than half",
             container("StatefulSet", "worker", lambda c: c["resources"]["limits"].update(memory="1Gi"))),
    Mutation(configuration.what_is_kept_has_a_volume, "StatefulSet user-redis: /data",
             spec("StatefulSet", "user-redis", lambda s: s.pop("volumeClaimTemplates"))),
    Mutation(configuration.no_credentials, "Secret user-redis: in a manifest",
             lambda r: r.append({"kind": "Secret", "metadata": {"name": "user-redis"}})),
    Mutation(configuration.no_credentials, "REDIS_PASSWORD is in the manifest",
             container("StatefulSet", "user-redis", lambda c: c["env"].append({"name": "REDIS_PASSWORD", "value": "x"}))),
    Mutation(configuration.no_credentials, "USER_REDIS_URL has a password in it",
             container("StatefulSet", "worker", lambda c: c["env"].append(
                 {"name": "USER_REDIS_URL", "value": "redis://:hunter2@user-redis:6379"}))),
]
