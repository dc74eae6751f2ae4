"""The demo's premium matters: a credit limit that is nearly used, money that settles nothing yet, an instalment plan,
dunning notices and a request for a release.
"""

from datetime import datetime, timedelta

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.demo.group import Group
from service_desk.models.db import db
from service_desk.models.premiums import Receivable
from service_desk.rules.premium import Instalment
from service_desk.services import premiums
from service_desk.services.premiums import PlanScope, ReceiptCommand

_ROOM_FEN = 200_000_00


def build_premiums(group: Group, now: datetime) -> None:
    """Write them for the demo account, whose premium is there. The limit comes last: history was issued without."""
    clerk, today = group.users["underwriter"], local_date(now)
    branch = group.branches[0]
    owed = db.session.scalars(
        select(Receivable)
        .where(Receivable.branch_id == branch.id, Receivable.settled_fen < Receivable.amount_fen)
        .order_by(Receivable.due_on, Receivable.id)
        .limit(2)
    ).all()
    sum_fen = sum(row.amount_fen - row.settled_fen for row in owed)
    receipt = premiums.record_receipt(
        ReceiptCommand(
            branch.id,
            tuple(row.id for row in owed),
            sum_fen + 8_000_00,
            today - timedelta(days=3),
            "transfer",
            branch.name,
            "预付下期保费",
            keeps_rest=True,
        ),
        actor=clerk,
        now=now - timedelta(days=2),
    )
    premiums.pay_back(receipt.number, 1_500_00, "重复付款", actor=clerk, now=now - timedelta(days=1))
    plan = [Instalment(today + timedelta(days=days)) for days in (10, 70, 130)]
    scope = PlanScope(group.account.id, branch_id=group.branches[1].id)
    premiums.make_plan(scope, plan, "集团资金安排，分三期支付", actor=clerk, now=now - timedelta(days=1))
    cases = premiums.list_cases(group.account.id, actor=clerk, now=now)
    worst = {case.branch.id: case for case in reversed(cases) if case.level.from_days > 0}
    if worst:
        chosen = {case.key for case in list(worst.values())[:3]}
        premiums.send_notices(group.account.id, chosen, actor=clerk, now=now - timedelta(hours=3))
    used = premiums.credit_of(group.account.id, actor=clerk).used_fen
    group.account.credit_limit_fen = -(-(used + _ROOM_FEN) // 10_000_00) * 10_000_00
    db.session.flush()
