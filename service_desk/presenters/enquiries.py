"""First contacts in words: the clock at a glance, and who had the matter when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from service_desk.models.enquiries import (
    AnswerTemplate,
    ClientWord,
    ContactKind,
    Enquiry,
    EnquiryChannel,
    EnquiryRepeat,
    EnquiryState,
    Handover,
    HandoverState,
    WordMeans,
)
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.presenters import sla as clocks
from service_desk.presenters.claims import plate
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, in_language, named
from service_desk.presenters.sla import Pill
from service_desk.rules.answer_templates import Place, filled
from service_desk.services.enquiries import ContactFile

__all__ = [
    "about",
    "answer_from",
    "branch_name",
    "chain",
    "is_answerable",
    "plate",
    "reply_pill",
    "said",
    "state_tone",
    "template_title",
    "template_words",
]


@dataclass(frozen=True)
class ChainEntry:
    """A line of the chain of owners, as the time line takes it."""

    at: datetime
    title: str
    who: str
    detail: str
    tone: str


def reply_pill(timers: Iterable[Timer], now: datetime) -> Pill | None:
    """The clock of the first answer: running, or how it ended; None without one."""
    shown = [timer for timer in timers if timer.state is not TimerState.CANCELLED]
    timer = clocks.nearest(shown) or (shown[-1] if shown else None)
    return clocks.pill(timer, now, named=False) if timer else None


def state_tone(enquiry: Enquiry) -> str:
    """The colour of the state's badge."""
    return {EnquiryState.OPEN: "warn", EnquiryState.ANSWERED: "ok"}.get(enquiry.state, "idle")


def is_answerable(enquiry: Enquiry) -> bool:
    """Whether it is answered and closed by hand; a claim's own contact goes with the claim."""
    return enquiry.state is not EnquiryState.CLOSED and enquiry.channel is not EnquiryChannel.CLAIM_REPORT


def about(file: ContactFile) -> str:
    """What a contact is about, as whoever links it types it."""
    if file.claim:
        return file.claim.number
    if file.policy:
        return file.policy.number
    return (file.vehicle.plate or file.vehicle.vin or "") if file.vehicle else ""


def template_title(template: AnswerTemplate) -> str:
    """The title of a template in the reader's language."""
    return named(template.title, template.title_en)


def template_words(template: AnswerTemplate) -> str:
    """The words of a template in the reader's language, its places in braces."""
    return named(template.body, template.body_en)


def answer_from(
    template: AnswerTemplate, file: ContactFile, missing: Iterable[str], *, in_english: bool
) -> str:
    """A template's words with the facts of a contact; `missing` are the codes of the documents still wanted."""
    facts = {
        Place.CALLER: file.enquiry.caller_name,
        Place.CLAIM_NO: file.claim.number if file.claim else "",
        Place.POLICY_NO: file.policy.number if file.policy else "",
        Place.PLATE: plate(file.vehicle.plate or file.vehicle.vin or "") if file.vehicle else "",
        Place.OWNER_NAME: file.owner.name,
        Place.OWNER_PHONE: file.owner.phone,
    }
    with in_language("en" if in_english else "zh"):
        facts[Place.MISSING_DOCUMENTS] = _(", ").join(label(code, "document_code") for code in missing)
    return filled(template.body_en if in_english else template.body, facts)


def said(file: ContactFile) -> list[ChainEntry]:
    """The repeats and the client's words, newest first."""
    # What was not settled stands there by the client's word already.
    told = {one.recorded_at for one in file.said}
    entries = [_repeat_entry(one, file) for one in file.repeats if one.at not in told]
    entries += [_word_entry(one, file) for one in file.said]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _repeat_entry(one: EnquiryRepeat, file: ContactFile) -> ChainEntry:
    taker = file.people[one.taken_by_id]
    number = file.seconds.get(one.second_id or 0, "")
    title = _("Asked again (%(way)s)", way=label(one.channel, "enquiry_channel"))
    who = " · ".join(part for part in (one.caller_name, one.caller_phone) if part)
    if taker.name != one.caller_name:
        who = _("%(caller)s, taken by %(name)s", caller=who, name=person(taker.name, taker.staff_no))
    detail = f"{number} {one.words}" if number else one.words
    before = _("Answer before: %(words)s", words=one.answer_before) if one.answer_before else ""
    return ChainEntry(one.at, title, who, " · ".join(part for part in (detail, before) if part), "warn")


def _word_entry(one: ClientWord, file: ContactFile) -> ChainEntry:
    title = _("Client: settled") if one.is_satisfied else _("Client: not settled")
    who = f"{one.said_by} · {label(one.means, 'word_means')}"
    writer = file.people[one.recorded_by_id]
    if one.means is not WordMeans.PORTAL:
        who = _("%(caller)s, taken by %(name)s", caller=who, name=person(writer.name, writer.staff_no))
    before = "" if one.is_satisfied else _("Answer before: %(words)s", words=one.answer)
    detail = " · ".join(part for part in (one.note, before) if part)
    return ChainEntry(one.at, title, who, detail, "ok" if one.is_satisfied else "bad")


def chain(file: ContactFile) -> list[ChainEntry]:
    """Who was asked first and every hand-over since, newest first."""
    enquiry = file.enquiry
    first = file.people[enquiry.first_owner_id]
    entries = [
        ChainEntry(
            enquiry.opened_at,
            _("First contact: %(name)s", name=first.name),
            person(first.name, first.staff_no),
            "",
            "ok",
        )
    ]
    entries += [offer_entry(one, file.people) for one in file.handovers]
    entries += _passed_on(file)
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def _passed_on(file: ContactFile) -> list[ChainEntry]:
    """A complaint that went on to the next manager, whose answer did not satisfy."""
    refused = [one for one in file.said if not one.is_satisfied]
    if not refused or file.enquiry.kind is not ContactKind.COMPLAINT:
        return []
    nexts = [*(one.owner_id for one in refused[1:]), file.enquiry.owner_id]
    return [
        ChainEntry(
            one.recorded_at,
            _("Passed on to %(name)s", name=file.people[next_id].name),
            _(
                "from %(name)s",
                name=person(file.people[one.owner_id].name, file.people[one.owner_id].staff_no),
            ),
            "",
            "warn",
        )
        for one, next_id in zip(refused, nexts, strict=True)
        if next_id != one.owner_id
    ]


def offer_entry(offer: Handover, people: Mapping[int, User]) -> ChainEntry:
    """An offer and how it was answered."""
    giver, taker = people[offer.from_id], people[offer.to_id]
    words = {
        HandoverState.ASKED: _("Offered to %(name)s, not decided yet", name=taker.name),
        HandoverState.ACCEPTED: _("Accepted by %(name)s", name=taker.name),
        HandoverState.REFUSED: _("Sent back by %(name)s", name=taker.name),
        HandoverState.WITHDRAWN: _("Offer to %(name)s taken back", name=taker.name),
    }
    tones = {HandoverState.ASKED: "warn", HandoverState.ACCEPTED: "ok"}
    note = offer.refusal_reason or offer.assigned_reason or offer.note
    if offer.assigned_by_id is not None:
        words[HandoverState.ACCEPTED] = _("Assigned to %(name)s", name=taker.name)
    return ChainEntry(
        offer.decided_at or offer.asked_at,
        words[offer.state],
        _("from %(name)s", name=person(giver.name, giver.staff_no)),
        note,
        tones.get(offer.state, ""),
    )


def person(name: str, staff_no: str) -> str:
    """Name and staff number."""
    return f"{name} · {staff_no}" if staff_no else name
