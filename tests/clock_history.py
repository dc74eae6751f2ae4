"""Months of clocks made by the services themselves, at random but always the same: what audits are counted over."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from service_desk.jobs import sla_sweep
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import BreachReview, Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import PAUSE_RULES, PauseReason
from service_desk.rules.vocabulary import Severity
from service_desk.services import sla
from service_desk.services.notices import Matter
from tests.breach_cases import paper
from tests.factories import BranchFactory
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_STEPS = (
    (ClockStep.SURVEY, 2 * HOUR),
    (ClockStep.ASSESSMENT, 6 * DAY),
    (ClockStep.CALCULATION, 5 * DAY),
    (ClockStep.LIABILITY_DECISION, 45 * DAY),
    (ClockStep.FIRST_REPLY, HOUR),
)


@dataclass(frozen=True)
class History:
    """What was made: the branches below Gongyi, and everything else in the tables."""

    station: Branch
    garage: Branch


def make_history(world: World, now: datetime, *, clocks: int, days: int = 130, seed: int = 3) -> History:
    """Clocks of the last days up to `now`: kept, broken, paused, handed over, cancelled, still open; swept at the end."""
    sla.install_defaults(now)
    station = BranchFactory(account=world.account, parent=world.gongyi, name="巩义一站")
    garage = BranchFactory(account=world.account, parent=station, name="巩义一站修理厂")
    chance = Random(seed)
    places = [world.gongyi.id, station.id, garage.id, world.zhongmu.id, None]
    for number in range(1, clocks + 1):
        step, longest = chance.choice(_STEPS)
        started_at = now - timedelta(seconds=chance.randrange(60, days * 86400))
        is_recent = chance.random() < 0.2
        if is_recent:
            started_at = now - timedelta(seconds=chance.randrange(60, int(longest.total_seconds())))
        branch_id = chance.choice(places)
        matter = Matter("claim", number, f"CLM-2026-{number:06d}", world.account.id, branch_id)
        _run(world, matter, step, longest, started_at, now, chance)
    db.session.commit()
    sla_sweep.run(now)
    _review_some(world, now, chance)
    db.session.commit()
    return History(station, garage)


def _run(
    world: World,
    matter: Matter,
    step: ClockStep,
    longest: timedelta,
    at: datetime,
    now: datetime,
    chance: Random,
) -> None:
    """One clock, some of whose events lie after `now` and so never happen."""
    holder: User = chance.choice([world.claims1, world.claims2])
    timer = sla.start(
        matter,
        step,
        holder_id=holder.id,
        at=at,
        actor=holder,
        now=at,
        severity=chance.choice([None, *Severity]),
        is_urban=chance.choice([None, True, False]),
        amount_fen=chance.choice([None, 1_000_00, 50_000_00]),
    )
    assert timer is not None
    moments = sorted(at + longest * chance.random() for _ in range(4))
    if chance.random() < 0.4 and moments[1] <= now:
        reason = chance.choice([PauseReason.FORCE_MAJEURE, PauseReason.WAITING_FOR_CLIENT_DOCUMENTS])
        sla.pause(timer.id, reason, "等待", paper(matter, at), actor=holder, now=moments[0])
        runs_out = moments[1] - moments[0] >= timedelta(days=PAUSE_RULES[reason].max_days)
        if chance.random() < 0.9 and not runs_out:
            sla.resume(timer.id, actor=holder, now=moments[1])
    if chance.random() < 0.3 and moments[2] <= now:
        other = world.claims2 if holder is world.claims1 else world.claims1
        sla.hand_over(matter, to_id=other.id, at=moments[2], actor=holder, now=moments[2])
    fate = chance.random()
    if fate < 0.08 and moments[3] <= now:
        sla.cancel(matter, at=moments[3], actor=holder, now=moments[3])
    elif fate < 0.9 and moments[3] <= now:
        sla.stop(matter, (step,), at=moments[3], actor=holder, now=moments[3])


def _review_some(world: World, now: datetime, chance: Random) -> None:
    broken = db.session.query(Timer).filter(
        Timer.breached_at.is_not(None), Timer.step != ClockStep.BREACH_REVIEW
    )
    for timer in broken.order_by(Timer.id):
        if chance.random() < 0.6:
            db.session.add(
                BreachReview(
                    timer_id=timer.id,
                    cause="workload",
                    explanation="人手不足",
                    responsible_id=timer.holder_id,
                    correction="增派人手",
                    correction_due_on=date(2026, 12, 31),
                    signed_by_id=world.manager.id,
                    signed_at=now,
                )
            )
