"""The life of a policy: its term, its states, and what may be done in each.

A policy is written down as issued, cancelled or voided. Whether it is in force or expired follows from its term
and the time asked about, so nothing has to be changed when a term begins or ends.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from service_desk.base.clock import add_years, local_date, start_of_day
from service_desk.base.errors import Conflict


class PolicyState(StrEnum):
    """ISSUED, CANCELLED and VOIDED are kept; IN_FORCE and EXPIRED are derived by `state_at`."""

    ISSUED = "issued"
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    VOIDED = "voided"


class PolicyAction(StrEnum):
    CANCEL = "cancel"
    ENDORSE = "endorse"
    VOID = "void"


TRANSITIONS: dict[tuple[PolicyState, PolicyAction], PolicyState] = {
    (PolicyState.ISSUED, PolicyAction.CANCEL): PolicyState.CANCELLED,
    (PolicyState.IN_FORCE, PolicyAction.CANCEL): PolicyState.CANCELLED,
    (PolicyState.ISSUED, PolicyAction.ENDORSE): PolicyState.ISSUED,
    (PolicyState.IN_FORCE, PolicyAction.ENDORSE): PolicyState.IN_FORCE,
    (PolicyState.ISSUED, PolicyAction.VOID): PolicyState.VOIDED,
    (PolicyState.IN_FORCE, PolicyAction.VOID): PolicyState.VOIDED,
}


@dataclass(frozen=True)
class Term:
    """When cover runs: from `starts_at` up to, not including, `ends_at`."""

    starts_at: datetime
    ends_at: datetime

    @property
    def first_day(self) -> date:
        """The first covered day in China, as printed on the policy."""
        return local_date(self.starts_at)

    @property
    def last_day(self) -> date:
        """The last covered day in China; the policy says it runs to 24:00 of it."""
        return last_covered_day(self.ends_at)

    @property
    def days(self) -> int:
        """The days of the term, both printed days counted."""
        return (self.last_day - self.first_day).days + 1


def one_year_term(first_day: date) -> Term:
    """A year's cover from 00:00 of `first_day` in China up to the same date a year later, excluded."""
    return Term(start_of_day(first_day), start_of_day(add_years(first_day, 1)))


def year_from(starts_at: datetime) -> Term:
    """A year's cover from an instant up to 00:00 of the same date a year later: the last day is whole.

    From midnight this is `one_year_term`. From an instant within a day (cover that takes effect at once)
    the printed days are the same.
    """
    return Term(starts_at, start_of_day(add_years(local_date(starts_at), 1)))


def last_covered_day(ends_at: datetime) -> date:
    """The last day with cover in China for cover that ends before `ends_at`: 1 January 00:00 is 31 December."""
    return local_date(ends_at - timedelta(microseconds=1))


def state_at(kept: PolicyState, term: Term, moment: datetime) -> PolicyState:
    """The state of a policy at an instant, from the state kept and the term in which it gives cover.

    A cancellation cuts the term, so up to its instant the policy stands as any other; one that covers nothing
    is cancelled at any instant.
    """
    if kept is PolicyState.VOIDED:
        return PolicyState.VOIDED
    if kept is PolicyState.CANCELLED and (moment >= term.ends_at or term.ends_at <= term.starts_at):
        return PolicyState.CANCELLED
    if moment < term.starts_at:
        return PolicyState.ISSUED
    return PolicyState.IN_FORCE if moment < term.ends_at else PolicyState.EXPIRED


def actions_in(state: PolicyState) -> list[PolicyAction]:
    """List what may be done with a policy in a state."""
    return [action for (at, action) in TRANSITIONS if at is state]


def next_state(state: PolicyState, action: PolicyAction) -> PolicyState:
    """The state after an action; Conflict `policy_action_not_possible` where the table has none."""
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise Conflict("policy_action_not_possible", state=state.value, action=action.value) from None
