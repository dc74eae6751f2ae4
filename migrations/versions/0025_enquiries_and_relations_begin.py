"""First contact and relations: kinds of contacts, mail and chat as their ways, two more clocks, agreed items

Revision: 0025
Follows: 0024
"""

from datetime import date

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None

_STEPS = (
    'first_reply', 'dispatch', 'contact', 'survey', 'large_loss_notice', 'deficiency_notice', 'ctpl_document_list',
    'assessment', 'liability_decision', 'ctpl_decision', 'denial_notice', 'calculation', 'payment', 'advance_payment',
    'followup', 'breach_review', 'vehicle_approval', 'vehicle_issue', 'cover_chase', 'dispute', 'outstanding_list',
)
_NEW_STEPS = ('message_reply', 'complaint')
_DOCUMENTS = (
    'fleet_list', 'scene_photo', 'survey_photo', 'assessment_photo', 'claim_document', 'pause_evidence', 'review_evidence',
    'vehicle_licence', 'policy_list', 'delivery_receipt', 'survey_sketch', 'dispute_evidence', 'outstanding_list',
    'claim_letter',
)
_NEW_DOCUMENTS = ('message_file', 'enquiry_file', 'meeting_paper', 'opinion_form', 'knowledge_file')
_WAYS = ('call', 'visit', 'message', 'claim_report')
_NEW_WAYS = ('mail', 'bot')
_KINDS = ('question', 'request', 'complaint', 'opinion')


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _listed(values: tuple[str, ...]) -> str:
    return ', '.join(repr(value) for value in values)


def _admit(table: str, name: str, column: str, values: tuple[str, ...]) -> None:
    """Let the column hold these words and no others."""
    with op.batch_alter_table(table) as batch_op:
        batch_op.drop_constraint(batch_op.f(f'ck_{table}_{name}'), type_='check')
        batch_op.create_check_constraint(batch_op.f(f'ck_{table}_{name}'), f'{column} IN ({_listed(values)})')


def upgrade() -> None:
    for table in ('timers', 'service_levels'):
        _admit(table, 'clockstep', 'step', _STEPS + _NEW_STEPS)
    _admit('documents', 'documentkind', 'kind', _DOCUMENTS + _NEW_DOCUMENTS)
    _admit('enquiries', 'enquirychannel', 'channel', _WAYS + _NEW_WAYS)
    _sort_contacts()
    _promise_new_clocks()
    _begin_items()


def _sort_contacts() -> None:
    """What was logged before is a question; what began with an accident report asks for a claim to be handled."""
    op.add_column('enquiries', sa.Column('kind', sa.String(length=40), nullable=True))
    op.execute("UPDATE enquiries SET kind = CASE channel WHEN 'claim_report' THEN 'request' ELSE 'question' END")
    with op.batch_alter_table('enquiries') as batch_op:
        batch_op.alter_column(
            'kind', existing_type=sa.String(length=40), nullable=False,
            type_=sa.Enum(*_KINDS, name='contactkind', native_enum=False, length=40),
        )
        batch_op.create_check_constraint(batch_op.f('ck_enquiries_contactkind'), f'kind IN ({_listed(_KINDS)})')


def _promise_new_clocks() -> None:
    """A desk that has levels gets those of the new steps; a new one gets all of them when it starts."""
    levels = sa.table(
        'service_levels',
        *(sa.column(name) for name in ('step', 'target_value', 'target_unit', 'warn_percent', 'calendar_code', 'source', 'version')),
        sa.column('escalate_after_minutes', db.Json()),
        sa.column('escalate_to', db.Json()),
        sa.column('effective_on', sa.Date()),
    )
    if not op.get_bind().scalar(sa.select(sa.func.count()).select_from(levels)):
        return
    common = {
        'calendar_code': 'office',
        'warn_percent': 75,
        'version': 1,
        'escalate_after_minutes': [240],
        'escalate_to': [],
        'effective_on': date(2024, 1, 1),
        'source': 'desk_promise',
    }
    op.bulk_insert(
        levels,
        [
            common | {'step': 'message_reply', 'target_value': 120, 'target_unit': 'minutes'},
            common | {'step': 'complaint', 'target_value': 1, 'target_unit': 'working_days'},
        ],
    )


def _begin_items() -> None:
    op.create_table('agreed_items',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('branch_id', _id(), nullable=True),
    sa.Column('source', sa.Enum('opinion', 'event', name='itemsource', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('measure', sa.Text(), nullable=False),
    sa.Column('owner_id', _id(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('open', 'done', 'dropped', name='itemstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('opened_by_id', _id(), nullable=False),
    sa.Column('opened_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('result', sa.Text(), nullable=False),
    sa.Column('ended_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('ended_by_id', _id(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f('ck_agreed_items_ended')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_agreed_items_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_agreed_items_branch_id_branches')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_agreed_items_owner_id_users')),
    sa.ForeignKeyConstraint(['opened_by_id'], ['users.id'], name=op.f('fk_agreed_items_opened_by_id_users')),
    sa.ForeignKeyConstraint(['ended_by_id'], ['users.id'], name=op.f('fk_agreed_items_ended_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agreed_items')),
    )
    op.create_index(op.f('ix_agreed_items_account_id_state_due_on'), 'agreed_items', ['account_id', 'state', 'due_on'])
    op.create_index(op.f('ix_agreed_items_source_source_id'), 'agreed_items', ['source', 'source_id'])
    op.create_index(op.f('ix_agreed_items_owner_id'), 'agreed_items', ['owner_id'])
    op.create_index(
        'ix_agreed_items_due', 'agreed_items', ['due_on'],
        sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    """Back to the desk of before; clocks, papers, agreed items and contacts by mail or chat that are new are lost."""
    op.drop_table('agreed_items')
    steps, ways = _listed(_NEW_STEPS), _listed(_NEW_WAYS)
    mine = f"SELECT id FROM timers WHERE step IN ({steps}) OR (matter_kind = 'enquiry' AND matter_id IN (SELECT id FROM enquiries WHERE channel IN ({ways})))"
    for table in (
        'sla_events', 'timer_segments', 'timer_corrections', 'pause_objections', 'timer_recomputations',
        'breach_reviews', 'timer_entries',
    ):
        op.execute(f'DELETE FROM {table} WHERE timer_id IN ({mine})')
    op.execute(f'DELETE FROM timers WHERE id IN ({mine})')
    op.execute(f'DELETE FROM service_levels WHERE step IN ({steps})')
    op.execute(f'DELETE FROM documents WHERE kind IN ({_listed(_NEW_DOCUMENTS)})')
    op.execute(f"DELETE FROM handovers WHERE matter_kind = 'enquiry' AND matter_id IN (SELECT id FROM enquiries WHERE channel IN ({ways}))")
    op.execute(f'DELETE FROM enquiries WHERE channel IN ({ways})')
    with op.batch_alter_table('enquiries') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_enquiries_contactkind'), type_='check')
        batch_op.drop_column('kind')
    for table in ('timers', 'service_levels'):
        _admit(table, 'clockstep', 'step', _STEPS)
    _admit('documents', 'documentkind', 'kind', _DOCUMENTS)
    _admit('enquiries', 'enquirychannel', 'channel', _WAYS)
