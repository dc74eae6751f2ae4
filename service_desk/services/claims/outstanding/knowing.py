"""What we know that a list may speak of: fetched by the numbers and plates of its rows, not all claims there are."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.fleet import PlateRecord, Vehicle
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.outstanding_list import Said
from service_desk.rules.outstanding_match import (
    ClaimIndex,
    KnownClaim,
    Match,
    find,
    numbers_to_look_up,
    plates_to_look_up,
)

_VALUES_A_QUERY = 900
_FIRST_CONTACT = "ENQ-"
_COLUMNS = (
    Claim.id,
    Claim.number,
    Claim.plate,
    Claim.vehicle_id,
    Claim.loss_at,
    Claim.state,
    Claim.branch_id,
    Claim.reserve_fen,
    Claim.paid_fen,
)


class Knowledge:
    """The claims and vehicles of an account, as far as they were looked up. Fills up, and is indexed when asked."""

    def __init__(self, account_id: int) -> None:
        self._account_id = account_id
        self._claims: dict[int, Any] = {}
        self._numbers: dict[int, list[str]] = defaultdict(list)
        self._plates: dict[int, set[str]] = defaultdict(set)
        self.vehicles: dict[str, int] = {}

    def look_up(self, numbers: Collection[str], plates: Collection[str]) -> None:
        """Fetch the claims of these numbers, and of the vehicles that have or had these plates."""
        found = self._of_numbers(numbers)
        by_plate = self._vehicles_of(plates)
        rows = [
            *self._select(Claim.number, [*numbers, *found]),
            *self._select(Claim.plate, plates),
            *self._select(Claim.vehicle_id, by_plate),
        ]
        fresh = {row.vehicle_id for row in rows if row.id not in self._claims}
        self._claims |= {row.id: row for row in rows}
        self._learn_plates(fresh)

    def take(self, claim_ids: Collection[int]) -> None:
        """Fetch claims by id: those a person decided on."""
        rows = list(self._select(Claim.id, claim_ids))
        self._claims |= {row.id: row for row in rows}
        self._learn_plates({row.vehicle_id for row in rows})

    def _select(self, column: Any, values: Iterable[Any]) -> Iterator[Any]:
        for some in _portions(values):
            statement = select(*_COLUMNS).where(Claim.account_id == self._account_id, column.in_(some))
            yield from db.session.execute(statement)

    def _of_numbers(self, numbers: Collection[str]) -> list[str]:
        """The claims whose first contact has one of these numbers: clients call that the report number."""
        found = []
        for some in _portions(number for number in numbers if number.startswith(_FIRST_CONTACT)):
            statement = (
                select(Enquiry.number, Claim.id, Claim.number.label("claim"))
                .join(Claim, Claim.id == Enquiry.claim_id)
                .where(
                    Enquiry.number.in_(some),
                    Enquiry.channel == EnquiryChannel.CLAIM_REPORT,
                    Claim.account_id == self._account_id,
                )
            )
            for row in db.session.execute(statement):
                self._numbers[row.id].append(row.number)
                found.append(row.claim)
        return found

    def _vehicles_of(self, plates: Collection[str]) -> set[int]:
        found = set()
        for some in _portions(plates):
            own = select(Vehicle.id, Vehicle.plate).where(
                Vehicle.account_id == self._account_id, Vehicle.plate.in_(some)
            )
            former = (
                select(Vehicle.id)
                .join(PlateRecord, PlateRecord.vehicle_id == Vehicle.id)
                .where(Vehicle.account_id == self._account_id, PlateRecord.plate.in_(some))
            )
            for row in db.session.execute(own):
                self.vehicles[row.plate] = row.id
                found.add(row.id)
            found |= set(db.session.scalars(former))
        return found

    def _learn_plates(self, vehicle_ids: Iterable[int]) -> None:
        for some in _portions(vehicle_ids):
            own = select(Vehicle.id, Vehicle.plate).where(Vehicle.id.in_(some), Vehicle.plate.is_not(None))
            former = select(PlateRecord.vehicle_id, PlateRecord.plate).where(PlateRecord.vehicle_id.in_(some))
            for statement in (own, former):
                for vehicle_id, plate in db.session.execute(statement).tuples():
                    if plate:
                        self._plates[vehicle_id].add(plate)

    def index(self) -> ClaimIndex:
        """All that was looked up, ready to be searched."""
        return ClaimIndex((self._known(row) for row in self._claims.values()), self.vehicles)

    def _known(self, row: Any) -> KnownClaim:
        return KnownClaim(
            id=row.id,
            number=row.number,
            plates=frozenset({row.plate, *self._plates[row.vehicle_id]}),
            loss_on=local_date(row.loss_at),
            is_open=row.state in OPEN_STATES,
            branch_id=row.branch_id,
            reserve_fen=row.reserve_fen,
            paid_fen=row.paid_fen,
            other_numbers=tuple(self._numbers[row.id]),
        )


def _portions(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Distinct values, no more at a time than either database takes in a query."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _VALUES_A_QUERY):
        yield ordered[start : start + _VALUES_A_QUERY]


def match_rows(
    account_id: int, rows: Sequence[Said], decided: Collection[int] = ()
) -> tuple[list[Match], ClaimIndex, Knowledge]:
    """Find our claim for every row. Slips of typing are looked up only for rows that found nothing as written."""
    known = Knowledge(account_id)
    known.look_up(
        {number for said in rows for number in numbers_to_look_up(said)},
        {plate for said in rows for plate in plates_to_look_up(said)},
    )
    known.take(decided)
    index = known.index()
    matches = [find(said, index) for said in rows]
    left = [at for at, match in enumerate(matches) if match.claim is None and not match.candidates]
    if left:
        known.look_up(
            {number for at in left for number in numbers_to_look_up(rows[at], typed=True)},
            {plate for at in left for plate in plates_to_look_up(rows[at], typed=True)},
        )
        index = known.index()
        for at in left:
            matches[at] = find(rows[at], index)
    return matches, index, known
