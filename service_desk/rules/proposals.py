"""What a quarter's figures suggest to both sides: rules from figures to proposals, as codes for the meeting to weigh.

A proposal names the figure it rests on. Few cases prove nothing, so each rule asks for a least number of them. The
thresholds are the desk's own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import Ratio

KEPT_LEAST = Decimal(95)
KEPT_ALWAYS = Decimal(99)
LEAST_JUDGED, LEAST_TO_TIGHTEN = 5, 20
LEAST_OF_CAUSE = 3
# No meeting removes it.
BEYOND_BOTH = frozenset({"force_majeure"})
DISSATISFIED_MOST = Decimal(10)
LEAST_BAD_ANSWERS = 2
LOSS_RATIO_MOST = Decimal(75)
FREQUENCY_GROWTH = Decimal(120)
LEAST_IN_FAVOUR = 2
RENEWED_LEAST = Decimal(95)


_NOTHING = Ratio()


class ProposalCode(StrEnum):
    """What is proposed, in the order in which a meeting takes it."""

    STRENGTHEN_STEP = "strengthen_step"
    REMOVE_CAUSE = "remove_cause"
    FINISH_CORRECTIONS = "finish_corrections"
    REVIEW_BREACHES = "review_breaches"
    TIGHTEN_PROMISE = "tighten_promise"
    REVIEW_CALCULATION = "review_calculation"
    IMPROVE_SPEED = "improve_speed"
    IMPROVE_ATTITUDE = "improve_attitude"
    EXPLAIN_RESULT = "explain_result"
    CALL_BACK = "call_back"
    INSURE_VEHICLES = "insure_vehicles"
    RENEW_EARLIER = "renew_earlier"
    PREVENT_LOSSES = "prevent_losses"
    TRAIN_DRIVERS = "train_drivers"
    SETTLE_PREMIUM = "settle_premium"


class Theme(StrEnum):
    """What clients were asked about, and that they wished to be called."""

    OVERALL = "overall"
    SPEED = "speed"
    ATTITUDE = "attitude"
    RESULT = "result"
    CALL_BACK = "call_back"


_OF_THEME = {
    Theme.SPEED: ProposalCode.IMPROVE_SPEED,
    Theme.ATTITUDE: ProposalCode.IMPROVE_ATTITUDE,
    Theme.RESULT: ProposalCode.EXPLAIN_RESULT,
    Theme.CALL_BACK: ProposalCode.CALL_BACK,
}


@dataclass(frozen=True)
class Findings:
    """The figures of a quarter that proposals rest on.

    `kept` by step; `causes` of breaches as reviewed, by code; `bad_answers` by theme. `frequency_before` is that of
    the same quarter a year ago.
    """

    kept: Mapping[ClockStep, Ratio] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)
    corrections_late: int = 0
    breaches_unreviewed: int = 0
    disputes_decided: int = 0
    disputes_in_favour: int = 0
    dissatisfied: Ratio = _NOTHING
    bad_answers: Mapping[Theme, int] = field(default_factory=dict)
    coverage: Ratio = _NOTHING
    renewed: Ratio = _NOTHING
    earned_loss_ratio: Ratio = _NOTHING
    frequency: Ratio = _NOTHING
    frequency_before: Ratio = _NOTHING
    overdue_fen: int = 0


@dataclass(frozen=True)
class Proposal:
    """A proposal with the step or cause it is about, and what it rests on: a share, a count or an amount in fen."""

    code: ProposalCode
    step: ClockStep | None = None
    cause: str = ""
    share: Ratio | None = None
    count: int | None = None
    fen: int | None = None


def proposals_from(findings: Findings) -> list[Proposal]:
    """What the figures suggest, in the order of `ProposalCode`; nothing where all is well."""
    order = list(ProposalCode)
    return sorted(_all(findings), key=lambda one: order.index(one.code))


def _all(findings: Findings) -> Iterator[Proposal]:
    yield from _of_promises(findings)
    yield from _of_answers(findings)
    yield from _of_cover(findings)
    if findings.disputes_in_favour >= LEAST_IN_FAVOUR:
        share = Ratio(findings.disputes_in_favour, findings.disputes_decided)
        yield Proposal(ProposalCode.REVIEW_CALCULATION, share=share)
    if _is_above(findings.earned_loss_ratio, LOSS_RATIO_MOST):
        yield Proposal(ProposalCode.PREVENT_LOSSES, share=findings.earned_loss_ratio)
    if _has_grown(findings.frequency, findings.frequency_before):
        yield Proposal(ProposalCode.TRAIN_DRIVERS, share=findings.frequency)
    if findings.overdue_fen > 0:
        yield Proposal(ProposalCode.SETTLE_PREMIUM, fen=findings.overdue_fen)


def _of_promises(findings: Findings) -> Iterator[Proposal]:
    for step, kept in findings.kept.items():
        if kept.whole >= LEAST_JUDGED and _is_below(kept, KEPT_LEAST):
            yield Proposal(ProposalCode.STRENGTHEN_STEP, step=step, share=kept)
        elif kept.whole >= LEAST_TO_TIGHTEN and not _is_below(kept, KEPT_ALWAYS):
            yield Proposal(ProposalCode.TIGHTEN_PROMISE, step=step, share=kept)
    for cause, count in findings.causes.items():
        if count >= LEAST_OF_CAUSE and cause not in BEYOND_BOTH:
            yield Proposal(ProposalCode.REMOVE_CAUSE, cause=cause, count=count)
    if findings.corrections_late:
        yield Proposal(ProposalCode.FINISH_CORRECTIONS, count=findings.corrections_late)
    if findings.breaches_unreviewed:
        yield Proposal(ProposalCode.REVIEW_BREACHES, count=findings.breaches_unreviewed)


def _of_answers(findings: Findings) -> Iterator[Proposal]:
    """Where too many were dissatisfied, what they were dissatisfied with; who wished for a call always gets one."""
    is_bad = _is_above(findings.dissatisfied, DISSATISFIED_MOST)
    for theme, code in _OF_THEME.items():
        count = findings.bad_answers.get(theme, 0)
        if count and (theme is Theme.CALL_BACK or (is_bad and count >= LEAST_BAD_ANSWERS)):
            yield Proposal(code, count=count)


def _of_cover(findings: Findings) -> Iterator[Proposal]:
    missing = findings.coverage.whole - findings.coverage.part
    if missing > 0:
        yield Proposal(ProposalCode.INSURE_VEHICLES, share=findings.coverage, count=missing)
    if _is_below(findings.renewed, RENEWED_LEAST):
        yield Proposal(ProposalCode.RENEW_EARLIER, share=findings.renewed)


def _is_below(ratio: Ratio, least: Decimal) -> bool:
    percent = ratio.percent(2)
    return percent is not None and percent < least


def _is_above(ratio: Ratio, most: Decimal) -> bool:
    percent = ratio.percent(2)
    return percent is not None and percent > most


def _has_grown(now: Ratio, before: Ratio) -> bool:
    then, since = before.percent(4), now.percent(4)
    if not then or since is None:
        return False
    return since * 100 > then * FREQUENCY_GROWTH
