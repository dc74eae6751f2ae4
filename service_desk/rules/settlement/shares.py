"""Sharing an amount so that the parts add up: floor to the fen, then a fen each to the largest remainders."""

from collections.abc import Sequence
from decimal import Decimal

from service_desk.base.money import ZERO, from_fen, round_yuan, share, to_fen


def share_yuan(total: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Split yuan by weights, in whole fen; among equal remainders the one listed first gets the fen.

    Nought for each where nothing weighs anything.
    """
    in_fen = [to_fen(weight) for weight in weights]
    if not any(in_fen):
        return (ZERO,) * len(in_fen)
    return tuple(from_fen(part) for part in share(to_fen(total), in_fen))


def share_within(loss: Decimal, limits: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """What each limit bears of a loss: itself when the loss reaches their sum, else its share by limit."""
    return share_yuan(min(round_yuan(loss), sum(limits, ZERO)), limits)
