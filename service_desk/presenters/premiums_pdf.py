"""Refund vouchers, dunning letters and statements as data for their printed templates, in the reader's language."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters import pdf
from service_desk.base.money import capitals, format_yuan
from service_desk.presenters.insurer import insurer_name
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, current_language, named
from service_desk.presenters.premiums import (
    balance_rows,
    level_words,
    overdue_words,
    period_words,
    proof_rows,
    refund_source,
    statement_name,
)
from service_desk.services.exports import in_portions
from service_desk.services.premiums import NoticeView, RefundView, Statement


def voucher_pdf(view: RefundView, address: str) -> bytes:
    """Print the voucher of a refund that was paid out."""
    row, refund = view.row, view.row.refund
    cashier = f"{view.settled_by.name} · {view.settled_by.staff_no}" if view.settled_by else "—"
    policy = row.policy
    return pdf.render(
        "receipt",
        {
            "lang": current_language(),
            "labels": {
                "page": _("Page {page} of {pages}"),
                "receipt_number": _("Refund number"),
                "policy": _("Comes from"),
                "subject": _("Plate"),
                "line": _("Line"),
                "amount": _("Amount (CNY)"),
                "total": _("Total paid out"),
                "in_words": _("In words"),
                "seal": _("Received by"),
            },
            "document_title": refund.number,
            "insurer_name": insurer_name(),
            "title": _("Premium Refund Voucher"),
            "number": refund.number,
            "qr_svg": pdf.qr_svg(address),
            "scan_hint": _("Scan to open the refund"),
            "rows": [
                [_("Paid to"), refund.payee, True],
                [_("Paid on"), refund.settled_on.isoformat() if refund.settled_on else "—"],
                [_("How it was paid out"), label(refund.method, "money_method")],
                [_("Paid by"), cashier],
                [_("Bank reference"), refund.reference or "—"],
                [_("Branch"), branch_name(row.branch)],
                [_("Policy"), policy.number if policy else "—"],
            ],
            "items": [
                {
                    "policy": refund_source(row),
                    "subject": (policy.plate or policy.vin or "—") if policy else "—",
                    "line": label(policy.line, "policy_line") if policy else "—",
                    "amount": format_yuan(refund.amount_fen),
                }
            ],
            "total_figures": format_yuan(refund.amount_fen, sign=True),
            "total_capitals": capitals(refund.amount_fen),
            "notices": [_("Sign and return one copy to the desk.")],
        },
    )


def letter_pdf(view: NoticeView, address: str) -> bytes:
    """Print a dunning notice as a letter to the branch."""
    notice = view.notice
    level = level_words(notice.from_days, notice.until_days)
    return _sheet(
        title=_("Premium Payment Notice"),
        number=notice.number,
        number_label=_("Notice number"),
        subtitle=level,
        qr_svg=pdf.qr_svg(address),
        scan_hint=_("Scan to open the notice"),
        rows=[
            [
                _("Addressed to"),
                f"{named(view.account.name, view.account.name_en)} {branch_name(view.branch)}",
                True,
            ],
            [_("Day"), notice.noticed_on.isoformat()],
            [_("Policies"), str(notice.line_count)],
        ],
        paragraphs=[
            _(
                "As of %(day)s your branch has open premium of %(amount)s (%(words)s) as listed below. Please transfer"
                " it and name this notice; what was paid meanwhile needs no action.",
                day=notice.noticed_on.isoformat(),
                amount=format_yuan(notice.amount_fen, sign=True),
                words=capitals(notice.amount_fen),
            )
        ],
        tables=[_owed(view)],
        notices=[
            _("Questions about a line: answer this notice or ask the desk; every policy has its page there.")
        ],
        signatures=[_("Seal of the insurer")],
    )


def _owed(view: NoticeView) -> dict[str, Any]:
    notice = view.notice
    rows = [
        [
            line.policy.number,
            line.policy.plate or line.policy.vin or "—",
            label(line.policy.line, "policy_line"),
            line.due_on.isoformat(),
            str(max(0, (notice.noticed_on - line.due_on).days)),
            format_yuan(line.open_fen),
        ]
        for line in view.lines
    ]
    columns = [
        _column(_("Policy")),
        _column(_("Plate"), wide=True),
        _column(_("Line")),
        _column(_("Due on")),
        _column(_("Days overdue"), end=True),
        _column(_("Still owed"), end=True),
    ]
    total = [_("Total"), "", "", "", "", format_yuan(notice.amount_fen)]
    return _table(_("Open premium"), columns, rows, total)


def statement_pdf(statement: Statement) -> bytes:
    """Print a statement for the client to confirm."""
    is_group = statement.branch is None
    sums = balance_rows(statement.balance, statement.start, statement.end, is_group=is_group)
    amount_columns = [_column(_("Item"), wide=True), _column(_("Amount (CNY)"), end=True)]
    tables = [
        _table(_("Movements of the period"), amount_columns, _amounts(sums[:-1]), _amounts(sums[-1:])[0]),
        _table(
            _("What the balance is made of"),
            amount_columns,
            _amounts(proof_rows(statement)[:-1]),
            _amounts(proof_rows(statement)[-1:])[0],
        ),
    ]
    if is_group:
        tables.append(_branches(statement))
    if statement.money:
        tables.append(_money(statement))
    if statement.open_policies:
        tables.append(_open(statement))
    number = f"{statement.start:%Y%m%d}–{statement.end:%Y%m%d}"
    return _sheet(
        title=_("Premium Statement"),
        number=number,
        number_label=_("Period"),
        rows=[
            [_("Client"), named(statement.account.name, statement.account.name_en), True],
            [_("Branch"), statement_name(statement) if statement.branch else _("The whole group")],
            [_("Period"), period_words(statement)],
        ],
        tables=tables,
        notices=[
            _("A positive balance is owed by the client, a negative one by the insurer."),
            _("Please confirm within ten days; tell the desk which line differs, if one does."),
        ],
        signatures=[_("Seal of the insurer"), _("Confirmed by the client")],
    )


def _branches(statement: Statement) -> dict[str, Any]:
    columns = [
        _column(_("Branch"), wide=True),
        _column(_("Opening balance"), end=True),
        _column(_("Change of balance"), end=True),
        _column(_("Closing balance"), end=True),
    ]
    pairs = [(branch_name(branch), own) for branch, own in statement.by_branch]
    rows = [
        [
            name,
            format_yuan(own.opening_fen),
            format_yuan(own.closing_fen - own.opening_fen),
            format_yuan(own.closing_fen),
        ]
        for name, own in [*pairs, (_("Total"), statement.balance)]
    ]
    return _table(_("By branch"), columns, rows[:-1], rows[-1])


def _money(statement: Statement) -> dict[str, Any]:
    columns = [
        _column(_("Day")),
        _column(_("Number")),
        _column(_("Kind")),
        _column(_("Branch"), wide=True),
        _column(_("Amount (CNY)"), end=True),
    ]
    rows = [
        [
            line.day.isoformat(),
            line.number,
            label(line.kind, "money_kind"),
            branch_name(line.branch),
            format_yuan(line.fen),
        ]
        for line in in_portions(statement.money.read)
    ]
    total = [_("Total"), "", "", "", format_yuan(statement.money.total_fen)]
    return _table(_("Receipts and refunds"), columns, rows, total)


def _open(statement: Statement) -> dict[str, Any]:
    columns = [
        _column(_("Policy")),
        _column(_("Plate")),
        _column(_("Branch"), wide=True),
        _column(_("Due on")),
        _column(_("Age")),
        _column(_("Still owed"), end=True),
    ]
    rows = [
        [
            one.policy.number,
            one.policy.plate or one.policy.vin or "—",
            branch_name(one.branch),
            one.due_on.isoformat(),
            overdue_words(one, statement.end),
            format_yuan(one.open_fen),
        ]
        for one in in_portions(statement.open_policies.read)
    ]
    return _table(
        _("Open premium"), columns, rows, [_("Total"), "", "", "", "", format_yuan(statement.open_fen)]
    )


def _amounts(rows: Sequence[tuple[str, int]]) -> list[list[str]]:
    return [[words, format_yuan(fen)] for words, fen in rows]


def _column(heading: str, *, wide: bool = False, end: bool = False) -> dict[str, Any]:
    return {"heading": heading, "wide": wide, "end": end}


def _table(
    title: str, columns: list[dict[str, Any]], rows: list[list[str]], total: list[str]
) -> dict[str, Any]:
    return {"title": title, "columns": columns, "rows": rows, "total": total}


def _sheet(*, number_label: str, **parts: Any) -> bytes:
    labels = {"page": _("Page {page} of {pages}"), "number": number_label}
    usual = {"lang": current_language(), "labels": labels, "insurer_name": insurer_name()}
    return pdf.render("sheet", {**usual, "document_title": f"{parts['title']} {parts['number']}", **parts})
