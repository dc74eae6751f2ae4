"""The demo's delivery runs: one on its way, one planned, and papers that wait, a few of them late."""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from service_desk.base.clock import local_date
from service_desk.demo.group import Group
from service_desk.models.db import db
from service_desk.models.policies import IssueBatch, Policy
from service_desk.services.policies.delivery import runs, waiting
from service_desk.services.policies.delivery.runs import RunCommand


def build_deliveries(group: Group, now: datetime) -> None:
    """Say of old batches that their policies arrived with them, and bring two branches their papers."""
    arrived = select(IssueBatch.delivered_at).where(IssueBatch.id == Policy.batch_id).scalar_subquery()
    db.session.execute(
        update(Policy).where(Policy.delivered_at.is_(None)).values(delivered_at=arrived),
        execution_options={"synchronize_session": False},
    )
    db.session.expire_all()
    clerk = group.users["underwriter"]
    for index, row in enumerate(waiting.by_branch(group.account.id, actor=clerk, now=now)[:2]):
        number = runs.plan(
            RunCommand(row.branch.id, local_date(now), "顺路司机" if index else clerk.name),
            actor=clerk,
            now=now - timedelta(hours=2),
        )
        if not index:
            runs.send_out(number, actor=clerk, now=now - timedelta(hours=1))
    db.session.flush()
