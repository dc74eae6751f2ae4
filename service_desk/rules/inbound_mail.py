"""Mails to the desk: which are of machines, which are bounces, what they are about, and what of them is quoted."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

# A mail that is longer is not read: its sender is told by nobody, but the list shows it with its size.
MAX_MAIL_BYTES = 30 * 1024 * 1024
MAX_WORDS_KEPT = 20_000
# So many of one address in an hour are taken; what comes after them a person sorts.
MOST_AN_HOUR = 30
ACKNOWLEDGED_EVERY = timedelta(hours=1)
# A pasted picture of fewer bytes is the logo of a signature.
LEAST_INLINE_BYTES = 8 * 1024
RETRY_MINUTES = (1, 5, 15, 60)

_NUMBER = re.compile(r"(?<![A-Z0-9])(ENQ|CLM)\s?-\s?(\d{4})\s?-\s?(\d{6})(?!\d)", re.IGNORECASE)
_BULK = frozenset({"bulk", "list", "junk", "auto_reply"})
_MACHINES = re.compile(
    r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+._-].*)?$", re.IGNORECASE
)
_AWAY = re.compile(
    r"^\s*(自动回复|自动答复|外出自动回复|automatic reply|auto(-|\s)?reply|out of office)", re.IGNORECASE
)
_OF_MACHINES = ("x-autoreply", "x-autorespond", "x-auto-response-suppress", "list-id", "list-unsubscribe")
_ABOUT_ADDRESS = re.compile(r"^5\.[12]\.\d{1,3}$")
_MAILBOX_FULL = "5.2.2"
_QUOTE_BEGINS = re.compile(
    r"^\s*("
    r"-{2,}\s*(original message|原始邮件|原邮件|转发邮件|forwarded message)\s*-{2,}"
    r"|on .{4,200} wrote:"
    r"|(在|于).{4,200}(写道|写到)\s*[:：]"
    r"|.{4,200}(写道|写到)\s*[:：]"
    r"|(发件人|from)\s*[:：].*@.*"
    r")\s*$",
    re.IGNORECASE,
)


class Machine(StrEnum):
    """Why a mail makes no contact: nobody wrote it, or nobody wrote it to the desk."""

    OWN = "own"
    AUTO_SUBMITTED = "auto_submitted"
    LIST = "list"
    MACHINE_SENDER = "machine_sender"
    AWAY = "away"
    REPORT = "report"


class Joining(StrEnum):
    """What a person's mail becomes."""

    MESSAGE = "message"
    FURTHER_CALL = "further_call"
    CONTACT = "contact"


@dataclass(frozen=True)
class Enclosed:
    """A file sent along. `is_inline`: it stands in the text, as pasted pictures and logos do."""

    filename: str
    content: bytes = field(repr=False)
    content_type: str = ""
    is_inline: bool = False


@dataclass(frozen=True)
class DeliveryReport:
    """What a server says of a mail of ours (RFC 3464): `action` and `status` as it writes them."""

    action: str
    status: str
    recipients: tuple[str, ...]
    message_id: str
    said: str


@dataclass(frozen=True)
class CalendarReply:
    """What a calendar program answers an invitation for its reader (RFC 5546): whose answer, and to which version."""

    uid: str
    sequence: int
    attendee: str
    answer: str
    words: str = ""


@dataclass(frozen=True)
class Letter:
    """A mail as it was read. `headers` are those that tell machines from people, by lower-case name."""

    message_id: str
    answers: tuple[str, ...]
    from_name: str
    from_address: str
    subject: str
    words: str
    headers: Mapping[str, str] = field(default_factory=dict)
    enclosed: tuple[Enclosed, ...] = ()
    reports: tuple[DeliveryReport, ...] = ()
    is_report: bool = False
    reply: CalendarReply | None = None


def machine_of(letter: Letter, own_addresses: Collection[str]) -> Machine | None:
    """Why nobody must be answered, None for a person's mail (RFC 3834)."""
    headers = letter.headers
    if letter.from_address.casefold() in {one.casefold() for one in own_addresses if one}:
        return Machine.OWN
    if letter.is_report or headers.get("return-path", "").replace(" ", "") == "<>":
        return Machine.REPORT
    if headers.get("auto-submitted", "no").split(";")[0].strip().lower() != "no":
        return Machine.AUTO_SUBMITTED
    if headers.get("precedence", "").strip().lower() in _BULK or any(
        name in headers for name in _OF_MACHINES
    ):
        return Machine.LIST
    if _MACHINES.match(letter.from_address.partition("@")[0]):
        return Machine.MACHINE_SENDER
    return Machine.AWAY if _AWAY.match(letter.subject) else None


def has_failed(report: DeliveryReport) -> bool:
    """Whether a mail will not arrive any more; one that is only late may."""
    return report.action.strip().lower() == "failed" and report.status.strip().startswith("5")


def is_address_gone(report: DeliveryReport, address: str) -> bool:
    """Whether the server says that there is no such mailbox as the one we wrote to.

    Not for a full box, a rule of the server, or an address that ours was only passed on to.
    """
    status = report.status.strip()
    known = {one.casefold() for one in report.recipients}
    return (
        _ABOUT_ADDRESS.match(status) is not None and status != _MAILBOX_FULL and address.casefold() in known
    )


def number_in(subject: str) -> str:
    """The first number of a claim or contact in a subject; empty for none."""
    found = _NUMBER.search(subject)
    return f"{found[1].upper()}-{found[2]}-{found[3]}" if found else ""


def account_of(known: Collection[int], mailbox_account: int | None) -> int | None:
    """Whose a mail is: the mailbox's account among those its sender is known in, the one known, else the mailbox's.

    None when a person must say it: a sender of several accounts, or of none in a mailbox for all.
    """
    if mailbox_account in known or not known:
        return mailbox_account
    return next(iter(known)) if len(known) == 1 else None


def joining_of(*, has_login: bool, is_theirs: bool, may_write: bool, may_repeat: bool) -> Joining:
    """What a mail about a matter becomes.

    `has_login`: the sender's address is a client's login that sees the matter. `is_theirs`: that, or the address that
    asked or was written to about it. `may_write`: it takes messages; `may_repeat`: it takes further calls.
    """
    if has_login and may_write:
        return Joining.MESSAGE
    return Joining.FURTHER_CALL if is_theirs and may_repeat else Joining.CONTACT


def split_quoted(words: str) -> tuple[str, str]:
    """What the sender wrote, and what they quoted below it. All is theirs when nothing else would be left."""
    lines = words.splitlines()
    start = next((at for at, line in enumerate(lines) if _QUOTE_BEGINS.match(line)), len(lines))
    while start > 0 and (not lines[start - 1].strip() or lines[start - 1].lstrip().startswith(">")):
        start -= 1
    own, quoted = "\n".join(lines[:start]).strip(), "\n".join(lines[start:]).strip()
    return (own, quoted) if own else (words.strip(), "")


def next_poll(now: datetime, poll_minutes: int, failures: int) -> datetime:
    """When a mailbox is read again: by its interval, later the more often it could not be read."""
    if failures <= 0:
        return now + timedelta(minutes=poll_minutes)
    delay = RETRY_MINUTES[min(failures, len(RETRY_MINUTES)) - 1]
    return now + timedelta(minutes=max(delay, poll_minutes))
