"""What claim reports have in common: tables of measures by branch and class, and lists of claims."""

from collections.abc import Iterable, Mapping, Sequence

from service_desk.models.accounts import Branch
from service_desk.rules.claim_flow import ClaimState, next_action
from service_desk.rules.metrics import Mean, MeasureCode, Ratio, alarm_of_stay
from service_desk.rules.report_document import CellKind, Column, Name, Table, Value
from service_desk.rules.vocabulary import UseClass
from service_desk.services.measures import Key, Reading
from service_desk.services.reports.claim_lines import ClosedClaim
from service_desk.services.reports.figures import Breach, OpenClaim, Person, WeekClaim
from service_desk.services.reports.makers import parts

# Next to a clock's step stands what is to be done where no clock runs.
NEXT_STEP = Column("next_step", CellKind.LABEL, "report_next_step")
_CLAIM = (parts.CLAIM_NO, parts.PLATE, parts.BRANCH)
_OWNER = Column("owner", CellKind.TEXT)


def by_branch(
    code: str, codes: Sequence[MeasureCode], reading: Reading, branches: Mapping[Key, Branch]
) -> Table:
    """Measures by branch. A branch with nothing to tell is left out; the total is of the account itself."""
    rows = [
        (Name(branch.name, branch.name_en), *values)
        for key, branch in branches.items()
        for values in (parts.values_of(reading.groups.get(key, {}), codes),)
        if any(_says_something(value) for value in values)
    ]
    return Table(code, (parts.BRANCH, *map(Column, codes)), rows, _total(codes, reading))


def by_class(code: str, codes: Sequence[MeasureCode], reading: Reading) -> Table:
    """Measures by the vehicle's use class, in the order of the classes; unknown ones last."""
    rows = [
        (key or None, *values)
        for key in (*UseClass, "")
        for values in (parts.values_of(reading.groups.get(str(key), {}), codes),)
        if any(_says_something(value) for value in values)
    ]
    return Table(code, (parts.USE_CLASS, *map(Column, codes)), rows, _total(codes, reading))


def _says_something(value: Value) -> bool:
    if isinstance(value, Ratio):
        return bool(value.whole)
    return bool(value.count) if isinstance(value, Mean) else bool(value)


def _total(codes: Sequence[MeasureCode], reading: Reading) -> list[Value]:
    return [None, *(reading.total[code] for code in codes)]


def claims_table(lines: Iterable[WeekClaim]) -> Table:
    """The claims reported in the period, with their state and estimate at its end."""
    columns = (
        *_CLAIM,
        Column("loss_at", CellKind.MOMENT),
        Column("reported_at", CellKind.MOMENT),
        Column("place", CellKind.TEXT, is_wide=True),
        Column("state", CellKind.LABEL, "claim_state"),
        Column("estimate", CellKind.FEN),
        Column("is_large", CellKind.LABEL, "yes_no"),
        _OWNER,
    )
    rows = [
        (
            line.number,
            line.plate,
            Name(line.branch, line.branch_en),
            line.loss_at,
            line.reported_at,
            line.place,
            line.state,
            line.estimate_fen,
            str(line.is_large),
            person(line.owner),
        )
        for line in lines
    ]
    return Table("claims_of_period", columns, rows, is_detail=True)


def open_table(lines: Iterable[OpenClaim]) -> Table:
    """The claims open at the end, with what each waits for and whether it has been open for too long."""
    columns = (
        *_CLAIM,
        Column("reported_at", CellKind.MOMENT),
        Column("days_open", CellKind.DAYS),
        Column("stay", CellKind.LABEL, "stay_alarm"),
        Column("state", CellKind.LABEL, "claim_state"),
        NEXT_STEP,
        Column("due_at", CellKind.MOMENT),
        Column("estimate", CellKind.FEN),
        _OWNER,
    )
    rows = [
        (
            line.number,
            line.plate,
            Name(line.branch, line.branch_en),
            line.reported_at,
            line.days,
            alarm_of_stay(line.days),
            line.state,
            _next_step(line),
            line.due_at,
            line.estimate_fen,
            person(line.owner),
        )
        for line in lines
    ]
    return Table("open_claims", columns, rows, is_detail=True)


def _next_step(line: OpenClaim) -> str | None:
    """The running clock, or what is to be done where none runs."""
    if line.step:
        return line.step
    action = next_action(ClaimState(line.state))
    return f"do_{action.value}" if action else None


def closed_table(lines: Iterable[ClosedClaim]) -> Table:
    """The claims that left the open book in the period."""
    columns = (
        *_CLAIM,
        Column("reported_at", CellKind.MOMENT),
        Column("closed_at", CellKind.MOMENT),
        Column("days_to_close", CellKind.DAYS),
        Column("state", CellKind.LABEL, "claim_state"),
        Column("first_estimate", CellKind.FEN),
        Column("paid", CellKind.FEN),
        _OWNER,
    )
    rows = [
        (
            line.number,
            line.plate,
            Name(line.branch, line.branch_en),
            line.reported_at,
            line.closed_at,
            line.days,
            line.state,
            line.estimate_fen,
            line.paid_fen,
            person(line.owner),
        )
        for line in lines
    ]
    return Table("closed_claims", columns, rows, is_detail=True)


def breaches_table(lines: Iterable[Breach]) -> Table:
    """The promises broken in the period, each with what its review found."""
    columns = (
        *_CLAIM,
        Column("step", CellKind.LABEL, "clock_step"),
        Column("holder", CellKind.TEXT),
        Column("was_due", CellKind.MOMENT),
        Column("done_at", CellKind.MOMENT),
        Column("over_by", CellKind.DURATION),
        Column("cause", CellKind.NAME),
        # Enquiries, requests and lists have promises too.
        Column("other_matter", CellKind.TEXT),
    )
    names = parts.cause_names()
    rows = [
        (
            line.number if line.plate else None,
            line.plate or None,
            Name(line.branch, line.branch_en) if line.branch else None,
            line.step,
            person(line.holder),
            line.breached_at,
            line.stopped_at,
            line.over_seconds,
            names.get(line.cause, Name(line.cause)) if line.cause else None,
            None if line.plate else line.number,
        )
        for line in lines
    ]
    return Table("breaches", columns, rows, is_detail=True)


def person(one: Person) -> str:
    """Whom to ask, in one line."""
    return " ".join(part for part in (one.name, one.staff_no, one.phone) if part)
