"""Duty roster: shifts and swaps, absences covered by it; offers of every matter with an owner, reminded and assigned

Revision: 0030
Follows: 0029
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0030'
down_revision = '0029'
branch_labels = None
depends_on = None

_MATTERS = ('claim', 'enquiry')
_NEW_MATTERS = (
    'clock', 'correction', 'missed_cover', 'item', 'outstanding_list', 'follow_up', 'shift', 'stand_in', 'report', 'opinion',
)


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _listed(values: tuple[str, ...]) -> str:
    return ', '.join(repr(value) for value in values)


def _admit_matters(values: tuple[str, ...]) -> None:
    with op.batch_alter_table('handovers') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_handovers_matterkind'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_handovers_matterkind'), f'matter_kind IN ({_listed(values)})')


def upgrade() -> None:
    op.create_table('duty_shifts',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('user_id', _id(), nullable=False),
    sa.Column('kind', sa.Enum('night', 'weekend', 'holiday', name='dutykind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('from_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('to_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('entered_by_id', _id(), nullable=False),
    sa.Column('entered_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('from_at < to_at', name=op.f('ck_duty_shifts_order')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_duty_shifts_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_duty_shifts_user_id_users')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['users.id'], name=op.f('fk_duty_shifts_entered_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duty_shifts')),
    )
    op.create_index(op.f('ix_duty_shifts_account_id_to_at'), 'duty_shifts', ['account_id', 'to_at'])
    op.create_index(op.f('ix_duty_shifts_user_id_to_at'), 'duty_shifts', ['user_id', 'to_at'])
    op.create_table('duty_swaps',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('shift_id', sa.Integer(), nullable=False),
    sa.Column('from_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('to_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('other_id', sa.Integer(), nullable=True),
    sa.Column('other_from_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('other_to_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('giver_id', _id(), nullable=False),
    sa.Column('to_id', _id(), nullable=False),
    sa.Column('state', sa.Enum('asked', 'accepted', 'refused', 'withdrawn', name='swapstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('asked_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('refusal_reason', sa.String(length=200), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(other_id IS NULL) = (other_from_at IS NULL) AND (other_id IS NULL) = (other_to_at IS NULL)', name=op.f('ck_duty_swaps_other')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_duty_swaps_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['giver_id'], ['users.id'], name=op.f('fk_duty_swaps_giver_id_users')),
    sa.ForeignKeyConstraint(['to_id'], ['users.id'], name=op.f('fk_duty_swaps_to_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duty_swaps')),
    )
    op.create_index(op.f('ix_duty_swaps_account_id_asked_at'), 'duty_swaps', ['account_id', 'asked_at'])
    op.create_index(op.f('ix_duty_swaps_to_id_state'), 'duty_swaps', ['to_id', 'state'])
    op.create_index(
        'uq_duty_swaps_open', 'duty_swaps', ['shift_id'], unique=True,
        sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'"),
    )
    with op.batch_alter_table('absences') as batch_op:
        batch_op.alter_column('substitute_id', existing_type=_id(), nullable=True)
    _widen_handovers()


def _widen_handovers() -> None:
    _admit_matters(_MATTERS + _NEW_MATTERS)
    with op.batch_alter_table('handovers') as batch_op:
        batch_op.add_column(sa.Column('reminded_at', db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('escalated_at', db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('assigned_by_id', _id(), nullable=True))
        batch_op.add_column(sa.Column('assigned_reason', sa.String(length=200), nullable=False, server_default=''))
        batch_op.create_foreign_key(batch_op.f('fk_handovers_assigned_by_id_users'), 'users', ['assigned_by_id'], ['id'])
    with op.batch_alter_table('handovers') as batch_op:
        batch_op.alter_column('assigned_reason', existing_type=sa.String(length=200), server_default=None)
    op.create_index(op.f('ix_handovers_from_id_state'), 'handovers', ['from_id', 'state'])
    op.create_index(
        'ix_handovers_unanswered', 'handovers', ['asked_at'],
        sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'"),
    )


def downgrade() -> None:
    """Back to the desk of before; the roster, its swaps, absences covered by it and offers of other matters are lost."""
    op.drop_index('ix_handovers_unanswered', 'handovers')
    op.drop_index(op.f('ix_handovers_from_id_state'), 'handovers')
    op.execute(f'DELETE FROM handovers WHERE matter_kind IN ({_listed(_NEW_MATTERS)})')
    with op.batch_alter_table('handovers') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_handovers_assigned_by_id_users'), type_='foreignkey')
        for name in ('assigned_reason', 'assigned_by_id', 'escalated_at', 'reminded_at'):
            batch_op.drop_column(name)
    _admit_matters(_MATTERS)
    op.execute('DELETE FROM absences WHERE substitute_id IS NULL')
    with op.batch_alter_table('absences') as batch_op:
        batch_op.alter_column('substitute_id', existing_type=_id(), nullable=False)
    op.drop_table('duty_swaps')
    op.drop_table('duty_shifts')
