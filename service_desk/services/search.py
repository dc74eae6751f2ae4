"""One box for everything: plate, VIN, a number of any kind, name, phone, a title."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from service_desk.base.text import like_pattern, search_key, squeeze
from service_desk.models.accounts import Branch, Contact
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.fleet import PlateRecord, Vehicle
from service_desk.models.opinions import Opinion
from service_desk.models.policies import Policy
from service_desk.models.relations import RelationEvent
from service_desk.models.users import User
from service_desk.rules.identifiers import number_key
from service_desk.rules.permissions import Action
from service_desk.services import access, knowledge
from service_desk.services.knowledge import Guide
from service_desk.services.opinions.visibility import opinions_seen
from service_desk.services.relations.visibility import events_seen

SHORTEST = 2
PER_GROUP = 20


@dataclass(frozen=True)
class Found:
    """What was found, by group, at most `PER_GROUP` of each."""

    query: str
    vehicles: list[Vehicle] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    enquiries: list[Enquiry] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    events: list[RelationEvent] = field(default_factory=list)
    opinions: list[Opinion] = field(default_factory=list)
    guides: list[Guide] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(len(rows) for rows in self.groups)

    @property
    def groups(self) -> tuple[list[Any], ...]:
        return (
            self.vehicles,
            self.policies,
            self.claims,
            self.enquiries,
            self.contacts,
            self.branches,
            self.events,
            self.opinions,
            self.guides,
        )

    @property
    def only(self) -> Any | None:
        """The one hit, when there is exactly one."""
        hits = [row for rows in self.groups for row in rows]
        return hits[0] if len(hits) == 1 else None


def search(text: str, *, actor: User) -> Found:
    """Find what the actor may see; fewer than two characters find nothing."""
    query = squeeze(text)
    key = search_key(query).upper()
    if len(key) < SHORTEST:
        return Found(query)
    in_key, in_text, phone = _contains(key), _contains(query), _phone_contains(query)
    formerly = select(PlateRecord.vehicle_id).where(in_key(PlateRecord.plate))
    return Found(
        query,
        vehicles=_rows(
            actor,
            Action.READ_FLEET,
            Vehicle,
            in_key(Vehicle.plate),
            in_key(Vehicle.vin),
            Vehicle.id.in_(formerly),
        ),
        policies=_rows(actor, Action.READ_POLICIES, Policy, in_text(Policy.number), in_key(Policy.plate)),
        claims=_rows(
            actor,
            Action.READ_CLAIMS,
            Claim,
            in_text(Claim.number),
            Claim.report_key == number_key(query),
            in_key(Claim.plate),
            in_text(Claim.reporter_name),
            phone(Claim.callback_phone),
        ),
        enquiries=_rows(
            actor,
            Action.READ_ENQUIRIES,
            Enquiry,
            in_text(Enquiry.number),
            in_text(Enquiry.caller_name),
            phone(Enquiry.caller_phone),
        ),
        contacts=_rows(actor, Action.READ_FLEET, Contact, in_text(Contact.name), phone(Contact.phone)),
        branches=_rows(actor, Action.READ_FLEET, Branch, in_text(Branch.name), in_text(Branch.name_en)),
        events=_relations(
            actor, RelationEvent, events_seen, in_text(RelationEvent.number), in_text(RelationEvent.title)
        ),
        # By number alone: who gave an opinion, or said what in it, is not to be found out by searching.
        opinions=_relations(actor, Opinion, opinions_seen, in_text(Opinion.number)),
        guides=knowledge.find_by_title(query, actor=actor, most=PER_GROUP),
    )


def _contains(text: str) -> Callable[[Any], ColumnElement[bool]]:
    pattern = like_pattern(text)
    return lambda column: column.ilike(pattern, escape="\\")


def _phone_contains(query: str) -> Callable[[Any], ColumnElement[bool]]:
    digits = "".join(character for character in query if character.isdigit())
    # Fewer than four digits would find every phone.
    return _contains(digits) if len(digits) >= 4 else lambda column: column.is_(None)


def _relations(
    actor: User,
    model: Any,
    seen_by: Callable[[User], ColumnElement[bool]],
    *conditions: ColumnElement[bool],
) -> list[Any]:
    if not access.may(actor, Action.READ_RELATIONS):
        return []
    statement = select(model).where(seen_by(actor), or_(*conditions))
    return list(db.session.scalars(statement.order_by(model.id.desc()).limit(PER_GROUP)))


def _rows(actor: User, action: Action, model: Any, *conditions: ColumnElement[bool]) -> list[Any]:
    statement = access.visible(actor, action, select(model).where(or_(*conditions)), model)
    return list(db.session.scalars(statement.order_by(model.id.desc()).limit(PER_GROUP)))
