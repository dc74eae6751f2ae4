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
    ("case", "problem"),
    [
        (CASE | {"op": "multiply"}, "multiply"),
        (CASE | {"calendar": "nowhere"}, "nowhere"),
        ({name: value for name, value in CASE.items() if name != "seconds"}, "seconds"),
        (CASE | {"start": "2026-11-16T09:00:00"}, "naive datetime"),
        (CASE | {"start": "yesterday"}, "Invalid isoformat string: 'yesterday'"),
        (CASE | {"seconds": -1}, "negative length"),
    ],
)
def test_a_case_that_cannot_be_read_is_refused_by_its_id(case: dict[str, Any], problem: str) -> None:
    with pytest.raises(Invalid) as refusal:
        run_vectors({"cases": [case]})

    assert refusal.value.code == "clock_case_invalid"
    assert refusal.value.params == {"id": "a", "problem": problem}


@pytest.mark.parametrize(
    "document", [[], {}, {"cases": "all"}, {"cases": [{"op": "add"}]}, {"cases": [], "calendars": {"a": 1}}]
)
def test_a_document_of_another_shape_is_refused(document: object) -> None:
    with pytest.raises(Invalid, match="clock_file_invalid"):
        run_vectors(document)
