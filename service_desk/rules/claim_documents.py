"""The checklist of documents by what the claim is about (domain.md §10), as data.

Features combine: an accident with an injured person and a damaged wall wants the papers of both, each once.
"""

from collections.abc import Collection
from enum import StrEnum


class ClaimFeature(StrEnum):
    """What a claim is about, as far as it decides which papers are needed."""

    OWN_DAMAGE = "own_damage"
    SINGLE_VEHICLE = "single_vehicle"
    THIRD_PARTY_PROPERTY = "third_party_property"
    INJURY = "injury"
    DEATH = "death"
    GLASS = "glass"
    THEFT = "theft"
    FIRE = "fire"
    PASSENGERS = "passengers"


ALWAYS = (
    "claim_form",
    "vehicle_licence",
    "driving_licence",
    "driver_qualification",
    "accident_proof",
    "bank_account",
)
"""Every claim (CTPL clause art. 18, 2014 model clause art. 15). The qualification certificate is for
commercial vehicles, which the vehicles of a transport group are."""

BY_FEATURE: dict[ClaimFeature, tuple[str, ...]] = {
    ClaimFeature.OWN_DAMAGE: ("repair_list", "repair_invoice"),
    ClaimFeature.SINGLE_VEHICLE: (),
    ClaimFeature.THIRD_PARTY_PROPERTY: (
        "third_party_licence",
        "third_party_repair_invoice",
        "compensation_receipt",
    ),
    ClaimFeature.INJURY: (
        "diagnosis",
        "medical_records",
        "medical_invoices",
        "lost_income_proof",
        "compensation_receipt",
    ),
    ClaimFeature.DEATH: (
        "death_certificate",
        "household_cancellation",
        "family_relation",
        "settlement_or_judgment",
    ),
    ClaimFeature.GLASS: ("repair_invoice",),
    ClaimFeature.THEFT: (
        "police_filing",
        "registration_certificate",
        "purchase_proof",
        "keys",
        "theft_not_found_proof",
        "subrogation_letter",
    ),
    ClaimFeature.FIRE: ("fire_report",),
    ClaimFeature.PASSENGERS: ("ticket_proof", "passenger_list", "settlement_or_judgment"),
}

_ABOVE_10000 = ("business_licence",)
"""The insured's business licence, above ¥10,000 (list of an insurer)."""

_GLASS_ALONE_NEEDS_NO = frozenset({"accident_proof", "driver_qualification"})

_ABOUT_OTHERS = frozenset({"third_party_licence", "diagnosis", "death_certificate"})

DOCUMENT_CODES = tuple(
    dict.fromkeys((*ALWAYS, *(code for codes in BY_FEATURE.values() for code in codes), *_ABOVE_10000))
)


def wanted_documents(
    features: Collection[ClaimFeature], estimate_fen: int, *, is_first_scene: bool
) -> tuple[str, ...]:
    """The codes of the papers a claim needs, each once, in the order of the checklist.

    Where only the insured vehicle was in it, our own survey record at the first scene stands in for the accident proof.
    """
    codes = set(ALWAYS).union(*(BY_FEATURE[feature] for feature in features))
    if estimate_fen > 10_000_00:
        codes |= set(_ABOVE_10000)
    if ClaimFeature.SINGLE_VEHICLE in features and is_first_scene:
        codes.discard("accident_proof")
    if set(features) == {ClaimFeature.GLASS}:
        codes -= _GLASS_ALONE_NEEDS_NO
    return tuple(code for code in DOCUMENT_CODES if code in codes)


def concerns_others(codes: Collection[str]) -> bool:
    """Whether a checklist says that another's property was damaged or people were hurt."""
    return not _ABOUT_OTHERS.isdisjoint(codes)


def likely_features(
    *, injured_count: int, has_other_party: bool, has_own_damage_cover: bool
) -> frozenset[ClaimFeature]:
    """What the report suggests, as the survey form's starting point."""
    features = set()
    if injured_count:
        features.add(ClaimFeature.INJURY)
    features.add(ClaimFeature.THIRD_PARTY_PROPERTY if has_other_party else ClaimFeature.SINGLE_VEHICLE)
    if has_own_damage_cover:
        features.add(ClaimFeature.OWN_DAMAGE)
    return frozenset(features)
