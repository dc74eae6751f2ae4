"""The list of measures: what each counts in, how it is shown, and where its definition comes from.

Dashboard, reports, exports and API name a figure by its code and take it from `services.measures`; nothing else counts.
The words (name, definition, formula) are labels in both languages, kinds `measure`, `measure_definition` and
`measure_formula`; the page of measures is made from both.
"""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a value is. `RATIO` is a `Ratio` of counts or of fen, `MEAN` and `MEAN_FEN` a `Mean`; the rest are numbers.

    `DAYS` is a Decimal or int of days; it, and a ratio of averages, cannot be added up over parts.
    """

    COUNT = "count"
    FEN = "fen"
    RATIO = "ratio"
    MEAN = "mean"
    MEAN_FEN = "mean_fen"
    DAYS = "days"


class MeasureGroup(StrEnum):
    """The headings of the page of measures."""

    CLAIMS_FLOW = "claims_flow"
    CLAIMS_MONEY = "claims_money"
    RESERVES = "reserves"
    SPEED = "speed"
    SERVICE = "service"
    FOLLOW_UP = "follow_up"
    ENQUIRIES = "enquiries"
    PREMIUM = "premium"
    RESULTS = "results"
    COVER = "cover"
    RECEIVABLES = "receivables"


class MeasureSource(StrEnum):
    """Where a definition comes from (domain.md section 7)."""

    PUBLISHED = "published"
    ASSOCIATION = "association"
    INSURER_RULES = "insurer_rules"
    PRACTICE = "practice"
    OURS = "ours"


class MeasureCode(StrEnum):
    CLAIMS_OPEN_START = "claims_open_start"
    CLAIMS_REPORTED = "claims_reported"
    CLAIMS_REOPENED = "claims_reopened"
    CLAIMS_CLOSED = "claims_closed"
    CLAIMS_OPEN_END = "claims_open_end"
    CLAIMS_WITHDRAWN = "claims_withdrawn"
    CLAIMS_DENIED = "claims_denied"
    CLAIMS_DISPUTED = "claims_disputed"
    LARGE_LOSSES = "large_losses"
    INJURY_CLAIMS = "injury_claims"

    ESTIMATE_REPORTED = "estimate_reported"
    PAID_NET = "paid_net"
    OUTSTANDING = "outstanding"
    OUTSTANDING_LARGE = "outstanding_large"
    INJURY_SHARE = "injury_share"
    OPEN_TO_CLOSED_AVERAGE = "open_to_closed_average"
    ESTIMATE_DEVIATION = "estimate_deviation"
    ESTIMATE_DEVIATION_NET = "estimate_deviation_net"

    RESERVE_OPEN = "reserve_open"
    RESERVE_NEW = "reserve_new"
    RESERVE_REOPENED = "reserve_reopened"
    RESERVE_INCREASE = "reserve_increase"
    RESERVE_DECREASE = "reserve_decrease"
    RESERVE_PAID = "reserve_paid"
    RESERVE_RELEASED = "reserve_released"
    RESERVE_CLOSE = "reserve_close"

    CLOSING_RATE = "closing_rate"
    CLOSING_RATE_AMOUNT = "closing_rate_amount"
    ROLLING_CLOSING_RATE = "rolling_closing_rate"
    CLOSING_CYCLE = "closing_cycle"
    CLOSING_CYCLE_MEDIAN = "closing_cycle_median"
    CLOSING_CYCLE_P90 = "closing_cycle_p90"
    REGISTERED_IN_TIME = "registered_in_time"
    OPEN_OVER_30_DAYS = "open_over_30_days"

    PROMISES_KEPT = "promises_kept"
    SURVEYED_IN_TIME = "surveyed_in_time"
    FIRST_SCENE = "first_scene"
    BREACHES = "breaches"
    BREACHES_UNREVIEWED = "breaches_unreviewed"
    CLOCKS_AT_RISK = "clocks_at_risk"
    CLOCKS_LATE = "clocks_late"

    FOLLOWED_UP = "followed_up"
    FOLLOW_UP_SCORE = "follow_up_score"
    DISSATISFIED = "dissatisfied"

    ENQUIRIES_LOGGED = "enquiries_logged"
    COMPLAINTS = "complaints"
    FIRST_REPLY_IN_TIME = "first_reply_in_time"
    COMPLAINTS_ANSWERED_IN_TIME = "complaints_answered_in_time"
    MESSAGES_ANSWERED_IN_TIME = "messages_answered_in_time"
    FIRST_CONTACT_CLOSURE = "first_contact_closure"
    REPEAT_CONTACT_RATE = "repeat_contact_rate"

    POLICIES_ISSUED = "policies_issued"
    WRITTEN_PREMIUM = "written_premium"
    ENDORSEMENT_PREMIUM = "endorsement_premium"
    RETURNED_PREMIUM = "returned_premium"
    EARNED_PREMIUM = "earned_premium"

    REPORTED_LOSS = "reported_loss"
    EARNED_LOSS_RATIO = "earned_loss_ratio"
    SIMPLE_LOSS_RATIO = "simple_loss_ratio"
    CLAIM_FREQUENCY = "claim_frequency"
    AVERAGE_LOSS = "average_loss"

    OPERATING_VEHICLES = "operating_vehicles"
    COVERAGE = "coverage"
    COVERAGE_DAYS = "coverage_days"
    UNINSURED_VEHICLES = "uninsured_vehicles"
    RENEWAL_DUE = "renewal_due"
    RENEWAL_RATE = "renewal_rate"

    PREMIUM_RECEIVED = "premium_received"
    PREMIUM_OUTSTANDING = "premium_outstanding"
    PREMIUM_OVERDUE = "premium_overdue"


@dataclass(frozen=True)
class Measure:
    """One figure. `higher_is_better` is None where neither is: a count of work says nothing about how well it went."""

    code: MeasureCode
    unit: Unit
    group: MeasureGroup
    source: MeasureSource
    higher_is_better: bool | None = None


def _table() -> list[Measure]:
    C, U, G, S = MeasureCode, Unit, MeasureGroup, MeasureSource  # noqa: N806 - a table reads by its columns
    return [
        Measure(C.CLAIMS_OPEN_START, U.COUNT, G.CLAIMS_FLOW, S.PRACTICE),
        Measure(C.CLAIMS_REPORTED, U.COUNT, G.CLAIMS_FLOW, S.PUBLISHED),
        Measure(C.CLAIMS_REOPENED, U.COUNT, G.CLAIMS_FLOW, S.PRACTICE),
        Measure(C.CLAIMS_CLOSED, U.COUNT, G.CLAIMS_FLOW, S.PRACTICE),
        Measure(C.CLAIMS_OPEN_END, U.COUNT, G.CLAIMS_FLOW, S.PRACTICE),
        Measure(C.CLAIMS_WITHDRAWN, U.COUNT, G.CLAIMS_FLOW, S.PRACTICE),
        Measure(C.CLAIMS_DENIED, U.COUNT, G.CLAIMS_FLOW, S.PRACTICE),
        Measure(C.CLAIMS_DISPUTED, U.COUNT, G.CLAIMS_FLOW, S.OURS, higher_is_better=False),
        Measure(C.LARGE_LOSSES, U.COUNT, G.CLAIMS_FLOW, S.OURS),
        Measure(C.INJURY_CLAIMS, U.COUNT, G.CLAIMS_FLOW, S.PUBLISHED),
        Measure(C.ESTIMATE_REPORTED, U.FEN, G.CLAIMS_MONEY, S.PRACTICE),
        Measure(C.PAID_NET, U.FEN, G.CLAIMS_MONEY, S.PRACTICE),
        Measure(C.OUTSTANDING, U.FEN, G.CLAIMS_MONEY, S.PRACTICE, higher_is_better=False),
        Measure(C.OUTSTANDING_LARGE, U.FEN, G.CLAIMS_MONEY, S.OURS, higher_is_better=False),
        Measure(C.INJURY_SHARE, U.RATIO, G.CLAIMS_MONEY, S.PUBLISHED, higher_is_better=False),
        Measure(C.OPEN_TO_CLOSED_AVERAGE, U.RATIO, G.CLAIMS_MONEY, S.PUBLISHED, higher_is_better=False),
        Measure(C.ESTIMATE_DEVIATION, U.RATIO, G.CLAIMS_MONEY, S.INSURER_RULES, higher_is_better=False),
        Measure(C.ESTIMATE_DEVIATION_NET, U.RATIO, G.CLAIMS_MONEY, S.INSURER_RULES, higher_is_better=False),
        Measure(C.RESERVE_OPEN, U.FEN, G.RESERVES, S.PRACTICE),
        Measure(C.RESERVE_NEW, U.FEN, G.RESERVES, S.PRACTICE),
        Measure(C.RESERVE_REOPENED, U.FEN, G.RESERVES, S.PRACTICE),
        Measure(C.RESERVE_INCREASE, U.FEN, G.RESERVES, S.PRACTICE),
        Measure(C.RESERVE_DECREASE, U.FEN, G.RESERVES, S.PRACTICE),
        Measure(C.RESERVE_PAID, U.FEN, G.RESERVES, S.PRACTICE),
        Measure(C.RESERVE_RELEASED, U.FEN, G.RESERVES, S.PRACTICE),
        Measure(C.RESERVE_CLOSE, U.FEN, G.RESERVES, S.PRACTICE),
        Measure(C.CLOSING_RATE, U.RATIO, G.SPEED, S.PRACTICE, higher_is_better=True),
        Measure(C.CLOSING_RATE_AMOUNT, U.RATIO, G.SPEED, S.PRACTICE, higher_is_better=True),
        Measure(C.ROLLING_CLOSING_RATE, U.RATIO, G.SPEED, S.ASSOCIATION, higher_is_better=True),
        Measure(C.CLOSING_CYCLE, U.MEAN, G.SPEED, S.ASSOCIATION, higher_is_better=False),
        Measure(C.CLOSING_CYCLE_MEDIAN, U.DAYS, G.SPEED, S.OURS, higher_is_better=False),
        Measure(C.CLOSING_CYCLE_P90, U.DAYS, G.SPEED, S.OURS, higher_is_better=False),
        Measure(C.REGISTERED_IN_TIME, U.RATIO, G.SPEED, S.INSURER_RULES, higher_is_better=True),
        Measure(C.OPEN_OVER_30_DAYS, U.RATIO, G.SPEED, S.PUBLISHED, higher_is_better=False),
        Measure(C.PROMISES_KEPT, U.RATIO, G.SERVICE, S.OURS, higher_is_better=True),
        Measure(C.SURVEYED_IN_TIME, U.RATIO, G.SERVICE, S.OURS, higher_is_better=True),
        Measure(C.FIRST_SCENE, U.RATIO, G.SERVICE, S.OURS, higher_is_better=True),
        Measure(C.BREACHES, U.COUNT, G.SERVICE, S.OURS, higher_is_better=False),
        Measure(C.BREACHES_UNREVIEWED, U.COUNT, G.SERVICE, S.OURS, higher_is_better=False),
        Measure(C.CLOCKS_AT_RISK, U.COUNT, G.SERVICE, S.OURS, higher_is_better=False),
        Measure(C.CLOCKS_LATE, U.COUNT, G.SERVICE, S.OURS, higher_is_better=False),
        Measure(C.FOLLOWED_UP, U.RATIO, G.FOLLOW_UP, S.INSURER_RULES, higher_is_better=True),
        Measure(C.FOLLOW_UP_SCORE, U.MEAN, G.FOLLOW_UP, S.OURS, higher_is_better=True),
        Measure(C.DISSATISFIED, U.RATIO, G.FOLLOW_UP, S.OURS, higher_is_better=False),
        Measure(C.ENQUIRIES_LOGGED, U.COUNT, G.ENQUIRIES, S.OURS),
        Measure(C.COMPLAINTS, U.COUNT, G.ENQUIRIES, S.PRACTICE, higher_is_better=False),
        Measure(C.FIRST_REPLY_IN_TIME, U.RATIO, G.ENQUIRIES, S.OURS, higher_is_better=True),
        Measure(C.COMPLAINTS_ANSWERED_IN_TIME, U.RATIO, G.ENQUIRIES, S.OURS, higher_is_better=True),
        Measure(C.MESSAGES_ANSWERED_IN_TIME, U.RATIO, G.ENQUIRIES, S.OURS, higher_is_better=True),
        Measure(C.FIRST_CONTACT_CLOSURE, U.RATIO, G.ENQUIRIES, S.OURS, higher_is_better=True),
        Measure(C.REPEAT_CONTACT_RATE, U.RATIO, G.ENQUIRIES, S.OURS, higher_is_better=False),
        Measure(C.POLICIES_ISSUED, U.COUNT, G.PREMIUM, S.PRACTICE),
        Measure(C.WRITTEN_PREMIUM, U.FEN, G.PREMIUM, S.PRACTICE),
        Measure(C.ENDORSEMENT_PREMIUM, U.FEN, G.PREMIUM, S.PRACTICE),
        Measure(C.RETURNED_PREMIUM, U.FEN, G.PREMIUM, S.PRACTICE),
        Measure(C.EARNED_PREMIUM, U.FEN, G.PREMIUM, S.PUBLISHED),
        Measure(C.REPORTED_LOSS, U.FEN, G.RESULTS, S.PUBLISHED),
        Measure(C.EARNED_LOSS_RATIO, U.RATIO, G.RESULTS, S.PUBLISHED, higher_is_better=False),
        Measure(C.SIMPLE_LOSS_RATIO, U.RATIO, G.RESULTS, S.PRACTICE, higher_is_better=False),
        Measure(C.CLAIM_FREQUENCY, U.RATIO, G.RESULTS, S.PUBLISHED, higher_is_better=False),
        Measure(C.AVERAGE_LOSS, U.MEAN_FEN, G.RESULTS, S.PUBLISHED, higher_is_better=False),
        Measure(C.OPERATING_VEHICLES, U.COUNT, G.COVER, S.OURS),
        Measure(C.COVERAGE, U.RATIO, G.COVER, S.OURS, higher_is_better=True),
        Measure(C.COVERAGE_DAYS, U.RATIO, G.COVER, S.OURS, higher_is_better=True),
        Measure(C.UNINSURED_VEHICLES, U.COUNT, G.COVER, S.OURS, higher_is_better=False),
        Measure(C.RENEWAL_DUE, U.COUNT, G.COVER, S.PUBLISHED),
        Measure(C.RENEWAL_RATE, U.RATIO, G.COVER, S.PUBLISHED, higher_is_better=True),
        Measure(C.PREMIUM_RECEIVED, U.FEN, G.RECEIVABLES, S.PRACTICE),
        Measure(C.PREMIUM_OUTSTANDING, U.FEN, G.RECEIVABLES, S.PRACTICE),
        Measure(C.PREMIUM_OVERDUE, U.FEN, G.RECEIVABLES, S.PRACTICE, higher_is_better=False),
    ]


MEASURES: dict[MeasureCode, Measure] = {one.code: one for one in _table()}

# What a reader is told beside a value. Ratios are of counts but for these, whose parts are fen …
RATIOS_OF_FEN = frozenset(
    {
        MeasureCode.INJURY_SHARE,
        MeasureCode.OPEN_TO_CLOSED_AVERAGE,
        MeasureCode.ESTIMATE_DEVIATION,
        MeasureCode.ESTIMATE_DEVIATION_NET,
        MeasureCode.CLOSING_RATE_AMOUNT,
        MeasureCode.EARNED_LOSS_RATIO,
        MeasureCode.SIMPLE_LOSS_RATIO,
    }
)
# … and these, whose parts are products and say nothing by themselves.
RATIOS_OF_PRODUCTS = frozenset({MeasureCode.CLAIM_FREQUENCY})
# Means are of points but for these.
MEANS_OF_DAYS = frozenset({MeasureCode.CLOSING_CYCLE})
