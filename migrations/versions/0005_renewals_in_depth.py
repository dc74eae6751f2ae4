"""What became of cover that was not renewed, calendar feeds of ends of cover, policies by their month of issue

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table('renewal_outcomes',
    sa.Column('id', _ID, nullable=False),
    sa.Column('account_id', _ID, nullable=False),
    sa.Column('vehicle_id', _ID, nullable=False),
    sa.Column('line', _enum('policyline', 'ctpl', 'commercial', 'carrier_liability'), nullable=False),
    sa.Column('ends_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('outcome', _enum('outcome', 'switched', 'sold', 'suspended', 'not_renewing'), nullable=False),
    sa.Column('insurer', sa.String(length=200), nullable=False),
    sa.Column('covered_until', sa.Date(), nullable=True),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('cover_before', db.Json(), nullable=True),
    sa.Column('recorded_by_id', _ID, nullable=False),
    sa.Column('recorded_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_renewal_outcomes_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['users.id'], name=op.f('fk_renewal_outcomes_recorded_by_id_users')),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicles.id'], name=op.f('fk_renewal_outcomes_vehicle_id_vehicles')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_renewal_outcomes')),
    sa.UniqueConstraint('vehicle_id', 'line', 'ends_at', name=op.f('uq_renewal_outcomes_vehicle_id_line_ends_at'))
    )
    with op.batch_alter_table('renewal_outcomes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_renewal_outcomes_account_id_outcome_ends_at'), ['account_id', 'outcome', 'ends_at'], unique=False)

    op.create_table('calendar_feeds',
    sa.Column('id', _ID, nullable=False),
    sa.Column('account_id', _ID, nullable=False),
    sa.Column('branch_id', _ID, nullable=True),
    sa.Column('token_sha256', sa.String(length=64), nullable=False),
    sa.Column('language', sa.String(length=64), nullable=False),
    sa.Column('made_by_id', _ID, nullable=False),
    sa.Column('made_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('revoked_by_id', _ID, nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_calendar_feeds_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_calendar_feeds_branch_id_branches')),
    sa.ForeignKeyConstraint(['made_by_id'], ['users.id'], name=op.f('fk_calendar_feeds_made_by_id_users')),
    sa.ForeignKeyConstraint(['revoked_by_id'], ['users.id'], name=op.f('fk_calendar_feeds_revoked_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_feeds')),
    sa.UniqueConstraint('token_sha256', name=op.f('uq_calendar_feeds_token_sha256'))
    )
    with op.batch_alter_table('calendar_feeds', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_calendar_feeds_account_id'), ['account_id'], unique=False)

    with op.batch_alter_table('policies', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_policies_account_id_issued_at'), ['account_id', 'issued_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('policies', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_policies_account_id_issued_at'))

    op.drop_table('calendar_feeds')
    op.drop_table('renewal_outcomes')
