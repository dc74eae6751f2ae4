"""Deadlines counted in days by law: Civil Code articles 201 and 203, and the terms insurance law sets."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta

RestDay = Callable[[date], bool]

# Days, by the article that sets them. The stricter CTPL terms govern the CTPL part of a claim.
DECISION_DAYS = 30  # Insurance Law art. 23: complex cases
PAYMENT_DAYS = 10  # Insurance Law art. 23; CTPL regulation art. 29
DENIAL_NOTICE_DAYS = 3  # Insurance Law art. 24
ADVANCE_PAYMENT_DAYS = 60  # Insurance Law art. 25
CTPL_DOCUMENT_LIST_DAYS = 1  # CTPL regulation art. 28
CTPL_DECISION_DAYS = 5  # CTPL regulation art. 29


def never_rests(day: date) -> bool:
    """A calendar without rest days: a deadline stays where the count ends."""
    del day
    return False


def statutory_rest_days(holidays: Collection[date], make_up_days: Collection[date]) -> RestDay:
    """Weekends and holidays rest, unless the State Council made the day a working day.

    That a weekend is a "legal rest day" of art. 203 is this desk's reading of it.
    """

    def is_rest_day(day: date) -> bool:
        return day not in make_up_days and (day in holidays or day.weekday() >= 5)

    return is_rest_day


def last_day(start: date, days: int, is_rest_day: RestDay = never_rests) -> date:
    """The last day of a term of `days` from `start`; it ends at 24:00 of that day.

    The start day is not counted (Civil Code art. 201). A last day that is a legal rest day moves to the day
    after the rest (art. 203); rest days inside the term count like any other.
    """
    return roll_over(start + timedelta(days=days), is_rest_day)


def roll_over(day: date, is_rest_day: RestDay) -> date:
    """The first day from `day` on that is not a rest day (Civil Code art. 203)."""
    while is_rest_day(day):
        day += timedelta(days=1)
    return day


@dataclass(frozen=True)
class CtplDeadlines:
    """Last days for the CTPL part of a claim; `decision_due_raw` is the count before any rest day."""

    document_list_due: date
    decision_due_raw: date
    decision_due_rolled: date
    payment_due: date


def ctpl_deadlines(
    *, application: date, documents_received: date, agreement: date, is_rest_day: RestDay
) -> CtplDeadlines:
    """Count the chain of CTPL regulation arts. 28-29: list of documents, decision, payment."""
    return CtplDeadlines(
        document_list_due=last_day(application, CTPL_DOCUMENT_LIST_DAYS, is_rest_day),
        decision_due_raw=last_day(documents_received, CTPL_DECISION_DAYS),
        decision_due_rolled=last_day(documents_received, CTPL_DECISION_DAYS, is_rest_day),
        payment_due=last_day(agreement, PAYMENT_DAYS, is_rest_day),
    )


@dataclass(frozen=True)
class CommercialDeadlines:
    """Last days for the commercial part of a claim."""

    decision_due: date
    refusal_notice_due: date
    advance_due: date


def commercial_deadlines(
    *, request: date, refusal_decision: date, documents_complete: date, is_rest_day: RestDay
) -> CommercialDeadlines:
    """Count Insurance Law arts. 23-25: decision, notice of refusal, payment of the certain part."""
    return CommercialDeadlines(
        decision_due=last_day(request, DECISION_DAYS, is_rest_day),
        refusal_notice_due=last_day(refusal_decision, DENIAL_NOTICE_DAYS, is_rest_day),
        advance_due=last_day(max(request, documents_complete), ADVANCE_PAYMENT_DAYS, is_rest_day),
    )
