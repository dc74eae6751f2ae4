"""The fields of a list of policies, and what one row says."""

from dataclasses import dataclass
from dataclasses import field as made
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from service_desk.rules.fleet_list import Place
from service_desk.rules.vocabulary import CoverCode, PolicyLine


class Field(StrEnum):
    """What a column can hold. Those of a line stand in lists with one row a vehicle."""

    NUMBER = "number"
    INSURER = "insurer"
    LINE = "line"
    PLATE = "plate"
    VIN = "vin"
    STARTS_ON = "starts_on"
    ENDS_ON = "ends_on"
    PREMIUM = "premium"
    TAX = "tax"
    TPL_LIMIT = "tpl_limit"
    SUM_INSURED = "sum_insured"
    SEAT_LIMIT = "seat_limit"
    LIMIT = "limit"
    UNPAID = "unpaid"
    PAID = "paid"
    BRANCH = "branch"
    USE_CLASS = "use_class"
    SEATS = "seats"
    LOAD_T = "load_t"
    MODEL = "model"
    ENGINE_NO = "engine_no"
    REGISTERED_ON = "registered_on"
    CTPL_NUMBER = "ctpl_number"
    CTPL_STARTS_ON = "ctpl_starts_on"
    CTPL_ENDS_ON = "ctpl_ends_on"
    CTPL_PREMIUM = "ctpl_premium"
    COMMERCIAL_NUMBER = "commercial_number"
    COMMERCIAL_STARTS_ON = "commercial_starts_on"
    COMMERCIAL_ENDS_ON = "commercial_ends_on"
    COMMERCIAL_PREMIUM = "commercial_premium"
    CARRIER_NUMBER = "carrier_number"
    CARRIER_STARTS_ON = "carrier_starts_on"
    CARRIER_ENDS_ON = "carrier_ends_on"
    CARRIER_PREMIUM = "carrier_premium"


@dataclass(frozen=True)
class Columns:
    """The fields that speak of one policy of a row. `line` None: the row's own column of lines says it."""

    line: PolicyLine | None
    number: Field
    starts_on: Field
    ends_on: Field
    premium: Field


ONE_A_ROW = Columns(None, Field.NUMBER, Field.STARTS_ON, Field.ENDS_ON, Field.PREMIUM)
BESIDE_EACH_OTHER = (
    Columns(PolicyLine.CTPL, Field.CTPL_NUMBER, Field.CTPL_STARTS_ON, Field.CTPL_ENDS_ON, Field.CTPL_PREMIUM),
    Columns(
        PolicyLine.COMMERCIAL,
        Field.COMMERCIAL_NUMBER,
        Field.COMMERCIAL_STARTS_ON,
        Field.COMMERCIAL_ENDS_ON,
        Field.COMMERCIAL_PREMIUM,
    ),
    Columns(
        PolicyLine.CARRIER_LIABILITY,
        Field.CARRIER_NUMBER,
        Field.CARRIER_STARTS_ON,
        Field.CARRIER_ENDS_ON,
        Field.CARRIER_PREMIUM,
    ),
)


@dataclass(frozen=True, slots=True)
class VehicleFacts:
    """What the row says of the vehicle beyond its plate and VIN, for a vehicle that is not on record."""

    use_class: str | None = None
    seats: int | None = None
    load_kg: int | None = None
    model: str | None = None
    engine_no: str | None = None
    registered_on: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy as a row states it, amounts in yuan, the term half-open.

    `vin` may be its last six characters or more (`vin_is_whole` False) when a plate stands beside it. `covers`
    are the covers the row names (第三者责任险); empty: all of the line. `limits` are stated by cover, a seat's for
    carrier's liability. `insurer` None: not said. `unpaid` None: the list does not say.
    """

    sheet: str | None
    row: int
    line: PolicyLine
    covers: tuple[CoverCode, ...]
    number: str
    insurer: str | None
    plate: str | None
    vin: str | None
    vin_is_whole: bool
    starts_at: datetime
    ends_at: datetime
    premium: Decimal | None
    premium_field: Field
    tax: Decimal | None
    limits: tuple[tuple[CoverCode, Decimal], ...]
    unpaid: Decimal | None
    branch: str | None
    vehicle: VehicleFacts

    @property
    def place(self) -> Place:
        return Place(self.sheet, self.row)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a policy of a row cannot be read. `line` None: the whole row, or its line is not known."""

    sheet: str | None
    row: int
    code: str
    field: str = ""
    value: str = ""
    line: PolicyLine | None = None
    params: dict[str, Any] = made(default_factory=dict)

    @property
    def place(self) -> Place:
        return Place(self.sheet, self.row)
