"""Everything that is kept of a claim's disputes, read in a bounded number of queries."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from service_desk.models.claims import Claim, ClaimCalculation, ClaimEvent
from service_desk.models.db import db
from service_desk.models.disputes import Dispute, DisputeEvidence, DisputeWord
from service_desk.models.documents import Document
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClaimState, ClockStep
from service_desk.rules.disputes import Consequence, undisputed_fen
from service_desk.rules.permissions import Role, Side
from service_desk.rules.sla.history import whole_second
from service_desk.services import access, sla
from service_desk.services.claims.common import MATTER_KIND


@dataclass(frozen=True)
class Money:
    """What the two sides agree on, and what of it is approved and paid, in fen."""

    undisputed_fen: int
    approved_fen: int
    paid_fen: int

    @property
    def due_fen(self) -> int:
        """What is approved and can be paid at once, dispute or not."""
        return self.approved_fen - self.paid_fen


@dataclass(frozen=True)
class DisputeFile:
    """One dispute with what both sides said and brought.

    `timer` is its clock. `followed_by` is the event by which the decision's consequence came about, None while it
    is awaited or where nothing follows.
    """

    dispute: Dispute
    words: Sequence[DisputeWord]
    evidence: Sequence[tuple[DisputeEvidence, Document]]
    timer: Timer | None
    people: dict[int, User]
    followed_by: ClaimEvent | None

    @property
    def is_open(self) -> bool:
        return self.dispute.decided_at is None

    @property
    def is_awaited(self) -> bool:
        """Whether what was decided is still to be done."""
        wanted = self.dispute.consequence
        return wanted not in {None, Consequence.NOTHING} and self.followed_by is None


def of_claim(claim_id: int) -> list[Dispute]:
    """The disputes of a claim, the newest first. The caller has checked that the claim is visible."""
    statement = select(Dispute).where(Dispute.claim_id == claim_id)
    return list(db.session.scalars(statement.order_by(Dispute.raised_at.desc(), Dispute.id.desc())))


def read_disputes(claim: Claim, *, reader: User) -> list[DisputeFile]:
    """The disputes of a claim the reader may see, newest first; internal notes are for the desk only."""
    found = of_claim(claim.id)
    ids = [dispute.id for dispute in found]
    words, evidence = _words(ids, reader), _evidence(ids)
    clocks = sla.timers_of(MATTER_KIND, [claim.id])[claim.id] if found else []
    followed = _following_events(claim) if found else []
    people = _people(found, words, evidence)
    return [
        DisputeFile(
            dispute=dispute,
            words=words[dispute.id],
            evidence=evidence[dispute.id],
            timer=clock_of(dispute, clocks),
            people=people,
            followed_by=_followed_by(dispute, followed),
        )
        for dispute in found
    ]


def _words(ids: list[int], reader: User) -> dict[int, list[DisputeWord]]:
    statement = select(DisputeWord).where(DisputeWord.dispute_id.in_(ids))
    if reader.side is Side.CLIENT:
        statement = statement.where(DisputeWord.is_internal.is_(False))
    found: dict[int, list[DisputeWord]] = defaultdict(list)
    for one in db.session.scalars(statement.order_by(DisputeWord.at, DisputeWord.id)):
        found[one.dispute_id].append(one)
    return found


def _evidence(ids: list[int]) -> dict[int, list[tuple[DisputeEvidence, Document]]]:
    statement = (
        select(DisputeEvidence, Document)
        .join(Document, Document.id == DisputeEvidence.document_id)
        .where(DisputeEvidence.dispute_id.in_(ids))
        .order_by(DisputeEvidence.at, DisputeEvidence.id)
    )
    found: dict[int, list[tuple[DisputeEvidence, Document]]] = defaultdict(list)
    for one, document in db.session.execute(statement).tuples():
        found[one.dispute_id].append((one, document))
    return found


def clock_of(dispute: Dispute, timers: Sequence[Timer]) -> Timer | None:
    """The dispute's clock among its claim's: the one that started when it was raised.

    A corrected time moves a start: the open clock is the open dispute's all the same.
    """
    started_at, is_open = whole_second(dispute.raised_at), dispute.decided_at is None
    of_step = [timer for timer in timers if timer.step is ClockStep.DISPUTE]
    exact = (timer for timer in of_step if timer.started_at == started_at)
    running = (timer for timer in of_step if is_open and timer.state in sla.OPEN_STATES)
    return next(exact, next(running, None))


_FOLLOWED_BY = {
    Consequence.NEW_CALCULATION: ClaimAction.CALCULATE,
    Consequence.REOPENING: ClaimAction.REOPEN,
}


def _following_events(claim: Claim) -> list[ClaimEvent]:
    statement = select(ClaimEvent).where(
        ClaimEvent.claim_id == claim.id, ClaimEvent.action.in_(tuple(_FOLLOWED_BY.values()))
    )
    return list(db.session.scalars(statement.order_by(ClaimEvent.recorded_at, ClaimEvent.id)))


def _followed_by(dispute: Dispute, events: Sequence[ClaimEvent]) -> ClaimEvent | None:
    """The first of its kind after the decision. The time line is never rewritten, so this holds for good."""
    if dispute.decided_at is None or dispute.consequence is None:
        return None
    wanted, since = _FOLLOWED_BY.get(dispute.consequence), dispute.decided_at
    return next((event for event in events if event.action is wanted and event.recorded_at >= since), None)


def _people(
    disputes: Sequence[Dispute],
    words: dict[int, list[DisputeWord]],
    evidence: dict[int, list[tuple[DisputeEvidence, Document]]],
) -> dict[int, User]:
    ids: set[int | None] = {one.by_id for said in words.values() for one in said}
    ids |= {one.by_id for brought in evidence.values() for one, _document in brought}
    for dispute in disputes:
        ids |= {dispute.raised_by_id, dispute.decider_id, dispute.decided_by_id}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids - {None})))}


def money_of(claim: Claim, dispute: Dispute) -> Money:
    """What is not in dispute. An amount approved meanwhile is offered too."""
    offered = claim.approved_fen or dispute.offered_fen
    return Money(undisputed_fen(offered, dispute.claimed_fen), claim.approved_fen, claim.paid_fen)


def possible_deciders(claim: Claim, dispute: Dispute) -> list[User]:
    """The account's managers but for who made what is disputed: the calculation, or the denial.

    Nor who approved it, as long as there is another: the client is told that the decider had no part in it.
    """
    involved = _involved(claim, dispute)
    managers = access.account_members(claim.account_id, Role.MANAGER)
    possible = [user for user in managers if user.id not in involved]
    approved_by_id = _approved_by(dispute)
    return [user for user in possible if user.id != approved_by_id] or possible


def _approved_by(dispute: Dispute) -> int | None:
    if dispute.calculation_id is None:
        return None
    return db.session.get_one(ClaimCalculation, dispute.calculation_id).approved_by_id


def _involved(claim: Claim, dispute: Dispute) -> set[int | None]:
    involved: set[int | None] = set()
    if dispute.calculation_id is not None:
        involved.add(db.session.get_one(ClaimCalculation, dispute.calculation_id).calculated_by_id)
    if claim.state is ClaimState.DENIED:
        denials = select(ClaimEvent.actor_id).where(
            ClaimEvent.claim_id == claim.id,
            ClaimEvent.round == dispute.round,
            ClaimEvent.action == ClaimAction.DENY,
        )
        involved |= set(db.session.scalars(denials))
    return involved
