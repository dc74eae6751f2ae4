"""Requests to enter new vehicles, with their register.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from service_desk.models import db

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_STATES = ('requested', 'approved', 'refused_by_group', 'refused_by_desk', 'done', 'withdrawn')
_ACTIONS = ('request', 'approve', 'refuse', 'issue_part', 'complete', 'take_back', 'decline', 'correct', 'withdraw')
_PARTIES = ('branch', 'group', 'desk')
_UNDECIDED = "state IN ('requested', 'approved')"


def _one_of(name, values):
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table('vehicle_requests',
    sa.Column('id', _ID, nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', _ID, nullable=False),
    sa.Column('branch_id', _ID, nullable=False),
    sa.Column('state', _one_of('onboardingstate', _STATES), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('party', _one_of('party', _PARTIES), nullable=False),
    sa.Column('plate', sa.String(length=64), nullable=True),
    sa.Column('vin', sa.String(length=64), nullable=True),
    sa.Column('engine_no', sa.String(length=64), nullable=False),
    sa.Column('model', sa.String(length=200), nullable=False),
    sa.Column('use_class', _one_of('useclass', ('coach', 'city_bus', 'taxi_rental', 'goods', 'non_operating')), nullable=False),
    sa.Column('seats', sa.Integer(), nullable=True),
    sa.Column('load_kg', sa.Integer(), nullable=True),
    sa.Column('registered_on', sa.Date(), nullable=True),
    sa.Column('wanted_start_on', sa.Date(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('requested_by_id', _ID, nullable=False),
    sa.Column('requested_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('created_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('vehicle_id', _ID, nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_vehicle_requests_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_vehicle_requests_branch_id_branches')),
    sa.ForeignKeyConstraint(['requested_by_id'], ['users.id'], name=op.f('fk_vehicle_requests_requested_by_id_users')),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicles.id'], name=op.f('fk_vehicle_requests_vehicle_id_vehicles')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vehicle_requests')),
    sa.UniqueConstraint('number', name=op.f('uq_vehicle_requests_number'))
    )
    with op.batch_alter_table('vehicle_requests', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_vehicle_requests_account_id_state_branch_id'), ['account_id', 'state', 'branch_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_vehicle_requests_branch_id'), ['branch_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_vehicle_requests_vehicle_id'), ['vehicle_id'], unique=False)
        for field in ('plate', 'vin'):
            batch_op.create_index(f'uq_vehicle_requests_undecided_{field}', ['account_id', field], unique=True, sqlite_where=sa.text(_UNDECIDED), postgresql_where=sa.text(_UNDECIDED))

    op.create_table('vehicle_request_steps',
    sa.Column('id', _ID, nullable=False),
    sa.Column('request_id', _ID, nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('action', _one_of('onboardingaction', _ACTIONS), nullable=False),
    sa.Column('party', _one_of('party', _PARTIES), nullable=False),
    sa.Column('actor_id', _ID, nullable=False),
    sa.Column('to_state', _one_of('onboardingstate', _STATES), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('details', db.Json(), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['users.id'], name=op.f('fk_vehicle_request_steps_actor_id_users')),
    sa.ForeignKeyConstraint(['request_id'], ['vehicle_requests.id'], name=op.f('fk_vehicle_request_steps_request_id_vehicle_requests')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vehicle_request_steps'))
    )
    with op.batch_alter_table('vehicle_request_steps', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_vehicle_request_steps_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_vehicle_request_steps_request_id'), ['request_id'], unique=False)


def downgrade() -> None:
    """Back to a desk without joint approval: its requests, their clocks and photos are lost."""
    matter = "matter_kind = 'vehicle_request'"
    of_these = f"timer_id IN (SELECT id FROM timers WHERE {matter})"
    for table in (
        'sla_events', 'timer_segments', 'timer_corrections', 'pause_objections', 'timer_recomputations',
        'breach_reviews', 'timer_entries',
    ):
        op.execute(f"DELETE FROM {table} WHERE {of_these}")
    op.execute(f"DELETE FROM timers WHERE {matter}")
    op.execute(f"DELETE FROM documents WHERE {matter}")
    op.drop_table('vehicle_request_steps')
    op.drop_table('vehicle_requests')
