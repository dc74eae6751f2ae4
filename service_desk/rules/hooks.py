"""Bots and webhooks of others: which there are, what their addresses must be, and what of an address may be shown."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from service_desk.base.errors import Invalid

MIN_WEBHOOK_SECRET = 16
_NAT64 = IPv6Network("64:ff9b::/96")
# Of a house, though `ipaddress` calls them global: the old site's own, IPv4 addresses written the old ways, and
# those that a house's own translator turns into its IPv4 addresses (RFC 3879, 4291, 2765, 8215).
_OF_A_HOUSE = tuple(map(IPv6Network, ("fec0::/10", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48")))
# What the name system can ask for; any other could not even be looked up.
_HOST_NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9_-]{1,63}")

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")


class HookKind(StrEnum):
    """Group bots of WeCom (企业微信), DingTalk (钉钉) and Feishu (飞书), and any receiver of signed JSON."""

    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    WEBHOOK = "webhook"


VENDOR_HOSTS: dict[HookKind, frozenset[str]] = {
    HookKind.WECOM: frozenset({"qyapi.weixin.qq.com"}),
    HookKind.DINGTALK: frozenset({"oapi.dingtalk.com"}),
    HookKind.FEISHU: frozenset({"open.feishu.cn", "open.larksuite.com"}),
}


@dataclass(frozen=True)
class Target:
    """Where a request goes. `is_trusted`: the operator named the host, so it may be anywhere and without TLS."""

    host: str
    port: int
    path: str
    is_tls: bool
    is_trusted: bool


def target_of(kind: HookKind, url: str, trusted_hosts: Collection[str]) -> Target:
    """Read an address and judge it without asking the network.

    A bot's must be its vendor's, a webhook's a public one, both by https; `trusted_hosts` (`host` or
    `host:port`) are free of that. Invalid: hook_address, hook_not_https, hook_vendor, hook_private.
    """
    parts, port = _split(url)
    host = (parts.hostname or "").rstrip(".")
    is_trusted = host in trusted_hosts or f"{host}:{port}" in trusted_hosts
    if not is_trusted:
        _require_public(kind, parts.scheme, host, port)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host, port, path, parts.scheme == "https", is_trusted)


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Invalid("hook_address", field="url") from None
    is_plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    is_address = parts.scheme in ("https", "http") and parts.hostname and not parts.fragment
    if not is_plain or not is_address or parts.username is not None or parts.password is not None:
        raise Invalid("hook_address", field="url")
    return parts, port


def _require_public(kind: HookKind, scheme: str, host: str, port: int) -> None:
    vendor = VENDOR_HOSTS.get(kind)
    if vendor is not None and (host not in vendor or port not in (80, 443)):
        raise Invalid("hook_vendor", field="url", hosts=", ".join(sorted(vendor)))
    if scheme != "https":
        raise Invalid("hook_not_https", field="url")
    literal = _literal(host)
    is_name = literal is None and "." in host and not host.endswith((".local", ".internal", ".localhost"))
    if not is_name and (literal is None or not is_public(literal)):
        raise Invalid("hook_private", field="url")
    if is_name and not _HOST_NAME.fullmatch(host):
        raise Invalid("hook_address", field="url")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the public internet's, not of a house, this machine or a cloud's inside."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        # Translated to an IPv4 address on the way, which may be one of the house (RFC 6052).
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if any(address in network for network in _OF_A_HOUSE):
            return False
    return address.is_global and not address.is_multicast


def require_secret(kind: HookKind, secret: str) -> None:
    """A webhook's receiver must be able to tell our messages from others'. Invalid: hook_secret_short."""
    if kind is HookKind.WEBHOOK and len(secret) < MIN_WEBHOOK_SECRET:
        raise Invalid("hook_secret_short", field="secret", length=MIN_WEBHOOK_SECRET)


def require_inbound(kind: HookKind, token: str, key: str) -> None:
    """What is needed to prove that a vendor called: Invalid inbound_key, inbound_token.

    WeCom: the token and the 43 characters of the EncodingAESKey. Feishu: verification token and encrypt key.
    DingTalk: the robot's secret. A webhook: a key as long as the one it is sent to with.
    """
    least = MIN_WEBHOOK_SECRET if kind is HookKind.WEBHOOK else 1
    is_shaped = _AES_KEY.fullmatch(key) is not None if kind is HookKind.WECOM else len(key) >= least
    if not is_shaped:
        raise Invalid("inbound_key", field="inbound_key")
    if kind in (HookKind.WECOM, HookKind.FEISHU) and not token:
        raise Invalid("inbound_token", field="inbound_token")


def masked(url: str) -> str:
    """What may be shown of an address: the host, and the last four characters to tell two apart by."""
    parts = urlsplit(url)
    return (
        f"{parts.scheme}://{parts.netloc}/…{url[-4:]}"
        if len(url) > 40
        else f"{parts.scheme}://{parts.netloc}/…"
    )
