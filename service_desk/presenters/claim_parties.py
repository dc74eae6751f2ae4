"""The parties of a claim in words. Who does not handle claims sees names and personal numbers masked."""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.base.money import format_yuan
from service_desk.models.claim_parties import ClaimParty, InjuryFollowUp
from service_desk.models.claims import Claim
from service_desk.presenters.claims import plate
from service_desk.presenters.labels import label
from service_desk.rules import claim_parties as law
from service_desk.rules.claim_parties import PartyKind
from service_desk.services.claims.parties import PartyView


@dataclass(frozen=True)
class PartyCard:
    """A party as its page and the claim's card show it. `handled`: by somebody who handles claims."""

    view: PartyView
    title: str
    kind: str
    facts: list[tuple[str, str]]
    short: str

    @property
    def party(self) -> ClaimParty:
        return self.view.party


def party_card(view: PartyView, *, handled: bool, for_client: bool) -> PartyCard:
    """A party in words, masked for who does not handle the claim."""
    party = view.party
    name = law.mask_name(party.name) if for_client else party.name
    return PartyCard(
        view=view,
        title=_title(party, name),
        kind=label(party.kind, "party_kind"),
        facts=_facts(party, name, handled=handled),
        short=_short(party, name),
    )


def _title(party: ClaimParty, name: str) -> str:
    if party.kind in {PartyKind.OWN_VEHICLE, PartyKind.OTHER_VEHICLE}:
        return plate(party.plate) if party.plate else party.what or label(party.kind, "party_kind")
    if party.kind is PartyKind.PERSON:
        return name or _("not named yet")
    return party.what or label(party.kind, "party_kind")


def _short(party: ClaimParty, name: str) -> str:
    """What stands beside the title on the claim's own page."""
    if party.kind is PartyKind.PERSON:
        parts = [
            label(party.role, "person_role") if party.role else "",
            label(party.severity, "injury_severity") if party.severity else "",
            party.hospital,
        ]
    elif party.kind is PartyKind.PROPERTY:
        parts = [name]
    else:
        parts = [party.what if party.plate else "", party.insurer]
    return " · ".join(part for part in parts if part)


def _facts(party: ClaimParty, name: str, *, handled: bool) -> list[tuple[str, str]]:
    phone = party.phone if handled else law.mask_phone(party.phone)
    id_number = party.id_number if handled else law.mask_id_number(party.id_number)
    is_person = party.kind is PartyKind.PERSON
    who = {
        PartyKind.PERSON: _("Name"),
        PartyKind.PROPERTY: _("Owner"),
    }.get(party.kind, _("Driver"))
    facts = [
        (who, name),
        (_("Phone"), phone),
        (_("ID number"), id_number),
        (_("Model") if party.plate else _("What it is"), "" if is_person else party.what),
        (_("Insurer"), party.insurer),
        (_("Policy number"), party.policy_number),
        (_("Years of age"), str(party.age) if party.age is not None else ""),
        (_("Where they were"), label(party.role, "person_role") if party.role else ""),
        (_("How badly hurt"), label(party.severity, "injury_severity") if party.severity else ""),
        (_("Hospital"), party.hospital),
    ]
    return [(words, value) for words, value in facts if value]


FIELDS: dict[PartyKind, tuple[str, ...]] = {
    PartyKind.OWN_VEHICLE: ("name", "phone", "what"),
    PartyKind.OTHER_VEHICLE: ("plate", "what", "name", "phone", "id_number", "insurer", "policy_number"),
    PartyKind.PERSON: ("name", "role", "severity", "age", "phone", "id_number", "hospital"),
    PartyKind.PROPERTY: ("what", "name", "phone"),
}
"""What is asked of a party of a kind."""


def field_label(kind: PartyKind, name: str) -> str | None:
    """The words over a field where the kind gives it a meaning of its own."""
    words = {
        (PartyKind.OWN_VEHICLE, "name"): _("Driver"),
        (PartyKind.OWN_VEHICLE, "what"): _("Model"),
        (PartyKind.OTHER_VEHICLE, "name"): _("Driver"),
        (PartyKind.OTHER_VEHICLE, "what"): _("Model"),
        (PartyKind.PROPERTY, "name"): _("Owner"),
    }
    return words.get((kind, name))


def values_of(party: ClaimParty) -> dict[str, Any]:
    """What a party's form is filled with."""
    names = {name for fields in FIELDS.values() for name in fields}
    values = {name: getattr(party, name) for name in names}
    for name in ("role", "severity"):
        values[name] = values[name].value if values[name] else ""
    return values | {"party_version": str(party.version)}


def reported_sides(claim: Claim) -> list[tuple[str, str]]:
    """What the report said, before the parties are entered."""
    injured = (
        ngettext("%(num)s person", "%(num)s people", claim.injured_count)
        if claim.injured_count
        else _("nobody")
    )
    return [(_("Other side"), claim.other_party), (_("Injured"), injured)]


def follow_up_words(entry: InjuryFollowUp) -> str:
    """`forecast 12,000.00, so far 3,500.00`."""
    return _(
        "forecast %(forecast)s, so far %(cost)s",
        forecast=format_yuan(entry.forecast_fen, sign=True),
        cost=format_yuan(entry.cost_fen, sign=True),
    )
