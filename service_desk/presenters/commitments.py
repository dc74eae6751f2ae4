"""Service commitments in words: what is promised, how the month stands beside it, and the way of twelve months."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.commitments import Commitment, CommitmentList
from service_desk.models.sla import ServiceLevel
from service_desk.presenters import sla
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import named
from service_desk.presenters.report_documents.words import (
    Look,
    Shown,
    headline,
    measure_look,
    measure_name,
    period_words,
    plain,
)
from service_desk.rules.metrics import MEANS_OF_DAYS, MeasureCode, Unit
from service_desk.rules.periods import Period
from service_desk.rules.promises import TIES, Comparison, Tie, Verdict
from service_desk.services.commitments import (
    Board,
    BoardRow,
    PublishedVersion,
    target_of,
    tie_of_promise,
)
from service_desk.services.measures import Value

# The page of rows behind a month's figure of a promise, where the reader may open one.
RowsUrl = Callable[[Tie, Period], str | None]

# How a verdict looks; the words say it too.
_LOOKS = {
    Verdict.KEPT: ("ok", "check"),
    Verdict.NOT_KEPT: ("bad", "over"),
    Verdict.NO_CASES: ("idle", "minus"),
}


@dataclass(frozen=True)
class MonthWords:
    """A month's figure of a promise, its verdict in words, tone and icon, and the rows behind it."""

    period: Period
    name: str
    shown: Shown
    verdict: str
    tone: str
    icon: str
    url: str | None


@dataclass(frozen=True)
class PromiseWords:
    """One promise. `months` are the oldest first; `line` and `target_line` are for the picture."""

    id: int
    title: str
    words: str
    target: str
    basis: str
    measure: str
    levels: Sequence[str]
    months: Sequence[MonthWords]
    line: Sequence[float | None]
    target_line: Sequence[float]
    floor: float
    is_share: bool

    @property
    def now(self) -> MonthWords:
        return self.months[-1]

    @property
    def before(self) -> MonthWords:
        return self.months[-2]


def board_words(board: Board, rows_url: RowsUrl) -> list[PromiseWords]:
    """All promises of a version in the reader's language."""
    return [_promise(board, row, rows_url) for row in board.rows]


def _promise(board: Board, row: BoardRow, rows_url: RowsUrl) -> PromiseWords:
    promise = row.promise
    tie = tie_of_promise(promise) if row.is_measured else None
    line = [_point(value) for value in row.values]
    target = float(target_of(promise))
    return PromiseWords(
        id=promise.id,
        title=title(promise),
        words=named(promise.words, promise.words_en),
        target=target_words(promise),
        basis=basis(tie) if tie else _("no longer counted"),
        measure=tie.measure.value if tie and tie.measure else "",
        levels=[level_words(one) for one in board.levels.get(promise.step, ())] if promise.step else [],
        months=[_month(board, row, number, tie, rows_url) for number in range(len(board.months))],
        line=line,
        target_line=[target] * len(line),
        floor=_floor([*line, target], tie),
        is_share=tie is not None and tie.unit is Unit.RATIO,
    )


def _month(board: Board, row: BoardRow, number: int, tie: Tie | None, rows_url: RowsUrl) -> MonthWords:
    period, verdict = board.months[number], row.verdicts[number]
    tone, icon = _LOOKS[verdict]
    return MonthWords(
        period=period,
        name=f"{period.first:%Y-%m}",
        shown=value_words(row.values[number], tie, board.zone),
        verdict=label(verdict, "promise_verdict"),
        tone=tone,
        icon=icon,
        url=rows_url(tie, period) if tie and verdict is not Verdict.NO_CASES else None,
    )


def _point(value: Value) -> float | None:
    number = plain(value)
    return None if number is None else float(number)


def _floor(values: Sequence[float | None], tie: Tie | None) -> float:
    """Shares near 100 % are seen on a scale that begins higher, in steps of ten."""
    known = [value for value in values if value is not None]
    if tie is None or tie.unit is not Unit.RATIO or not known:
        return 0
    return max(0.0, min(known) // 10 * 10 - 10) if min(known) >= 50 else 0


def value_words(value: Value, tie: Tie | None, zone: ZoneInfo) -> Shown:
    """A figure with its unit."""
    return headline(value, measure_look(tie.measure) if tie and tie.measure else Look.RATIO, zone)


def title(promise: Commitment) -> str:
    """What is promised, in a few words."""
    return named(promise.title, promise.title_en)


def basis(tie: Tie) -> str:
    """What measures a promise."""
    if tie.measure:
        return measure_name(tie.measure)
    return _("%(step)s: clocks kept", step=label(tie.step, "clock_step"))


def level_words(level: ServiceLevel) -> str:
    """`30 minutes (urban)`: what the clock of a step counts."""
    promised = sla.promise(level.target_value, level.target_unit)
    conditions = sla.conditions(level, {level.account_id: _("this account")} if level.account_id else {})
    return f"{promised} ({conditions})" if conditions else promised


def target_words(promise: Commitment) -> str:
    """`at least 95%`, `at most 20 days`."""
    number = target_words_of(promise.measure, target_of(promise))
    if promise.comparison is Comparison.AT_LEAST:
        return _("at least %(figure)s", figure=number)
    return _("at most %(figure)s", figure=number)


def target_words_of(measure: str | None, target: Decimal) -> str:
    """A target with its unit."""
    number = f"{target.normalize():f}"
    if measure is None:
        return f"{number}%"
    if measure not in set(MeasureCode):
        return number
    code = MeasureCode(measure)
    if Tie(measure=code).unit is Unit.RATIO:
        return f"{number}%"
    return _("%(days)s days", days=number) if code in MEANS_OF_DAYS else number


def tie_choices() -> list[tuple[str, str]]:
    """What a promise may be measured by, for a select."""
    return [("", "—"), *((tie.code, _tie_choice(tie)) for tie in TIES)]


def _tie_choice(tie: Tie) -> str:
    way = _("at least") if tie.comparison is Comparison.AT_LEAST else _("at most")
    return f"{basis(tie)} ({way})"


def preface(row: CommitmentList) -> list[str]:
    """The preface in paragraphs."""
    return [line for line in named(row.preface, row.preface_en).splitlines() if line.strip()]


def state_words(version: PublishedVersion, today: date) -> tuple[str, str]:
    """Whether a version counts, as words and tone."""
    if version.is_in_force(today):
        return _("in force"), "ok"
    if version.list.effective_on > today and (version.ends_on is None or version.ends_on > today):
        return _("to come"), "warn"
    return _("ended"), "idle"


def span_words(version: PublishedVersion) -> str:
    """From which day until which a version counts."""
    row = version.list
    if version.ends_on is None:
        return _("from %(day)s", day=row.effective_on.isoformat())
    if version.ends_on < row.effective_on:
        return _("overtaken before its day, %(day)s", day=row.effective_on.isoformat())
    return f"{row.effective_on.isoformat()} – {version.ends_on.isoformat()}"


def scope_words(board: Board) -> str:
    """Whose figures they are."""
    if board.branch is None:
        return _("The figures are those of the whole account.")
    return _(
        "The figures are those of %(branch)s and what belongs to it; the group's insurance department sees those of "
        "the whole account.",
        branch=named(board.branch.name, board.branch.name_en),
    )


def trend_words(promise: PromiseWords) -> str:
    """The picture in words."""
    return "; ".join(f"{month.name} {month.shown.whole}, {month.verdict}" for month in promise.months)


def unit_text(promise: PromiseWords) -> Callable[[float], str]:
    """A mark on the scale."""
    return (lambda value: f"{value:g}%") if promise.is_share else (lambda value: f"{value:g}")


def board_sheet(rows: Iterable[PromiseWords], months: Sequence[Period], now: datetime) -> TableSheet:
    """The promises with the figures of twelve months, a line each."""
    fields: list[tuple[Column, Getter[PromiseWords]]] = [
        (Column(_("Promise"), width=36), lambda row: row.title),
        (Column(_("Promised figure"), width=16), lambda row: row.target),
        (Column(_("Measured by"), width=30), lambda row: row.basis),
        (Column(_("This month so far")), lambda row: row.now.verdict),
        (Column(_("Last month")), lambda row: row.before.verdict),
    ]
    fields += [
        (Column(period_words(month.first, month.last), width=20), _figure_of(number))
        for number, month in enumerate(months)
    ]
    return table(_("Promises"), fields, rows, now)


def _figure_of(number: int) -> Getter[PromiseWords]:
    return lambda row: row.months[number].shown.whole


def versions_sheet(rows: Iterable[PublishedVersion], today: date, now: datetime) -> TableSheet:
    """All versions, the latest first."""
    fields: list[tuple[Column, Getter[PublishedVersion]]] = [
        (Column(_("Version"), "int"), lambda row: row.list.number),
        (Column(_("State")), lambda row: state_words(row, today)[0]),
        (Column(_("In force"), width=28), span_words),
        (Column(_("Published at"), "datetime"), lambda row: row.list.published_at),
        (Column(_("Who published it")), lambda row: person(row.publisher)),
    ]
    return table(_("Versions of the promises"), fields, rows, now)
