"""What a form of a case is: it reads its inputs, and answers with figures and working."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from service_desk.rules.settlement.inputs import Inputs
from service_desk.rules.settlement.working import WorkingLine, yuan

Answer = tuple[dict[str, Any], tuple[WorkingLine, ...]]
Form = Callable[[Inputs], Answer]


def amounts(figures: Mapping[str, Decimal]) -> dict[str, Any]:
    """Figures as text with two decimals."""
    return {name: plain(amount) for name, amount in figures.items()}


def plain(amount: Decimal) -> str:
    """An amount as an answer has it: 12345.00."""
    return yuan(amount).replace(",", "")
