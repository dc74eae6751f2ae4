"""Price tables: the official CTPL tariff, the samples, the table in force on a day, and how a version is kept."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, NotFound
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import RateTable, RateTableLine
from service_desk.models.users import User
from service_desk.rules import ctpl_tariff, sample_rates
from service_desk.rules.permissions import Action
from service_desk.rules.rating import CoverLimit, LimitPer, Measure, RateLine
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services import access, audit


@dataclass(frozen=True)
class PriceTable:
    """A version of a line's prices: its row, and its lines as rating reads them with the ids of their rows."""

    table: RateTable
    ids: dict[RateLine, int]

    @property
    def lines(self) -> list[RateLine]:
        return list(self.ids)

    @property
    def cover_sets(self) -> list[str]:
        """The cover sets the table sells, in its own order."""
        return list(dict.fromkeys(line.cover_set for line in self.ids))

    def has_begun(self, today: date) -> bool:
        """Whether it prices, or priced: then it can never be changed."""
        return self.table.effective_on <= today


@dataclass(frozen=True)
class PricedBy:
    """A line of a price table and the version it stands in."""

    rate: RateLine
    table: RateTable


def install_base_tariff(*, now: datetime) -> None:
    """Write the official CTPL base tariff of 2008, unless it is there."""
    _install(
        PolicyLine.CTPL,
        "交强险基础费率",
        ctpl_tariff.EFFECTIVE_ON,
        ctpl_tariff.ctpl_base_lines(),
        names=ctpl_tariff.COVER_SET_NAMES,
        source=ctpl_tariff.SOURCE,
        is_sample=False,
        now=now,
    )


def install_sample_rates(*, now: datetime) -> None:
    """Write the CTPL tariff and the made-up prices of the other lines, unless they are there."""
    install_base_tariff(now=now)
    _install(
        PolicyLine.COMMERCIAL,
        "商业险价格表",
        sample_rates.EFFECTIVE_ON,
        sample_rates.commercial_lines(),
        names=sample_rates.COMMERCIAL_NAMES,
        source="",
        is_sample=True,
        now=now,
    )
    _install(
        PolicyLine.CARRIER_LIABILITY,
        "承运人责任险价格表",
        sample_rates.EFFECTIVE_ON,
        sample_rates.carrier_liability_lines(),
        names=sample_rates.CARRIER_NAMES,
        source="",
        is_sample=True,
        now=now,
    )


def _install(
    line: PolicyLine,
    name: str,
    effective_on: date,
    lines: Iterable[RateLine],
    *,
    names: dict[str, dict[str, str]],
    source: str,
    is_sample: bool,
    now: datetime,
) -> None:
    known = select(RateTable.id).where(RateTable.account_id.is_(None), RateTable.line == line)
    if db.session.scalar(known.limit(1)):
        return
    table = RateTable(
        name=name,
        line=line,
        effective_on=effective_on,
        source=source,
        is_sample=is_sample,
        cover_set_names=names,
    )
    write(table, lines)
    audit.record("rates_installed", table, actor=None, now=now)


def write(table: RateTable, lines: Iterable[RateLine]) -> None:
    """Keep a version with its lines."""
    db.session.add(table)
    db.session.flush()
    db.session.execute(insert(RateTableLine), [_line_values(table.id, line) for line in lines])


def in_force(account_id: int | None, on: date) -> dict[PolicyLine, PriceTable]:
    """The price table of each line on a day: the account's own, else the general one, each the latest begun."""
    statement = (
        select(RateTable)
        .where(
            (RateTable.account_id == account_id) | RateTable.account_id.is_(None),
            RateTable.effective_on <= on,
            RateTable.withdrawn_at.is_(None),
        )
        # A later row overwrites an earlier one: general before own, old before new.
        .order_by(RateTable.account_id.is_not(None), RateTable.effective_on)
    )
    chosen = {table.line: table for table in db.session.scalars(statement)}
    lines = _lines_of([table.id for table in chosen.values()])
    return {line: PriceTable(table, lines[table.id]) for line, table in chosen.items()}


def change_days(account_id: int, *, after: date) -> list[date]:
    """The later days on which another version comes into force, for the account or for all, in order."""
    statement = select(RateTable.effective_on).where(
        (RateTable.account_id == account_id) | RateTable.account_id.is_(None), RateTable.effective_on > after
    )
    return sorted(set(db.session.scalars(statement)))


def list_tables(account_id: int, *, actor: User) -> list[RateTable]:
    """The versions that concern an account: its own and the general ones, by line, the newest first."""
    access.require(actor, Action.QUOTE)
    access.get_account(actor, account_id)
    statement = select(RateTable).where((RateTable.account_id == account_id) | RateTable.account_id.is_(None))
    order = list(PolicyLine)
    tables = db.session.scalars(statement.order_by(RateTable.effective_on.desc(), RateTable.id.desc()))
    return sorted(tables, key=lambda table: order.index(table.line))


def get_table(table_id: int, *, actor: User) -> PriceTable:
    """One version with its lines; NotFound for another account's."""
    access.require(actor, Action.QUOTE)
    table = db.session.get(RateTable, table_id)
    if table is None:
        raise NotFound("not_found")
    if table.account_id is not None:
        access.get_visible(actor, Action.QUOTE, KeyAccount, KeyAccount.id == table.account_id)
    return PriceTable(table, _lines_of([table.id])[table.id])


def table_of_line(rate_line_id: int) -> PriceTable:
    """The version that a policy was priced from, by its line. The caller has found the policy visible."""
    line = db.session.get_one(RateTableLine, rate_line_id)
    return PriceTable(db.session.get_one(RateTable, line.table_id), _lines_of([line.table_id])[line.table_id])


def withdraw(table_id: int, *, actor: User, now: datetime) -> RateTable:
    """Take back a version before it begins; what was priced by it keeps its price.

    Conflict `rate_version_begun` from its first day on, `rate_version_withdrawn` when it is already.
    """
    access.require(actor, Action.MANAGE_SETTINGS)
    get_table(table_id, actor=actor)
    table = lock_not_begun(table_id, now=now)
    table.withdrawn_at = now
    audit.record("rates_withdrawn", table, actor=actor, now=now, account_id=table.account_id)
    return table


def lock_not_begun(table_id: int, *, now: datetime) -> RateTable:
    """A version that may still be withdrawn, locked; else Conflict as `withdraw`."""
    table = db.session.get_one(RateTable, table_id, with_for_update=True, populate_existing=True)
    if table.withdrawn_at is not None:
        raise Conflict("rate_version_withdrawn")
    if table.effective_on <= local_date(now):
        raise Conflict("rate_version_begun", day=table.effective_on.isoformat())
    return table


def version_on(account_id: int | None, line: PolicyLine, day: date) -> RateTable | None:
    """The version of exactly this account (None: the general one) that begins on a day."""
    statement = select(RateTable).where(
        RateTable.account_id.is_(None) if account_id is None else RateTable.account_id == account_id,
        RateTable.line == line,
        RateTable.effective_on == day,
        RateTable.withdrawn_at.is_(None),
    )
    return db.session.scalar(statement)


def cover_set_names() -> dict[str, dict[str, str]]:
    """What every cover set is called, by its code: a code has one name, the latest version says which."""
    names: dict[str, dict[str, str]] = {}
    statement = select(RateTable.cover_set_names).order_by(RateTable.effective_on, RateTable.id)
    for own in db.session.scalars(statement):
        names |= own
    return names


def lines_by_id(ids: Collection[int]) -> dict[int, PricedBy]:
    """Lines of price tables by the id of their row, with their version: what something was priced by."""
    statement = (
        select(RateTableLine, RateTable)
        .join(RateTable, RateTable.id == RateTableLine.table_id)
        .where(RateTableLine.id.in_(ids))
    )
    return {
        row.id: PricedBy(_rate_line(row, table.line), table) for row, table in db.session.execute(statement)
    }


def _lines_of(table_ids: list[int]) -> dict[int, dict[RateLine, int]]:
    found: dict[int, dict[RateLine, int]] = {table_id: {} for table_id in table_ids}
    statement = (
        select(RateTableLine, RateTable.line)
        .join(RateTable, RateTable.id == RateTableLine.table_id)
        .where(RateTableLine.table_id.in_(table_ids))
        .order_by(RateTableLine.id)
    )
    for row, line in db.session.execute(statement):
        found[row.table_id][_rate_line(row, line)] = row.id
    return found


def _rate_line(row: RateTableLine, line: PolicyLine) -> RateLine:
    return RateLine(
        line=line,
        cover_set=row.cover_set,
        use_class=row.use_class,
        measure=Measure(row.measure),
        band_from=Decimal(row.band_from),
        band_to=None if row.band_to is None else Decimal(row.band_to),
        premium_fen=row.premium_fen,
        per_seat=row.per_seat,
        limits=tuple(
            CoverLimit(
                CoverCode(cover["code"]),
                cover["limit_fen"],
                LimitPer(cover["per"]),
                cover["deductible_fen"],
                cover["absolute_deductible_percent"],
            )
            for cover in row.covers
        ),
    )


def _line_values(table_id: int, line: RateLine) -> dict[str, Any]:
    return {
        "table_id": table_id,
        "cover_set": line.cover_set,
        "use_class": line.use_class,
        "measure": line.measure.value,
        "band_from": int(line.band_from),
        "band_to": None if line.band_to is None else int(line.band_to),
        "premium_fen": line.premium_fen,
        "per_seat": line.per_seat,
        "covers": [
            {
                "code": limit.coverage.value,
                "limit_fen": limit.limit_fen,
                "per": limit.per.value,
                "deductible_fen": limit.deductible_fen,
                "absolute_deductible_percent": limit.absolute_deductible_percent,
            }
            for limit in line.limits
        ],
    }
