"""Sending over a real connection: what answers mean, where nothing is sent, and that nobody learns the key."""

import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from service_desk.adapters import channels
from service_desk.adapters.channels import (
    ChannelBusy,
    ChannelError,
    ChannelRefused,
    ChannelUnreachable,
    Hook,
    HookRequest,
    sending,
)
from service_desk.rules.hooks import HookKind
from tests.hook_server import HookServer, hook_server

REQUEST = HookRequest(b'{"a": 1}', {"Service-Desk-Id": "x"}, "sign=abc")
KEY = "693a91f6-7abc-4bc4-97a0"


@pytest.fixture
def server() -> Iterator[HookServer]:
    with hook_server() as running:
        yield running


def outcome(server: HookServer, kind: HookKind) -> type[Exception] | None:
    try:
        channels.send(Hook(kind, server.url), REQUEST)
    except ChannelError as error:
        return type(error)
    return None


def test_a_message_arrives_whole(server: HookServer) -> None:
    said = channels.send(Hook(HookKind.WECOM, server.url), REQUEST)

    [asked] = server.asked
    assert asked.body == REQUEST.body
    assert asked.path == f"/cgi-bin/webhook/send?key={KEY}&sign=abc"
    assert asked.headers["Content-Type"] == "application/json; charset=utf-8"
    assert asked.headers["Service-Desk-Id"] == "x"
    assert said == "127.0.0.1: 200"


@pytest.mark.parametrize(
    ("kind", "answer", "meant"),
    [
        (HookKind.WECOM, {"errcode": 0}, None),
        (HookKind.WECOM, {"errcode": 45009, "errmsg": "api freq out of limit"}, ChannelBusy),
        (HookKind.WECOM, {"errcode": -1}, ChannelBusy),
        (HookKind.WECOM, {"errcode": 93000, "errmsg": "invalid webhook url"}, ChannelRefused),
        (HookKind.WECOM, {"errcode": 12345}, ChannelError),
        (HookKind.WECOM, b"<html>", ChannelError),
        (HookKind.DINGTALK, {"errcode": 130101, "errmsg": "send too fast"}, ChannelBusy),
        (HookKind.DINGTALK, {"errcode": 310000, "errmsg": "sign not match"}, ChannelRefused),
        (HookKind.FEISHU, {"code": 0, "msg": "success"}, None),
        (HookKind.FEISHU, {"StatusCode": 0, "StatusMessage": "success"}, None),
        (HookKind.FEISHU, {"code": 11232, "msg": "frequency limited"}, ChannelBusy),
        (HookKind.FEISHU, {"code": 9499, "msg": "too many request"}, ChannelBusy),
        (HookKind.FEISHU, {"code": 9499, "msg": "Bad Request"}, ChannelRefused),
        (HookKind.FEISHU, {"code": 19021, "msg": "sign match fail"}, ChannelRefused),
        (HookKind.WEBHOOK, b"thanks", None),
    ],
)
def test_what_an_answer_means(server: HookServer, kind, answer, meant) -> None:
    server.answer(answer)

    assert outcome(server, kind) is meant


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        (204, None),
        (302, ChannelRefused),
        (400, ChannelRefused),
        (404, ChannelRefused),
        (408, ChannelError),
        (429, ChannelBusy),
        (500, ChannelError),
        (503, ChannelBusy),
    ],
)
def test_what_a_status_means(server: HookServer, status, meant) -> None:
    server.answer(b"", status=status, Location="http://127.0.0.1:1/")

    assert outcome(server, HookKind.WEBHOOK) is meant
    # A redirect is not followed either.
    assert len(server.asked) == 1


def test_without_the_operators_word_nothing_goes_to_this_machine(server: HookServer) -> None:
    channels.trust_hosts(())

    for kind, url in (
        (HookKind.WECOM, server.url),
        (HookKind.WEBHOOK, server.url),
        # A name that only the network knows to be the loopback.
        (HookKind.WEBHOOK, f"https://127.1:{server.port}/"),
    ):
        with pytest.raises(ChannelRefused):
            channels.send(Hook(kind, url), REQUEST)
    assert server.asked == []


def test_nobody_listening_is_worth_another_try(server: HookServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    channels.trust_hosts({f"127.0.0.1:{port}"})

    with pytest.raises(ChannelUnreachable):
        channels.send(Hook(HookKind.WECOM, f"http://127.0.0.1:{port}/"), REQUEST)


def test_a_name_that_cannot_be_looked_up_is_an_answer_and_no_accident() -> None:
    name = "bots..house"
    channels.trust_hosts({name})

    with pytest.raises(ChannelUnreachable):
        channels.send(Hook(HookKind.WECOM, f"http://{name}/"), REQUEST)
    channels.trust_hosts(())


def test_a_receiver_that_answers_byte_by_byte_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "DEADLINE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        channels.trust_hosts({f"127.0.0.1:{port}"})
        thread = Thread(target=_drip, args=(listening,), daemon=True)
        thread.start()

        with pytest.raises(ChannelUnreachable):
            channels.send(Hook(HookKind.WEBHOOK, f"http://127.0.0.1:{port}/"), REQUEST)
        thread.join(5)
    channels.trust_hosts(())
    assert not thread.is_alive()


def _drip(listening: socket.socket) -> None:
    """Answer a header that never ends, until the other side has left."""
    connection, _ = listening.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        connection.settimeout(0.02)
        while True:
            try:
                connection.sendall(b"a")
                if connection.recv(4096) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return


def test_neither_key_nor_secret_is_repeated(server: HookServer) -> None:
    server.answer({"errcode": 93000, "errmsg": f"invalid key {KEY} or secret s3cret-of-the-bot"})
    hook = Hook(HookKind.WECOM, server.url, "s3cret-of-the-bot")

    with pytest.raises(ChannelRefused) as caught:
        channels.send(hook, REQUEST)

    assert KEY not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "93000" in str(caught.value)
    assert KEY not in repr(hook)
    assert "s3cret" not in repr(hook)

    # The longest part of an address need not be its key.
    server.answer(b"no such hook: 8f2e-51aa", status=404)
    with pytest.raises(ChannelRefused, match="no such hook") as caught:
        channels.send(Hook(HookKind.WEBHOOK, f"http://{server.host}/messages-of-the-desk/8f2e-51aa"), REQUEST)
    assert "8f2e" not in str(caught.value)
