"""What a contact is about: the claim, policy, vehicle or earlier contact of a number or plate."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from service_desk.base.errors import Invalid
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Policy
from service_desk.models.users import User
from service_desk.rules.first_contact import Asking
from service_desk.rules.identifiers import normalise_plate
from service_desk.rules.permissions import Action
from service_desk.services import access


@dataclass(frozen=True)
class Subject:
    """The record a contact is about, as ids; all None when it is about none. `handler_id`: who has that matter."""

    claim_id: int | None = None
    policy_id: int | None = None
    vehicle_id: int | None = None
    branch_id: int | None = None
    handler_id: int | None = None

    def asking(self, phone: str, name: str) -> Asking:
        """The same as the rules compare it."""
        return Asking(self.claim_id, self.policy_id, self.vehicle_id, phone, name)


def find_subject(account_id: int, text: str, actor: User | None, *, with_contacts: bool = False) -> Subject:
    """The claim, policy or vehicle (or contact) of a number or plate that the actor may see; Invalid `about_unknown`.

    Without an actor, what came by itself: whatever the account has.
    """
    if not text.strip():
        return Subject()
    number = squeeze(text).upper()
    claim = _find(actor, Action.READ_CLAIMS, Claim, Claim.account_id == account_id, Claim.number == number)
    if claim is not None:
        return Subject(claim.id, None, claim.vehicle_id, claim.branch_id, claim.owner_id)
    policy = _find(
        actor, Action.READ_POLICIES, Policy, Policy.account_id == account_id, Policy.number == number
    )
    if policy is not None:
        return Subject(None, policy.id, policy.vehicle_id, policy.branch_id)
    contact = _contact(account_id, number, actor) if with_contacts else None
    if contact is not None:
        return Subject(
            contact.claim_id, contact.policy_id, contact.vehicle_id, contact.branch_id, contact.owner_id
        )
    plate = normalise_plate(text)
    vehicle = _find(
        actor, Action.READ_FLEET, Vehicle, Vehicle.account_id == account_id, Vehicle.plate == plate
    )
    if vehicle is None:
        raise Invalid("about_unknown", field="about", value=text)
    return Subject(vehicle_id=vehicle.id, branch_id=vehicle.branch_id)


def knows_branch(account_id: int, branch_id: int, actor: User | None) -> bool:
    """Whether a branch is the account's and the actor sees it."""
    found = _find(actor, Action.READ_FLEET, Branch, Branch.id == branch_id, Branch.account_id == account_id)
    return found is not None


def _contact(account_id: int, number: str, actor: User | None) -> Enquiry | None:
    found: Enquiry | None = _find(
        actor, Action.READ_ENQUIRIES, Enquiry, Enquiry.account_id == account_id, Enquiry.number == number
    )
    return found


def _find(actor: User | None, action: Action, model: Any, *conditions: ColumnElement[bool]) -> Any:
    statement = select(model).where(*conditions)
    return db.session.scalar(access.visible(actor, action, statement, model) if actor else statement)
