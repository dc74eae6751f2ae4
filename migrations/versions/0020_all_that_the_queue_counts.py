"""The index of open claims holds all that the queue counts

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

_NAME = 'ix_claims_open_due'
_FORMER = [
    'account_id', 'next_due_at', 'id',
    'owner_id', 'state', 'is_disputed', 'highest_estimate_fen', 'deficiency_notice_at',
]
# What late reports, the branch and the client's own ask for: without them each count read every open claim's row.
_MORE = ['branch_id', 'reported_by_id', 'reported_at', 'loss_at']


def upgrade() -> None:
    """Let the index of open claims hold all that the queue's filters ask."""
    op.drop_index(_NAME, 'claims')
    _create([*_FORMER, *_MORE])


def downgrade() -> None:
    """Back to the index without late reports and branches."""
    op.drop_index(_NAME, 'claims')
    _create(_FORMER)


def _create(columns: list[str]) -> None:
    where = sa.text('closed_at IS NULL')
    op.create_index(_NAME, 'claims', columns, sqlite_where=where, postgresql_where=where)
