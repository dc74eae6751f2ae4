"""A claim's history is read from indexes alone, and clocks are found by when they stopped

Revision: 0024
Follows: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None

# The index of before, and the one in its place.
_WIDENED = {
    'claim_events': (['claim_id', 'at'], ['claim_id', 'at', 'id', 'from_state', 'to_state']),
    'reserve_entries': (['claim_id'], ['claim_id', 'at', 'id', 'after_fen']),
    'claim_payments': (['claim_id'], ['claim_id', 'paid_at', 'returned_at', 'amount_fen']),
    'reserve_movements': (['claim_id'], ['claim_id', 'at', 'kind', 'amount_fen']),
}
_STOPPED = 'ix_timers_account_id_stopped_at'
_OF_BOOK = 'ix_claim_events_of_book'
_ENDS = "('closed', 'withdrawn', 'denied')"


def upgrade() -> None:
    """Let each index hold what a past instant's figures ask."""
    for table, (former, wider) in _WIDENED.items():
        _create(table, wider)
        _drop(table, former)
    op.create_index(_STOPPED, 'timers', ['account_id', 'stopped_at'])
    where = sa.text(f'to_state IN {_ENDS} OR from_state IN {_ENDS}')
    columns = ['claim_id', 'at', 'from_state', 'to_state']
    op.create_index(_OF_BOOK, 'claim_events', columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Back to the narrow indexes."""
    op.drop_index(_OF_BOOK, 'claim_events')
    op.drop_index(_STOPPED, 'timers')
    for table, (former, wider) in _WIDENED.items():
        _create(table, former)
        _drop(table, wider)


def _name(table: str, columns: list[str]) -> str:
    return '_'.join(('ix', table, *columns))


def _create(table: str, columns: list[str]) -> None:
    op.create_index(_name(table, columns), table, columns)


def _drop(table: str, columns: list[str]) -> None:
    op.drop_index(_name(table, columns), table)
