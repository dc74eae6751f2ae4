"""Follow-ups by call or form with their plans, links and tries; the queue by a kept next due time

Revision: 0019
Follows: 0018
"""

import sqlalchemy as sa
from alembic import op

from service_desk.models import db

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_INSTANT = db.UtcDateTime(timezone=True)
_MEANS = ('call', 'form')
_OUTCOMES = ('no_answer', 'busy', 'wrong_number', 'later')
_OPEN, _ENDED = 'closed_at IS NULL', 'closed_at IS NOT NULL'
_TO_FOLLOW_UP = 'closed_at IS NOT NULL AND followed_up_at IS NULL'
_QUEUE = ['account_id', 'next_due_at', 'id']
_FILTERS = ['owner_id', 'state', 'is_disputed', 'highest_estimate_fen', 'deficiency_notice_at']
_STANDING = ['account_id', 'state', 'due_at', 'warn_at', 'breached_at', 'matter_kind', 'matter_id']


def _one_of(name, values):
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    _make_tables()
    _widen_follow_ups()
    _keep_next_due()


def _make_tables() -> None:
    op.create_table('follow_up_plans',
    sa.Column('id', _ID, nullable=False),
    sa.Column('claim_id', _ID, nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('means', _one_of('followupmeans', _MEANS), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('phone', sa.String(length=64), nullable=False),
    sa.Column('email', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=64), nullable=False),
    sa.Column('user_id', _ID, nullable=True),
    sa.Column('planned_by_id', _ID, nullable=False),
    sa.Column('planned_at', _INSTANT, nullable=False),
    sa.Column('next_try_at', _INSTANT, nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_follow_up_plans_claim_id_claims')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_follow_up_plans_user_id_users')),
    sa.ForeignKeyConstraint(['planned_by_id'], ['users.id'], name=op.f('fk_follow_up_plans_planned_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_follow_up_plans')),
    sa.UniqueConstraint('claim_id', 'round', name=op.f('uq_follow_up_plans_claim_id_round')),
    )
    op.create_table('follow_up_links',
    sa.Column('id', _ID, nullable=False),
    sa.Column('plan_id', _ID, nullable=False),
    sa.Column('nonce', sa.String(length=64), nullable=False),
    sa.Column('token_sha256', sa.String(length=64), nullable=False),
    sa.Column('made_by_id', _ID, nullable=False),
    sa.Column('made_at', _INSTANT, nullable=False),
    sa.Column('ends_at', _INSTANT, nullable=False),
    sa.Column('revoked_at', _INSTANT, nullable=True),
    sa.Column('answered_at', _INSTANT, nullable=True),
    sa.ForeignKeyConstraint(['plan_id'], ['follow_up_plans.id'], name=op.f('fk_follow_up_links_plan_id_follow_up_plans')),
    sa.ForeignKeyConstraint(['made_by_id'], ['users.id'], name=op.f('fk_follow_up_links_made_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_follow_up_links')),
    sa.UniqueConstraint('token_sha256', name=op.f('uq_follow_up_links_token_sha256')),
    )
    op.create_index(op.f('ix_follow_up_links_plan_id'), 'follow_up_links', ['plan_id'])
    op.create_table('follow_up_calls',
    sa.Column('id', _ID, nullable=False),
    sa.Column('plan_id', _ID, nullable=False),
    sa.Column('at', _INSTANT, nullable=False),
    sa.Column('by_id', _ID, nullable=False),
    sa.Column('outcome', _one_of('calloutcome', _OUTCOMES), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['plan_id'], ['follow_up_plans.id'], name=op.f('fk_follow_up_calls_plan_id_follow_up_plans')),
    sa.ForeignKeyConstraint(['by_id'], ['users.id'], name=op.f('fk_follow_up_calls_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_follow_up_calls')),
    )
    op.create_index(op.f('ix_follow_up_calls_plan_id'), 'follow_up_calls', ['plan_id'])


def _widen_follow_ups() -> None:
    """Every follow-up so far was a call; below three was dissatisfied."""
    with op.batch_alter_table('follow_ups') as batch_op:
        batch_op.add_column(sa.Column('means', sa.String(length=40), nullable=False, server_default='call'))
        batch_op.create_check_constraint(batch_op.f('ck_follow_ups_followupmeans'), "means IN ('call', 'form')")
        batch_op.add_column(sa.Column('speed', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('attitude', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('result', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('wants_call_back', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('is_dissatisfied', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('enquiry_id', _ID, nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_follow_ups_enquiry_id_enquiries'), 'enquiries', ['enquiry_id'], ['id'])
        batch_op.alter_column('by_id', existing_type=_ID, nullable=True)
    op.execute(sa.text('UPDATE follow_ups SET is_dissatisfied = :yes WHERE score < 3').bindparams(sa.bindparam('yes', True, sa.Boolean())))
    with op.batch_alter_table('follow_ups') as batch_op:
        for name, kind in (('means', sa.String(length=40)), ('wants_call_back', sa.Boolean()), ('is_dissatisfied', sa.Boolean())):
            batch_op.alter_column(name, existing_type=kind, existing_nullable=False, server_default=None)


def _keep_next_due() -> None:
    op.add_column('claims', sa.Column('next_due_at', _INSTANT, nullable=True))
    op.drop_index('ix_timers_account_id_state', 'timers')
    op.create_index('ix_timers_standing', 'timers', _STANDING)
    op.execute(
        'UPDATE claims SET next_due_at = (SELECT min(timers.due_at) FROM timers '
        "WHERE timers.matter_kind = 'claim' AND timers.matter_id = claims.id AND timers.state = 'running')"
    )
    for name, columns, where in (
        ('ix_claims_open_due', [*_QUEUE, *_FILTERS], _OPEN),
        ('ix_claims_ended_due', _QUEUE, _ENDED),
        ('ix_claims_to_follow_up', ['account_id', 'closed_at'], _TO_FOLLOW_UP),
        ('ix_claims_ended', ['account_id', 'closed_at'], _ENDED),
        ('ix_claims_reopened', ['account_id'], 'round > 1'),
    ):
        op.create_index(name, 'claims', columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    """Back to calls alone: plans, links, tries and the answers of forms are lost."""
    for name in ('ix_claims_ended', 'ix_claims_reopened', 'ix_claims_to_follow_up', 'ix_claims_ended_due', 'ix_claims_open_due'):
        op.drop_index(name, 'claims')
    op.drop_index('ix_timers_standing', 'timers')
    op.create_index('ix_timers_account_id_state', 'timers', ['account_id', 'state'])
    op.drop_column('claims', 'next_due_at')
    op.execute('DELETE FROM follow_ups WHERE by_id IS NULL')
    with op.batch_alter_table('follow_ups') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_follow_ups_enquiry_id_enquiries'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('ck_follow_ups_followupmeans'), type_='check')
        for name in ('means', 'speed', 'attitude', 'result', 'wants_call_back', 'is_dissatisfied', 'enquiry_id'):
            batch_op.drop_column(name)
        batch_op.alter_column('by_id', existing_type=_ID, nullable=False)
    for table in ('follow_up_calls', 'follow_up_links', 'follow_up_plans'):
        op.drop_table(table)
