"""The words of the field that several rules and tables share (glossary.md)."""

from enum import StrEnum


class UseClass(StrEnum):
    """Vehicle use class (使用性质) as rated."""

    COACH = "coach"
    CITY_BUS = "city_bus"
    TAXI_RENTAL = "taxi_rental"
    GOODS = "goods"
    NON_OPERATING = "non_operating"


class PolicyLine(StrEnum):
    """One policy is of one line: compulsory liability, the commercial covers, or carrier's liability."""

    CTPL = "ctpl"
    COMMERCIAL = "commercial"
    CARRIER_LIABILITY = "carrier_liability"


class CoverCode(StrEnum):
    """A cover within a policy."""

    CTPL = "ctpl"
    TPL = "tpl"
    OWN_DAMAGE = "own_damage"
    CARRIER_LIABILITY = "carrier_liability"


class Fault(StrEnum):
    """Fault in the accident (事故责任)."""

    FULL = "full"
    MAIN = "main"
    EQUAL = "equal"
    MINOR = "minor"
    NONE = "none"
