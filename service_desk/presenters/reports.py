"""Shares as the overview shows them."""

from service_desk.rules.metrics import Ratio


def percent(ratio: Ratio) -> str:
    """`85.7% (6/7)`: the share and what it is made of; a dash when there is nothing to divide by."""
    return f"{share(ratio)} ({fraction(ratio)})" if ratio.whole else "—"


def share(ratio: Ratio) -> str:
    """`85.7%`, or a dash."""
    value = ratio.percent()
    return "—" if value is None else f"{value}%"


def fraction(ratio: Ratio) -> str:
    """`6/7`, or a dash."""
    return f"{ratio.part:,}/{ratio.whole:,}" if ratio.whole else "—"
