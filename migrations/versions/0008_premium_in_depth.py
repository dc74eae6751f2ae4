"""Premium in depth: instalment plans, money not allocated, receipts reversed, refunds, dunning, credit releases

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    _create_tables()
    with op.batch_alter_table('receivables') as batch_op:
        batch_op.add_column(sa.Column('plan_id', _ID, nullable=True))
        batch_op.create_index(batch_op.f('ix_receivables_plan_id'), ['plan_id'])
        batch_op.create_foreign_key(batch_op.f('fk_receivables_plan_id_instalment_plans'), 'instalment_plans', ['plan_id'], ['id'])

    with op.batch_alter_table('receipts') as batch_op:
        batch_op.add_column(sa.Column('reversed_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('reversed_by_id', _ID, nullable=True))
        batch_op.add_column(sa.Column('reverse_reason', sa.String(length=200), nullable=False, server_default=''))
        batch_op.create_foreign_key(batch_op.f('fk_receipts_reversed_by_id_users'), 'users', ['reversed_by_id'], ['id'])

    # What a receipt settled so far it settled when it was received, or when the premium arose, if that was later.
    with op.batch_alter_table('receipt_allocations') as batch_op:
        batch_op.add_column(sa.Column('allocated_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('taken_back_on', sa.Date(), nullable=True))
    op.execute(
        "UPDATE receipt_allocations SET allocated_on ="
        " (SELECT received_on FROM receipts WHERE receipts.id = receipt_allocations.receipt_id)"
    )
    in_china = {
        'sqlite': "date(r.created_at, '+8 hours')",
        'postgresql': "CAST(r.created_at AT TIME ZONE 'Asia/Shanghai' AS DATE)",
    }[op.get_bind().dialect.name]
    arose = f"(SELECT {in_china} FROM receivables AS r WHERE r.id = receipt_allocations.receivable_id)"
    op.execute(f"UPDATE receipt_allocations SET allocated_on = {arose} WHERE allocated_on < {arose}")
    with op.batch_alter_table('receipt_allocations') as batch_op:
        batch_op.alter_column('allocated_on', existing_type=sa.Date(), nullable=False)

    with op.batch_alter_table('premium_refunds') as batch_op:
        batch_op.alter_column('policy_id', existing_type=_ID, nullable=True)
        batch_op.add_column(sa.Column('from_receipt_id', _ID, nullable=True))
        batch_op.add_column(sa.Column('reason', sa.String(length=200), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('payee', sa.String(length=200), nullable=False, server_default=''))
        batch_op.create_index(batch_op.f('ix_premium_refunds_from_receipt_id'), ['from_receipt_id'])
        batch_op.create_foreign_key(batch_op.f('fk_premium_refunds_from_receipt_id_receipts'), 'receipts', ['from_receipt_id'], ['id'])

    for table, name in (('receipts', 'reverse_reason'), ('premium_refunds', 'reason'), ('premium_refunds', 'payee')):
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column(name, existing_type=sa.String(length=200), server_default=None)


def _create_tables() -> None:
    op.create_table('instalment_plans',
    sa.Column('id', _ID, nullable=False),
    sa.Column('account_id', _ID, nullable=False),
    sa.Column('parts', db.Json(), nullable=False),
    sa.Column('receivable_count', sa.Integer(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('made_by_id', _ID, nullable=False),
    sa.Column('made_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_instalment_plans_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['made_by_id'], ['users.id'], name=op.f('fk_instalment_plans_made_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_instalment_plans'))
    )
    op.create_index(op.f('ix_instalment_plans_account_id'), 'instalment_plans', ['account_id'])

    op.create_table('premium_terms',
    sa.Column('id', _ID, nullable=False),
    sa.Column('account_id', _ID, nullable=False),
    sa.Column('age_days', db.Json(), nullable=False),
    sa.Column('dunning_days', db.Json(), nullable=False),
    sa.Column('is_dunned_daily', sa.Boolean(), nullable=False),
    sa.Column('plan_parts', db.Json(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_premium_terms_account_id_key_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_premium_terms')),
    sa.UniqueConstraint('account_id', name=op.f('uq_premium_terms_account_id'))
    )

    op.create_table('dunning_notices',
    sa.Column('id', _ID, nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', _ID, nullable=False),
    sa.Column('branch_id', _ID, nullable=False),
    sa.Column('from_days', sa.Integer(), nullable=False),
    sa.Column('until_days', sa.Integer(), nullable=True),
    sa.Column('noticed_on', sa.Date(), nullable=False),
    sa.Column('line_count', sa.Integer(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('sent_by_id', _ID, nullable=True),
    sa.Column('sent_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_dunning_notices_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_dunning_notices_branch_id_branches')),
    sa.ForeignKeyConstraint(['sent_by_id'], ['users.id'], name=op.f('fk_dunning_notices_sent_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dunning_notices')),
    sa.UniqueConstraint('branch_id', 'from_days', 'noticed_on', name=op.f('uq_dunning_notices_branch_id_from_days_noticed_on')),
    sa.UniqueConstraint('number', name=op.f('uq_dunning_notices_number'))
    )
    op.create_index(op.f('ix_dunning_notices_account_id'), 'dunning_notices', ['account_id'])

    op.create_table('dunning_lines',
    sa.Column('id', _ID, nullable=False),
    sa.Column('notice_id', _ID, nullable=False),
    sa.Column('receivable_id', _ID, nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('open_fen', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['notice_id'], ['dunning_notices.id'], name=op.f('fk_dunning_lines_notice_id_dunning_notices')),
    sa.ForeignKeyConstraint(['receivable_id'], ['receivables.id'], name=op.f('fk_dunning_lines_receivable_id_receivables')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dunning_lines'))
    )
    op.create_index(op.f('ix_dunning_lines_notice_id'), 'dunning_lines', ['notice_id'])
    op.create_index(op.f('ix_dunning_lines_receivable_id'), 'dunning_lines', ['receivable_id'])

    op.create_table('credit_releases',
    sa.Column('id', _ID, nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', _ID, nullable=False),
    sa.Column('state', sa.Enum('asked', 'released', 'refused', 'used', name='releasestate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('asked_by_id', _ID, nullable=False),
    sa.Column('asked_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('order_fen', sa.BigInteger(), nullable=False),
    sa.Column('exceeded_fen', sa.BigInteger(), nullable=False),
    sa.Column('ask_reason', sa.String(length=200), nullable=False),
    sa.Column('order', db.Json(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=True),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('decided_by_id', _ID, nullable=True),
    sa.Column('decided_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('batch_id', _ID, nullable=True),
    sa.Column('used_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('exceeded_fen > 0 AND (amount_fen IS NULL OR amount_fen > 0)', name=op.f('ck_credit_releases_amount')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_credit_releases_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['users.id'], name=op.f('fk_credit_releases_asked_by_id_users')),
    sa.ForeignKeyConstraint(['batch_id'], ['issue_batches.id'], name=op.f('fk_credit_releases_batch_id_issue_batches')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['users.id'], name=op.f('fk_credit_releases_decided_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_releases')),
    sa.UniqueConstraint('number', name=op.f('uq_credit_releases_number'))
    )
    op.create_index(op.f('ix_credit_releases_account_id_state'), 'credit_releases', ['account_id', 'state'])
    op.create_index(op.f('ix_credit_releases_asked_by_id'), 'credit_releases', ['asked_by_id'])


def downgrade() -> None:
    """Back to receipts that settle what they name; what only the new tables and columns can hold is lost."""
    # What a reversed receipt settled was taken back, and as its money does not count, nothing is left of it.
    op.execute("DELETE FROM receipt_allocations WHERE taken_back_on IS NOT NULL")
    op.execute("UPDATE receipts SET allocated_fen = amount_fen WHERE reversed_on IS NOT NULL")
    op.execute("DELETE FROM premium_refunds WHERE policy_id IS NULL")

    with op.batch_alter_table('premium_refunds') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_premium_refunds_from_receipt_id_receipts'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_premium_refunds_from_receipt_id'))
        batch_op.drop_column('payee')
        batch_op.drop_column('reason')
        batch_op.drop_column('from_receipt_id')
        batch_op.alter_column('policy_id', existing_type=_ID, nullable=False)

    with op.batch_alter_table('receipt_allocations') as batch_op:
        batch_op.drop_column('taken_back_on')
        batch_op.drop_column('allocated_on')

    with op.batch_alter_table('receipts') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_receipts_reversed_by_id_users'), type_='foreignkey')
        batch_op.drop_column('reverse_reason')
        batch_op.drop_column('reversed_by_id')
        batch_op.drop_column('reversed_on')

    with op.batch_alter_table('receivables') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_receivables_plan_id_instalment_plans'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_receivables_plan_id'))
        batch_op.drop_column('plan_id')

    op.drop_table('credit_releases')
    op.drop_table('dunning_lines')
    op.drop_table('dunning_notices')
    op.drop_table('premium_terms')
    op.drop_table('instalment_plans')
