"""A real IMAP server on the loopback, with one mailbox in memory."""

import asyncio
import socket
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread

from imapclient import IMAPClient
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPService
from pysasl.hashing import BuiltinHash

from service_desk.adapters import channels

USER, PASSWORD = "desk@insurer.example", "only for this test"


@dataclass(frozen=True)
class ImapServer:
    """Where it listens; mails are put in over IMAP, as any program would."""

    host: str
    port: int

    def put(self, *mails: bytes, folder: str = "INBOX", at: datetime | None = None) -> None:
        """Let mails arrive."""
        with self._client() as client:
            for mail in mails:
                client.append(folder, mail, msg_time=at or datetime.now(UTC))

    def flags(self, folder: str = "INBOX") -> list[tuple[bytes, ...]]:
        """What is marked of each mail: reading must change nothing."""
        with self._client() as client:
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search(), ["FLAGS"])
            return [tuple(one for one in facts[b"FLAGS"] if one != b"\\Recent") for facts in found.values()]

    def make_folder(self, name: str, *mails: bytes) -> None:
        """A folder made anew: its UIDVALIDITY is another, its numbers begin again."""
        with self._client() as client:
            if client.folder_exists(name):
                client.delete_folder(name)
            client.create_folder(name)
            for mail in mails:
                client.append(name, mail, msg_time=datetime.now(UTC))

    @contextmanager
    def trusted(self) -> Iterator[None]:
        """Let the desk read it, though it is at no public address; after the desk was made, which says whom it trusts."""
        known = channels.trusted_hosts()
        channels.trust_hosts({*known, f"{self.host}:{self.port}"})
        yield
        channels.trust_hosts(known)

    def _client(self) -> IMAPClient:
        client = IMAPClient(self.host, self.port, ssl=False)
        client.login(USER, PASSWORD)
        return client


@contextmanager
def imap_server() -> Iterator[ImapServer]:
    """A running server."""
    port = free_port()
    started, stop = Event(), Event()
    thread = Thread(target=lambda: asyncio.run(_serve(port, started, stop)), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield ImapServer("127.0.0.1", port)
    finally:
        stop.set()
        thread.join(10)


async def _serve(port: int, started: Event, stop: Event) -> None:
    backend, config = await DictBackend.init(_arguments(port), hash_context=BuiltinHash(rounds=1))
    config.apply_context()
    async with AsyncExitStack() as stack:
        await backend.start(stack)
        await IMAPService(backend, config).start(stack)
        started.set()
        while not stop.is_set():
            await asyncio.sleep(0.02)


def _arguments(port: int) -> Namespace:
    parser = ArgumentParser()
    DictBackend.add_subparser("dict", parser.add_subparsers(dest="backend"))
    IMAPService.add_arguments(parser)
    given = ["--host", "127.0.0.1", "--port", str(port), "--no-tls", "dict"]
    arguments = parser.parse_args([*given, "--demo-user", USER, "--demo-password", PASSWORD])
    arguments.debug, arguments.passlib_cfg = False, None
    return arguments


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
