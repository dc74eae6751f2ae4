"""Raw mails of every kind of program: charsets and their wrong labels, pages, files, reports, and what was made to hurt."""

import pytest

from service_desk.adapters.mail_reader import Unreadable, decode, plain_text, read
from tests.letters import bounce, letter, mislabelled, page_only, photo

CLIENT = "周敏 <zhou@zzly.example>"


@pytest.mark.parametrize(
    ("content", "label", "text"),
    [
        ("过户材料".encode(), "utf-8", "过户材料"),
        ("过户材料".encode("gbk"), "utf-8", "过户材料"),
        ("过户材料".encode("gbk"), "gb2312", "过户材料"),
        ("过户材料".encode(), "gb2312", "过户材料"),
        ("过户材料".encode("gbk"), None, "过户材料"),
        ("过户材料".encode("gbk"), "x-unheard-of", "过户材料"),
        # Bytes that are UTF-8 as well, but only by chance.
        ("一些".encode("gbk"), "gbk", "一些"),
        ("㐂𠮷".encode("gb18030"), "gb2312", "㐂𠮷"),
        ("過戶".encode("big5"), "big5", "過戶"),
        (b"plain", "us-ascii", "plain"),
    ],
)
def test_bytes_are_read_whatever_their_label_says(content: bytes, label: str | None, text: str) -> None:
    assert decode(content, label) == text


def test_headers_and_words_of_a_common_mail() -> None:
    found = read(letter(CLIENT, answers="<a@x> <b@x>", References="<c@x>\r\n <d@x>".replace("\r\n", "")))
    assert (found.from_name, found.from_address) == ("周敏", "zhou@zzly.example")
    assert found.subject == "过户要带哪些材料"
    assert found.words == "车卖给中牟分公司，过户要带哪些材料？"
    assert found.message_id == "<one@client.example>"
    assert found.answers == ("<a@x>", "<b@x>", "<d@x>", "<c@x>")


def test_a_mail_in_gbk_that_says_it_is_utf8() -> None:
    found = read(mislabelled(CLIENT, "保单更正", "请改车架号"))
    assert (found.from_name, found.subject, found.words) == ("周敏", "保单更正", "请改车架号")


def test_a_page_becomes_plain_words() -> None:
    found = read(
        page_only(
            "a@b.example", "<html><style>p{}</style><p>报价&nbsp;多少？</p><div>谢谢<br>周敏</div></html>"
        )
    )
    assert found.subject == "关于报价"
    assert found.words == "报价 多少？\n\n谢谢\n周敏"


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<script>alert(1)</script>好<script>x", "好"),
        ("<p onclick=x>一</p><p>二</p>", "一\n\n二"),
        ("&lt;script&gt;x&lt;/script&gt;", "<script>x</script>"),
        ("<table><tr><td>车牌</td><td>豫A1</td></tr></table>", "车牌 豫A1"),
        ("<html><head><meta charset=gbk><body>没有结尾", "没有结尾"),
        ("", ""),
    ],
)
def test_markup_is_dropped_and_text_is_text(markup: str, words: str) -> None:
    assert plain_text(markup) == words


def test_files_are_taken_by_name() -> None:
    found = read(letter(CLIENT, files=(photo(), ("../../etc/passwd", b"x"))))
    assert [file.filename for file in found.enclosed] == ["行驶证.jpg", ".._.._etc_passwd"]
    assert found.enclosed[0].content.startswith(b"\xff\xd8")


def test_a_report_names_the_mail_it_is_about() -> None:
    found = read(bounce("<ours@desk.example>", "zhou@zzly.example"))
    report = found.reports[0]
    assert found.is_report
    assert (report.action, report.status, report.message_id) == ("failed", "5.1.1", "<ours@desk.example>")
    assert report.recipients == ("zhou@zzly.example",)
    assert "no such user" in report.said


def test_a_mail_without_a_number_is_known_by_its_bytes() -> None:
    first, second = read(letter(CLIENT, key="")), read(letter(CLIENT, key=""))
    assert first.message_id == second.message_id
    assert read(letter(CLIENT, words="别的", key="")).message_id != first.message_id


def nested(depth: int) -> bytes:
    parts = [b"Subject: x\r\n"]
    parts += [
        f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n".encode() for n in range(depth)
    ]
    return b"".join([*parts, b"\r\nx"])


@pytest.mark.parametrize("raw", [nested(60), nested(3000)])
def test_a_mail_made_to_cost_time_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\0\0",
        b"From: \xff\xfe\r\nSubject: =?utf-8?B?!!!?=\r\n\r\n\0",
        b'Content-Type: text/plain; charset="\r\n\r\nx',
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"From: a@b\r\nContent-Type: multipart/mixed\r\n\r\nx",
    ],
)
def test_rubbish_is_read_or_refused_and_nothing_else(raw: bytes) -> None:
    try:
        found = read(raw)
    except Unreadable:
        return
    assert "\0" not in found.words + found.subject + found.from_name
