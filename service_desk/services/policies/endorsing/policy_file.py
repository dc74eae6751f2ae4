"""A policy as endorsements see it: with its covers, its endorsements, its price table and the premium of its parts."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.money import from_fen, to_fen
from service_desk.models.db import db
from service_desk.models.policies import Coverage, Endorsement, EndorsementKind, Policy
from service_desk.rules.policy_flow import Term
from service_desk.rules.rating import VehicleFacts
from service_desk.rules.settlement import PremiumPart
from service_desk.rules.settlement import endorsement as rules
from service_desk.rules.settlement.endorsement import Closing, PremiumChange, Year
from service_desk.rules.vocabulary import UseClass
from service_desk.services.policies.coverage import Limit, limit_of

CLOSING_KINDS = frozenset({EndorsementKind.CANCELLATION, EndorsementKind.REPLACEMENT})
"""The kinds that end a policy before its agreed end."""


@dataclass(frozen=True)
class InsuredFacts:
    """What a policy states of its vehicle and covers at an instant."""

    plate: str | None
    vin: str | None
    vehicle_facts: dict[str, Any]
    branch_id: int
    cover_set: str
    rate_line_id: int | None


@dataclass(frozen=True)
class PolicyFile:
    """A policy with its endorsements, the first first, and the rows of covers that stand after the last."""

    policy: Policy
    endorsements: Sequence[Endorsement]
    coverages: Sequence[Coverage]

    @property
    def term(self) -> Term:
        """The term agreed at issue: what the premium is for."""
        return Term(self.policy.starts_at, self.policy.agreed_ends_at)

    @property
    def limits(self) -> tuple[Limit, ...]:
        return tuple(limit_of(row) for row in self.coverages)

    @property
    def last(self) -> Endorsement | None:
        return self.endorsements[-1] if self.endorsements else None

    @property
    def annual_fen(self) -> int:
        """The premium of a whole year as the policy stands."""
        return self.policy.premium_fen if self.policy.annual_fen is None else self.policy.annual_fen

    @property
    def facts(self) -> VehicleFacts:
        """What rating needs to know of the vehicle as insured."""
        return facts_of(self.policy.vehicle_facts)

    def year(self, effective_at: datetime) -> Year:
        """The days that remain of the year the policy is priced for."""
        return Year(rules.remaining_days(effective_at, self.term), self.policy.year_days or self.term.days)


def facts_of(vehicle_facts: dict[str, Any]) -> VehicleFacts:
    """What rating needs to know, from the facts a policy keeps."""
    use_class = vehicle_facts.get("use_class")
    return VehicleFacts(
        UseClass(use_class) if use_class else None, vehicle_facts.get("seats"), vehicle_facts.get("load_kg")
    )


def open_file(policy: Policy) -> PolicyFile:
    """Read what belongs to a policy that was found visible."""
    endorsements = db.session.scalars(
        select(Endorsement).where(Endorsement.policy_id == policy.id).order_by(Endorsement.ordinal)
    ).all()
    coverages = db.session.scalars(
        select(Coverage)
        .where(Coverage.policy_id == policy.id, Coverage.to_at.is_(None))
        .order_by(Coverage.id)
    ).all()
    return PolicyFile(policy, endorsements, coverages)


def parts_of(policy: Policy, endorsements: Sequence[Endorsement]) -> list[PremiumPart]:
    """The premium of a policy by the days it is for; what a cancellation gave back is no part."""
    term = Term(policy.starts_at, policy.agreed_ends_at)
    ends_on = rules.end_exclusive(term)
    parts = [PremiumPart(from_fen(policy.premium_fen), term.first_day, ends_on)]
    for one in endorsements:
        if one.kind not in CLOSING_KINDS:
            change = PremiumChange(
                from_fen(one.premium_fen), earned_at_once=from_fen(one.after.get("kept_fen", 0))
            )
            parts += rules.parts_of_change(change, local_date(one.effective_at), ends_on)
    return parts


def earned_fen(policy: Policy, endorsements: Sequence[Endorsement], on: date) -> int:
    """What a policy has earned by 00:00 of a day, its endorsements with it."""
    ending = [one for one in endorsements if one.kind in CLOSING_KINDS]
    closing = (
        Closing(local_date(ending[0].effective_at), -from_fen(ending[0].premium_fen)) if ending else None
    )
    return to_fen(rules.earned(parts_of(policy, endorsements), on, closing))


def insured_at(policy: Policy, endorsements: Sequence[Endorsement], at: datetime | None) -> InsuredFacts:
    """What the policy stated at an instant: the later endorsements undone. None: after all."""
    later = [one for one in endorsements if at is not None and one.effective_at > at]
    return insured_without(policy, later)


def insured_without(policy: Policy, later: Sequence[Endorsement]) -> InsuredFacts:
    """What the policy stated before its last endorsements, given in their order."""
    values: dict[str, Any] = {one.name: getattr(policy, one.name) for one in fields(InsuredFacts)}
    for one in reversed(later):
        values |= {name: value for name, value in one.before.items() if name in values}
    return InsuredFacts(**values)


def premium_fen(policy: Policy, endorsements: Sequence[Endorsement], at: datetime | None) -> int:
    """The premium of a policy with the endorsements that have taken effect by an instant. None: with all."""
    return policy.premium_fen + sum(
        one.premium_fen for one in endorsements if at is None or one.effective_at <= at
    )
