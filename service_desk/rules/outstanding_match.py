"""Finding our claim for each row of a client's list, tolerant of typing; what is not sure is asked, never guessed.

Claims are indexed once by number and by plate, so that a row costs a few look-ups however many claims there are.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache

from service_desk.rules.identifiers import number_key, our_number
from service_desk.rules.outstanding_list import Phase, Said

NEAR_DAYS = 3
"""How far a date may be off where the plate is right."""


class RowKind(StrEnum):
    """What became of a row. ONLY_OURS: a claim of ours that the list lacks."""

    SAME = "same"
    DIFFERS = "differs"
    ENDED = "ended"
    NOT_OURS = "not_ours"
    UNSURE = "unsure"
    UNREADABLE = "unreadable"
    ONLY_OURS = "only_ours"


class How(StrEnum):
    """By what a claim was found. The TYPED ones took a slip of the finger into account."""

    CLAIM_NO = "claim_no"
    REPORT_NO = "report_no"
    PLATE_DATE = "plate_date"
    PLATE_NEAR_DATE = "plate_near_date"
    NUMBER_TYPED = "number_typed"
    PLATE_TYPED = "plate_typed"
    DECIDED = "decided"


class Change(StrEnum):
    """What is different from the list before."""

    NEW = "new"
    STILL_OPEN = "still_open"
    MOVED_ON = "moved_on"


@dataclass(frozen=True, slots=True)
class KnownClaim:
    """A claim of ours as a list may name it. `plates`: at the report, now, and formerly; money in whole fen.

    `report_no` is the insurer's; the claims of one accident may share it.
    """

    id: int
    number: str
    plates: frozenset[str]
    loss_on: date
    is_open: bool
    branch_id: int
    reserve_fen: int = 0
    paid_fen: int = 0
    other_numbers: tuple[str, ...] = ()
    report_no: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """`claim` when it is sure, else `candidates`: none of them, or a person has to say which."""

    claim: KnownClaim | None = None
    how: How | None = None
    candidates: tuple[KnownClaim, ...] = ()


@dataclass(frozen=True)
class Difference:
    """What a row says otherwise than we do. Values as ISO days, whole fen, ids or words."""

    what: str
    theirs: str
    ours: str


_AREA = 2
"""How many signs of a plate say where it is from; in the others O and I do not occur (GA 36)."""


@lru_cache(maxsize=65_536)
def plate_key(plate: str) -> str:
    """A plate with O and I, which its serial cannot hold, as the figures they were meant to be."""
    return plate[:_AREA] + plate[_AREA:].replace("O", "0").replace("I", "1")


def swapped(text: str, start: int = 0) -> Iterator[str]:
    """Every spelling with two neighbours changed round, from `start` on."""
    for at in range(start, len(text) - 1):
        if text[at] != text[at + 1]:
            yield text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def numbers_to_look_up(said: Said, *, typed: bool = False) -> set[str]:
    """Our numbers that a row may mean; with `typed` those with two neighbours changed round."""
    written = {our_number(text) for text in (said.claim_no, said.report_no)} - {""}
    if not typed:
        return written
    return {our_number(one) for number in written for one in swapped(number_key(number), 3)} - {""}


def report_keys_to_look_up(said: Said, *, typed: bool = False) -> set[str]:
    """What a row's numbers are compared by as report numbers of the insurer, which stand in either column.

    With `typed` those with two neighbours changed round.
    """
    keys = {number_key(text) for text in (said.claim_no, said.report_no) if text and not our_number(text)}
    return {one for key in keys for one in swapped(key, 3)} if typed else keys


def plates_to_look_up(said: Said, *, typed: bool = False) -> set[str]:
    """The plates that a row may mean; with `typed` those with two neighbours changed round."""
    if not said.plate:
        return set()
    if typed:
        return set(swapped(plate_key(said.plate), 1))
    return {said.plate, plate_key(said.plate)}


def is_near(said: Said, day: date) -> bool:
    """Whether a row may mean this day, give or take a few."""
    return said.loss_on is not None and abs((said.loss_on - day).days) <= NEAR_DAYS


ClaimDay = tuple[int, date]
"""A claim by its id, and the day of its loss."""


def worth_knowing(said: Said, claims: Collection[ClaimDay], *, typed: bool = False) -> list[int]:
    """Of the claims of a row's plates those that `find` looks at: near its day, and all only where none is near.

    With `typed`, of plates with two neighbours changed round, never more than the near ones.
    """
    near = [claim_id for claim_id, day in claims if is_near(said, day)]
    return near if near or typed else [claim_id for claim_id, _day in claims]


@dataclass
class ClaimIndex:
    """Claims by number and by plate. `vehicles` are plates that exist: such a one is not taken for a slip."""

    claims: InitVar[Iterable[KnownClaim]] = ()
    vehicles: InitVar[Collection[str]] = ()
    by_id: dict[int, KnownClaim] = field(init=False, default_factory=dict)
    _by_number: dict[str, list[KnownClaim]] = field(init=False, default_factory=lambda: defaultdict(list))
    _by_plate: dict[str, list[KnownClaim]] = field(init=False, default_factory=lambda: defaultdict(list))

    def __post_init__(self, claims: Iterable[KnownClaim], vehicles: Collection[str]) -> None:
        self._real: set[str] = set()
        self.learn(vehicles)
        self.add(claims)

    def learn(self, vehicles: Iterable[str]) -> None:
        """Take plates in that vehicles have."""
        self._real.update(plate_key(plate) for plate in vehicles)

    def add(self, claims: Iterable[KnownClaim]) -> None:
        """Take claims in, each once."""
        for claim in claims:
            self.by_id[claim.id] = claim
            for number in (claim.number, *claim.other_numbers):
                self._by_number[number_key(number)].append(claim)
            if claim.report_no:
                self._by_number[number_key(claim.report_no)].append(claim)
            for plate in {plate_key(plate) for plate in claim.plates}:
                self._by_plate[plate].append(claim)

    def of_number(self, text: str) -> list[KnownClaim]:
        """The claims that a number names as it is written."""
        return self._by_number.get(number_key(text), []) if text else []

    def near_number(self, text: str) -> list[KnownClaim]:
        """The claims whose number has two neighbours the other way round."""
        found = (self._by_number.get(one, ()) for one in swapped(number_key(text), 3)) if text else ()
        return _unique(claim for claims in found for claim in claims)

    def of_plate(self, plate: str) -> list[KnownClaim]:
        """The claims of a plate, also of one the vehicle had before."""
        return self._by_plate.get(plate_key(plate), []) if plate else []

    def near_plate(self, plate: str) -> list[KnownClaim]:
        """The claims of plates with two neighbours the other way round."""
        found = (self._by_plate.get(one, ()) for one in swapped(plate_key(plate), 1)) if plate else ()
        return _unique(claim for claims in found for claim in claims)

    def is_real(self, plate: str) -> bool:
        """Whether a vehicle has this plate."""
        return plate_key(plate) in self._real


def _unique(claims: Iterable[KnownClaim]) -> list[KnownClaim]:
    return list({claim.id: claim for claim in claims}.values())


def find(said: Said, index: ClaimIndex, *, plate_slips: bool = True) -> Match:
    """Our claim for a row: by number, by a number typed wrong, by plate and date, by a plate typed wrong.

    No slip in the plate is seen without `plate_slips`: as long as not all such plates were looked up, what other
    rows brought in would be taken for the only one.
    """
    named = _by_number(said, index)
    if named is not None:
        return named
    typed = [text for text in (said.claim_no, said.report_no) if text]
    near = _unique(claim for text in typed for claim in index.near_number(text)) if typed else []
    agreeing = [claim for claim in near if _agrees(said, claim)]
    if len(agreeing) == 1:
        return Match(agreeing[0], How.NUMBER_TYPED)
    by_plate = _by_plate(said, index)
    if by_plate is not None:
        return by_plate
    if near:
        return Match(candidates=tuple(near))
    return _by_typed_plate(said, index) if plate_slips else Match()


def _by_number(said: Said, index: ClaimIndex) -> Match | None:
    """By the numbers as written. Two that name two claims, or one that all else contradicts, is asked."""
    by_claim, by_report = _named(said, said.claim_no, index), _named(said, said.report_no, index)
    if not by_claim and not by_report:
        return None
    found = [claim for claim in by_claim if claim in by_report] or _unique([*by_claim, *by_report])
    if len(found) > 1:
        others = _near_of_plate(said, index) if is_of_another_plate(said, index) else []
        return Match(candidates=tuple(_unique([*found, *others])))
    claim = found[0]
    if _contradicts(said, claim, index):
        return Match(candidates=tuple(_unique([claim, *_near_of_plate(said, index)])))
    return Match(claim, How.REPORT_NO if is_of_report(said, claim) or not by_claim else How.CLAIM_NO)


def _named(said: Said, text: str, index: ClaimIndex) -> list[KnownClaim]:
    """The claims that a number names: of several vehicles that were reported together the row's own."""
    claims = index.of_number(text)
    if len(claims) < 2 or not said.plate:
        return claims
    return [claim for claim in claims if _has_plate(claim, said.plate)] or claims


def is_of_report(said: Said, claim: KnownClaim) -> bool:
    """Whether the row names the claim by the insurer's report number."""
    key = number_key(claim.report_no)
    return bool(key) and key in {number_key(said.claim_no), number_key(said.report_no)}


def is_of_another_plate(said: Said, index: ClaimIndex) -> bool:
    """Whether a report number names only claims of other vehicles: the row's own may be another of that accident."""
    if not said.plate:
        return False
    claims = _unique([*index.of_number(said.claim_no), *index.of_number(said.report_no)])
    return any(is_of_report(said, one) for one in claims) and not any(
        _has_plate(one, said.plate) for one in claims
    )


def _contradicts(said: Said, claim: KnownClaim, index: ClaimIndex) -> bool:
    """Whether the plate is another and the day does not speak for the claim either.

    A report number may be of a whole accident: then a claim of that plate and day contradicts it as well.
    """
    if not said.plate or _has_plate(claim, said.plate):
        return False
    if said.loss_on is None or not is_near(said, claim.loss_on):
        return True
    may_be_shared = is_of_report(said, claim) and our_number(said.claim_no) != claim.number
    return may_be_shared and bool(_near_of_plate(said, index))


def _near_of_plate(said: Said, index: ClaimIndex) -> list[KnownClaim]:
    return [one for one in index.of_plate(said.plate) if is_near(said, one.loss_on)]


def _agrees(said: Said, claim: KnownClaim) -> bool:
    """Whether plate or day speaks for a claim, and neither against it."""
    plate = _has_plate(claim, said.plate) if said.plate else None
    day = is_near(said, claim.loss_on) if said.loss_on else None
    return False not in {plate, day} and True in {plate, day}


def _has_plate(claim: KnownClaim, plate: str) -> bool:
    return plate in claim.plates or plate_key(plate) in {plate_key(one) for one in claim.plates}


def _by_plate(said: Said, index: ClaimIndex) -> Match | None:
    """By plate and day; None where the plate has no claim that may be meant."""
    claims = index.of_plate(said.plate)
    if not claims:
        return None
    if said.loss_on is None:
        return Match(candidates=tuple([one for one in claims if one.is_open] or claims))
    same_day = [one for one in claims if one.loss_on == said.loss_on]
    if len(same_day) == 1:
        return Match(same_day[0], How.PLATE_DATE)
    near = same_day or [one for one in claims if is_near(said, one.loss_on)]
    if len(near) == 1:
        return Match(near[0], How.PLATE_NEAR_DATE)
    if near:
        return Match(candidates=tuple(near))
    slips = [one for one in claims if _is_slip(said.loss_on, one.loss_on)]
    return Match(candidates=tuple(slips)) if slips else None


def _is_slip(theirs: date, ours: date) -> bool:
    """Whether one day is written for another: a wrong year, month or day, or month and day changed round."""
    if (theirs.month, theirs.day) == (ours.day, ours.month) and theirs.year == ours.year:
        return True
    same = (theirs.year == ours.year, theirs.month == ours.month, theirs.day == ours.day)
    # Two of the three are right; but any two days of one month share year and month.
    return sum(same) == 2 and same != (True, True, False)


def _by_typed_plate(said: Said, index: ClaimIndex) -> Match:
    """By a plate with neighbours changed round: sure on the very day, where no vehicle has the plate as written."""
    near = [one for one in index.near_plate(said.plate) if is_near(said, one.loss_on)]
    if len(near) == 1 and near[0].loss_on == said.loss_on and not index.is_real(said.plate):
        return Match(near[0], How.PLATE_TYPED)
    return Match(candidates=tuple(near))


def differences(said: Said, claim: KnownClaim, branch_id: int | None) -> list[Difference]:
    """What a row says otherwise than the claim it was found to be. `branch_id` is its branch, None if unknown."""
    found = []
    number = our_number(said.claim_no)
    if number and number != claim.number and number not in claim.other_numbers:
        found.append(Difference("claim_no", said.claim_no, claim.number))
    ours = (claim.number, claim.report_no, *claim.other_numbers)
    if said.report_no and claim.report_no and not _is_among(said.report_no, ours):
        found.append(Difference("report_no", said.report_no, claim.report_no))
    if said.plate and said.plate not in claim.plates:
        found.append(Difference("plate", said.plate, min(claim.plates)))
    if said.loss_on is not None and said.loss_on != claim.loss_on:
        found.append(Difference("loss_on", said.loss_on.isoformat(), claim.loss_on.isoformat()))
    found += _amounts(said, claim)
    if branch_id is not None and branch_id != claim.branch_id:
        found.append(Difference("branch", said.branch, str(claim.branch_id)))
    if said.phase is Phase.ENDED and claim.is_open:
        found.append(Difference("state", said.state, "open"))
    if said.phase is Phase.OPEN and not claim.is_open:
        found.append(Difference("state", said.state, "ended"))
    return found


def _is_among(number: str, numbers: Iterable[str]) -> bool:
    return number_key(number) in map(number_key, numbers)


def _amounts(said: Said, claim: KnownClaim) -> Iterator[Difference]:
    left = max(claim.reserve_fen - claim.paid_fen, 0)
    pairs = (("estimate", said.estimate_fen, claim.reserve_fen), ("outstanding", said.outstanding_fen, left))
    for what, theirs, ours in pairs:
        if theirs is not None and abs(theirs - ours) >= said.step_fen:
            yield Difference(what, str(theirs), str(ours))


def kind_of(claim: KnownClaim, differs: Sequence[Difference]) -> RowKind:
    """What a row is whose claim was found. That a claim has ended goes before all else."""
    if not claim.is_open:
        return RowKind.ENDED
    return RowKind.DIFFERS if differs else RowKind.SAME


def row_key(said: Said) -> str:
    """What a row is known by from list to list where no claim of ours was found for it."""
    number = number_key(said.claim_no or said.report_no)
    day = said.loss_on.isoformat() if said.loss_on else ""
    return (f"n:{number}" if number else f"p:{plate_key(said.plate)}:{day}")[:64]


def change_of(key: str, state: str, before: Mapping[str, str]) -> Change:
    """What is different from the list before, whose rows stood so by their keys."""
    if key not in before:
        return Change.NEW
    return Change.STILL_OPEN if before[key] == state else Change.MOVED_ON


ENQUIRIES_AT_MOST = 20
"""More rows of ours to look for than this are one enquiry: nobody works through more in single ones."""


def single_enquiries(vehicle_ids: Sequence[int | None]) -> list[int]:
    """Which of the rows that are not ours get an enquiry of their own: indexes, few, and of our vehicles.

    A vehicle we know with an accident we do not is a claim that may have been lost. The others share one enquiry.
    """
    own = [index for index, vehicle_id in enumerate(vehicle_ids) if vehicle_id is not None]
    return own if len(own) <= ENQUIRIES_AT_MOST else []
