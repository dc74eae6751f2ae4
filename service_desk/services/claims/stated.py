"""What a clerk states of a claim that is calculated, and how it is kept with the calculation."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any

from service_desk.rules import settlement as law
from service_desk.rules.vocabulary import Fault


@dataclass(frozen=True)
class VictimLoss:
    """What one victim lost, in fen by CTPL item."""

    label: str
    property_fen: int = 0
    medical_fen: int = 0
    death_fen: int = 0


@dataclass(frozen=True)
class VehicleBeside:
    """Another vehicle that bears part of the loss."""

    label: str
    standing: law.Standing


@dataclass(frozen=True)
class PersonOnBoard:
    """What one person on board lost; `ctpl_fen` is what another vehicle's CTPL owes of it."""

    label: str
    loss_fen: int
    ctpl_fen: int = 0


@dataclass(frozen=True)
class CalculationInputs:
    """What the calculator states; cover, limits and clause come from the claim. Money in fen, shares in percent.

    `fault_percent` is a court's decision that overrides the share the clause gives the fault. The losses without a name
    (`property_fen`, `medical_fen`, `death_fen`) and those of `victims` count alike. `tpl_rate_percent` and
    `own_rate_percent` are absolute deductibles beside the policy's own (unsafe loading, third party not found).
    `rescue_cost_fen` is medical, for a driver CTPL does not cover; `rescue_fee_fen` is the towing. Contract data that
    is None is taken from the cover found at the loss.
    """

    fault: Fault
    property_fen: int = 0
    medical_fen: int = 0
    death_fen: int = 0
    own_damage_fen: int = 0
    is_total_loss: bool = False
    received_fen: int = 0
    salvage_fen: int = 0
    fault_percent: int | None = None
    note: str = ""
    victims: tuple[VictimLoss, ...] = ()
    vehicles: tuple[VehicleBeside, ...] = ()
    driver: law.Driver = law.Driver.FIT
    driver_name: str = ""
    rescue_cost_fen: int = 0
    is_injury_ordered: bool = False
    payer: law.Payer = law.Payer.ORDINARY
    deductible_waiver: bool = False
    tpl_rate_percent: int = 0
    own_rate_percent: int = 0
    trailer_limit_fen: int = 0
    is_trailer_ours: bool = True
    uses_fault_ratio: bool = False
    other_ctpl_fen: int = 0
    rescue_fee_fen: int = 0
    rescue_vehicle_fen: int | None = None
    rescue_uninsured_fen: int = 0
    other_party: str = ""
    occupants: tuple[PersonOnBoard, ...] = ()
    seat_limit_fen: int | None = None
    passengers: tuple[PersonOnBoard, ...] = ()
    passenger_limit_fen: int | None = None
    passenger_deductible_fen: int | None = None
    passenger_deductible_percent: int | None = None
    glass_fen: int = 0
    is_stolen: bool = False
    theft_sum_fen: int | None = None
    missing_documents: int = 0
    tpl_limit_fen: int | None = None
    own_sum_fen: int | None = None

    @property
    def has_third_parties(self) -> bool:
        """Whether others lost anything."""
        unnamed = self.property_fen + self.medical_fen + self.death_fen
        return bool(unnamed or self.victims or self.rescue_cost_fen)

    @property
    def has_own_damage(self) -> bool:
        """Whether the own vehicle or its rescue cost anything."""
        return bool(self.own_damage_fen or self.is_total_loss or self.rescue_fee_fen)

    @property
    def has_others(self) -> bool:
        """Whether anything is to be paid beside third parties and own damage."""
        return bool(self.occupants or self.passengers or self.glass_fen or self.is_stolen)


def stated_as_json(command: CalculationInputs) -> dict[str, Any]:
    """A command as its row keeps it; `stated_again` reads it."""
    stated: dict[str, Any] = _plain(asdict(command))
    return stated


def _plain(value: Any) -> Any:
    """Enums as their words, tuples as lists."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.value if isinstance(value, Enum) else value


def stated_again(inputs: Mapping[str, Any]) -> CalculationInputs:
    """The command a kept calculation was made with. What older ones did not ask for is as if left empty."""
    known = {field.name for field in fields(CalculationInputs)}
    values = {name: value for name, value in inputs.items() if name in known}
    values["fault"] = Fault(values["fault"])
    for name, kind in (("driver", law.Driver), ("payer", law.Payer)):
        if name in values:
            values[name] = kind(values[name])
    for name, row in (("victims", VictimLoss), ("occupants", PersonOnBoard), ("passengers", PersonOnBoard)):
        values[name] = tuple(row(**one) for one in values.get(name, ()))
    values["vehicles"] = tuple(
        VehicleBeside(one["label"], law.Standing(one["standing"])) for one in values.get("vehicles", ())
    )
    return CalculationInputs(**values)
