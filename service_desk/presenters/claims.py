"""A claim's page in words: facts, cover, parties, checklist, and the queue's spreadsheet."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from flask import url_for
from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import CHINA
from service_desk.base.money import format_yuan
from service_desk.base.text import mask_account_number
from service_desk.models.claims import Claim, ClaimCover, WantedDocument, WantedState
from service_desk.models.documents import DocumentKind
from service_desk.models.sla import Timer, TimerState
from service_desk.presenters import sla as clocks
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.claim_flow import OPEN_STATES, SIX_STEPS, ClaimState, parcel_step
from service_desk.rules.claim_intake import is_late
from service_desk.rules.identifiers import is_plate
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services.claims.files import ClaimFile
from service_desk.services.claims.queries import ClaimRow

OPEN_TIMERS = (TimerState.RUNNING, TimerState.PAUSED)


@dataclass(frozen=True)
class ParcelStep:
    """A step as one follows a parcel."""

    label: str
    state: str


@dataclass(frozen=True)
class CheckLine:
    """A line of the checklist with the files that came for it."""

    code: str
    name: str
    state: WantedState
    words: str
    tone: str
    reason: str
    files: list[tuple[str, str]]


def title(claim: Claim) -> str:
    """What the claim is, in one line: plate and what happened."""
    story = " ".join((claim.description or claim.place).split())
    return f"{plate(claim.plate)}　{story[:40]}{'…' if len(story) > 40 else ''}"


def plate(value: str) -> str:
    """`豫A·3K872`: a plate as people write it. What stands in its place, such as a VIN, stays as it is."""
    return f"{value[:2]}·{value[2:]}" if is_plate(value) else value


def is_open(claim: Claim) -> bool:
    """Whether the claim is still in the open book."""
    return claim.state in OPEN_STATES


def is_late_report(claim: Claim) -> bool:
    """Whether it was reported after the 48 hours that the insured has for it."""
    return is_late(claim.loss_at, claim.reported_at)


def state_tone(claim: Claim) -> str:
    """The colour of the state's badge."""
    return {ClaimState.DENIED: "bad", ClaimState.PAID: "ok", ClaimState.CLOSED: "ok"}.get(claim.state, "idle")


def parcel(claim: Claim) -> list[ParcelStep]:
    """The six steps; all skipped after a side exit's last one."""
    current = parcel_step(claim.state)
    done = len(SIX_STEPS) if claim.state is ClaimState.CLOSED else current
    steps = []
    for index in range(len(SIX_STEPS)):
        if done is None:
            state = "done" if index == 0 else "skipped"
        else:
            state = "done" if index < done else "now" if index == done else "todo"
        steps.append(ParcelStep(label(str(index), "parcel_step"), state))
    return steps


def nearest_pill(timers: Iterable[Timer], now: datetime) -> clocks.Pill | None:
    """The pill of the clock to look at first; None where none runs."""
    timer = clocks.nearest(timers)
    return clocks.pill(timer, now) if timer else None


def claim_pill(claim: Claim, timers: Iterable[Timer], now: datetime) -> clocks.Pill | None:
    """The same for a claim: where no clock runs because the client has to send papers, that is said."""
    pill = nearest_pill(timers, now)
    is_collecting = claim.state in {ClaimState.SURVEYED, ClaimState.ASSESSED}
    if pill is None and is_collecting and claim.deficiency_notice_at is not None:
        return clocks.Pill("idle", "paused", _("waiting for documents"), None)
    return pill


def running_clocks(file: ClaimFile) -> list[Timer]:
    """The clocks that run or stand, in the order they started."""
    return [timer for timer in file.timers if timer.state in OPEN_TIMERS]


def masked(account_number: str) -> str:
    """A bank account as readers see it."""
    return mask_account_number(account_number)


def other_papers(file: ClaimFile) -> list[tuple[str, str]]:
    """Papers that came for no line of the checklist: (address, name)."""
    of_lines = {number for row in file.wanted for number in row.document_ids}
    return [
        (url_for("documents.show", document_id=document.id), document.filename)
        for document in file.documents
        if document.kind is DocumentKind.CLAIM_DOCUMENT and document.id not in of_lines
    ]


def covers(file: ClaimFile) -> list[tuple[str, str, bool]]:
    """Cover at the time of loss: (name, words, insured). What should be there and is not says so."""
    by_code: dict[str, list[ClaimCover]] = {}
    for cover in file.covers:
        by_code.setdefault(cover.code, []).append(cover)
    expected = [CoverCode.CTPL, CoverCode.TPL, CoverCode.OWN_DAMAGE]
    if PolicyLine.CARRIER_LIABILITY in file.needed_lines or CoverCode.CARRIER_LIABILITY in by_code:
        expected.append(CoverCode.CARRIER_LIABILITY)
    rows = []
    for code in expected:
        found = by_code.get(code, [])
        rows += [(label(code, "cover"), _cover_words(cover), True) for cover in found]
        if not found:
            rows.append((label(code, "cover"), _("not insured"), False))
    return rows


def _cover_words(cover: ClaimCover) -> str:
    parts = [cover.policy_number]
    if cover.per_seat_fen:
        parts.append(_("%(amount)s a seat", amount=format_yuan(cover.per_seat_fen, sign=True)))
    elif cover.limit_fen:
        parts.append(format_yuan(cover.limit_fen, sign=True))
    if cover.deductible_fen:
        parts.append(_("deductible %(amount)s", amount=format_yuan(cover.deductible_fen, sign=True)))
    if cover.absolute_deductible_percent:
        parts.append(_("deductible %(percent)s%%", percent=cover.absolute_deductible_percent))
    parts.append(_("to %(day)s", day=last_covered_day(cover.ends_at).isoformat()))
    return " · ".join(part for part in parts if part)


def checklist(file: ClaimFile) -> list[CheckLine]:
    """The checklist; a document's file can be opened from its line."""
    names = {document.id: document.filename for document in file.documents}
    return [_check_line(row, names) for row in file.wanted]


def _check_line(row: WantedDocument, names: dict[int, str]) -> CheckLine:
    tones = {WantedState.RECEIVED: "ok", WantedState.REJECTED: "bad", WantedState.WAIVED: "idle"}
    return CheckLine(
        code=row.code,
        name=label(row.code, "document_code"),
        state=row.state,
        words=label(row.state, "wanted_state"),
        tone=tones.get(row.state, "warn"),
        reason=row.reason,
        files=[
            (url_for("documents.show", document_id=number), names[number])
            for number in row.document_ids
            if number in names
        ],
    )


def missing(file: ClaimFile) -> list[CheckLine]:
    """The lines still open."""
    return [line for line in checklist(file) if line.state in {WantedState.REQUIRED, WantedState.REJECTED}]


def sheet(rows: Iterable[ClaimRow], view: str, now: datetime) -> TableSheet:
    """The queue as filtered."""
    named: Callable[[str, str], str] = cache(label)
    columns = [
        Column(_("Claim")),
        Column(_("Report number"), width=24),
        Column(_("Plate"), width=12),
        Column(_("Branch"), width=22),
        Column(_("State")),
        Column(_("Time of loss"), "datetime"),
        Column(_("Reported"), "datetime"),
        Column(_("Place"), width=30),
        Column(_("Estimate"), "money"),
        Column(_("Paid"), "money"),
        Column(_("Handler")),
        Column(_("Next clock"), width=26),
        Column(_("Due"), "datetime"),
        Column(_("Disputed"), width=8),
    ]
    return TableSheet(
        name=_("Claims"),
        title=_("Claims: %(view)s", view=label(view, "queue_view")),
        columns=columns,
        # A few words for as many rows as there are: each is looked up once.
        rows=(_sheet_row(row, named, now) for row in rows),
        notes=[_("As of %(time)s", time=f"{now.astimezone(CHINA):%Y-%m-%d %H:%M}")],
    )


def _sheet_row(
    row: ClaimRow, named: Callable[[str, str], str], now: datetime
) -> list[str | int | datetime | date | None]:
    claim, timer = row.claim, clocks.nearest(row.timers)
    return [
        claim.number,
        claim.report_no,
        claim.plate,
        branch_name(row.branch),
        named(claim.state, "claim_state"),
        claim.loss_at,
        claim.reported_at,
        claim.place,
        claim.reserve_fen,
        claim.paid_fen,
        f"{row.owner.name} {row.owner.staff_no}",
        clocks.pill(timer, now).text if timer else None,
        timer.due_at if timer else None,
        named(str(claim.is_disputed), "yes_no"),
    ]
