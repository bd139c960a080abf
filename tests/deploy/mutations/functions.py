"""Of SpinApps against spin.toml."""

from mutations.mutation import Mutation, spec, app, without, variable
from policies import functions


ALL = [
    Mutation(
        functions.variables,
        "worker_url is not set",
        app(
            "social-queries",
            lambda s: s["variables"].remove(next(v for v in s["variables"] if v["name"] == "worker_url")),
        ),
    ),
    Mutation(
        functions.variables,
        "worker_url is set, but no component",
        app("social-commands", variable("worker_url", value="http://worker:9100")),
    ),
    Mutation(
        functions.variables,
        "user_redis_credentials does not come from a Secret",
        app("social-commands", variable("user_redis_credentials", value=":hunter2@")),
    ),
    Mutation(
        functions.addresses_lead_somewhere,
        "there is no such Service and port",
        app("social-queries", variable("worker_url", value="http://worker:9101")),
    ),
    Mutation(
        functions.addresses_lead_somewhere,
        "no NetworkPolicy lets queries reach worker:9100",
        without("NetworkPolicy", "worker"),
    ),
    Mutation(functions.addresses_lead_somewhere, "there is no such Service", without("Service", "friend-redis")),
    Mutation(
        functions.every_component_runs,
        "stats: in 0 SpinApps",
        app("social-queries", lambda s: s["components"].remove("stats")),
    ),
    Mutation(
        functions.every_component_runs,
        "stats: in 2 SpinApps",
        app("social-commands", lambda s: s["components"].append("stats")),
    ),
    Mutation(
        functions.every_app_answers,
        "social-projections",
        app("social-projections", lambda s: s["components"].remove("not-found")),
    ),
    Mutation(
        functions.executors, "there is no SpinAppExecutor", app("social-queries", lambda s: s.update(executor="shim"))
    ),
    Mutation(
        functions.executors,
        "lacks WASI 0.3.0",
        spec(
            "SpinAppExecutor",
            "spin",
            lambda s: s["deploymentConfig"].update(spinImage="ghcr.io/spinframework/spin:v3.6.3"),
        ),
    ),
    Mutation(
        functions.executors,
        "not both",
        spec("SpinAppExecutor", "spin", lambda s: s["deploymentConfig"].update(runtimeClassName="wasmtime-spin-v2")),
    ),
    Mutation(
        functions.telemetry,
        "no Service behind",
        spec(
            "SpinAppExecutor",
            "spin",
            lambda s: s["deploymentConfig"]["otel"].update(exporter_otlp_metrics_endpoint="http://collector:4318"),
        ),
    ),
]
