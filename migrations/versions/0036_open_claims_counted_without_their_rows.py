"""Open claims are counted in their index alone, on SQLite too

Revision: 0036
Follows: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = '0036'
down_revision = '0035'
branch_labels = None
depends_on = None

_NAME = 'ix_claims_open_due'
_FORMER = [
    'account_id', 'next_due_at', 'id',
    'owner_id', 'state', 'is_disputed', 'highest_estimate_fen', 'deficiency_notice_at',
    'branch_id', 'reported_by_id', 'reported_at', 'loss_at',
]


def upgrade() -> None:
    """Add the column that the index is partial by: SQLite fetches each row to ask it once more otherwise."""
    op.drop_index(_NAME, 'claims')
    _create([*_FORMER, 'closed_at'])


def downgrade() -> None:
    """Back to the index without it."""
    op.drop_index(_NAME, 'claims')
    _create(_FORMER)


def _create(columns: list[str]) -> None:
    where = sa.text('closed_at IS NULL')
    op.create_index(_NAME, 'claims', columns, sqlite_where=where, postgresql_where=where)
