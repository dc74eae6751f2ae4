"""Who is told of a dispute: its handler, whoever decides, and the client's people; never who did it themselves."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.disputes import Dispute
from service_desk.models.users import User
from service_desk.rules.permissions import Side
from service_desk.services import notices
from service_desk.services.claims.common import matter_of
from service_desk.services.claims.people import basics, client_recipients
from service_desk.services.notices import Recipient


def raised(claim: Claim, dispute: Dispute, words: str, *, actor: User, now: datetime) -> None:
    """The handler has to answer it; the client has it in writing when the desk wrote it down for them."""
    told = [*_desk(claim, dispute), *_client(claim, dispute)]
    _tell(claim, dispute, "dispute_raised", told, {"words": words}, actor, now)


def word(claim: Claim, dispute: Dispute, words: str, *, actor: User, now: datetime) -> None:
    """The other side has something to read; so has whoever decides."""
    if actor.side is Side.CLIENT:
        told = _desk(claim, dispute)
    else:
        told = [*_client(claim, dispute), *_decider(dispute)]
    dedupe = now.isoformat()
    _tell(claim, dispute, "dispute_word", told, {"words": words}, actor, now, dedupe)


def to_decide(claim: Claim, dispute: Dispute, decider: User, *, actor: User, now: datetime) -> None:
    """Whoever was named is told at once."""
    told = [notices.user_recipient(decider)]
    _tell(claim, dispute, "dispute_to_decide", told, {}, actor, now, f"{decider.id}:{now.isoformat()}")


def decided(claim: Claim, dispute: Dispute, *, actor: User, now: datetime) -> None:
    """The client reads the outcome with its reasons; the handler what is to be done."""
    told = [*_client(claim, dispute), *_desk(claim, dispute)]
    _tell(claim, dispute, "dispute_decided", told, _outcome(dispute), actor, now)


def taken_back(claim: Claim, dispute: Dispute, *, actor: User, now: datetime) -> None:
    """Both sides know that nothing is left to decide."""
    told = [*_desk(claim, dispute), *_client(claim, dispute)]
    _tell(claim, dispute, "dispute_decided", told, _outcome(dispute), actor, now)


def _outcome(dispute: Dispute) -> dict[str, Any]:
    return {
        "outcome": dispute.outcome.value if dispute.outcome else "",
        "reasons": dispute.reasons,
        "awarded_fen": dispute.awarded_fen,
        "consequence": dispute.consequence.value if dispute.consequence else "",
    }


def _desk(claim: Claim, dispute: Dispute) -> list[Recipient]:
    return [notices.user_recipient(db.session.get_one(User, claim.owner_id)), *_decider(dispute)]


def _decider(dispute: Dispute) -> list[Recipient]:
    if dispute.decider_id is None:
        return []
    return [notices.user_recipient(db.session.get_one(User, dispute.decider_id))]


def _client(claim: Claim, dispute: Dispute) -> list[Recipient]:
    """The client's people of the claim, and the one who raised it."""
    raiser = db.session.get_one(User, dispute.raised_by_id)
    own = [notices.user_recipient(raiser)] if raiser.side is Side.CLIENT and raiser.is_active else []
    return [*own, *client_recipients(claim)]


def _tell(
    claim: Claim,
    dispute: Dispute,
    kind: str,
    told: Iterable[Recipient],
    params: dict[str, Any],
    actor: User,
    now: datetime,
    dedupe: str = "",
) -> None:
    about = basics(claim) | {
        "url": f"/claims/{claim.number}/dispute",
        "dispute": dispute.number,
        "topic": dispute.topic.value,
        "claimed_fen": dispute.claimed_fen,
    }
    for recipient in {one.key: one for one in told if one.user_id != actor.id}.values():
        notices.queue(
            kind,
            recipient,
            about | params,
            dedupe=f"{kind}:{dispute.id}:{dedupe}",
            now=now,
            matter=matter_of(claim),
        )
