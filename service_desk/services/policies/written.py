"""The acts that write premium: policies issued and endorsements made in a span, as they were at the time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, String, func, select, type_coerce

from service_desk.models.db import db
from service_desk.models.kept import built_once
from service_desk.models.policies import Endorsement, EndorsementKind, Policy, PolicyOrigin, PolicyState
from service_desk.rules.underwriting import Act
from service_desk.rules.vocabulary import UseClass
from service_desk.services.policies.book import Classes, class_of

Instants = tuple[datetime, datetime]

# As text: few vehicles differ in it, so that most are never taken apart.
_FACTS = type_coerce(Policy.vehicle_facts, String).label("vehicle_facts")


class WrittenAct(NamedTuple):
    """An act with what names it. `kind` None: the policy's issue; `endorsement_number` is empty for it."""

    act: Act
    at: datetime
    number: str
    endorsement_number: str
    kind: EndorsementKind | None
    plate: str


def acts_of(account_id: int, instants: Instants) -> list[Act]:
    """What was written between two instants, the first included. Voided policies are left out with their endorsements."""
    return [one.act for one in _acts(account_id, instants)]


def written_acts(account_id: int, instants: Instants) -> list[WrittenAct]:
    """The same, each with its numbers, in order of time."""
    return sorted(_acts(account_id, instants), key=lambda one: (one.at, one.number, one.endorsement_number))


def _acts(account_id: int, instants: Instants) -> list[WrittenAct]:
    return [*_issued(account_id, instants), *_endorsed(account_id, instants)]


def count_taken_over(account_id: int, instants: Instants) -> int:
    """Policies noted from lists in the span. They were written before the desk kept the account and are no act."""
    wanted = _issued_in(account_id, instants, PolicyOrigin.TAKEN_OVER)
    return db.session.scalar(select(func.count()).select_from(Policy).where(*wanted)) or 0


def _issued(account_id: int, instants: Instants) -> list[WrittenAct]:
    classes, as_issued = Classes(), _as_issued(_changes_of_issued(account_id, instants).rows())
    return [
        _written(
            row,
            as_issued.get(row.id, {}),
            classes,
            at=row.issued_at,
            branch_id=row.issued_branch_id,
            tax_fen=row.tax_fen,
            vehicle_id=row.vehicle_id,
        )
        for row in _policies_issued(account_id, instants).rows()
    ]


@built_once
def _changes_of_issued(account_id: int, instants: Instants) -> Select[Any]:
    wanted = _issued_in(account_id, instants, PolicyOrigin.ISSUED)
    return _changes(select(Policy.id).where(*wanted))


@built_once
def _policies_issued(account_id: int, instants: Instants) -> Select[Any]:
    return select(
        Policy.id,
        Policy.issued_branch_id,
        Policy.line,
        Policy.cover_set,
        Policy.vehicle_id,
        Policy.premium_fen,
        Policy.tax_fen,
        _FACTS,
        Policy.issued_at,
        Policy.number,
        Policy.plate,
    ).where(*_issued_in(account_id, instants, PolicyOrigin.ISSUED))


def _issued_in(account_id: int, instants: Instants, origin: PolicyOrigin) -> tuple[Any, ...]:
    first, until = instants
    return (
        Policy.account_id == account_id,
        Policy.state != PolicyState.VOIDED,
        Policy.origin == origin,
        Policy.issued_at >= first,
        Policy.issued_at < until,
    )


def _endorsed(account_id: int, instants: Instants) -> list[WrittenAct]:
    classes, as_issued = Classes(), _as_issued(_changes_of_endorsed(account_id, instants).rows())
    return [
        _written(
            row,
            as_issued.get(row.id, {}),
            classes,
            at=row.created_at,
            branch_id=row.branch_id,
            kind=row.kind,
            endorsement_number=row.endorsement_number,
        )
        for row in _endorsements_made(account_id, instants).rows()
    ]


def _endorsed_in(account_id: int, instants: Instants) -> tuple[Any, ...]:
    first, until = instants
    return (
        Endorsement.account_id == account_id,
        Endorsement.created_at >= first,
        Endorsement.created_at < until,
        Policy.state != PolicyState.VOIDED,
    )


@built_once
def _changes_of_endorsed(account_id: int, instants: Instants) -> Select[Any]:
    endorsed = select(Policy.id).join(Endorsement, Endorsement.policy_id == Policy.id)
    return _changes(endorsed.where(*_endorsed_in(account_id, instants)))


@built_once
def _endorsements_made(account_id: int, instants: Instants) -> Select[Any]:
    return (
        select(
            Policy.id,
            Endorsement.branch_id,
            Endorsement.kind,
            Endorsement.premium_fen,
            Endorsement.created_at,
            Endorsement.number.label("endorsement_number"),
            Policy.line,
            Policy.cover_set,
            _FACTS,
            Policy.number,
            Policy.plate,
        )
        .join(Policy, Policy.id == Endorsement.policy_id)
        .where(*_endorsed_in(account_id, instants))
    )


def _changes(policy_ids: Select[Any]) -> Select[Any]:
    """What endorsements since have changed of policies, the last first."""
    return (
        select(Endorsement.policy_id, Endorsement.before)
        .where(Endorsement.policy_id.in_(policy_ids))
        .order_by(Endorsement.ordinal.desc())
    )


def _as_issued(changes: Iterable[Any]) -> dict[int, dict[str, Any]]:
    """The same as it was at issue, by policy: a month that is over does not change."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for policy_id, before in changes:
        found[policy_id] |= before
    return found


def _written(
    row: Any,
    as_issued: Mapping[str, Any],
    classes: Classes,
    *,
    at: datetime,
    branch_id: int,
    kind: EndorsementKind | None = None,
    endorsement_number: str = "",
    **values: Any,
) -> WrittenAct:
    facts = as_issued.get("vehicle_facts")
    code = class_of(facts) if facts else classes.of(row.vehicle_facts)
    act = Act(
        branch_id=branch_id,
        use_class=UseClass(code) if code else None,
        line=row.line,
        cover_set=as_issued.get("cover_set") or row.cover_set,
        premium_fen=row.premium_fen,
        is_cancellation=kind is EndorsementKind.CANCELLATION,
        **values,
    )
    return WrittenAct(
        act, at, row.number, endorsement_number, kind, as_issued.get("plate") or row.plate or ""
    )
