"""Published promises: never changed, in force from their day, and beside the very figures of the measures."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, func, select

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.commitments import Commitment
from service_desk.models.db import db
from service_desk.models.notices import Notice
from service_desk.rules.metrics import Mean, MeasureCode, Ratio
from service_desk.rules.periods import Period, month_of, months_after
from service_desk.rules.promises import PROMISABLE, Verdict
from service_desk.services import commitments, measures
from service_desk.services.commitments import DraftTerms, Move
from service_desk.services.measures import By, Span
from service_desk.services.reports.makers import parts
from service_desk.services.sla import compliance
from tests.promise_cases import MONTHS, PROMISES, busy_months, publish
from tests.report_cases import add_claim, survey_clock
from tests.standing import once
from tests.world import World

ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
# 25 November 2026: the month runs.
NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
BEGINS = date(2026, 9, 1)
ASKED_AT = datetime(2026, 8, 20, 1, 0, tzinfo=UTC)


@pytest.fixture
def busy(world: World) -> World:
    once("busy months", lambda: busy_months(world))
    db.session.commit()
    return world


def months() -> list[Period]:
    return [months_after(NOW.date(), back) for back in range(-3, 1)]


@pytest.mark.parametrize("by", [None, By.BRANCH])
def test_months_read_at_once_are_those_read_one_by_one(busy: World, by) -> None:
    span = Span(busy.account.id, month_of(NOW.date()), ZONE, NOW)

    found = measures.read_months(span, months(), sorted(PROMISABLE), by)

    for month, reading in zip(months(), found.readings, strict=True):
        alone = measures.read(replace(span, period=month), sorted(PROMISABLE), by)
        assert reading.total == alone.total, month
        for key in {*reading.groups, *alone.groups}:
            said = {code: reading.groups.get(key, {}).get(code) or None for code in PROMISABLE}
            expected = {code: alone.groups.get(key, {}).get(code) or None for code in PROMISABLE}
            assert _known(said) == _known(expected), (month, key)
    assert [one.total[MeasureCode.FOLLOW_UP_SCORE] for one in found.readings[1:]] == [
        Mean(10, 2),
        Mean(8, 2),
        Mean(9, 3),
    ]


def _known(values):
    """A group of which nothing is known may be left out, or be nothing."""
    return {code: value for code, value in values.items() if value not in (None, 0, Ratio(), Mean())}


@pytest.mark.parametrize("username", ["hq", "safety_gongyi"])
def test_the_page_shows_the_figures_of_the_measures(busy: World, username: str) -> None:
    version = publish(busy, BEGINS, ASKED_AT)
    reader = getattr(busy, username)

    board = commitments.read_board(busy.account.id, version.id, actor=reader, now=NOW)

    is_branch = username == "safety_gongyi"
    assert (board.branch.id if board.branch else None) == (busy.gongyi.id if is_branch else None)
    assert (len(board.months), board.months[-1]) == (12, month_of(NOW.date()))
    for number, month in enumerate(board.months[-4:], start=8):
        span = Span(busy.account.id, month, ZONE, NOW)
        for row in board.rows:
            tie = commitments.tie_of_promise(row.promise)
            assert row.values[number] == _expected(busy, span, tie, is_branch), (month, row.promise.title)
    assert board.rows[0].verdicts[7] is Verdict.NO_CASES


def _expected(world: World, span: Span, tie, is_branch: bool):
    if tie.step:
        branch_id = world.gongyi.id if is_branch else None
        wanted = compliance.ComplianceFilter(span.account_id, span.period, step=tie.step, branch_id=branch_id)
        counts = compliance.count_steps(wanted, zone=span.zone, now=span.now)
        return counts[tie.step].kept if tie.step in counts else Ratio()
    found = measures.read(span, [tie.measure], By.BRANCH)
    if not is_branch:
        return found.total[tie.measure]
    # The branch has none below it.
    nothing = Mean() if tie.measure in (MeasureCode.FOLLOW_UP_SCORE, MeasureCode.CLOSING_CYCLE) else Ratio()
    return found.groups.get(world.gongyi.id, {}).get(tie.measure, nothing)


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_more) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


def test_more_claims_cost_no_more_queries(busy: World) -> None:
    version = publish(busy, BEGINS, ASKED_AT)

    def ask() -> int:
        db.session.expire_all()
        with counted() as statements:
            commitments.read_board(busy.account.id, version.id, actor=busy.hq, now=NOW)
        return len(statements)

    before = ask()
    for number in range(6):
        claim = add_claim(busy, MONTHS[number % 3] + DAY, busy.truck)
        survey_clock(busy, claim, stopped_after=DAY, seen_at=NOW)
    db.session.commit()

    assert ask() == before <= 40


class TestVersions:
    def test_a_new_version_takes_the_place_of_the_former_from_its_day(self, world: World) -> None:
        publish(world, BEGINS, ASKED_AT, *PROMISES[:2])
        later = publish(world, date(2026, 12, 1), NOW, PROMISES[2])
        account_id, hq = world.account.id, world.hq

        numbers = {
            day: commitments.find_current(account_id, actor=hq, on=day)
            for day in (date(2026, 8, 31), BEGINS, date(2026, 11, 30), date(2026, 12, 1))
        }

        assert [one and one.list.number for one in numbers.values()] == [None, 1, 1, 2]
        versions = commitments.list_versions(account_id, actor=world.safety_gongyi)
        assert [(one.list.number, one.ends_on) for one in versions] == [(2, None), (1, date(2026, 11, 30))]
        kept = select(func.count()).where(Commitment.list_id == versions[1].list.id)
        assert (later.number, db.session.scalar(kept)) == (2, 2)

    def test_what_is_published_is_changed_by_nobody(self, world: World) -> None:
        version = publish(world, BEGINS, ASKED_AT)
        promise_id = db.session.scalars(
            select(Commitment.id).where(Commitment.list_id == version.id).limit(1)
        ).one()
        account_id, asked = world.account.id, {"version": version.version, "actor": world.manager, "now": NOW}
        for act in (
            lambda: commitments.change_draft(account_id, DraftTerms(date(2027, 1, 1)), **asked),
            lambda: commitments.change_promise(account_id, promise_id, PROMISES[0], **asked),
            lambda: commitments.drop_promise(account_id, promise_id, **asked),
            lambda: commitments.publish(account_id, **asked),
            lambda: commitments.drop_draft(account_id, **asked),
        ):
            with pytest.raises(NotFound):
                act()
        draft = commitments.start_draft(account_id, actor=world.manager, now=NOW)
        with pytest.raises(NotFound):
            commitments.drop_promise(
                account_id, promise_id, version=draft.version, actor=world.manager, now=NOW
            )

    def test_publishing_is_audited_and_told_to_the_client(self, world: World) -> None:
        version = publish(world, BEGINS, ASKED_AT)

        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.entity_kind == "commitment_lists").order_by(AuditEntry.id)
        ).all()
        assert [one.action for one in entries] == [
            "promises_drafted",
            *["promises_changed"] * 7,
            "promises_published",
        ]
        assert entries[-1].changes["promises"] == [None, 6]
        told = db.session.execute(
            select(Notice.user_id, Notice.params)
            .where(Notice.kind == "promises_published")
            .order_by(Notice.id)
        ).all()
        assert {user_id for user_id, _params in told} == {world.hq.id, world.safety_gongyi.id}
        assert told[0].params["url"] == f"/promises?version={version.number}"

    def test_refuses_what_cannot_be_published(self, world: World) -> None:
        account_id, manager = world.account.id, world.manager
        draft = commitments.start_draft(account_id, actor=manager, now=NOW)
        with pytest.raises(InvalidMany) as refusal:
            commitments.publish(account_id, version=draft.version, actor=manager, now=NOW)
        assert [one.code for one in refusal.value.problems] == ["promises_none", "promises_supervision"]
        past = DraftTerms(date(2026, 11, 24), supervision_name="x", supervision_phone="1")
        with pytest.raises(Invalid) as refused:
            commitments.change_draft(account_id, past, version=draft.version, actor=manager, now=NOW)
        assert refused.value.code == "promises_begin_past"
        with pytest.raises(Conflict):
            commitments.publish(account_id, version=draft.version + 1, actor=manager, now=NOW)

    def test_a_version_never_begins_before_one_that_is_published(self, world: World) -> None:
        publish(world, date(2026, 12, 15), NOW)
        draft = commitments.start_draft(world.account.id, actor=world.manager, now=NOW)
        assert draft.effective_on == date(2026, 12, 15)
        with pytest.raises(Invalid) as refused:
            commitments.change_draft(
                world.account.id,
                DraftTerms(date(2026, 12, 14)),
                version=draft.version,
                actor=world.manager,
                now=NOW,
            )
        assert (refused.value.code, refused.value.params) == ("promises_begin_early", {"day": "2026-12-15"})

    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"title": " "}, ["title"]),
            ({"tie": "step:breach_review"}, ["tie"]),
            ({"tie": "measure:claims_reported"}, ["tie"]),
            ({"target": Decimal("100.5")}, ["target"]),
            ({"title": "", "tie": ""}, ["title", "tie"]),
        ],
    )
    def test_a_promise_must_be_measurable(self, world: World, changes, fields) -> None:
        draft = commitments.start_draft(world.account.id, actor=world.manager, now=NOW)
        terms = replace(PROMISES[0], **changes)
        with pytest.raises(InvalidMany) as refusal:
            commitments.add_promise(
                world.account.id, terms, version=draft.version, actor=world.manager, now=NOW
            )
        assert [one.field for one in refusal.value.problems] == fields

    def test_promises_change_places_and_are_left_out(self, world: World) -> None:
        publish(world, BEGINS, ASKED_AT, *PROMISES[:3])
        account_id, manager = world.account.id, world.manager
        draft = commitments.start_draft(account_id, actor=manager, now=NOW)
        first, second, third = (one.id for one in commitments.get_draft(account_id, actor=manager)[1])
        for number, (promise_id, move) in enumerate(
            [(third, Move.UP), (first, Move.UP), (first, Move.DOWN), (second, None)]
        ):
            asked = {"version": draft.version, "actor": manager, "now": NOW + timedelta(minutes=number)}
            if move:
                commitments.move_promise(account_id, promise_id, move, **asked)
            else:
                commitments.drop_promise(account_id, promise_id, **asked)
            db.session.flush()
        assert [one.id for one in commitments.get_draft(account_id, actor=manager)[1]] == [third, first]


@pytest.mark.parametrize(
    ("username", "refusal"),
    [
        ("hq", Forbidden),
        ("safety_gongyi", Forbidden),
        ("claims1", Forbidden),
        ("underwriter", Forbidden),
        ("foreign_hq", Forbidden),
        ("manager", None),
        ("admin", None),
    ],
)
def test_only_managers_and_administrators_publish(world: World, username: str, refusal) -> None:
    def start() -> None:
        commitments.start_draft(world.account.id, actor=getattr(world, username), now=NOW)

    if refusal:
        with pytest.raises(refusal):
            start()
    else:
        start()


def test_another_account_has_no_such_promises_and_no_draft_is_read(world: World) -> None:
    version = publish(world, BEGINS, ASKED_AT)
    draft = commitments.start_draft(world.account.id, actor=world.manager, now=NOW)
    refusals: list[type[DomainError]] = []
    for act in (
        lambda: commitments.find_current(world.account.id, actor=world.foreign_hq, on=BEGINS),
        lambda: commitments.read_board(world.account.id, version.id, actor=world.foreign_hq, now=NOW),
        lambda: commitments.get_version(world.account.id, 2, actor=world.hq),
        lambda: commitments.read_board(world.foreign_account.id, version.id, actor=world.foreign_hq, now=NOW),
        lambda: commitments.read_board(world.account.id, draft.id, actor=world.hq, now=NOW),
    ):
        try:
            act()
        except DomainError as error:
            refusals.append(type(error))
    assert refusals == [NotFound] * 5


def test_a_year_tells_in_how_many_months_each_was_kept(busy: World) -> None:
    publish(busy, BEGINS, ASKED_AT, PROMISES[0], PROMISES[2])
    year = Period(date(2026, 1, 1), date(2026, 12, 31))

    found = commitments.kept_months(busy.account, year, now=NOW)

    board = {promise.title: kept for promise, kept in found}
    assert board["回访评分"] == Ratio(1, 3)
    assert board["查勘及时到达"].whole == 3
    assert commitments.kept_months(busy.foreign_account, year, now=NOW) == []
    [table] = parts.promises(busy.account, year, NOW)
    assert [column.code for column in table.columns] == ["commitment", "months_kept"]
    assert [row[1] for row in table.rows] == [kept for _promise, kept in found]
    assert parts.promises(busy.foreign_account, year, NOW) == ()
