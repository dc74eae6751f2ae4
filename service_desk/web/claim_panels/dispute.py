"""The dispute's card on the claim's page: what it is about, what is undisputed and paid, who decides by when."""

from dataclasses import dataclass

from service_desk.models.disputes import Dispute
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.presenters import disputes as words
from service_desk.rules.claim_flow import ClaimAction, transition
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.claims import disputes
from service_desk.services.claims.disputes import Money
from service_desk.services.claims.disputes.reading import clock_of, money_of
from service_desk.services.claims.files import ClaimFile
from service_desk.web.claim_panels import Column

COLUMN = Column.NEXT
ORDER = 20


@dataclass(frozen=True)
class DisputePanel:
    """`current` is the open one; `earlier` those decided, the newest first."""

    current: Dispute | None
    money: Money | None
    timer: Timer | None
    decider: User | None
    earlier: list[Dispute]
    may_raise: bool
    until: object

    @property
    def said(self) -> str:
        return words.outcome_line(self.earlier[0]) if self.earlier else ""


def read(file: ClaimFile, user: User) -> DisputePanel | None:
    """What the card shows; None where there is no dispute and none may be raised."""
    found = disputes.of_claim(file.claim.id)
    current = next((one for one in found if one.decided_at is None), None)
    can = transition(file.claim.state, ClaimAction.DISPUTE) is not None
    may_raise = can and current is None and access.may(user, Action.RAISE_DISPUTES)
    if not found and not may_raise:
        return None
    return DisputePanel(
        current=current,
        money=money_of(file.claim, current) if current else None,
        timer=clock_of(current, file.timers) if current else None,
        decider=words.person(current.decider_id) if current else None,
        earlier=[one for one in found if one is not current],
        may_raise=may_raise,
        until=words.last_day(file.claim),
    )
