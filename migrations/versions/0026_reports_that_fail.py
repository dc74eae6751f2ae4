"""A report that cannot be made is tried again after growing delays, and its managers hear of it

Revision: 0026
Follows: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Faults begin with the next try."""
    op.create_table(
        'report_faults',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('kind', sa.String(length=64), nullable=False),
        sa.Column('period_from', sa.Date(), nullable=False),
        sa.Column('period_to', sa.Date(), nullable=False),
        sa.Column('code', sa.String(length=64), nullable=False),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('since_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('failed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('next_try_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['account_id'], ['key_accounts.id'], name=op.f('fk_report_faults_account_id_key_accounts')
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_report_faults')),
        sa.UniqueConstraint(
            'account_id', 'kind', 'period_from', name=op.f('uq_report_faults_account_id_kind_period_from')
        ),
    )


def downgrade() -> None:
    """Reports that fail are tried each minute again."""
    op.drop_table('report_faults')
