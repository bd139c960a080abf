"""The sandbox's network: loopback, and a name server that knows what the cluster's would."""

import socket
import struct
import subprocess
import tempfile
import threading
from pathlib import Path

NAMESPACE = "social-network"
SERVER = ("127.0.0.53", 53)

# Names and their addresses; a scenario changes it as pods come and go.
ADDRESSES: dict[str, list[str]] = {}

A, IN, TTL = 1, 1, 0


def _name(packet: bytes, at: int) -> tuple[str, int]:
    labels = []
    while packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return ".".join(labels).lower(), at + 1


def _answer(packet: bytes) -> bytes:
    name, end = _name(packet, 12)
    (kind,) = struct.unpack("!H", packet[end : end + 2])
    addresses = ADDRESSES.get(name) if kind == A else ADDRESSES.get(name) and []
    # 0x8580: an authoritative answer; 3: there is no such name.
    flags = 0x8580 if addresses is not None else 0x8583
    records = b"".join(
        struct.pack("!HHHIH", 0xC00C, A, IN, TTL, 4) + socket.inet_aton(address) for address in addresses or []
    )
    return packet[:2] + struct.pack("!HHHHH", flags, 1, len(addresses or []), 0, 0) + packet[12 : end + 4] + records


def _serve() -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(SERVER)

    def loop() -> None:
        while True:
            packet, client = server.recvfrom(512)
            server.sendto(_answer(packet), client)

    threading.Thread(target=loop, daemon=True).start()


def start() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    settings = Path(tempfile.mkdtemp()) / "resolv.conf"
    # As in a pod: a Service of the own namespace needs no more than its name.
    settings.write_text(f"nameserver {SERVER[0]}\nsearch {NAMESPACE}.svc.cluster.local\noptions ndots:5\n")
    real = Path("/etc/resolv.conf").resolve()
    subprocess.run(["mount", "--bind", str(settings), str(real)], check=True)
    _serve()
