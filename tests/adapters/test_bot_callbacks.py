"""Callbacks of bots by the vendors' published algorithms: what is signed is read, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from service_desk.adapters.channels.callbacks import Call, Heard, Keys, NotOfVendor, Understood, understand
from service_desk.rules.hooks import HookKind
from tests import bot_vendors as vendors
from tests.bot_vendors import Sent

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
WORDS = "豫A12345 保单号是多少"
KEYS = {
    HookKind.WECOM: Keys(vendors.TOKEN, vendors.AES_KEY, vendors.CORP),
    HookKind.DINGTALK: Keys("", vendors.APP_SECRET),
    HookKind.FEISHU: Keys(vendors.TOKEN, vendors.ENCRYPT_KEY),
    HookKind.WEBHOOK: Keys("", vendors.WEBHOOK_KEY),
}


def said(at: int = AT) -> dict[HookKind, Sent]:
    return {
        HookKind.WECOM: vendors.wecom(vendors.wecom_text(f"@服务台 {WORDS}"), at),
        HookKind.DINGTALK: vendors.dingtalk(WORDS, at),
        HookKind.FEISHU: vendors.feishu(vendors.feishu_words(WORDS), at),
        HookKind.WEBHOOK: vendors.webhook(WORDS, at),
    }


def ask(kind: HookKind, sent: Sent, method: str = "POST", keys: Keys | None = None) -> Understood:
    headers = {name.lower(): value for name, value in sent.headers.items()}
    return understand(kind, Call(method, sent.query, headers, sent.body), keys or KEYS[kind], NOW)


@pytest.mark.parametrize("kind", list(HookKind))
def test_what_is_said_to_a_bot_is_heard(kind: HookKind) -> None:
    heard = ask(kind, said()[kind]).heard
    assert heard is not None
    assert heard.words == WORDS
    assert heard.event_key
    assert heard.said_by


@pytest.mark.parametrize("kind", list(HookKind))
@pytest.mark.parametrize("seconds", [-301, 301, 3600])
def test_an_old_call_and_one_from_the_future_are_refused(kind: HookKind, seconds: int) -> None:
    with pytest.raises(NotOfVendor):
        ask(kind, said(AT + seconds)[kind])


@pytest.mark.parametrize("kind", list(HookKind))
@pytest.mark.parametrize("seconds", [-300, 300])
def test_the_edge_of_the_window_counts(kind: HookKind, seconds: int) -> None:
    assert ask(kind, said(AT + seconds)[kind]).heard is not None


def _cut(sent: Sent) -> None:
    sent.body = sent.body[: len(sent.body) // 2]


def _empty(sent: Sent) -> None:
    sent.body = b""


def _unsigned(sent: Sent) -> None:
    for name in ("sign", "X-Lark-Signature", "Service-Desk-Signature"):
        sent.headers.pop(name, None)
    sent.query.pop("msg_signature", None)


def _signed_otherwise(sent: Sent) -> None:
    for values in (sent.headers, sent.query):
        for name in ("sign", "X-Lark-Signature", "Service-Desk-Signature", "msg_signature"):
            if name in values:
                values[name] = "0" * len(values[name])


def _of_another_time(sent: Sent) -> None:
    for values in (sent.headers, sent.query):
        for name in ("timestamp", "X-Lark-Request-Timestamp", "Service-Desk-Timestamp"):
            if name in values:
                values[name] = str(int(values[name]) + 1)


def _no_number(sent: Sent) -> None:
    for values in (sent.headers, sent.query):
        for name in ("timestamp", "X-Lark-Request-Timestamp", "Service-Desk-Timestamp"):
            if name in values:
                values[name] = "soon"


@pytest.mark.parametrize("kind", list(HookKind))
@pytest.mark.parametrize("spoil", [_cut, _empty, _unsigned, _signed_otherwise, _of_another_time, _no_number])
def test_what_is_not_signed_by_the_vendor_is_refused(kind: HookKind, spoil: Callable[[Sent], None]) -> None:
    sent = said()[kind]
    spoil(sent)
    with pytest.raises(NotOfVendor):
        ask(kind, sent)


@pytest.mark.parametrize("kind", list(HookKind))
def test_another_key_is_refused(kind: HookKind) -> None:
    wrong = Keys("other", "B" * 43, "")
    with pytest.raises(NotOfVendor):
        ask(kind, said()[kind], keys=wrong)


def test_wecom_asks_whether_the_address_is_ours() -> None:
    sent = vendors.wecom("1616140317555161061", AT, is_question=True)
    assert ask(HookKind.WECOM, sent, "GET") == Understood("1616140317555161061")


def test_wecom_writes_to_us_and_to_nobody_else() -> None:
    sent = vendors.wecom(vendors.wecom_text(WORDS), AT, receiver="ww0000000000000000")
    with pytest.raises(NotOfVendor):
        ask(HookKind.WECOM, sent)


def test_the_robot_of_a_wecom_group_says_who_spoke() -> None:
    sent = vendors.wecom(vendors.wecom_group_text("@服务台 @王磊 在吗"), AT, receiver="")
    keys = Keys(vendors.TOKEN, vendors.AES_KEY)
    assert ask(HookKind.WECOM, sent, keys=keys).heard == Heard("xg3hdkfk", "郭永刚", "在吗")


def test_a_document_with_declarations_is_refused_though_signed() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + vendors.wecom_text("&b;")
    with pytest.raises(NotOfVendor):
        ask(HookKind.WECOM, vendors.wecom(bomb, AT))


def test_feishu_asks_whether_the_address_is_ours_with_and_without_a_signature() -> None:
    sent = vendors.feishu(vendors.feishu_question(), AT)
    assert ask(HookKind.FEISHU, sent) == Understood({"challenge": "ajls384kdjx98XX"})
    del sent.headers["X-Lark-Signature"]
    assert ask(HookKind.FEISHU, sent) == Understood({"challenge": "ajls384kdjx98XX"})
    wrong = vendors.feishu({**vendors.feishu_question(), "token": "other"}, AT)
    with pytest.raises(NotOfVendor):
        ask(HookKind.FEISHU, wrong)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (HookKind.WECOM, vendors.wecom(vendors.wecom_text("x", kind="image"), AT)),
        (HookKind.WECOM, vendors.wecom(vendors.wecom_text("  @服务台  "), AT)),
        (HookKind.DINGTALK, vendors.dingtalk("x", AT, msgtype="picture")),
        (HookKind.FEISHU, vendors.feishu(vendors.feishu_words("x", mentions=[]), AT)),
        (HookKind.FEISHU, vendors.feishu(vendors.feishu_words("x", message_type="image"), AT)),
        (
            HookKind.FEISHU,
            vendors.feishu(
                vendors.feishu_words(
                    "x", mentions=[{"key": "@_user_1", "name": "王磊", "mentioned_type": "user"}]
                ),
                AT,
            ),
        ),
        (HookKind.WEBHOOK, vendors.webhook("", AT)),
    ],
)
def test_what_means_nothing_here_is_taken_and_left(kind: HookKind, sent: Sent) -> None:
    assert ask(kind, sent).heard is None


@pytest.mark.parametrize("kind", [HookKind.WECOM, HookKind.FEISHU])
def test_brackets_in_brackets_without_end_are_refused_as_anything_else(kind: HookKind) -> None:
    sent = said()[kind]
    with pytest.raises(NotOfVendor):
        ask(kind, Sent(query=sent.query, headers=sent.headers, body=b'{"encrypt":' + b"[" * 200_000))
