"""First contacts in words: the clock at a glance, and who had the matter when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from service_desk.models.enquiries import Enquiry, EnquiryChannel, EnquiryState, Handover, HandoverState
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.presenters import sla as clocks
from service_desk.presenters.claims import plate
from service_desk.presenters.languages import branch_name
from service_desk.presenters.sla import Pill
from service_desk.services.enquiries import ContactFile

__all__ = ["branch_name", "chain", "is_answerable", "plate", "reply_pill", "state_tone"]


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
    return entries[::-1]


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
