"""Mistakes that somebody could make in a manifest, each with the policy that has to notice it and what it has to say."""

from mutations import availability, configuration, functions, network, pods, references

ALL = [
    mutation
    for module in (pods, references, network, availability, functions, configuration)
    for mutation in module.ALL
]
