"""Offers whose matter has moved on, to another owner or to its end: listed no more, and taken back."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.enquiries import Handover, HandoverState, MatterKind
from service_desk.services import audit
from service_desk.services.enquiries import matters


def is_standing(offer: Handover, matter: Any, now: datetime) -> bool:
    """Whether what is offered is still open and of whoever owned it then; `matter` is None when it is gone."""
    rules = matters.KINDS[offer.matter_kind]
    return matter is not None and rules.is_open(matter, now) and rules.owner_of(matter) == offer.from_id


def standing(offers: Collection[Handover], now: datetime) -> set[int]:
    """The ids of the offers that still stand, in a statement a kind."""
    of_kind: dict[MatterKind, list[Handover]] = defaultdict(list)
    for offer in offers:
        of_kind[offer.matter_kind].append(offer)
    found = set()
    for kind, rows in of_kind.items():
        model = matters.KINDS[kind].model
        wanted = select(model).where(model.id.in_({row.matter_id for row in rows}))
        known = {matter.id: matter for matter in db.session.scalars(wanted)}
        found |= {row.id for row in rows if is_standing(row, known.get(row.matter_id), now)}
    return found


def list_overtaken(now: datetime) -> list[int]:
    """The offers that wait for an answer to what has moved on."""
    asked = select(Handover).where(Handover.state == HandoverState.ASKED).order_by(Handover.id)
    offers = db.session.scalars(asked).all()
    left = standing(offers, now)
    return [offer.id for offer in offers if offer.id not in left]


def take_back(offer: Handover, *, now: datetime) -> None:
    """Withdraw an offer in nobody's name: nobody is told of what has come to somebody else meanwhile."""
    changes = audit.change(offer, state=HandoverState.WITHDRAWN, decided_at=now)
    audit.record("handover_withdrawn", offer, actor=None, now=now, label=offer.matter_number, changes=changes)


def take_back_former(kind: MatterKind, matter_id: int, owner_id: int, *, now: datetime) -> None:
    """Withdraw what a former owner offered of a matter that is `owner_id`'s now. The caller holds the matter."""
    former = select(Handover).where(
        Handover.matter_kind == kind,
        Handover.matter_id == matter_id,
        Handover.state == HandoverState.ASKED,
        Handover.from_id != owner_id,
    )
    for offer in db.session.scalars(former.with_for_update()):
        take_back(offer, now=now)
    db.session.flush()
