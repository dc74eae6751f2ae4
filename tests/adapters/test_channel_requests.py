"""What bots are asked with: their own formats, limits and signatures, and nobody's words as commands."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.adapters.channels import Bulletin, request_for
from service_desk.rules.hooks import HookKind

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
URL = "https://desk.example/claims/CLM-2026-000007"
SAID = Bulletin(
    message_id="0a1b2c",
    kind="clock_breach",
    subject="clocks",
    language="zh",
    title="CLM-2026-000007 查勘已超时 · 郑州联运集团",
    lines=("承诺未能兑现。", "", "步骤: 查勘", "处理人: 王建军 · 1001"),
    url=URL,
    open_words="在服务台打开",
    more_words="其余内容请在服务台查看",
    account="ZZLY",
    number="CLM-2026-000007",
    created_at=AT,
)


def content(kind: HookKind, said: Bulletin = SAID, secret: str = ""):
    return json.loads(request_for(kind, said, secret, AT).body)


def test_wecom_reads_markdown_with_the_link_at_the_end() -> None:
    asked = content(HookKind.WECOM)

    assert asked == {
        "msgtype": "markdown",
        "markdown": {
            "content": "**CLM-2026-000007 查勘已超时 · 郑州联运集团**\n\n"
            "承诺未能兑现。\n\n步骤: 查勘\n处理人: 王建军 · 1001\n\n"
            f"[在服务台打开]({URL})"
        },
    }


def test_dingtalk_is_signed_in_the_address() -> None:
    request = request_for(HookKind.DINGTALK, SAID, "SEC0123", AT)

    query = parse_qs(request.query)
    stamp = "1795395600000"
    expected = hmac.new(b"SEC0123", f"{stamp}\nSEC0123".encode(), hashlib.sha256).digest()
    assert query == {"timestamp": [stamp], "sign": [base64.b64encode(expected).decode()]}
    asked = json.loads(request.body)
    assert asked["msgtype"] == "markdown"
    assert asked["markdown"]["title"] == SAID.title
    assert asked["markdown"]["text"].endswith(f"[在服务台打开]({URL})")
    assert request_for(HookKind.DINGTALK, SAID, "", AT).query == ""


def test_feishu_is_signed_in_the_body_and_reads_words_as_words() -> None:
    asked = content(HookKind.FEISHU, secret="s3cret")

    expected = hmac.new(b"1795395600\ns3cret", b"", hashlib.sha256).digest()
    assert (asked["timestamp"], asked["sign"]) == ("1795395600", base64.b64encode(expected).decode())
    post = asked["content"]["post"]["zh_cn"]
    assert post["title"] == SAID.title
    assert [row[0]["tag"] for row in post["content"]] == ["text"] * 4 + ["a"]
    assert post["content"][-1][0] == {"tag": "a", "text": "在服务台打开", "href": URL}
    assert "sign" not in content(HookKind.FEISHU)


def test_a_webhook_can_tell_our_messages_from_others_and_from_repeats() -> None:
    request = request_for(HookKind.WEBHOOK, SAID, "0123456789abcdef", AT)

    stamp = request.headers["Service-Desk-Timestamp"]
    signed = hmac.new(b"0123456789abcdef", stamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["Service-Desk-Signature"] == f"v1={signed}"
    assert (stamp, request.headers["Service-Desk-Id"]) == ("1795395600", "0a1b2c")
    asked = json.loads(request.body)
    assert {
        name: asked[name] for name in ("id", "kind", "subject", "account", "number", "url", "is_cut")
    } == {
        "id": "0a1b2c",
        "kind": "clock_breach",
        "subject": "clocks",
        "account": "ZZLY",
        "number": "CLM-2026-000007",
        "url": URL,
        "is_cut": False,
    }
    assert asked["created_at"] == AT.isoformat()


@pytest.mark.parametrize("kind", [HookKind.WECOM, HookKind.DINGTALK])
def test_words_of_a_claim_mention_nobody_and_make_no_link(kind: HookKind) -> None:
    nasty = replace(
        SAID, title="<@all> [x](https://evil.example)", lines=("<font color=red>**撞**", "`x` [y](z)")
    )

    text = json.dumps(content(kind, nasty), ensure_ascii=False)

    assert "<" not in text
    assert "](https://evil.example)" not in text
    assert text.count("](") == 1


@given(st.lists(st.text(max_size=400), max_size=60), st.text(max_size=300))
def test_no_message_is_longer_than_wecom_takes_and_none_ends_within_a_line(lines, title) -> None:
    said = replace(SAID, title=title, lines=tuple(line.replace("\n", " ") for line in lines))

    text = content(HookKind.WECOM, said)["markdown"]["content"]

    assert len(text.encode()) <= 4096
    assert text.endswith(f"({URL})")


def test_what_is_cut_says_that_the_rest_is_on_the_desk() -> None:
    long = replace(SAID, lines=tuple(f"巩义客运分公司第{number:04d}行" for number in range(2000)))

    markdown = content(HookKind.WECOM, long)["markdown"]["content"]
    body, _, link = markdown.rpartition("\n\n")
    assert link == f"[其余内容请在服务台查看]({URL})"
    assert body.splitlines()[-1] in long.lines
    assert len(markdown.encode()) > 3900
    assert len(request_for(HookKind.DINGTALK, long, "", AT).body) < 20_000
    assert len(request_for(HookKind.FEISHU, long, "", AT).body) < 30_000
    assert content(HookKind.WEBHOOK, long)["is_cut"] is False
