"""Which tier holds for whom, and which two cannot both hold."""

from dataclasses import replace
from datetime import date

import pytest

from service_desk.rules.authority import Person, Tier, covers, find_contradiction, tier_of
from service_desk.rules.permissions import Role

START, TODAY = date(2026, 1, 1), date(2026, 11, 23)
STAFF = Tier(1, None, Role.CLAIMS, None, 10_000_00, START)
MANAGERS = Tier(2, None, Role.MANAGER, None, None, START)
OF_ACCOUNT = Tier(3, 7, Role.CLAIMS, None, 20_000_00, START)
OF_PERSON = Tier(4, None, None, 50, 3_000_00, START)
OF_PERSON_AS_STAFF = Tier(5, None, Role.CLAIMS, 51, 50_000_00, START)
ALL = [STAFF, MANAGERS, OF_ACCOUNT, OF_PERSON, OF_PERSON_AS_STAFF]


@pytest.mark.parametrize(
    ("person", "account_id", "expected"),
    [
        (Person(49, Role.CLAIMS), 1, STAFF),
        (Person(49, Role.CLAIMS), 7, OF_ACCOUNT),
        (Person(49, Role.MANAGER), 7, MANAGERS),
        (Person(50, Role.CLAIMS), 7, OF_PERSON),
        (Person(50, Role.MANAGER), 1, OF_PERSON),
        (Person(51, Role.CLAIMS), 7, OF_PERSON_AS_STAFF),
        (Person(51, Role.MANAGER), 7, MANAGERS),
        (Person(49, Role.UNDERWRITER), 7, None),
    ],
)
def test_the_most_specific_tier_holds(person: Person, account_id: int, expected: Tier | None) -> None:
    assert tier_of(ALL, person, account_id=account_id, on=TODAY) == expected


@pytest.mark.parametrize(
    ("on", "expected"), [(date(2025, 12, 31), None), (START, "old"), (date(2026, 6, 30), "old"), (date(2026, 7, 1), "new")]
)  # fmt: skip
def test_a_tier_holds_from_its_first_day_to_before_its_last(on: date, expected: str | None) -> None:
    old = replace(STAFF, ended_on=date(2026, 7, 1))
    new = replace(STAFF, id=9, effective_on=date(2026, 7, 1))

    found = tier_of([old, new], Person(1, Role.CLAIMS), account_id=1, on=on)

    assert found == {"old": old, "new": new, None: None}[expected]


@pytest.mark.parametrize(
    ("tier", "amount_fen", "expected"),
    [
        (STAFF, 10_000_00, True),
        (STAFF, 10_000_01, False),
        (MANAGERS, 10**12, True),
        (None, 0, False),
        (replace(STAFF, limit_fen=0), 0, True),
        (replace(STAFF, limit_fen=0), 1, False),
    ],
)
def test_the_limit_is_included(tier: Tier | None, amount_fen: int, expected: bool) -> None:
    assert covers(tier, amount_fen) is expected


@pytest.mark.parametrize(
    ("tier", "other"),
    [
        (replace(STAFF, id=0), STAFF),
        (replace(STAFF, id=0, effective_on=date(2027, 1, 1)), STAFF),
        (replace(OF_PERSON, id=0, role=Role.CLAIMS), OF_PERSON),
        (replace(STAFF, id=0, account_id=8, limit_fen=None), replace(MANAGERS, account_id=8, limit_fen=1)),
        (replace(MANAGERS, id=0, limit_fen=9_999_99), STAFF),
        (replace(STAFF, id=0), None),
        (replace(STAFF, id=0, account_id=8), None),
        (replace(OF_PERSON, id=0, user_id=52), None),
        (replace(MANAGERS, id=0, limit_fen=10_000_00), None),
    ],
)
def test_two_tiers_that_cannot_both_hold_are_found(tier: Tier, other: Tier | None) -> None:
    others = [other] if other else [replace(STAFF, ended_on=START), OF_ACCOUNT, OF_PERSON]

    assert find_contradiction(tier, others) == other
