"""The vendors' side of a callback, written from their public documents and not from the desk's own code."""

import base64
import hashlib
import hmac
import json
import os
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN = "QDG6eK"
AES_KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
CORP = "ww5823bf96d3bd56c7"
APP_SECRET = "this is the secret of the robot"
ENCRYPT_KEY = "encrypt key of the app"
WEBHOOK_KEY = "0123456789abcdef"


@dataclass
class Sent:
    """A request: what a test changes to spoil it."""

    body: bytes = b""
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def _cbc(key: bytes, iv: bytes, plain: bytes, block_bits: int) -> bytes:
    padder = padding.PKCS7(block_bits).padder()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()


def _wecom_cipher(message: str, receiver: str) -> str:
    key = base64.b64decode(AES_KEY + "=")
    words = message.encode()
    plain = os.urandom(16) + struct.pack(">I", len(words)) + words + receiver.encode()
    return base64.b64encode(_cbc(key, key[:16], plain, 256)).decode()


def wecom(message: str, at: int, *, receiver: str = CORP, is_question: bool = False) -> Sent:
    """加解密方案: a question with `echostr`, or a message in its envelope."""
    cipher = _wecom_cipher(message, receiver)
    signature = hashlib.sha1("".join(sorted([TOKEN, str(at), "1372623149", cipher])).encode()).hexdigest()
    query = {"msg_signature": signature, "timestamp": str(at), "nonce": "1372623149"}
    if is_question:
        return Sent(query={**query, "echostr": cipher})
    envelope = (
        f"<xml><ToUserName><![CDATA[{receiver}]]></ToUserName><Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
    )
    return Sent(envelope.encode(), query, {"Content-Type": "text/xml"})


def wecom_text(words: str, number: str = "CAIQ16HMjQYY", kind: str = "text") -> str:
    """What an application hears."""
    return (
        f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><FromUserName><![CDATA[GuoYongGang]]></FromUserName>"
        f"<CreateTime>1348831860</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>"
        f"<Content><![CDATA[{words}]]></Content><MsgId>{number}</MsgId><AgentID>1</AgentID></xml>"
    )


def wecom_group_text(words: str, number: str = "xg3hdkfk") -> str:
    """What a group's robot hears."""
    return (
        "<xml><WebhookUrl><![CDATA[https://qyapi.weixin.qq.com/x]]></WebhookUrl><ChatType><![CDATA[group]]></ChatType>"
        "<From><UserId><![CDATA[T00590052A]]></UserId><Name><![CDATA[郭永刚]]></Name></From>"
        f"<MsgType><![CDATA[text]]></MsgType><Text><Content><![CDATA[{words}]]></Content></Text>"
        f"<MsgId><![CDATA[{number}]]></MsgId></xml>"
    )


def dingtalk(words: str, at: int, *, number: str = "msg0001", **other: Any) -> Sent:
    """An outgoing robot: time and signature stand in the headers."""
    stamp = str(at * 1000)
    digest = hmac.new(
        APP_SECRET.encode(), (stamp + "\n" + APP_SECRET).encode(), digestmod=hashlib.sha256
    ).digest()
    facts = {
        "msgtype": "text",
        "text": {"content": f" {words}"},
        "msgId": number,
        "createAt": at * 1000,
        "conversationType": "2",
        "conversationId": "cid1",
        "senderNick": "郭永刚",
        "senderId": "$:LWCP_v1:$x",
        "isInAtList": True,
        **other,
    }
    headers = {
        "timestamp": stamp,
        "sign": base64.b64encode(digest).decode(),
        "Content-Type": "application/json",
    }
    return Sent(json.dumps(facts).encode(), {}, headers)


def feishu(facts: dict[str, Any], at: int) -> Sent:
    """An event: encrypted, and signed over time, nonce, key and the body as it is sent."""
    iv = os.urandom(16)
    key = hashlib.sha256(ENCRYPT_KEY.encode("utf-8")).digest()
    cipher = base64.b64encode(iv + _cbc(key, iv, json.dumps(facts).encode(), 128)).decode()
    body = json.dumps({"encrypt": cipher}).encode()
    nonce = "n-1"
    signature = hashlib.sha256((str(at) + nonce + ENCRYPT_KEY).encode() + body).hexdigest()
    headers = {
        "X-Lark-Request-Timestamp": str(at),
        "X-Lark-Request-Nonce": nonce,
        "X-Lark-Signature": signature,
        "Content-Type": "application/json",
    }
    return Sent(body, {}, headers)


def feishu_question() -> dict[str, Any]:
    return {"challenge": "ajls384kdjx98XX", "token": TOKEN, "type": "url_verification"}


def feishu_words(
    words: str, number: str = "5e3702a84e847582be8db7fb73283c02", **other: Any
) -> dict[str, Any]:
    message = {
        "message_id": "om_1",
        "chat_id": "oc_1",
        "chat_type": "group",
        "message_type": "text",
        "content": json.dumps({"text": f"@_user_1 {words}"}),
        "mentions": [{"key": "@_user_1", "id": {"open_id": "ou_bot"}, "name": "服务台"}],
        **other,
    }
    return {
        "schema": "2.0",
        "header": {
            "event_id": number,
            "event_type": "im.message.receive_v1",
            "token": TOKEN,
            "app_id": "cli_1",
        },
        "event": {"sender": {"sender_id": {"open_id": "ou_guo"}, "sender_type": "user"}, "message": message},
    }


def webhook(words: str, at: int, *, number: str = "evt-1") -> Sent:
    """A system of the client's own, signed as the desk's messages are."""
    body = json.dumps({"id": number, "sender": "郭永刚", "phone": "13937108891", "text": words}).encode()
    signature = hmac.new(WEBHOOK_KEY.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {
        "Service-Desk-Timestamp": str(at),
        "Service-Desk-Signature": f"v1={signature}",
        "Content-Type": "application/json",
    }
    return Sent(body, {}, headers)
