"""A book of claims with their whole history, copied by the database from one claim taken through the flow.

Claims come one every few minutes and leave about three weeks later, so that ten thousand of half a million are open.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from service_desk.models.claim_papers import ClaimChecklist
from service_desk.models.claims import Claim, ClaimEvent, ClaimPayment, FollowUp, ReserveEntry, Survey
from service_desk.models.db import db
from service_desk.models.reserves import ReserveMovement
from service_desk.models.sla import Timer
from service_desk.rules.claim_flow import ClaimState
from tests.claim_cases import Journey, reported_claim
from tests.world import World

# Minutes from one report to the next: half a million claims are not quite five years.
MINUTES_APART = 5
# Minutes after its report that a claim takes each step; the last is the end, later for some than for others.
DISPATCHED, SURVEYED, ASSESSED, PAID = 10, 120, 3_000, 16_000
ENDED = "(20000 + (n * 7919) % 30000)"
IS_DENIED, IS_STUCK = "(n % 50 = 7)", "(n % 200 = 0)"
TABLES = (
    "claims",
    "timers",
    "claim_events",
    "reserve_entries",
    "reserve_movements",
    "claim_payments",
    "surveys",
    "claim_checklists",
    "follow_ups",
)


def build(world: World, size: int, now: datetime) -> None:
    """Write `size` claims of the world's account and commit; `now` is just after the last report."""
    claim = reported_claim(world, now - timedelta(days=1))
    journey = Journey(world, claim, claim.reported_at)
    journey.to(ClaimState.CLOSED)
    db.session.add(
        FollowUp(claim_id=claim.id, round=1, at=journey.now, spoken_with="郭永刚", score=4, by_id=world.claims1.id)
    )
    db.session.commit()
    with _without_indexes():
        _Copies(world, size, now).write()
    db.session.execute(text("ANALYZE"))
    db.session.commit()


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Build indexes once over all rows and not row by row, where SQLite says what they are."""
    listed = ", ".join(f"'{table}'" for table in TABLES)
    is_sqlite = db.engine.dialect.name == "sqlite"
    wanted = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({listed})"
    indexes = db.session.execute(text(wanted)).all() if is_sqlite else []
    for name, _ in indexes:
        db.session.execute(text(f"DROP INDEX {name}"))
    yield
    for _, sql in indexes:
        db.session.execute(text(sql))
    db.session.commit()


class _Copies:
    """Writes the claims numbered 2 to `size`, `n` in all SQL, and what happened to each until now."""

    def __init__(self, world: World, size: int, now: datetime) -> None:
        self.world, self.size, self.now = world, size, now
        self.is_sqlite = db.engine.dialect.name == "sqlite"
        self.age = f"(({size} - n) * {MINUTES_APART})"
        self.branch = f"CASE n % 2 WHEN 0 THEN {world.gongyi.id} ELSE {world.zhongmu.id} END"
        self.owner = f"CASE n % 3 WHEN 0 THEN {world.claims1.id} ELSE {world.claims2.id} END"
        self.has_ended = f"({self.age} >= {ENDED} AND NOT {IS_STUCK})"

    def write(self) -> None:
        """All tables."""
        self._claims()
        self._events()
        self._money()
        self._survey_and_answers()
        self._clocks()

    def at(self, minutes: int | str) -> str:
        """The instant so many minutes after the report, whole seconds."""
        back = f"({self.age} - {minutes})"
        if self.is_sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%S.000000', :now, '-' || {back} || ' minutes')"
        return f"(CAST(:now AS timestamptz) - make_interval(mins => CAST({back} AS integer)))"

    def happened(self, minutes: int | str, *, stuck: bool = True, denied: bool = True) -> str:
        """Whether what comes so many minutes after the report has come, and comes to such claims at all."""
        parts = [f"{self.age} >= {minutes}"]
        parts += [] if stuck else [f"NOT {IS_STUCK}"]
        parts += [] if denied else [f"NOT {IS_DENIED}"]
        return " AND ".join(parts)

    def _claims(self) -> None:
        state = (
            f"CASE WHEN {self.has_ended} AND {IS_DENIED} THEN 'denied' WHEN {self.has_ended} THEN 'closed'"
            f" WHEN {self.happened(PAID, stuck=False, denied=False)} THEN 'paid'"
            f" WHEN {self.happened(ASSESSED, denied=False)} THEN 'assessed'"
            f" WHEN {self.happened(SURVEYED)} THEN 'surveyed' ELSE 'dispatched' END"
        )
        world = self.world
        values = {
            "id": "n",
            "number": "'CLM-' || n",
            "plate": "'豫A' || (n % 5000)",
            "branch_id": self.branch,
            "owner_id": self.owner,
            "vehicle_id": f"CASE n % 3 WHEN 0 THEN {world.coach.id} WHEN 1 THEN {world.bus.id} ELSE {world.truck.id} END",
            "state": state,
            "injured_count": "CASE WHEN n % 9 = 0 THEN 1 ELSE 0 END",
            "loss_at": self.at("(-30)"),
            "reported_at": self.at(0),
            "closed_at": f"CASE WHEN {self.has_ended} THEN {self.at(ENDED)} END",
            "next_due_at": "NULL",
            "highest_estimate_fen": "(n * 7001) % 20000000",
        }
        self._copy(Claim, values, "1 = 1")

    def _events(self) -> None:
        moves: Sequence[tuple[int | str, str, str, str]] = (
            (0, "''", "'reported'", self.happened(0)),
            (DISPATCHED, "'reported'", "'dispatched'", self.happened(DISPATCHED)),
            (DISPATCHED + 5, "'dispatched'", "'dispatched'", self.happened(DISPATCHED + 5)),
            (SURVEYED, "'dispatched'", "'surveyed'", self.happened(SURVEYED)),
            (ASSESSED, "'surveyed'", "'assessed'", self.happened(ASSESSED, denied=False)),
            (PAID, "'assessed'", "'paid'", self.happened(PAID, stuck=False, denied=False)),
            (ENDED, "'paid'", "'closed'", self.happened(ENDED, stuck=False, denied=False)),
            (ENDED, "'surveyed'", "'denied'", f"{self.happened(ENDED, stuck=False)} AND {IS_DENIED}"),
        )
        for number, (minutes, was, becomes, when) in enumerate(moves):
            values = {
                "id": f"1000 + n * {len(moves)} + {number}",
                "claim_id": "n",
                "at": self.at(minutes),
                "recorded_at": self.at(minutes),
                "from_state": was,
                "to_state": becomes,
            }
            self._copy(ClaimEvent, values, when)

    def _money(self) -> None:
        estimate, paid = "((n * 7001) % 2000000 + 1000)", "((n * 6007) % 1800000 + 900)"
        entries = ((SURVEYED, estimate), (ASSESSED, f"({estimate} + 50000)"))
        for number, (minutes, amount) in enumerate(entries):
            values = {"id": f"1000 + n * 2 + {number}", "claim_id": "n", "at": self.at(minutes), "after_fen": amount}
            self._copy(ReserveEntry, values, self.happened(minutes))
        movements: Sequence[tuple[int | str, str, str, str]] = (
            (SURVEYED, "'new'", f"({estimate} + 50000)", self.happened(SURVEYED)),
            (PAID, "'paid'", paid, self.happened(PAID, stuck=False, denied=False)),
            (ENDED, "'released'", "1000", self.happened(ENDED, stuck=False)),
        )
        for number, (minutes, kind, amount, when) in enumerate(movements):
            values = {
                "id": f"1000 + n * 3 + {number}",
                "claim_id": "n",
                "at": self.at(minutes),
                "kind": kind,
                "amount_fen": amount,
                "entry_id": "NULL",
            }
            self._copy(ReserveMovement, values, when)
        payment = {"id": "1000 + n", "claim_id": "n", "amount_fen": paid, "paid_at": self.at(PAID)}
        self._copy(ClaimPayment, payment, self.happened(PAID, stuck=False, denied=False))

    def _survey_and_answers(self) -> None:
        survey = {
            "id": "1000 + n",
            "claim_id": "n",
            "recorded_at": self.at(SURVEYED),
            "is_first_scene": "n % 4 <> 0",
        }
        self._copy(Survey, survey, self.happened(SURVEYED))
        self._copy(ClaimChecklist, {"id": "1000 + n", "claim_id": "n"}, self.happened(SURVEYED))
        answer = {"id": "1000 + n", "claim_id": "n", "at": self.at(f"({ENDED} + 1440)"), "score": "1 + n % 5"}
        asked = f"{self.age} >= {ENDED} + 1440 AND NOT {IS_STUCK} AND n % 2 = 0"
        self._copy(FollowUp, answer, asked)

    def _clocks(self) -> None:
        """Three of each claim; one in twenty is broken. The last runs until the claim is paid or denied."""
        steps: Sequence[tuple[str, int, int | str, str]] = (
            ("'survey'", DISPATCHED, SURVEYED, self.happened(SURVEYED)),
            ("'assessment'", SURVEYED, ASSESSED, self.happened(ASSESSED)),
            ("'payment'", ASSESSED, ENDED, self.happened(ENDED, stuck=False)),
        )
        for number, (step, start, stop, is_done) in enumerate(steps):
            is_broken = f"((n + {number}) % 20 = 0 AND {is_done})"
            state = f"CASE WHEN NOT ({is_done}) THEN 'running' WHEN {is_broken} THEN 'breached' ELSE 'met' END"
            due = f"CASE WHEN {is_done} THEN {self.at(f'({stop} - 5)')} ELSE {self.at(f'({self.age} + 600)')} END"
            values = {
                "id": f"1000 + n * 3 + {number}",
                "matter_id": "n",
                "matter_number": "'CLM-' || n",
                "branch_id": self.branch,
                "holder_id": self.owner,
                "step": step,
                "cycle": "1",
                "state": state,
                "started_at": self.at(start),
                "due_at": due,
                "warn_at": due,
                "next_check_at": "NULL",
                "breached_at": f"CASE WHEN {is_broken} THEN {self.at(f'({stop} - 5)')} END",
                "stopped_at": f"CASE WHEN {is_done} THEN {self.at(stop)} END",
            }
            self._copy(Timer, values, self.happened(start))

    def _copy(self, model: Any, values: dict[str, str], when: str) -> None:
        """Copy the first row of a table for each claim that meets a condition, with values of its own."""
        columns = [column.name for column in model.__table__.columns]
        chosen = ", ".join(values.get(name, f'pattern."{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        table = model.__tablename__
        series = f"WITH RECURSIVE series(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM series WHERE n < {self.size})"
        pattern = f"(SELECT * FROM {table} WHERE id = (SELECT min(id) FROM {table})) AS pattern"
        statement = f"INSERT INTO {table} ({names}) {series} SELECT {chosen} FROM series, {pattern} WHERE {when}"
        now = self.now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        at = {"now": now if self.is_sqlite else f"{now}+00"}
        db.session.execute(text(statement), at if ":now" in statement else {})
