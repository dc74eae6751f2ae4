"""Premium owed: when it falls due, how old a debt is, and which debts a payment settles."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

DAYS_TO_PAY = 7


class Age(StrEnum):
    """How long premium has been overdue. The day it falls due is not overdue."""

    NOT_DUE = "not_due"
    DAYS_30 = "days_30"
    DAYS_90 = "days_90"
    OLDER = "older"


AGE_DAYS = {Age.DAYS_30: 30, Age.DAYS_90: 90}
"""The last day overdue of the middle columns."""


@dataclass(frozen=True)
class Debt:
    """An open receivable: what is still owed of it."""

    id: int
    due_on: date
    open_fen: int


def due_on(first_day: date, issued_on: date) -> date:
    """When a policy's premium falls due: with its first covered day, but a week after issue at the earliest.

    The account pays against a list, so a policy that takes effect at once leaves time for the transfer.
    """
    return max(first_day, issued_on + timedelta(days=DAYS_TO_PAY))


def age_of(due: date, today: date) -> Age:
    """The ageing column a debt stands in."""
    overdue = (today - due).days
    if overdue <= 0:
        return Age.NOT_DUE
    return next((age for age, days in AGE_DAYS.items() if overdue <= days), Age.OLDER)


def allocate(amount_fen: int, debts: Iterable[Debt]) -> dict[int, int]:
    """Split a payment over debts, the oldest first: fen by debt id. The caller keeps it within what is owed."""
    left, parts = amount_fen, {}
    for debt in sorted(debts, key=lambda one: (one.due_on, one.id)):
        part = min(left, debt.open_fen)
        if part:
            parts[debt.id] = part
        left -= part
    return parts
