"""The demo's endorsements: a plate, a cover removed, a limit raised, and a renewal cancelled before its start."""

from datetime import datetime, timedelta

from sqlalchemy import Select, select

from service_desk.demo.group import Group
from service_desk.models.claims import ClaimCover
from service_desk.models.db import db
from service_desk.models.policies import EndorsementKind, Policy
from service_desk.rules.sample_rates import TPL_1M, TPL_1M_OWN_DAMAGE, TPL_2M
from service_desk.rules.settlement.cancellation import CancelReason
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import endorsing
from service_desk.services.policies.endorsing import EndorsementCommand

_PLATE = "豫A8K726"


def build_endorsements(group: Group, now: datetime) -> None:
    """Endorse a few policies on which no claim was made, some days ago."""
    at = now - timedelta(days=6, hours=3)
    running = _policies(group).where(
        Policy.starts_at < at - timedelta(days=30), Policy.ends_at > now + timedelta(days=60)
    )
    with_damage = running.where(Policy.cover_set == TPL_1M_OWN_DAMAGE)
    _endorse(group, with_damage.offset(3), EndorsementKind.PLATE, "换发号牌", at, plate=_PLATE)
    _endorse(group, with_damage.offset(7), EndorsementKind.REMOVE_COVER, "车辆折旧", at, cover_set=TPL_1M)
    raised = running.where(Policy.cover_set == TPL_1M)
    _endorse(group, raised.offset(2), EndorsementKind.SUM_INSURED, "统保协议调整", at, cover_set=TPL_2M)
    renewed = _policies(group).where(Policy.starts_at > now + timedelta(days=3))
    _endorse(
        group,
        renewed.offset(1),
        EndorsementKind.CANCELLATION,
        "到期后车辆转让",
        now - timedelta(hours=20),
        cause=CancelReason.SOLD,
    )


def _policies(group: Group) -> Select[tuple[Policy]]:
    claimed = select(ClaimCover.policy_id).where(ClaimCover.policy_id.is_not(None))
    return (
        select(Policy)
        .where(
            Policy.account_id == group.account.id,
            Policy.line == PolicyLine.COMMERCIAL,
            Policy.id.not_in(claimed),
        )
        .order_by(Policy.id)
    )


def _endorse(
    group: Group,
    wanted: Select[tuple[Policy]],
    kind: EndorsementKind,
    reason: str,
    at: datetime,
    **values: object,
) -> None:
    policy = db.session.scalar(wanted.limit(1))
    if policy is None or policy.issued_at > at:
        return
    command = EndorsementCommand(kind, reason, **values)  # type: ignore[arg-type]
    endorsing.endorse(policy.number, command, actor=group.users["underwriter"], now=at)
