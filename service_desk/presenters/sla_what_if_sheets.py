"""A what-if as a spreadsheet: what its page shows, and every case that flips."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.presenters import sla as clocks
from service_desk.presenters import sla_what_if as words
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.sla_compliance_sheets import About, hours
from service_desk.rules.metrics import Ratio
from service_desk.services.sla.what_if import Answer, Comparison, Flip, FlippedCase, Part, Question

Cell = str | int | float | datetime | None


def what_if_sheets(
    question: Question, answer: Answer, cases: Iterable[FlippedCase], promise: str, about: About
) -> list[TableSheet]:
    """The page as sheets; `promise` is the other one in words, `cases` all that flip."""
    notes = [*about.lines(), _("The other promise: %(promise)s", promise=promise)]
    return [
        _figures_sheet(question, answer, notes),
        _parts_sheet(_("By month"), _("Month"), answer.months, question, answer, notes),
        _parts_sheet(_("By branch"), _("Branch"), answer.branches, question, answer, notes),
        _cases_sheet(question, cases, notes),
    ]


def _figures_sheet(question: Question, answer: Answer, notes: Sequence[str]) -> TableSheet:
    whole = answer.whole
    rows = [
        (_("Compliance rate as it was"), clocks.percent(whole.was)),
        (_("Compliance rate by the other promise"), clocks.percent(whole.would)),
        (_("Cases judged"), str(answer.cases)),
        *((label(flip, "what_if_flip"), str(number)) for flip, number in whole.flips.items()),
        (_("Longest overrun by the other promise"), words.length(answer.worst_over, question, answer)),
        *((words.share_words(need), words.need_words(need, answer)) for need in answer.needs),
    ]
    columns = [Column(_("Figure"), width=44), Column(_("Result"), width=40)]
    return TableSheet(_("Figures"), _("What if"), columns, rows, notes=notes)


def _parts_sheet(
    title: str, heading: str, parts: Sequence[Part], question: Question, answer: Answer, notes: Sequence[str]
) -> TableSheet:
    columns = [
        Column(heading, width=30),
        Column(_("Cases"), "int"),
        Column(_("As it was"), "percent", width=14),
        Column(_("Would be"), "percent", width=14),
        *(Column(label(flip, "what_if_flip"), "int", width=18) for flip in Flip),
    ]
    rows = ([words.part_name(part, question), *_cells(part.compared)] for part in parts)
    return TableSheet(title, title, columns, rows, notes=notes, total=[_("Total"), *_cells(answer.whole)])


def _cells(compared: Comparison) -> list[Cell]:
    shares: list[Cell] = [_share(compared.was), _share(compared.would)]
    return [compared.was.whole, *shares, *compared.flips.values()]


def _cases_sheet(question: Question, cases: Iterable[FlippedCase], notes: Sequence[str]) -> TableSheet:
    columns = [
        Column(_("Number"), width=20),
        Column(_("Branch"), width=26),
        Column(_("Started"), "datetime"),
        Column(_("Done"), "datetime"),
        Column(_("Was due"), width=18),
        Column(_("Would be due"), width=18),
        Column(_("Verdict"), width=28),
        Column(_("Over by the other promise (h)"), "decimal", width=18),
    ]
    title = _("Cases whose verdict flips")
    return TableSheet(title, title, columns, _case_lines(question, cases), notes=notes)


def _case_lines(question: Question, cases: Iterable[FlippedCase]) -> Iterator[list[Cell]]:
    for case in cases:
        timer = case.timer
        yield [
            timer.matter_number,
            branch_name(case.branch) if case.branch else None,
            timer.started_at,
            timer.stopped_at,
            words.own_due(case),
            words.other_due(case, question),
            label(case.flip, "what_if_flip"),
            hours(case.over_seconds) if case.over_seconds else None,
        ]


def _share(ratio: Ratio) -> float | None:
    """A share as a spreadsheet keeps it."""
    return ratio.part / ratio.whole if ratio.whole else None
