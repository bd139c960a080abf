"""Validates a manifest with Kubernetes' schema of its kind, or with that of the operator whose kind it is."""

import functools
import json

import jsonschema
import kubernetes_validate
import yaml

from render import K8S

# The oldest Kubernetes that the manifests are for (MutatingAdmissionPolicy), and the newest that there is a schema of.
VERSIONS = ["1.36", "1.37"]

CRDS = {"SpinApp": "core.spinkube.dev_spinapps.yaml", "SpinAppExecutor": "core.spinkube.dev_spinappexecutors.yaml"}


def _strict(schema):
    """Kubernetes drops a field that a CRD does not have; here it is a mistake."""
    if isinstance(schema, dict):
        schema = {key: _strict(value) for key, value in schema.items()}
        if "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = False
    elif isinstance(schema, list):
        schema = [_strict(value) for value in schema]
    return schema


@functools.cache
def _schema(kind: str) -> dict:
    if kind == "ScaledObject":
        return json.loads((K8S / "schemas/keda.sh_scaledobjects.json").read_text())
    crd = yaml.safe_load((K8S / "schemas" / CRDS[kind]).read_text())
    schema = _strict(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def mistakes(resource: dict, version: str) -> list[str]:
    name = f"{resource['kind']} {resource['metadata']['name']}"
    if resource["kind"] in CRDS or resource["kind"] == "ScaledObject":
        validator = jsonschema.Draft202012Validator(_schema(resource["kind"]))
        return [f"{name}: {error.json_path}: {error.message}" for error in validator.iter_errors(resource)]
    try:
        kubernetes_validate.validate(resource, version, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{name}: there is no {resource['apiVersion']} in Kubernetes {version}"]
    except kubernetes_validate.ValidationError as error:
        return [f"{name}: {error}"]
    return []
