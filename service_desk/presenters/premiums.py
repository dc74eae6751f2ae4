"""The premium ledger, refunds and statements in words and as spreadsheets."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, named
from service_desk.rules.premium import AgeBand, Balance
from service_desk.services.premiums import LedgerRow, MoneyLine, OpenPolicy, RefundRow, Statement, totals


def age_words(band: AgeBand) -> str:
    """The heading of an ageing column."""
    if not band.is_due:
        return _("Not due")
    if band.to_days is None:
        return _("More than %(days)s days overdue", days=(band.from_days or 1) - 1)
    return _("%(first)s–%(last)s days overdue", first=band.from_days, last=band.to_days)


def age_tone(band: AgeBand) -> str | None:
    """How bad an age is; None when it is not."""
    if not band.is_due:
        return None
    return "warn" if band.from_days == 1 else "bad"


def level_words(from_days: int, until_days: int | None) -> str:
    """A level of dunning."""
    if from_days <= 0 and until_days is not None and until_days <= 1:
        return _("Due within %(days)s days", days=-from_days)
    if until_days is None:
        return _("More than %(days)s days overdue", days=from_days - 1)
    return _("%(first)s–%(last)s days overdue", first=from_days, last=until_days - 1)


def level_tone(from_days: int) -> str:
    """How bad a level is."""
    return "idle" if from_days <= 0 else "warn" if from_days <= 30 else "bad"


def ledger_sheet(rows: Sequence[LedgerRow], account: str, day: date) -> TableSheet:
    """The ledger as a sheet in the reader's language."""
    bands = list(rows[0].by_age) if rows else []
    columns = [
        Column(_("Branch"), width=28),
        Column(_("Policies"), "int"),
        *(Column(age_words(band), "money") for band in bands),
        Column(_("Total owed"), "money"),
    ]
    body: list[list[Any]] = [
        [branch_name(row.branch), row.open_count, *row.by_age.values(), row.open_fen] for row in rows
    ]
    sums = totals(rows)
    total: list[Any] = [
        _("Total"),
        sum(row.open_count for row in rows),
        *(sums[band] for band in bands),
        sum(row.open_fen for row in rows),
    ]
    title = _("Premium owed by %(account)s", account=account)
    notes = [_("As of %(day)s", day=day.isoformat())]
    return TableSheet(_("Premium ledger"), title, columns, body, notes, total)


def refund_source(row: RefundRow) -> str:
    """What a refund comes from."""
    if row.from_receipt_number:
        return _("Unallocated money of %(receipt)s", receipt=row.from_receipt_number)
    return row.endorsement_number or (row.policy.number if row.policy else "—")


def balance_rows(balance: Balance, start: date, end: date, *, is_group: bool) -> list[tuple[str, int]]:
    """A statement's sums with their words, from the opening to the closing balance."""
    rows = [
        (_("Balance before %(day)s", day=start.isoformat()), balance.opening_fen),
        (_("Premium and vehicle tax of policies issued"), balance.premium_fen),
        (_("Additional premium of endorsements"), balance.endorsed_fen),
        (_("Returned premium of endorsements"), balance.returned_fen),
        (_("Money received"), balance.received_fen),
        (_("Receipts reversed"), balance.reversed_fen),
        (_("Refunds paid out"), balance.refunded_fen),
    ]
    if not is_group:
        rows.append((_("Money moved between branches"), balance.moved_fen))
    return [*rows, (_("Balance at the end of %(day)s", day=end.isoformat()), balance.closing_fen)]


def proof_rows(statement: Statement) -> list[tuple[str, int]]:
    """What the closing balance is made of."""
    return [
        (_("Open premium"), statement.open_fen),
        (_("Money received that settles nothing yet"), -statement.unallocated_fen),
        (_("Refunds owed to the client"), -statement.owed_back_fen),
        (_("Balance at the end of %(day)s", day=statement.end.isoformat()), statement.balance.closing_fen),
    ]


def statement_name(statement: Statement) -> str:
    """Whose statement it is."""
    if statement.branch is not None:
        return branch_name(statement.branch)
    return named(statement.account.name, statement.account.name_en)


def period_words(statement: Statement) -> str:
    """The period of a statement."""
    return _("%(first)s to %(last)s", first=statement.start.isoformat(), last=statement.end.isoformat())


def overdue_words(one: OpenPolicy, end: date) -> str:
    """How old an open item is at the end of a statement."""
    days = (end - one.due_on).days
    return _("%(days)s days overdue", days=days) if days > 0 else _("Not due")


def statement_sheets(
    statement: Statement, money: Iterable[MoneyLine], open_policies: Iterable[OpenPolicy]
) -> list[TableSheet]:
    """A statement as sheets: its sums, branches, all its money and all open policies, which are read when written."""
    title = _("Premium statement of %(name)s", name=statement_name(statement))
    notes = [period_words(statement)]
    is_group = statement.branch is None
    sums = balance_rows(statement.balance, statement.start, statement.end, is_group=is_group)
    sheets = [
        TableSheet(
            _("Statement"),
            title,
            [Column(_("Item"), width=48), Column(_("Amount"), "money", width=20)],
            [*sums, (None, None), *proof_rows(statement)],
            notes,
        )
    ]
    if is_group:
        sheets.append(_branch_sheet(statement, title, notes))
    return [
        *sheets,
        _money_sheet(money, statement.money.total_fen, title, notes),
        _open_sheet(open_policies, statement, title, notes),
    ]


def _branch_sheet(statement: Statement, title: str, notes: list[str]) -> TableSheet:
    words = [row[0] for row in balance_rows(Balance(), statement.start, statement.end, is_group=False)]
    columns = [Column(_("Branch"), width=28), *(Column(word, "money", width=18) for word in words)]

    def cells(balance: Balance) -> list[int]:
        return [fen for _, fen in balance_rows(balance, statement.start, statement.end, is_group=False)]

    rows: list[list[Any]] = [[branch_name(branch), *cells(own)] for branch, own in statement.by_branch]
    total: list[Any] = [_("Total"), *cells(statement.balance)]
    return TableSheet(_("By branch"), title, columns, rows, notes, total)


def _money_sheet(money: Iterable[MoneyLine], fen: int, title: str, notes: list[str]) -> TableSheet:
    columns = [
        Column(_("Day"), "date"),
        Column(_("Number"), width=20),
        Column(_("Kind"), width=20),
        Column(_("Branch"), width=28),
        Column(_("Amount"), "money"),
    ]
    rows: Iterable[list[Any]] = (
        [line.day, line.number, label(line.kind, "money_kind"), branch_name(line.branch), line.fen]
        for line in money
    )
    total: list[Any] = [_("Total"), "", "", "", fen]
    return TableSheet(_("Receipts and refunds"), title, columns, rows, notes, total)


def _open_sheet(
    open_policies: Iterable[OpenPolicy], statement: Statement, title: str, notes: list[str]
) -> TableSheet:
    columns = [
        Column(_("Policy"), width=20),
        Column(_("Plate")),
        Column(_("Line")),
        Column(_("Branch"), width=28),
        Column(_("Due on"), "date"),
        Column(_("Age"), width=20),
        Column(_("Still owed"), "money"),
    ]
    rows: Iterable[list[Any]] = (
        [
            one.policy.number,
            one.policy.plate or one.policy.vin or "",
            label(one.policy.line, "policy_line"),
            branch_name(one.branch),
            one.due_on,
            overdue_words(one, statement.end),
            one.open_fen,
        ]
        for one in open_policies
    )
    total: list[Any] = [_("Total"), *[""] * 5, statement.open_fen]
    return TableSheet(_("Open premium"), title, columns, rows, notes, total)
