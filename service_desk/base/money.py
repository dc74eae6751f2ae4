"""Money: Decimal yuan in rules, whole fen in the database, one rounding."""

import re
from decimal import ROUND_HALF_UP, Decimal

from service_desk.base.text import fold

FEN = Decimal("0.01")
ZERO = Decimal("0.00")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")


def round_yuan(amount: Decimal) -> Decimal:
    """Round to whole fen, half away from zero (domain.md, Rounding)."""
    return amount.quantize(FEN, rounding=ROUND_HALF_UP)


def to_fen(amount: Decimal) -> int:
    """Yuan to whole fen, rounded half-up."""
    return int(round_yuan(amount) * 100)


def from_fen(fen: int) -> Decimal:
    """Whole fen to yuan with two decimals."""
    return (Decimal(fen) / 100).quantize(FEN)


def format_yuan(fen: int | None, *, sign: bool = False) -> str:
    """`1234500` becomes `12,345.00`; with `sign`, `¥12,345.00`. None becomes a dash."""
    if fen is None:
        return "—"
    text = f"{from_fen(abs(fen)):,.2f}"
    return f"{'-' if fen < 0 else ''}{'¥' if sign else ''}{text}"


def parse_yuan(text: str) -> Decimal:
    """Read what a clerk types: `12,345.6`, `￥1,200`, `1.2万`, `1200元`, full-width too. ValueError if it is no amount.

    A comma parts thousands and nothing else: `1,5万` may mean 1.5 or 15, and is asked again.
    """
    cleaned = fold(text).replace("¥", "").strip()
    factor = Decimal(1)
    if cleaned.endswith("元"):
        cleaned = cleaned[:-1].rstrip()
    if cleaned.endswith("万"):
        cleaned, factor = cleaned[:-1].rstrip(), Decimal(10000)
    if "," in cleaned and not _GROUPED.fullmatch(cleaned):
        raise ValueError(text)
    try:
        amount = Decimal(cleaned.replace(",", "")) * factor
    except ArithmeticError as error:
        raise ValueError(text) from error
    if not amount.is_finite():
        raise ValueError(text)
    return amount


def share(total_fen: int, weights: list[int]) -> list[int]:
    """Split fen by weights: floor, then one fen each to the largest remainders, so that parts add up."""
    weight_sum = sum(weights)
    if weight_sum <= 0:
        raise ValueError("weights must add up to more than zero")
    floors = [total_fen * w // weight_sum for w in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total_fen * weights[i] % weight_sum))
    for i in by_remainder[: total_fen - sum(floors)]:
        floors[i] += 1
    return floors


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ["", "拾", "佰", "仟"]
_GROUPS = ["", "万", "亿", "万亿"]


def _group_in_capitals(group: int) -> str:
    words, pending_zero = "", False
    for place in range(3, -1, -1):
        digit = group // 10**place % 10
        if digit:
            words += ("零" if pending_zero and words else "") + _DIGITS[digit] + _PLACES[place]
            pending_zero = False
        else:
            pending_zero = True
    return words


def capitals(fen: int) -> str:
    """The amount in Chinese capitals as printed on policies and receipts: 人民币壹万贰仟叁佰肆拾伍元整."""
    if fen < 0:
        return "人民币负" + capitals(-fen)[3:]
    yuan, jiao, cent = fen // 100, fen // 10 % 10, fen % 10
    words, gap = "", False
    for index in range(len(_GROUPS) - 1, -1, -1):
        group = yuan // 10 ** (4 * index) % 10000
        if group:
            if words and (gap or group < 1000):
                words += "零"
            words += _group_in_capitals(group) + _GROUPS[index]
            gap = False
        elif words:
            gap = True
    words = words + "元" if words else ("零元" if not (jiao or cent) else "")
    if not jiao and not cent:
        return f"人民币{words}整"
    if jiao:
        words += _DIGITS[jiao] + "角"
    elif words:
        words += "零"
    return f"人民币{words}{_DIGITS[cent] + '分' if cent else '整'}"
