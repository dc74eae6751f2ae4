"""The starting set of calendars and service levels (sla.md): sample data, every figure editable."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla.levels import Level
from service_desk.rules.sla.terms import Target, TargetUnit

ROUND_THE_CLOCK = "24x7"
OFFICE = "office"
CALENDAR_DAYS = "calendar-days"

_OFFICE_DAY = (("08:30", "12:00"), ("13:30", "17:30"))
_WHOLE_DAY = (("00:00", "24:00"),)
_WORKDAYS = ("mon", "tue", "wed", "thu", "fri")


@dataclass(frozen=True)
class DefaultCalendar:
    """A calendar to begin with; `keeps_statutory_days` adds holidays and make-up days to its week.

    A make-up day has the hours of a weekday. Of the calendar for legal terms only the zone and the rest
    days matter: a date without hours is one.
    """

    code: str
    week: Mapping[str, tuple[tuple[str, str], ...]]
    keeps_statutory_days: bool


DEFAULT_CALENDARS = (
    DefaultCalendar(ROUND_THE_CLOCK, dict.fromkeys((*_WORKDAYS, "sat", "sun"), _WHOLE_DAY), False),
    DefaultCalendar(OFFICE, dict.fromkeys(_WORKDAYS, _OFFICE_DAY), True),
    DefaultCalendar(CALENDAR_DAYS, dict.fromkeys(_WORKDAYS, _WHOLE_DAY), True),
)


class Milestone(StrEnum):
    """Moments of a matter at which clocks start and stop."""

    CONTACT_LOGGED = "contact_logged"
    FIRST_REPLY = "first_reply"
    REPORTED = "reported"
    DISPATCHED = "dispatched"
    CALLED_BACK = "called_back"
    ARRIVED = "arrived"
    ESTIMATED = "estimated"
    CLIENT_NOTIFIED = "client_notified"
    DOCUMENTS_RECEIVED = "documents_received"
    DEFICIENCY_NOTIFIED = "deficiency_notified"
    SURVEYED = "surveyed"
    ASSESSED = "assessed"
    DOCUMENTS_COMPLETE = "documents_complete"
    DECIDED = "decided"
    DENIED = "denied"
    DENIAL_SENT = "denial_sent"
    CALCULATED = "calculated"
    AGREED = "agreed"
    PAID = "paid"
    ADVANCE_PAID = "advance_paid"
    CLOSED = "closed"
    FOLLOWED_UP = "followed_up"
    BREACHED = "breached"
    REVIEW_SIGNED = "review_signed"
    VEHICLE_REQUESTED = "vehicle_requested"
    VEHICLE_APPROVED = "vehicle_approved"
    VEHICLE_INSURED = "vehicle_insured"
    COVER_MISSED = "cover_missed"
    COVER_CLEARED = "cover_cleared"
    DISPUTE_RAISED = "dispute_raised"
    DISPUTE_DECIDED = "dispute_decided"
    LIST_HANDED_IN = "list_handed_in"
    LIST_ANSWERED = "list_answered"
    MESSAGE_WRITTEN = "message_written"
    MESSAGE_ANSWERED = "message_answered"
    COMPLAINT_MADE = "complaint_made"
    COMPLAINT_ANSWERED = "complaint_answered"


# What starts and what stops the clock of each step.
STEP_MILESTONES: Mapping[ClockStep, tuple[Milestone, Milestone]] = {
    ClockStep.FIRST_REPLY: (Milestone.CONTACT_LOGGED, Milestone.FIRST_REPLY),
    ClockStep.DISPATCH: (Milestone.REPORTED, Milestone.DISPATCHED),
    ClockStep.CONTACT: (Milestone.DISPATCHED, Milestone.CALLED_BACK),
    ClockStep.SURVEY: (Milestone.REPORTED, Milestone.ARRIVED),
    ClockStep.LARGE_LOSS_NOTICE: (Milestone.ESTIMATED, Milestone.CLIENT_NOTIFIED),
    ClockStep.DEFICIENCY_NOTICE: (Milestone.DOCUMENTS_RECEIVED, Milestone.DEFICIENCY_NOTIFIED),
    ClockStep.CTPL_DOCUMENT_LIST: (Milestone.DOCUMENTS_RECEIVED, Milestone.DEFICIENCY_NOTIFIED),
    ClockStep.ASSESSMENT: (Milestone.SURVEYED, Milestone.ASSESSED),
    ClockStep.LIABILITY_DECISION: (Milestone.DOCUMENTS_COMPLETE, Milestone.DECIDED),
    ClockStep.CTPL_DECISION: (Milestone.DOCUMENTS_COMPLETE, Milestone.DECIDED),
    ClockStep.DENIAL_NOTICE: (Milestone.DENIED, Milestone.DENIAL_SENT),
    ClockStep.CALCULATION: (Milestone.DOCUMENTS_COMPLETE, Milestone.CALCULATED),
    ClockStep.PAYMENT: (Milestone.AGREED, Milestone.PAID),
    ClockStep.ADVANCE_PAYMENT: (Milestone.DOCUMENTS_COMPLETE, Milestone.ADVANCE_PAID),
    ClockStep.FOLLOWUP: (Milestone.CLOSED, Milestone.FOLLOWED_UP),
    ClockStep.BREACH_REVIEW: (Milestone.BREACHED, Milestone.REVIEW_SIGNED),
    ClockStep.VEHICLE_APPROVAL: (Milestone.VEHICLE_REQUESTED, Milestone.VEHICLE_APPROVED),
    ClockStep.VEHICLE_ISSUE: (Milestone.VEHICLE_APPROVED, Milestone.VEHICLE_INSURED),
    ClockStep.COVER_CHASE: (Milestone.COVER_MISSED, Milestone.COVER_CLEARED),
    ClockStep.DISPUTE: (Milestone.DISPUTE_RAISED, Milestone.DISPUTE_DECIDED),
    ClockStep.OUTSTANDING_LIST: (Milestone.LIST_HANDED_IN, Milestone.LIST_ANSWERED),
    ClockStep.MESSAGE_REPLY: (Milestone.MESSAGE_WRITTEN, Milestone.MESSAGE_ANSWERED),
    ClockStep.COMPLAINT: (Milestone.COMPLAINT_MADE, Milestone.COMPLAINT_ANSWERED),
}

# Codes of where a promise comes from; the page shows the words.
DESK_PROMISE = "desk_promise"
DESK_RULE = "desk_rule"
CHONGQING_STANDARD = "chongqing_standard"
KEY_ACCOUNT_AGREEMENT = "key_account_agreement"
INSURANCE_LAW_22 = "insurance_law_22"
INSURANCE_LAW_23 = "insurance_law_23"
INSURANCE_LAW_24 = "insurance_law_24"
INSURANCE_LAW_25 = "insurance_law_25"
CTPL_REGULATION_28 = "ctpl_regulation_28"
CTPL_REGULATION_29 = "ctpl_regulation_29"

# Four working hours after a breach the department head hears of it (desk rule).
_ESCALATE_AFTER = (240,)
_SMALL = Decimal(10_000)


def _target(value: int, unit: TargetUnit) -> Target:
    return Target(value, unit, warn_percent=75, escalate_after_minutes=_ESCALATE_AFTER)


def _minutes(value: int) -> Target:
    return _target(value, TargetUnit.MINUTES)


def _working_days(value: int) -> Target:
    return _target(value, TargetUnit.WORKING_DAYS)


def _calendar_days(value: int) -> Target:
    return _target(value, TargetUnit.CALENDAR_DAYS)


DEFAULT_LEVELS = (
    Level("first_reply", ClockStep.FIRST_REPLY, _minutes(30), ROUND_THE_CLOCK, source=DESK_PROMISE),
    Level("dispatch", ClockStep.DISPATCH, _minutes(5), ROUND_THE_CLOCK, source=CHONGQING_STANDARD),
    Level("contact", ClockStep.CONTACT, _minutes(10), ROUND_THE_CLOCK, source=CHONGQING_STANDARD),
    Level(
        "survey_urban",
        ClockStep.SURVEY,
        _minutes(30),
        ROUND_THE_CLOCK,
        is_urban=True,
        source=CHONGQING_STANDARD,
    ),
    Level("survey", ClockStep.SURVEY, _minutes(60), ROUND_THE_CLOCK, source=CHONGQING_STANDARD),
    # The same day until 24:00. Round the clock has no rest days, so a Saturday's notice is due on Saturday.
    Level(
        "large_loss_notice",
        ClockStep.LARGE_LOSS_NOTICE,
        _calendar_days(0),
        ROUND_THE_CLOCK,
        source=KEY_ACCOUNT_AGREEMENT,
    ),
    Level(
        "deficiency_notice", ClockStep.DEFICIENCY_NOTICE, _working_days(1), OFFICE, source=INSURANCE_LAW_22
    ),
    Level(
        "ctpl_document_list",
        ClockStep.CTPL_DOCUMENT_LIST,
        _calendar_days(1),
        CALENDAR_DAYS,
        source=CTPL_REGULATION_28,
    ),
    Level(
        "assessment_at_survey",
        ClockStep.ASSESSMENT,
        _minutes(60),
        ROUND_THE_CLOCK,
        amount_to=Decimal(2_000),
        source=CHONGQING_STANDARD,
    ),
    Level("assessment", ClockStep.ASSESSMENT, _working_days(3), OFFICE, source=DESK_PROMISE),
    Level(
        "liability_decision",
        ClockStep.LIABILITY_DECISION,
        _calendar_days(30),
        CALENDAR_DAYS,
        source=INSURANCE_LAW_23,
    ),
    Level(
        "ctpl_decision", ClockStep.CTPL_DECISION, _calendar_days(5), CALENDAR_DAYS, source=CTPL_REGULATION_29
    ),
    Level(
        "denial_notice", ClockStep.DENIAL_NOTICE, _calendar_days(3), CALENDAR_DAYS, source=INSURANCE_LAW_24
    ),
    Level(
        "calculation_small",
        ClockStep.CALCULATION,
        _working_days(1),
        OFFICE,
        amount_to=_SMALL,
        source=DESK_PROMISE,
    ),
    Level("calculation", ClockStep.CALCULATION, _working_days(3), OFFICE, source=DESK_PROMISE),
    Level(
        "payment_small", ClockStep.PAYMENT, _working_days(1), OFFICE, amount_to=_SMALL, source=DESK_PROMISE
    ),
    Level("payment", ClockStep.PAYMENT, _calendar_days(10), CALENDAR_DAYS, source=INSURANCE_LAW_23),
    Level(
        "advance_payment",
        ClockStep.ADVANCE_PAYMENT,
        _calendar_days(60),
        CALENDAR_DAYS,
        source=INSURANCE_LAW_25,
    ),
    Level("followup", ClockStep.FOLLOWUP, _working_days(3), OFFICE, source=KEY_ACCOUNT_AGREEMENT),
    Level("breach_review", ClockStep.BREACH_REVIEW, _working_days(2), OFFICE, source=DESK_RULE),
    Level("vehicle_approval", ClockStep.VEHICLE_APPROVAL, _working_days(1), OFFICE, source=DESK_RULE),
    Level("vehicle_issue", ClockStep.VEHICLE_ISSUE, _working_days(1), OFFICE, source=DESK_PROMISE),
    Level("cover_chase", ClockStep.COVER_CHASE, _calendar_days(1), CALENDAR_DAYS, source=DESK_PROMISE),
    Level("dispute", ClockStep.DISPUTE, _working_days(5), OFFICE, source=DESK_RULE),
    Level("outstanding_list", ClockStep.OUTSTANDING_LIST, _working_days(2), OFFICE, source=DESK_PROMISE),
    Level("message_reply", ClockStep.MESSAGE_REPLY, _minutes(120), OFFICE, source=DESK_PROMISE),
    Level("complaint", ClockStep.COMPLAINT, _working_days(1), OFFICE, source=DESK_PROMISE),
)

# What reviews may name as the cause of a breach: code, Chinese name, English name, in the order they are offered.
DEFAULT_CAUSES = (
    ("workload", "在办量超过上限", "More open cases than one person can handle"),
    ("late_handover", "移交过晚", "Handed over too late"),
    ("waiting_for_client", "等待客户但未暂停计时", "Waited for the client without pausing"),
    ("waiting_for_third_party", "等待第三方但未暂停计时", "Waited for a third party without pausing"),
    ("parts_or_pricing", "配件或价格未谈妥", "Parts or prices were not settled"),
    ("force_majeure", "不可抗力", "Force majeure"),
    ("oversight", "疏漏", "Overlooked"),
    ("system_fault", "系统故障", "Fault of the system"),
    ("other", "其他", "Other"),
)
