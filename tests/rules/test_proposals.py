"""What a quarter's figures propose, and from how many cases on; and what stricter promises are tried."""

from typing import Any

import pytest

from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import Ratio
from service_desk.rules.proposals import Findings, Proposal, ProposalCode, Theme, proposals_from
from service_desk.rules.sla import Target, TargetUnit
from service_desk.rules.sla.stricter import stricter_than

P = ProposalCode
SURVEY, PAYMENT = ClockStep.SURVEY, ClockStep.PAYMENT


@pytest.mark.parametrize(
    ("findings", "codes"),
    [
        ({}, []),
        ({"kept": {SURVEY: Ratio(18, 19)}}, [P.STRENGTHEN_STEP]),
        ({"kept": {SURVEY: Ratio(19, 20)}}, []),
        ({"kept": {SURVEY: Ratio(3, 4)}}, []),
        ({"kept": {SURVEY: Ratio(20, 20)}}, [P.TIGHTEN_PROMISE]),
        ({"kept": {SURVEY: Ratio(19, 19)}}, []),
        ({"causes": {"workload": 3, "weather": 2}}, [P.REMOVE_CAUSE]),
        ({"causes": {"force_majeure": 9}}, []),
        ({"corrections_late": 1, "breaches_unreviewed": 2}, [P.FINISH_CORRECTIONS, P.REVIEW_BREACHES]),
        ({"disputes_decided": 9, "disputes_in_favour": 1}, []),
        ({"disputes_decided": 9, "disputes_in_favour": 2}, [P.REVIEW_CALCULATION]),
        ({"dissatisfied": Ratio(1, 10), "bad_answers": {Theme.SPEED: 5}}, []),
        ({"dissatisfied": Ratio(2, 10), "bad_answers": {Theme.SPEED: 2, Theme.RESULT: 1}}, [P.IMPROVE_SPEED]),
        ({"dissatisfied": Ratio(1, 99), "bad_answers": {Theme.CALL_BACK: 1}}, [P.CALL_BACK]),
        ({"coverage": Ratio(99, 100)}, [P.INSURE_VEHICLES]),
        ({"coverage": Ratio(100, 100), "renewed": Ratio(19, 20)}, []),
        ({"renewed": Ratio(18, 20)}, [P.RENEW_EARLIER]),
        ({"earned_loss_ratio": Ratio(75, 100)}, []),
        ({"earned_loss_ratio": Ratio(7501, 10000)}, [P.PREVENT_LOSSES]),
        ({"frequency": Ratio(12, 100), "frequency_before": Ratio(10, 100)}, []),
        ({"frequency": Ratio(13, 100), "frequency_before": Ratio(10, 100)}, [P.TRAIN_DRIVERS]),
        ({"frequency": Ratio(13, 100)}, []),
        ({"overdue_fen": 1}, [P.SETTLE_PREMIUM]),
    ],
)
def test_what_is_proposed(findings: dict[str, Any], codes: list[ProposalCode]) -> None:
    assert [one.code for one in proposals_from(Findings(**findings))] == codes


def test_a_proposal_names_what_it_rests_on_and_stands_in_the_order_of_the_meeting() -> None:
    findings = Findings(
        kept={PAYMENT: Ratio(50, 50), SURVEY: Ratio(1, 9)}, causes={"workload": 4}, overdue_fen=700
    )
    assert proposals_from(findings) == [
        Proposal(P.STRENGTHEN_STEP, step=SURVEY, share=Ratio(1, 9)),
        Proposal(P.REMOVE_CAUSE, cause="workload", count=4),
        Proposal(P.TIGHTEN_PROMISE, step=PAYMENT, share=Ratio(50, 50)),
        Proposal(P.SETTLE_PREMIUM, fen=700),
    ]


@pytest.mark.parametrize(
    ("value", "unit", "tried"),
    [
        (60, TargetUnit.MINUTES, ["45 minutes", "30 minutes"]),
        (1, TargetUnit.MINUTES, []),
        (2, TargetUnit.HOURS, ["90 minutes", "60 minutes"]),
        (1, TargetUnit.HOURS, ["45 minutes", "30 minutes"]),
        (3, TargetUnit.WORKING_DAYS, ["2 working_days", "1 working_days"]),
        (2, TargetUnit.WORKING_DAYS, ["1 working_days"]),
        (1, TargetUnit.WORKING_DAYS, []),
        (30, TargetUnit.CALENDAR_DAYS, ["29 calendar_days", "15 calendar_days"]),
        (0, TargetUnit.CALENDAR_DAYS, []),
    ],
)
def test_stricter_promises(value: int, unit: TargetUnit, tried: list[str]) -> None:
    found = stricter_than(Target(value, unit))
    assert [f"{one.value} {one.unit.value}" for one in found] == tried
