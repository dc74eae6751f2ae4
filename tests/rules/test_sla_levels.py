"""Which promise holds for a matter, which rules contradict each other, and the starting set."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from service_desk.rules.calendar import calendar_from_json
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import (
    DEFAULT_CALENDARS,
    DEFAULT_LEVELS,
    STEP_MILESTONES,
    Condition,
    Level,
    MatterFacts,
    Target,
    TargetUnit,
    choose_level,
    deciding_conditions,
    find_ties,
    matching_levels,
)
from service_desk.rules.vocabulary import Severity

TODAY = date(2026, 11, 23)
GENERAL = Level("general", ClockStep.SURVEY, Target(60, TargetUnit.MINUTES), "24x7")
URBAN = replace(GENERAL, code="urban", is_urban=True)
ACCOUNT = replace(GENERAL, code="account", account_id=7)
ACCOUNT_URBAN = replace(GENERAL, code="account_urban", account_id=7, is_urban=True)
SMALL = replace(GENERAL, code="small", amount_to=Decimal(10_000))
MATTER = MatterFacts(ClockStep.SURVEY, TODAY)


def chosen(levels: list[Level], facts: MatterFacts) -> str | None:
    level = choose_level(levels, facts)
    return level.code if level else None


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (MATTER, "general"),
        (replace(MATTER, is_urban=False), "general"),
        (replace(MATTER, is_urban=True), "urban"),
        (replace(MATTER, is_urban=True, account_id=8), "urban"),
        (replace(MATTER, is_urban=True, account_id=7), "account_urban"),
        (replace(MATTER, step=ClockStep.PAYMENT), None),
    ],
)
def test_the_most_specific_match_wins(facts: MatterFacts, code: str | None) -> None:
    assert chosen([GENERAL, URBAN, ACCOUNT_URBAN], facts) == code


def test_what_else_matched_is_listed_from_narrow_to_wide() -> None:
    facts = replace(MATTER, is_urban=True, account_id=7)

    matching = matching_levels([GENERAL, URBAN, ACCOUNT_URBAN, SMALL], facts)

    assert [level.code for level in matching] == ["account_urban", "urban", "general"]


@pytest.mark.parametrize(
    ("level", "others", "facts", "deciding"),
    [
        (GENERAL, [], MATTER, ()),
        (URBAN, [GENERAL], replace(MATTER, is_urban=True), (Condition.PLACE,)),
        # The general one holds because a narrower one asked for a city in vain.
        (GENERAL, [URBAN], replace(MATTER, is_urban=False), (Condition.PLACE,)),
        (GENERAL, [URBAN, SMALL], MATTER, (Condition.PLACE, Condition.AMOUNT)),
        # Of two wishes only the one that was not met is a reason.
        (
            URBAN,
            [replace(URBAN, code="grave", severity=Severity.MASS_INJURY)],
            replace(MATTER, is_urban=True, severity=Severity.INJURY),
            (Condition.SEVERITY, Condition.PLACE),
        ),
        (ACCOUNT, [ACCOUNT_URBAN], replace(MATTER, account_id=7), (Condition.ACCOUNT, Condition.PLACE)),
    ],
)
def test_a_choice_is_explained_by_what_was_asked(
    level: Level, others: list[Level], facts: MatterFacts, deciding: tuple[Condition, ...]
) -> None:
    assert deciding_conditions(level, [level, *others], facts) == deciding


@pytest.mark.parametrize(
    "other",
    [
        replace(URBAN, account_id=8),
        replace(URBAN, step=ClockStep.PAYMENT),
        replace(URBAN, ended_on=TODAY),
        replace(URBAN, effective_on=TODAY + timedelta(days=1)),
    ],
)
def test_levels_of_others_and_of_other_times_explain_nothing(other: Level) -> None:
    facts = replace(MATTER, account_id=7, is_urban=False)
    assert deciding_conditions(GENERAL, [GENERAL, other], facts) == ()


@pytest.mark.parametrize(
    ("amount", "code"),
    [(Decimal("10000.00"), "small"), (Decimal("10000.01"), "general"), (None, "general")],
)
def test_an_amount_band_includes_its_upper_end_and_nothing_unknown(amount: Decimal | None, code: str) -> None:
    assert chosen([GENERAL, SMALL], replace(MATTER, amount=amount)) == code


def test_a_band_begins_above_its_lower_end() -> None:
    large = replace(GENERAL, code="large", amount_from=Decimal(10_000))

    assert chosen([GENERAL, large], replace(MATTER, amount=Decimal(10_000))) == "general"
    assert chosen([GENERAL, large], replace(MATTER, amount=Decimal("10000.01"))) == "large"


def test_a_level_holds_from_its_first_day_until_the_day_before_its_end() -> None:
    level = replace(GENERAL, effective_on=TODAY, ended_on=TODAY + timedelta(days=1))

    days = [chosen([level], replace(MATTER, on=TODAY + timedelta(days=offset))) for offset in (-1, 0, 1)]

    assert days == [None, "general", None]


def test_the_newest_version_in_force_holds() -> None:
    newer = replace(GENERAL, code="newer", effective_on=TODAY)

    assert chosen([newer, GENERAL], MATTER) == "newer"
    assert chosen([newer, GENERAL], replace(MATTER, on=TODAY - timedelta(days=1))) == "general"


@pytest.mark.parametrize(
    ("one", "other", "ties"),
    [
        (URBAN, ACCOUNT, True),
        (URBAN, replace(URBAN, code="twin"), True),
        (URBAN, SMALL, True),
        (GENERAL, URBAN, False),
        (URBAN, replace(GENERAL, is_urban=False), False),
        (URBAN, replace(ACCOUNT, step=ClockStep.PAYMENT), False),
        (replace(URBAN, ended_on=TODAY), replace(ACCOUNT, effective_on=TODAY), False),
        (URBAN, replace(URBAN, effective_on=TODAY), False),
        (SMALL, replace(GENERAL, amount_from=Decimal(10_000)), False),
        (SMALL, replace(GENERAL, amount_from=Decimal(9_999)), True),
    ],
)
def test_levels_tie_when_one_matter_could_meet_both_equally(one: Level, other: Level, ties: bool) -> None:
    assert bool(find_ties([one, other])) is ties


def test_a_version_that_was_replaced_ties_with_nothing_newer() -> None:
    old, new = URBAN, replace(GENERAL, code="new", is_urban=True, effective_on=date(2026, 6, 1))
    account = replace(ACCOUNT, effective_on=date(2026, 7, 1))

    assert find_ties([old, new, account]) == [(new, account)]


def test_a_tie_that_was_saved_all_the_same_is_decided_the_same_way_every_time() -> None:
    facts = replace(MATTER, account_id=7, is_urban=True)

    assert chosen([URBAN, ACCOUNT], facts) == chosen([ACCOUNT, URBAN], facts) == "account"


class TestStartingSet:
    def test_it_has_no_ties_and_covers_every_step(self) -> None:
        assert find_ties(DEFAULT_LEVELS) == []
        assert {level.step for level in DEFAULT_LEVELS} == set(ClockStep) == set(STEP_MILESTONES)
        assert len({level.code for level in DEFAULT_LEVELS}) == len(DEFAULT_LEVELS)

    @pytest.mark.parametrize(
        ("step", "source"),
        [
            (ClockStep.DEFICIENCY_NOTICE, "insurance_law_22"),
            (ClockStep.LIABILITY_DECISION, "insurance_law_23"),
            (ClockStep.DENIAL_NOTICE, "insurance_law_24"),
            (ClockStep.ADVANCE_PAYMENT, "insurance_law_25"),
            (ClockStep.CTPL_DOCUMENT_LIST, "ctpl_regulation_28"),
            (ClockStep.CTPL_DECISION, "ctpl_regulation_29"),
        ],
    )
    def test_name_the_article_that_sets_the_term(self, step: ClockStep, source: str) -> None:
        assert [level.source for level in DEFAULT_LEVELS if level.step is step] == [source]

    def test_its_levels_name_its_calendars_and_each_of_those_opens(self) -> None:
        assert {level.calendar_code for level in DEFAULT_LEVELS} == {one.code for one in DEFAULT_CALENDARS}
        for calendar in DEFAULT_CALENDARS:
            assert calendar_from_json({"tz": "Asia/Shanghai", "week": calendar.week}).standard_day_seconds

    @pytest.mark.parametrize(
        ("facts", "value", "unit"),
        [
            (MatterFacts(ClockStep.DISPATCH, TODAY), 5, TargetUnit.MINUTES),
            (MatterFacts(ClockStep.SURVEY, TODAY, is_urban=True), 30, TargetUnit.MINUTES),
            (MatterFacts(ClockStep.SURVEY, TODAY, is_urban=False), 60, TargetUnit.MINUTES),
            (MatterFacts(ClockStep.ASSESSMENT, TODAY, amount=Decimal(2000)), 60, TargetUnit.MINUTES),
            (MatterFacts(ClockStep.ASSESSMENT, TODAY, amount=Decimal(2001)), 3, TargetUnit.WORKING_DAYS),
            (MatterFacts(ClockStep.PAYMENT, TODAY, amount=Decimal(10000)), 1, TargetUnit.WORKING_DAYS),
            (MatterFacts(ClockStep.PAYMENT, TODAY, amount=Decimal(10001)), 10, TargetUnit.CALENDAR_DAYS),
            (MatterFacts(ClockStep.LARGE_LOSS_NOTICE, TODAY), 0, TargetUnit.CALENDAR_DAYS),
        ],
    )
    def test_a_matter_finds_its_promise(self, facts: MatterFacts, value: int, unit: TargetUnit) -> None:
        level = choose_level(DEFAULT_LEVELS, facts)

        assert level is not None
        assert (level.target.value, level.target.unit) == (value, unit)
