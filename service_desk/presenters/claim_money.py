"""Money of claims in words: lines of the time line, authority, payments with their states, recoveries and their sheet."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import CHINA
from service_desk.base.money import format_yuan
from service_desk.base.text import mask_account_number
from service_desk.models.claim_money import AuthorityTier, Recovery, RecoveryState
from service_desk.models.claims import ClaimEvent, ClaimPayment
from service_desk.presenters.exports import personal
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, named
from service_desk.rules.authority import is_in_force
from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import Personal, Whose
from service_desk.services.claims import authority
from service_desk.services.claims.authority import TierRow
from service_desk.services.claims.decided_recoveries import NOT_OWED_ANY_MORE
from service_desk.services.claims.recovery_list import RecoveryRow, RecoveryTotals


def titles(event: ClaimEvent) -> dict[str, Callable[[], str]]:
    """What each kind of money's event says on the time line."""
    given: dict[str, Any] = event.params
    return {
        "pay_advance": lambda: _(
            "Paid %(amount)s in advance to %(payee)s",
            amount=_yuan(given["amount_fen"]),
            payee=given["payee"],
        ),
        "return_payment": lambda: _(
            "The bank returned %(amount)s paid to %(payee)s",
            amount=_yuan(given["amount_fen"]),
            payee=given["payee"],
        ),
        "approval_asked": lambda: _("Asked to approve: %(names)s", names=given["names"]),
        "advance_proposed": lambda: _("Advance of %(amount)s proposed", amount=_yuan(given["amount_fen"])),
        "advance_approved": lambda: _("Advance of %(amount)s approved", amount=_yuan(given["amount_fen"])),
        "advance_refused": lambda: _("Advance of %(amount)s refused", amount=_yuan(given["amount_fen"])),
        "letter_written": lambda: _(
            "Letter written: %(letter)s", letter=label(given["letter"], "letter_title")
        ),
        "letter_sent": lambda: _(
            "%(letter)s sent to %(name)s",
            letter=label(given["letter"], "letter_title"),
            name=given["sent_to"],
        ),
        "recovery_opened": lambda: _("To get back: %(words)s", words=_recovery(given)),
        "recovery_received": lambda: _("Got back: %(words)s", words=_recovery(given)),
        "recovery_receipt_struck": lambda: _("Not got back after all: %(words)s", words=_recovery(given)),
        "recovery_corrected": lambda: _("Amount to get back corrected: %(words)s", words=_recovery(given)),
        "recovery_written_off": lambda: _("Written off: %(words)s", words=_recovery(given)),
    }


def _recovery(given: dict[str, Any]) -> str:
    kind = label(given["recovery_kind"], "recovery_kind")
    return " · ".join(part for part in (_yuan(given["amount_fen"]), kind, given["owed_by"]) if part)


def limit_words(limit_fen: int | None) -> str:
    """An authority's amount."""
    return _("without limit") if limit_fen is None else _("up to %(amount)s", amount=_yuan(limit_fen))


def holder_words(row: TierRow) -> str:
    """Whom a tier is for."""
    parts = [f"{row.user.name} · {row.user.staff_no}"] if row.user else []
    if row.tier.role:
        parts.append(label(row.tier.role, "role"))
    return ", ".join(parts)


def account_words(row: TierRow) -> str:
    """For which account a tier holds."""
    return named(row.account.name, row.account.name_en) if row.account else _("All accounts")


def tier_words(row: TierRow) -> str:
    """A tier in one line, as a refusal names it."""
    since = _("from %(day)s", day=row.tier.effective_on.isoformat())
    return f"{holder_words(row)}, {account_words(row)}: {limit_words(row.tier.limit_fen)}, {since}"


def tier_state(tier: AuthorityTier, today: date) -> tuple[str, str]:
    """Words and tone of a tier's state."""
    if is_in_force(authority.as_rules([tier])[0], today):
        return _("in force"), "ok"
    return (_("to come"), "warn") if tier.effective_on > today else (_("ended"), "idle")


@dataclass(frozen=True)
class PaymentLine:
    """A payment as its panel shows it; the account number is masked for everybody."""

    id: int
    amount_fen: int
    payee: str
    account: str
    paid_at: datetime
    is_advance: bool
    returned_at: datetime | None
    return_reason: str


def payment_line(payment: ClaimPayment) -> PaymentLine:
    """One payment with its state."""
    return PaymentLine(
        id=payment.id,
        amount_fen=payment.amount_fen,
        payee=payment.payee,
        account=f"{payment.bank} {mask_account_number(payment.account_number)}".strip(),
        paid_at=payment.paid_at,
        is_advance=payment.advance_id is not None,
        returned_at=payment.returned_at,
        return_reason=payment.return_reason,
    )


def grouped(account_number: str) -> str:
    """A whole account number in fours, for who may pay."""
    return " ".join(account_number[i : i + 4] for i in range(0, len(account_number), 4))


def recovery_tone(recovery: Recovery) -> str:
    """The colour of a recovery's badge."""
    if recovery.state is RecoveryState.OPEN:
        return "warn"
    return "ok" if recovery.received_fen else "idle"


def write_off_words(recovery: Recovery) -> str:
    """Why something was written off: a person's words, or the desk's own."""
    code = recovery.write_off_reason
    return label(code, "write_off_reason") if code == NOT_OWED_ANY_MORE else code


def recoveries_sheet(
    rows: Iterable[RecoveryRow], totals: RecoveryTotals, reader: Role, now: datetime
) -> TableSheet:
    """The recoveries as filtered, with their sums, as .xlsx."""
    columns = [
        Column(_("Claim")),
        Column(_("Plate"), width=12),
        Column(_("Branch"), width=22),
        Column(_("Kind"), width=16),
        Column(_("From whom"), width=26),
        Column(_("Entered on"), "datetime"),
        Column(_("Amount"), "money"),
        Column(_("Received"), "money"),
        Column(_("Written off"), "money"),
        Column(_("Still open"), "money"),
        Column(_("State"), width=10),
        Column(_("Note"), width=30),
    ]
    sums = [totals.amount_fen, totals.received_fen, totals.written_off_fen, totals.open_fen]
    return TableSheet(
        name=_("Recoveries"),
        title=_("Recoveries"),
        columns=columns,
        rows=(_sheet_row(row, reader) for row in rows),
        total=[_("Total"), *[None] * 5, *sums, None, None],
        notes=[_("As of %(time)s", time=f"{now.astimezone(CHINA):%Y-%m-%d %H:%M}")],
    )


def _sheet_row(row: RecoveryRow, reader: Role) -> list[str | int | datetime | date | None]:
    one = row.recovery
    return [
        row.claim.number,
        row.claim.plate,
        branch_name(row.branch),
        label(one.kind, "recovery_kind"),
        personal(one.owed_by, reader, Personal.NAME, Whose.THIRD),
        one.made_at,
        one.amount_fen,
        one.received_fen,
        one.written_off_fen,
        one.open_fen,
        label(one.state, "recovery_state"),
        one.note,
    ]


def _yuan(fen: int) -> str:
    return format_yuan(fen, sign=True)
