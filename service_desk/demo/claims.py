"""The demo's claims: about three hundred over eighteen months, taken through the state table by the services.

Nothing is written around the rules: every claim is reported, surveyed, calculated and paid by the same use cases the
pages call, told an instant of the past. A breach of the demo is a breach by the clock's own arithmetic.
"""

from collections.abc import Callable
from datetime import datetime
from random import Random

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import CHINA
from service_desk.demo import cast, steps
from service_desk.demo.group import Group, person_name
from service_desk.demo.steps import DAY, MINUTE, Walk
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, ReportChannel
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.users import User
from service_desk.rules.permissions import Role
from service_desk.rules.vocabulary import Fault
from service_desk.services.claims import intake

CLAIMS = 300
MONTHS = 18
_LATE, _TODAY = 30, 6
_FATES = {7: "withdraw", 31: "deny", 53: "reopen"}
# After how many steps of the way a late claim waits: surveyed, assessed, papers asked for, complete, calculated …
_STOPS = (4, 5, 6, 7, 8, 9, 10, 6, 8)


def build_claims(
    group: Group, vehicles: list[Vehicle], files: FileStore, random: Random, now: datetime
) -> None:
    """Report and work the claims in the order of their reports, so that numbers and loads come out as in life."""
    branches = {branch.id: branch for branch in group.branches}
    operating = [vehicle for vehicle in vehicles if vehicle.state is not VehicleState.RETIRED]
    reports = sorted(_report_times(random, now))
    for index, reported_at in enumerate(reports):
        vehicle = random.choice(operating)
        walk = _report(group, vehicle, branches[vehicle.branch_id], reported_at, files, random, now)
        _work(walk, index, len(reports))
        db.session.flush()
        if index % 25 == 24:
            # What is done is not needed in memory again.
            db.session.flush()
            db.session.expire_all()


def _report_times(random: Random, now: datetime) -> list[datetime]:
    """Evenly over eighteen months by day, denser in rush hours, with two dozen in the last days and six today."""
    early = [now - DAY * random.uniform(12, 30.4 * MONTHS) for _ in range(CLAIMS - _LATE)]
    late = [now - DAY * random.uniform(1.2, 12) for _ in range(_LATE - _TODAY)]
    today = [now - MINUTE * minutes for minutes in (12, 26, 47, 95, 170, 260)]
    return [_day_time(at, random) for at in early] + late + today


def _day_time(at: datetime, random: Random) -> datetime:
    local = at.astimezone(CHINA)
    hour = random.choices(
        range(24), weights=[1, 1, 1, 1, 1, 2, 4, 8, 9, 7, 6, 6, 5, 5, 6, 6, 7, 9, 8, 5, 4, 3, 2, 1]
    )[0]
    return local.replace(hour=hour, minute=random.randrange(60), second=random.randrange(60))


def _report(
    group: Group,
    vehicle: Vehicle,
    branch: Branch,
    reported_at: datetime,
    files: FileStore,
    random: Random,
    now: datetime,
) -> Walk:
    story = random.choice(cast.STORIES)
    words, has_other, injured = story
    reporter = next((user for user in group.users.values() if user.branch_id == branch.id), None)
    is_by_phone = reporter is None
    actor = reporter or random.choice(_claims_staff(group))
    number = intake.report(
        intake.ReportCommand(
            account_id=group.account.id,
            plate=vehicle.plate or vehicle.vin or "",
            loss_at=reported_at - MINUTE * random.randint(4, 75),
            place=random.choice(cast.ROADS).format(district=branch.district, k=random.randint(18, 690)),
            description=words,
            injured_count=injured,
            other_party=_other_party(random) if has_other else "",
            reporter_name=reporter.name if reporter else person_name(random),
            callback_phone=reporter.phone if reporter else f"138 0371 {random.randint(1000, 9999)}",
            channel=ReportChannel.PHONE if is_by_phone else ReportChannel.PORTAL,
            # Whoever takes a call enters it in the insurer's system too, which numbers the reports by the second here.
            report_no=f"RDZA{reported_at:%Y}4101{int(reported_at.timestamp()):010d}" if is_by_phone else "",
            # Two accidents of one vehicle within a day are two accidents here.
            duplicate_answer=intake.NEW,
        ),
        photos=[],
        key="",
        actor=actor,
        now=reported_at,
        files=files,
    )
    claim = db.session.query(Claim).filter_by(number=number).one()
    handler = db.session.get_one(User, claim.owner_id)
    other = random.choice([user for user in _claims_staff(group) if user.id != handler.id])
    return Walk(
        number=number,
        handler=handler,
        other=other,
        at=reported_at,
        until=now,
        story=story,
        estimate_fen=_estimate(random, injured),
        fault=random.choice((Fault.FULL, Fault.FULL, Fault.MAIN, Fault.EQUAL)),
        random=random,
        files=files,
    )


def _claims_staff(group: Group) -> list[User]:
    return [user for user in group.users.values() if user.role is Role.CLAIMS]


def _other_party(random: Random) -> str:
    return f"豫A{random.choice('BCDEFGHJKLMN')}{random.randint(1000, 9999)} {random.choice(('小型轿车', '电动车', '面包车', '轻型货车'))}"


def _estimate(random: Random, injured: int) -> int:
    """Most claims are small, a few are large; injury costs more. Fen, whole tens of yuan."""
    yuan = random.lognormvariate(7.9, 0.8) + injured * random.uniform(2500, 14000)
    return max(30, int(min(yuan, 180_000) / 10)) * 1000


def _work(walk: Walk, index: int, total: int) -> None:
    """Take a claim as far as its age lets it come; a few leave the way at a side exit."""
    way: list[Callable[[Walk], bool]] = [steps.dispatch, steps.contact, steps.arrive, steps.survey]
    fate = _FATES.get(index % 60, "close")
    if index >= total - _LATE:
        # The latest wait at a step each, so that every list of the desk has its claim today.
        way += [steps.assess, steps.request, steps.complete, steps.calculate, steps.approve, steps.pay]
        way = way[: _STOPS[index % len(_STOPS)]] if index < total - _TODAY else way
    elif fate == "withdraw":
        way = [steps.dispatch, steps.contact, steps.withdraw]
    elif fate == "deny":
        way += [steps.deny, steps.follow_up]
    else:
        way += [
            steps.assess,
            steps.request,
            steps.complete,
            steps.calculate,
            steps.approve,
            steps.pay,
            steps.close,
            steps.follow_up,
        ]
        way += [steps.reopen, *steps.SECOND_ROUND] if fate == "reopen" else []
    for step in way:
        if not step(walk):
            return
