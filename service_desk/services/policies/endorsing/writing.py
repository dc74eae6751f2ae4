"""Writing an endorsement: the policy, its covers, the ledger and the vehicle's record, in one act."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm.attributes import flag_modified

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.models.db import db
from service_desk.models.deliveries import RunState
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Coverage, Endorsement, EndorsementKind, Policy, PolicyState
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import UseClass
from service_desk.services import access, audit, numbers, submissions
from service_desk.services.fleet import vehicles
from service_desk.services.fleet.vehicles import VehicleDetails
from service_desk.services.policies.coverage import Limit, limit_of
from service_desk.services.policies.delivery.runs import take_out
from service_desk.services.policies.endorsing.commands import EndorsementCommand
from service_desk.services.policies.endorsing.money import ledger_change, write_ledger
from service_desk.services.policies.endorsing.planning import RECORD_KINDS, EndorsementPlan, plan_for
from service_desk.services.policies.endorsing.policy_file import CLOSING_KINDS
from service_desk.services.policies.endorsing.replacing import write_replacement

# What `after` tells that is no column of the policy.
_TOLD_ONLY = frozenset({"covers", "cause", "kept_fen", "replaced_by"})
# How what JSON tells is read back.
_READ: dict[str, Callable[[Any], Any]] = {"ends_at": datetime.fromisoformat, "state": PolicyState}


def preview(number: str, command: EndorsementCommand, *, actor: User, now: datetime) -> EndorsementPlan:
    """Say what an endorsement would do; writes nothing. The refusals are those of `endorse`."""
    access.require(actor, Action.ISSUE_POLICIES)
    policy = access.get_visible(actor, Action.ISSUE_POLICIES, Policy, Policy.number == number)
    plan = plan_for(policy, command, partial(ledger_change, now=now), actor=actor, now=now)
    _check_record(plan, command, now)
    return plan


def endorse(number: str, command: EndorsementCommand, *, key: str = "", actor: User, now: datetime) -> str:
    """Endorse or cancel a policy and return the endorsement's number; the same key twice is one endorsement.

    Conflict: `stale` (the policy changed since it was looked at), `endorsement_changed`, `policy_action_not_possible`.
    Invalid: `reason_missing`, `effective_before_start`, `effective_after_end`, `effective_before_last`,
    `effective_before_loss`, `endorsement_changes_nothing`, and those of the kind. Writes the endorsement, the policy,
    its covers, receivables or refunds; for a replacement the new policy; the vehicle's record when asked.
    """
    access.require(actor, Action.ISSUE_POLICIES)
    return submissions.once(
        "endorsement", key, lambda: _endorse(number, command, actor, now), actor=actor, now=now
    )


def _endorse(number: str, command: EndorsementCommand, actor: User, now: datetime) -> str:
    policy = _locked(number, actor)
    if command.version is not None and command.version != policy.version:
        raise Conflict("stale")
    ledger = partial(ledger_change, now=now, lock=True)
    plan = plan_for(policy, command, ledger, actor=actor, now=now)
    _check_record(plan, command, now)
    if command.expected_fen is not None and command.expected_fen != plan.premium_fen:
        raise Conflict("endorsement_changed")
    before = dict(plan.outcome.before)
    after = dict(plan.outcome.after)
    if plan.outcome.replacement is not None:
        after["replaced_by"] = write_replacement(
            plan.outcome.replacement, policy, actor=actor, now=now
        ).number
    _apply(policy, after)
    endorsement = _write(plan, before, after, actor, now)
    if plan.outcome.covers is not None:
        _change_covers(plan, plan.outcome.covers)
    write_ledger(plan.ledger, endorsement, now=now)
    if plan.kind in CLOSING_KINDS:
        # What has left cannot be called back; what has not stays here, and the endorsement goes instead.
        take_out(
            select(Policy.id).where(Policy.id == policy.id), endorsement.number, states=[RunState.PLANNED]
        )
    if command.with_vehicle:
        _change_vehicle(policy, plan.kind, actor, now)
    _record(plan, endorsement, actor, now)
    return endorsement.number


def _locked(number: str, actor: User) -> Policy:
    """The policy's row; a second clerk waits here, and then finds another version."""
    seen = access.get_visible(actor, Action.ISSUE_POLICIES, Policy, Policy.number == number)
    statement: Select[tuple[Policy]] = select(Policy).where(Policy.id == seen.id).with_for_update()
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def _check_record(plan: EndorsementPlan, command: EndorsementCommand, now: datetime) -> None:
    if not command.with_vehicle:
        return
    if plan.kind not in RECORD_KINDS:
        raise Invalid("endorsement_changes_nothing", field="with_vehicle")
    if plan.effective_at > now:
        raise Invalid("vehicle_record_only_now", field="with_vehicle")


def _apply(policy: Policy, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name not in _TOLD_ONLY:
            setattr(policy, name, _READ.get(name, lambda told: told)(value))
    # Whoever looked at the policy before looks at another one now, even when none of its columns changed.
    flag_modified(policy, "state")


def _write(
    plan: EndorsementPlan, before: dict[str, Any], after: dict[str, Any], actor: User, now: datetime
) -> Endorsement:
    policy, last = plan.policy, plan.file.last
    endorsement = Endorsement(
        number=numbers.next_number("END", local_date(now).year),
        account_id=policy.account_id,
        branch_id=policy.branch_id,
        policy_id=policy.id,
        ordinal=last.ordinal + 1 if last else 1,
        kind=plan.kind,
        effective_at=plan.effective_at,
        premium_fen=plan.premium_fen,
        before=before,
        after=after,
        working=[line.as_json() for line in plan.working],
        reason=plan.reason,
        created_by_id=actor.id,
        created_at=now,
    )
    db.session.add(endorsement)
    db.session.flush()
    return endorsement


def _change_covers(plan: EndorsementPlan, wanted: tuple[Limit, ...]) -> None:
    """Close the rows that do not go on as they are, and begin those that are new."""
    going_on = set()
    for row in plan.file.coverages:
        if limit_of(row) in wanted:
            going_on.add(row.code)
        else:
            row.to_at = plan.effective_at
    db.session.add_all(
        Coverage(policy_id=plan.policy.id, from_at=plan.effective_at, **vars(limit))
        for limit in wanted
        if limit.code not in going_on
    )


def _change_vehicle(policy: Policy, kind: EndorsementKind, actor: User, now: datetime) -> None:
    """Let the vehicle's own record state what the policy states now; its histories are kept."""
    vehicle = db.session.get_one(Vehicle, policy.vehicle_id)
    use_class = policy.vehicle_facts.get("use_class")
    stated: dict[EndorsementKind, dict[str, Any]] = {
        EndorsementKind.PLATE: {"plate": policy.plate or ""},
        EndorsementKind.VIN: {"vin": policy.vin or ""},
        EndorsementKind.USE: {"use_class": UseClass(use_class) if use_class else None},
        EndorsementKind.BRANCH: {"branch_id": policy.branch_id},
    }
    details = {
        "plate": vehicle.plate or "",
        "vin": vehicle.vin or "",
        "engine_no": vehicle.engine_no,
        "model": vehicle.model,
        "use_class": vehicle.use_class,
        "seats": vehicle.seats,
        "load_kg": vehicle.load_kg,
        "registered_on": vehicle.registered_on,
        "branch_id": vehicle.branch_id,
    }
    changed = VehicleDetails(**(details | stated[kind]))
    vehicles.change_vehicle(vehicle.id, changed, vehicle.version, actor=actor, now=now)


def _record(plan: EndorsementPlan, endorsement: Endorsement, actor: User, now: datetime) -> None:
    changes: dict[str, tuple[Any, Any]] = {
        "endorsement": (None, endorsement.number),
        "kind": (None, plan.kind.value),
        "effective_at": (None, plan.effective_at),
        "premium_fen": (None, plan.premium_fen),
        "reason": (None, plan.reason),
    }
    action = "policy_cancelled" if plan.kind in CLOSING_KINDS else "policy_endorsed"
    audit.record(action, plan.policy, actor=actor, now=now, changes=changes)
