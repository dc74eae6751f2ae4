"""Underwriting in depth: endorsements, terms that a cancellation cuts, premium given back, clocks of new vehicles

Revision: 0003
Follows: 0002
"""

from datetime import date

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

import service_desk.models.db as db

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

_STEPS = (
    'first_reply', 'dispatch', 'contact', 'survey', 'large_loss_notice', 'deficiency_notice', 'ctpl_document_list',
    'assessment', 'liability_decision', 'ctpl_decision', 'denial_notice', 'calculation', 'payment', 'advance_payment',
    'followup', 'breach_review',
)
_NEW_STEPS = ('vehicle_approval', 'vehicle_issue', 'cover_chase')
_DOCUMENTS = (
    'fleet_list', 'scene_photo', 'survey_photo', 'assessment_photo', 'claim_document', 'pause_evidence', 'review_evidence',
)
_NEW_DOCUMENTS = ('vehicle_licence', 'policy_list', 'delivery_receipt')
_VEHICLE_STATES = ('operating', 'suspended', 'retired')
_POLICY_STATES = ('issued', 'cancelled')


def _admit(table: str, name: str, column: str, values: tuple[str, ...]) -> None:
    """Let the column hold these words and no others."""
    with op.batch_alter_table(table) as batch_op:
        batch_op.drop_constraint(batch_op.f(f'ck_{table}_{name}'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f(f'ck_{table}_{name}'), f"{column} IN ({', '.join(repr(value) for value in values)})"
        )


def _add_with(batch_op: BatchOperations, name: str, type_: sa.types.TypeEngine, value: str) -> None:
    """A column that may not be NULL; rows that are there get `value`, later ones must say theirs."""
    batch_op.add_column(sa.Column(name, type_, nullable=False, server_default=value))


def upgrade() -> None:
    op.create_table('endorsements',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('branch_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('policy_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('plate', 'vin', 'use', 'branch', 'sum_insured', 'add_cover', 'remove_cover', 'replacement', 'total_loss', 'cancellation', name='endorsementkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('effective_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('premium_fen', sa.BigInteger(), nullable=False),
    sa.Column('before', db.Json(), nullable=False),
    sa.Column('after', db.Json(), nullable=False),
    sa.Column('working', db.Json(), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('created_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('created_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('delivered_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_endorsements_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_endorsements_branch_id_branches')),
    sa.ForeignKeyConstraint(['created_by_id'], ['users.id'], name=op.f('fk_endorsements_created_by_id_users')),
    sa.ForeignKeyConstraint(['policy_id'], ['policies.id'], name=op.f('fk_endorsements_policy_id_policies')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_endorsements')),
    sa.UniqueConstraint('number', name=op.f('uq_endorsements_number')),
    sa.UniqueConstraint('policy_id', 'ordinal', name=op.f('uq_endorsements_policy_id_ordinal'))
    )
    with op.batch_alter_table('endorsements', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_endorsements_account_id_created_at'), ['account_id', 'created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_endorsements_branch_id'), ['branch_id'], unique=False)

    op.create_table('premium_refunds',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('branch_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('policy_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('endorsement_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('owed', 'paid', 'credited', name='refundstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('created_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('settled_on', sa.Date(), nullable=True),
    sa.Column('settled_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('method', sa.String(length=64), nullable=False),
    sa.Column('reference', sa.String(length=200), nullable=False),
    sa.Column('receipt_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_premium_refunds_amount')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_premium_refunds_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_premium_refunds_branch_id_branches')),
    sa.ForeignKeyConstraint(['endorsement_id'], ['endorsements.id'], name=op.f('fk_premium_refunds_endorsement_id_endorsements')),
    sa.ForeignKeyConstraint(['policy_id'], ['policies.id'], name=op.f('fk_premium_refunds_policy_id_policies')),
    sa.ForeignKeyConstraint(['receipt_id'], ['receipts.id'], name=op.f('fk_premium_refunds_receipt_id_receipts')),
    sa.ForeignKeyConstraint(['settled_by_id'], ['users.id'], name=op.f('fk_premium_refunds_settled_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_premium_refunds')),
    sa.UniqueConstraint('number', name=op.f('uq_premium_refunds_number'))
    )
    with op.batch_alter_table('premium_refunds', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_premium_refunds_account_id_state'), ['account_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_premium_refunds_branch_id'), ['branch_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_premium_refunds_policy_id'), ['policy_id'], unique=False)

    with op.batch_alter_table('coverages', schema=None) as batch_op:
        batch_op.add_column(sa.Column('from_at', db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('to_at', db.UtcDateTime(timezone=True), nullable=True))

    with op.batch_alter_table('external_covers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('starts_at', db.UtcDateTime(timezone=True), nullable=True))
        _add_with(batch_op, 'insurer', sa.String(length=200), '')
        _add_with(batch_op, 'number', sa.String(length=64), '')
        batch_op.add_column(sa.Column('premium_fen', sa.BigInteger(), nullable=True))

    with op.batch_alter_table('issue_batches', schema=None) as batch_op:
        batch_op.add_column(sa.Column('undone_at', db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('undone_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        _add_with(batch_op, 'undo_reason', sa.String(length=200), '')
        batch_op.create_foreign_key(batch_op.f('fk_issue_batches_undone_by_id_users'), 'users', ['undone_by_id'], ['id'])

    _give_policies_their_end()

    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('allocated_fen', sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE receipts SET allocated_fen ="
        " (SELECT coalesce(sum(amount_fen), 0) FROM receipt_allocations WHERE receipt_id = receipts.id)"
    )
    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.alter_column('allocated_fen', existing_type=sa.BigInteger(), nullable=False)
        batch_op.create_check_constraint(
            batch_op.f('ck_receipts_allocated'), 'allocated_fen >= 0 AND allocated_fen <= amount_fen'
        )

    with op.batch_alter_table('receivables', schema=None) as batch_op:
        batch_op.add_column(sa.Column('endorsement_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        _add_with(batch_op, 'instalment', sa.Integer(), '1')
        batch_op.drop_constraint(batch_op.f('uq_receivables_policy_id'), type_='unique')
        batch_op.create_index(batch_op.f('ix_receivables_policy_id'), ['policy_id'], unique=False)
        batch_op.create_index('uq_receivables_endorsement', ['endorsement_id', 'instalment'], unique=True, sqlite_where=sa.text('endorsement_id IS NOT NULL'), postgresql_where=sa.text('endorsement_id IS NOT NULL'))
        batch_op.create_index('uq_receivables_policy', ['policy_id', 'instalment'], unique=True, sqlite_where=sa.text('endorsement_id IS NULL'), postgresql_where=sa.text('endorsement_id IS NULL'))
        batch_op.create_foreign_key(batch_op.f('fk_receivables_endorsement_id_endorsements'), 'endorsements', ['endorsement_id'], ['id'])

    for table, name, type_ in (
        ('external_covers', 'insurer', sa.String(length=200)),
        ('external_covers', 'number', sa.String(length=64)),
        ('issue_batches', 'undo_reason', sa.String(length=200)),
        ('receivables', 'instalment', sa.Integer()),
    ):
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column(name, existing_type=type_, server_default=None)

    for table in ('timers', 'service_levels'):
        _admit(table, 'clockstep', 'step', _STEPS + _NEW_STEPS)
    _admit('documents', 'documentkind', 'kind', _DOCUMENTS + _NEW_DOCUMENTS)
    _admit('vehicles', 'vehiclestate', 'state', ('pending', *_VEHICLE_STATES))
    _promise_new_clocks()


def _give_policies_their_end() -> None:
    """So far nothing cut a term: what ends when it ends was agreed to. What was cancelled did not count as cover."""
    with op.batch_alter_table('policies', schema=None) as batch_op:
        batch_op.add_column(sa.Column('issued_branch_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.add_column(sa.Column('origin', sa.Enum('issued', 'taken_over', name='policyorigin', native_enum=False, create_constraint=True, length=40), nullable=True))
        batch_op.add_column(sa.Column('agreed_ends_at', db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('tax_fen', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('ctpl_float', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('delivered_at', db.UtcDateTime(timezone=True), nullable=True))
        batch_op.drop_constraint(batch_op.f('ck_policies_policystate'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_policies_term'), type_='check')
    op.execute(
        "UPDATE policies SET issued_branch_id = branch_id, origin = 'issued', agreed_ends_at = ends_at, tax_fen = 0,"
        " ends_at = CASE WHEN state = 'cancelled' THEN starts_at ELSE ends_at END,"
        " delivered_at = (SELECT delivered_at FROM issue_batches WHERE issue_batches.id = policies.batch_id)"
    )
    with op.batch_alter_table('policies', schema=None) as batch_op:
        batch_op.alter_column('issued_branch_id', existing_type=sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False)
        batch_op.alter_column('origin', existing_type=sa.String(length=40), nullable=False)
        batch_op.alter_column('agreed_ends_at', existing_type=db.UtcDateTime(timezone=True), nullable=False)
        batch_op.alter_column('tax_fen', existing_type=sa.BigInteger(), nullable=False)
        batch_op.create_check_constraint(batch_op.f('ck_policies_policystate'), "state IN ('issued', 'cancelled', 'voided')")
        batch_op.create_check_constraint(
            batch_op.f('ck_policies_term'), 'ends_at >= starts_at AND agreed_ends_at > starts_at'
        )
        batch_op.create_foreign_key(batch_op.f('fk_policies_issued_branch_id_branches'), 'branches', ['issued_branch_id'], ['id'])


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
        'target_value': 1,
        'warn_percent': 75,
        'version': 1,
        'escalate_after_minutes': [240],
        'escalate_to': [],
        'effective_on': date(2024, 1, 1),
    }
    office = {'target_unit': 'working_days', 'calendar_code': 'office'}
    op.bulk_insert(
        levels,
        [
            common | office | {'step': 'vehicle_approval', 'source': 'desk_rule'},
            common | office | {'step': 'vehicle_issue', 'source': 'desk_promise'},
            common | {'target_unit': 'calendar_days', 'calendar_code': 'calendar-days', 'step': 'cover_chase', 'source': 'desk_promise'},
        ],
    )


def downgrade() -> None:
    """Back to the clock in depth; what only the new tables can hold is lost."""
    new_steps = ', '.join(repr(step) for step in _NEW_STEPS)
    of_new = f"timer_id IN (SELECT id FROM timers WHERE step IN ({new_steps}))"
    for table in (
        'sla_events', 'timer_segments', 'timer_corrections', 'pause_objections', 'timer_recomputations',
        'breach_reviews', 'timer_entries',
    ):
        op.execute(f"DELETE FROM {table} WHERE {of_new}")
    op.execute(f"DELETE FROM timers WHERE step IN ({new_steps})")
    op.execute(f"DELETE FROM service_levels WHERE step IN ({new_steps})")
    op.execute("DELETE FROM documents WHERE kind IN ('vehicle_licence', 'policy_list', 'delivery_receipt')")
    op.execute("UPDATE vehicles SET state = 'suspended' WHERE state = 'pending'")
    op.execute(
        "UPDATE policies SET ends_at = agreed_ends_at, state = CASE state WHEN 'voided' THEN 'cancelled' ELSE state END"
    )
    # One receivable a policy again: the first instalment takes in the rest, and what was paid of them.
    op.execute(
        "UPDATE receivables SET"
        " amount_fen = (SELECT sum(r.amount_fen) FROM receivables AS r WHERE r.policy_id = receivables.policy_id),"
        " settled_fen = (SELECT sum(r.settled_fen) FROM receivables AS r WHERE r.policy_id = receivables.policy_id)"
        " WHERE endorsement_id IS NULL AND instalment = 1"
    )
    op.execute(
        "UPDATE receipt_allocations SET receivable_id = (SELECT first.id FROM receivables AS own"
        " JOIN receivables AS first ON first.policy_id = own.policy_id AND first.endorsement_id IS NULL"
        " AND first.instalment = 1 WHERE own.id = receipt_allocations.receivable_id)"
    )
    op.execute("DELETE FROM receivables WHERE endorsement_id IS NOT NULL OR instalment <> 1")

    for table in ('timers', 'service_levels'):
        _admit(table, 'clockstep', 'step', _STEPS)
    _admit('documents', 'documentkind', 'kind', _DOCUMENTS)
    _admit('vehicles', 'vehiclestate', 'state', _VEHICLE_STATES)

    with op.batch_alter_table('receivables', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_receivables_endorsement_id_endorsements'), type_='foreignkey')
        batch_op.drop_index('uq_receivables_policy', sqlite_where=sa.text('endorsement_id IS NULL'), postgresql_where=sa.text('endorsement_id IS NULL'))
        batch_op.drop_index('uq_receivables_endorsement', sqlite_where=sa.text('endorsement_id IS NOT NULL'), postgresql_where=sa.text('endorsement_id IS NOT NULL'))
        batch_op.drop_index(batch_op.f('ix_receivables_policy_id'))
        batch_op.create_unique_constraint(batch_op.f('uq_receivables_policy_id'), ['policy_id'])
        batch_op.drop_column('instalment')
        batch_op.drop_column('endorsement_id')

    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_receipts_allocated'), type_='check')
        batch_op.drop_column('allocated_fen')

    with op.batch_alter_table('policies', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_policies_issued_branch_id_branches'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('ck_policies_term'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_policies_policystate'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_policies_term'), 'ends_at > starts_at')
        batch_op.create_check_constraint(batch_op.f('ck_policies_policystate'), f"state IN {_POLICY_STATES}")
        batch_op.drop_column('delivered_at')
        batch_op.drop_column('ctpl_float')
        batch_op.drop_column('tax_fen')
        batch_op.drop_column('agreed_ends_at')
        batch_op.drop_constraint(batch_op.f('ck_policies_policyorigin'), type_='check')
        batch_op.drop_column('origin')
        batch_op.drop_column('issued_branch_id')

    with op.batch_alter_table('issue_batches', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_issue_batches_undone_by_id_users'), type_='foreignkey')
        batch_op.drop_column('undo_reason')
        batch_op.drop_column('undone_by_id')
        batch_op.drop_column('undone_at')

    with op.batch_alter_table('external_covers', schema=None) as batch_op:
        batch_op.drop_column('premium_fen')
        batch_op.drop_column('number')
        batch_op.drop_column('insurer')
        batch_op.drop_column('starts_at')

    with op.batch_alter_table('coverages', schema=None) as batch_op:
        batch_op.drop_column('to_at')
        batch_op.drop_column('from_at')

    with op.batch_alter_table('premium_refunds', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_premium_refunds_policy_id'))
        batch_op.drop_index(batch_op.f('ix_premium_refunds_branch_id'))
        batch_op.drop_index(batch_op.f('ix_premium_refunds_account_id_state'))

    op.drop_table('premium_refunds')
    with op.batch_alter_table('endorsements', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_endorsements_branch_id'))
        batch_op.drop_index(batch_op.f('ix_endorsements_account_id_created_at'))

    op.drop_table('endorsements')
