"""The book of policies over a span: what each earned in it and how long it gave cover, in two statements for all.

What was recorded by an instant decides, so that a span that is over does not change: an endorsement counts from when it
was made, even when it takes effect on an earlier day, and the spans of a year add up to the year.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, String, and_, exists, or_, select, type_coerce

from service_desk.base.clock import add_years, local_date
from service_desk.models.db import Json, db
from service_desk.models.kept import built_once
from service_desk.models.policies import Endorsement, Policy, PolicyState
from service_desk.rules import metrics
from service_desk.services.policies.endorsing.policy_file import CLOSING_KINDS, earned_fen

K = TypeVar("K", bound=Hashable)

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Stand:
    """How far a book is read: what was recorded before `at`, and what was earned by 00:00 of `on`."""

    at: datetime
    on: date


class BookLine(NamedTuple):
    """A policy in a span. Branch and class are those it stated at the span's end, the class empty where unknown.

    `from_on` to `to_on` (excluded) are its days of cover within the span; none when they are the same day.
    `begins_on` is the first day of its term, before the span or in it; `year_days` are those of the year from then.
    """

    policy_id: int
    vehicle_id: int
    branch_id: int
    use_class: str
    begins_on: date
    from_on: date
    to_on: date
    year_days: int
    earned_fen: int


def read_book(account_id: int, since: Stand | None, until: Stand) -> list[BookLine]:
    """The policies with cover or a change of premium between two stands; None: since ever. Voided ones never were."""
    asked = (account_id, since.at if since else None, until.at)
    endorsed = _by_policy(_endorsements_in_span(*asked).rows())
    terms, classes = _Terms(since, until), Classes()
    lines = []
    for row in _policies_in_span(*asked).rows():
        own = endorsed.get(row[0])
        lines.append(_endorsed_line(row, own, since, until) if own else _plain_line(row, terms, classes))
    return lines


def exposure_by(lines: Iterable[BookLine], key_of: Callable[[BookLine], K]) -> dict[K, int]:
    """The years vehicles were covered by group, in units of `rules.metrics.EXPOSURE_YEAR`.

    A vehicle's policies of several lines run side by side: a day counts once, as a day of the term that began first,
    and in that policy's group, so that groups add up to the whole.
    """
    by_vehicle: dict[int, list[BookLine]] = defaultdict(list)
    for line in lines:
        if line.from_on < line.to_on:
            by_vehicle[line.vehicle_id].append(line)
    found: dict[K, int] = defaultdict(int)
    for own in by_vehicle.values():
        covered_to = date.min
        for line in sorted(own, key=_begins):
            begins = max(line.from_on, covered_to)
            if begins < line.to_on:
                found[key_of(line)] += metrics.exposure((line.to_on - begins).days, line.year_days)
                covered_to = line.to_on
    return dict(found)


def _begins(line: BookLine) -> tuple[date, int]:
    # Not by what of the term lies in the span: a day must be the same policy's in a month and in its year.
    return line.begins_on, line.policy_id


@built_once
def _policies_in_span(account_id: int, since: datetime | None, until: datetime) -> Select[Any]:
    return select(
        Policy.id,
        Policy.vehicle_id,
        Policy.branch_id,
        Policy.starts_at,
        Policy.agreed_ends_at,
        Policy.premium_fen,
        # As text: few vehicles differ in it, so that most are never taken apart.
        type_coerce(Policy.vehicle_facts, String),
    ).where(_in_span(account_id, since, until))


@built_once
def _endorsements_in_span(account_id: int, since: datetime | None, until: datetime) -> Select[Any]:
    return _endorsements(_in_span(account_id, since, until))


def _in_span(account_id: int, since: datetime | None, until: datetime) -> ColumnElement[bool]:
    changed = [Endorsement.policy_id == Policy.id, Endorsement.created_at < until]
    runs = [Policy.starts_at < until]
    if since is not None:
        runs.append(Policy.agreed_ends_at > since)
        changed.append(or_(Endorsement.created_at >= since, Endorsement.effective_at >= since))
    # A policy cancelled before its start earns the fee it keeps.
    return and_(
        Policy.account_id == account_id,
        Policy.state != PolicyState.VOIDED,
        or_(and_(*runs), exists().where(*changed).correlate(Policy)),
    )


def endorsements_of(wanted: ColumnElement[bool]) -> dict[int, list[Any]]:
    """The endorsements of some policies by policy, the first first: what of them changes premium and what is stated."""
    return _by_policy(db.session.execute(_endorsements(wanted)))


def _endorsements(wanted: ColumnElement[bool]) -> Select[Any]:
    return (
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


def _by_policy(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.policy_id].append(row)
    return dict(found)


class _Days(NamedTuple):
    """The days of a term: all of them, those before the span, those by its end; and its cover within the span."""

    term: int
    before: int
    elapsed: int
    begins_on: date
    from_on: date
    to_on: date
    year_days: int


class _Terms:
    """Days of terms, worked out once for all policies that share one: a fleet's begin together."""

    def __init__(self, since: Stand | None, until: Stand) -> None:
        self._since, self._until = since, until
        self._known: dict[tuple[datetime, datetime], _Days] = {}

    def of(self, starts_at: datetime, ends_at: datetime) -> _Days:
        key = (starts_at, ends_at)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _days(starts_at, day_after(ends_at), self._since, self._until)
        return found


def _days(starts_at: datetime, ends_on: date, since: Stand | None, until: Stand) -> _Days:
    first_day = local_date(starts_at)
    from_on = first_day if since is None else max(first_day, since.on)
    to_on = min(ends_on, until.on)
    return _Days(
        term=(ends_on - first_day).days,
        before=(min(from_on, ends_on) - first_day).days,
        elapsed=max((to_on - first_day).days, 0),
        begins_on=first_day,
        from_on=from_on,
        to_on=max(from_on, to_on),
        year_days=(add_years(first_day, 1) - first_day).days,
    )


def day_after(ends_at: datetime) -> date:
    """The day after the last covered one."""
    return local_date(ends_at - _MOMENT) + timedelta(days=1)


class Classes:
    """Classes by the text of a vehicle's facts, each read once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, facts: str) -> str:
        if facts not in self._known:
            self._known[facts] = class_of(Json().process_result_value(facts, db.engine.dialect))
        return self._known[facts]


def class_of(vehicle_facts: dict[str, Any]) -> str:
    """The use class in the facts a policy keeps, empty where it is unknown."""
    return vehicle_facts.get("use_class") or ""


def _plain_line(row: Any, terms: _Terms, classes: Classes) -> BookLine:
    """Of a policy that nobody endorsed: all that `earned_fen` would say of it, without its ceremony."""
    policy_id, vehicle_id, branch_id, starts_at, ends_at, premium_fen, facts = row
    days = terms.of(starts_at, ends_at)
    earned = metrics.earned_fen(premium_fen, days.elapsed, days.term)
    if days.before:
        earned -= metrics.earned_fen(premium_fen, days.before, days.term)
    return BookLine(
        policy_id,
        vehicle_id,
        branch_id,
        classes.of(facts),
        days.begins_on,
        days.from_on,
        days.to_on,
        days.year_days,
        earned,
    )


def _endorsed_line(row: Any, endorsements: list[Any], since: Stand | None, until: Stand) -> BookLine:
    known = known_by(endorsements, until.at)
    earned = earned_fen(row, known, until.on)
    if since is not None:
        earned -= earned_fen(row, known_by(known, since.at), since.on)
    days = _days(row.starts_at, covered_until(row, known), since, until)
    facts: dict[str, Any] = {"branch_id": row.branch_id, "vehicle_facts": None}
    facts |= stated_before(endorsements[len(known) :], facts)
    use_class = (
        Classes().of(row.vehicle_facts)
        if facts["vehicle_facts"] is None
        else class_of(facts["vehicle_facts"])
    )
    return BookLine(
        row.id,
        row.vehicle_id,
        facts["branch_id"],
        use_class,
        days.begins_on,
        days.from_on,
        days.to_on,
        days.year_days,
        earned,
    )


def known_by(endorsements: Sequence[Any], at: datetime) -> list[Any]:
    """Those that had been made by an instant; they are made in their order."""
    return [one for one in endorsements if one.created_at < at]


def covered_until(policy: Any, known: Sequence[Any]) -> date:
    """The day after the last of cover, by what was known: a cancellation that was made later has not cut it yet.

    The day a policy is ended early on is earned no more and counts as not covered.
    """
    ending = [one.effective_at for one in known if one.kind in CLOSING_KINDS]
    if not ending:
        return day_after(policy.agreed_ends_at)
    return local_date(max(policy.starts_at, ending[0]))


def stated_before(later: Sequence[Any], names: Iterable[str]) -> dict[str, Any]:
    """What a policy stated under some names before endorsements that were made later; only what they changed."""
    wanted = set(names)
    facts: dict[str, Any] = {}
    for one in reversed(later):
        facts |= {name: value for name, value in one.before.items() if name in wanted}
    return facts
