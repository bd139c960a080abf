"""Of what names something else."""

from mutations.mutation import Mutation, find, spec, pod, container, app, without, variable
from policies import references


ALL = [
    Mutation(
        references.what_is_needed_comes_first,
        "SpinApp comes before SpinAppExecutor",
        lambda r: r.append(r.pop(r.index(find(r, "SpinAppExecutor", "spin")))),
    ),
    Mutation(references.what_is_needed_comes_first, "the Namespace is not the first", lambda r: r.reverse()),
    Mutation(
        references.secrets_and_config_maps,
        "Secret redis-password is neither",
        app(
            "social-commands",
            variable(
                "user_redis_credentials", valueFrom={"secretKeyRef": {"name": "redis-password", "key": "credentials"}}
            ),
        ),
    ),
    Mutation(
        references.secrets_and_config_maps,
        "Secret view-redis has no key url",
        app(
            "social-queries",
            variable("view_redis_credentials", valueFrom={"secretKeyRef": {"name": "view-redis", "key": "url"}}),
        ),
    ),
    Mutation(
        references.secrets_and_config_maps, "Secret spin-runtime-config-", without("Secret", "spin-runtime-config-q")
    ),
    Mutation(
        references.secrets_and_config_maps, "ConfigMap user-redis-scripts", without("ConfigMap", "user-redis-scripts")
    ),
    Mutation(
        references.certificates, "Secret tls", spec("Ingress", "api", lambda s: s["tls"][0].update(secretName="tls"))
    ),
    Mutation(
        references.variables_of_variables,
        "USER_REDIS_URL refers to USER_REDIS_CREDENTIALS",
        container("StatefulSet", "worker", lambda c: c["env"].reverse()),
    ),
    Mutation(
        references.volumes,
        "volume data is mounted",
        pod(
            "Deployment", "grafana", lambda p: p["volumes"].remove(next(v for v in p["volumes"] if v["name"] == "data"))
        ),
    ),
    Mutation(
        references.services_have_pods,
        "Service worker: selects no pod",
        spec("Service", "worker", lambda s: s.update(selector={"app": "worker"})),
    ),
    Mutation(
        references.services_have_pods,
        "has no port metrics",
        spec("Service", "worker", lambda s: s["ports"][0].update(targetPort="metrics")),
    ),
    Mutation(references.services_have_pods, "Service view-redis", without("Deployment", "view-redis-proxy")),
    Mutation(
        references.workloads_select_their_pods,
        "its selector takes the pods of",
        spec(
            "StatefulSet", "user-redis", lambda s: s["selector"].update(matchLabels={"app.kubernetes.io/name": "redis"})
        ),
    ),
    Mutation(references.stateful_sets_have_names, "no Service worker-nodes", without("Service", "worker-nodes")),
    Mutation(references.ingress_leads_somewhere, "front has no port", without("Service", "front")),
    Mutation(
        references.one_namespace,
        "Service worker",
        lambda r: find(r, "Service", "worker")["metadata"].update(namespace="default"),
    ),
]
