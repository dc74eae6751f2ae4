"""A meeting of both sides as tests need it: planned, held, minuted with decisions."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import false

from service_desk.models.db import db
from service_desk.models.relations import RelationEvent
from service_desk.rules.permissions import Side
from service_desk.rules.relation_flow import EventKind
from service_desk.services.relations import events, minutes
from service_desk.services.relations.events import EventPlan, Guest
from service_desk.services.relations.items import NewItem
from service_desk.services.relations.minutes import Written
from tests.claim_cases import file_store
from tests.world import World


def meeting_plan(world: World, from_at: datetime, **other: Any) -> EventPlan:
    """A quarterly meeting of two hours with the manager, claims1, the client's department and a guest."""
    values: dict[str, Any] = {
        "kind": EventKind.QUARTERLY_MEETING,
        "title": "四季度联席会议",
        "place": "集团三楼会议室",
        "agenda": "一、服务情况\n二、续保安排",
        "branch_id": None,
        "from_at": from_at,
        "to_at": from_at + timedelta(hours=2),
        "organiser_id": world.manager.id,
        "user_ids": (world.claims1.id, world.hq.id),
        "guests": (Guest("高建军", "safety@zzly.example", Side.CLIENT, "en"),),
    }
    return EventPlan(**(values | other))


def unseen(monkeypatch: pytest.MonkeyPatch, model: type) -> None:
    """Let nobody read rows of a model, as for who asks before another's are committed."""
    scalar, scalars = db.session.scalar, db.session.scalars

    def hide(statement: Any) -> Any:
        of_model = statement.column_descriptions[0]["entity"] is model
        return statement.where(false()) if of_model else statement

    monkeypatch.setattr(db.session, "scalar", lambda statement, *rest: scalar(hide(statement), *rest))
    monkeypatch.setattr(db.session, "scalars", lambda statement, *rest: scalars(hide(statement), *rest))


def planned_meeting(world: World, from_at: datetime, now: datetime, **other: Any) -> RelationEvent:
    event = events.plan(world.account.id, meeting_plan(world, from_at, **other), actor=world.manager, now=now)
    db.session.flush()
    return event


def decisions(world: World, due_on: date) -> tuple[NewItem, ...]:
    """Three, of both sides."""
    owners = (world.claims1, world.underwriter, world.hq)
    return tuple(
        NewItem(f"议定事项{n}", "按会议要求落实", owner.id, due_on) for n, owner in enumerate(owners, 1)
    )


def write_minutes(world: World, event: RelationEvent, now: datetime, **other: Any) -> None:
    """Minutes with everybody there."""
    present = [one.id for one in events.participants_of(event.id)]
    values: dict[str, Any] = {"words": "双方通报情况，议定三项。", "present_ids": present}
    minutes.write(
        event.number,
        Written(**(values | other)),
        event.version,
        files=file_store(),
        actor=world.manager,
        now=now,
    )
    db.session.flush()
