"""What an accident report says, and what cannot be right about it."""

import re
from dataclasses import dataclass
from datetime import datetime

from service_desk.base.clock import add_years, local_date
from service_desk.base.errors import Invalid
from service_desk.base.text import squeeze
from service_desk.models.claims import ReportChannel
from service_desk.rules.identifiers import is_report_no, normalise_report_no
from service_desk.services.claims.reserves import MAX_RESERVE_FEN

OLDEST_LOSS_YEARS = 2
"""Claims under liability cover become time-barred two years after the loss is known (Insurance Law Art. 26)."""

MAX_INJURED = 200
# Lenient: mobile, area code with dashes or brackets, extension. What matters is that somebody can call it.
_PHONE = re.compile(r"[+(]?[0-9][0-9 ()\-]{5,24}[0-9]")
_LENGTHS = {"place": 200, "reporter_name": 64, "other_party": 200, "late_reason": 200}


@dataclass(frozen=True)
class ReportCommand:
    """An accident as reported: a vehicle, when, where and a phone at first; the rest may come later.

    A position may stand for a place. Clients report by portal whatever is stated. `other_plates`: more vehicles of
    ours that were in it. `duplicate_answer` and `same_as` (a claim's number) answer `possible_duplicate`: "new",
    "same" (this claim, nothing new is made) or "linked" (another vehicle of the accident of this claim).
    `asked_about`: the claims that were shown with the question; others that are found since are asked about anew.
    """

    account_id: int
    plate: str
    loss_at: datetime
    place: str
    description: str
    reporter_name: str
    callback_phone: str
    channel: ReportChannel = ReportChannel.PORTAL
    injured_count: int = 0
    other_party: str = ""
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: int | None = None
    # What the desk's own people expect it to cost, when they can tell on the telephone.
    estimate_fen: int | None = None
    # The insurer's own number of this report, where they have it already. It holds for every vehicle of the report.
    report_no: str = ""
    other_plates: tuple[str, ...] = ()
    is_own_collision: bool = False
    late_reason: str = ""
    duplicate_answer: str = ""
    same_as: str = ""
    asked_about: tuple[str, ...] = ()

    @property
    def has_position(self) -> bool:
        return self.latitude is not None and self.longitude is not None


def problems_of(command: ReportCommand, now: datetime) -> list[Invalid]:
    """Every refusal of what was typed, but for the vehicles and the photos."""
    problems = time_problems(command.loss_at, now)
    if not command.place.strip() and not command.has_position:
        problems.append(Invalid("place_missing", field="place"))
    words = {name: getattr(command, name) for name in _LENGTHS}
    problems += wording_problems(command.callback_phone, words)
    if not 0 <= (command.estimate_fen or 0) <= MAX_RESERVE_FEN:
        problems.append(Invalid("reserve_out_of_range", field="estimate"))
    if command.report_no.strip() and not is_report_no(normalise_report_no(command.report_no)):
        problems.append(Invalid("report_no_invalid", field="report_no"))
    if not 0 <= command.injured_count <= MAX_INJURED:
        problems.append(Invalid("injured_invalid", field="injured_count", most=MAX_INJURED))
    return problems


def time_problems(loss_at: datetime, now: datetime) -> list[Invalid]:
    """What speaks against a time of loss: it has not come, or is so long ago that nothing is owed any more."""
    if loss_at > now:
        return [Invalid("time_in_future", field="loss_at")]
    if local_date(loss_at) < add_years(local_date(now), -OLDEST_LOSS_YEARS):
        return [Invalid("loss_too_old", field="loss_at", years=OLDEST_LOSS_YEARS)]
    return []


def wording_problems(phone: str, words: dict[str, str]) -> list[Invalid]:
    """A phone that nobody can call, and words that are longer than what is kept. `words` by field."""
    problems = []
    number = squeeze(phone)
    if not number:
        problems.append(Invalid("required", field="callback_phone"))
    elif not _PHONE.fullmatch(number):
        problems.append(Invalid("phone_invalid", field="callback_phone", value=number))
    problems += [
        Invalid("words_too_long", field=field, length=_LENGTHS[field])
        for field, text in words.items()
        if len(squeeze(text)) > _LENGTHS[field]
    ]
    return problems
