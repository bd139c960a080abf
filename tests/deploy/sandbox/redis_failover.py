"""Scenario: whatever happens to the nodes of one context's Redis, its one address leads to the primary, and to no other."""

import sys
import threading
import time

from sandbox.pods import wait_for
from sandbox.redis_context import Context
from sandbox.resp import RedisError


class Writer:
    """Writes number after number through a proxy, reconnecting as a function would, and remembers what was acknowledged."""

    def __init__(self, context: Context, key: str):
        self.proxy, self.key = context.proxies[1], key
        self.acknowledged, self.longest_gap, self._ends = [], 0.0, threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self.thread.join()

    def _run(self) -> None:
        client, number, last = None, 0, time.monotonic()
        while not self._ends.is_set():
            try:
                client = client or self.proxy.client()
                client.command("RPUSH", self.key, number)
                self.acknowledged.append(number)
                self.longest_gap, last = max(self.longest_gap, time.monotonic() - last), time.monotonic()
            except (OSError, RedisError):
                # Whether it was applied is not known, so it is not acknowledged; the next one has another number.
                client = None
                time.sleep(0.05)
            number += 1


def stored(context: Context, key: str) -> set[int]:
    return set(map(int, context.proxies[0].client().command("LRANGE", key, 0, -1)))


def starts_together(context: Context) -> None:
    """Three nodes on empty volumes, all at once: the first becomes primary."""
    assert context.wait_until_whole().number == 0
    assert context.proxies[0].client().command("SET", "greeting", "hello") == "OK"


def carries_doorbells(context: Context) -> None:
    """A subscription through one proxy hears what is published through the other."""
    subscriber = context.proxies[0].client()
    subscriber.command("SUBSCRIBE", "events:user")
    assert context.proxies[1].client().command("PUBLISH", "events:user", "look") == 1
    assert subscriber.read() == ["message", "events:user", "look"]


def survives_a_crash(context: Context) -> None:
    """A primary that is gone is replaced; its subscriptions end, so that they are begun anew; it comes back as a replica."""
    primary = context.wait_until_whole()
    subscriber = context.proxies[0].client()
    subscriber.command("SUBSCRIBE", "events:user")
    subscriber.socket.settimeout(60)
    began = time.monotonic()
    primary.redis.kill()
    try:
        subscriber.read()
        raise AssertionError("the subscription outlived its primary")
    except ConnectionError:
        pass
    promoted = wait_for("another primary", lambda: (now := context.primary()) is not primary and now, 60)
    print(
        f"   a crash, from the kill to the next write: {time.monotonic() - began:.1f} s (2 s of it until Sentinel believes it)"
    )
    assert promoted.client().command("GET", "greeting") == "hello"
    primary.redis.start()
    assert context.wait_until_whole() is promoted


def hands_over_without_loss(context: Context) -> None:
    """A primary that is asked to stop makes another one primary: nothing that was acknowledged is lost."""
    primary = context.wait_until_whole()
    with Writer(context, "handed-over") as writer:
        time.sleep(1)
        assert primary.hand_over().ended(60) == 0
        time.sleep(1)
    assert primary.role() == "slave"
    assert primary.redis.terminate() == 0
    lost = set(writer.acknowledged) - stored(context, "handed-over")
    print(f"   handing over: {len(writer.acknowledged)} writes, {len(lost)} lost, none for {writer.longest_gap:.1f} s")
    assert not lost and len(writer.acknowledged) > 100
    primary.redis.start()
    assert context.wait_until_whole() is not primary


def ignores_an_impostor(context: Context) -> None:
    """A node that says it is primary while the Sentinels say otherwise gets no connection."""
    primary = context.wait_until_whole()
    impostor = next(node for node in context.nodes if node is not primary)
    impostor.client().command("REPLICAOF", "NO", "ONE")
    until = time.monotonic() + 4
    while time.monotonic() < until:
        assert context.primary() is primary
        time.sleep(0.1)
    wait_for("Sentinel makes it a replica again", lambda: impostor.role() == "slave", 60)


def keeps_its_data_without_a_volume(context: Context) -> None:
    """A primary that has lost its volume does not start as one: its replicas would become as empty."""
    primary = context.wait_until_whole()
    primary.redis.kill()
    primary.lose_volume()
    assert primary.redis.start().ended(20) == 1, primary.redis.log.read_text()
    assert "its volume is empty" in primary.redis.log.read_text()
    wait_for("another primary", lambda: context.primary() is not primary, 60)
    primary.sentinel.terminate()
    primary.start()
    context.wait_until_whole()
    assert primary.client().command("GET", "greeting") == "hello"


def remembers_its_roles(context: Context) -> None:
    """All of it stops and starts: the same node is primary, with the same data."""
    primary = context.wait_until_whole()
    for node in context.nodes:
        node.sentinel.kill()
    for node in context.nodes:
        node.redis.kill()
    for node in context.nodes:
        node.start()
    assert context.wait_until_whole() is primary
    assert primary.client().command("GET", "greeting") == "hello"


def refuses_to_write_alone(context: Context) -> None:
    """A primary without replicas may have been replaced without knowing: it acknowledges nothing."""
    primary = context.wait_until_whole()
    others = [node for node in context.nodes if node is not primary]
    for node in others:
        node.redis.kill()

    def refused() -> bool:
        try:
            primary.client().command("SET", "greeting", "hello")
            return False
        except RedisError as error:
            return str(error).startswith("NOREPLICAS")

    wait_for("writes are refused", refused, 15)
    for node in others:
        node.redis.start()
    context.wait_until_whole()
    assert primary.client().command("SET", "greeting", "hello") == "OK"


SCENES = [
    starts_together,
    carries_doorbells,
    survives_a_crash,
    hands_over_without_loss,
    ignores_an_impostor,
    keeps_its_data_without_a_volume,
    remembers_its_roles,
    refuses_to_write_alone,
]

if __name__ == "__main__":
    context = Context()
    for scene in SCENES:
        try:
            began = time.monotonic()
            scene(context)
            print(f"ok {scene.__name__} ({time.monotonic() - began:.0f} s)", flush=True)
        except Exception:
            print(context.logs(), file=sys.stderr)
            raise
