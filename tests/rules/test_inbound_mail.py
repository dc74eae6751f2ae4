"""Which mails are of machines, what a bounce says, what a mail is about and what in it is quoted."""

from datetime import UTC, datetime, timedelta

import pytest

from service_desk.rules.inbound_mail import (
    DeliveryReport,
    Joining,
    Letter,
    Machine,
    account_of,
    has_failed,
    is_address_gone,
    joining_of,
    machine_of,
    next_poll,
    number_in,
    split_quoted,
)

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def mail(
    sender: str = "zhou@zzly.example", subject: str = "问询", is_report: bool = False, **headers: str
) -> Letter:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Letter("<1@x>", (), "周敏", sender, subject, "您好", named, is_report=is_report)


@pytest.mark.parametrize(
    ("letter", "machine"),
    [
        (mail(), None),
        (mail(auto_submitted="no"), None),
        (mail(precedence="first-class"), None),
        (mail(auto_submitted="auto-replied"), Machine.AUTO_SUBMITTED),
        (mail(auto_submitted="auto-generated; owner-email=x@y"), Machine.AUTO_SUBMITTED),
        (mail(precedence="bulk"), Machine.LIST),
        (mail(x_auto_response_suppress="All"), Machine.LIST),
        (mail(x_autoreply="yes"), Machine.LIST),
        (mail(list_id="<news.zzly.example>"), Machine.LIST),
        (mail(return_path="<>"), Machine.REPORT),
        (mail(return_path="<zhou@zzly.example>"), None),
        (mail(is_report=True), Machine.REPORT),
        (mail("MAILER-DAEMON@mx.example"), Machine.MACHINE_SENDER),
        (mail("no-reply@bank.example"), Machine.MACHINE_SENDER),
        (mail("noreplyman@zzly.example"), None),
        (mail(subject="自动回复：问询"), Machine.AWAY),
        (mail(subject="Automatic reply: your mail"), Machine.AWAY),
        (mail(subject="关于自动回复"), None),
        (mail("Desk@Insurer.example"), Machine.OWN),
    ],
)
def test_nobody_answers_a_machine(letter: Letter, machine: Machine | None) -> None:
    assert machine_of(letter, ("desk@insurer.example", "")) is machine


@pytest.mark.parametrize(
    ("action", "status", "failed", "gone"),
    [
        ("failed", "5.1.1", True, True),
        ("Failed", "5.2.1", True, True),
        ("failed", "5.2.2", True, False),
        ("failed", "5.7.1", True, False),
        ("failed", "4.4.7", False, False),
        ("delayed", "4.4.1", False, False),
        ("delivered", "2.0.0", False, False),
    ],
)
def test_a_bounce_is_of_the_mail_and_only_some_of_the_address(
    action: str, status: str, failed: bool, gone: bool
) -> None:
    report = DeliveryReport(action, status, ("Zhou@zzly.example",), "<1@desk>", "")
    assert has_failed(report) is failed
    assert is_address_gone(report, "zhou@zzly.example") is gone
    assert not is_address_gone(report, "somebody.else@zzly.example")


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Re: 关于ENQ-2026-000123的回复", "ENQ-2026-000123"),
        ("回复: clm-2026-000007 材料", "CLM-2026-000007"),
        ("CLM - 2026 - 000007", "CLM-2026-000007"),
        ("ENQ-2026-000001 CLM-2026-000002", "ENQ-2026-000001"),
        ("XENQ-2026-000123", ""),
        ("ENQ-2026-0001234", ""),
        ("豫A12345", ""),
        ("", ""),
    ],
)
def test_a_number_is_read_out_of_a_subject(subject: str, number: str) -> None:
    assert number_in(subject) == number


@pytest.mark.parametrize(
    ("known", "mailbox", "account"),
    [
        ([], 1, 1),
        ([], None, None),
        ([2], None, 2),
        ([2], 1, 2),
        ([1, 2], 1, 1),
        ([1, 2], None, None),
        ([2, 3], 1, None),
    ],
)
def test_whose_a_mail_is(known: list[int], mailbox: int | None, account: int | None) -> None:
    assert account_of(known, mailbox) == account


@pytest.mark.parametrize(
    ("has_login", "is_theirs", "may_write", "may_repeat", "joining"),
    [
        (True, True, True, True, Joining.MESSAGE),
        (True, True, True, False, Joining.MESSAGE),
        (True, True, False, True, Joining.FURTHER_CALL),
        (False, True, True, True, Joining.FURTHER_CALL),
        (False, True, True, False, Joining.CONTACT),
        (False, False, True, True, Joining.CONTACT),
        (True, True, False, False, Joining.CONTACT),
    ],
)
def test_what_a_mail_about_a_matter_becomes(
    has_login: bool, is_theirs: bool, may_write: bool, may_repeat: bool, joining: Joining
) -> None:
    found = joining_of(has_login=has_login, is_theirs=is_theirs, may_write=may_write, may_repeat=may_repeat)
    assert found is joining


@pytest.mark.parametrize(
    ("words", "own", "quoted"),
    [
        ("好的", "好的", ""),
        ("好的\n\n> 原来的话\n> 第二行", "好的", "> 原来的话\n> 第二行"),
        ("谢谢\n\n------------------ 原始邮件 ------------------\n发件人: a", "谢谢", None),
        ("Thanks\nOn Mon, 23 Nov 2026 at 09:00, Desk <d@x> wrote:\n> hi", "Thanks", None),
        ('收到\n在 2026-11-23 09:00:00，"服务台" <d@x> 写道：\n您好', "收到", None),
        ("见附件\n发件人：desk@insurer.example\n主题：保单", "见附件", None),
        ("发件人：我\n请改一下", "发件人：我\n请改一下", ""),
        ("> 全是引用", "> 全是引用", ""),
        ("", "", ""),
    ],
)
def test_what_is_quoted_is_told_from_what_was_written(words: str, own: str, quoted: str | None) -> None:
    found = split_quoted(words)
    assert found[0] == own
    assert found[1] == quoted if quoted is not None else found[1]


@pytest.mark.parametrize(("failures", "minutes"), [(0, 2), (1, 2), (2, 5), (3, 15), (4, 60), (40, 60)])
def test_a_mailbox_that_fails_is_read_ever_later(failures: int, minutes: int) -> None:
    assert next_poll(NOW, 2, failures) == NOW + timedelta(minutes=minutes)
