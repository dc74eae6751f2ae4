"""The checklist of documents by what the claim is about (domain.md §10), as data.

Features combine: an accident with an injured person and a damaged wall wants the papers of both, each once.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class ClaimFeature(StrEnum):
    """What a claim is about, as far as it decides which papers are needed."""

    OWN_DAMAGE = "own_damage"
    SINGLE_VEHICLE = "single_vehicle"
    THIRD_PARTY_PROPERTY = "third_party_property"
    OTHER_PROPERTY = "other_property"
    INJURY = "injury"
    HOSPITAL = "hospital"
    DISABILITY = "disability"
    DEATH = "death"
    GLASS = "glass"
    THEFT = "theft"
    FIRE = "fire"
    PASSENGERS = "passengers"
    RESCUE = "rescue"
    AGENT = "agent"
    DIRECT_PAYMENT = "direct_payment"
    MEDIATED = "mediated"


class Issuer(StrEnum):
    """Who makes a paper out, so that the client knows where to ask for it."""

    INSURED = "insured"
    DRIVER = "driver"
    OTHER_SIDE = "other_side"
    INJURED = "injured"
    POLICE = "police"
    VEHICLE_OFFICE = "vehicle_office"
    HOSPITAL = "hospital"
    EMPLOYER = "employer"
    EXPERT = "expert"
    GARAGE = "garage"
    RESCUE_SERVICE = "rescue_service"
    FIRE_BRIGADE = "fire_brigade"
    COURT = "court"
    AUTHORITY = "authority"


@dataclass(frozen=True)
class DocumentRule:
    """A line of the checklist. `original`: a copy or a photo does not do in the end.

    Wanted for every claim when `always`, else where one of the features is there; and only from an estimate
    above `above_fen` on.
    """

    code: str
    issuer: Issuer
    original: bool = False
    features: frozenset[ClaimFeature] = frozenset()
    always: bool = False
    above_fen: int | None = None


F, I = ClaimFeature, Issuer  # noqa: E741 - two letters that read well in a table


def _always(
    code: str, issuer: Issuer, *, original: bool = False, above_fen: int | None = None
) -> DocumentRule:
    return DocumentRule(code, issuer, original, always=True, above_fen=above_fen)


def _for(
    features: Iterable[ClaimFeature], code: str, issuer: Issuer, *, original: bool = False
) -> DocumentRule:
    return DocumentRule(code, issuer, original, frozenset(features))


RULES: tuple[DocumentRule, ...] = (
    # Every claim: CTPL clause art. 18, 2014 model clause art. 15. The qualification certificate is for commercial
    # vehicles, which the vehicles of a transport group are.
    _always("claim_form", I.INSURED, original=True),
    _always("vehicle_licence", I.VEHICLE_OFFICE),
    _always("driving_licence", I.DRIVER),
    _always("driver_qualification", I.DRIVER),
    _always("accident_proof", I.POLICE, original=True),
    _always("bank_account", I.INSURED, original=True),
    _for([F.OWN_DAMAGE], "repair_list", I.GARAGE, original=True),
    _for([F.OWN_DAMAGE, F.GLASS], "repair_invoice", I.GARAGE, original=True),
    _for([F.OWN_DAMAGE, F.GLASS], "damage_photos", I.INSURED),
    _for([F.RESCUE], "rescue_invoice", I.RESCUE_SERVICE, original=True),
    _for([F.THIRD_PARTY_PROPERTY], "third_party_licence", I.OTHER_SIDE),
    _for([F.THIRD_PARTY_PROPERTY], "third_party_repair_invoice", I.OTHER_SIDE, original=True),
    _for([F.OTHER_PROPERTY], "loss_list", I.OTHER_SIDE, original=True),
    _for([F.OTHER_PROPERTY], "property_proof", I.OTHER_SIDE),
    # 2014 model clause art. 33, Insurance Law art. 65: the insured has paid the victim, or asks us to pay directly.
    _for(
        [F.THIRD_PARTY_PROPERTY, F.OTHER_PROPERTY, F.INJURY],
        "compensation_receipt",
        I.OTHER_SIDE,
        original=True,
    ),
    _for([F.DIRECT_PAYMENT], "direct_payment_request", I.INSURED, original=True),
    _for([F.INJURY, F.PASSENGERS], "diagnosis", I.HOSPITAL),
    _for([F.INJURY, F.PASSENGERS], "medical_records", I.HOSPITAL),
    _for([F.INJURY, F.PASSENGERS], "medical_invoices", I.HOSPITAL, original=True),
    _for([F.HOSPITAL], "discharge_note", I.HOSPITAL),
    _for([F.HOSPITAL], "itemised_list", I.HOSPITAL, original=True),
    _for([F.INJURY], "lost_income_proof", I.EMPLOYER, original=True),
    _for([F.HOSPITAL], "transport_lodging", I.INJURED, original=True),
    _for([F.DISABILITY], "disability_report", I.EXPERT, original=True),
    _for([F.DISABILITY, F.DEATH], "dependants_proof", I.AUTHORITY),
    _for([F.DEATH], "death_certificate", I.AUTHORITY),
    _for([F.DEATH], "household_cancellation", I.AUTHORITY),
    _for([F.DEATH], "family_relation", I.AUTHORITY),
    _for([F.DEATH, F.PASSENGERS, F.MEDIATED], "settlement_or_judgment", I.COURT),
    _for([F.THEFT], "police_filing", I.POLICE, original=True),
    _for([F.THEFT], "registration_certificate", I.VEHICLE_OFFICE, original=True),
    _for([F.THEFT], "purchase_proof", I.INSURED, original=True),
    _for([F.THEFT], "keys", I.INSURED, original=True),
    _for([F.THEFT], "tax_proof", I.AUTHORITY),
    _for([F.THEFT], "plate_suspension", I.VEHICLE_OFFICE, original=True),
    _for([F.THEFT], "theft_not_found_proof", I.POLICE, original=True),
    _for([F.THEFT], "subrogation_letter", I.INSURED, original=True),
    _for([F.FIRE], "fire_report", I.FIRE_BRIGADE),
    _for([F.PASSENGERS], "ticket_proof", I.INSURED),
    _for([F.PASSENGERS], "passenger_list", I.INSURED),
    _for([F.AGENT], "agent_letter", I.INSURED, original=True),
    _for([F.AGENT], "agent_id", I.INSURED),
    # The list of an insurer asks for it above ten thousand yuan.
    _always("business_licence", I.INSURED, above_fen=10_000_00),
)

RULE_OF: Mapping[str, DocumentRule] = {rule.code: rule for rule in RULES}
DOCUMENT_CODES = tuple(RULE_OF)
ALWAYS = tuple(rule.code for rule in RULES if rule.always and rule.above_fen is None)
BY_FEATURE: Mapping[ClaimFeature, tuple[str, ...]] = {
    feature: tuple(rule.code for rule in RULES if feature in rule.features) for feature in ClaimFeature
}

# 2014 model clause: glass alone is settled by form, licences, photos and invoice.
_GLASS_ALONE_NEEDS_NO = frozenset({"accident_proof", "driver_qualification"})

_ABOUT_OTHERS = frozenset({"third_party_licence", "loss_list", "lost_income_proof", "death_certificate"})


def wanted_documents(
    features: Collection[ClaimFeature], estimate_fen: int, *, is_first_scene: bool
) -> tuple[str, ...]:
    """The codes of the papers a claim needs, each once, in the order of the checklist.

    Where only the insured vehicle was in it, our own survey record at the first scene stands in for the accident proof.
    """
    codes = {rule.code for rule in RULES if _wants(rule, features, estimate_fen)}
    if ClaimFeature.SINGLE_VEHICLE in features and is_first_scene:
        codes.discard("accident_proof")
    if set(features) == {ClaimFeature.GLASS}:
        codes -= _GLASS_ALONE_NEEDS_NO
    return tuple(code for code in DOCUMENT_CODES if code in codes)


def _wants(rule: DocumentRule, features: Collection[ClaimFeature], estimate_fen: int) -> bool:
    if rule.above_fen is not None and estimate_fen <= rule.above_fen:
        return False
    return rule.always or not rule.features.isdisjoint(features)


def features_of(codes: Collection[str]) -> frozenset[ClaimFeature]:
    """The features that a checklist made before they were kept must have had, by the papers only they ask for."""
    found = {feature for feature, code in _TELLING.items() if code in codes}
    if "repair_invoice" in codes and ClaimFeature.OWN_DAMAGE not in found:
        found.add(ClaimFeature.GLASS)
    if "accident_proof" not in codes and found != {ClaimFeature.GLASS}:
        found.add(ClaimFeature.SINGLE_VEHICLE)
    return frozenset(found)


_TELLING = {
    feature: codes[0]
    for feature in ClaimFeature
    if (codes := [rule.code for rule in RULES if rule.features == {feature}])
}


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
