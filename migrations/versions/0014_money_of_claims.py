"""Money of claims: authority by amount, advances, payments sent back, denials by clause, letters, recoveries

Revision: 0014
Follows: 0013
"""

from datetime import date

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    _create_tables()
    with op.batch_alter_table('claim_payments') as batch_op:
        batch_op.add_column(sa.Column('advance_id', _id(), nullable=True))
        batch_op.add_column(sa.Column('confirmed', db.Json(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('returned_at', db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('returned_by_id', _id(), nullable=True))
        batch_op.add_column(sa.Column('return_reason', sa.String(length=200), nullable=False, server_default=''))
        # An advance is paid before there is a calculation.
        batch_op.alter_column('calculation_id', existing_type=_id(), nullable=True)
        batch_op.create_foreign_key(batch_op.f('fk_claim_payments_advance_id_claim_advances'), 'claim_advances', ['advance_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_claim_payments_returned_by_id_users'), 'users', ['returned_by_id'], ['id'])
    with op.batch_alter_table('claim_payments') as batch_op:
        batch_op.alter_column('confirmed', existing_type=db.Json(), server_default=None)
        batch_op.alter_column('return_reason', existing_type=sa.String(length=200), server_default=None)
    _give_authority()


def _give_authority() -> None:
    """A desk in use gets the tiers a new one begins with: until now everybody who may approve could approve all."""
    levels = sa.table('service_levels')
    if not op.get_bind().scalar(sa.select(sa.func.count()).select_from(levels)):
        return
    tiers = sa.table(
        'authority_tiers',
        *(sa.column(name) for name in ('role', 'limit_fen', 'version')),
        sa.column('effective_on', sa.Date()),
    )
    common = {'effective_on': date(2024, 1, 1), 'version': 1}
    op.bulk_insert(
        tiers,
        [
            common | {'role': 'claims', 'limit_fen': 10_000_00},
            common | {'role': 'manager', 'limit_fen': None},
        ],
    )


def _create_tables() -> None:
    op.create_table('authority_tiers',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=True),
    sa.Column('role', sa.Enum('admin', 'manager', 'underwriter', 'claims', 'group_insurance', 'branch_safety', name='role', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('user_id', _id(), nullable=True),
    sa.Column('limit_fen', sa.BigInteger(), nullable=True),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('ended_on >= effective_on', name=op.f('ck_authority_tiers_days')),
    sa.CheckConstraint('limit_fen >= 0', name=op.f('ck_authority_tiers_limit')),
    sa.CheckConstraint('role IS NOT NULL OR user_id IS NOT NULL', name=op.f('ck_authority_tiers_holder')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_authority_tiers_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_authority_tiers_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_authority_tiers'))
    )
    op.create_table('claim_advances',
    sa.Column('id', _id(), nullable=False),
    sa.Column('claim_id', _id(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('basis', sa.Enum('certain_part', 'rescue_costs', name='advancebasis', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'approved', 'refused', 'paid', 'cancelled', name='advancestate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('proposed_by_id', _id(), nullable=False),
    sa.Column('proposed_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decided_by_id', _id(), nullable=True),
    sa.Column('decided_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('decision_note', sa.String(length=200), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_claim_advances_amount')),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_claim_advances_claim_id_claims')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['users.id'], name=op.f('fk_claim_advances_decided_by_id_users')),
    sa.ForeignKeyConstraint(['proposed_by_id'], ['users.id'], name=op.f('fk_claim_advances_proposed_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claim_advances'))
    )
    op.create_index(op.f('ix_claim_advances_claim_id'), 'claim_advances', ['claim_id'])

    op.create_table('claim_denials',
    sa.Column('id', _id(), nullable=False),
    sa.Column('claim_id', _id(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('clauses', db.Json(), nullable=False),
    sa.Column('clause_text', sa.String(length=200), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('facts', sa.Text(), nullable=False),
    sa.Column('decided_by_id', _id(), nullable=False),
    sa.Column('decided_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_claim_denials_claim_id_claims')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['users.id'], name=op.f('fk_claim_denials_decided_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claim_denials')),
    sa.UniqueConstraint('claim_id', 'round', name=op.f('uq_claim_denials_claim_id_round'))
    )
    op.create_table('claim_letters',
    sa.Column('id', _id(), nullable=False),
    sa.Column('claim_id', _id(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('refusal', 'withdrawal', 'zero_payment', name='letterkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('content', db.Json(), nullable=False),
    sa.Column('document_zh_id', _id(), nullable=False),
    sa.Column('document_en_id', _id(), nullable=False),
    sa.Column('written_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('written_by_id', _id(), nullable=False),
    sa.Column('sent_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('sent_by_id', _id(), nullable=True),
    sa.Column('sent_to', sa.String(length=200), nullable=False),
    sa.Column('means', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_claim_letters_claim_id_claims')),
    sa.ForeignKeyConstraint(['document_en_id'], ['documents.id'], name=op.f('fk_claim_letters_document_en_id_documents')),
    sa.ForeignKeyConstraint(['document_zh_id'], ['documents.id'], name=op.f('fk_claim_letters_document_zh_id_documents')),
    sa.ForeignKeyConstraint(['sent_by_id'], ['users.id'], name=op.f('fk_claim_letters_sent_by_id_users')),
    sa.ForeignKeyConstraint(['written_by_id'], ['users.id'], name=op.f('fk_claim_letters_written_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claim_letters'))
    )
    op.create_index(op.f('ix_claim_letters_claim_id'), 'claim_letters', ['claim_id'])

    op.create_table('recoveries',
    sa.Column('id', _id(), nullable=False),
    sa.Column('claim_id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('branch_id', _id(), nullable=False),
    sa.Column('is_automatic', sa.Boolean(), nullable=False),
    sa.Column('calculation_id', _id(), nullable=True),
    sa.Column('kind', sa.Enum('subrogation', 'ctpl_recourse', 'overpaid', 'salvage', 'other', name='recoverykind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('owed_by', sa.String(length=200), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('received_fen', sa.BigInteger(), nullable=False),
    sa.Column('written_off_fen', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('open', 'settled', name='recoverystate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('write_off_reason', sa.String(length=200), nullable=False),
    sa.Column('made_by_id', _id(), nullable=False),
    sa.Column('made_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_recoveries_amount')),
    sa.CheckConstraint('received_fen >= 0 AND written_off_fen >= 0 AND received_fen + written_off_fen <= amount_fen', name=op.f('ck_recoveries_rest')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_recoveries_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_recoveries_branch_id_branches')),
    sa.ForeignKeyConstraint(['calculation_id'], ['claim_calculations.id'], name=op.f('fk_recoveries_calculation_id_claim_calculations')),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_recoveries_claim_id_claims')),
    sa.ForeignKeyConstraint(['made_by_id'], ['users.id'], name=op.f('fk_recoveries_made_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recoveries'))
    )
    op.create_index(op.f('ix_recoveries_account_id_state_made_at'), 'recoveries', ['account_id', 'state', 'made_at'])
    op.create_index(op.f('ix_recoveries_claim_id'), 'recoveries', ['claim_id'])

    op.create_table('recovery_receipts',
    sa.Column('id', _id(), nullable=False),
    sa.Column('recovery_id', _id(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('reference', sa.String(length=200), nullable=False),
    sa.Column('recorded_by_id', _id(), nullable=False),
    sa.Column('recorded_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('struck_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('struck_by_id', _id(), nullable=True),
    sa.Column('strike_reason', sa.String(length=200), nullable=False),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_recovery_receipts_amount')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['users.id'], name=op.f('fk_recovery_receipts_recorded_by_id_users')),
    sa.ForeignKeyConstraint(['recovery_id'], ['recoveries.id'], name=op.f('fk_recovery_receipts_recovery_id_recoveries')),
    sa.ForeignKeyConstraint(['struck_by_id'], ['users.id'], name=op.f('fk_recovery_receipts_struck_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recovery_receipts'))
    )
    op.create_index(op.f('ix_recovery_receipts_recovery_id'), 'recovery_receipts', ['recovery_id'])


def downgrade() -> None:
    """Back to payments of calculations alone: advances, what was sent back, letters and recoveries are lost."""
    of_first = '(SELECT min(id) FROM claim_calculations WHERE claim_calculations.claim_id = claim_payments.claim_id)'
    op.execute(f'UPDATE claim_payments SET calculation_id = {of_first} WHERE calculation_id IS NULL')
    op.execute(
        'UPDATE claims SET paid_fen = paid_fen - (SELECT sum(amount_fen) FROM claim_payments AS p'
        ' WHERE p.claim_id = claims.id AND p.calculation_id IS NULL AND p.returned_at IS NULL)'
        ' WHERE id IN (SELECT claim_id FROM claim_payments WHERE calculation_id IS NULL AND returned_at IS NULL)'
    )
    # What the bank sent back was not paid: the claim's own sum knows.
    op.execute('DELETE FROM claim_payments WHERE calculation_id IS NULL OR returned_at IS NOT NULL')
    with op.batch_alter_table('claim_payments') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_claim_payments_returned_by_id_users'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_claim_payments_advance_id_claim_advances'), type_='foreignkey')
        for name in ('return_reason', 'returned_by_id', 'returned_at', 'confirmed', 'advance_id'):
            batch_op.drop_column(name)
        batch_op.alter_column('calculation_id', existing_type=_id(), nullable=False)
    for table in (
        'recovery_receipts', 'recoveries', 'claim_letters', 'claim_denials', 'claim_advances', 'authority_tiers',
    ):
        op.drop_table(table)
