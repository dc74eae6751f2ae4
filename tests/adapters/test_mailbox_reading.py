"""The way to a mailbox: encrypted, to the server of that name and no other, and to no address of the house."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service_desk.adapters.mailbox import Login, MailboxError, MailboxReader, Place
from tests.imap_server import PASSWORD, USER, ImapServer, free_port, imap_server
from tests.letters import letter


def make_certificate(folder: Path, name: str) -> Path:
    """A key and a certificate that signs itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    day = timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - day)
        .not_valid_after(datetime.now(UTC) + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[ImapServer]:
    with imap_server() as running:
        running.put(letter("周敏 <zhou@zzly.example>"))
        yield running


@contextmanager
def behind_tls(server: ImapServer, certificate: Path) -> Iterator[int]:
    """The same server behind an encrypted port."""
    port, started, stop = free_port(), Event(), Event()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            back, forth = await asyncio.open_connection(server.host, server.port)
            await asyncio.gather(pipe(reader, forth), pipe(back, writer), return_exceptions=True)

        async with await asyncio.start_server(meet, "127.0.0.1", port, ssl=context):
            started.set()
            while not stop.is_set():
                await asyncio.sleep(0.02)

    thread = Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    yield port
    stop.set()
    thread.join(10)


def read(host: str, port: int, trusted: set[str], security: str = "tls") -> int:
    """How many mails there are."""
    place = Place(None, 0, datetime.now(UTC) - timedelta(hours=1))
    with MailboxReader(Login(host, port, security, USER, PASSWORD), trusted) as reader:
        return len(list(reader.new_since(place)))


def test_a_mailbox_is_read_encrypted(server: ImapServer, tmp_path: Path, monkeypatch) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with behind_tls(server, certificate) as port:
        assert read("localhost", port, {"localhost"}) == 1


def test_a_server_of_another_name_is_not_believed(server: ImapServer, tmp_path: Path, monkeypatch) -> None:
    certificate = make_certificate(tmp_path, "imap.elsewhere.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with behind_tls(server, certificate) as port, pytest.raises(MailboxError, match="CERTIFICATE"):
        read("localhost", port, {"localhost"})


def test_a_certificate_nobody_knows_is_not_believed(server: ImapServer, tmp_path: Path) -> None:
    with behind_tls(server, make_certificate(tmp_path, "localhost")) as port, pytest.raises(MailboxError):
        read("localhost", port, {"localhost"})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.5"])
def test_an_address_of_the_house_is_not_asked(server: ImapServer, host: str) -> None:
    with pytest.raises(MailboxError, match="not a public address"):
        read(host, server.port, set(), "none")


def test_a_server_without_encryption_is_not_asked_for_it(server: ImapServer) -> None:
    with pytest.raises(MailboxError):
        read(server.host, server.port, {server.host}, "starttls")


def test_a_wrong_password_is_said_and_not_repeated(server: ImapServer) -> None:
    login = Login(server.host, server.port, "none", USER, "the wrong one")
    with pytest.raises(MailboxError) as refused, MailboxReader(login, {server.host}):
        pass
    assert "LoginError" in str(refused.value)
    assert "the wrong one" not in str(refused.value)
    assert "the wrong one" not in repr(login)
