"""Tokens of addresses that are themselves the secret: they follow from the desk's key and a nonce, and are not kept."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass

MAX_TOKEN = 64


@dataclass
class _Settings:
    key: bytes = b""


def use_key(secret_key: str) -> None:
    """Sign with this key from now on."""
    _Settings.key = secret_key.encode()


def token_of(purpose: str, nonce: str) -> str:
    """The token of a nonce: 43 characters nobody can guess without the desk's key.

    The purpose keeps tokens of one kind of address from being any other's.
    """
    if not _Settings.key:
        raise RuntimeError("no key to sign links with")
    mac = hmac.new(_Settings.key, f"{purpose}:{nonce}".encode(), hashlib.sha256)
    return urlsafe_b64encode(mac.digest()).rstrip(b"=").decode()


def hash_of(token: str) -> str:
    """What is kept of a token, to find its row again."""
    return hashlib.sha256(token.encode()).hexdigest()
