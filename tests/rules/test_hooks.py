"""Addresses of bots and webhooks: only their vendors', only public ones, and never shown whole."""

from ipaddress import ip_address

import pytest

from service_desk.base.errors import Invalid
from service_desk.rules.hooks import HookKind, Target, is_public, masked, require_secret, target_of

WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7abc-4bc4-97a0-0ec2sifa5aaa"


def refusal(kind: HookKind, url: str, trusted: frozenset[str] = frozenset()) -> str | None:
    try:
        target_of(kind, url, trusted)
    except Invalid as error:
        return error.code if error.field == "url" else f"{error.code} beside no field"
    return None


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        (HookKind.WECOM, WECOM),
        (HookKind.DINGTALK, "https://oapi.dingtalk.com/robot/send?access_token=abc"),
        (HookKind.FEISHU, "https://open.feishu.cn/open-apis/bot/v2/hook/abc"),
        (HookKind.FEISHU, "https://open.larksuite.com/open-apis/bot/v2/hook/abc"),
        (HookKind.WEBHOOK, "https://hooks.zzly.example/desk?from=desk"),
        (HookKind.WEBHOOK, "https://hooks.zzly.example:8443/desk"),
        (HookKind.WEBHOOK, "https://8.8.8.8/desk"),
    ],
)
def test_an_address_of_the_vendor_or_of_the_public_internet_is_taken(kind: HookKind, url: str) -> None:
    assert refusal(kind, url) is None


@pytest.mark.parametrize(
    ("kind", "url", "code"),
    [
        (HookKind.WECOM, "https://qyapi.weixin.qq.com.evil.example/send", "hook_vendor"),
        (HookKind.WECOM, "https://evil.example/qyapi.weixin.qq.com", "hook_vendor"),
        (HookKind.WECOM, "https://qyapi.weixin.qq.com:8443/send", "hook_vendor"),
        (HookKind.WECOM, "http://qyapi.weixin.qq.com/send", "hook_not_https"),
        (HookKind.WECOM, "https://qyapi.weixin.qq.com@evil.example/send", "hook_address"),
        (HookKind.DINGTALK, WECOM, "hook_vendor"),
        (HookKind.FEISHU, "https://oapi.dingtalk.com/robot/send", "hook_vendor"),
        (HookKind.WEBHOOK, "http://hooks.zzly.example/desk", "hook_not_https"),
        (HookKind.WEBHOOK, "ftp://hooks.zzly.example/desk", "hook_address"),
        (HookKind.WEBHOOK, "file:///etc/passwd", "hook_address"),
        (HookKind.WEBHOOK, "https://", "hook_address"),
        (HookKind.WEBHOOK, "hooks.zzly.example", "hook_address"),
        (HookKind.WEBHOOK, "https://hooks.zzly.example/desk#x", "hook_address"),
        (HookKind.WEBHOOK, "https://user:word@hooks.zzly.example/", "hook_address"),
        (HookKind.WEBHOOK, "https://hooks.zzly.example/a b", "hook_address"),
        (HookKind.WEBHOOK, "https://hooks.zzly.example/a\r\nHost: x", "hook_address"),
        (HookKind.WEBHOOK, "https://hooks.zzly.example\\@evil.example/", "hook_address"),
        (HookKind.WEBHOOK, "https://hooks.zzly.example:port/", "hook_address"),
        (HookKind.WEBHOOK, "https://郑州.example/", "hook_address"),
        # Names that cannot be looked up: an empty label, a label that is too long.
        (HookKind.WEBHOOK, "https://hooks..example/desk", "hook_address"),
        (HookKind.WEBHOOK, f"https://{'a' * 64}.example/desk", "hook_address"),
        (HookKind.WEBHOOK, "https://localhost/", "hook_private"),
        (HookKind.WEBHOOK, "https://desk.local/", "hook_private"),
        (HookKind.WEBHOOK, "https://metadata.google.internal/", "hook_private"),
        (HookKind.WEBHOOK, "https://127.0.0.1/", "hook_private"),
        (HookKind.WEBHOOK, "https://2130706433/", "hook_private"),
        (HookKind.WEBHOOK, "https://10.1.2.3/", "hook_private"),
        (HookKind.WEBHOOK, "https://169.254.169.254/latest/meta-data", "hook_private"),
        (HookKind.WEBHOOK, "https://[::1]/", "hook_private"),
        (HookKind.WEBHOOK, "https://[::ffff:127.0.0.1]/", "hook_private"),
    ],
)
def test_any_other_address_is_refused(kind: HookKind, url: str, code: str) -> None:
    assert refusal(kind, url) == code


def test_a_host_the_operator_names_may_be_anywhere_but_only_that_one() -> None:
    trusted = frozenset({"10.1.2.3:8080", "bots.house"})

    assert target_of(HookKind.WECOM, "http://10.1.2.3:8080/send?key=1", trusted) == Target(
        "10.1.2.3", 8080, "/send?key=1", is_tls=False, is_trusted=True
    )
    assert refusal(HookKind.WEBHOOK, "https://bots.house:9443/", trusted) is None
    assert refusal(HookKind.WECOM, "http://10.1.2.3:8081/send", trusted) == "hook_vendor"
    assert refusal(HookKind.WEBHOOK, "https://10.1.2.4:8080/", trusted) == "hook_private"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True),
        ("2400:3200::1", True),
        ("0.0.0.0", False),
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::101:101", True),
        ("2002:7f00:1::", False),
        ("fec0::1", False),
        ("::127.0.0.1", False),
        ("::ffff:0:10.0.0.1", False),
        ("64:ff9b:1::a00:1", False),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


def test_of_an_address_only_the_host_and_the_end_of_its_key_are_shown() -> None:
    assert masked(WECOM) == "https://qyapi.weixin.qq.com/…5aaa"
    assert masked("https://a.example/short") == "https://a.example/…"


def test_a_webhook_needs_a_secret_that_nobody_guesses() -> None:
    require_secret(HookKind.WECOM, "")
    require_secret(HookKind.WEBHOOK, "0123456789abcdef")
    with pytest.raises(Invalid, match="hook_secret_short"):
        require_secret(HookKind.WEBHOOK, "0123456789abcde")
