"""Relations: events of both sides with people and minutes, items' history, what is promised, and the log of work

Revision: 0032
Follows: 0031
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0032'
down_revision = '0031'
branch_labels = None
depends_on = None

_KINDS = (
    'quarterly_meeting', 'senior_visit_ours', 'senior_visit_theirs', 'branch_visit', 'safety_talk', 'greeting', 'training',
)
_ROLES = ('admin', 'manager', 'underwriter', 'claims', 'group_insurance', 'branch_safety')
_WORK = ('visit', 'call', 'meeting', 'training')


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _codes(name: str, *codes: str) -> sa.Enum:
    return sa.Enum(*codes, name=name, native_enum=False, create_constraint=True, length=40)


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f'{other}.id'], name=op.f(f'fk_{table}_{column}_{other}'))


def upgrade() -> None:
    op.add_column('agreed_items', sa.Column('due_moves', sa.Integer(), nullable=True))
    op.execute('UPDATE agreed_items SET due_moves = 0')
    with op.batch_alter_table('agreed_items') as batch_op:
        batch_op.alter_column('due_moves', existing_type=sa.Integer(), nullable=False)
    _begin_item_steps()
    _begin_events()
    _begin_minutes()
    _begin_promises()
    _begin_work_log()


def _begin_item_steps() -> None:
    op.create_table('item_steps',
    sa.Column('id', _id(), nullable=False),
    sa.Column('item_id', _id(), nullable=False),
    sa.Column('kind', _codes('itemstepkind', 'due_moved', 'given', 'done', 'dropped'), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('by_id', _id(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('due_before', sa.Date(), nullable=True),
    sa.Column('due_after', sa.Date(), nullable=True),
    sa.Column('owner_id', _id(), nullable=True),
    _refers('item_steps', 'item_id', 'agreed_items'),
    _refers('item_steps', 'by_id', 'users'),
    _refers('item_steps', 'owner_id', 'users'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_item_steps')),
    )
    op.create_index(op.f('ix_item_steps_item_id'), 'item_steps', ['item_id'])


def _begin_events() -> None:
    op.create_table('relation_events',
    sa.Column('id', _id(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('branch_id', _id(), nullable=True),
    sa.Column('kind', _codes('eventkind', *_KINDS), nullable=False),
    sa.Column('state', _codes('eventstate', 'planned', 'held', 'minuted', 'cancelled'), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('place', sa.String(length=200), nullable=False),
    sa.Column('agenda', sa.Text(), nullable=False),
    sa.Column('from_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('to_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('organiser_id', _id(), nullable=False),
    sa.Column('uid', sa.String(length=64), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('planned_by_id', _id(), nullable=False),
    sa.Column('planned_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('held_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('minutes_number', sa.Integer(), nullable=False),
    sa.Column('cancel_reason', sa.String(length=200), nullable=False),
    sa.Column('change_reason', sa.String(length=200), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('from_at < to_at', name=op.f('ck_relation_events_times')),
    _refers('relation_events', 'account_id', 'key_accounts'),
    _refers('relation_events', 'branch_id', 'branches'),
    _refers('relation_events', 'organiser_id', 'users'),
    _refers('relation_events', 'planned_by_id', 'users'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_relation_events')),
    sa.UniqueConstraint('number', name=op.f('uq_relation_events_number')),
    sa.UniqueConstraint('uid', name=op.f('uq_relation_events_uid')),
    )
    op.create_index(op.f('ix_relation_events_account_id_from_at'), 'relation_events', ['account_id', 'from_at'])
    op.create_index(op.f('ix_relation_events_account_id_kind_state'), 'relation_events', ['account_id', 'kind', 'state'])
    op.create_index(op.f('ix_relation_events_branch_id'), 'relation_events', ['branch_id'])
    op.create_table('event_participants',
    sa.Column('id', _id(), nullable=False),
    sa.Column('event_id', _id(), nullable=False),
    sa.Column('side', _codes('side', 'insurer', 'client'), nullable=False),
    sa.Column('user_id', _id(), nullable=True),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('email', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=64), nullable=False),
    sa.Column('answer', _codes('inviteanswer', 'asked', 'accepted', 'declined'), nullable=False),
    sa.Column('answered_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('is_present', sa.Boolean(), nullable=True),
    sa.CheckConstraint("(answer = 'asked') = (answered_at IS NULL)", name=op.f('ck_event_participants_answered')),
    _refers('event_participants', 'event_id', 'relation_events'),
    _refers('event_participants', 'user_id', 'users'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_participants')),
    sa.UniqueConstraint('event_id', 'user_id', name=op.f('uq_event_participants_event_id_user_id')),
    )
    op.create_index(op.f('ix_event_participants_event_id'), 'event_participants', ['event_id'])
    op.create_index(op.f('ix_event_participants_user_id'), 'event_participants', ['user_id'])


def _begin_minutes() -> None:
    op.create_table('event_minutes',
    sa.Column('id', _id(), nullable=False),
    sa.Column('event_id', _id(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('present', db.Json(), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('written_by_id', _id(), nullable=False),
    sa.Column('written_at', db.UtcDateTime(timezone=True), nullable=False),
    _refers('event_minutes', 'event_id', 'relation_events'),
    _refers('event_minutes', 'written_by_id', 'users'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_minutes')),
    sa.UniqueConstraint('event_id', 'number', name=op.f('uq_event_minutes_event_id_number')),
    )


def _begin_promises() -> None:
    op.create_table('relation_cadences',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.Column('period', _codes('cadenceperiod', 'quarter', 'half_year', 'year'), nullable=False),
    sa.Column('notice_days', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    _refers('relation_cadences', 'account_id', 'key_accounts'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_relation_cadences')),
    sa.UniqueConstraint('account_id', 'code', name=op.f('uq_relation_cadences_account_id_code')),
    )
    op.create_table('relation_warnings',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    _refers('relation_warnings', 'account_id', 'key_accounts'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_relation_warnings')),
    sa.UniqueConstraint('account_id', 'key', name=op.f('uq_relation_warnings_account_id_key')),
    )


def _begin_work_log() -> None:
    op.create_table('work_entries',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('user_id', _id(), nullable=False),
    sa.Column('kind', _codes('workkind', *_WORK), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('branch_id', _id(), nullable=True),
    sa.Column('met', sa.String(length=200), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('event_id', _id(), nullable=True),
    sa.Column('claim_id', _id(), nullable=True),
    sa.Column('enquiry_id', _id(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    _refers('work_entries', 'account_id', 'key_accounts'),
    _refers('work_entries', 'user_id', 'users'),
    _refers('work_entries', 'branch_id', 'branches'),
    _refers('work_entries', 'event_id', 'relation_events'),
    _refers('work_entries', 'claim_id', 'claims'),
    _refers('work_entries', 'enquiry_id', 'enquiries'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_entries')),
    )
    op.create_index(op.f('ix_work_entries_account_id_at'), 'work_entries', ['account_id', 'at'])
    op.create_index(op.f('ix_work_entries_user_id_at'), 'work_entries', ['user_id', 'at'])
    op.create_table('work_targets',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('role', _codes('role', *_ROLES), nullable=True),
    sa.Column('user_id', _id(), nullable=True),
    sa.Column('kind', _codes('workkind', *_WORK), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(role IS NULL) <> (user_id IS NULL)', name=op.f('ck_work_targets_whose')),
    _refers('work_targets', 'account_id', 'key_accounts'),
    _refers('work_targets', 'user_id', 'users'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_targets')),
    )
    op.create_index(op.f('ix_work_targets_user_id'), 'work_targets', ['user_id'])
    for name, column, other in (('role', 'role', 'user_id'), ('person', 'user_id', 'role')):
        op.create_index(
            f'uq_work_targets_of_{name}', 'work_targets', ['account_id', column, 'kind', 'from_on'], unique=True,
            sqlite_where=sa.text(f'{other} IS NULL'), postgresql_where=sa.text(f'{other} IS NULL'),
        )


def downgrade() -> None:
    """Back to items alone; events, minutes, what was promised and the log of work are lost with their papers."""
    op.drop_table('item_steps')
    op.execute("DELETE FROM agreed_items WHERE source = 'event'")
    op.execute("DELETE FROM documents WHERE matter_kind = 'relation_event'")
    for table in (
        'work_targets', 'work_entries', 'relation_warnings', 'relation_cadences', 'event_minutes', 'event_participants',
        'relation_events',
    ):
        op.drop_table(table)
    with op.batch_alter_table('agreed_items') as batch_op:
        batch_op.drop_column('due_moves')
