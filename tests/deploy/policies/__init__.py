"""The promises of infra/k8s, as functions from a cluster to what breaks them: one sentence each, none where all is well."""

from policies import availability, configuration, functions, network, pods, references

ALL = [
    policy
    for module in (pods, references, network, availability, functions, configuration)
    for policy in module.POLICIES
]
