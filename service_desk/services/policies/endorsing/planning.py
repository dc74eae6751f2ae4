"""What an endorsement would do: what changes, from when, at what premium, and whom it touches. Nothing is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.money import from_fen, to_fen
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, ClaimCover
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import EndorsementKind, Policy, PolicyState
from service_desk.models.users import User
from service_desk.rules import policy_flow
from service_desk.rules.claim_flow import OPEN_STATES, ClaimState
from service_desk.rules.identifiers import is_plate, is_vin, normalise_plate, normalise_vin
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import PolicyAction, Term
from service_desk.rules.settlement import WorkingLine, cancellation
from service_desk.rules.settlement import endorsement as rules
from service_desk.rules.settlement.cancellation import CancelReason
from service_desk.rules.settlement.endorsement import PremiumChange
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services import access
from service_desk.services.policies import coverage
from service_desk.services.policies.coverage import Limit
from service_desk.services.policies.endorsing import pricing
from service_desk.services.policies.endorsing.commands import EndorsementCommand
from service_desk.services.policies.endorsing.money import LedgerChange
from service_desk.services.policies.endorsing.policy_file import (
    CLOSING_KINDS,
    PolicyFile,
    facts_of,
    open_file,
    parts_of,
)
from service_desk.services.policies.endorsing.pricing import Rated
from service_desk.services.policies.endorsing.replacing import Replacement, plan_replacement
from service_desk.services.policies.layers import layers_of

RECORD_KINDS = frozenset(
    {EndorsementKind.PLATE, EndorsementKind.VIN, EndorsementKind.USE, EndorsementKind.BRANCH}
)
"""The kinds that state something the vehicle's own record states too."""

_COVER_KINDS = frozenset(
    {EndorsementKind.SUM_INSURED, EndorsementKind.ADD_COVER, EndorsementKind.REMOVE_COVER}
)
_GIVING_COVER = frozenset(
    {EndorsementKind.SUM_INSURED, EndorsementKind.ADD_COVER, EndorsementKind.REPLACEMENT}
)
# They would take cover away, or give some, for an accident that has happened.
_NOT_BEFORE_A_LOSS = CLOSING_KINDS | _COVER_KINDS | {EndorsementKind.USE, EndorsementKind.TOTAL_LOSS}


@dataclass(frozen=True)
class Outcome:
    """What one kind of endorsement changes. `covers` None: these stay."""

    before: dict[str, Any]
    after: dict[str, Any]
    change: PremiumChange = field(default_factory=lambda: PremiumChange(from_fen(0)))
    covers: tuple[Limit, ...] | None = None
    rated: Rated | None = None
    replacement: Replacement | None = None


@dataclass(frozen=True)
class EndorsementPlan:
    """An endorsement as it would be written.

    `claims` are open losses on the policy. `leaves_uncovered`: the policy ends, and no other cover of its line
    goes on for the vehicle.
    """

    file: PolicyFile
    kind: EndorsementKind
    effective_at: datetime
    reason: str
    outcome: Outcome
    ledger: LedgerChange
    claims: Sequence[Claim]
    leaves_uncovered: bool

    @property
    def policy(self) -> Policy:
        return self.file.policy

    @property
    def premium_fen(self) -> int:
        return to_fen(self.outcome.change.amount)

    @property
    def working(self) -> tuple[WorkingLine, ...]:
        return self.outcome.change.working


def kinds_for(file: PolicyFile, *, now: datetime) -> list[EndorsementKind]:
    """The kinds of endorsement that are possible with a policy now, in their usual order."""
    if not _may_be_changed(file.policy, now):
        return []
    present = {one.code for one in file.limits}
    possible = {
        EndorsementKind.SUM_INSURED: file.policy.line is not PolicyLine.CTPL,
        EndorsementKind.ADD_COVER: bool(set(pricing.LINE_COVERS[file.policy.line]) - present),
        EndorsementKind.REMOVE_COVER: len(present) > 1,
        EndorsementKind.TOTAL_LOSS: CoverCode.OWN_DAMAGE in present and len(present) > 1,
    }
    return [kind for kind in EndorsementKind if possible.get(kind, True)]


def _may_be_changed(policy: Policy, now: datetime) -> bool:
    standing = policy_flow.state_at(
        policy_flow.PolicyState(policy.state.value), Term(policy.starts_at, policy.ends_at), now
    )
    actions = policy_flow.actions_in(standing)
    return policy.state is PolicyState.ISSUED and PolicyAction.ENDORSE in actions


def plan_for(
    policy: Policy,
    command: EndorsementCommand,
    ledger_of: Callable[[Policy, int, datetime], LedgerChange],
    *,
    actor: User,
    now: datetime,
) -> EndorsementPlan:
    """Judge an endorsement of a policy the actor may change; see `endorse` for the refusals."""
    file = open_file(policy)
    if command.kind not in kinds_for(file, now=now):
        raise Conflict("policy_action_not_possible")
    reason = squeeze(command.reason)
    if not reason:
        raise Invalid("reason_missing", field="reason")
    effective_at = rules.effective_instant(
        command.effective_on, file.term, file.last.effective_at if file.last else None, now=now
    )
    effective_at = _from_now_on(command.kind, effective_at, now)
    claims = _claims_on(policy)
    _require_no_later_loss(command.kind, effective_at, claims)
    outcome = _OUTCOMES[command.kind](file, command, effective_at, actor)
    premium_fen = to_fen(outcome.change.amount)
    return EndorsementPlan(
        file,
        command.kind,
        effective_at,
        reason[:200],
        outcome,
        ledger_of(policy, premium_fen, effective_at),
        [claim for claim in claims if claim.state in OPEN_STATES],
        command.kind in CLOSING_KINDS and not _is_covered_by_another(policy, effective_at),
    )


def _is_covered_by_another(policy: Policy, at: datetime) -> bool:
    periods = coverage.periods_of([policy.vehicle_id], since=at).get(policy.vehicle_id, [])
    return any(one.line is policy.line and one.source != policy.number and one.holds(at) for one in periods)


def _claims_on(policy: Policy) -> Sequence[Claim]:
    held = select(ClaimCover.claim_id).where(ClaimCover.policy_id == policy.id)
    statement = select(Claim).where(Claim.id.in_(held), Claim.state != ClaimState.WITHDRAWN)
    return db.session.scalars(statement.order_by(Claim.loss_at, Claim.id)).all()


def _from_now_on(kind: EndorsementKind, effective_at: datetime, now: datetime) -> datetime:
    """Give nobody cover for time that has passed: an earlier day is refused, today means at once."""
    if kind not in _GIVING_COVER or effective_at >= now:
        return effective_at
    if local_date(effective_at) < local_date(now):
        raise Invalid("cover_not_for_the_past", field="effective_on", today=local_date(now).isoformat())
    return now


def _require_no_later_loss(kind: EndorsementKind, effective_at: datetime, claims: Sequence[Claim]) -> None:
    if kind not in _NOT_BEFORE_A_LOSS:
        return
    later = [claim for claim in claims if claim.loss_at >= effective_at]
    if later:
        raise Invalid(
            "effective_before_loss", field="effective_on", number=later[-1].number, loss=later[-1].loss_at
        )


def _changed(file: PolicyFile, **values: Any) -> Outcome:
    """The outcome of stating something else; Invalid `endorsement_changes_nothing`."""
    before = {name: getattr(file.policy, name) for name in values}
    if before == values:
        raise Invalid("endorsement_changes_nothing")
    return Outcome(before, values)


def _plate(file: PolicyFile, command: EndorsementCommand, _at: datetime, _actor: User) -> Outcome:
    plate = normalise_plate(command.plate)
    if not is_plate(plate):
        raise Invalid("plate_invalid", field="plate", value=command.plate)
    _require_own(file.policy, "plate", plate)
    return _changed(file, plate=plate)


def _vin(file: PolicyFile, command: EndorsementCommand, _at: datetime, _actor: User) -> Outcome:
    vin = normalise_vin(command.vin)
    if not is_vin(vin):
        raise Invalid("vin_invalid", field="vin", value=command.vin)
    _require_own(file.policy, "vin", vin)
    return _changed(file, vin=vin)


def _require_own(policy: Policy, name: str, value: str) -> None:
    """A plate or VIN of another vehicle is no correction: that is a replacement."""
    column = getattr(Vehicle, name)
    holder = db.session.scalar(
        select(Vehicle).where(
            Vehicle.account_id == policy.account_id, column == value, Vehicle.id != policy.vehicle_id
        )
    )
    if holder is not None:
        other = holder.vin if name == "plate" else holder.plate
        raise Invalid(f"{name}_taken", field=name, value=value, holder=other)


def _use(file: PolicyFile, command: EndorsementCommand, at: datetime, _actor: User) -> Outcome:
    if command.use_class is None:
        raise Invalid("no_use_class", field="use_class")
    facts = file.policy.vehicle_facts | {"use_class": command.use_class.value}
    outcome = _changed(file, vehicle_facts=facts)
    return _repriced(file, pricing.rate_use(file, command, facts_of(facts)), at, outcome)


def _branch(file: PolicyFile, command: EndorsementCommand, _at: datetime, actor: User) -> Outcome:
    statement = access.visible(
        actor, Action.READ_FLEET, select(Branch).where(Branch.id == command.branch_id), Branch
    )
    branch = db.session.scalar(statement)
    if branch is None or branch.account_id != file.policy.account_id:
        raise NotFound("not_found", field="branch_id")
    return _changed(file, branch_id=branch.id)


def _covers(file: PolicyFile, command: EndorsementCommand, at: datetime, _actor: User) -> Outcome:
    rated = pricing.rate_covers(file, command)
    _require_not_covered_twice(file, rated, at)
    return _repriced(file, rated, at, Outcome({}, {}))


def _require_not_covered_twice(file: PolicyFile, rated: Rated, at: datetime) -> None:
    """A cover that another policy of the vehicle gives is not added: Invalid `overlaps_cover_in_force`."""
    policy = file.policy
    added = {one.code for one in rated.limits} - {one.code for one in file.limits}
    for one in layers_of([policy.vehicle_id], since=at).get(policy.vehicle_id, ()):
        if one.layer in added and one.source != policy.number and one.starts_at < policy.ends_at:
            raise Invalid(
                "overlaps_cover_in_force",
                field="cover_set",
                ends_on=policy_flow.last_covered_day(one.ends_at),
                source=one.source,
                line=policy.line.value,
            )


def _repriced(file: PolicyFile, rated: Rated, at: datetime, outcome: Outcome) -> Outcome:
    change = rules.pro_rata_change(
        from_fen(file.annual_fen), from_fen(rated.annual_fen), file.year(at), price=rated.source
    )
    return _with_rate(file, rated, replace(outcome, change=change))


def _with_rate(file: PolicyFile, rated: Rated, outcome: Outcome) -> Outcome:
    """The outcome with the covers, the price line and the year's premium that follow from a rate."""
    policy = file.policy
    before, after = dict(outcome.before), dict(outcome.after)
    # The year's premium is always told: whoever reads the endorsement sees what it was worked out from.
    before["annual_fen"], after["annual_fen"] = file.annual_fen, rated.annual_fen
    for name, value in (("cover_set", rated.cover_set), ("rate_line_id", rated.rate_line_id)):
        if getattr(policy, name) != value:
            before[name], after[name] = getattr(policy, name), value
    covers = None
    if pricing.kind_of_change(file.limits, rated.limits) is not None:
        covers = rated.limits
        before["covers"], after["covers"] = _told(file.limits), _told(rated.limits)
    return replace(outcome, before=before, after=after, covers=covers, rated=rated)


def _told(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    return [
        {
            "code": one.code.value,
            "limit_fen": one.limit_fen,
            "per_seat_fen": one.per_seat_fen,
            "deductible_fen": one.deductible_fen,
            "absolute_deductible_percent": one.absolute_deductible_percent,
        }
        for one in limits
    ]


def _total_loss(file: PolicyFile, command: EndorsementCommand, at: datetime, _actor: User) -> Outcome:
    rated = pricing.rate_without_own_damage(file, command)
    change = rules.total_loss_paid(from_fen(file.annual_fen), from_fen(rated.annual_fen), file.year(at))
    outcome = Outcome({}, {"kept_fen": to_fen(change.earned_at_once)}, change)
    return _with_rate(file, rated, outcome)


def _cancellation(file: PolicyFile, command: EndorsementCommand, at: datetime, _actor: User) -> Outcome:
    if command.cause is None or command.cause is CancelReason.REPLACED:
        raise Invalid("cancel_cause_missing", field="cause")
    return _closed(file, command.cause, at)


def _replacement(file: PolicyFile, command: EndorsementCommand, at: datetime, actor: User) -> Outcome:
    cause = command.cause or CancelReason.REPLACED
    outcome = _closed(file, cause, at)
    return replace(outcome, replacement=plan_replacement(file, command, at, actor=actor))


def _closed(file: PolicyFile, cause: CancelReason, at: datetime) -> Outcome:
    """The policy cut at an instant, with what is given back by the regime of its start."""
    policy = file.policy
    refund = cancellation.refund_on_cancellation(
        policy.line,
        cause,
        parts_of(policy, file.endorsements),
        local_date(at),
        is_before_start=at <= policy.starts_at,
    )
    return Outcome(
        {"ends_at": policy.ends_at.isoformat(), "state": policy.state.value},
        {"ends_at": at.isoformat(), "state": PolicyState.CANCELLED.value, "cause": cause.value},
        PremiumChange(-refund.refund, refund.working),
    )


_OUTCOMES: dict[EndorsementKind, Callable[[PolicyFile, EndorsementCommand, datetime, User], Outcome]] = {
    EndorsementKind.PLATE: _plate,
    EndorsementKind.VIN: _vin,
    EndorsementKind.USE: _use,
    EndorsementKind.BRANCH: _branch,
    EndorsementKind.SUM_INSURED: _covers,
    EndorsementKind.ADD_COVER: _covers,
    EndorsementKind.REMOVE_COVER: _covers,
    EndorsementKind.REPLACEMENT: _replacement,
    EndorsementKind.TOTAL_LOSS: _total_loss,
    EndorsementKind.CANCELLATION: _cancellation,
}
