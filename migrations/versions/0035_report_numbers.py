"""The insurer's own number of an accident report

Revision: 0035
Follows: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = '0035'
down_revision = '0034'
branch_labels = None
depends_on = None

_KEY = 'ix_claims_report_key'


def upgrade() -> None:
    op.add_column('claims', sa.Column('report_no', sa.String(length=64), nullable=True))
    op.add_column('claims', sa.Column('report_key', sa.String(length=64), nullable=True))
    where = sa.text('report_key IS NOT NULL')
    op.create_index(_KEY, 'claims', ['account_id', 'report_key'], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Back to claims without the insurer's numbers, which are lost."""
    op.drop_index(_KEY, 'claims')
    op.drop_column('claims', 'report_key')
    op.drop_column('claims', 'report_no')
