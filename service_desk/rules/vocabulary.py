"""The words of the field that several rules and tables share (glossary.md)."""

from enum import StrEnum


class UseClass(StrEnum):
    """Vehicle use class (使用性质) as rated."""

    COACH = "coach"
    CITY_BUS = "city_bus"
    TAXI_RENTAL = "taxi_rental"
    GOODS = "goods"
    NON_OPERATING = "non_operating"


class Severity(StrEnum):
    """How grave an accident is for people; what it costs is an amount, not a severity.

    A carrier of passengers fears many hurt at once (群死群伤) most; from three on it is one (desk rule).
    """

    PROPERTY_ONLY = "property_only"
    INJURY = "injury"
    MASS_INJURY = "mass_injury"


MASS_INJURY_FROM = 3


def severity_of(injured_count: int) -> Severity:
    """The severity of an accident in which so many people were hurt or killed."""
    if injured_count >= MASS_INJURY_FROM:
        return Severity.MASS_INJURY
    return Severity.INJURY if injured_count else Severity.PROPERTY_ONLY


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
