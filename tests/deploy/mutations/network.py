"""Of who may talk to whom."""

from mutations.mutation import Mutation, without, rule
from policies import network

ANYWHERE = {"from": [{"namespaceSelector": {}}]}

ALL = [
    Mutation(network.denied_by_default, "every pod's Egress", without("NetworkPolicy", "default-deny")),
    Mutation(
        network.exactly_the_picture,
        "not in the picture: ('commands', 'view-redis-proxy', 6379)",
        lambda r: (
            rule(
                "functions-commands",
                "egress",
                lambda e: e["to"].append({"podSelector": {"matchLabels": {"redis.social-network/view": "serves"}}}),
            )(r),
            rule(
                "view-redis",
                "ingress",
                lambda e: e["from"].append({"podSelector": {"matchLabels": {"social-network/class": "commands"}}}),
            )(r),
        ),
    ),
    Mutation(
        network.exactly_the_picture,
        'not in the picture: ("somebody unknown',
        rule("worker", "ingress", lambda e: e.update(ANYWHERE)),
    ),
    Mutation(
        network.exactly_the_picture,
        "not in the picture: ('everybody', 'worker', 9100)",
        rule("worker", "ingress", lambda e: e.pop("from")),
    ),
    Mutation(
        network.exactly_the_picture, "not allowed: ('queries', 'worker', 9100)", without("NetworkPolicy", "worker")
    ),
    Mutation(
        network.exactly_the_picture,
        "not in the picture: ('front', 'commands', 'every port')",
        lambda r: (
            rule("functions-commands", "ingress", lambda e: e.pop("ports"))(r),
            rule("front", "egress", lambda e: e.pop("ports"))(r),
        ),
    ),
    Mutation(
        network.exactly_the_picture,
        "not allowed: ('keda', 'prometheus', 9090)",
        without("NetworkPolicy", "keda"),
        overlay="hyperscale-keda",
    ),
    Mutation(
        network.exactly_the_picture,
        "not allowed: ('worker', 'redis', 6379)",
        without("NetworkPolicy", "worker"),
        overlay="desktop",
    ),
    Mutation(
        network.no_half_arrow,
        "('front', 'worker', 80)",
        rule(
            "front",
            "egress",
            lambda e: e["to"].append({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "worker"}}}),
        ),
    ),
    Mutation(
        network.no_metadata_service,
        "169.254.0.0/16",
        rule("functions-registry", "egress", lambda e: e["to"][0]["ipBlock"].pop("except")),
    ),
]
