"""The book of policies over a span: what each earned in it and how long it gave cover, in two statements for all.

What was recorded by an instant decides, so that a span that is over does not change: an endorsement counts from when it
was made, even when it takes effect on an earlier day, and the spans of a year add up to the year.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select

from service_desk.base.clock import add_years, local_date
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, Policy, PolicyState
from service_desk.rules.metrics import exposure
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.policies.endorsing.policy_file import CLOSING_KINDS, earned_fen

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Stand:
    """How far a book is read: what was recorded before `at`, and what was earned by 00:00 of `on`."""

    at: datetime
    on: date


@dataclass(frozen=True)
class BookLine:
    """A policy in a span. Branch and class are those it stated at the span's end.

    `from_on` to `to_on` (excluded) are its days of cover within the span; none when they are the same day.
    `written_fen`: premium as issued with all endorsements known. `annual_fen`: a year's premium as endorsed.
    """

    policy_id: int
    number: str
    vehicle_id: int
    branch_id: int
    use_class: UseClass | None
    line: PolicyLine
    cover_set: str
    plate: str
    vin: str
    starts_at: datetime
    ends_at: datetime
    is_ended_early: bool
    from_on: date
    to_on: date
    year_days: int
    earned_fen: int
    written_fen: int
    annual_fen: int


def read_book(account_id: int, since: Stand | None, until: Stand) -> list[BookLine]:
    """The policies with cover or a change of premium between two stands; None: since ever. Voided ones never were."""
    return _read(_in_span(account_id, since, until), since, until)


def read_lines(account_id: int, wanted: Sequence[ColumnElement[bool]], until: Stand) -> list[BookLine]:
    """Some policies of an account, with all they earned until a stand."""
    own = and_(Policy.account_id == account_id, Policy.state != PolicyState.VOIDED, *wanted)
    return _read(own, None, until)


def exposure_of(lines: Sequence[BookLine]) -> int:
    """The years vehicles were covered, in units of `rules.metrics.EXPOSURE_YEAR`.

    A vehicle's policies of several lines run side by side: a day counts once, as a day of the term that began first.
    """
    by_vehicle: dict[int, list[BookLine]] = defaultdict(list)
    for line in lines:
        if line.from_on < line.to_on:
            by_vehicle[line.vehicle_id].append(line)
    return sum(_exposure(own) for own in by_vehicle.values())


def _exposure(lines: list[BookLine]) -> int:
    total, covered_to = 0, date.min
    for line in sorted(lines, key=lambda one: (one.from_on, one.starts_at, one.policy_id)):
        begins = max(line.from_on, covered_to)
        if begins < line.to_on:
            total += exposure((line.to_on - begins).days, line.year_days)
            covered_to = line.to_on
    return total


def _in_span(account_id: int, since: Stand | None, until: Stand) -> ColumnElement[bool]:
    changed = [Endorsement.policy_id == Policy.id, Endorsement.created_at < until.at]
    runs = [Policy.starts_at < until.at]
    if since is not None:
        runs.append(Policy.agreed_ends_at > since.at)
        changed.append(or_(Endorsement.created_at >= since.at, Endorsement.effective_at >= since.at))
    # A policy cancelled before its start earns the fee it keeps.
    return and_(
        Policy.account_id == account_id,
        Policy.state != PolicyState.VOIDED,
        or_(and_(*runs), exists().where(*changed).correlate(Policy)),
    )


def _read(wanted: ColumnElement[bool], since: Stand | None, until: Stand) -> list[BookLine]:
    endorsed = _endorsements(wanted)
    rows = db.session.execute(
        select(
            Policy.id,
            Policy.number,
            Policy.vehicle_id,
            Policy.branch_id,
            Policy.line,
            Policy.cover_set,
            Policy.plate,
            Policy.vin,
            Policy.starts_at,
            Policy.agreed_ends_at,
            Policy.premium_fen,
            Policy.annual_fen,
            Policy.vehicle_facts,
        ).where(wanted)
    )
    return [_line(row, endorsed.get(row.id, []), since, until) for row in rows]


def _endorsements(wanted: ColumnElement[bool]) -> dict[int, list[Any]]:
    statement = (
        select(
            Endorsement.policy_id,
            Endorsement.kind,
            Endorsement.effective_at,
            Endorsement.created_at,
            Endorsement.premium_fen,
            Endorsement.before,
            Endorsement.after,
        )
        .join(Policy, Policy.id == Endorsement.policy_id)
        .where(wanted)
        .order_by(Endorsement.policy_id, Endorsement.ordinal)
    )
    found: dict[int, list[Any]] = defaultdict(list)
    for row in db.session.execute(statement):
        found[row.policy_id].append(row)
    return found


def _line(policy: Any, endorsements: list[Any], since: Stand | None, until: Stand) -> BookLine:
    known = [one for one in endorsements if one.created_at < until.at]
    earned = earned_fen(policy, known, until.on)
    if since is not None:
        earned -= earned_fen(policy, [one for one in known if one.created_at < since.at], since.on)
    ends_at = _end(policy, known)
    facts = _stated(policy, endorsements[len(known) :])
    first_day = local_date(policy.starts_at)
    from_on = first_day if since is None else max(first_day, since.on)
    return BookLine(
        policy_id=policy.id,
        number=policy.number,
        vehicle_id=policy.vehicle_id,
        branch_id=facts["branch_id"],
        use_class=_class_of(facts["vehicle_facts"]),
        line=policy.line,
        cover_set=facts["cover_set"],
        plate=facts["plate"] or "",
        vin=facts["vin"] or "",
        starts_at=policy.starts_at,
        ends_at=ends_at,
        is_ended_early=ends_at < policy.agreed_ends_at,
        from_on=from_on,
        to_on=max(from_on, min(_day_after(policy, ends_at), until.on)),
        year_days=(add_years(first_day, 1) - first_day).days,
        earned_fen=earned,
        written_fen=policy.premium_fen + sum(one.premium_fen for one in known),
        annual_fen=policy.premium_fen if facts["annual_fen"] is None else facts["annual_fen"],
    )


def _end(policy: Any, known: Sequence[Any]) -> datetime:
    """When cover ends by what was known: a cancellation that was made later has not cut it yet."""
    ending = [one.effective_at for one in known if one.kind in CLOSING_KINDS]
    cut: datetime = max(policy.starts_at, ending[0]) if ending else policy.agreed_ends_at
    return cut


def _day_after(policy: Any, ends_at: datetime) -> date:
    """The day after the last that counts: the day a policy is ended early on is earned no more."""
    if ends_at < policy.agreed_ends_at:
        return local_date(ends_at)
    return local_date(ends_at - _MOMENT) + timedelta(days=1)


_STATED = ("branch_id", "vehicle_facts", "cover_set", "plate", "vin", "annual_fen")


def _stated(policy: Any, later: Sequence[Any]) -> dict[str, Any]:
    """What the policy stated before endorsements that were made later."""
    facts = {name: getattr(policy, name) for name in _STATED}
    for one in reversed(later):
        facts |= {name: value for name, value in one.before.items() if name in facts}
    return facts


def _class_of(vehicle_facts: dict[str, Any]) -> UseClass | None:
    code = vehicle_facts.get("use_class")
    return UseClass(code) if code else None
