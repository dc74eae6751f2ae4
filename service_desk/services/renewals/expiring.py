"""The policies that end in the days after an instant, by what was known then: what a forecast of renewals is made of."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, select

from service_desk.base.clock import CHINA
from service_desk.models.db import db
from service_desk.models.policies import Policy, PolicyState
from service_desk.rules.periods import Period
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies.book import Stand, class_of, endorsements_of, known_by, stated_before
from service_desk.services.policies.endorsing import CLOSING_KINDS, earned_fen
from service_desk.services.renewals.success import is_followed_as_agreed


@dataclass(frozen=True)
class ExpiringPolicy:
    """A policy that runs to its agreed end, as it stood. `premium_fen` is a year's premium as endorsed.

    `is_renewed`: another of ours follows it already. `earned_fen` is of its whole term so far.
    """

    policy_id: int
    number: str
    vehicle_id: int
    branch_id: int
    use_class: str
    line: PolicyLine
    cover_set: str
    plate: str
    vin: str
    starts_at: datetime
    ends_at: datetime
    premium_fen: int
    earned_fen: int
    is_renewed: bool

    @property
    def last_day(self) -> date:
        return last_covered_day(self.ends_at)


def list_expiring(account_id: int, days: Period, stand: Stand) -> list[ExpiringPolicy]:
    """Those whose last covered day lies in some days, the first to end first; without those known to end early."""
    first, until = days.instants(CHINA)
    wanted = and_(
        Policy.account_id == account_id,
        Policy.state != PolicyState.VOIDED,
        Policy.issued_at < stand.at,
        # The last covered day lies in the days: an end at their first midnight is the day before.
        Policy.agreed_ends_at > first,
        Policy.agreed_ends_at <= until,
    )
    endorsed = endorsements_of(wanted)
    statement = select(
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
        is_followed_as_agreed(stand.at).label("is_renewed"),
    ).where(wanted)
    found = [_expiring(row, endorsed.get(row.id, []), stand) for row in db.session.execute(statement)]
    return sorted((one for one in found if one), key=lambda one: (one.ends_at, one.plate, one.policy_id))


_STATED = ("branch_id", "vehicle_facts", "cover_set", "plate", "vin", "annual_fen")


def _expiring(row: Any, endorsements: list[Any], stand: Stand) -> ExpiringPolicy | None:
    known = known_by(endorsements, stand.at)
    if any(one.kind in CLOSING_KINDS for one in known):
        return None
    facts = {name: getattr(row, name) for name in _STATED}
    facts |= stated_before(endorsements[len(known) :], _STATED)
    return ExpiringPolicy(
        policy_id=row.id,
        number=row.number,
        vehicle_id=row.vehicle_id,
        branch_id=facts["branch_id"],
        use_class=class_of(facts["vehicle_facts"]),
        line=row.line,
        cover_set=facts["cover_set"],
        plate=facts["plate"] or "",
        vin=facts["vin"] or "",
        starts_at=row.starts_at,
        ends_at=row.agreed_ends_at,
        premium_fen=row.premium_fen if facts["annual_fen"] is None else facts["annual_fen"],
        earned_fen=earned_fen(row, known, stand.on),
        is_renewed=bool(row.is_renewed),
    )
