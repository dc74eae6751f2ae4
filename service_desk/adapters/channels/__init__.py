"""Messages to group bots and webhooks: the request each of them understands, and the one way it is sent."""

from service_desk.adapters.channels.requests import Bulletin, HookRequest, request_for
from service_desk.adapters.channels.sending import (
    ChannelBusy,
    ChannelError,
    ChannelRefused,
    ChannelUnreachable,
    Hook,
    send,
    trust_hosts,
    trusted_hosts,
)

__all__ = [
    "Bulletin",
    "ChannelBusy",
    "ChannelError",
    "ChannelRefused",
    "ChannelUnreachable",
    "Hook",
    "HookRequest",
    "request_for",
    "send",
    "trust_hosts",
    "trusted_hosts",
]
