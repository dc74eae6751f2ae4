"""Who and what was in an accident, and what a party is expected to cost."""

from enum import StrEnum

from service_desk.rules.claim_losses import LossKind


class PartyKind(StrEnum):
    OWN_VEHICLE = "own_vehicle"
    OTHER_VEHICLE = "other_vehicle"
    PERSON = "person"
    PROPERTY = "property"


class PersonRole(StrEnum):
    """Where a hurt person was. Those in our vehicle are nobody's third party."""

    PEDESTRIAN = "pedestrian"
    OTHER_VEHICLE = "other_vehicle"
    OUR_PASSENGER = "our_passenger"
    OUR_DRIVER = "our_driver"


class InjurySeverity(StrEnum):
    SLIGHT = "slight"
    SERIOUS = "serious"
    DISABLED = "disabled"
    DEAD = "dead"


class TreatmentStage(StrEnum):
    """Where a treatment stands (人伤跟踪)."""

    EMERGENCY = "emergency"
    INPATIENT = "inpatient"
    SURGERY = "surgery"
    DISCHARGED = "discharged"
    OUTPATIENT = "outpatient"
    APPRAISAL = "appraisal"
    ENDED = "ended"


_KINDS = {
    PartyKind.OWN_VEHICLE: (LossKind.OWN_VEHICLE, LossKind.RESCUE),
    PartyKind.OTHER_VEHICLE: (LossKind.THIRD_PARTY_VEHICLE,),
    PartyKind.PROPERTY: (LossKind.PROPERTY,),
}
_IN_OUR_VEHICLE = frozenset({PersonRole.OUR_PASSENGER, PersonRole.OUR_DRIVER})


def kinds_for(kind: PartyKind, role: PersonRole | None) -> tuple[LossKind, ...]:
    """The kinds of loss a party can have; the first is the usual one."""
    if kind is not PartyKind.PERSON:
        return _KINDS[kind]
    if role in _IN_OUR_VEHICLE:
        return (LossKind.PASSENGER_INJURY, LossKind.PASSENGER_DEATH)
    return (LossKind.INJURY, LossKind.DEATH, LossKind.PROPERTY)


def expected_fen(items_fen: int, forecast_fen: int | None) -> int:
    """What a party is expected to cost: its items, or for the injured the latest forecast where that is more."""
    return max(items_fen, forecast_fen or 0)


def mask_name(name: str) -> str:
    """`王*`, `王**`: a name as shown to those who do not handle the claim."""
    return name[:1] + "*" * min(max(len(name) - 1, 1), 2) if name else ""


def mask_phone(phone: str) -> str:
    """`138****8891`: the first three and the last four digits."""
    digits = "".join(phone.split())
    if len(digits) < 8:
        return "*" * len(digits)
    return f"{digits[:3]}{'*' * (len(digits) - 7)}{digits[-4:]}"


def mask_id_number(number: str) -> str:
    """An identity number with all but the first and the last character hidden."""
    return f"{number[0]}{'*' * (len(number) - 2)}{number[-1]}" if len(number) > 2 else "*" * len(number)
