"""The demo's policies, so spread that every list of expiries has something in it today, and its premium receipts."""

from datetime import date, datetime, time, timedelta
from random import Random

from sqlalchemy import select

from service_desk.base.clock import CHINA, end_of_day, local_date
from service_desk.base.errors import Invalid
from service_desk.demo.group import Group
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import CoverSource, ExternalCover, IssueBatch
from service_desk.models.premiums import Receivable
from service_desk.models.users import User
from service_desk.rules import sample_rates
from service_desk.rules.ctpl_tariff import COVER_SET
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import policies, premiums
from service_desk.services.policies import IssueRequest, LineChoice

# Vehicles whose terms begin on the same day, one group every nine days of the year.
_DAYS_BETWEEN_GROUPS = 9
_YEAR = 365
_HISTORY_DAYS = 30 * 18 + 10
# Of a group that expires within this many days, half the vehicles have renewed already.
_RENEWS_AHEAD = 20


def build_cover(group: Group, vehicles: list[Vehicle], random: Random, now: datetime) -> None:
    """Issue two to three years of policies, leave a few vehicles uncovered, note a few covers from elsewhere."""
    today = local_date(now)
    operating = [vehicle for vehicle in vehicles if vehicle.state is VehicleState.OPERATING]
    random.shuffle(operating)
    elsewhere, insured = operating[:14], operating[14:]
    _note_external(elsewhere, random, now)
    offsets = range(2, _YEAR, _DAYS_BETWEEN_GROUPS)
    for index, offset in enumerate(offsets):
        members = insured[index :: len(offsets)]
        _issue_terms(group, members, today, offset, now)


def _issue_terms(group: Group, members: list[Vehicle], today: date, offset: int, now: datetime) -> None:
    start = today - timedelta(days=offset)
    years = [start - timedelta(days=_YEAR)]
    if offset + _YEAR < _HISTORY_DAYS:
        years.insert(0, start - timedelta(days=2 * _YEAR))
    for first_day in years:
        _issue(group, members, first_day, now)
    # Two vehicles of the groups that ended lately were not renewed: the missed cover the desk has to chase.
    missed = members[:2] if offset <= 3 * _DAYS_BETWEEN_GROUPS else []
    _issue(group, [vehicle for vehicle in members if vehicle not in missed], start, now)
    days_left = _YEAR - offset
    if days_left <= _RENEWS_AHEAD:
        _issue(
            group,
            members[::2],
            start + timedelta(days=_YEAR),
            now - timedelta(days=1 + days_left % 4, hours=7),
        )


def _issue(group: Group, members: list[Vehicle], first_day: date, now: datetime) -> None:
    """Issue by cover set: coaches, buses and taxis need carrier's liability as well."""
    issued_at = min(now, datetime.combine(first_day - timedelta(days=6), time(10, 20), CHINA))
    clerk = group.users["underwriter" if first_day.toordinal() % 3 else "underwriter2"]
    carriers = [vehicle for vehicle in members if vehicle.use_class is not UseClass.GOODS]
    trucks = [vehicle for vehicle in members if vehicle.use_class is UseClass.GOODS]
    for chosen, cover_set, has_carrier in (
        (carriers[::5], sample_rates.TPL_1M, True),
        ([v for i, v in enumerate(carriers) if i % 5], sample_rates.TPL_1M_OWN_DAMAGE, True),
        (trucks, sample_rates.TPL_1M_OWN_DAMAGE, False),
    ):
        lines = [LineChoice(PolicyLine.CTPL, COVER_SET), LineChoice(PolicyLine.COMMERCIAL, cover_set)]
        if has_carrier:
            lines.append(LineChoice(PolicyLine.CARRIER_LIABILITY, sample_rates.SEAT_400K))
        _issue_batch(group, chosen, tuple(lines), first_day, clerk, issued_at)


def _issue_batch(
    group: Group,
    chosen: list[Vehicle],
    lines: tuple[LineChoice, ...],
    first_day: date,
    clerk: User,
    issued_at: datetime,
) -> None:
    if not chosen:
        return
    request = IssueRequest(
        account_id=group.account.id,
        vehicle_ids=tuple(vehicle.id for vehicle in chosen),
        lines=lines,
        start_on=first_day,
    )
    try:
        policies.issue_many(request, actor=clerk, now=issued_at)
    except Invalid as error:
        # A leap day may leave one day of overlap with the year before; those vehicles keep their earlier term.
        if error.code != "nothing_to_issue":
            raise


def _note_external(vehicles: list[Vehicle], random: Random, now: datetime) -> None:
    """Cover that another insurer gave, known from the client's list."""
    for vehicle in vehicles:
        last_day = local_date(now) + timedelta(days=random.randint(5, 200))
        for line in (PolicyLine.CTPL, PolicyLine.COMMERCIAL):
            db.session.add(
                ExternalCover(
                    account_id=vehicle.account_id,
                    vehicle_id=vehicle.id,
                    line=line,
                    ends_at=end_of_day(last_day),
                    source=CoverSource.CLIENT_LIST,
                    noted_at=now - timedelta(days=60),
                )
            )
    db.session.flush()


def build_receipts(group: Group, random: Random, now: datetime) -> None:
    """Receive the premium of each branch by quarter; what is younger than six weeks and a few branches stay open."""
    clerk = group.users["underwriter"]
    cut = local_date(now) - timedelta(days=40)
    for branch in group.branches:
        slow = timedelta(days=75) if random.random() < 0.2 else timedelta()
        rows = db.session.execute(
            select(Receivable.id, Receivable.amount_fen, Receivable.due_on)
            .where(Receivable.branch_id == branch.id, Receivable.due_on <= cut - slow)
            .order_by(Receivable.due_on)
        ).all()
        quarters: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for row in rows:
            quarters.setdefault((row.due_on.year, (row.due_on.month - 1) // 3), []).append(
                (row.id, row.amount_fen)
            )
        for (year, quarter), parts in sorted(quarters.items()):
            received_on = min(date(year, quarter * 3 + 3, 20) + timedelta(days=12), local_date(now))
            premiums.record_receipt(
                premiums.ReceiptCommand(
                    branch_id=branch.id,
                    receivable_ids=tuple(part[0] for part in parts),
                    amount_fen=sum(part[1] for part in parts),
                    received_on=received_on,
                    method="transfer",
                    payer=f"{group.account.name}{branch.name}",
                    reference=f"HK{received_on:%Y%m%d}{branch.id:03d}",
                ),
                actor=clerk,
                now=min(now, datetime.combine(received_on, time(15, 10), CHINA)),
            )
    _deliver_batches(now)


def _deliver_batches(now: datetime) -> None:
    """Batches older than two days were delivered the day after; the younger ones wait on the desk."""
    for batch in db.session.scalars(select(IssueBatch).where(IssueBatch.issued_at < now - timedelta(days=2))):
        batch.delivered_at = batch.issued_at + timedelta(hours=26)
        batch.delivered_to = "安全科"
