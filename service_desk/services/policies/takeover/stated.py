"""The money and covers that the rows of one policy state, as they are written down."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from service_desk.base.money import to_fen
from service_desk.rules import ctpl_tariff, sample_rates
from service_desk.rules.policy_list import Statement
from service_desk.rules.vocabulary import CoverCode, PolicyLine

AS_STATED = "as_stated"


def unpaid_fen(parts: Sequence[Statement]) -> int | None:
    """What the list says is not paid yet; None when it does not say."""
    said = [part.unpaid for part in parts if part.unpaid is not None]
    return to_fen(sum(said, Decimal(0))) if said else None


def covers_of(line: PolicyLine, parts: Sequence[Statement], seats: int) -> list[dict[str, Any]]:
    """The covers as rows of `Coverage`: CTPL with its statutory limit, the others as far as the list states them."""
    if line is PolicyLine.CTPL:
        return [_cover(CoverCode.CTPL, ctpl_tariff.LIMITS[0].limit_fen)]
    limits = {code: to_fen(limit) for part in parts for code, limit in part.limits}
    named = {code for part in parts for code in part.covers}
    if line is PolicyLine.CARRIER_LIABILITY:
        seat_fen = limits.get(CoverCode.CARRIER_LIABILITY)
        whole = seat_fen * seats if seat_fen and seats else None
        return [_cover(CoverCode.CARRIER_LIABILITY, whole, seat_fen)]
    codes = named | limits.keys() or {CoverCode.TPL}
    return [_cover(code, limits.get(code)) for code in CoverCode if code in codes]


def _cover(code: CoverCode, limit_fen: int | None, per_seat_fen: int | None = None) -> dict[str, Any]:
    return {"code": code.value, "limit_fen": limit_fen, "per_seat_fen": per_seat_fen}


_KNOWN_SETS: dict[tuple[str, int | None, bool], str] = {
    ("tpl", 1_000_000_00, False): sample_rates.TPL_1M,
    ("tpl", 2_000_000_00, False): sample_rates.TPL_2M,
    ("tpl", 1_000_000_00, True): sample_rates.TPL_1M_OWN_DAMAGE,
    ("carrier_liability", 400_000_00, False): sample_rates.SEAT_400K,
}


def cover_set_of(line: PolicyLine, covers: Sequence[Mapping[str, Any]]) -> str:
    """The cover set whose limits these are, by which a renewal is suggested; else a word for "as the list says"."""
    if line is PolicyLine.CTPL:
        return ctpl_tariff.COVER_SET
    first = covers[0]
    limit = first["per_seat_fen"] or first["limit_fen"]
    return _KNOWN_SETS.get((first["code"], limit, len(covers) > 1), AS_STATED)
