"""A whole random history: fleet, policies, claims and clocks of an account and of another one, written to the desk."""

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from service_desk.services import sla
from tests.factories import BranchFactory
from tests.reconciliation.books import Book
from tests.reconciliation.clocks import Clocks
from tests.reconciliation.contacts import make_contacts
from tests.reconciliation.records import Rows, read_rows, write_rows
from tests.reconciliation.walks import Tables, Walker, report_times
from tests.world import World

FIRST = datetime(2023, 12, 31, 16, tzinfo=UTC)
_FIRST_ID = 1_000
_STANDING = (
    "key_accounts",
    "branches",
    "users",
    "service_levels",
    "working_calendars",
    "calendar_days",
    "breach_causes",
)


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    claims: int
    vehicles: int
    branches: int = 10


def write_history(world: World, now: datetime, size: Size, seed: int = 7) -> Rows:
    """Make it and write it; the rows as they were made, with the standing ones beside them."""
    sla.install_defaults(now)
    tops = [
        BranchFactory(account=world.account, name=f"第{n}分公司", name_en=f"Branch {n}") for n in range(4)
    ]
    below = [
        BranchFactory(account=world.account, parent=tops[n % 4], name=f"第{n}车队", name_en=f"Fleet {n}")
        for n in range(size.branches - 4)
    ]
    branches = [one.id for one in (*tops, *below)]
    rows = read_rows(_STANDING)
    made = _make(world, rows, branches, now, size, Random(seed))
    write_rows(made)
    known = read_rows(("vehicles", "branch_records", "vehicle_state_records"))
    return rows | made | known


def _make(world: World, rows: Rows, branches: list[int], now: datetime, size: Size, chance: Random) -> Rows:
    book = Book(chance, now, world.underwriter.id, _FIRST_ID)
    book.add_requirement(world.account.id)
    fleet = book.add_fleet(world.account.id, branches, size.vehicles)
    foreign = book.add_fleet(world.foreign_account.id, [world.foreign_branch.id], size.vehicles // 20)
    digests = {one.code: one.digest for one in rows["working_calendars"]}
    clocks = Clocks(rows["service_levels"], digests, chance, now)
    walker = Walker(Tables(), clocks, chance, [world.claims1.id, world.claims2.id], now)
    # A tenth of the fleet has half of the accidents, so that some vehicles have many.
    often = fleet[: max(1, len(fleet) // 10)]
    for number, at in enumerate(report_times(chance, size.claims, FIRST, now), 1):
        vehicle = chance.choice(foreign if number % 25 == 0 else often if number % 2 else fleet)
        walker.walk(number, vehicle, vehicle.branch_id, at)
    clocks.finish([world.manager.id])
    own = [one for one in rows["branches"] if one.id in {*branches, world.foreign_branch.id}]
    holders = (world.claims1.id, world.claims2.id)
    contacts = make_contacts(chance, own, holders, min(size.claims, 1_500), (FIRST, now))
    return book.rows | walker.tables.rows | clocks.rows | contacts
