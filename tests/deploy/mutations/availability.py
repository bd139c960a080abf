"""Of what stays, and what grows."""

from mutations.mutation import Mutation, spec, pod, app, without
from policies import availability


ALL = [
    Mutation(
        availability.disruption_budgets,
        "StatefulSet worker: 3 replicas without",
        without("PodDisruptionBudget", "worker"),
    ),
    Mutation(
        availability.disruption_budgets,
        "allows nothing",
        spec("PodDisruptionBudget", "front", lambda s: s.update(maxUnavailable=0)),
    ),
    Mutation(
        availability.disruption_budgets,
        "not one workload",
        spec(
            "PodDisruptionBudget",
            "user-redis",
            lambda s: s.update(selector={"matchLabels": {"app.kubernetes.io/name": "redis"}}),
        ),
    ),
    Mutation(
        availability.autoscalers,
        "there is no Deployment commands",
        spec("HorizontalPodAutoscaler", "social-commands", lambda s: s["scaleTargetRef"].update(name="commands")),
    ),
    Mutation(
        availability.autoscalers,
        "enableAutoscaling off",
        app("social-queries", lambda s: s.update(enableAutoscaling=False)),
    ),
    Mutation(
        availability.autoscalers,
        "enableAutoscaling without an autoscaler",
        without("ScaledObject", "social-queries"),
        overlay="hyperscale-keda",
    ),
    Mutation(availability.autoscalers, "replicas beside", app("social-queries", lambda s: s.update(replicas=2))),
    Mutation(
        availability.lag_scales_projections,
        "no trigger looks at",
        spec("ScaledObject", "social-projections", lambda s: s["triggers"].pop()),
        overlay="hyperscale-keda",
    ),
    Mutation(
        availability.lag_scales_projections,
        "no Service behind",
        spec(
            "ScaledObject",
            "social-projections",
            lambda s: s["triggers"][1]["metadata"].update(serverAddress="http://prometheus:9091"),
        ),
        overlay="hyperscale-keda",
    ),
    Mutation(
        availability.spread,
        "StatefulSet worker: its replicas may all",
        pod("StatefulSet", "worker", lambda p: p.pop("topologySpreadConstraints")),
    ),
    Mutation(
        availability.spread,
        "spreads pods that are not its own",
        pod(
            "StatefulSet",
            "view-redis",
            lambda p: p["topologySpreadConstraints"][0].update(
                labelSelector={"matchLabels": {"app.kubernetes.io/name": "redis"}}
            ),
        ),
    ),
]
