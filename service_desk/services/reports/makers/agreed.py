"""What the last quarterly meeting agreed, and what came of it."""

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.relations import AgreedItem, ItemSource, RelationEvent
from service_desk.models.users import User
from service_desk.rules.relation_flow import TOOK_PLACE, EventKind
from service_desk.rules.report_document import CellKind, Column, Table
from service_desk.services.measures import Span
from service_desk.services.reports.makers import parts

_ITEM = (
    Column("item", CellKind.TEXT, is_wide=True),
    Column("item_measure", CellKind.TEXT, is_wide=True),
    Column("item_owner", CellKind.TEXT),
    Column("item_due_on", CellKind.DATE),
    Column("item_state", CellKind.LABEL, "item_state"),
    Column("item_result", CellKind.TEXT, is_wide=True),
)


def items_of_last_meeting(span: Span) -> Table:
    """The items of the last quarterly meeting up to the period's end, as they stand when the report is made."""
    last = (
        select(RelationEvent.id)
        .where(
            RelationEvent.account_id == span.account_id,
            RelationEvent.kind == EventKind.QUARTERLY_MEETING,
            RelationEvent.state.in_(TOOK_PLACE),
            RelationEvent.from_at < min(span.instants[1], span.now),
        )
        .order_by(RelationEvent.from_at.desc(), RelationEvent.id.desc())
        .limit(1)
    )
    found = db.session.execute(
        select(AgreedItem, User.name)
        .join(User, User.id == AgreedItem.owner_id)
        .where(AgreedItem.source == ItemSource.EVENT, AgreedItem.source_id == last.scalar_subquery())
        .order_by(AgreedItem.due_on, AgreedItem.id)
        .limit(parts.MOST_LISTED)
    ).tuples()
    rows = [
        (item.title, item.measure, owner, item.due_on, item.state.value, item.result) for item, owner in found
    ]
    return Table("agreed_items", _ITEM, rows)
