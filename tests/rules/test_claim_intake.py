"""When a report is late, when two may be one accident, which dates cross, what about a photo is odd."""

from datetime import UTC, datetime, timedelta

import pytest

from service_desk.rules.claim_intake import (
    Accident,
    Likeness,
    hit_each_other,
    is_late,
    likeness,
    out_of_order,
    plates_in,
)
from service_desk.rules.claim_photos import PhotoFacts, PhotoWarning, Position, distance_m, warnings

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
GONGYI = Position(34.7575, 113.0225)


def accident(plate: str = "豫A12345", *, others: str = "", at: datetime = AT) -> Accident:
    return Accident(at, plate, hash(plate), plates_in(others))


def test_forty_eight_hours_are_in_time_and_a_second_more_is_late() -> None:
    assert not is_late(AT, AT + timedelta(hours=48))
    assert is_late(AT, AT + timedelta(hours=48, seconds=1))


@pytest.mark.parametrize(
    ("words", "plates"),
    [
        ("豫VD2035", {"豫VD2035"}),
        ("豫V·D2035 小型轿车，张先生", {"豫VD2035"}),
        ("对方豫v d2035与 豫AD12345（新能源）", {"豫VD2035", "豫AD12345"}),
        ("豫Ａ·1234挂", {"豫A1234挂"}),
        ("电动车 13937108891", set()),
        ("", set()),
    ],
)
def test_plates_are_found_in_what_the_other_side_is_called(words: str, plates: set[str]) -> None:
    assert plates <= plates_in(words)
    assert {plate[:7] for plate in plates_in(words)} == {plate[:7] for plate in plates}


def test_why_two_reports_may_be_one_accident() -> None:
    mine = accident(others="豫VD2035")

    assert likeness(mine, accident(at=AT - timedelta(hours=24))) is Likeness.SAME_VEHICLE
    assert likeness(mine, accident(at=AT + timedelta(hours=24, seconds=1))) is None
    assert likeness(mine, accident("豫A67890", others="小轿车豫V·D2035")) is Likeness.SAME_OTHER_PARTY
    assert likeness(mine, accident("豫VD2035")) is Likeness.EACH_OTHER
    assert likeness(mine, accident("豫A67890", others="豫A·12345")) is Likeness.EACH_OTHER
    assert likeness(mine, accident("豫A67890", others="豫VD2036")) is None
    assert likeness(accident(), accident("豫A67890")) is None


def test_vehicles_that_are_each_others_other_side_hit_each_other() -> None:
    assert hit_each_other([accident(others="豫A67890"), accident("豫A67890")])
    assert not hit_each_other([accident(others="豫VD2035"), accident("豫A67890", others="豫VD2035")])


def test_dates_that_cross_are_listed_and_the_same_minute_is_in_order() -> None:
    reported = AT + timedelta(seconds=40)
    dates = {"loss_at": AT + timedelta(hours=1), "reported_at": reported, "arrived_at": AT, "closed_at": None}

    assert out_of_order(dates) == [("loss_at", "reported_at")]
    assert out_of_order({"reported_at": reported, "surveyed_at": AT - timedelta(minutes=1)}) == [
        ("reported_at", "surveyed_at")
    ]


def test_distances_are_those_of_the_map() -> None:
    assert distance_m(GONGYI, GONGYI) == 0
    assert distance_m(GONGYI, Position(34.7666, 113.0225)) == pytest.approx(1012, abs=3)
    assert distance_m(Position(0, 0), Position(0, 180)) == pytest.approx(20_015_000, rel=0.001)


def test_what_about_a_photo_is_worth_a_second_look() -> None:
    near, far = Position(34.7600, 113.0225), Position(34.7900, 113.0225)

    assert warnings(PhotoFacts(AT - timedelta(hours=1), near), AT, GONGYI) == ()
    assert warnings(PhotoFacts(AT - timedelta(hours=1, seconds=1), near), AT, GONGYI) == (
        PhotoWarning.TAKEN_BEFORE_LOSS,
    )
    assert warnings(PhotoFacts(None, far, is_elsewhere=True), AT, GONGYI) == (
        PhotoWarning.FAR_FROM_PLACE,
        PhotoWarning.SEEN_ELSEWHERE,
    )
    vague = Position(GONGYI.latitude, GONGYI.longitude, accuracy_m=3000)
    assert warnings(PhotoFacts(None, far), AT, vague) == ()
    assert warnings(PhotoFacts(None, far), AT, None) == ()
