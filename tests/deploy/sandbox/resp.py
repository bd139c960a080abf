"""A Redis client of the simplest kind: one connection, one command at a time, like Spin's."""

import socket


class RedisError(Exception):
    pass


class Redis:
    def __init__(self, host: str, port: int, password: str, patience: float = 3):
        self.socket = socket.create_connection((host, port), timeout=patience)
        self.file = self.socket.makefile("rb")
        self.command("AUTH", password)

    def send(self, *words) -> None:
        encoded = [str(word).encode() for word in words]
        body = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        self.socket.sendall(b"*%d\r\n" % len(encoded) + body)

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection was closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        return [self.read() for _ in range(int(rest))]

    def command(self, *words):
        self.send(*words)
        return self.read()

    def close(self) -> None:
        self.file.close()
        self.socket.close()
