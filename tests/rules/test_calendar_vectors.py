"""Every published case of working-time arithmetic, and the form `flask rules clock` reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from service_desk.base.errors import Invalid
from service_desk.rules.calendar import run_vectors

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "clock_vectors.json").read_text(encoding="utf-8")
)
WEEK = {"mon": [["09:00", "17:00"]]}
CASE = {
    "id": "a",
    "tz": "Asia/Shanghai",
    "week": WEEK,
    "op": "add",
    "start": "2026-11-16T01:00:00Z",
    "seconds": 60,
}


def test_every_vector_has_its_expected_answer() -> None:
    answers = {answer["id"]: answer["result"] for answer in run_vectors(DOCUMENT)}

    wrong = {
        case["id"]: answers[case["id"]] for case in DOCUMENT["cases"] if answers[case["id"]] != case["expect"]
    }

    assert len(answers) == 545
    assert wrong == {}


def test_answers_have_the_type_of_their_question() -> None:
    cases = [
        CASE,
        CASE | {"id": "b", "op": "between", "end": "2026-11-16T02:00:00Z"},
        CASE | {"id": "c", "op": "is_open"},
    ]

    answers = run_vectors({"cases": cases})

    assert answers == [
        {"id": "a", "result": "2026-11-16T01:01:00Z"},
        {"id": "b", "result": 3600},
        {"id": "c", "result": True},
    ]


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"op": "multiply"}, "clock_operation_unknown", "op"),
        ({"calendar": "nowhere"}, "clock_calendar_unknown", "calendar"),
        ({"calendar": ["a"]}, "clock_calendar_unknown", "calendar"),
        ({"start": "2026-11-16T09:00:00"}, "clock_time_naive", "start"),
        ({"op": "between", "end": "2026-11-16T09:00:00"}, "clock_time_naive", "end"),
        ({"pauses": [["2026-11-16T09:00:00", "2026-11-16T10:00:00"]]}, "clock_time_naive", "pauses"),
        ({"start": "yesterday"}, "clock_time_invalid", "start"),
        ({"start": None}, "clock_time_invalid", "start"),
        ({"seconds": -1}, "clock_seconds_invalid", "seconds"),
        ({"seconds": "60"}, "clock_seconds_invalid", "seconds"),
        ({"seconds": 1.5}, "clock_seconds_invalid", "seconds"),
        ({"seconds": float("nan")}, "clock_seconds_invalid", "seconds"),
        ({"pauses": [["2026-11-16T09:00:00Z"]]}, "clock_pauses_invalid", "pauses"),
    ],
)
def test_a_case_that_cannot_be_read_is_refused_by_its_id(
    changed: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(Invalid, match=code) as refusal:
        run_vectors({"cases": [CASE | changed]})

    assert (refusal.value.field, refusal.value.params["id"]) == (field, "a")


@pytest.mark.parametrize("name", ["op", "start", "seconds"])
def test_a_case_without_a_value_is_refused(name: str) -> None:
    case = {key: value for key, value in CASE.items() if key != name}

    with pytest.raises(Invalid, match="clock_value_missing") as refusal:
        run_vectors({"cases": [case]})

    assert (refusal.value.field, refusal.value.params) == (name, {"id": "a"})


def test_a_wrong_calendar_is_refused_by_its_name() -> None:
    with pytest.raises(Invalid, match="calendar_never_open") as refusal:
        run_vectors({"calendars": {"office": {"tz": "UTC", "week": {}}}, "cases": []})

    assert refusal.value.field == "office.week"


@pytest.mark.parametrize(
    "document", [[], {}, {"cases": "all"}, {"cases": [{"op": "add"}]}, {"cases": [], "calendars": {"a": 1}}]
)
def test_a_document_of_another_shape_is_refused(document: object) -> None:
    with pytest.raises(Invalid, match="clock_file_invalid"):
        run_vectors(document)
