"""Who keeps a matter, who hears a complaint, and what is the same matter again."""

from datetime import UTC, datetime, timedelta

import pytest

from service_desk.rules.answer_templates import Place, filled, unknown_places
from service_desk.rules.first_contact import (
    MAY_REOPEN,
    REMEMBERED,
    Asking,
    Closeness,
    Member,
    closeness,
    complaint_owner,
    first_owner,
    is_remembered,
    is_same_matter,
    may_reopen,
    phone_key,
)

C = Closeness
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
DESK = [Member(1, "1012", 2), Member(2, "1011", 1), Member(3, "1013", 1)]
MANAGERS = [Member(10, "1008", 1), Member(11, "1009", 0)]
ADMIN = [Member(20, "1001", 0)]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("139 3710 8891", "13937108891"),
        ("+86-139-3710-8891", "13937108891"),
        ("008613937108891", "13937108891"),
        ("0371-6812 5524", "037168125524"),
        ("8613", "8613"),
        ("", ""),
        ("无", ""),
    ],
)
def test_phones_are_compared_by_their_digits(text: str, key: str) -> None:
    assert phone_key(text) == key


@pytest.mark.parametrize(
    ("new", "earlier", "why"),
    [
        (Asking(claim_id=1, vehicle_id=5), Asking(claim_id=1, vehicle_id=5), C.SAME_CLAIM),
        # Two accidents of one vehicle are two matters, whoever calls.
        (Asking(claim_id=1, vehicle_id=5, phone="1"), Asking(claim_id=2, vehicle_id=5, phone="1"), None),
        (Asking(claim_id=1, vehicle_id=5), Asking(vehicle_id=5), C.SAME_VEHICLE),
        (Asking(policy_id=3, vehicle_id=5), Asking(policy_id=3, vehicle_id=5), C.SAME_POLICY),
        (Asking(phone="1", name="郭"), Asking(phone="1", name="赵"), C.SAME_CALLER),
        (Asking(phone="1", name="郭"), Asking(phone="2", name="郭"), None),
        (Asking(name="郭"), Asking(phone="2", name="郭"), C.SAME_CALLER),
        (Asking(vehicle_id=5), Asking(vehicle_id=6), None),
        (Asking(), Asking(), None),
    ],
)
def test_what_may_be_the_same_matter(new: Asking, earlier: Asking, why: Closeness | None) -> None:
    assert closeness(new, earlier) is why
    assert is_same_matter(why) is (why not in (None, C.SAME_CALLER))


def test_matters_are_remembered_and_may_come_back_to_the_last_instant() -> None:
    assert is_remembered(None, NOW)
    assert is_remembered(NOW - REMEMBERED, NOW)
    assert not is_remembered(NOW - REMEMBERED - MOMENT, NOW)
    assert may_reopen(NOW - MAY_REOPEN, NOW)
    assert not may_reopen(NOW - MAY_REOPEN - MOMENT, NOW)
    assert not may_reopen(None, NOW)


@pytest.mark.parametrize(
    ("known", "owner"),
    [
        ({"earlier": 7, "asked": 8, "handler": 9}, 7),
        ({"asked": 8, "handler": 9}, 8),
        ({"handler": 9}, 9),
        # The fewest open contacts; of two alike the lower staff number.
        ({}, 2),
    ],
)
def test_who_owns_a_contact(known: dict[str, int], owner: int) -> None:
    assert first_owner(DESK, **known) == owner


def test_nobody_owns_it_where_nobody_works() -> None:
    assert first_owner([]) is None


@pytest.mark.parametrize(
    ("barred", "had", "asked", "owner"),
    [
        (None, (), None, 11),
        (None, (), 10, 10),
        (11, (), None, 10),
        (11, (), 11, 10),
        (1, (), 1, 11),
        (10, (11,), None, 20),
        (None, (10, 11), None, 20),
        (None, (10, 11, 20), None, None),
        (20, (10, 11), None, None),
    ],
)
def test_a_complaint_never_goes_to_whom_it_is_about_and_on_to_the_next(
    barred: int | None, had: tuple[int, ...], asked: int | None, owner: int | None
) -> None:
    assert complaint_owner(MANAGERS, ADMIN, barred=barred, had=had, asked=asked) == owner


def test_the_only_manager_complained_about_leaves_it_to_the_administrator() -> None:
    assert complaint_owner(MANAGERS[:1], ADMIN, barred=10) == 20


def test_places_are_filled_and_what_is_not_known_stays_in_braces() -> None:
    text = "{caller}您好：{ claim_no } 尚缺 {missing_documents}。{other}"

    said = filled(text, {Place.CALLER: "郭永刚", Place.CLAIM_NO: "CLM-1", Place.MISSING_DOCUMENTS: ""})

    assert said == "郭永刚您好：CLM-1 尚缺 {missing_documents}。{other}"
    assert unknown_places(text) == ["other"]
    assert unknown_places("{plate} {caller}") == []
