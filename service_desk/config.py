"""Settings from the environment or `.env`, checked once at start."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path

from dotenv import dotenv_values
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent.parent
_HOST = re.compile(r"[a-z0-9_.-]+(:[0-9]{1,5})?")


class ConfigError(Exception):
    """A setting that cannot work; its text is one line that names the setting."""


@dataclass(frozen=True)
class Smtp:
    """Where mail goes. `security` is `none`, `starttls` or `tls`."""

    host: str
    port: int = 587
    user: str = ""
    password: str = field(default="", repr=False)
    security: str = "starttls"


@dataclass(frozen=True)
class Config:
    """Everything the app is told from outside. Tests build it directly."""

    database_url: str
    secret_key: str = field(repr=False)
    instance_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    mode: str = "development"
    demo: bool = True
    base_url: str = ""
    smtp: Smtp | None = None
    mail_from: str = "Service Desk <desk@localhost>"
    mail_reply_to: str = ""
    channel_hosts: frozenset[str] = frozenset()
    session_minutes: int = 480
    max_upload_mb: int = 30
    proxies: int = 0
    log_format: str = "console"
    pdf_font_dir: Path | None = None
    testing: bool = False

    @property
    def is_production(self) -> bool:
        return self.mode == "production"

    @property
    def public_url(self) -> str:
        """The address written into mails and QR codes."""
        return self.base_url or f"http://{self.host}:{self.port}"


def load_config(environ: Mapping[str, str] | None = None, *, root: Path = ROOT) -> Config:
    """Read the settings; the environment wins over `.env`. ConfigError names the first wrong one."""
    given = {**_dotenv(root), **(os.environ if environ is None else environ)}
    mode = _choice(given, "MODE", "development", ("development", "production"))
    instance_dir = Path(given.get("INSTANCE_DIR") or root / "instance").expanduser().resolve()
    _make_dir(instance_dir)
    return Config(
        database_url=_database_url(given, instance_dir),
        secret_key=_secret_key(given, mode, instance_dir),
        instance_dir=instance_dir,
        host=given.get("HOST") or "127.0.0.1",
        port=_number(given, "PORT", 8000, 1, 65535),
        mode=mode,
        demo=_flag(given, "DEMO", mode == "development"),
        base_url=_base_url(given),
        smtp=_smtp(given),
        mail_from=_mail_address(given, "MAIL_FROM", "Service Desk <desk@localhost>"),
        mail_reply_to=_mail_address(given, "MAIL_REPLY_TO", ""),
        channel_hosts=_hosts(given, "CHANNEL_HOSTS"),
        session_minutes=_number(given, "SESSION_MINUTES", 480, 5, 10080),
        max_upload_mb=_number(given, "MAX_UPLOAD_MB", 30, 1, 500),
        proxies=_number(given, "PROXIES", 0, 0, 5),
        log_format=_choice(given, "LOG_FORMAT", "console", ("console", "json")),
        pdf_font_dir=_existing_dir(given, "PDF_FONT_DIR"),
    )


def _dotenv(root: Path) -> dict[str, str]:
    return {key: value for key, value in dotenv_values(root / ".env").items() if value is not None}


def _make_dir(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"INSTANCE_DIR: cannot make the folder {path}: {error.strerror}.") from error


def _existing_dir(given: Mapping[str, str], name: str) -> Path | None:
    text = given.get(name)
    if not text:
        return None
    path = Path(text).expanduser().resolve()
    if not path.is_dir():
        raise ConfigError(f"{name}: there is no folder {path}.")
    return path


def _number(given: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = given.get(name) or str(default)
    try:
        number = int(text)
    except ValueError:
        raise ConfigError(f"{name} must be a whole number, not {text!r}.") from None
    if not low <= number <= high:
        raise ConfigError(f"{name} must be from {low} to {high}, not {number}.")
    return number


def _flag(given: Mapping[str, str], name: str, default: bool) -> bool:
    text = (given.get(name) or str(int(default))).strip().lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ConfigError(f"{name} must be 1 or 0, not {text!r}.")


def _choice(given: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    text = (given.get(name) or default).strip().lower()
    if text not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, not {text!r}.")
    return text


def _database_url(given: Mapping[str, str], instance_dir: Path) -> str:
    text = given.get("DATABASE_URL") or f"sqlite:///{instance_dir / 'service_desk.sqlite3'}"
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigError(
            "DATABASE_URL must look like postgresql+psycopg://user:password@host/name or sqlite:///file."
        ) from None
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ConfigError(
            f"DATABASE_URL: {url.drivername} is not supported; use sqlite or postgresql+psycopg."
        )
    return url.render_as_string(hide_password=False)


def _secret_key(given: Mapping[str, str], mode: str, instance_dir: Path) -> str:
    key = given.get("SECRET_KEY") or ""
    if key:
        if len(key) < 16:
            raise ConfigError("SECRET_KEY must have at least 16 characters.")
        return key
    if mode == "production":
        raise ConfigError("SECRET_KEY must be set in production mode.")
    return _kept_secret(instance_dir / "secret_key")


def _kept_secret(path: Path) -> str:
    """A key made once and kept beside the data, so that a restart signs nobody out."""
    try:
        # O_EXCL: of two processes that start together only one writes the key.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"INSTANCE_DIR: cannot write {path}: {error.strerror}.") from error
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key


def _base_url(given: Mapping[str, str]) -> str:
    url = (given.get("BASE_URL") or "").rstrip("/")
    if url and not url.startswith(("http://", "https://")):
        raise ConfigError(f"BASE_URL must begin with http:// or https://, not {url!r}.")
    return url


def _mail_address(given: Mapping[str, str], name: str, default: str) -> str:
    text = given.get(name) or default
    local, _, domain = parseaddr(text)[1].rpartition("@")
    if text and not (local and domain):
        raise ConfigError(
            f"{name} must be a mail address such as Service Desk <desk@example.com>, not {text!r}."
        )
    return text


def _hosts(given: Mapping[str, str], name: str) -> frozenset[str]:
    hosts = frozenset(host.strip().lower() for host in (given.get(name) or "").split(",") if host.strip())
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ConfigError(f"{name}: {host!r} must be a host such as bots.example.com or 10.0.0.5:8443.")
    return hosts


def _smtp(given: Mapping[str, str]) -> Smtp | None:
    host = given.get("SMTP_HOST") or ""
    if not host:
        return None
    security = _choice(given, "SMTP_SECURITY", "starttls", ("none", "starttls", "tls"))
    return Smtp(
        host=host,
        port=_number(given, "SMTP_PORT", {"none": 25, "starttls": 587, "tls": 465}[security], 1, 65535),
        user=given.get("SMTP_USER") or "",
        password=given.get("SMTP_PASSWORD") or "",
        security=security,
    )
