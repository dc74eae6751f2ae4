"""Books of claims of any size for measures here: each with its events, reserve, payment and clocks, made by the database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from service_desk.models.claims import Claim, ClaimEvent, ClaimPayment, ReserveEntry
from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.rules.claim_flow import ClaimState
from tests.report_cases import add_claim, move, pay, reserve, survey_clock
from tests.world import World

# Of a hundred claims two are open: a group's claims take a week or two of the years that are kept.
OPEN_OF_A_HUNDRED = 2
# Five years of days; open ones are of the last two weeks.
_MINUTES, _RECENT = 2_600_000, 20_000


def fill(world: World, size: int, now: datetime, *, own_of: int) -> None:
    """So many claims of five years; one in `own_of` is of the world's account, the others of another one."""
    claim = add_claim(world, now)
    reserve(claim, now, 4_000_00)
    pay(claim, now, 3_000_00)
    survey_clock(world, claim, stopped_after=None, seen_at=now)
    move(claim, now, ClaimState.CLOSED)
    db.session.commit()
    at = {"now": now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"), "size": size}
    tables = ("claims", "claim_events", "reserve_entries", "claim_payments", "timers")
    with without_indexes(*tables):
        claims = _claims(world, own_of)
        _copy(Claim, claims, at)
        opened, ended = claims["reported_at"], claims["closed_at"]
        whole = "n <= :size"
        first = {"id": "n * 2", "claim_id": "n", "at": opened, "recorded_at": opened}
        _copy(ClaimEvent, first | {"from_state": "''", "to_state": "'reported'", "kind": "'reported'"}, at)
        left = {"id": "n * 2 + 1", "claim_id": "n", "at": ended, "recorded_at": ended, "kind": "'moved'"}
        is_ended = f"NOT {_is_open()}"
        _copy(ClaimEvent, left | {"from_state": "'paid'", "to_state": "'closed'"}, at, is_ended)
        money = "100000 + (n * 7001) % 2000000"
        _copy(ReserveEntry, {"id": "n", "claim_id": "n", "at": opened, "after_fen": money}, at, whole)
        paid = {"id": "n", "claim_id": "n", "paid_at": ended, "amount_fen": money}
        _copy(ClaimPayment, paid, at, is_ended)
        _copy(Timer, _clock(claims), at)
    db.session.execute(text("ANALYZE"))
    db.session.commit()


def _is_open() -> str:
    # Spread over the accounts: an account has one claim in so many, and two of its hundred are open.
    return f"((n / 100 + n) % 100 < {OPEN_OF_A_HUNDRED})"


def _moment(minutes: str) -> str:
    return f"strftime('%Y-%m-%d %H:%M:%S.000000', :now, '-' || ({minutes}) || ' minutes')"


def _claims(world: World, own_of: int) -> dict[str, str]:
    is_own, is_open = f"(n % {own_of} = 0)", _is_open()
    age = f"CASE WHEN {is_open} THEN (n * 31) % {_RECENT} ELSE 20000 + (n * 31) % {_MINUTES} END"
    branch = f"CASE n / {own_of} % 2 WHEN 0 THEN {world.gongyi.id} ELSE {world.zhongmu.id} END"
    foreign = world.foreign_vehicle
    return {
        "id": "n",
        "number": "printf('CLM-2025-%06d', n)",
        "plate": "printf('豫A%05d', n % 100000)",
        "account_id": f"CASE WHEN {is_own} THEN {world.account.id} ELSE {foreign.account_id} END",
        "branch_id": f"CASE WHEN {is_own} THEN {branch} ELSE {foreign.branch_id} END",
        "state": f"CASE WHEN {is_open} THEN 'reported' ELSE 'closed' END",
        "reported_at": _moment(age),
        "loss_at": _moment(f"60 + {age}"),
        "closed_at": f"CASE WHEN {is_open} THEN NULL ELSE {_moment(f'({age}) - 14400')} END",
        "highest_estimate_fen": "100000 + (n * 7001) % 2000000",
        "reserve_fen": "100000 + (n * 7001) % 2000000",
        "paid_fen": f"CASE WHEN {is_open} THEN 0 ELSE 100000 + (n * 7001) % 2000000 END",
        "approved_fen": f"CASE WHEN {is_open} THEN 0 ELSE 100000 + (n * 7001) % 2000000 END",
    }


def _clock(claims: Mapping[str, str]) -> dict[str, str]:
    """One survey clock a claim: those of open claims run, one ended in twenty was broken and is not reviewed."""
    is_open, opened = _is_open(), claims["reported_at"]
    broken = "(n % 2000 < 100)"
    return {
        "id": "n",
        "matter_id": "n",
        "matter_number": claims["number"],
        "account_id": claims["account_id"],
        "branch_id": claims["branch_id"],
        "state": f"CASE WHEN {is_open} THEN 'running' WHEN {broken} THEN 'breached' ELSE 'met' END",
        "started_at": opened,
        "due_at": f"CASE WHEN {is_open} THEN strftime('%Y-%m-%d %H:%M:%S.000000', :now, '2 hours') ELSE {opened} END",
        "warn_at": opened,
        "next_check_at": "NULL",
        "breached_at": f"CASE WHEN NOT {is_open} AND {broken} THEN {opened} ELSE NULL END",
        "stopped_at": f"CASE WHEN {is_open} THEN NULL ELSE {opened} END",
    }


@contextmanager
def without_indexes(*tables: str) -> Iterator[None]:
    """Build indexes once over all rows and not row by row."""
    listed = ", ".join(f"'{table}'" for table in tables)
    wanted = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({listed})"
    indexes = db.session.execute(text(wanted)).all()
    for name, _ in indexes:
        db.session.execute(text(f"DROP INDEX {name}"))
    yield
    for _, sql in indexes:
        db.session.execute(text(sql))
    db.session.commit()


def _copy(model: Any, values: Mapping[str, str], at: Mapping[str, Any], where: str = "1") -> None:
    """The first row of a table once for each number from 10 on, with its own values."""
    columns = [column.name for column in model.__table__.columns]
    chosen = ", ".join(values.get(name, f'pattern."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    table = model.__tablename__
    series = "WITH RECURSIVE series(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM series WHERE n < :size + 9)"
    pattern = f"(SELECT * FROM {table} WHERE id = (SELECT min(id) FROM {table})) AS pattern"
    statement = f"INSERT INTO {table} ({names}) {series} SELECT {chosen} FROM series, {pattern} WHERE {where}"
    used = {name: value for name, value in at.items() if f":{name}" in statement}
    db.session.execute(text(statement), used)
