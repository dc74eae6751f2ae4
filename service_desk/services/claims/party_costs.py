"""What each party is expected to cost, item by item: first estimated, then assessed.

The estimates move the reserve of their item by what they change; what a person set by hand stays.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Invalid, NotFound
from service_desk.base.text import one_line
from service_desk.models.claim_parties import ClaimParty, PartyItem
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules import claim_parties as law
from service_desk.rules.claim_flow import ClaimAction
from service_desk.rules.claim_losses import LossItem, LossKind
from service_desk.rules.claim_parties import PartyKind
from service_desk.rules.reserve_ledger import ReserveItem, item_of
from service_desk.services import audit
from service_desk.services.claims import reserves
from service_desk.services.claims.common import begin
from service_desk.services.claims.parties import PartyView, begin_parties, get_party, list_parties, log_party


@dataclass(frozen=True)
class Estimate:
    """What one thing of a party will cost. `item_id` changes an estimate that is there."""

    party_id: int
    kind: LossKind
    label: str
    amount_fen: int
    item_id: int | None = None


def estimate_item(number: str, command: Estimate, *, actor: User, now: datetime) -> PartyItem:
    """Estimate a thing of a party, or change the estimate before it is assessed; the reserve follows.

    Invalid: `required`, `kind_of_another_party`, `amount_not_positive`, `item_assessed`, `reserve_out_of_range`.
    """
    claim, _ = begin(number, ClaimAction.SET_RESERVE, actor=actor)
    party = get_party(claim, command.party_id)
    if not command.label.strip():
        raise Invalid("required", field="label")
    if command.kind not in law.kinds_for(party.kind, party.role):
        raise Invalid("kind_of_another_party", field="kind")
    if command.amount_fen < 0 or (command.amount_fen == 0 and command.item_id is None):
        raise Invalid("amount_not_positive", field="amount")
    before = expected_by_item(claim.id)
    item = _item_to_change(party, command.item_id) or PartyItem(
        claim_id=claim.id, party_id=party.id, created_at=now, created_by_id=actor.id
    )
    was = item.first_fen
    item.kind, item.label, item.first_fen = command.kind, one_line(command.label)[:200], command.amount_fen
    db.session.add(item)
    db.session.flush()
    follow_reserve(claim, before, item="items", reason=item.label, actor=actor, now=now)
    log_party(
        claim, "item_estimated", party, actor, now, note=item.label, amount_fen=item.first_fen, before_fen=was
    )
    changes = {item.label: (was, item.first_fen)}
    audit.record("claim_item_estimated", claim, actor=actor, now=now, changes=changes)
    return item


def _item_to_change(party: ClaimParty, item_id: int | None) -> PartyItem | None:
    if item_id is None:
        return None
    item = db.session.scalar(select(PartyItem).where(PartyItem.id == item_id, PartyItem.party_id == party.id))
    if item is None:
        raise NotFound("not_found")
    if item.assessed_fen is not None:
        raise Invalid("item_assessed")
    return item


def expected_by_item(claim_id: int) -> dict[ReserveItem, int]:
    """What the parties are expected to cost, by the reserve that pays it. A person's forecast counts as injury."""
    sums: Counter[ReserveItem] = Counter()
    for view in list_parties(claim_id):
        for item in view.items:
            sums[item_of(item.kind)] += item.amount_fen
        sums[ReserveItem.INJURY] += view.expected_fen - view.items_fen
    return dict(sums)


def follow_reserve(
    claim: Claim, before: Mapping[ReserveItem, int], *, item: str, reason: str, actor: User, now: datetime
) -> None:
    """Move the reserve by what the parties' expected costs have changed since `before`."""
    after = expected_by_item(claim.id)
    changes = {one: after.get(one, 0) - before.get(one, 0) for one in ReserveItem}
    if any(changes.values()):
        reserves.shift(claim, changes, item=item, reason=reason, actor=actor, now=now)


def settle_items(claim: Claim, items: Iterable[LossItem], *, actor: User, now: datetime) -> list[LossItem]:
    """Keep an assessment's amounts with the parties they belong to, and give the items back with their parties.

    An item that names no party goes to the only one it can belong to. An estimate that the assessment does not list
    came to nothing. Invalid `kind_of_another_party`.
    """
    begin_parties(claim, actor=actor, now=now)
    views = {view.party.id: view for view in list_parties(claim.id)}
    settled = []
    for item in items:
        party = _owner_of(item, views)
        row = _assessed_row(claim, item, party, views, actor, now) if party else None
        ids = (party.id if party else None, row.id if row else None)
        settled.append(LossItem(item.label, item.kind, item.amount_fen, *ids))
    listed = {item.item_id for item in settled}
    for row in (row for view in views.values() for row in view.items if row.id not in listed):
        row.assessed_fen, row.reviewed_fen = 0, None
    db.session.flush()
    return settled


def forecast_beyond_items(claim_id: int) -> int:
    """What the injured are forecast to cost more than their items say."""
    return sum(view.expected_fen - view.items_fen for view in list_parties(claim_id))


def _owner_of(item: LossItem, views: Mapping[int, PartyView]) -> ClaimParty | None:
    if item.party_id is not None:
        view = views.get(item.party_id)
        if view is None:
            raise NotFound("not_found")
        if item.kind not in law.kinds_for(view.party.kind, view.party.role):
            raise Invalid("kind_of_another_party", field="items")
        return view.party
    fitting = [
        view.party
        for view in views.values()
        if item.kind in law.kinds_for(view.party.kind, view.party.role)
        and not (item.kind is LossKind.PROPERTY and view.party.kind is PartyKind.PERSON)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _assessed_row(
    claim: Claim,
    item: LossItem,
    party: ClaimParty,
    views: Mapping[int, PartyView],
    actor: User,
    now: datetime,
) -> PartyItem:
    known = (one for one in views[party.id].items if one.id == item.item_id)
    row = next(known, None) or PartyItem(
        claim_id=claim.id, party_id=party.id, created_at=now, created_by_id=actor.id, first_fen=None
    )
    row.kind, row.label, row.assessed_fen, row.reviewed_fen = item.kind, item.label, item.amount_fen, None
    db.session.add(row)
    db.session.flush()
    return row
