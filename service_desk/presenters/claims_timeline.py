"""One time line of everything that happened to a claim: its steps, its clocks, its papers. Newest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.base.money import format_yuan
from service_desk.models.claims import ClaimEvent
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.sla import Timer, TimerState
from service_desk.presenters import claim_money, claims_intake, times
from service_desk.presenters import sla as clocks
from service_desk.presenters.claim_events import depth_detail, depth_title
from service_desk.presenters.labels import label
from service_desk.presenters.phone_reports import retyped
from service_desk.rules.claim_flow import ClaimState, ClockStep, transition
from service_desk.rules.follow_up import FollowUpMeans
from service_desk.rules.sla import EventKind
from service_desk.services.claims.files import ClaimFile


@dataclass(frozen=True)
class Photo:
    """A picture as the photo strip shows it."""

    url: str
    thumb_url: str
    caption: str


@dataclass(frozen=True)
class Entry:
    """A line of the time line. `url`: where more of it stands."""

    at: datetime
    title: str
    who: str = ""
    detail: str = ""
    tone: str = ""
    photos: list[Photo] = field(default_factory=list)
    url: str = ""


PHOTOS_OF = {
    "reported": DocumentKind.SCENE_PHOTO,
    "survey": DocumentKind.SURVEY_PHOTO,
    "assess": DocumentKind.ASSESSMENT_PHOTO,
}
# What was added by itself: whatever came at that instant.
_ADDED = {"report_repeated", "photos_added", "sketch_added"}
_PICTURES = {*PHOTOS_OF.values(), DocumentKind.SURVEY_SKETCH}
# More names than this would make a title unreadable; they stand in the line below it.
FEW = 2
_TONES = {
    "deny": "bad",
    "dispute": "warn",
    "withdraw": "idle",
    "withdraw_round": "idle",
    "send_back": "warn",
    "large_loss_notice": "warn",
}


def time_line(
    file: ClaimFile, now: datetime, *, for_client: bool, besides: Iterable[Entry] = ()
) -> list[Entry]:
    """Everything that happened, and what stands `besides`, newest first. The client does not see internal lines."""
    entries = [_entry(event, file) for event in file.events if not (for_client and event.is_internal)]
    entries += [*_clock_entries(file, now, for_client=for_client), *besides]
    # The sort is stable: what happened at one instant stays in the order it was written.
    return sorted(entries, key=lambda entry: entry.at)[::-1]


def _entry(event: ClaimEvent, file: ClaimFile) -> Entry:
    details = [_detail(event, file), event.note, *_promises(event, file)]
    return Entry(
        at=event.at,
        title=_title(event, file),
        who=_who(event, file),
        detail=" · ".join(text for text in details if text),
        tone=_TONES.get(event.kind, ""),
        photos=_photos(event, file),
    )


def _photos(event: ClaimEvent, file: ClaimFile) -> list[Photo]:
    if event.kind == "phone_photos":
        # They came one by one after the report.
        ids = set(event.params["document_ids"])
        return photos_of([document for document in file.documents if document.id in ids])
    kind = PHOTOS_OF.get(event.kind)
    if event.kind in _ADDED:
        return photos_of(file.documents, None, event.recorded_at)
    return photos_of(file.documents, kind, event.recorded_at) if kind else []


def _who(event: ClaimEvent, file: ClaimFile) -> str:
    actor = file.people.get(event.actor_id) if event.actor_id else None
    return f"{actor.name} · {actor.staff_no}" if actor else ""


def _title(event: ClaimEvent, file: ClaimFile) -> str:
    given: dict[str, Any] = event.params
    titles = {
        "reported": lambda: _("Reported %(how)s", how=label(file.claim.channel, "report_channel")),
        "dispatch": lambda: _("Dispatched to %(name)s", name=given["name"]),
        "assign": lambda: _("Given to %(name)s", name=given["name"]),
        "handed_over": lambda: _("Taken over by %(name)s", name=file.people[given["to_id"]].name),
        "phone_photos": lambda: _("Photos of the report arrived"),
        "report_retyped": lambda: _(
            "Changed on the phone, which did not know yet that the report had arrived"
        ),
        "contact": lambda: _("Called back %(name)s", name=given["spoken_with"]),
        "arrive": lambda: _("Arrived at the scene"),
        "survey": lambda: (
            _("Survey recorded, first scene")
            if given["is_first_scene"]
            else _("Survey recorded, not the first scene")
        ),
        "assess": lambda: _("Assessed at %(amount)s", amount=_yuan(given["total_fen"])),
        "request_documents": lambda: _requested(given),
        "receive_document": lambda: _received(given),
        "reject_document": lambda: _(
            "Rejected: %(document)s", document=label(given["code"], "document_code")
        ),
        "waive_document": lambda: _(
            "Not needed: %(document)s", document=label(given["code"], "document_code")
        ),
        "complete_documents": lambda: _("Documents complete"),
        "calculate": lambda: _(
            "Calculated, version %(version)s: %(amount)s",
            version=given["version"],
            amount=_yuan(given["total_fen"]),
        ),
        "approve": lambda: _("Calculation approved: %(amount)s", amount=_yuan(given["approved_fen"])),
        "send_back": lambda: _("Calculation sent back"),
        "pay": lambda: _paid(given),
        "pay_part": lambda: _paid(given),
        "close": lambda: _("Claim closed"),
        "follow_up": lambda: _("Follow-up: score %(score)s", score=given["score"]),
        "follow_up_planned": lambda: _(
            "Follow-up planned: %(means)s, %(name)s",
            means=label(given["means"], "follow_up_means"),
            name=given["name"],
        ),
        "follow_up_tried": lambda: _(
            "Follow-up call, try %(number)s: %(outcome)s",
            number=given["tries"],
            outcome=label(given["outcome"], "call_outcome"),
        ),
        "withdraw": lambda: _("Claim withdrawn"),
        "withdraw_round": lambda: _(
            "Round %(round)s withdrawn; the earlier payment of %(amount)s stands",
            round=given["round"],
            amount=_yuan(given["paid_fen"]),
        ),
        "deny": lambda: _("Claim denied"),
        "send_denial_letter": lambda: _("Denial letter sent to %(name)s", name=given["sent_to"]),
        "reopen": lambda: _("Reopened, round %(round)s", round=given["round"]),
        "set_reserve": lambda: _(
            "Reserve changed from %(before)s to %(after)s",
            before=_yuan(given["before_fen"]),
            after=_yuan(given["after_fen"]),
        ),
        "dispute": lambda: _("Disputed"),
        "settle_dispute": lambda: _("Dispute settled"),
        "large_loss_notice": lambda: _(
            "Same-day notice of a large loss: %(amount)s", amount=_yuan(given["estimate_fen"])
        ),
        "enquiry_opened": lambda: _("First contact %(number)s opened", number=given["number"]),
        "time_corrected": lambda: _(
            "Time corrected: %(step)s, %(entry)s",
            step=label(given["step"], "clock_step"),
            entry=label(given["entry"], "ledger_entry"),
        ),
    }
    words = titles.get(event.kind) or claim_money.titles(event).get(event.kind)
    if words:
        return words()
    return claims_intake.title(event) or depth_title(event.kind, given) or _("Note")


def _detail(event: ClaimEvent, file: ClaimFile) -> str:
    given: dict[str, Any] = event.params
    if event.kind == "report_retyped":
        return retyped(given["changed"])
    if event.kind == "survey":
        count = given["photos"]
        photos = ngettext("%(num)s photo", "%(num)s photos", count) if count else ""
        estimate = _("first estimate %(amount)s", amount=_yuan(given["estimate_fen"]))
        return " · ".join(text for text in (photos, estimate, given["reason"]) if text)
    if event.kind == "receive_document":
        return _still_missing(given)
    if event.kind == "request_documents":
        return _(", ").join(label(code, "document_code") for code in given["codes"])
    if event.kind in {"pay", "pay_part", "pay_advance"}:
        rest = _("%(amount)s still due", amount=_yuan(given["left_fen"])) if given["left_fen"] else ""
        return " · ".join(text for text in (_("account %(number)s", number=given["account"]), rest) if text)
    if event.kind == "large_loss_notice":
        return ngettext("queued for %(num)s person", "queued for %(num)s people", given["recipients"])
    if event.kind == "time_corrected":
        old_at, new_at = (datetime.fromisoformat(given[name]) for name in ("old_at", "new_at"))
        return _(
            "recorded as %(old)s, took place %(new)s", old=times.minute(old_at), new=times.minute(new_at)
        )
    if event.kind == "follow_up":
        means = given.get("means", FollowUpMeans.CALL.value)
        return " · ".join((label(means, "follow_up_means"), given["spoken_with"]))
    if event.kind == "follow_up_tried":
        again_at = datetime.fromisoformat(given["next_try_at"])
        return _("call again %(time)s", time=times.minute(again_at))
    if event.kind == "follow_up_planned":
        return ""
    return (
        claims_intake.detail(event, file.claim)
        or depth_detail(event.kind, given)
        or str(given.get("means", ""))
    )


def _still_missing(given: dict[str, Any]) -> str:
    names = [label(code, "document_code") for code in given["codes"]]
    listed = _(", ").join(names) if len(names) > FEW else ""
    rest = (
        ngettext("%(num)s still missing", "%(num)s still missing", given["missing"])
        if given["missing"]
        else ""
    )
    return " · ".join(text for text in (listed, rest) if text)


def _requested(given: dict[str, Any]) -> str:
    if given["is_repeated"]:
        return _("Asked again for documents: %(count)s missing", count=given["count"])
    return _("One-time notice sent: %(count)s documents missing", count=given["count"])


def _received(given: dict[str, Any]) -> str:
    names = [label(code, "document_code") for code in given["codes"]]
    if len(names) > FEW:
        return ngettext("%(num)s document received", "%(num)s documents received", len(names))
    return (
        _("Received: %(documents)s", documents=_(", ").join(names)) if names else _("Other papers received")
    )


def _paid(given: dict[str, Any]) -> str:
    return _("Paid %(amount)s to %(payee)s", amount=_yuan(given["amount_fen"]), payee=given["payee"])


def _promises(event: ClaimEvent, file: ClaimFile) -> Iterator[str]:
    """What became of the promises that this step ended: time used, and kept or not."""
    for timer in file.timers:
        if timer.step not in _stopped_by(event) or timer.state is TimerState.CANCELLED:
            continue
        stops = [entry for entry in file.timer_entries.get(timer.id, []) if entry.kind is EventKind.STOP]
        # Both were written in one transaction with one `now`; the stop itself may lie before it.
        if stops and stops[-1].recorded_at == event.recorded_at:
            yield _promise(timer)


def _stopped_by(event: ClaimEvent) -> tuple[ClockStep, ...]:
    if event.kind == "large_loss_notice":
        return (ClockStep.LARGE_LOSS_NOTICE,)
    step = transition(ClaimState(event.from_state), event.action) if event.action else None
    return step.stops if step else ()


def _promise(timer: Timer) -> str:
    step, used = label(timer.step, "clock_step"), clocks.length(timer.used_seconds or 0, timer)
    promised = clocks.promise(timer.target_value, timer.target_unit)
    if timer.state is TimerState.BREACHED:
        return _(
            "%(step)s: took %(time)s, promised %(promise)s, late", step=step, time=used, promise=promised
        )
    return _("%(step)s: took %(time)s, promised %(promise)s ✓", step=step, time=used, promise=promised)


def _clock_entries(file: ClaimFile, now: datetime, *, for_client: bool) -> Iterator[Entry]:
    """Breaches and pauses; what was noted with a pause is the desk's, and one struck off says so."""
    for timer in file.timers:
        step = label(timer.step, "clock_step")
        if timer.breached_at is not None and timer.breached_at <= now:
            yield Entry(timer.breached_at, _("%(step)s overdue", step=step), tone="bad")
        for entry in file.timer_entries.get(timer.id, []):
            actor = file.people.get(entry.actor_id) if entry.actor_id else None
            who = f"{actor.name} · {actor.staff_no}" if actor else ""
            if entry.kind is EventKind.PAUSE:
                reason = label(entry.reason, "pause_reason")
                title = _("Clock stands: %(step)s, %(reason)s", step=step, reason=reason)
                if entry.voided_at is not None:
                    title = _("%(title)s (struck off)", title=title)
                yield Entry(entry.at, title, who, "" if for_client else entry.note, tone="idle")
            elif entry.kind is EventKind.RESUME and entry.voided_at is None:
                yield Entry(entry.at, _("Clock runs again: %(step)s", step=step), who)


def photos_of(
    documents: list[Document], kind: DocumentKind | None = None, at: datetime | None = None
) -> list[Photo]:
    """The pictures of a kind that came at one instant; without a kind all pictures of scene, survey and assessment."""
    kinds = {kind} if kind else _PICTURES
    return [
        Photo(_url(document), url_for("documents.thumb", document_id=document.id), document.filename)
        for document in documents
        if document.kind in kinds and document.width is not None and at in {None, document.uploaded_at}
    ]


def _url(document: Document) -> str:
    return url_for("documents.show", document_id=document.id)


def _yuan(fen: int) -> str:
    return format_yuan(fen, sign=True)
