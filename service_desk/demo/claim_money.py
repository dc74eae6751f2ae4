"""The demo's money of claims: an advance that was paid, one that waits for approval, a recovery half come in."""

from datetime import datetime

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.demo import cast
from service_desk.demo.group import Group
from service_desk.models.claim_money import AdvanceBasis, RecoveryKind
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.permissions import Role
from service_desk.services.claims import advances, authority, paying, recoveries
from service_desk.services.claims.advances import ProposeAdvance
from service_desk.services.claims.paying import Pay

_ACCOUNT, _BANK = "41003710008801776655", "郑州银行航海路支行"


def build_claim_money(group: Group, now: datetime) -> None:
    """Take what the claims of the last days offer; a demo without such a claim goes without."""
    staff = [user for user in group.users.values() if user.role is Role.CLAIMS]
    collecting = _claims(group, ClaimState.ASSESSED, ClaimState.DOCUMENTS_COMPLETE)
    owners = {user.id for user in staff}
    usable = [one for one in collecting if one.reserve_fen >= 1_000_00 and one.owner_id in owners]
    for claim, is_paid in zip(usable, (True, False), strict=False):
        _advance(claim, staff, now, is_paid=is_paid)
    closed = [claim for claim in _claims(group, ClaimState.CLOSED) if claim.other_party and claim.paid_fen]
    if closed:
        _recover(closed[0], staff[0], now)


def _claims(group: Group, *states: ClaimState) -> list[Claim]:
    statement = select(Claim).where(Claim.account_id == group.account.id, Claim.state.in_(states))
    return list(db.session.scalars(statement.order_by(Claim.id.desc()).limit(20)))


def _advance(claim: Claim, staff: list[User], now: datetime, *, is_paid: bool) -> None:
    handler = next(user for user in staff if user.id == claim.owner_id)
    amount_fen = claim.reserve_fen // 3 // 100_00 * 100_00
    proposed = ProposeAdvance(AdvanceBasis.CERTAIN_PART, amount_fen, "维修费发票已核实，人伤部分待定")
    one = advances.propose(claim.number, proposed, actor=handler, now=now)
    if not is_paid:
        return
    decider = authority.who_may(claim.account_id, amount_fen, now=now, besides=(handler.id,))[0]
    advances.decide(claim.number, one.id, approves=True, note="", actor=decider, now=now)
    command = Pay(amount_fen, cast.ACCOUNT_NAME, _ACCOUNT, _BANK)
    paying.pay_advance(claim.number, one.id, command, actor=handler, now=now)


def _recover(claim: Claim, actor: User, now: datetime) -> None:
    amount_fen = max(claim.paid_fen // 2, 100_00)
    wanted = recoveries.NewRecovery(
        RecoveryKind.SUBROGATION, claim.other_party, amount_fen, "对方负同等责任，已先行赔付"
    )
    one = recoveries.add(claim.number, wanted, actor=actor, now=now)
    received = recoveries.Receive(amount_fen // 3, local_date(now), "收款回单 0917")
    recoveries.receive(one.id, received, actor=actor, now=now)
