"""Disputes of the demo: one decided some time ago, one that waits for its decision, on claims that ended."""

from datetime import datetime, timedelta

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.demo.group import Group
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.disputes import Dispute
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.disputes import Consequence, DisputeOutcome, DisputeTopic
from service_desk.services.claims import disputes
from service_desk.services.claims.disputes import Decision, RaiseDispute, Say


def build_disputes(group: Group, files: FileStore, now: datetime) -> None:
    """Raise both for the group's insurance department; the manager decides the older one."""
    statement = (
        select(Claim)
        .where(Claim.state == ClaimState.CLOSED, Claim.closed_at < now - timedelta(days=30))
        .order_by(Claim.closed_at.desc(), Claim.id)
        .limit(2)
    )
    found = db.session.scalars(statement).all()
    if len(found) < 2:
        return
    open_claim, decided_claim = found
    _decided(group, decided_claim, files, now - timedelta(days=21))
    _open(group, open_claim, files, now - timedelta(days=2))
    db.session.flush()


def _decided(group: Group, claim: Claim, files: FileStore, at: datetime) -> None:
    client, owner = group.users["hq"], _owner(claim)
    objection = RaiseDispute(
        DisputeTopic.LOSS_OF_USE, "车辆停驶 6 天，要求赔付停运损失", claimed_fen=claim.paid_fen + 4_800_00
    )
    dispute = disputes.raise_dispute(claim.number, objection, files=files, actor=client, now=at)
    answer = Say("停运损失属商业三者险责任免除，投保时已作提示说明")
    disputes.say(claim.number, answer, files=files, actor=owner, now=at + timedelta(hours=20))
    manager = _decider(group, claim, dispute)
    disputes.name_decider(claim.number, manager.id, actor=owner, now=at + timedelta(hours=21))
    decision = Decision(DisputeOutcome.NOT_RIGHT, "按条款免责，客户可向对方责任人主张", Consequence.NOTHING)
    disputes.decide(claim.number, decision, actor=manager, now=at + timedelta(days=3))


def _open(group: Group, claim: Claim, files: FileStore, at: datetime) -> None:
    client, owner = group.users["hq"], _owner(claim)
    objection = RaiseDispute(
        DisputeTopic.AMOUNT, "修理厂发票比核定金额高，配件价格偏低", claimed_fen=claim.paid_fen + 1_260_00
    )
    dispute = disputes.raise_dispute(claim.number, objection, files=files, actor=client, now=at)
    answer = Say("已请修理厂补充配件进价单，收到后复核")
    disputes.say(claim.number, answer, files=files, actor=owner, now=at + timedelta(hours=5))
    manager = _decider(group, claim, dispute)
    disputes.name_decider(claim.number, manager.id, actor=owner, now=at + timedelta(hours=6))


def _decider(group: Group, claim: Claim, dispute: Dispute) -> User:
    """The manager who can sign in to the demo, unless the payment was approved by that one."""
    possible = disputes.possible_deciders(claim, dispute)
    shown = group.users["manager"]
    return shown if shown in possible else possible[0]


def _owner(claim: Claim) -> User:
    return db.session.get_one(User, claim.owner_id)
