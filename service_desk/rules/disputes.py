"""Disputes about a claim: what they are about, how they end, what follows, and until when one may be raised."""

from datetime import date
from enum import StrEnum

from service_desk.rules.claim_flow import OPEN_STATES, ClaimState


class DisputeTopic(StrEnum):
    """What the client objects to."""

    AMOUNT = "amount"
    FAULT = "fault"
    COVER = "cover"
    DOCUMENTS = "documents"
    LOSS_OF_USE = "loss_of_use"
    TIME_TAKEN = "time_taken"
    OTHER = "other"


class DisputeSide(StrEnum):
    """Who says something, or brings evidence."""

    CLIENT = "client"
    DESK = "desk"


class DisputeOutcome(StrEnum):
    """How a dispute ends. WITHDRAWN is the client's own word; MEDIATION and COURT are settled elsewhere."""

    CLIENT_RIGHT = "client_right"
    PARTLY = "partly"
    NOT_RIGHT = "not_right"
    WITHDRAWN = "withdrawn"
    MEDIATION = "mediation"
    COURT = "court"


class Consequence(StrEnum):
    """What a decision leads to."""

    NEW_CALCULATION = "new_calculation"
    REOPENING = "reopening"
    NOTHING = "nothing"


DECISIONS = tuple(outcome for outcome in DisputeOutcome if outcome is not DisputeOutcome.WITHDRAWN)
"""What whoever decides may choose from."""

IN_FAVOUR = frozenset({DisputeOutcome.CLIENT_RIGHT, DisputeOutcome.PARTLY})
_ABOUT_MONEY = frozenset({DisputeTopic.AMOUNT, DisputeTopic.LOSS_OF_USE})
_UNFOUNDED = frozenset({DisputeOutcome.NOT_RIGHT, DisputeOutcome.WITHDRAWN})
LIMITATION_YEARS = 2


def needs_amount(topic: DisputeTopic) -> bool:
    """Whether the client has to say how much they claim."""
    return topic in _ABOUT_MONEY


def last_day_to_dispute(ended_on: date) -> date:
    """The last day on which a claim that ended may still be disputed.

    Two years (Insurance Law art. 26); the claim made in time interrupts them (Civil Code art. 195), so that they
    run anew from the day the proceedings ended.
    """
    try:
        return ended_on.replace(year=ended_on.year + LIMITATION_YEARS)
    except ValueError:
        return date(ended_on.year + LIMITATION_YEARS, 2, 28)


def undisputed_fen(offered_fen: int | None, claimed_fen: int | None) -> int:
    """What both sides agree is owed at the least: the offer, unless the client claims even less."""
    if offered_fen is None:
        return 0
    return offered_fen if claimed_fen is None else min(offered_fen, claimed_fen)


def consequences(state: ClaimState, outcome: DisputeOutcome) -> tuple[Consequence, ...]:
    """What may follow from an outcome in the state the claim is in."""
    if outcome in _UNFOUNDED:
        return (Consequence.NOTHING,)
    first = Consequence.NEW_CALCULATION if state in OPEN_STATES else Consequence.REOPENING
    return (first, Consequence.NOTHING)
