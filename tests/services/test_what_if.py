"""What if: the same clocks as compliance counts, judged against another promise."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.sla import CalendarVersion, Timer, TimerState
from service_desk.rules.calendar import calendar_from_json
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period
from service_desk.rules.sla import PauseReason, Target, TargetUnit, TimerFacts, Verdict, evaluate
from service_desk.rules.vocabulary import Severity
from service_desk.services import exports, sla
from service_desk.services.notices import Matter
from service_desk.services.sla import ledger, what_if
from service_desk.services.sla.compliance import ComplianceFilter, Dimension, read_compliance
from service_desk.services.sla.what_if import Flip, Question
from tests.world import World

ALL = PageRequest(1, 200)
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
ONE_DAY, FIVE_DAYS = Target(1, TargetUnit.WORKING_DAYS), Target(5, TargetUnit.WORKING_DAYS)
UNPROVED = PauseReason.VEHICLE_UNAVAILABLE


def china(text: str) -> datetime:
    """`11-16 14:20` of 2026 in Zhengzhou."""
    return datetime.strptime(f"2026-{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


@pytest.fixture
def levels(world: World) -> None:
    sla.install_defaults(china("01-01 00:00"))


class Desk:
    """Runs clocks of assessments, whose promise is three working days of office hours."""

    def __init__(self, world: World) -> None:
        self.world, self.number = world, 0

    def run(
        self,
        started: str,
        stopped: str | None,
        *pauses: tuple[str, str | None],
        branch: Branch | None = None,
        step: ClockStep = ClockStep.ASSESSMENT,
        severity: Severity | None = None,
    ) -> Timer:
        self.number += 1
        branch = branch or self.world.gongyi
        name = f"CLM-2026-{self.number:06d}"
        matter = Matter("claim", self.number, name, branch.account_id, branch.id)
        at, holder = china(started), self.world.claims1
        timer = sla.start(
            matter,
            step,
            holder_id=holder.id,
            at=at,
            actor=None,
            now=at,
            severity=severity,
            amount_fen=9_000_00,
        )
        assert timer is not None
        for begins, ends in pauses:
            sla.pause(timer.id, UNPROVED, "在外地", None, actor=holder, now=china(begins))
            if ends:
                sla.resume(timer.id, actor=holder, now=china(ends))
        if stopped:
            sla.stop(matter, (step,), at=china(stopped), actor=None, now=china(stopped))
        return timer


@pytest.fixture
def desk(world: World, levels: None) -> Desk:
    return Desk(world)


def question(world: World, **changes: object) -> Question:
    of = ComplianceFilter(world.account.id, YEAR, step=ClockStep.ASSESSMENT)
    return Question(of, **{"target": ONE_DAY, **changes})  # type: ignore[arg-type]


def ask(world: World, asked: Question, now: str = "12-20 09:00") -> what_if.Answer:
    return what_if.ask(asked, actor=world.manager, now=china(now))


def flips(answer: what_if.Answer) -> dict[str, Flip]:
    return {case.timer.matter_number: case.flip for case in what_if.list_cases(answer, ALL).rows}


class TestVerdicts:
    def test_a_shorter_promise_breaks_what_was_kept(self, world: World, desk: Desk) -> None:
        desk.run("11-16 09:00", "11-16 16:00")
        late = desk.run("11-16 09:00", "11-17 11:00")

        answer = ask(world, question(world))

        assert (answer.whole.was, answer.whole.would) == (Ratio(2, 2), Ratio(1, 2))
        [case] = what_if.list_cases(answer, ALL).rows
        assert (case.timer.id, case.flip) == (late.id, Flip.BROKEN)
        assert (case.timer.due_at, case.due_at) == (china("11-19 09:00"), china("11-17 09:00"))
        assert case.over_seconds == answer.worst_over == 2 * 3600

    def test_a_longer_promise_keeps_what_was_broken(self, world: World, desk: Desk) -> None:
        desk.run("11-16 09:00", "11-20 10:00")

        answer = ask(world, question(world, target=FIVE_DAYS))

        assert (answer.whole.was, answer.whole.would) == (Ratio(0, 1), Ratio(1, 1))
        assert flips(answer) == {"CLM-2026-000001": Flip.KEPT}
        assert answer.worst_over == 0

    def test_other_weekly_hours_change_the_verdict_and_holidays_stay(self, world: World, desk: Desk) -> None:
        desk.run("11-20 16:00", "11-23 10:00")  # Friday to Monday
        desk.run("09-30 16:00", "10-08 10:00")  # over the National Day holiday
        saturday = {"sat": [["08:30", "17:30"]]}

        was = ask(world, question(world))
        with_saturdays = ask(world, question(world, week=saturday))

        assert flips(was) == {}
        assert flips(with_saturdays) == {"CLM-2026-000001": Flip.BROKEN}

    def test_another_calendar_alone_changes_the_verdict(self, world: World, desk: Desk) -> None:
        desk.run("11-20 16:00", "11-24 10:00")  # over a weekend: three days round the clock are too few

        answer = ask(world, question(world, target=None, calendar_code="24x7"))

        assert flips(answer) == {"CLM-2026-000001": Flip.BROKEN}

    def test_pauses_count_under_the_other_promise_too(self, world: World, desk: Desk) -> None:
        desk.run("11-16 09:00", "11-18 10:00", ("11-16 10:00", "11-18 08:30"))

        answer = ask(world, question(world))

        assert flips(answer) == {}
        assert answer.needs[-1].least == (60 + 90) * 60

    def test_a_pause_after_the_other_due_time_does_not_keep_it(self, world: World, desk: Desk) -> None:
        desk.run("11-16 09:00", "11-18 10:00", ("11-17 09:30", "11-18 08:30"))

        assert flips(ask(world, question(world))) == {"CLM-2026-000001": Flip.BROKEN}

    def test_a_broken_clock_still_open_is_undecided_while_the_other_promise_holds(
        self, world: World, desk: Desk
    ) -> None:
        desk.run("11-16 09:00", None)

        answer = ask(world, question(world, target=FIVE_DAYS), now="11-20 09:00")

        assert (answer.whole.was, answer.whole.would) == (Ratio(0, 1), Ratio(0, 0))
        assert flips(answer) == {"CLM-2026-000001": Flip.UNDECIDED}
        assert {need.least for need in answer.needs} == {None}

    def test_a_pause_that_lasts_holds_an_open_clock_before_its_other_due_time(
        self, world: World, desk: Desk
    ) -> None:
        desk.run("11-16 09:00", None, ("11-19 10:00", None))  # broken on 11-19 at 09:00, stands since 10:00

        answer = ask(world, question(world, target=FIVE_DAYS), now="11-24 12:00")

        assert flips(answer) == {"CLM-2026-000001": Flip.UNDECIDED}

    def test_clocks_running_in_time_and_cancelled_ones_are_not_judged(self, world: World, desk: Desk) -> None:
        desk.run("11-16 09:00", None)
        gone = desk.run("11-16 09:00", None)
        sla.cancel(ledger.matter_of(gone), at=china("11-16 10:00"), actor=None, now=china("11-16 10:00"))

        assert ask(world, question(world), now="11-17 12:00").cases == 0

    def test_calendar_days_roll_over_and_are_counted_in_days(self, world: World, desk: Desk) -> None:
        desk.run("11-19 09:00", "11-23 23:59")  # Thursday; two days end on Saturday, so on Monday at 24:00

        answer = ask(
            world,
            question(world, target=Target(2, TargetUnit.CALENDAR_DAYS), calendar_code="calendar-days"),
        )

        assert (answer.whole.was, answer.whole.would) == (Ratio(1, 1), Ratio(1, 1))
        assert (answer.unit, answer.needs[0].least) == (TargetUnit.CALENDAR_DAYS, 2)

    def test_the_promise_each_had_flips_nothing(self, world: World, desk: Desk) -> None:
        for day in range(10, 20):
            desk.run(f"11-{day} 09:00", f"11-{day + 5} 09:00", (f"11-{day} 15:00", f"11-{day + 1} 10:00"))

        answer = ask(world, question(world, target=None, calendar_code="office"))

        assert answer.cases == 10
        assert answer.whole.was == answer.whole.would
        assert flips(answer) == {}

    def test_every_case_is_judged_as_by_itself(self, world: World, desk: Desk) -> None:
        timers = [
            desk.run(
                f"11-{10 + n % 9} {8 + n}:15",
                f"11-{14 + n % 9} {8 + n // 2}:{n}0" if n % 3 else f"11-{12 + n % 9} 11:30",
                (f"11-{11 + n % 9} 10:00", f"11-{11 + n % 9} 16:{n}5"),
            )
            for n in range(6)
        ]
        asked = question(world, target=Target(11, TargetUnit.HOURS), calendar_code="24x7")
        round_the_clock = calendar_from_json(
            db.session.scalars(select(CalendarVersion).where(CalendarVersion.code == "24x7")).one().form
        )

        answer = ask(world, asked)

        def alone(timer: Timer) -> TimerFacts:
            events = ledger.events_of(ledger.entries_of([timer.id])[timer.id])
            assert asked.target is not None
            return evaluate(events, asked.target, round_the_clock, china("12-20 09:00"))

        facts = {timer.id: alone(timer) for timer in timers}
        assert answer.whole.would.part == sum(one.verdict is Verdict.MET for one in facts.values())
        for case in what_if.list_cases(answer, ALL).rows:
            fact = facts[case.timer.id]
            assert (case.due_at, case.over_seconds) == (fact.due_at, fact.over_seconds)
            assert (case.timer.state is TimerState.MET) == (fact.verdict is Verdict.BREACHED)


class TestFigures:
    def test_as_it_was_is_what_compliance_says(self, world: World, desk: Desk) -> None:
        desk.run("09-14 09:00", "09-15 09:00")
        desk.run("10-12 09:00", "10-22 09:00")
        desk.run("11-16 09:00", None)
        asked = question(world)

        answer = ask(world, asked)

        shown = read_compliance(asked.of, Dimension.MONTH, actor=world.manager, now=china("12-20 09:00"))
        assert answer.whole.was == shown.total.kept
        months = {part.key: part.compared.was for part in answer.months}
        assert months == {
            group.key: group.figures.kept
            for group in shown.groups
            if isinstance(group.key, Period) and 9 <= group.key.first.month <= 11
        }

    def test_months_and_branches_add_up_to_the_whole(self, world: World, desk: Desk) -> None:
        desk.run("09-14 09:00", "09-14 11:00")
        desk.run("11-16 09:00", "11-17 16:00", branch=world.zhongmu)
        desk.run("11-17 09:00", "11-24 16:00", branch=world.zhongmu)

        answer = ask(world, question(world))

        for parts in (answer.months, answer.branches):
            assert sum((part.compared.was for part in parts), Ratio()) == answer.whole.was == Ratio(2, 3)
            assert sum((part.compared.would for part in parts), Ratio()) == answer.whole.would == Ratio(1, 3)
        assert [part.key for part in answer.branches] == [world.zhongmu, world.gongyi]

    def test_the_promise_that_nine_in_ten_would_have_kept(self, world: World, desk: Desk) -> None:
        for number in range(9):
            desk.run("11-16 09:00", f"11-16 {9 + number // 4}:{number % 4 * 15 + 10}")
        desk.run("11-16 09:00", "11-16 17:00")

        needs = {need.percent: need.least for need in ask(world, question(world)).needs}

        assert needs == {90: 2 * 3600 + 600, 95: 6 * 3600 + 1800, 99: 6 * 3600 + 1800}

    def test_needs_are_not_said_for_clocks_counted_in_different_ways(self, world: World, desk: Desk) -> None:
        desk.run("11-16 09:00", "11-17 09:00", step=ClockStep.PAYMENT)
        other = desk.run("11-16 09:00", "11-17 09:00", step=ClockStep.PAYMENT)
        other.target_unit = TargetUnit.CALENDAR_DAYS
        asked = question(world, target=None, calendar_code="office")

        answer = ask(world, replace(asked, of=replace(asked.of, step=ClockStep.PAYMENT)))

        assert (answer.cases, answer.unit, answer.needs) == (2, None, [])

    def test_an_empty_period_has_an_answer(self, world: World, desk: Desk) -> None:
        answer = ask(world, question(world))

        assert (answer.cases, answer.whole.was, answer.months, answer.branches) == (0, Ratio(), [], [])
        assert what_if.list_cases(answer, ALL).rows == []

    def test_filters_narrow_what_is_judged(self, world: World, desk: Desk) -> None:
        desk.run("11-16 09:00", "11-17 16:00", severity=Severity.INJURY)
        desk.run("11-16 09:00", "11-17 16:00", branch=world.zhongmu)
        desk.run("11-16 09:00", "11-17 16:00", step=ClockStep.CALCULATION)
        asked = question(world)
        level = db.session.scalars(
            select(Timer.level_id).where(Timer.step == ClockStep.ASSESSMENT).distinct()
        ).one()

        assert ask(world, asked).cases == 2
        assert ask(world, replace(asked, level_id=level)).cases == 2
        assert ask(world, replace(asked, of=replace(asked.of, severity=Severity.INJURY))).cases == 1
        assert ask(world, replace(asked, of=replace(asked.of, branch_id=world.zhongmu.id))).cases == 1

    def test_cases_are_listed_latest_first_a_page_at_a_time_and_one_way(
        self, world: World, desk: Desk
    ) -> None:
        for day in (16, 17, 18):
            desk.run(f"11-{day} 09:00", f"11-{day + 1} 12:00")

        answer = ask(world, question(world))

        page = what_if.list_cases(answer, PageRequest(2, 2))
        assert (page.total, [case.timer.matter_number for case in page.rows]) == (3, ["CLM-2026-000001"])
        assert what_if.list_cases(answer, ALL, Flip.KEPT).total == 0


class TestRefusals:
    def test_without_a_step_a_change_or_a_known_calendar(self, world: World, desk: Desk) -> None:
        asked = question(world)
        for wrong, code, field in (
            (replace(asked, of=replace(asked.of, step=None)), "what_if_step_missing", "step"),
            (replace(asked, target=None), "what_if_same_promise", "target_value"),
            (replace(asked, calendar_code="moon"), "what_if_calendar_unknown", "calendar"),
            (replace(asked, level_id=0), "what_if_level_of_another_step", "level"),
        ):
            with pytest.raises(Invalid, match=code) as refused:
                ask(world, wrong)
            assert refused.value.field == field

    @pytest.mark.parametrize(
        ("hours", "code"),
        [
            ([["9", "17:00"]], "calendar_hours_invalid"),
            ([["08:30", "12:00"], ["11:00", "13:00"]], "calendar_hours_overlap"),
        ],
    )
    def test_hours_that_cannot_be_at_their_weekday(
        self, world: World, levels: None, hours: list[list[str]], code: str
    ) -> None:
        with pytest.raises(InvalidMany) as refused:
            ask(world, question(world, week={"sat": hours}))

        assert [(one.code, one.field) for one in refused.value.problems] == [(code, "sat")]

    @pytest.mark.parametrize("name", ["hq", "safety_gongyi", "claims1", "underwriter", "admin", "foreign_hq"])
    def test_only_managers_ask(self, world: World, levels: None, name: str) -> None:
        with pytest.raises(Forbidden):
            what_if.ask(question(world), actor=getattr(world, name), now=china("12-01 09:00"))

    def test_a_manager_asks_only_of_their_own_accounts(self, world: World, levels: None) -> None:
        asked = question(world)
        foreign = replace(asked, of=replace(asked.of, account_id=world.foreign_account.id))

        with pytest.raises(NotFound):
            ask(world, foreign)


class TestExport:
    def test_cases_read_in_portions_are_all_of_them(self, world: World, desk: Desk) -> None:
        for minute in range(5):
            desk.run(f"11-16 09:0{minute}", "11-17 16:00")
        answer = ask(world, question(world))
        whole = what_if.list_cases(answer, ALL).rows

        assert [case.branch for case in whole] == [world.gongyi] * 5
        for portion in (1, 2, 5):
            cases = exports.in_portions(lambda page: what_if.list_cases(answer, page), portion=portion)
            assert list(cases) == list(whole)

    def test_asking_writes_nothing(self, world: World, desk: Desk) -> None:
        desk.run("11-16 09:00", None)
        before = db.session.scalar(select(func.count()).select_from(AuditEntry))

        ask(world, question(world))

        assert not db.session.dirty
        assert not db.session.new
        assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == before
