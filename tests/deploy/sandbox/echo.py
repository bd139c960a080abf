"""Stands behind the front in the place of Spin: says which class and pod it is, and counts what it was asked."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PORT = 80


class Pod:
    def __init__(self, name: str, address: str):
        self.name, self.asked, self.breaks = name, [], False
        pod = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def _answer(self):
                if self.path == "/.well-known/spin/health":
                    return self._send(b"OK")
                pod.asked.append((self.command, self.path, {key.lower(): value for key, value in self.headers.items()}))
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if pod.breaks:
                    # The request arrived; what became of it, nobody will know.
                    self.close_connection = True
                    return self.connection.shutdown(2)
                if self.path.endswith("/live"):
                    return self._stream()
                return self._send(pod.name.encode())

            def _send(self, body: bytes):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _stream(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for _ in range(3):
                    self.wfile.write(b"7\r\n: here\n\r\n")
                    time.sleep(0.5)
                self.wfile.write(b"0\r\n\r\n")

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_):
                """A client that went away is no error: the front does, after each question about health."""

        self.server = Server((address, PORT), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
