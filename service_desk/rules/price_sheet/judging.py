"""Judging the rows of a price table together: what is wrong with each, which overlap, where no price stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from service_desk.base.text import one_line, search_key, squeeze
from service_desk.rules.price_sheet.layout import is_code
from service_desk.rules.price_sheet.row import RowProblem, read_row
from service_desk.rules.rating import RateLine, RateProblem, table_problems
from service_desk.rules.vocabulary import PolicyLine

LONGEST_NAME = 60


@dataclass(frozen=True)
class PriceRow:
    """A row as typed or read. `row_no` is the workbook's; None for a row of the page."""

    id: int
    row_no: int | None
    values: dict[str, str]


@dataclass(frozen=True)
class CoverSetRow:
    """A cover set as typed or read: its code and its names."""

    id: int
    row_no: int | None
    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Judged:
    """A price table judged. `problems` and `cover_set_problems` are by id of the row."""

    rates: dict[int, RateLine] = field(default_factory=dict)
    problems: dict[int, list[RowProblem]] = field(default_factory=dict)
    cover_set_problems: dict[int, list[RowProblem]] = field(default_factory=dict)
    overlaps: list[tuple[int, int, RateProblem]] = field(default_factory=list)
    holes: list[RateProblem] = field(default_factory=list)
    names: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        """Whether every row can be read and no vehicle would have two prices."""
        return bool(self.rates) and not (self.problems or self.cover_set_problems or self.overlaps)


def judge(line: PolicyLine, rows: Sequence[PriceRow], cover_sets: Sequence[CoverSetRow]) -> Judged:
    """Read every row and compare them; an overlap names the ids of both rows."""
    judged = Judged()
    known = _judge_cover_sets(cover_sets, judged)
    for row in rows:
        answer = read_row(line, row.values, known)
        if isinstance(answer, RateLine):
            judged.rates[row.id] = answer
        else:
            judged.problems[row.id] = answer
    ids = list(judged.rates)
    for problem in table_problems(list(judged.rates.values())):
        if problem.code == "overlap":
            first, second = (ids[index] for index in problem.at)
            judged.overlaps.append((first, second, problem))
        else:
            judged.holes.append(problem)
    return judged


def known_cover_sets(cover_sets: Sequence[CoverSetRow]) -> dict[str, str]:
    """The code for everything a row may call a cover set by (`search_key` of its code or a name)."""
    return _judge_cover_sets(cover_sets, Judged())


def _judge_cover_sets(cover_sets: Sequence[CoverSetRow], judged: Judged) -> dict[str, str]:
    """The codes by what a row may call them; what is wrong with a cover set goes into `judged`."""
    known: dict[str, str] = {}
    for row in cover_sets:
        code, zh, en = squeeze(row.code), one_line(row.zh), one_line(row.en)
        problems = []
        if not is_code(code):
            problems.append(RowProblem("cover_set_code_invalid", "code", {"value": code}))
        for name, text in (("zh", zh), ("en", en)):
            if not text:
                problems.append(RowProblem("price_field_missing", name))
            elif len(text) > LONGEST_NAME:
                problems.append(RowProblem("cover_set_name_long", name, {"most": LONGEST_NAME}))
        called = {search_key(text) for text in (code, zh, en) if text}
        if called & known.keys():
            problems.append(RowProblem("cover_set_twice", "code", {"value": code}))
        if problems:
            judged.cover_set_problems[row.id] = problems
        else:
            judged.names[code] = {"zh": zh, "en": en}
        # A price of a cover set whose name is missing is no second fault.
        known |= dict.fromkeys(called, code)
    return known
