"""Linking a contact to what it turns out to be about, after it was logged."""

from datetime import datetime

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Policy
from service_desk.models.users import User
from service_desk.services import audit
from service_desk.services.enquiries.answering import held_for_owner
from service_desk.services.enquiries.subjects import find_subject


def link(number: str, about: str, version: int, *, actor: User, now: datetime) -> Enquiry:
    """Say what a contact is about: a plate, claim or policy number; empty takes the link off. Its owner or a manager.

    A contact of no branch gets that of the record. Invalid: about_unknown; Conflict: enquiry_closed, stale.
    """
    enquiry = held_for_owner(number, version, actor, now)
    subject = find_subject(enquiry.account_id, about, actor)
    before = _named(enquiry)
    changes = audit.change(
        enquiry,
        claim_id=subject.claim_id,
        policy_id=subject.policy_id,
        vehicle_id=subject.vehicle_id,
        branch_id=enquiry.branch_id or subject.branch_id,
    )
    if changes:
        said = {"about": (before, _named(enquiry))}
        audit.record("enquiry_linked", enquiry, actor=actor, now=now, changes=said)
    return enquiry


def _named(enquiry: Enquiry) -> str:
    """What it is about, as people call it."""
    if enquiry.claim_id:
        return db.session.get_one(Claim, enquiry.claim_id).number
    if enquiry.policy_id:
        return db.session.get_one(Policy, enquiry.policy_id).number
    vehicle = db.session.get_one(Vehicle, enquiry.vehicle_id) if enquiry.vehicle_id else None
    return (vehicle.plate or vehicle.vin or "") if vehicle else ""
