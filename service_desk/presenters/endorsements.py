"""Endorsements as pages and spreadsheets show them: what changed, how the premium came about, the time line."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import CHINA
from service_desk.base.money import format_yuan
from service_desk.models.accounts import Branch
from service_desk.models.policies import Endorsement, EndorsementKind
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.policies import band_words, cover_set, deductible_words, limit_sum, table_words
from service_desk.presenters.times import minute
from service_desk.rules.settlement import Source, WorkingLine
from service_desk.rules.settlement.working import COUNTING_STEPS
from service_desk.rules.vocabulary import CoverCode
from service_desk.services.policies import Limit
from service_desk.services.policies.endorsements import EndorsementRow, EndorsementView
from service_desk.services.policies.endorsing import CLOSING_KINDS
from service_desk.services.policies.queries import PolicyView

_TONES = dict.fromkeys(CLOSING_KINDS, "bad") | {EndorsementKind.TOTAL_LOSS: "warn"}


def tone_of(kind: EndorsementKind) -> str | None:
    """The colour of a kind: what ends cover stands out."""
    return _TONES.get(kind)


@dataclass(frozen=True)
class ChangeRow:
    """One thing that an endorsement changes, in words."""

    name: str
    before: str
    after: str


def change_rows(
    before: Mapping[str, Any], after: Mapping[str, Any], branches: Mapping[int, Branch]
) -> list[ChangeRow]:
    """What an endorsement changes; covers a line each."""
    rows = [
        ChangeRow(name, _value(key, before, branches), _value(key, after, branches))
        for key, name in _names().items()
        if key in before or key in after
    ]
    return rows + _cover_rows(before.get("covers", []), after.get("covers", []))


def _names() -> dict[str, str]:
    return {
        "plate": _("Plate"),
        "vin": _("VIN"),
        "vehicle_facts": _("Use class"),
        "branch_id": _("Branch"),
        "cover_set": _("Cover set"),
        "annual_fen": _("Premium of a year"),
        "ends_at": _("Cover ends"),
        "cause": _("Why"),
        "replaced_by": _("Goes on as"),
    }


def _value(key: str, values: Mapping[str, Any], branches: Mapping[int, Branch]) -> str:
    value = values.get(key)
    if value is None:
        return "—"
    match key:
        case "vehicle_facts":
            return label(value.get("use_class"), "use_class")
        case "branch_id":
            return branch_name(branches[value]) if value in branches else "—"
        case "cover_set":
            return cover_set(value)
        case "annual_fen":
            return format_yuan(value, sign=True)
        case "ends_at":
            return minute(datetime.fromisoformat(value))
        case "cause":
            return label(value, "cancel_reason")
        case _:
            return str(value)


def _cover_rows(before: Iterable[dict[str, Any]], after: Iterable[dict[str, Any]]) -> list[ChangeRow]:
    old, new = _limits(before), _limits(after)
    return [
        ChangeRow(label(code, "cover"), *_limit_words(old.get(code), new.get(code)))
        for code in CoverCode
        if old.get(code) != new.get(code)
    ]


def _limits(rows: Iterable[dict[str, Any]]) -> dict[CoverCode, Limit]:
    return {CoverCode(row["code"]): Limit(**(row | {"code": CoverCode(row["code"])})) for row in rows}


def _limit_words(*limits: Limit | None) -> list[str]:
    """What a cover pays before and after; with the deductible when the limit stays."""
    words = [_("not insured") if limit is None else limit_sum(limit) for limit in limits]
    if len(set(words)) > 1:
        return words
    return [
        _("%(cover)s (deductible %(sum)s)", cover=limit_sum(limit), sum=deductible_words(limit))
        for limit in limits
        if limit is not None
    ]


@dataclass(frozen=True)
class WorkingRow:
    """A step of the working in words."""

    step: str
    formula: str
    amount: str
    clause: str


def working_rows(lines: Iterable[Mapping[str, Any]]) -> list[WorkingRow]:
    """The working as an endorsement keeps it."""
    return [
        WorkingRow(
            label(line["label_key"], "working_step"),
            line["formula"],
            line["amount"] if line["label_key"] in COUNTING_STEPS else f"{Decimal(line['amount']):,.2f}",
            label(line["clause"], "working_clause"),
        )
        for line in lines
    ]


def is_priced(endorsement: Endorsement) -> bool:
    """Whether its premium comes from the policy's price table."""
    return any(line["clause"] == Source.PRICE_TABLE for line in endorsement.working)


def price_words(view: EndorsementView) -> str:
    """The line of the price table that the policy stands by, and the table."""
    if view.table is None or view.price is None:
        return ""
    return _(
        "%(set)s · %(band)s · %(table)s",
        set=cover_set(view.price.cover_set),
        band=band_words(view.price),
        table=table_words(view.table),
    )


def plan_working(lines: Iterable[WorkingLine]) -> list[WorkingRow]:
    """The working of an endorsement that is not written yet."""
    return working_rows([line.as_json() for line in lines])


def premium_words(fen: int) -> str:
    """`¥1,060.00`, `-¥430.20` returned, or that none is due."""
    return format_yuan(fen, sign=True) if fen else _("premium unchanged")


def at_words(at: datetime) -> str:
    """An instant as the address of a policy takes it, in the time of China: the first whole second at or after it."""
    whole = at.replace(microsecond=0) + timedelta(seconds=bool(at.microsecond))
    return f"{whole.astimezone(CHINA):%Y-%m-%dT%H:%M:%S}"


@dataclass(frozen=True)
class VersionEntry:
    """A version of a policy on its time line; `number` is the endorsement's, empty for the issue."""

    at: datetime
    title: str
    detail: str
    number: str
    tone: str | None = None


def versions(view: PolicyView) -> list[VersionEntry]:
    """The versions of a policy, the newest first: its endorsements, and its issue."""
    entries = [
        VersionEntry(
            at=one.effective_at,
            title=label(one.kind, "endorsement_kind"),
            detail=" · ".join([one.number, premium_words(one.premium_fen), one.reason]),
            number=one.number,
            tone=tone_of(one.kind),
        )
        for one in reversed(view.endorsements)
    ]
    issued = VersionEntry(
        at=view.policy.starts_at,
        title=_("Cover begins"),
        detail=format_yuan(view.policy.premium_fen, sign=True),
        number="",
    )
    return [*entries, issued]


def endorsements_sheet(rows: Iterable[EndorsementRow], account: str, today: date) -> TableSheet:
    """The endorsements as filtered, in the reader's language."""
    columns = [
        Column(_("Endorsement"), width=18),
        Column(_("Policy"), width=18),
        Column(_("Line")),
        Column(_("Kind"), width=22),
        Column(_("Plate"), width=12),
        Column(_("Branch"), width=24),
        Column(_("Takes effect"), "datetime"),
        Column(_("Premium"), "money"),
        Column(_("Reason"), width=30),
        Column(_("Written"), "datetime"),
    ]
    total: list[Any] = [_("Total"), *[None] * 6, 0, None, None]

    def body() -> Iterator[list[Any]]:
        # Added up as they pass: nobody keeps the rows, and the total is written after them.
        for row in rows:
            total[7] += row.endorsement.premium_fen
            yield _sheet_row(row)

    title = _("Endorsements of %(account)s", account=account)
    notes = [_("As of %(day)s", day=today.isoformat())]
    return TableSheet(_("Endorsements"), title, columns, body(), notes, total)


def _sheet_row(row: EndorsementRow) -> list[Any]:
    return [
        row.endorsement.number,
        row.policy.number,
        label(row.policy.line, "policy_line"),
        label(row.endorsement.kind, "endorsement_kind"),
        row.policy.plate,
        branch_name(row.branch),
        row.endorsement.effective_at,
        row.endorsement.premium_fen,
        row.endorsement.reason,
        row.endorsement.created_at,
    ]
