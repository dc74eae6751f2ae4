"""Price tables as workbooks that come back, as a printed page, and drafts of new versions in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters import pdf
from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.adapters.spreadsheets.tables import ColumnKind
from service_desk.base.money import format_yuan
from service_desk.presenters.insurer import insurer_name
from service_desk.presenters.labels import label
from service_desk.presenters.languages import current_language, named
from service_desk.presenters.messages import sentence_for
from service_desk.presenters.policies import band_words, cover_set, table_words
from service_desk.rules import price_sheet
from service_desk.rules.price_sheet import LineChange, PriceRow, RowProblem, name_of
from service_desk.rules.price_sheet.layout import COVER_PARTS, NO_LIMIT, word_of
from service_desk.rules.rating import CoverLimit, LimitPer, RateLine, RateProblem
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies.rate_drafts import DraftView
from service_desk.services.policies.rates import PriceTable

CHANGE_TONES = {"added": ("ok", "plus"), "changed": ("warn", "edit"), "removed": ("bad", "minus")}
_KINDS: dict[str, ColumnKind] = {
    "band_from": "int",
    "band_to": "int",
    "premium": "money",
    "limit": "money",
    "deductible": "money",
    "absolute": "int",
}


def field_words(field: str) -> str:
    """A field of a row as the reader's workbook calls it."""
    return name_of(field, current_language())


def cover_words(limits: Iterable[CoverLimit]) -> str:
    """The covers of a line with limit and deductibles, on one line."""
    return " · ".join(_cover_words(limit) for limit in limits)


def _cover_words(limit: CoverLimit) -> str:
    words = _("%(cover)s %(limit)s", cover=label(limit.coverage, "cover"), limit=_limit_words(limit))
    deductibles = []
    if limit.deductible_fen:
        deductibles.append(format_yuan(limit.deductible_fen, sign=True).removesuffix(".00"))
    if limit.absolute_deductible_percent:
        deductibles.append(f"{limit.absolute_deductible_percent}%")
    if not deductibles:
        return words
    return _("%(cover)s (deductible %(sum)s)", cover=words, sum=" + ".join(deductibles))


def _limit_words(limit: CoverLimit) -> str:
    if limit.limit_fen is None:
        return _("without a stated limit")
    sum_insured = format_yuan(limit.limit_fen, sign=True).removesuffix(".00")
    return _("%(fen)s a seat", fen=sum_insured) if limit.per is LimitPer.SEAT else sum_insured


def line_words(rate: RateLine, names: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """A line of a price table named by what tells it from the others."""
    return " · ".join(
        (set_name(rate.cover_set, names or {}), label(rate.use_class, "use_class"), band_words(rate))
    )


def set_name(code: str, names: Mapping[str, Mapping[str, str]]) -> str:
    """A cover set by the names of a draft, else as the tables call it."""
    return named(names[code]["zh"], names[code]["en"]) if code in names else cover_set(code)


def sheets(price: PriceTable) -> list[TableSheet]:
    """A version as sheets in the reader's language that can be changed and sent back in either."""
    language, line = current_language(), price.table.line
    fields = price_sheet.fields_of(line)
    columns = [Column(name_of(field, language), _kind(field), width=_width(field)) for field in fields]
    notes = [
        table_words(price.table),
        _(
            "Change, add or take out rows and send the file back: it is checked first. From is included, To is"
            " not; leave To empty for a band open at the top. For a new cover set, name it on the second sheet."
        ),
    ]
    rows = [[_cell(rate, field, language) for field in fields] for rate in price.lines]
    names = [[code, names["zh"], names["en"]] for code, names in price.table.cover_set_names.items()]
    name_columns = [Column(name_of(field, language), width=32) for field in ("code", "zh", "en")]
    return [
        TableSheet(label(line, "policy_line"), price.table.name, columns, rows, notes),
        TableSheet(_("Cover sets"), _("Cover sets"), name_columns, names),
    ]


def _kind(field: str) -> ColumnKind:
    return _KINDS.get(field) or _KINDS.get(field.rpartition("_")[2], "text")


def _width(field: str) -> float:
    return 18 if field == "cover_set" else 14


def _cell(rate: RateLine, field: str, language: str) -> Any:
    plain: dict[str, Any] = {
        "cover_set": rate.cover_set,
        "use_class": word_of("use_class", rate.use_class.value, language),
        "measure": word_of("measure", rate.measure.value, language),
        "band_from": int(rate.band_from),
        "band_to": None if rate.band_to is None else int(rate.band_to),
        "premium": rate.premium_fen,
        "per_seat": word_of("per_seat", "yes" if rate.per_seat else "no", language),
    }
    return plain[field] if field in plain else _cover_cell(rate, field, language)


def _cover_cell(rate: RateLine, field: str, language: str) -> Any:
    cover, _underscore, part = field.rpartition("_")
    limit = next((one for one in rate.limits if one.coverage.value == cover), None)
    if limit is None or part not in COVER_PARTS:
        return None
    if part == "limit":
        unlimited = NO_LIMIT[0 if language == "zh" else 1]
        return unlimited if limit.limit_fen is None else limit.limit_fen
    if part == "per":
        return word_of("per", limit.per.value, language)
    return limit.deductible_fen if part == "deductible" else limit.absolute_deductible_percent


@dataclass(frozen=True)
class ProblemRow:
    """What is wrong with a row: where it stands, which field, what the field says, and why it is refused."""

    row_id: int
    where: str
    field: str
    value: str
    reason: str
    is_cover_set: bool = False


def problem_rows(view: DraftView) -> list[ProblemRow]:
    """Every refused field of a draft, in the order of its rows."""
    found = []
    for row in view.rows:
        found += [_problem(row, problem) for problem in view.judged.problems.get(row.id, [])]
    for own in view.cover_sets:
        found += [
            ProblemRow(
                own.id,
                where_words(own.row_no, own.id),
                field_words(problem.field),
                getattr(own, problem.field),
                problem_words(problem),
                is_cover_set=True,
            )
            for problem in view.judged.cover_set_problems.get(own.id, [])
        ]
    return found


def _problem(row: PriceRow, problem: RowProblem) -> ProblemRow:
    return ProblemRow(
        row.id,
        where_words(row.row_no, row.id),
        field_words(problem.field),
        row.values.get(problem.field, ""),
        problem_words(problem),
    )


def problem_words(problem: RowProblem) -> str:
    """Why a field is refused."""
    return sentence_for(problem.code, problem.params)


def where_words(row_no: int | None, row_id: int) -> str:
    """Where a row stands: the row of the workbook, or the place in the page."""
    return _("row %(number)s", number=row_id if row_no is None else row_no)


def overlap_words(view: DraftView) -> list[str]:
    """Each overlap with both lines."""
    rows, names = {row.id: row for row in view.rows}, view.judged.names
    return [
        _(
            "%(first)s (%(first_row)s) and %(second)s (%(second_row)s) both price %(band)s.",
            first=line_words(view.judged.rates[first], names),
            first_row=where_words(rows[first].row_no, first),
            second=line_words(view.judged.rates[second], names),
            second_row=where_words(rows[second].row_no, second),
            band=_span_words(problem),
        )
        for first, second, problem in view.judged.overlaps
    ]


def hole_words(view: DraftView) -> list[str]:
    """Each hole: for which vehicles there is no price."""
    return [
        _(
            "%(cover_set)s, %(use_class)s: no price for %(band)s.",
            cover_set=set_name(problem.cover_set, view.judged.names),
            use_class=label(problem.use_class, "use_class"),
            band=_span_words(problem),
        )
        for problem in view.judged.holes
    ]


def _span_words(problem: RateProblem) -> str:
    return band_words(
        RateLine(
            problem.line,
            problem.cover_set,
            problem.use_class,
            problem.measure,
            problem.band_from,
            problem.band_to,
            0,
        )
    )


@dataclass(frozen=True)
class ChangeRow:
    """A changed line: what it is, and what it was and will be."""

    kind: str
    cover_set: str
    use_class: str
    before: str
    after: str
    premium_before: str
    premium_after: str


def change_rows(view: DraftView) -> list[ChangeRow]:
    """What a draft changes, line by line."""
    return [_change(change, view.judged.names) for change in view.changes]


def _change(change: LineChange, names: Mapping[str, Mapping[str, str]]) -> ChangeRow:
    before, after = change.before, change.after
    with_covers = before is not None and after is not None and before.limits != after.limits
    return ChangeRow(
        kind=change.kind,
        cover_set=set_name(change.rate.cover_set, names),
        use_class=label(change.rate.use_class, "use_class"),
        before=_side(before, with_covers=with_covers),
        after=_side(after, with_covers=with_covers or before is None),
        premium_before=_premium(before),
        premium_after=_premium(after),
    )


def _side(rate: RateLine | None, *, with_covers: bool) -> str:
    if rate is None:
        return ""
    words = band_words(rate)
    return f"{words} · {cover_words(rate.limits)}" if with_covers else words


def _premium(rate: RateLine | None) -> str:
    if rate is None:
        return ""
    words = format_yuan(rate.premium_fen)
    return _("%(fen)s a seat", fen=words) if rate.per_seat else words


def tables_pdf(tables: Sequence[PriceTable], account: str, today: date) -> bytes:
    """Print the versions side by side: classes and bands down, cover sets across."""
    columns = [(price, code) for price in tables for code in price.cover_sets]
    title = _("Price table")
    return pdf.render(
        "price_table",
        {
            "lang": current_language(),
            "labels": {"page": _("Page {page} of {pages}"), "class": _("Class"), "band": _("Band")},
            "document_title": title,
            "watermark": _("Sample") if any(price.table.is_sample for price in tables) else "",
            "insurer_name": insurer_name(),
            "title": title,
            "subtitle": " · ".join([account, *(table_words(price.table) for price in tables)]),
            "made_on": _("As of %(day)s", day=today.isoformat()),
            "groups": [
                {"name": label(price.table.line, "policy_line"), "span": len(price.cover_sets)}
                for price in tables
            ],
            "columns": [
                {"name": cover_set(code), "limits": _common_limits(price, code)} for price, code in columns
            ],
            "rows": _matrix(columns),
            "notices": _notices(tables),
        },
    )


def _common_limits(price: PriceTable, code: str) -> str:
    """The covers that are alike in all lines of a cover set; the others stand beside each premium."""
    lines = [rate for rate in price.lines if rate.cover_set == code]
    return cover_words(limit for limit in lines[0].limits if all(limit in rate.limits for rate in lines))


_Key = tuple[str, str, Decimal, Decimal | None]


def _matrix(columns: Sequence[tuple[PriceTable, str]]) -> list[dict[str, Any]]:
    """A row for each class and band that any cover set has."""
    prices: dict[_Key, dict[int, RateLine]] = {}
    for place, (price, code) in enumerate(columns):
        for rate in price.lines:
            if rate.cover_set == code:
                key = (rate.use_class.value, rate.measure.value, rate.band_from, rate.band_to)
                prices.setdefault(key, {})[place] = rate
    classes = list(dict.fromkeys(key[0] for key in prices))
    top = Decimal("Infinity")
    keys = sorted(
        prices, key=lambda key: (classes.index(key[0]), key[1], key[2], top if key[3] is None else key[3])
    )
    common = [_common_limits(price, code) for price, code in columns]
    rows = []
    for _use_class, own in groupby(keys, key=lambda key: key[0]):
        group = list(own)
        for index, key in enumerate(group):
            rate = next(iter(prices[key].values()))
            rows.append(
                {
                    "class": label(rate.use_class, "use_class"),
                    "span": 0 if index else len(group),
                    "band": band_words(rate),
                    "cells": [
                        _price_cell(prices[key].get(place), common[place]) for place in range(len(columns))
                    ],
                }
            )
    return rows


def _price_cell(rate: RateLine | None, common: str) -> dict[str, str]:
    if rate is None:
        return {"premium": "", "note": ""}
    own = [words for limit in rate.limits if (words := _cover_words(limit)) not in common.split(" · ")]
    return {"premium": _premium(rate).replace(".00", ""), "note": " · ".join(own)}


def _notices(tables: Sequence[PriceTable]) -> list[str]:
    notices = [
        _(
            "Premiums in yuan for a year and the whole vehicle unless a seat is named; a band holds its lower number and not its upper one."
        ),
    ]
    if any(price.table.line is PolicyLine.CTPL for price in tables):
        notices.append(
            _(
                "CTPL: the base premium. The final one is base × (1 + float): A1 −10 %, A2 −20 %, A3 −30 %, A4 0, A5 +10 %, A6 +30 %. Vehicle tax is collected with it and is not part of it."
            )
        )
    notices += [_("Source: %(source)s", source=price.table.source) for price in tables if price.table.source]
    return notices
