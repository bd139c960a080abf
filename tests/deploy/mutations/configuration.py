"""Of what the parts are told."""

from mutations.mutation import Mutation, spec, pod, container, redis_conf
from policies import configuration


ALL = [
    Mutation(
        configuration.redis_is_durable,
        "appendfsync is everysec",
        redis_conf("appendfsync always", "appendfsync everysec"),
    ),
    Mutation(
        configuration.redis_is_durable,
        "maxmemory-policy is allkeys-lru",
        redis_conf("maxmemory-policy noeviction", "maxmemory-policy allkeys-lru"),
    ),
    Mutation(
        configuration.redis_fits,
        "more than half",
        container("StatefulSet", "user-redis", lambda c: c["resources"]["limits"].update(memory="6Gi")),
    ),
    Mutation(
        configuration.redis_is_replicated,
        "user: not three nodes",
        spec("StatefulSet", "user-redis", lambda s: s.update(replicas=2)),
    ),
    Mutation(
        configuration.redis_is_replicated,
        "view: two nodes may be",
        pod("StatefulSet", "view-redis", lambda p: p["topologySpreadConstraints"].pop(0)),
    ),
    Mutation(
        configuration.redis_is_replicated,
        "friend: Service friend-redis leads to",
        spec("Service", "friend-redis", lambda s: s.update(selector={"app.kubernetes.io/name": "redis"})),
    ),
    Mutation(
        configuration.worker_fits,
        "more than half",
        container("StatefulSet", "worker", lambda c: c["resources"]["limits"].update(memory="1Gi")),
    ),
    Mutation(
        configuration.what_is_kept_has_a_volume,
        "StatefulSet user-redis: /data",
        spec("StatefulSet", "user-redis", lambda s: s.pop("volumeClaimTemplates")),
    ),
    Mutation(
        configuration.no_credentials,
        "Secret user-redis: in a manifest",
        lambda r: r.append({"kind": "Secret", "metadata": {"name": "user-redis"}}),
    ),
    Mutation(
        configuration.no_credentials,
        "REDIS_PASSWORD is in the manifest",
        container("StatefulSet", "user-redis", lambda c: c["env"].append({"name": "REDIS_PASSWORD", "value": "x"})),
    ),
    Mutation(
        configuration.no_credentials,
        "USER_REDIS_URL has a password in it",
        container(
            "StatefulSet",
            "worker",
            lambda c: c["env"].append({"name": "USER_REDIS_URL", "value": "redis://:hunter2@user-redis:6379"}),
        ),
    ),
]
