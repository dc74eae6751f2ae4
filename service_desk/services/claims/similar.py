"""Claims that may be about the accident that is being reported, asked about before there is a second one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select

from service_desk.base.errors import Conflict
from service_desk.models.claims import Claim
from service_desk.models.db import db, table_of
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.claim_intake import NEAR_IN_TIME, Accident, Likeness, likeness, plates_in
from service_desk.rules.permissions import Action
from service_desk.services import access

MAX_SHOWN = 10

_CLAIMS = table_of(Claim).c
# Made once: every report asks.
_NEAR = select(_CLAIMS.id, _CLAIMS.loss_at, _CLAIMS.plate, _CLAIMS.vehicle_id, _CLAIMS.other_party).where(
    _CLAIMS.account_id == bindparam("account_id"),
    _CLAIMS.loss_at >= bindparam("since"),
    _CLAIMS.loss_at <= bindparam("until"),
    or_(
        _CLAIMS.vehicle_id.in_(bindparam("vehicle_ids", expanding=True)),
        _CLAIMS.plate.in_(bindparam("plates", expanding=True)),
        # Whatever is written there may hold a plate; that is read below, not in the database.
        _CLAIMS.other_party != "",
    ),
)


@dataclass(frozen=True)
class SimilarClaim:
    """What is shown of such a claim beside what was typed. `handler` and `handler_phone`: whom to ask."""

    number: str
    plate: str
    vehicle_id: int
    loss_at: datetime
    reported_at: datetime
    place: str
    description: str
    other_party: str
    state: str
    is_ended: bool
    handler: str
    handler_phone: str
    likeness: str


@dataclass(frozen=True)
class Similar:
    """Those the actor may see, the nearest in time first, and how many others there are."""

    seen: tuple[SimilarClaim, ...] = ()
    unseen: int = 0

    def __bool__(self) -> bool:
        return bool(self.seen or self.unseen)

    @property
    def numbers(self) -> list[str]:
        return [claim.number for claim in self.seen]

    def question(self) -> Conflict:
        """The question to whoever reports: Conflict `possible_duplicate` with `claims` (dicts), `unseen`, `count`."""
        claims: list[dict[str, Any]] = [asdict(claim) for claim in self.seen]
        count = len(claims) + self.unseen
        return Conflict("possible_duplicate", claims=claims, unseen=self.unseen, count=count)


def accident_of(claim: Claim) -> Accident:
    """A claim as it is compared with others."""
    return Accident(claim.loss_at, claim.plate, claim.vehicle_id, plates_in(claim.other_party))


def find_similar(account_id: int, accidents: Sequence[Accident], *, actor: User) -> Similar:
    """Claims of the account, open or ended, that may be about one of these accidents."""
    found: dict[int, Likeness] = {}
    for claim_id, other in _near(account_id, accidents):
        reasons = [why for one in accidents if (why := likeness(one, other)) is not None]
        if reasons:
            # The strongest: the same vehicle before the same other side.
            found[claim_id] = min(reasons, key=list(Likeness).index)
    if not found:
        return Similar()
    statement = (
        select(Claim, User).join(User, User.id == Claim.owner_id).where(Claim.id.in_(list(found)[:500]))
    )
    rows = db.session.execute(access.visible(actor, Action.READ_CLAIMS, statement, Claim)).tuples().all()
    loss_at = accidents[0].loss_at
    rows = sorted(rows, key=lambda row: (abs(row[0].loss_at - loss_at), row[0].id))
    seen = [_shown(claim, handler, found[claim.id]) for claim, handler in rows[:MAX_SHOWN]]
    return Similar(tuple(seen), len(found) - len(rows))


def _near(account_id: int, accidents: Sequence[Accident]) -> list[tuple[int, Accident]]:
    """Claims near in time of which anything can be alike, without their words."""
    times = [accident.loss_at for accident in accidents]
    asked = {
        "account_id": account_id,
        "since": min(times) - NEAR_IN_TIME,
        "until": max(times) + NEAR_IN_TIME,
        "vehicle_ids": [accident.vehicle_id for accident in accidents],
        "plates": [plate for accident in accidents for plate in accident.other_plates],
    }
    return [
        (claim_id, Accident(loss_at, plate, vehicle_id, plates_in(other_party)))
        for claim_id, loss_at, plate, vehicle_id, other_party in db.session.execute(_NEAR, asked).tuples()
    ]


def _shown(claim: Claim, handler: User, why: Likeness) -> SimilarClaim:
    return SimilarClaim(
        number=claim.number,
        plate=claim.plate,
        vehicle_id=claim.vehicle_id,
        loss_at=claim.loss_at,
        reported_at=claim.reported_at,
        place=claim.place,
        description=claim.description,
        other_party=claim.other_party,
        state=claim.state.value,
        is_ended=claim.state not in OPEN_STATES,
        handler=handler.name,
        handler_phone=handler.phone,
        likeness=why.value,
    )
