"""What the calculation's form starts with, and which of its sections a claim needs."""

from dataclasses import replace
from typing import Any

from flask_babel import gettext as _

from service_desk.forms.claim_calculations import MAX_LABEL, Section
from service_desk.rules.calculation_start import start_of
from service_desk.rules.claim_parties import PartyKind
from service_desk.rules.vocabulary import CoverCode, Fault
from service_desk.services.claims import parties
from service_desk.services.claims.files import ClaimFile
from service_desk.services.claims.stated import (
    CalculationInputs,
    PersonOnBoard,
    VictimLoss,
    stated_again,
)


def suggested(file: ClaimFile) -> CalculationInputs:
    """What was calculated last, with the losses of an assessment or a review since; before that, what was assessed."""
    last = file.calculation
    if last is None:
        return replace(CalculationInputs(fault=file.claim.fault or Fault.FULL), **_losses(file))
    stated = stated_again(last.inputs)
    if not file.assessments or file.assessments[-1].assessed_at <= last.calculated_at:
        return stated
    losses = _losses(file)
    by_others = {one.label: one.ctpl_fen for one in stated.passengers}
    losses["passengers"] = tuple(
        replace(one, ctpl_fen=by_others.get(one.label, 0)) for one in losses["passengers"]
    )
    return replace(stated, property_fen=0, medical_fen=0, death_fen=0, **losses)


def _losses(file: ClaimFile) -> dict[str, Any]:
    """What the latest assessment says was lost, by the names of its parties."""
    start = start_of(file.assessments[-1].items if file.assessments else [])
    names = _names(file)
    return {
        "victims": tuple(
            VictimLoss(names.get(one.party_id, ""), one.property_fen, one.medical_fen, one.death_fen)
            for one in start.victims
        ),
        "passengers": tuple(
            PersonOnBoard(names.get(party_id, ""), fen) for party_id, fen in start.passengers.items()
        ),
        "own_damage_fen": start.own_damage_fen,
        "rescue_fee_fen": start.rescue_fee_fen,
    }


def _names(file: ClaimFile) -> dict[int | None, str]:
    """What each party is called in the calculation: a person's name, a plate, or what was damaged.

    The injured whom nobody has named are numbered, so that each is told from the others.
    """
    owned = [view.party for view in parties.list_parties(file.claim.id)]
    unnamed = [party.id for party in owned if party.kind is PartyKind.PERSON and not party.name]
    numbered = {
        party_id: _("Injured person %(number)s", number=place) for place, party_id in enumerate(unnamed, 1)
    }
    return {
        party.id: numbered.get(party.id) or (party.name or party.plate or party.what)[:MAX_LABEL]
        for party in owned
    }


def wanted_sections(file: ClaimFile) -> set[Section]:
    """The sections that cover, checklist and report speak for."""
    covers = {cover.code for cover in file.covers}
    papers = {line.code for line in file.wanted}
    speaks = {
        Section.VICTIMS: bool(file.claim.other_party or file.claim.injured_count)
        or CoverCode.OWN_DAMAGE not in covers,
        Section.OWN_DAMAGE: CoverCode.OWN_DAMAGE in covers and "repair_list" in papers,
        Section.PASSENGERS: CoverCode.CARRIER_LIABILITY in covers and "passenger_list" in papers,
        Section.OTHER_COVERS: "police_filing" in papers,
    }
    return {section for section, is_wanted in speaks.items() if is_wanted}
