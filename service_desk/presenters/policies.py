"""Quotes, orders, policies and price tables as pages and spreadsheets show them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, cast

from flask import g
from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import CHINA, local_date, start_of_day
from service_desk.base.errors import Invalid
from service_desk.base.money import format_yuan
from service_desk.models.accounts import Branch
from service_desk.models.policies import Policy, RateTable
from service_desk.presenters.labels import LABELS, label
from service_desk.presenters.languages import branch_name, named
from service_desk.presenters.messages import sentence_for
from service_desk.rules.policy_flow import PolicyState, Term, last_covered_day
from service_desk.rules.rating import CoverLimit, LimitPer, Measure, Premium, RateLine
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import CoverAt, IssuePlan, Limit, PlannedPolicy, VehicleCoverage, rates
from service_desk.services.policies.endorsing import InsuredFacts
from service_desk.services.policies.queries import PolicyRow
from service_desk.services.policies.quoting import LineQuote

STATE_TONES = {
    PolicyState.ISSUED: ("idle", "clock"),
    PolicyState.IN_FORCE: ("ok", "check"),
    PolicyState.EXPIRED: ("idle", "close"),
    PolicyState.CANCELLED: ("bad", "close"),
    PolicyState.VOIDED: ("idle", "close"),
}
MOST_SHOWN = 300


def cover_set(code: str) -> str:
    """The name of a cover set: what the price tables call it; for one that no table sells, its words or its code."""
    names = _cover_set_names().get(code)
    if names:
        return named(names["zh"], names["en"])
    words = LABELS["cover_set"]
    return str(words[code]) if code in words else code


def _cover_set_names() -> dict[str, dict[str, str]]:
    """Read once a request: a list asks for every row."""
    if "cover_set_names" not in g:
        g.cover_set_names = rates.cover_set_names()
    return cast("dict[str, dict[str, str]]", g.cover_set_names)


def reason(code: str, params: Mapping[str, Any]) -> str:
    """Why a line cannot be issued, with the codes among the parameters put into words."""
    return sentence_for(code, shown_params(params))


def shown_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a refusal with the codes among them put into words."""
    shown = dict(params)
    for name, kind in (("use_class", "use_class"), ("measure", "band_measure"), ("line", "policy_line")):
        if shown.get(name):
            shown[name] = label(shown[name], kind)
    for name, fen in shown.items():
        if name.endswith("_fen"):
            shown[name] = format_yuan(fen, sign=True)
    if "source" in shown and not shown["source"]:
        shown["source"] = _("another insurer")
    return shown


def term_words(starts_at: datetime, ends_at: datetime) -> str:
    """`2026-11-23 – 2027-11-22`, with the hour when cover begins within a day."""
    local = starts_at.astimezone(CHINA)
    first = local.date().isoformat()
    if starts_at != start_of_day(local.date()):
        first = f"{first} {local:%H:%M}"
    return f"{first} – {last_covered_day(ends_at).isoformat()}"


def size_words(seats: int | None, load_kg: int | None) -> str:
    """`45 seats`, `9.99 t`, both, or a dash."""
    parts = []
    if seats:
        parts.append(_("%(seats)s seats", seats=seats))
    if load_kg:
        parts.append(_("%(tonnes)s t", tonnes=f"{load_kg / 1000:g}"))
    return " · ".join(parts) or "—"


def band_words(line: RateLine) -> str:
    """The band of a price line: `36 seats and more`, `2 to under 5 t`."""
    low, high = f"{line.band_from:f}", None if line.band_to is None else f"{line.band_to:f}"
    if line.measure is Measure.SEATS:
        if high is None and line.band_from <= 1:
            return _("any number of seats")
        if high is None:
            return _("%(low)s seats and more", low=low)
        return _("%(low)s to under %(high)s seats", low=low, high=high)
    if high is None:
        return _("%(low)s t and more", low=low)
    return _("%(low)s to under %(high)s t", low=low, high=high)


def how_priced(premium: Premium) -> str:
    """The line a premium comes from and what was done with it."""
    words = [band_words(premium.rate)]
    if premium.rate.per_seat:
        words.append(_("%(fen)s a seat", fen=format_yuan(premium.rate.premium_fen, sign=True)))
    if premium.float_rate:
        words.append(_("float %(percent)s%%", percent=f"{premium.float_rate * 100:+.0f}"))
    return " · ".join(words)


def table_words(table: RateTable) -> str:
    """The version of a price table: its name and from when."""
    return _("%(name)s, from %(day)s", name=table.name, day=table.effective_on.isoformat())


def limit_words(limits: Iterable[CoverLimit | Limit]) -> str:
    """The covers with their limits on one line."""
    return " · ".join(
        _("%(cover)s %(limit)s", cover=label(_code(limit), "cover"), limit=limit_sum(limit))
        for limit in limits
    )


def _code(limit: CoverLimit | Limit) -> str:
    return (limit.coverage if isinstance(limit, CoverLimit) else limit.code).value


def limit_sum(limit: CoverLimit | Limit) -> str:
    """The limit of a cover: in all, or for a seat."""
    if isinstance(limit, CoverLimit):
        seat_fen = limit.limit_fen if limit.per is LimitPer.SEAT else None
    else:
        seat_fen = limit.per_seat_fen
    if seat_fen is not None:
        return _("%(fen)s a seat", fen=format_yuan(seat_fen, sign=True))
    return format_yuan(limit.limit_fen, sign=True)


@dataclass(frozen=True)
class QuoteRow:
    """A cover set in a quote: its premium, or why there is none."""

    line: str
    cover_set: str
    limits: str
    premium_fen: int | None
    how: str
    table: str
    is_sample: bool


def quote_rows(quotes: Iterable[LineQuote]) -> list[QuoteRow]:
    """The lines of a quote in words."""
    return [
        QuoteRow(
            line=label(one.line, "policy_line"),
            cover_set=cover_set(one.cover_set),
            limits=limit_words(one.premium.rate.limits) if one.premium else "",
            premium_fen=one.premium.total_fen if one.premium else None,
            how=how_priced(one.premium) if one.premium else _refusal(one.refusal),
            table=table_words(one.table),
            is_sample=one.table.is_sample,
        )
        for one in quotes
    ]


def _refusal(error: Invalid | None) -> str:
    return reason(error.code, error.params) if error else ""


@dataclass(frozen=True)
class CoverWords:
    """Cover of a vehicle now, in words."""

    line: str
    until: str
    source: str
    number: str
    limits: str


def covers_words(covers: Iterable[CoverAt]) -> list[CoverWords]:
    """The cover that holds, a line each."""
    return [
        CoverWords(
            line=label(one.line, "policy_line"),
            until=last_covered_day(one.ends_at).isoformat(),
            source=one.number or label(one.source, "cover_source"),
            number=one.number,
            limits=limit_words(one.limits),
        )
        for one in covers
    ]


@dataclass(frozen=True)
class CoverCell:
    """Cover of one line in a list; a tone when it is missing or ends soon."""

    text: str
    tone: str | None
    icon: str | None


def cover_cells(coverage: VehicleCoverage, now: datetime, *, soon_days: int = 30) -> list[CoverCell]:
    """A cell for each line."""
    return [_cover_cell(coverage, line, now, soon_days) for line in PolicyLine]


def _cover_cell(coverage: VehicleCoverage, line: PolicyLine, now: datetime, soon_days: int) -> CoverCell:
    held = coverage.lines.get(line)
    if held is None:
        missing = line in coverage.missing
        return CoverCell(_("no cover"), "bad", "over") if missing else CoverCell("—", None, None)
    until = last_covered_day(held.unbroken_until)
    if (until - local_date(now)).days <= soon_days:
        return CoverCell(until.isoformat(), "warn", "clock")
    return CoverCell(until.isoformat(), None, None)


@dataclass(frozen=True)
class PlanRow:
    """A vehicle of an order: when each line begins and what it costs."""

    plate: str
    branch: str
    size: str
    terms: dict[PolicyLine, str]
    premiums: dict[PolicyLine, int]
    ctpl_float: str = ""
    tax_fen: int = 0

    @property
    def total_fen(self) -> int:
        """All that is to be paid: premiums and tax."""
        return sum(self.premiums.values()) + self.tax_fen


def plan_rows(plan: IssuePlan, branches: Mapping[int, Branch]) -> list[PlanRow]:
    """The first vehicles of an order that can be issued, a row each."""
    rows = []
    for _id, group in groupby(plan.policies, key=lambda one: one.vehicle.id):
        own = list(group)
        vehicle = own[0].vehicle
        rows.append(
            PlanRow(
                plate=vehicle.plate or vehicle.vin or "",
                branch=branch_name(branches[vehicle.branch_id]),
                size=f"{label(vehicle.use_class, 'use_class')} · {size_words(vehicle.seats, vehicle.load_kg)}",
                terms={one.line: _begins(one) for one in own},
                premiums={one.line: one.premium.total_fen for one in own},
                ctpl_float=next((one.ctpl_float.value for one in own if one.ctpl_float), ""),
                tax_fen=sum(one.tax_fen for one in own),
            )
        )
        if len(rows) == MOST_SHOWN:
            break
    return rows


def _begins(one: PlannedPolicy) -> str:
    return term_words(one.term.starts_at, one.term.ends_at).split(" – ")[0]


def vehicle_words(insured: Policy | InsuredFacts) -> list[tuple[str, str]]:
    """The vehicle as insured."""
    facts = insured.vehicle_facts
    return [
        (_("Plate"), insured.plate or _("pending")),
        (_("VIN"), insured.vin or "—"),
        (_("Maker and model"), facts.get("model") or "—"),
        (_("Engine number"), facts.get("engine_no") or "—"),
        (_("Use class"), label(facts.get("use_class"), "use_class")),
        (_("Rated seats or load"), size_words(facts.get("seats"), facts.get("load_kg"))),
        (_("First registration"), facts.get("registered_on") or "—"),
    ]


def limit_rows(limits: Sequence[Limit]) -> list[tuple[str, str, str]]:
    """Cover, limit and deductible of each cover of a policy."""
    return [(label(one.code, "cover"), limit_sum(one), deductible_words(one)) for one in limits]


def deductible_words(limit: Limit) -> str:
    """What the insured bears of each loss; a dash for nothing."""
    parts = []
    if limit.deductible_fen:
        parts.append(format_yuan(limit.deductible_fen, sign=True))
    if limit.absolute_deductible_percent:
        parts.append(f"{limit.absolute_deductible_percent}%")
    return " + ".join(parts) or "—"


def policies_sheet(rows: Iterable[PolicyRow], account: str, today: date) -> TableSheet:
    """The policies as filtered, in the reader's language."""
    columns = [
        Column(_("Policy"), width=18),
        Column(_("Line")),
        Column(_("Covers"), width=26),
        Column(_("State"), width=12),
        Column(_("Plate"), width=12),
        Column(_("VIN"), width=20),
        Column(_("Branch"), width=24),
        Column(_("Begins"), "datetime"),
        Column(_("Last day"), "date"),
        Column(_("Premium"), "money"),
        Column(_("Still owed"), "money"),
        Column(_("Issued"), "datetime"),
    ]
    total: list[Any] = [_("Total"), *[None] * 8, 0, 0, None]

    def body() -> Iterator[list[Any]]:
        # Added up as they pass: nobody keeps the rows, and the total is written after them.
        for row in rows:
            total[9] += row.premium_fen
            total[10] += row.open_fen or 0
            yield _policy_cells(row)

    title = _("Policies of %(account)s", account=account)
    notes = [_("As of %(day)s", day=today.isoformat())]
    return TableSheet(_("Policies"), title, columns, body(), notes, total)


def _policy_cells(row: PolicyRow) -> list[Any]:
    policy = row.policy
    return [
        policy.number,
        label(policy.line, "policy_line"),
        cover_set(policy.cover_set),
        label(row.standing, "policy_state"),
        policy.plate,
        policy.vin,
        branch_name(row.branch),
        policy.starts_at,
        Term(policy.starts_at, policy.ends_at).last_day,
        row.premium_fen,
        row.open_fen,
        policy.issued_at,
    ]
