"""SpinApps against spin.toml, which is the architecture."""

import re
import tomllib
from urllib.parse import urlsplit

from cluster import Cluster
from policies.network import arrows, role
from render import ROOT

MANIFEST = tomllib.loads((ROOT / "spin.toml").read_text())
COMPONENTS = MANIFEST["component"]

# For the Redis trigger, and for the paths that are nobody's: needed wherever there is no other HTTP component.
SHARED = {"not-found"}


def components_of(app: dict) -> list[str]:
    return app["spec"].get("components") or list(COMPONENTS)


def triggers_of(component: str, kind: str) -> list[dict]:
    return [trigger for trigger in MANIFEST["trigger"][kind] if trigger["component"] == component]


def _templates(component: str) -> list[str]:
    """Everything of a component that may refer to a variable."""
    own = COMPONENTS[component]
    addresses = [trigger["address"] for trigger in triggers_of(component, "redis")]
    return own.get("allowed_outbound_hosts", []) + list(own.get("variables", {}).values()) + addresses


def referred_variables(component: str) -> set[str]:
    return {name for template in _templates(component) for name in re.findall(r"{{\s*(\w+)\s*}}", template)}


def _fill(template: str, values: dict) -> str:
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: values.get(found[1], ""), template)


def variables(cluster: Cluster) -> list[str]:
    """Each SpinApp is given what its components refer to, and no more; what is secret comes from a Secret."""
    broken = []
    for app in cluster.of_kind("SpinApp"):
        name = f"SpinApp {app['metadata']['name']}"
        given = {variable["name"]: variable for variable in app["spec"].get("variables", [])}
        needed = set().union(*map(referred_variables, components_of(app)))
        broken += [f"{name}: {variable} is not set" for variable in sorted(needed - set(given))]
        broken += [
            f"{name}: {variable} is set, but no component refers to it" for variable in sorted(set(given) - needed)
        ]
        for variable in given.values():
            secret = MANIFEST["variables"].get(variable["name"], {}).get("secret", False)
            if secret != ("secretKeyRef" in variable.get("valueFrom", {})):
                broken.append(f"{name}: {variable['name']} {'does not come' if secret else 'comes'} from a Secret")
    return broken


def _plain_values(app: dict) -> dict:
    return {variable["name"]: variable.get("value", "") for variable in app["spec"].get("variables", [])}


def addresses_lead_somewhere(cluster: Cluster) -> list[str]:
    """Every address that a component is given is a Service's, may be reached by the component, and by its pod."""
    broken, allowed = [], arrows(cluster)
    workloads = {workload.name: workload for workload in cluster.workloads}
    for app in cluster.of_kind("SpinApp"):
        values, me = _plain_values(app), workloads[app["metadata"]["name"]]
        for component in components_of(app):
            own = COMPONENTS[component]
            hosts = {_fill(host, values) for host in own.get("allowed_outbound_hosts", [])}
            urls = [_fill(template, values) for template in own.get("variables", {}).values()]
            urls += [_fill(trigger["address"], values) for trigger in triggers_of(component, "redis")]
            # Other variables may be anything.
            for url in (url for url in urls if "://" in url):
                where = f"SpinApp {me.name}: {component}: {url}"
                if url not in hosts:
                    broken.append(f"{where} is not in its allowed_outbound_hosts")
                parts = urlsplit(url)
                service = next((s for s in cluster.services if s["metadata"]["name"] == parts.hostname), None)
                port = next((p for p in service["spec"]["ports"] if p["port"] == parts.port), None) if service else None
                if port is None:
                    broken.append(f"{where}: there is no such Service and port")
                    continue
                for target in cluster.selected({"matchLabels": service["spec"]["selector"]}):
                    number = target.port(port.get("targetPort", port["port"]))
                    if (role(me), role(target), number) not in allowed:
                        broken.append(f"{where}: no NetworkPolicy lets {role(me)} reach {role(target)}:{number}")
    return broken


def every_component_runs(cluster: Cluster) -> list[str]:
    """Once: two SpinApps with the same component would answer for each other."""
    placed = [name for app in cluster.of_kind("SpinApp") for name in components_of(app)]
    broken = [f"{name}: no component of spin.toml" for name in placed if name not in COMPONENTS]
    for name in COMPONENTS:
        count = placed.count(name)
        if count == 0 or (count > 1 and name not in SHARED):
            broken.append(f"{name}: in {count} SpinApps")
    return broken


def every_app_answers(cluster: Cluster) -> list[str]:
    """The operator starts Spin with --listen, and asks over HTTP: a SpinApp of Redis triggers alone would not start."""
    return [
        f"SpinApp {app['metadata']['name']}: no component with an HTTP trigger"
        for app in cluster.of_kind("SpinApp")
        if not any(triggers_of(name, "http") for name in components_of(app) if name in COMPONENTS)
    ]


def executors(cluster: Cluster) -> list[str]:
    broken = []
    for app in cluster.of_kind("SpinApp"):
        if not cluster.named("SpinAppExecutor", app["spec"]["executor"]):
            broken.append(f"SpinApp {app['metadata']['name']}: there is no SpinAppExecutor {app['spec']['executor']}")
    for executor in cluster.of_kind("SpinAppExecutor"):
        config = executor["spec"]["deploymentConfig"]
        if ("spinImage" in config) == ("runtimeClassName" in config):
            broken.append("SpinAppExecutor: it has a spinImage or a runtimeClassName, not both and not neither")
        version = re.search(r":v(\d+)\.(\d+)", config.get("spinImage", ":v4.1"))
        if tuple(map(int, version.groups())) < (4, 1):
            broken.append(f"SpinAppExecutor: {config['spinImage']} lacks WASI 0.3.0, which came with Spin 4.1")
    return broken


def telemetry(cluster: Cluster) -> list[str]:
    broken = []
    for executor in cluster.of_kind("SpinAppExecutor"):
        for url in executor["spec"]["deploymentConfig"].get("otel", {}).values():
            parts = urlsplit(url)
            service = cluster.named("Service", parts.hostname)
            if not service or parts.port not in [port["port"] for port in service["spec"]["ports"]]:
                broken.append(f"SpinAppExecutor: there is no Service behind {url}")
    return broken


POLICIES = [variables, addresses_lead_somewhere, every_component_runs, every_app_answers, executors, telemetry]
