"""Follow-up of the injured (人伤跟踪): how they are, what it has cost, what it will cost, when to ask again."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.base.text import one_line
from service_desk.models.accounts import Branch
from service_desk.models.claim_parties import ClaimParty, InjuryFollowUp
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES, ClaimAction
from service_desk.rules.claim_parties import PartyKind, TreatmentStage
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.claims import reserves
from service_desk.services.claims.common import begin
from service_desk.services.claims.parties import get_party, log_party
from service_desk.services.claims.party_costs import expected_by_item, follow_reserve


@dataclass(frozen=True)
class FollowUpFacts:
    """How an injured person was on a day. `forecast_fen` is what the treatment will cost in all."""

    party_id: int
    on_day: date
    condition: str
    stage: TreatmentStage
    cost_fen: int
    forecast_fen: int
    hospital: str = ""
    next_on: date | None = None


@dataclass(frozen=True)
class DueFollowUp:
    """An injured person to ask after, and until when."""

    follow_up: InjuryFollowUp
    party: ClaimParty
    claim: Claim
    branch: Branch


def follow_injured(number: str, facts: FollowUpFacts, *, actor: User, now: datetime) -> InjuryFollowUp:
    """Enter how an injured person is. The forecast moves the reserve; a later date names when to ask again.

    Invalid: `not_a_person`, `day_in_future`, `before_loss`, `next_before_day`, `forecast_below_cost`, `required`.
    """
    claim, _ = begin(number, ClaimAction.SET_RESERVE, actor=actor)
    party = get_party(claim, facts.party_id)
    _check_follow_up(claim, party, facts, now)
    before = expected_by_item(claim.id)
    entry = InjuryFollowUp(
        claim_id=claim.id,
        recorded_at=now,
        recorded_by_id=actor.id,
        **asdict(facts) | {"condition": facts.condition.strip(), "hospital": one_line(facts.hospital)},
    )
    db.session.add(entry)
    if facts.hospital.strip():
        party.hospital = one_line(facts.hospital)
    db.session.flush()
    follow_reserve(claim, before, item="follow_up", reason=facts.condition.strip(), actor=actor, now=now)
    log_party(
        claim,
        "injured_followed",
        party,
        actor,
        now,
        stage=facts.stage.value,
        forecast_fen=facts.forecast_fen,
        next_on=facts.next_on.isoformat() if facts.next_on else "",
    )
    changes = {"forecast_fen": (None, facts.forecast_fen)}
    audit.record("claim_injured_followed", claim, actor=actor, now=now, changes=changes)
    return entry


def _check_follow_up(claim: Claim, party: ClaimParty, facts: FollowUpFacts, now: datetime) -> None:
    if party.kind is not PartyKind.PERSON:
        raise Invalid("not_a_person")
    if not facts.condition.strip():
        raise Invalid("required", field="condition")
    if facts.on_day > local_date(now):
        raise Invalid("day_in_future", field="on_day")
    if facts.on_day < local_date(claim.loss_at):
        raise Invalid("before_loss", field="on_day")
    if facts.next_on is not None and facts.next_on <= facts.on_day:
        raise Invalid("next_before_day", field="next_on")
    if not 0 <= facts.cost_fen <= reserves.MAX_RESERVE_FEN:
        raise Invalid("reserve_out_of_range", field="cost")
    if not facts.cost_fen <= facts.forecast_fen <= reserves.MAX_RESERVE_FEN:
        raise Invalid("forecast_below_cost", field="forecast")


def due_follow_ups(
    account_id: int, *, actor: User, now: datetime, limit: int
) -> tuple[list[DueFollowUp], int]:
    """Whom the actor, as handler of open claims, has to ask after by today, the longest overdue first; how many."""
    later = aliased(InjuryFollowUp)
    is_latest = ~exists().where(
        later.party_id == InjuryFollowUp.party_id,
        or_(
            later.on_day > InjuryFollowUp.on_day,
            and_(later.on_day == InjuryFollowUp.on_day, later.id > InjuryFollowUp.id),
        ),
    )
    statement = (
        select(InjuryFollowUp, ClaimParty, Claim, Branch)
        .join(ClaimParty, ClaimParty.id == InjuryFollowUp.party_id)
        .join(Claim, Claim.id == InjuryFollowUp.claim_id)
        .join(Branch, Branch.id == Claim.branch_id)
        .where(
            Claim.account_id == account_id,
            Claim.owner_id == actor.id,
            Claim.state.in_(OPEN_STATES),
            ClaimParty.removed_at.is_(None),
            InjuryFollowUp.next_on <= local_date(now),
            is_latest,
        )
    )
    wanted = access.visible(actor, Action.HANDLE_CLAIMS, statement, Claim)
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    rows = db.session.execute(wanted.order_by(InjuryFollowUp.next_on, InjuryFollowUp.id).limit(limit))
    return [DueFollowUp(*row) for row in rows.tuples()], total
