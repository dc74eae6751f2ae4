"""The homes in words: one line a task, whatever it is about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from babel.dates import format_date
from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from service_desk.base.clock import local_date
from service_desk.models.claims import Claim, WantedDocument
from service_desk.presenters import sla as clocks
from service_desk.presenters.claims import nearest_pill, parcel, plate
from service_desk.presenters.enquiries import reply_pill
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.onboarding import clock_pill
from service_desk.presenters.onboarding import name_of as new_vehicle
from service_desk.presenters.sla import Pill
from service_desk.presenters.sla_reviews import correction_pill
from service_desk.rules.renewal import Bucket
from service_desk.services.claims.outstanding import MATTER_KIND as OUTSTANDING_LIST
from service_desk.services.desk import Task

__all__ = [
    "branch_name",
    "bucket_tone",
    "clock_pill",
    "correction_pill",
    "local_date",
    "nearest_pill",
    "new_vehicle",
    "parcel",
    "plate",
    "reply_pill",
    "story",
    "task_line",
    "today",
    "wanted",
]

# A claim with injured people waits for up to twenty documents; a start page is not their checklist.
SHOWN_WANTED = 3


@dataclass(frozen=True)
class TaskLine:
    """A row of the to-do list. `subject` is empty for a claim, whose plate says it; a new vehicle may have none yet.

    `stands_in` names whose clock it is while they are away; empty for a clock of one's own.
    """

    pill: Pill
    step: str
    number: str
    subject: str
    url: str
    branch: str
    plate: str
    reserve_fen: int | None
    stands_in: str


@dataclass(frozen=True)
class Wanted:
    """The documents that one claim waits for: the first few as they are, the others folded."""

    claim: Claim
    first: list[WantedDocument]
    others: list[WantedDocument]


def wanted(rows: Iterable[tuple[WantedDocument, Claim]]) -> list[Wanted]:
    """Claim by claim, in the order in which each claim first comes."""
    lines: dict[Claim, list[WantedDocument]] = {}
    for line, claim in rows:
        lines.setdefault(claim, []).append(line)
    return [Wanted(claim, found[:SHOWN_WANTED], found[SHOWN_WANTED:]) for claim, found in lines.items()]


def task_line(task: Task, now: datetime) -> TaskLine:
    """What to do, until when, and where a click leads."""
    timer = task.timer
    return TaskLine(
        pill=clocks.pill(timer, now, named=False),
        step=label(timer.step, "clock_step"),
        number=timer.matter_number,
        subject=task.subject,
        url=_address(task),
        branch=branch_name(task.branch) if task.branch else "—",
        plate=plate(task.plate) if task.plate else "—",
        reserve_fen=(task.claim.reserve_fen or None) if task.claim else None,
        stands_in=_("stands in for %(name)s", name=task.covered.name) if task.covered else "",
    )


def _address(task: Task) -> str:
    if task.claim is not None:
        return url_for("claims.claim", number=task.claim.number)
    if task.enquiry is not None:
        return url_for("enquiries.enquiry", number=task.enquiry.number)
    if task.case is not None:
        return url_for("missed_cover.case", number=task.case.number)
    if task.request is not None:
        return url_for("onboarding.request", number=task.request.number)
    if task.timer.matter_kind == OUTSTANDING_LIST:
        return url_for("outstanding.comparison", number=task.timer.matter_number)
    return url_for("sla.breach", timer_id=task.timer.matter_id)


def story(claim: Claim) -> str:
    """What happened, short enough for a card's head."""
    words = " ".join(claim.description.split())
    return f"{words[:18]}…" if len(words) > 18 else words


def today(now: datetime) -> str:
    """`Today, Monday 23 November`: the day as a desk is dated."""
    # The pattern is the translators': a Chinese date begins with the month.
    pattern = _("EEEE d MMMM")
    return _("Today, %(day)s", day=format_date(local_date(now), pattern, locale=get_locale()))


def bucket_tone(bucket: Bucket) -> str:
    """How pressing an expiry is."""
    return {Bucket.OVERDUE: "bad", Bucket.WITHIN_7: "warn"}.get(bucket, "idle")
