"""Applies the rendered MutatingAdmissionPolicies to a pod, as the API server does when one is created.

The expressions are evaluated by a CEL library, so what is tested is their text. Kubernetes' own rule that no list and no map
has values of different types is checked here as well: that library would let it pass.
"""

import json

import celpy
import jsonpatch
from celpy import celtypes


def _matches(policy: dict, template: dict) -> bool:
    expressions = policy["spec"]["matchConstraints"]["objectSelector"]["matchExpressions"]
    labels = template["metadata"].get("labels", {})
    return all(expression["operator"] == "Exists" and expression["key"] in labels for expression in expressions)


def _of_one_type(value, path: str) -> None:
    children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if len({type(child) for child in children}) > 1:
        raise ValueError(f"{path}: a literal with values of different types, which Kubernetes refuses: {value}")
    for child in children:
        _of_one_type(child, path)


def _operations(expression: str, template: dict) -> list[dict]:
    environment = celpy.Environment(annotations={"JSONPatch": celtypes.MessageType, "object": celtypes.MapType})
    program = environment.program(environment.compile(expression))
    pod = {"metadata": template["metadata"], "spec": template["spec"]}
    result = program.evaluate({"JSONPatch": celtypes.MessageType, "object": celpy.json_to_cel(pod)})
    operations = json.loads(json.dumps(result, cls=celpy.CELJSONEncoder))
    for operation in operations:
        _of_one_type(operation["value"], operation["path"])
    return operations


def admit(policies: list[dict], template: dict) -> dict:
    """The pod template as its pods are stored."""
    for policy in policies:
        if not _matches(policy, template):
            continue
        for mutation in policy["spec"]["mutations"]:
            assert mutation["patchType"] == "JSONPatch", mutation["patchType"]
            operations = _operations(mutation["jsonPatch"]["expression"], template)
            template = jsonpatch.apply_patch(template, operations)
    return template
