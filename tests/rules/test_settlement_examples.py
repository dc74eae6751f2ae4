"""Every worked example, to the fen, and what the working shows."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from service_desk.base.errors import Invalid
from service_desk.rules.legal_days import statutory_rest_days
from service_desk.rules.settlement import CTPL_REGIMES, settle, settle_document

FILE = json.loads((Path(__file__).parents[1] / "data" / "settlement_examples.json").read_text("utf-8"))
EXAMPLES: dict[str, dict[str, Any]] = {example["id"]: example for example in FILE["examples"]}
# The rest days that the examples meet: weekends, and the make-up Saturday before the Spring Festival of 2026.
REST_DAYS = statutory_rest_days((), {date(2026, 2, 14)})
LISTS = {"C24", "C25", "D01", "D02", "D03", "P06"}
RATES = {"M02", "M03", "M06"}
COUNTS = {"M04", "M05"}


def answer_of(example_id: str) -> dict[str, Any]:
    example = EXAMPLES[example_id]
    return settle(example["kind"], example["inputs"], names=example["expected"], is_rest_day=REST_DAYS)


def inputs_of(example_id: str, **changes: Any) -> dict[str, Any]:
    return {**EXAMPLES[example_id]["inputs"], **changes}


@pytest.mark.parametrize("example_id", EXAMPLES)
def test_worked_example_is_met_exactly(example_id: str) -> None:
    assert answer_of(example_id)["expected"] == EXAMPLES[example_id]["expected"]


@pytest.mark.parametrize("example_id", EXAMPLES)
def test_every_example_shows_its_working(example_id: str) -> None:
    working = answer_of(example_id)["working"]
    assert working
    assert all(
        line["label_key"] and line["formula"] and line["amount"] and line["clause"] for line in working
    )


@pytest.mark.parametrize("example_id", [id_ for id_ in EXAMPLES if id_ not in LISTS])
def test_last_working_line_is_the_answer(example_id: str) -> None:
    wanted = list(EXAMPLES[example_id]["expected"].values())[-1]
    last = answer_of(example_id)["working"][-1]["amount"]
    if example_id in RATES:
        wanted = wanted.removesuffix("%")
    assert last == (str(wanted) if example_id in COUNTS else wanted)


@pytest.mark.parametrize("example_id", ["C20", "C24", "C25"])
def test_shares_stand_in_the_working_as_in_the_answer(example_id: str) -> None:
    answer = answer_of(example_id)
    shares = [
        share
        for part in answer["expected"].values()
        for shares in (part.values() if isinstance(part, dict) else [part])
        for share in (shares if isinstance(shares, list) else [shares])
    ]
    assert [line["amount"] for line in answer["working"]] == shares


def test_limits_equal_those_the_examples_were_computed_with() -> None:
    for regime in CTPL_REGIMES[1:]:
        stated = FILE["limits"][regime.effective_on.isoformat()]
        for name, amounts in (("liable", regime.liable), ("none", regime.no_fault)):
            assert {item: getattr(amounts, item) for item in stated[name]} == stated[name]


def test_working_shows_numbers_and_source_of_each_step() -> None:
    working = settle("claim", EXAMPLES["C06"]["inputs"])["working"]
    assert [(line["label_key"], line["formula"], line["amount"]) for line in working] == [
        ("ctpl_item", "min(98,000.00, 110,000.00)", "98000.00"),
        ("ctpl_item", "min(46,000.00, 10,000.00)", "10000.00"),
        ("ctpl_item", "min(12,000.00, 2,000.00)", "2000.00"),
        ("ctpl_total", "98,000.00 + 10,000.00 + 2,000.00", "110000.00"),
        ("excess_over_ctpl", "(46,000.00 − 10,000.00) + (12,000.00 − 2,000.00)", "46000.00"),
        ("after_fault", "46,000.00 × 70%", "32200.00"),
        ("after_cap", "min(32,200.00, 500,000.00)", "32200.00"),
        ("tpl_pay", "32,200.00 × (1 − 15%)", "27370.00"),
        ("total", "110,000.00 + 27,370.00", "137370.00"),
    ]
    assert {line["clause"] for line in working} == {"ctpl_clause_8", "commercial_2014_35", "desk_rule"}


def test_lapsed_ctpl_shows_the_layer_the_insured_bears_himself() -> None:
    first = settle("claim", EXAMPLES["C11"]["inputs"])["working"][0]
    assert (first["label_key"], first["amount"], first["clause"]) == (
        "ctpl_lapsed",
        "2000.00",
        "commercial_2014_26",
    )


def test_amounts_may_be_text_and_floats_keep_their_fen() -> None:
    as_text = settle("claim", inputs_of("C02", loss={"property": "8600.10"}))["expected"]
    as_float = settle("claim", inputs_of("C02", loss={"property": 8600.1}))["expected"]
    assert as_text == as_float
    assert as_text["insurer_total"] == "8600.10"


@pytest.mark.parametrize(
    ("kind", "inputs", "code", "field"),
    [
        ("loan", {}, "settlement_kind_unknown", "kind"),
        ("claim", {"shattered": 2800}, "settlement_form_unknown", "inputs"),
        ("claim", inputs_of("C21", excess=5), "input_unknown", "excess"),
        ("claim", inputs_of("C18", fault="most"), "choice_invalid", "fault"),
        ("claim", inputs_of("C19", vehicle_actual_value=0), "amount_invalid", "rescue_vehicle_value"),
        ("claim", inputs_of("C20", ctpl_due=[1]), "amount_invalid", "ctpl_due"),
        ("claim", inputs_of("C22", missing_documents=1.5), "count_invalid", "missing_documents"),
        ("claim", inputs_of("C24", vehicles=["A fast"]), "choice_invalid", "vehicles"),
        ("claim", inputs_of("C24", vehicles="A liable"), "text_invalid", "vehicles"),
        ("claim", inputs_of("C27", driver="fit"), "choice_invalid", "driver"),
        ("claim", inputs_of("C29", deductible_rate=2), "rate_invalid", "deductible_rate"),
        ("claim", inputs_of("C30", clause="2002"), "choice_invalid", "clause"),
        ("deadline_or_metric", inputs_of("M03", open=1), "input_unknown", "open"),
        ("claim", "C01", "settlement_form_unknown", "inputs"),
        ("claim", inputs_of("C01", fault="half"), "choice_invalid", "fault"),
        ("claim", inputs_of("C01", ctpl_regime="2019-01-01"), "choice_invalid", "ctpl_regime"),
        ("claim", inputs_of("C01", loss={"property": -1}), "amount_invalid", "loss.property"),
        ("claim", inputs_of("C01", loss={"property": "many"}), "amount_invalid", "loss.property"),
        ("claim", inputs_of("C01", loss={"property": float("nan")}), "amount_invalid", "loss.property"),
        ("claim", inputs_of("C01", loss={"property": True}), "amount_invalid", "loss.property"),
        ("claim", inputs_of("C01", loss={"goods": 5}), "input_unknown", "loss.goods"),
        ("claim", inputs_of("C01", loss=5), "section_invalid", "loss"),
        ("claim", inputs_of("C01", ctpl_in_force="yes"), "flag_invalid", "ctpl_in_force"),
        ("claim", inputs_of("C01", tpl_limits=5), "input_unknown", "tpl_limits"),
        (
            "claim",
            inputs_of("C01", absolute_deductible_rate="1.01"),
            "rate_invalid",
            "absolute_deductible_rate",
        ),
        ("claim", inputs_of("C13", absolute_rates=["0.6", "0.6"]), "rate_invalid", "absolute_rates"),
        ("claim", inputs_of("C13", absolute_rates="0.3"), "amount_invalid", "absolute_rates"),
        ("premium", inputs_of("P01", cancel="2025-02-30"), "date_invalid", "cancel"),
        ("premium", inputs_of("P01", cancel="2025-02-28"), "cancel_outside_term", "cancel"),
        ("premium", inputs_of("P01", end_exclusive="2025-03-01"), "term_invalid", "end_exclusive"),
        ("premium", {"base": 4690, "float": "-1.5"}, "rate_invalid", "float"),
        ("premium", {"premium": 4690, "asks": "fine"}, "choice_invalid", "asks"),
        ("premium", {"annual_premium": 12000, "months": 13}, "months_invalid", "months"),
        ("premium", {"annual_premium": 12000, "months": 4.5}, "count_invalid", "months"),
        ("premium", {"reason": ""}, "text_invalid", "reason"),
        ("premium", inputs_of("P09", remaining_days=366), "days_invalid", "remaining_days"),
        ("premium", inputs_of("P09", term_days=0), "days_invalid", "remaining_days"),
        ("premium", inputs_of("P11", months=3), "input_unknown", "months"),
    ],
)
def test_bad_input_is_refused_by_field(kind: str, inputs: Any, code: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        settle(kind, inputs)
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_missing_input_is_named() -> None:
    inputs = inputs_of("C01")
    del inputs["fault"]
    with pytest.raises(Invalid) as refusal:
        settle("claim", inputs)
    assert (refusal.value.code, refusal.value.field) == ("input_missing", "fault")


def test_document_is_answered_case_by_case_and_a_bad_case_does_not_stop_the_rest() -> None:
    answers = settle_document([EXAMPLES["C01"], {"id": "X", "kind": "loan", "inputs": {}}, EXAMPLES["C02"]])
    assert [answer["id"] for answer in answers] == ["C01", "X", "C02"]
    assert answers[1]["error"] == {
        "code": "settlement_kind_unknown",
        "field": "kind",
        "params": {"value": "loan"},
    }
    assert answers[2]["expected"] == EXAMPLES["C02"]["expected"]


def test_document_may_hold_the_cases_under_examples() -> None:
    answers = settle_document(FILE, is_rest_day=REST_DAYS)
    assert {one["id"]: one.get("expected") for one in answers} == {
        id_: example["expected"] for id_, example in EXAMPLES.items()
    }


def test_court_share_counts_before_that_of_the_fault() -> None:
    answer = settle("claim", inputs_of("C05", fault_ratio="0.8"))["expected"]
    assert answer["tpl_pay"] == "30400.00"


def test_insured_vehicles_pay_first_for_one_without_ctpl() -> None:
    inputs = {"loss": {"property": 3000}, "vehicles": ["A liable", "B uninsured"]}
    answer = settle("claim", inputs)["expected"]
    assert answer["shares_A_B"]["property"] == ["1500.00", "1500.00"]
    assert answer["paid_A"]["property"] == ["2000.00"]


@pytest.mark.parametrize(
    ("inputs", "answer"),
    [
        ({"premium": 4690}, {"fee": "140.70", "refund": "4549.30"}),
        ({"premium": 4690, "asks": "refund"}, {"fee": "140.70", "refund": "4549.30"}),
        ({"premium": 4690, "asks": "penalty"}, {"penalty": "9380.00"}),
        ({"annual_premium": 12000, "months": 4}, {"retained": "4800.00", "refund": "7200.00"}),
        ({"annual_premium": 12000, "months": 4, "asks": "premium"}, {"premium": "4800.00"}),
        ({"reason": "laid_up"}, {"allowed": True}),
        ({"reason": "Confirmed lost"}, {"allowed": True}),
        ({"reason": "退保"}, {"allowed": False}),
        (
            {"old": 8030, "new": 6570, "remaining_days": 250, "term_days": 365},
            {"additional_premium": "-1000.00"},
        ),
    ],
)
def test_inputs_alone_say_what_is_asked(inputs: dict[str, Any], answer: dict[str, Any]) -> None:
    assert settle("premium", inputs)["expected"] == answer


@pytest.mark.parametrize("document", [None, "C01", {"cases": []}, [1]])
def test_document_that_is_no_list_of_cases_is_refused(document: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        settle_document(document)
    assert refusal.value.code == "settlement_file_invalid"


def test_refund_and_earned_premium_add_up_to_the_premium() -> None:
    for day in range(1, 29):
        answer = settle("premium", inputs_of("P03", cancel=f"2025-02-{day:02}"))["expected"]
        assert Decimal(answer["earned"]) + Decimal(answer["refund"]) == Decimal("9999.99")
