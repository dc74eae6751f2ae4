"""Words of the claim reports: the weekly one, the monthly case table, the demand by branch."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from service_desk.presenters.labels.claims import LABELS as CLAIM_WORDS
from service_desk.presenters.labels.sla import LABELS as CLOCK_WORDS

# What a claim waits for: its running clock, or what is to be done where none runs. An action is named for the claims
# person who is done with it; a reader of the report asks what is waited for.
_NEXT_STEPS: dict[str, LazyString] = {
    **CLOCK_WORDS["clock_step"],
    **{f"do_{action}": words for action, words in CLAIM_WORDS["claim_action"].items()},
    "do_complete_documents": _l("Waiting for documents"),
}

LABELS: dict[str, dict[str, LazyString]] = {
    "report_next_step": _NEXT_STEPS,
    "report_table": {
        "money_by_branch": _l("Money by branch"),
        "reserves_by_month": _l("Reserves rolled forward by month"),
        "speed_by_branch": _l("Speed by branch"),
        "ageing": _l("Open claims by age, from the report and from the loss"),
        "breach_causes": _l("Causes of breaches"),
        "closed_claims": _l("Claims closed, withdrawn and denied in the period"),
        "proposals": _l("What each branch needs, from twelve months"),
        "gravity_by_branch": _l("Gravity by branch"),
        "cover_by_branch": _l("Cover and gaps by branch"),
        "hours_by_branch": _l("When and where accidents happen, twelve months"),
        "kinds_by_branch": _l("What is damaged and who is hurt, twelve months"),
        "places_by_branch": _l("Places with several accidents, twelve months"),
    },
    "report_heading": {
        "next_step": _l("Waits for"),
        "stay": _l("Long open"),
        "first_estimate": _l("Estimate first set"),
        "days_to_close": _l("Days to close"),
        "other_matter": _l("Other matter"),
        "age": _l("Age"),
        "open_from_report": _l("Open, from the report"),
        "outstanding_from_report": _l("Outstanding, from the report"),
        "open_from_loss": _l("Open, from the loss"),
        "outstanding_from_loss": _l("Outstanding, from the loss"),
        "proposal": _l("Proposal"),
        "reason": _l("Ground of the proposal"),
        "branch_figure": _l("This branch"),
        "account_figure": _l("Whole account"),
        "proposed_from": _l("Proposed from"),
        "hours_night": _l("23–5 h"),
        "hours_morning_rush": _l("5–9 h"),
        "hours_forenoon": _l("9–12 h"),
        "hours_afternoon": _l("12–16 h"),
        "hours_evening_rush": _l("16–20 h"),
        "hours_evening": _l("20–23 h"),
        "in_a_city": _l("In a city"),
        "claims_of_year": _l("Claims in 12 months"),
        "loss_kind": _l("Kind of loss"),
        "share_of_claims": _l("Share of its claims"),
    },
    "report_chart": {
        "claims_by_branch": _l("Reported and closed by branch"),
        "open_by_branch": _l("Open at end by branch"),
        "claims_by_month": _l("Reported, closed and open by month"),
        "outstanding_by_age": _l("Outstanding by age from the report"),
        "frequency_by_branch": _l("Claim frequency by branch"),
        "loss_ratio_by_branch": _l("Earned loss ratio by branch"),
    },
    "report_note": {
        "claims_balance": _l(
            "Open at start + reported + reopened − closed = open at end; withdrawn and denied claims "
            "count as closed."
        ),
        "claims_of_period": _l(
            "Estimate and large losses (¥10,000 or more) are of the claims reported in the period."
        ),
        "reserves_add_up": _l(
            "Reserve at start + new + reopened + increased − decreased − paid − released = reserve at "
            "end, month by month."
        ),
        "ageing_days": _l(
            "Ages are whole days up to the last day of the period; both practices are shown, from the "
            "report and from the loss."
        ),
        "settled_claims": _l(
            "Days to close, averages and deviations are of claims closed with money paid; withdrawn, "
            "denied and zero-paid ones are left out."
        ),
        "causes_reviewed": _l(
            "Causes are what reviews signed by the end of the period found; a dash stands for breaches "
            "not reviewed by then."
        ),
        "alarm_open_to_closed_average_watch": _l(
            "Watch: the average open claim is at least twice the average closed one."
        ),
        "alarm_open_to_closed_average_act": _l(
            "Act: the average open claim is at least four times the average closed one."
        ),
        "alarm_open_over_30_days_watch": _l(
            "Watch: at least half of the open claims were reported more than 30 days ago."
        ),
        "alarm_injury_share_watch": _l(
            "Watch: at least a quarter of what is outstanding is for claims with injured people."
        ),
        "proposals_by_rule": _l(
            "Proposals follow from rules over the twelve months to the end of the period: each stands "
            "beside the figure it is made for, that of the whole account, and the line from which it is "
            "made. A share of few claims is not judged."
        ),
        "loss_kinds": _l("A claim may be of several kinds; claims not surveyed yet are of none."),
        "hours_of_loss": _l("Hours are of the accident, by the account's clock."),
    },
    "stay_alarm": {
        "watch": _l("over 30 days"),
        "act": _l("over 90 days"),
    },
    "demand_proposal": {
        "close_gaps": _l("Insure the vehicles that lack a layer of cover"),
        "higher_liability_limits": _l("Raise the limits of liability to third parties and passengers"),
        "driver_training": _l("Train drivers and look at routes: accidents are too frequent"),
        "repeating_vehicles": _l("Look at the vehicles that have accidents again and again"),
        "night_rules": _l("Agree rules for driving at night"),
        "report_at_once": _l("Remind drivers to report within 48 hours"),
        "review_price": _l("Look at cover and price together before renewal"),
        "keep_as_is": _l("No rule asks for a change"),
    },
    "demand_reason": {
        "close_gaps": _l("Vehicles on the road without full cover; any is one too many"),
        "higher_liability_limits": _l("Claims in which somebody was hurt"),
        "driver_training": _l("Claim frequency; the line is of the account's own"),
        "repeating_vehicles": _l("Claims of vehicles with three or more in twelve months"),
        "night_rules": _l("Accidents between 23:00 and 5:00"),
        "report_at_once": _l("Claims reported more than 48 hours after the loss"),
        "review_price": _l("Earned loss ratio of the branch"),
        "keep_as_is": _l("Claim frequency"),
    },
}
