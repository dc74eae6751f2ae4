"""Looking endorsements up: the list of an account, its export, and all that an endorsement's page and print show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from service_desk.base.clock import end_of_day, start_of_day
from service_desk.base.errors import NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, search_key, squeeze
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import (
    Endorsement,
    EndorsementKind,
    Policy,
    PolicyState,
    RateTable,
)
from service_desk.models.premiums import PremiumRefund, Receivable
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import Term
from service_desk.rules.rating import RateLine
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access
from service_desk.services.policies import rates
from service_desk.services.policies.endorsing import InsuredFacts, insured_without


@dataclass(frozen=True)
class EndorsementFilter:
    """Which endorsements of an account are wanted; None means any. Days are those of writing, both included."""

    account_id: int
    branch_id: int | None = None
    kind: EndorsementKind | None = None
    line: PolicyLine | None = None
    from_on: date | None = None
    to_on: date | None = None
    text: str = ""


@dataclass(frozen=True)
class EndorsementRow:
    """An endorsement of a list, with its policy and the policy's branch."""

    endorsement: Endorsement
    policy: Policy
    branch: Branch


@dataclass(frozen=True)
class EndorsementView:
    """An endorsement with all its page and its print show. `insured` is what the policy states after it.

    `branches` are those that `before` and `after` name; `table` and `price` are the price table and the line in it
    that the policy stands by afterwards.
    """

    endorsement: Endorsement
    policy: Policy
    account: KeyAccount
    branch: Branch
    created_by: User
    insured: InsuredFacts
    branches: dict[int, Branch]
    table: RateTable | None
    price: RateLine | None
    receivables: Sequence[Receivable]
    refunds: Sequence[PremiumRefund]

    @property
    def term(self) -> Term:
        """The term agreed at issue."""
        return Term(self.policy.starts_at, self.policy.agreed_ends_at)


@dataclass(frozen=True)
class Difference:
    """Something that a vehicle's record states and a policy in force or to come does not. `name` is the field's."""

    policy: Policy
    name: str
    kind: EndorsementKind


def list_endorsements(wanted: EndorsementFilter, page: PageRequest, *, actor: User) -> Page[EndorsementRow]:
    """Endorsements of the policies the actor may see, the latest written first."""
    access.require(actor, Action.READ_POLICIES)
    statement = _endorsements(wanted, actor)
    total = db.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    rows = db.session.execute(statement.limit(page.size).offset(page.offset))
    return Page([EndorsementRow(*row) for row in rows], total, page.number, page.size)


def _endorsements(wanted: EndorsementFilter, actor: User) -> Select[Any]:
    statement = (
        select(Endorsement, Policy, Branch)
        .join(Policy, Policy.id == Endorsement.policy_id)
        .join(Branch, Branch.id == Policy.branch_id)
        .where(Endorsement.account_id == wanted.account_id, *_conditions(wanted))
        .order_by(Endorsement.created_at.desc(), Endorsement.id.desc())
    )
    return access.visible(actor, Action.READ_POLICIES, statement, Policy)


def _conditions(wanted: EndorsementFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.branch_id is not None:
        conditions.append(Policy.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.kind is not None:
        conditions.append(Endorsement.kind == wanted.kind)
    if wanted.line is not None:
        conditions.append(Policy.line == wanted.line)
    if wanted.from_on is not None:
        conditions.append(Endorsement.created_at >= start_of_day(wanted.from_on))
    if wanted.to_on is not None:
        conditions.append(Endorsement.created_at < end_of_day(wanted.to_on))
    if wanted.text.strip():
        number = like_pattern(squeeze(wanted.text).upper())
        key = like_pattern(search_key(wanted.text).upper())
        conditions.append(
            or_(
                Endorsement.number.like(number, escape="\\"),
                Policy.number.like(number, escape="\\"),
                Policy.plate.like(key, escape="\\"),
                Policy.vin.like(key, escape="\\"),
            )
        )
    return conditions


def get_endorsement(number: str, *, actor: User) -> EndorsementView:
    """One endorsement; NotFound when the actor may not see its policy."""
    access.require(actor, Action.READ_POLICIES)
    statement = (
        select(Endorsement, Policy)
        .join(Policy, Policy.id == Endorsement.policy_id)
        .where(Endorsement.number == number)
    )
    row = db.session.execute(access.visible(actor, Action.READ_POLICIES, statement, Policy)).first()
    if row is None:
        raise NotFound("not_found")
    endorsement, policy = row[0], row[1]
    insured = _insured_after(policy, endorsement)
    branches = _branches_named(endorsement) | {insured.branch_id}
    found = {one.id: one for one in db.session.scalars(select(Branch).where(Branch.id.in_(branches)))}
    return EndorsementView(
        endorsement,
        policy,
        db.session.get_one(KeyAccount, policy.account_id),
        found[insured.branch_id],
        db.session.get_one(User, endorsement.created_by_id),
        insured,
        found,
        *_price_of(insured.rate_line_id),
        db.session.scalars(select(Receivable).where(Receivable.endorsement_id == endorsement.id)).all(),
        db.session.scalars(
            select(PremiumRefund)
            .where(PremiumRefund.endorsement_id == endorsement.id)
            .order_by(PremiumRefund.id)
        ).all(),
    )


def _insured_after(policy: Policy, endorsement: Endorsement) -> InsuredFacts:
    statement = select(Endorsement).where(
        Endorsement.policy_id == policy.id, Endorsement.ordinal > endorsement.ordinal
    )
    return insured_without(policy, db.session.scalars(statement.order_by(Endorsement.ordinal)).all())


def _branches_named(endorsement: Endorsement) -> set[int]:
    return {
        values["branch_id"] for values in (endorsement.before, endorsement.after) if "branch_id" in values
    }


def _price_of(rate_line_id: int | None) -> tuple[RateTable | None, RateLine | None]:
    if rate_line_id is None:
        return None, None
    table = rates.table_of_line(rate_line_id)
    return table.table, next(line for line, id_ in table.ids.items() if id_ == rate_line_id)


def differences(vehicle: Vehicle, *, actor: User, now: datetime) -> list[Difference]:
    """What a vehicle's record states and its policies, in force or to come, do not: they need an endorsement."""
    statement = access.visible(
        actor,
        Action.READ_POLICIES,
        select(Policy).where(
            Policy.vehicle_id == vehicle.id,
            Policy.state == PolicyState.ISSUED,
            Policy.ends_at > now,
        ),
        Policy,
    )
    policies = db.session.scalars(statement.order_by(Policy.starts_at, Policy.id))
    return [one for policy in policies for one in _differs(policy, vehicle)]


def _differs(policy: Policy, vehicle: Vehicle) -> list[Difference]:
    use_class = vehicle.use_class.value if vehicle.use_class else None
    pairs = (
        ("plate", EndorsementKind.PLATE, policy.plate, vehicle.plate),
        ("vin", EndorsementKind.VIN, policy.vin, vehicle.vin),
        ("use_class", EndorsementKind.USE, policy.vehicle_facts.get("use_class"), use_class),
        ("branch_id", EndorsementKind.BRANCH, policy.branch_id, vehicle.branch_id),
    )
    return [
        Difference(policy, name, kind)
        for name, kind, stated, recorded in pairs
        # What the record does not say, no policy can be changed to.
        if recorded and stated != recorded
    ]
