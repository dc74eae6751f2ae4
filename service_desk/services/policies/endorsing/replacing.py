"""Another vehicle in a policy's place: a new policy to the same end, at the premium of the days that remain."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.base.money import from_fen, to_fen
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import Coverage, Policy, PolicyState
from service_desk.models.premiums import Receivable
from service_desk.models.users import User
from service_desk.rules import coverage as cover_rules
from service_desk.rules import premium as premium_rules
from service_desk.rules import rating
from service_desk.rules.coverage import IssueFacts, Span
from service_desk.rules.identifiers import normalise_plate
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import Term
from service_desk.rules.rating import CtplFloat, Premium
from service_desk.rules.settlement import endorsement as rules
from service_desk.rules.settlement.endorsement import PremiumChange, Year
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, audit, numbers
from service_desk.services.fleet import requirements
from service_desk.services.policies import chase, coverage, rates
from service_desk.services.policies.coverage import Limit
from service_desk.services.policies.endorsing.commands import EndorsementCommand
from service_desk.services.policies.endorsing.policy_file import PolicyFile
from service_desk.services.policies.endorsing.pricing import limits_of
from service_desk.services.policies.quoting import facts_of
from service_desk.services.policies.rates import PriceTable
from service_desk.services.policies.writing import NUMBER_PREFIXES, vehicle_facts


@dataclass(frozen=True)
class Replacement:
    """The policy that goes on for the new vehicle. `year` tells what its premium is a share of."""

    vehicle: Vehicle
    branch: Branch
    cover_set: str
    term: Term
    year: Year
    premium: Premium
    change: PremiumChange
    rate_line_id: int
    table: PriceTable
    limits: tuple[Limit, ...]
    ctpl_float: CtplFloat | None
    tax_fen: int

    @property
    def premium_fen(self) -> int:
        return to_fen(self.change.amount)


def plan_replacement(
    file: PolicyFile, command: EndorsementCommand, at: datetime, *, actor: User
) -> Replacement:
    """Judge the vehicle that takes a policy's place. It is priced by the table the old policy was issued by.

    Invalid: `replacement_unknown`, `replacement_same`, `replacement_not_operating`, `tax_only_with_ctpl`, and those of
    issue (`overlaps_cover_in_force`, `vin_missing`, `no_rate`, …) on the field `vehicle`.
    """
    policy = file.policy
    vehicle = _vehicle(policy, command.vehicle, actor)
    term = Term(at, policy.agreed_ends_at)
    _require_insurable(vehicle, policy.line, term)
    if command.tax_fen and policy.line is not PolicyLine.CTPL:
        raise Invalid("tax_only_with_ctpl", field="tax")
    if command.tax_fen < 0:
        raise Invalid("amount_invalid", field="tax")
    table = _table(file, at)
    ctpl_float = command.ctpl_float if policy.line is PolicyLine.CTPL else None
    try:
        premium = rating.premium_for(
            table.lines,
            facts_of(vehicle),
            line=policy.line,
            cover_set=policy.cover_set,
            ctpl_float=command.ctpl_float,
        )
    except Invalid as refusal:
        raise Invalid(refusal.code, field="vehicle", **refusal.params) from None
    year = file.year(at)
    return Replacement(
        vehicle,
        db.session.get_one(Branch, vehicle.branch_id),
        policy.cover_set,
        term,
        year,
        premium,
        rules.pro_rata_premium(from_fen(premium.total_fen), year),
        table.ids[premium.rate],
        table,
        limits_of(premium.rate.limits, vehicle.seats),
        ctpl_float,
        command.tax_fen,
    )


def _vehicle(policy: Policy, typed: str, actor: User) -> Vehicle:
    key = normalise_plate(typed)
    statement = select(Vehicle).where(
        Vehicle.account_id == policy.account_id, or_(Vehicle.plate == key, Vehicle.vin == key)
    )
    # Whoever issues for it meanwhile waits here, and then finds it covered.
    vehicle: Vehicle | None = db.session.scalar(
        access.visible(actor, Action.ISSUE_POLICIES, statement, Vehicle)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if vehicle is None:
        raise Invalid("replacement_unknown", field="vehicle", value=typed)
    if vehicle.id == policy.vehicle_id:
        raise Invalid("replacement_same", field="vehicle")
    return vehicle


def _require_insurable(vehicle: Vehicle, line: PolicyLine, term: Term) -> None:
    if vehicle.state is not VehicleState.OPERATING:
        # One that the group approved and nobody insured yet is issued for, so that its approval is not passed by.
        raise Invalid("replacement_not_operating", field="vehicle")
    if vehicle.use_class is not None:
        needs = requirements.in_force(vehicle.account_id, local_date(term.starts_at))
        if line not in needs.lines_sold(vehicle.use_class):
            raise Invalid("line_not_for_class", field="vehicle", use_class=vehicle.use_class.value)
    periods = coverage.periods_of([vehicle.id], since=term.starts_at).get(vehicle.id, [])
    facts = IssueFacts(vehicle.vin, vehicle.use_class, vehicle.state.value)
    refusals = cover_rules.refusals_for_issue(facts, line, Span(term.starts_at, term.ends_at), periods)
    if refusals:
        raise Invalid(refusals[0].code, field="vehicle", **refusals[0].params)


def _table(file: PolicyFile, at: datetime) -> PriceTable:
    policy = file.policy
    if policy.rate_line_id is not None:
        return rates.table_of_line(policy.rate_line_id)
    table = rates.in_force(policy.account_id, local_date(at)).get(policy.line)
    if table is None:
        raise Invalid("no_price_table", field="vehicle", line=policy.line.value)
    return table


def write_replacement(plan: Replacement, old: Policy, *, actor: User, now: datetime) -> Policy:
    """Write the new policy with its covers and its receivable; it names the old one."""
    account = db.session.get_one(KeyAccount, old.account_id)
    year = local_date(now).year
    prefix = NUMBER_PREFIXES[old.line]
    policy = Policy(
        number=f"{prefix}{year}-{numbers.take(f'{prefix}{year}')[0]:06d}",
        account_id=old.account_id,
        branch_id=plan.branch.id,
        issued_branch_id=plan.branch.id,
        vehicle_id=plan.vehicle.id,
        line=old.line,
        cover_set=plan.cover_set,
        state=PolicyState.ISSUED,
        starts_at=plan.term.starts_at,
        ends_at=plan.term.ends_at,
        agreed_ends_at=plan.term.ends_at,
        premium_fen=plan.premium_fen,
        annual_fen=plan.premium.total_fen,
        year_days=plan.year.days,
        replaces_id=old.id,
        tax_fen=plan.tax_fen,
        ctpl_float=plan.ctpl_float.value if plan.ctpl_float else None,
        rate_line_id=plan.rate_line_id,
        insured_name=f"{account.name}{plan.branch.name}"[:200],
        plate=plan.vehicle.plate,
        vin=plan.vehicle.vin,
        vehicle_facts=vehicle_facts(plan.vehicle),
        issued_by_id=actor.id,
        issued_at=now,
    )
    db.session.add(policy)
    db.session.flush()
    db.session.add_all(Coverage(policy_id=policy.id, **values) for values in _coverages(plan.limits))
    db.session.add(
        Receivable(
            account_id=policy.account_id,
            branch_id=policy.branch_id,
            policy_id=policy.id,
            amount_fen=policy.premium_fen + policy.tax_fen,
            due_on=premium_rules.due_on(plan.term.first_day, local_date(now)),
            created_at=now,
        )
    )
    audit.record(
        "policies_issued", policy, actor=actor, now=now, changes={"premium_fen": (None, policy.premium_fen)}
    )
    chase.settle({policy.vehicle_id}, actor=actor, now=now)
    return policy


def _coverages(limits: tuple[Limit, ...]) -> list[dict[str, Any]]:
    return [vars(limit) for limit in limits]
