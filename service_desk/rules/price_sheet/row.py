"""Reading one row: each field that is wrong is told, with the field it is and what it says."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service_desk.base.money import parse_yuan, to_fen
from service_desk.base.text import search_key, squeeze
from service_desk.rules.price_sheet.layout import COVERS, NO_LIMIT, USUAL_PER, code_of, cover_field
from service_desk.rules.rating import MEASURES, CoverLimit, LimitPer, Measure, RateLine
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass

MOST_YUAN = Decimal(10) ** 10
MOST_IN_BAND = 100_000


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with a field of a row: a code, and what its sentence needs."""

    code: str
    field: str
    params: dict[str, Any] = dataclasses.field(default_factory=dict)


def read_row(
    line: PolicyLine, values: Mapping[str, str], cover_sets: Mapping[str, str]
) -> RateLine | list[RowProblem]:
    """Read a row: the line of the price table, or everything that is wrong with it.

    `cover_sets` gives the code for what a row may call a cover set (`search_key` of its code or a name).
    """
    return _Row(line, values, cover_sets).read()


def problems_of(
    line: PolicyLine, values: Mapping[str, str], cover_sets: Mapping[str, str]
) -> list[RowProblem]:
    """What is wrong with a row; nothing when it can be read."""
    answer = read_row(line, values, cover_sets)
    return [] if isinstance(answer, RateLine) else answer


class _Row:
    def __init__(self, line: PolicyLine, values: Mapping[str, str], cover_sets: Mapping[str, str]) -> None:
        self._line = line
        self._values = values
        self._cover_sets = cover_sets
        self._problems: list[RowProblem] = []

    def read(self) -> RateLine | list[RowProblem]:
        cover_set = self._cover_set()
        use_class = self._code("use_class", "use_class")
        measure = self._measure(use_class)
        band = self._band()
        premium = self._premium()
        per_seat = self._code("per_seat", "per_seat")
        limits = self._limits()
        if self._problems:
            return self._problems
        return RateLine(
            line=self._line,
            cover_set=cover_set,
            use_class=UseClass(use_class),
            measure=Measure(measure),
            band_from=Decimal(band[0] or 0),
            band_to=None if band[1] is None else Decimal(band[1]),
            premium_fen=premium,
            per_seat=per_seat == "yes",
            limits=limits,
        )

    def _text(self, name: str) -> str:
        return squeeze(self._values.get(name, ""))

    def _refuse(self, code: str, name: str, **params: Any) -> None:
        self._problems.append(RowProblem(code, name, params))

    def _cover_set(self) -> str:
        text = self._text("cover_set")
        code = self._cover_sets.get(search_key(text))
        if not text:
            self._refuse("price_field_missing", "cover_set")
        elif code is None:
            self._refuse("price_cover_set_unknown", "cover_set", value=text)
        return code or ""

    def _code(self, name: str, kind: str, text: str | None = None) -> str:
        text = self._text(name) if text is None else text
        code = code_of(kind, text)
        if code is None:
            if text:
                self._refuse("price_word_unknown", name, value=text)
            else:
                self._refuse("price_field_missing", name)
        return code or ""

    def _measure(self, use_class: str) -> str:
        """Seats or tonnes, as rating counts a vehicle of the class: another line would price nothing."""
        measure = self._code("measure", "measure")
        if use_class and measure and Measure(measure) not in MEASURES[UseClass(use_class)]:
            self._refuse("price_measure_wrong", "measure", value=self._text("measure"))
        return measure

    def _band(self) -> tuple[int | None, int | None]:
        before = len(self._problems)
        start = self._whole("band_from")
        end = self._whole("band_to") if self._text("band_to") else None
        if len(self._problems) == before and start is not None and end is not None and end <= start:
            self._refuse("price_band_ends_first", "band_to", start=start, end=end)
        return start, end

    def _whole(self, name: str, most: int = MOST_IN_BAND) -> int | None:
        text = self._text(name).removesuffix("%").strip()
        try:
            number = Decimal(text)
        except ArithmeticError:
            number = Decimal("NaN")
        if not text:
            self._refuse("price_field_missing", name)
        elif not number.is_finite() or number != number.to_integral_value() or not 0 <= number <= most:
            self._refuse("price_not_whole", name, value=text, most=most)
        else:
            return int(number)
        return None

    def _premium(self) -> int:
        fen = self._money("premium")
        if fen is not None and fen <= 0:
            self._refuse("price_not_positive", "premium", value=self._text("premium"))
        return fen or 0

    def _money(self, name: str) -> int | None:
        """Whole fen; None when there is no amount, which has been told."""
        text = self._text(name)
        if not text:
            self._refuse("price_field_missing", name)
            return None
        try:
            amount = parse_yuan(text)
        except ValueError:
            self._refuse("price_no_amount", name, value=text)
            return None
        if abs(amount) >= MOST_YUAN or amount != amount.quantize(Decimal("0.01")):
            self._refuse("price_no_amount", name, value=text)
            return None
        return to_fen(amount)

    def _limits(self) -> tuple[CoverLimit, ...]:
        found = [limit for cover in COVERS[self._line] if (limit := self._limit(cover))]
        if not found and not any(problem.field.endswith("_limit") for problem in self._problems):
            self._refuse("price_no_cover", cover_field(COVERS[self._line][0], "limit"))
        return tuple(found)

    def _limit(self, cover: CoverCode) -> CoverLimit | None:
        name = cover_field(cover, "limit")
        text, per = self._text(name), self._text(cover_field(cover, "per"))
        deductible = self._optional_money(cover_field(cover, "deductible"))
        percent_field = cover_field(cover, "absolute")
        percent = self._whole(percent_field, most=99) if self._text(percent_field) else 0
        if not text:
            if per or deductible or percent:
                self._refuse("price_limit_missing", name)
            return None
        return CoverLimit(
            coverage=cover,
            limit_fen=None if search_key(text) in map(search_key, NO_LIMIT) else self._limit_fen(name),
            per=LimitPer(self._code(cover_field(cover, "per"), "per", per) or USUAL_PER[cover])
            if per
            else USUAL_PER[cover],
            deductible_fen=deductible,
            absolute_deductible_percent=percent or 0,
        )

    def _limit_fen(self, name: str) -> int:
        fen = self._money(name)
        if fen is not None and fen <= 0:
            self._refuse("price_not_positive", name, value=self._text(name))
        return fen or 0

    def _optional_money(self, name: str) -> int:
        if not self._text(name):
            return 0
        fen = self._money(name)
        if fen is not None and fen < 0:
            self._refuse("price_negative", name, value=self._text(name))
        return fen or 0
