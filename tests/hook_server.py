"""A bot's endpoint on the loopback, which answers as a test wants it to and keeps what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from service_desk.adapters import channels

TAKEN = {"errcode": 0, "errmsg": "ok"}


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HookServer:
    """`answers` are given in turn, then `TAKEN`: a status, headers and what stands in the body."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/cgi-bin/webhook/send?key=693a91f6-7abc-4bc4-97a0"

    def answer(self, body: Any = None, status: int = 200, **headers: str) -> None:
        """What to answer the next that asks."""
        self.answers.append((status, headers, TAKEN if body is None else body))


@contextmanager
def hook_server() -> Iterator[HookServer]:
    """A running endpoint that the desk trusts while it runs."""
    server = HookServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.asked.append(Asked(self.path, dict(self.headers), body))
            status, headers, said = server.answers.pop(0) if server.answers else (200, {}, TAKEN)
            answer = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.port = running.server_port
    thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    before = channels.trusted_hosts()
    channels.trust_hosts({server.host})
    try:
        yield server
    finally:
        channels.trust_hosts(before)
        running.shutdown()
        thread.join()
        running.server_close()
