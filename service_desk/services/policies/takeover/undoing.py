"""Taking a committed list of policies back, while nothing hangs on what it brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select

from service_desk.models.claims import Claim, ClaimCover
from service_desk.models.db import db
from service_desk.models.deliveries import DeliveryItem
from service_desk.models.enquiries import Enquiry
from service_desk.models.fleet import FleetImport, FleetImportRow, Vehicle
from service_desk.models.policies import Coverage, Endorsement, ExternalCover, Policy
from service_desk.models.premiums import DunningLine, PremiumRefund, Receivable
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.fleet.applying import chunks
from service_desk.services.fleet.undoing import named_in, remove_vehicles
from service_desk.services.policies.takeover.applying import external_values

_UNSYNCED = {"synchronize_session": False}


@dataclass(frozen=True)
class Blocker:
    """A policy or vehicle that keeps a list from being taken back."""

    name: str
    reason: str


def blockers(imported: FleetImport, rows: Sequence[FleetImportRow]) -> list[Blocker]:
    """What hangs on the list: by policy number or plate. Reasons: changed, endorsed, claim, paid, insured …"""
    found: list[Blocker] = []
    for some in chunks([row.params["policy_id"] for row in rows if "policy_id" in row.params]):
        found += _of_policies(some)
    added = [row.vehicle_id for row in rows if row.params.get("added") and row.vehicle_id]
    own = {row.params["policy_id"] for row in rows if "policy_id" in row.params}
    for some in chunks(added):
        found += _of_vehicles(some, own, imported)
    return found


def _of_policies(ids: Sequence[int]) -> list[Blocker]:
    questions: tuple[tuple[str, Any], ...] = (
        ("changed", select(Policy.id).where(Policy.id.in_(ids), Policy.version != 1)),
        ("endorsed", select(Endorsement.policy_id).where(Endorsement.policy_id.in_(ids))),
        ("claim", select(ClaimCover.policy_id).where(ClaimCover.policy_id.in_(ids))),
        (
            "paid",
            select(Receivable.policy_id).where(
                Receivable.policy_id.in_(ids),
                or_(Receivable.settled_fen > 0, Receivable.version != 1, Receivable.instalment > 1),
            ),
        ),
        ("paid", select(PremiumRefund.policy_id).where(PremiumRefund.policy_id.in_(ids))),
        (
            "dunned",
            select(Receivable.policy_id)
            .join(DunningLine, DunningLine.receivable_id == Receivable.id)
            .where(Receivable.policy_id.in_(ids)),
        ),
        ("contact", select(Enquiry.policy_id).where(Enquiry.policy_id.in_(ids))),
        ("delivery", select(DeliveryItem.policy_id).where(DeliveryItem.policy_id.in_(ids))),
    )
    reasons: dict[int, str] = {}
    for reason, question in questions:
        for policy_id in db.session.scalars(question):
            reasons.setdefault(policy_id, reason)
    numbers = select(Policy.id, Policy.number).where(Policy.id.in_(reasons))
    return [Blocker(number, reasons[id_]) for id_, number in db.session.execute(numbers)]


def _of_vehicles(ids: Sequence[int], own: set[int], imported: FleetImport) -> list[Blocker]:
    """Vehicles that the list added and that have been changed or used since, in other ways than by its policies."""
    reasons: dict[int, str] = {}
    for vehicle_id, policy_id in db.session.execute(
        select(Policy.vehicle_id, Policy.id).where(Policy.vehicle_id.in_(ids))
    ):
        if policy_id not in own:
            reasons[vehicle_id] = "insured"
    questions: tuple[tuple[str, Any], ...] = (
        ("changed", select(Vehicle.id).where(Vehicle.id.in_(ids), Vehicle.version != 1)),
        ("claim", select(Claim.vehicle_id).where(Claim.vehicle_id.in_(ids))),
        ("contact", select(Enquiry.vehicle_id).where(Enquiry.vehicle_id.in_(ids))),
        (
            "insured",
            select(ExternalCover.vehicle_id).where(
                ExternalCover.vehicle_id.in_(ids), ExternalCover.noted_at != imported.committed_at
            ),
        ),
        ("delivery", select(DeliveryItem.vehicle_id).where(DeliveryItem.vehicle_id.in_(ids))),
        *named_in(ids),
    )
    for reason, question in questions:
        for vehicle_id in db.session.scalars(question):
            reasons.setdefault(vehicle_id, reason)
    names = select(Vehicle.id, Vehicle.plate, Vehicle.vin).where(Vehicle.id.in_(reasons))
    return [
        Blocker(plate or vin or "", reasons[id_]) for id_, plate, vin in db.session.execute(names).tuples()
    ]


def revert(imported: FleetImport, rows: Sequence[FleetImportRow], *, now: datetime) -> None:
    """Take out what the list brought and put back the covers it replaced. The caller has found no blockers."""
    for some in chunks([row.params["policy_id"] for row in rows if "policy_id" in row.params]):
        for model in (Coverage, Receivable):
            db.session.execute(delete(model).where(model.policy_id.in_(some)), execution_options=_UNSYNCED)
        db.session.execute(delete(Policy).where(Policy.id.in_(some)), execution_options=_UNSYNCED)
    _restore_external(imported, rows)
    added = [row.vehicle_id for row in rows if row.params.get("added") and row.vehicle_id]
    remove_vehicles(added, now=now)


def _restore_external(imported: FleetImport, rows: Sequence[FleetImportRow]) -> None:
    written = [row for row in rows if not row.values["is_ours"] and row.vehicle_id]
    for line in PolicyLine:
        ids = [row.vehicle_id for row in written if row.values["line"] == line.value]
        for some in chunks(ids):
            db.session.execute(
                delete(ExternalCover).where(
                    ExternalCover.vehicle_id.in_(some),
                    ExternalCover.line == line,
                    ExternalCover.noted_at == imported.committed_at,
                ),
                execution_options=_UNSYNCED,
            )
    back = [
        external_values(imported.account_id, row.vehicle_id, row.values["line"], row.before["cover"])
        for row in rows
        if row.vehicle_id and row.before and "cover" in row.before
    ]
    if back:
        db.session.execute(insert(ExternalCover), back, execution_options={"render_nulls": True})
