"""Opinions: their themes and questions, where they come from, their life, and when each is to be answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from service_desk.base.errors import Conflict
from service_desk.rules.metrics import Mean, Ratio

REPLY_WORKING_DAYS = 10
REMIND_DAYS_BEFORE = 3
LOWEST_SCORE, HIGHEST_SCORE = 1, 5
LOWEST_CONTENT_SCORE = 3
"""A mark below this is an opinion even without words."""
MAX_WORDS = 4000


class Theme(StrEnum):
    """What an opinion is about."""

    UNDERWRITING = "underwriting"
    PREMIUM = "premium"
    SURVEY = "survey"
    ASSESSMENT = "assessment"
    PAYMENT = "payment"
    ATTITUDE = "attitude"
    MATERIALS = "materials"
    OTHER = "other"


class OpinionSource(StrEnum):
    FORM = "form"
    VISIT = "visit"
    CONTACT = "contact"
    FOLLOW_UP = "follow_up"


class OpinionState(StrEnum):
    """`NOTED` is a mark without words, which nobody needs to answer; `WITHDRAWN` was taken back by who gave it."""

    NOTED = "noted"
    NEW = "new"
    TAKEN_UP = "taken_up"
    ANSWERED = "answered"
    SETTLED = "settled"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class OpinionAction(StrEnum):
    TAKE_UP = "take_up"
    ANSWER = "answer"
    THANK = "thank"
    DECLINE = "decline"
    SETTLE = "settle"


class ReplyMeans(StrEnum):
    """How a reply reached who gave the opinion."""

    PORTAL = "portal"
    MAIL = "mail"
    CALL = "call"
    VISIT = "visit"


class CampaignState(StrEnum):
    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Question:
    """What a form asks of a theme, in both languages."""

    theme: Theme
    text: str
    text_en: str


USUAL_QUESTIONS: tuple[Question, ...] = (
    Question(
        Theme.UNDERWRITING,
        "投保、批改和出单是否及时、准确？",
        "Are policies and changes issued promptly and correctly?",
    ),
    Question(
        Theme.PREMIUM,
        "保费和缴费安排是否清楚、合理？",
        "Are premiums and payment terms clear and reasonable?",
    ),
    Question(
        Theme.SURVEY,
        "出险后查勘人员是否及时到达现场？",
        "Does the surveyor reach the scene in time after an accident?",
    ),
    Question(
        Theme.ASSESSMENT, "定损金额和速度是否满意？", "Are damage assessments fair and made without delay?"
    ),
    Question(Theme.PAYMENT, "赔款到账是否及时？", "Are claims paid without delay?"),
    Question(
        Theme.ATTITUDE,
        "服务人员的态度和沟通如何？",
        "How are the manner and communication of our staff?",
    ),
    Question(
        Theme.MATERIALS,
        "索赔单证要求是否清楚、简便？",
        "Are the papers we ask for clear and easy to provide?",
    ),
    Question(Theme.OTHER, "其他意见和建议", "Anything else you would like to tell us"),
)

TRANSITIONS: dict[tuple[OpinionState, OpinionAction], OpinionState] = {
    (OpinionState.NEW, OpinionAction.TAKE_UP): OpinionState.TAKEN_UP,
    (OpinionState.NEW, OpinionAction.THANK): OpinionState.SETTLED,
    (OpinionState.NEW, OpinionAction.DECLINE): OpinionState.DECLINED,
    (OpinionState.TAKEN_UP, OpinionAction.ANSWER): OpinionState.ANSWERED,
    (OpinionState.TAKEN_UP, OpinionAction.DECLINE): OpinionState.DECLINED,
    (OpinionState.ANSWERED, OpinionAction.SETTLE): OpinionState.SETTLED,
}
OWED = frozenset({OpinionState.NEW, OpinionState.TAKEN_UP})
"""What still needs a reply."""
ANSWERED = frozenset({OpinionState.ANSWERED, OpinionState.SETTLED, OpinionState.DECLINED})
ENDED = frozenset({OpinionState.SETTLED, OpinionState.DECLINED})
COUNTED = OWED | ANSWERED
"""What is an opinion in the figures; marks alone count for the scores only."""
UNTOUCHED = frozenset({OpinionState.NOTED, OpinionState.NEW})
"""What whoever gave it may still change."""


def next_state(state: OpinionState, action: OpinionAction) -> OpinionState:
    """Where an act leads; Conflict `opinion_state` when it may not be done as things stand."""
    found = TRANSITIONS.get((state, action))
    if found is None:
        raise Conflict("opinion_state")
    return found


def actions_for(state: OpinionState) -> tuple[OpinionAction, ...]:
    """What may be done with an opinion: the buttons of its page."""
    return tuple(action for (known, action) in TRANSITIONS if known is state)


def state_as_given(score: int | None, words: str) -> OpinionState:
    """Words are an opinion, and so is a bad mark; a good mark alone is only counted."""
    is_bad = score is not None and score < LOWEST_CONTENT_SCORE
    return OpinionState.NEW if words.strip() or is_bad else OpinionState.NOTED


def reply_due_on(given_on: date, is_rest_day: Callable[[date], bool]) -> date:
    """The last day to reply: so many working days after the day it was given."""
    day, left = given_on, REPLY_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= not is_rest_day(day)
    return day


def is_reminder_day(until_on: date, days_before: int, today: date) -> bool:
    """Whether who has not answered a form is reminded: from so many days before its last day."""
    return until_on - timedelta(days=days_before) <= today <= until_on


@dataclass(frozen=True)
class Given:
    """What the figures need of one opinion. `days_to_reply` None: no reply yet."""

    theme: Theme
    branch_id: int | None
    state: OpinionState
    score: int | None
    days_to_reply: int | None


@dataclass(frozen=True)
class Figures:
    """Of a number of opinions; add them to get those of all together."""

    opinions: int = 0
    scores: Mean = field(default_factory=Mean)
    replied: Ratio = field(default_factory=Ratio)
    settled: Ratio = field(default_factory=Ratio)
    reply_days: Mean = field(default_factory=Mean)

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.opinions + other.opinions,
            self.scores + other.scores,
            self.replied + other.replied,
            self.settled + other.settled,
            self.reply_days + other.reply_days,
        )


def figures_of(rows: Sequence[Given]) -> Figures:
    """Counts, marks, replies and results of opinions."""
    counted = [row for row in rows if row.state in COUNTED]
    scores = [row.score for row in rows if row.score is not None and row.state is not OpinionState.WITHDRAWN]
    days = [row.days_to_reply for row in counted if row.days_to_reply is not None]
    return Figures(
        opinions=len(counted),
        scores=Mean(sum(scores), len(scores)),
        replied=Ratio(sum(row.state in ANSWERED for row in counted), len(counted)),
        settled=Ratio(sum(row.state in ENDED for row in counted), len(counted)),
        reply_days=Mean(sum(days), len(days)),
    )
