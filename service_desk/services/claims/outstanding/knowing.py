"""What we know that a list may speak of: fetched by the numbers and plates of its rows, not all claims there are."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.collector import uncollected
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.fleet import PlateRecord, Vehicle
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.outstanding_list import Said
from service_desk.rules.outstanding_match import (
    ClaimDay,
    ClaimIndex,
    KnownClaim,
    Match,
    find,
    is_of_another_plate,
    numbers_to_look_up,
    plates_to_look_up,
    report_keys_to_look_up,
    worth_knowing,
)

_VALUES_A_QUERY = 900
_FIRST_CONTACT = "ENQ-"
_COLUMNS = (
    Claim.id,
    Claim.account_id,
    Claim.number,
    Claim.report_no,
    Claim.plate,
    Claim.vehicle_id,
    Claim.loss_at,
    Claim.state,
    Claim.branch_id,
    Claim.reserve_fen,
    Claim.paid_fen,
)
_DAY_COLUMNS = (Claim.id, Claim.account_id, Claim.plate, Claim.vehicle_id, Claim.loss_at)


class Knowledge:
    """The claims and vehicles of an account, as far as they were looked up. Fills up, and is indexed when asked."""

    def __init__(self, account_id: int) -> None:
        self._account_id = account_id
        self._numbers: dict[int, list[str]] = defaultdict(list)
        self._plates: dict[int, set[str]] = defaultdict(set)
        self.vehicles: dict[str, int] = {}
        self.index = ClaimIndex()

    def look_up_numbers(self, numbers: Collection[str]) -> None:
        """Fetch the claims that have these numbers, or whose first contact has."""
        self._add(list(self._select(_COLUMNS, Claim.number, [*numbers, *self._of_numbers(numbers)])))

    def look_up_reports(self, keys: Collection[str]) -> None:
        """Fetch the claims with these report numbers of the insurer, given as they are compared."""
        found: list[Any] = []
        for some in _portions(keys):
            of_account = Claim.account_id == self._account_id
            found += db.session.execute(select(*_COLUMNS).where(of_account, Claim.report_key.in_(some)))
        self._add(found)

    def look_up_plates(self, rows: Sequence[Said], *, typed: bool = False) -> None:
        """Fetch the claims of the vehicles that have or had the rows' plates, as far as finding looks at them.

        First only which they are and their days: of many claims of a vehicle one or two are near a row's day.
        """
        meant = [(said, plates_to_look_up(said, typed=typed)) for said in rows]
        claims = self._days_of({plate for _said, plates in meant for plate in plates})
        wanted: set[int] = set()
        for said, plates in meant:
            of_row = [one for plate in plates for one in claims.get(plate, ())]
            wanted.update(worth_knowing(said, of_row, typed=typed))
        self.take(wanted)

    def take(self, claim_ids: Collection[int]) -> None:
        """Fetch claims by id, those that are not known yet."""
        self._add(list(self._select(_COLUMNS, Claim.id, set(claim_ids) - self.index.by_id.keys())))

    def _add(self, rows: Sequence[Any]) -> None:
        fresh = {row.id: row for row in rows if row.id not in self.index.by_id}
        self._learn_plates({row.vehicle_id for row in fresh.values()} - self._plates.keys())
        self.index.learn(self.vehicles)
        self.index.add(self._known(row) for row in fresh.values())

    def _days_of(self, plates: Collection[str]) -> dict[str, list[ClaimDay]]:
        """The claims by the plates that their vehicles have or had, each with its day."""
        vehicles = self._vehicles_of(plates)
        # A vehicle's claims bear plates it has or had, so that only plates of no vehicle are looked for on claims.
        nobodys = set(plates) - vehicles.keys()
        ids = {vehicle_id for found in vehicles.values() for vehicle_id in found}
        by_vehicle: dict[int, list[ClaimDay]] = defaultdict(list)
        for row in self._select(_DAY_COLUMNS, Claim.vehicle_id, ids):
            by_vehicle[row.vehicle_id].append((row.id, local_date(row.loss_at)))
        found = {
            plate: [one for held in holders for one in by_vehicle[held]]
            for plate, holders in vehicles.items()
        }
        for row in self._select(_DAY_COLUMNS, Claim.plate, nobodys):
            found.setdefault(row.plate, []).append((row.id, local_date(row.loss_at)))
        return found

    def _select(self, columns: Sequence[Any], column: Any, values: Iterable[Any]) -> Iterator[Any]:
        # The account is compared here: in the query SQLite would go through all claims of the account by its index.
        for some in _portions(values):
            found = db.session.execute(select(*columns).where(column.in_(some)))
            yield from (row for row in found if row.account_id == self._account_id)

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

    def _vehicles_of(self, plates: Collection[str]) -> dict[str, set[int]]:
        """The vehicles that have or had these plates, by plate."""
        holders: dict[str, set[int]] = defaultdict(set)
        for some in _portions(plates):
            own = select(Vehicle.plate, Vehicle.id).where(
                Vehicle.account_id == self._account_id, Vehicle.plate.in_(some)
            )
            former = (
                select(PlateRecord.plate, Vehicle.id)
                .join(Vehicle, Vehicle.id == PlateRecord.vehicle_id)
                .where(PlateRecord.plate.in_(some), Vehicle.account_id == self._account_id)
            )
            for plate, vehicle_id in db.session.execute(own).tuples():
                self.vehicles[plate or ""] = vehicle_id
                holders[plate or ""].add(vehicle_id)
            for plate, vehicle_id in db.session.execute(former).tuples():
                holders[plate].add(vehicle_id)
        return holders

    def _learn_plates(self, vehicle_ids: Iterable[int]) -> None:
        for some in _portions(vehicle_ids):
            own = select(Vehicle.id, Vehicle.plate).where(Vehicle.id.in_(some), Vehicle.plate.is_not(None))
            former = select(PlateRecord.vehicle_id, PlateRecord.plate).where(PlateRecord.vehicle_id.in_(some))
            for statement in (own, former):
                for vehicle_id, plate in db.session.execute(statement).tuples():
                    if plate:
                        self._plates[vehicle_id].add(plate)

    def _known(self, row: Any) -> KnownClaim:
        plates = self._plates[row.vehicle_id]
        return KnownClaim(
            id=row.id,
            number=row.number,
            plates=frozenset(plates if row.plate in plates else {row.plate, *plates}),
            loss_on=local_date(row.loss_at),
            is_open=row.state in OPEN_STATES,
            branch_id=row.branch_id,
            reserve_fen=row.reserve_fen,
            paid_fen=row.paid_fen,
            other_numbers=tuple(self._numbers.get(row.id, ())),
            report_no=row.report_no or "",
        )


def _portions(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Distinct values, no more at a time than either database takes in a query."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _VALUES_A_QUERY):
        yield ordered[start : start + _VALUES_A_QUERY]


@uncollected()
def match_rows(
    account_id: int, rows: Sequence[Said], decided: Collection[int] = ()
) -> tuple[list[Match], Knowledge]:
    """Find our claim for every row.

    Looked up by and by, so that most rows cost one claim: what the numbers name; the plates of rows that found
    nothing by them, or not surely; slips of typing of rows that found nothing as written.
    """
    known = Knowledge(account_id)
    known.look_up_numbers({number for said in rows for number in numbers_to_look_up(said)})
    known.look_up_reports({key for said in rows for key in report_keys_to_look_up(said)})
    known.look_up_plates([said for said in rows if is_of_another_plate(said, known.index)])
    known.take(decided)
    nothing = Match()
    matches = [
        find(said, known.index, plate_slips=False) if said.claim_no or said.report_no else nothing
        for said in rows
    ]
    for typed in (False, True):
        left = [at for at, match in enumerate(matches) if _is_left(match, typed=typed)]
        if typed:
            known.look_up_numbers(
                {number for at in left for number in numbers_to_look_up(rows[at], typed=True)}
            )
            known.look_up_reports(
                {key for at in left for key in report_keys_to_look_up(rows[at], typed=True)}
            )
        known.look_up_plates([rows[at] for at in left], typed=typed)
        for at in left:
            matches[at] = find(rows[at], known.index, plate_slips=typed)
    return matches, known


def _is_left(match: Match, *, typed: bool) -> bool:
    """Whether more has to be looked up for a row: it has no claim, and for slips nothing to ask about either."""
    return match.claim is None and not (typed and match.candidates)
