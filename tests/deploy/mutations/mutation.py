"""A mistake, and the ways to make one."""

from dataclasses import dataclass
from typing import Callable


@dataclass
class Mutation:
    policy: Callable
    says: str
    change: Callable[[list[dict]], None]
    overlay: str = "hyperscale"

    def __str__(self) -> str:
        return f"{self.policy.__name__}: {self.says}"


def find(resources: list[dict], kind: str, name: str) -> dict:
    return next(r for r in resources if r["kind"] == kind and r["metadata"]["name"].startswith(name))


def spec(kind: str, name: str, change: Callable[[dict], object]) -> Callable:
    return lambda resources: change(find(resources, kind, name)["spec"]) and None


def pod(kind: str, name: str, change: Callable[[dict], object]) -> Callable:
    return spec(kind, name, lambda of: change(of["template"]["spec"]))


def container(kind: str, name: str, change: Callable[[dict], object]) -> Callable:
    return pod(kind, name, lambda of: change(of["containers"][0]))


def app(name: str, change: Callable[[dict], object]) -> Callable:
    return spec("SpinApp", name, change)


def without(kind: str, name: str) -> Callable:
    return lambda resources: resources.remove(find(resources, kind, name))


def variable(name: str, **value) -> Callable[[dict], object]:
    """Sets a variable of a SpinApp anew."""

    def change(of: dict) -> None:
        of["variables"] = [v for v in of["variables"] if v["name"] != name] + [{"name": name} | value]

    return change


def rule(name: str, direction: str, change: Callable[[dict], object]) -> Callable:
    return spec("NetworkPolicy", name, lambda of: change(of[direction][0]))


def redis_conf(old: str, new: str) -> Callable:
    def change(resources: list[dict]) -> None:
        data = find(resources, "ConfigMap", "user-redis-config")["data"]
        assert old in data["redis.conf"]
        data["redis.conf"] = data["redis.conf"].replace(old, new)

    return change


def policy_text(old: str, new: str) -> Callable:
    """Changes the policy that completes the functions' pods."""

    def change(resources: list[dict]) -> None:
        for mutation in find(resources, "MutatingAdmissionPolicy", "social-network-functions")["spec"]["mutations"]:
            mutation["jsonPatch"]["expression"] = mutation["jsonPatch"]["expression"].replace(old, new)

    return change
