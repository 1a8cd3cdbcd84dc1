"""Servers on this machine that stand for hosts: with files, without an answer, with a script, and none at all."""

import http.server
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[str]:
    """Serve the contents of these paths on 127.0.0.1, and yield the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            if self.command == "GET" and content:
                self.wfile.write(content)

        def log_message(self, *args) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent_host() -> Iterator[str]:
    """Yield the address of a host that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def nobody() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


Step = bytes | float  # bytes to send, or seconds to wait


def head(status: int, **headers: object) -> bytes:
    """Return the first lines of an answer, such as ``head(200, content_length=3)``."""
    lines = [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status} Status", *lines, "Connection: close", "", ""]).encode()


@contextmanager
def scripted(*answers: list[Step], certificate: Path | None = None) -> Iterator[tuple[str, list[str]]]:
    """Serve the first connection by the first answer, and so on; the last one serves all that follow.

    Yields the address and the list of requests, which grows. With a certificate the address is one of https.
    """
    requests: list[str] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            requests.append(self.request.recv(1 << 16).decode())
            with suppress(OSError):  # the other side has gone
                for step in answers[min(len(requests), len(answers)) - 1]:
                    self.request.sendall(step) if isinstance(step, bytes) else stopped.wait(step)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads, block_on_close = True, False

        def handle_error(self, *args) -> None:
            pass

    stopped = threading.Event()
    with Server(("127.0.0.1", 0), Handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}", requests
        finally:
            stopped.set()
            server.shutdown()
