"""What spin-operator 0.6 makes of a SpinApp: its Deployment and its Service.

A model, for the operator itself needs a cluster. It has what the policies look at; the text of the operator's
`constructDeployment` and `constructService` is what it was written from.
"""

PORT = 80


def labels(app: dict) -> dict:
    name = app["metadata"]["name"]
    return {"core.spinkube.dev/app-name": name, f"core.spinkube.dev/app.{name}.status": "ready"}


def _environment(app: dict, config: dict) -> list[dict]:
    variables = [
        {"name": f"SPIN_VARIABLE_{variable['name'].upper()}"}
        | {key: variable[key] for key in ("value", "valueFrom") if key in variable}
        for variable in app["spec"].get("variables", [])
    ]
    # exporter_otlp_metrics_endpoint -> OTEL_EXPORTER_OTLP_METRICS_ENDPOINT
    telemetry = [{"name": f"OTEL_{key.upper()}", "value": value} for key, value in config.get("otel", {}).items()]
    return variables + telemetry


def _container(app: dict, config: dict) -> dict:
    spec = app["spec"]
    container = {
        "name": app["metadata"]["name"],
        "ports": [{"name": "http-app", "containerPort": PORT}],
        "env": _environment(app, config),
        "resources": spec.get("resources", {}),
        "volumeMounts": list(spec.get("volumeMounts", [])),
    }
    for probe in ("readiness", "liveness"):
        if check := spec.get("checks", {}).get(probe):
            container[f"{probe}Probe"] = check | {"httpGet": check["httpGet"] | {"port": PORT}}
    if "spinImage" in config:
        arguments = ["up", "--listen", f"0.0.0.0:{PORT}", "-f", spec["image"]]
        arguments += ["--runtime-config-file", "/runtime-config.toml"]
        for component in spec.get("components", []):
            arguments += ["--component-id", component]
        return container | {"image": config["spinImage"], "args": arguments}
    return container | {"image": spec["image"], "command": ["/"]}


def deployment(app: dict, executor: dict) -> dict:
    spec, config = app["spec"], executor["spec"]["deploymentConfig"]
    container = _container(app, config)
    volumes = list(spec.get("volumes", []))
    if secret := spec.get("runtimeConfig", {}).get("loadFromSecret"):
        # The operator marks it optional: without the Secret, Spin fails over the missing file.
        volumes.append({"name": "spin-runtime-config", "secret": {"secretName": secret, "optional": True}})
        container["volumeMounts"].append(
            {"name": "spin-runtime-config", "mountPath": "/runtime-config.toml", "subPath": "runtime-config.toml"}
        )
    pod = {
        "serviceAccountName": spec.get("serviceAccountName", "default"),
        "containers": [container],
        "volumes": volumes,
    }
    if "runtimeClassName" in config:
        pod["runtimeClassName"] = config["runtimeClassName"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app["metadata"]["name"], "namespace": app["metadata"]["namespace"]},
        "spec": {
            "replicas": None if spec.get("enableAutoscaling") else spec.get("replicas"),
            "selector": {"matchLabels": labels(app)},
            "template": {"metadata": {"labels": spec.get("podLabels", {}) | labels(app)}, "spec": pod},
        },
    }


def service(app: dict) -> dict:
    name, namespace = app["metadata"]["name"], app["metadata"]["namespace"]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {f"core.spinkube.dev/app.{name}.status": "ready"},
            "ports": [{"port": PORT, "targetPort": "http-app"}],
        },
    }
