"""Who and what was in the accident: entered with what is known, completed later."""

import re
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.text import one_line, squeeze
from service_desk.models.claim_parties import ClaimParty, InjuryFollowUp, PartyItem
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.users import User
from service_desk.rules import claim_parties as law
from service_desk.rules.claim_flow import ClaimAction
from service_desk.rules.claim_parties import InjurySeverity, PartyKind, PersonRole
from service_desk.rules.identifiers import is_plate, normalise_plate
from service_desk.services import audit
from service_desk.services.claims.common import begin, get_claim, log_event, require_reason

MAX_PARTIES = 60
# So many nameless people are entered from the report's count; a coach's accident is listed by hand or not at all.
_FIRST_PERSONS = 10
_PLATE = re.compile(r"\S{7,9}")
_PERSONAL = frozenset({"phone", "id_number"})


@dataclass(frozen=True)
class PartyFacts:
    """What is known of a party; all but the kind may be filled in later."""

    kind: PartyKind
    name: str = ""
    phone: str = ""
    id_number: str = ""
    what: str = ""
    plate: str = ""
    insurer: str = ""
    policy_number: str = ""
    age: int | None = None
    role: PersonRole | None = None
    severity: InjurySeverity | None = None
    hospital: str = ""


@dataclass(frozen=True)
class PartyView:
    """A party with its items and the entries of its follow-up, oldest first."""

    party: ClaimParty
    items: list[PartyItem]
    follow_ups: list[InjuryFollowUp]

    @property
    def items_fen(self) -> int:
        return sum(item.amount_fen for item in self.items)

    @property
    def expected_fen(self) -> int:
        """What the party is expected to cost."""
        return law.expected_fen(self.items_fen, self.follow_ups[-1].forecast_fen if self.follow_ups else None)


def list_parties(claim_id: int) -> list[PartyView]:
    """The parties of a claim, own vehicle first. The caller has checked that the claim is visible."""
    parties = db.session.scalars(
        select(ClaimParty).where(ClaimParty.claim_id == claim_id, ClaimParty.removed_at.is_(None))
    ).all()
    items: dict[int, list[PartyItem]] = defaultdict(list)
    for item in db.session.scalars(
        select(PartyItem).where(PartyItem.claim_id == claim_id).order_by(PartyItem.id)
    ):
        items[item.party_id].append(item)
    follow_ups: dict[int, list[InjuryFollowUp]] = defaultdict(list)
    asked = select(InjuryFollowUp).where(InjuryFollowUp.claim_id == claim_id)
    for entry in db.session.scalars(asked.order_by(InjuryFollowUp.on_day, InjuryFollowUp.id)):
        follow_ups[entry.party_id].append(entry)
    order = list(PartyKind)
    return [
        PartyView(party, items[party.id], follow_ups[party.id])
        for party in sorted(parties, key=lambda one: (order.index(one.kind), one.id))
    ]


def read_parties(number: str, *, actor: User) -> tuple[Claim, list[PartyView]]:
    """A claim the actor may see, with its parties."""
    claim = get_claim(number, actor=actor)
    return claim, list_parties(claim.id)


def begin_parties(claim: Claim, *, actor: User, now: datetime) -> None:
    """Enter who is known from the report, once: our vehicle, the other side, so many nameless injured."""
    known = select(func.count(ClaimParty.id)).where(ClaimParty.claim_id == claim.id)
    if db.session.scalar(known):
        return
    vehicle = db.session.get_one(Vehicle, claim.vehicle_id)
    facts = [PartyFacts(PartyKind.OWN_VEHICLE, what=vehicle.model, plate=claim.plate)]
    if claim.other_party:
        facts.append(_other_side(claim.other_party))
    persons = min(claim.injured_count, _FIRST_PERSONS)
    facts += [PartyFacts(PartyKind.PERSON)] * persons
    db.session.add_all(_row(claim, one, actor, now) for one in facts)
    db.session.flush()


def _other_side(words: str) -> PartyFacts:
    """The other vehicle where the words begin with its plate; else what was hit, in the words of the report."""
    first, _, rest = squeeze(words).partition(" ")
    plate = normalise_plate(first) if _PLATE.fullmatch(first) else ""
    if plate and is_plate(plate):
        return PartyFacts(PartyKind.OTHER_VEHICLE, plate=plate, what=rest[:200])
    return PartyFacts(PartyKind.OTHER_VEHICLE, what=words[:200])


def _row(claim: Claim, facts: PartyFacts, actor: User, now: datetime) -> ClaimParty:
    return ClaimParty(claim_id=claim.id, created_at=now, created_by_id=actor.id, **_clean(facts))


def _clean(facts: PartyFacts) -> dict[str, Any]:
    values = {
        name: one_line(value) if isinstance(value, str) and name != "kind" else value
        for name, value in asdict(facts).items()
    }
    values |= {"kind": facts.kind, "plate": normalise_plate(facts.plate)}
    values["id_number"] = facts.id_number.replace(" ", "").upper()
    return values


def add_party(number: str, facts: PartyFacts, *, actor: User, now: datetime) -> ClaimParty:
    """Enter a party. Invalid: `party_empty`, `too_many_parties`, `age_invalid`, `own_vehicle_known`."""
    claim, _ = begin(number, ClaimAction.SET_RESERVE, actor=actor)
    _check(facts)
    begin_parties(claim, actor=actor, now=now)
    if facts.kind is PartyKind.OWN_VEHICLE:
        raise Invalid("own_vehicle_known", field="kind")
    known = select(func.count(ClaimParty.id)).where(ClaimParty.claim_id == claim.id)
    if (db.session.scalar(known) or 0) >= MAX_PARTIES:
        raise Invalid("too_many_parties", most=MAX_PARTIES)
    party = _row(claim, facts, actor, now)
    db.session.add(party)
    db.session.flush()
    log_party(claim, "party_added", party, actor, now)
    audit.record("claim_party_added", claim, actor=actor, now=now, changes={"party": (None, party.kind)})
    return party


def change_party(
    number: str, party_id: int, facts: PartyFacts, version: int, *, actor: User, now: datetime
) -> ClaimParty:
    """Complete or mend what is known of a party. Conflict `stale` when somebody else did meanwhile."""
    claim, _ = begin(number, ClaimAction.SET_RESERVE, actor=actor)
    party = get_party(claim, party_id)
    if party.version != version:
        raise Conflict("stale")
    values = _clean(facts)
    del values["kind"]
    if party.kind is PartyKind.OWN_VEHICLE:
        # Which vehicle of ours it was, the report says.
        del values["plate"]
    else:
        _check(facts)
    changes = audit.change(party, **values)
    if not changes:
        return party
    shown = {name: ("***", "***") if name in _PERSONAL else pair for name, pair in changes.items()}
    log_party(claim, "party_changed", party, actor, now)
    audit.record("claim_party_changed", claim, actor=actor, now=now, changes=shown)
    return party


def remove_party(number: str, party_id: int, reason: str, *, actor: User, now: datetime) -> None:
    """Take out a party that was entered by mistake. Invalid while something was estimated or followed for it."""
    claim, _ = begin(number, ClaimAction.SET_RESERVE, actor=actor)
    party, why = get_party(claim, party_id), require_reason(reason)
    view = next(one for one in list_parties(claim.id) if one.party.id == party.id)
    if party.kind is PartyKind.OWN_VEHICLE or view.items or view.follow_ups:
        raise Invalid("party_in_use")
    party.removed_at, party.removed_reason = now, why[:200]
    log_party(claim, "party_removed", party, actor, now, note=why)
    audit.record("claim_party_removed", claim, actor=actor, now=now, changes={"party": (party.kind, None)})


def _check(facts: PartyFacts) -> None:
    words = (facts.name, facts.what, facts.plate, facts.hospital, facts.insurer)
    if not any(word.strip() for word in words) and facts.role is None and facts.severity is None:
        raise Invalid("party_empty")
    if facts.age is not None and not 0 <= facts.age <= 120:
        raise Invalid("age_invalid", field="age")


def get_party(claim: Claim, party_id: int) -> ClaimParty:
    """A party of this claim; NotFound otherwise."""
    found = db.session.scalar(
        select(ClaimParty).where(
            ClaimParty.id == party_id, ClaimParty.claim_id == claim.id, ClaimParty.removed_at.is_(None)
        )
    )
    if found is None:
        raise NotFound("not_found")
    return found


def log_party(
    claim: Claim,
    kind: str,
    party: ClaimParty,
    actor: User,
    now: datetime,
    *,
    note: str = "",
    **params: Any,
) -> None:
    """Put a line about a party on the time line.

    Internal: who was in it and what they cost is for those who handle the claim.
    """
    given = {"party_kind": party.kind.value, "plate": party.plate, "name": law.mask_name(party.name)} | params
    log_event(claim, kind, actor=actor, at=now, now=now, params=given, note=note, is_internal=True)
