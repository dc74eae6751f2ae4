"""Service commitments in versions; scorecards as frozen, rules for cards, and cards

Revision: 0031
Follows: 0030
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0031'
down_revision = '0030'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('card_rules',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('measure', sa.Enum('open_matters', 'claims_worked', 'contacts_taken', 'clocks_kept', 'first_contact_closed', 'repeat_contacts', 'follow_up_score', 'breaches_answered_for', 'corrections_overdue', name='scoremeasure', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('comparison', sa.Enum('at_least', 'at_most', name='comparison', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('threshold_cents', sa.Integer(), nullable=False),
    sa.Column('months', sa.Integer(), nullable=False),
    sa.Column('colour', sa.Enum('yellow', 'red', name='cardcolour', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('months BETWEEN 1 AND 12', name=op.f('ck_card_rules_months')),
    sa.CheckConstraint('threshold_cents >= 0', name=op.f('ck_card_rules_threshold')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_card_rules_account_id_key_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_rules'))
    )
    with op.batch_alter_table('card_rules', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_card_rules_account_id_effective_on'), ['account_id', 'effective_on'], unique=False)

    op.create_table('commitment_lists',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('preface', sa.Text(), nullable=False),
    sa.Column('preface_en', sa.Text(), nullable=False),
    sa.Column('supervision_name', sa.String(length=200), nullable=False),
    sa.Column('supervision_phone', sa.String(length=64), nullable=False),
    sa.Column('made_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('made_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('published_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('published_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(published_at IS NULL) = (published_by_id IS NULL)', name=op.f('ck_commitment_lists_published')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_commitment_lists_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['made_by_id'], ['users.id'], name=op.f('fk_commitment_lists_made_by_id_users')),
    sa.ForeignKeyConstraint(['published_by_id'], ['users.id'], name=op.f('fk_commitment_lists_published_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commitment_lists')),
    sa.UniqueConstraint('account_id', 'number', name=op.f('uq_commitment_lists_account_id_number'))
    )
    with op.batch_alter_table('commitment_lists', schema=None) as batch_op:
        batch_op.create_index('uq_commitment_lists_draft', ['account_id'], unique=True, sqlite_where=sa.text('published_at IS NULL'), postgresql_where=sa.text('published_at IS NULL'))

    op.create_table('scorecards',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('month', sa.Date(), nullable=False),
    sa.Column('figures', db.Json(), nullable=False),
    sa.Column('desk', db.Json(), nullable=False),
    sa.Column('frozen_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_scorecards_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_scorecards_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_scorecards')),
    sa.UniqueConstraint('account_id', 'user_id', 'month', name=op.f('uq_scorecards_account_id_user_id_month'))
    )
    with op.batch_alter_table('scorecards', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_scorecards_account_id_month'), ['account_id', 'month'], unique=False)
        batch_op.create_index(batch_op.f('ix_scorecards_user_id_month'), ['user_id', 'month'], unique=False)

    op.create_table('service_cards',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('account_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('month', sa.Date(), nullable=False),
    sa.Column('colour', sa.Enum('yellow', 'red', name='cardcolour', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('grounds', db.Json(), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'confirmed', 'waived', 'lifted', name='cardstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('proposed_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('decided_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('reply', sa.Text(), nullable=False),
    sa.Column('replied_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('final_word', sa.Text(), nullable=False),
    sa.Column('final_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('final_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f('ck_service_cards_decided')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_service_cards_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['users.id'], name=op.f('fk_service_cards_decided_by_id_users')),
    sa.ForeignKeyConstraint(['final_by_id'], ['users.id'], name=op.f('fk_service_cards_final_by_id_users')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_service_cards_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_service_cards')),
    sa.UniqueConstraint('account_id', 'user_id', 'month', 'colour', name=op.f('uq_service_cards_account_id_user_id_month_colour'))
    )
    with op.batch_alter_table('service_cards', schema=None) as batch_op:
        batch_op.create_index('ix_service_cards_proposed', ['account_id'], unique=False, sqlite_where=sa.text("state = 'proposed'"), postgresql_where=sa.text("state = 'proposed'"))
        batch_op.create_index(batch_op.f('ix_service_cards_user_id_month'), ['user_id', 'month'], unique=False)

    op.create_table('commitments',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('list_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('title_en', sa.String(length=200), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('words_en', sa.Text(), nullable=False),
    sa.Column('measure', sa.String(length=64), nullable=True),
    sa.Column('step', sa.Enum('first_reply', 'dispatch', 'contact', 'survey', 'large_loss_notice', 'deficiency_notice', 'ctpl_document_list', 'assessment', 'liability_decision', 'ctpl_decision', 'denial_notice', 'calculation', 'payment', 'advance_payment', 'followup', 'breach_review', 'vehicle_approval', 'vehicle_issue', 'cover_chase', 'dispute', 'outstanding_list', 'message_reply', 'complaint', name='clockstep', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('comparison', sa.Enum('at_least', 'at_most', name='comparison', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('target_cents', sa.Integer(), nullable=False),
    sa.CheckConstraint('(measure IS NULL) <> (step IS NULL)', name=op.f('ck_commitments_tie')),
    sa.CheckConstraint('target_cents >= 0', name=op.f('ck_commitments_target')),
    sa.ForeignKeyConstraint(['list_id'], ['commitment_lists.id'], name=op.f('fk_commitments_list_id_commitment_lists')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commitments')),
    sa.UniqueConstraint('list_id', 'ordinal', name=op.f('uq_commitments_list_id_ordinal'))
    )


def downgrade() -> None:
    op.drop_table('commitments')
    with op.batch_alter_table('service_cards', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_service_cards_user_id_month'))
        batch_op.drop_index('ix_service_cards_proposed', sqlite_where=sa.text("state = 'proposed'"), postgresql_where=sa.text("state = 'proposed'"))

    op.drop_table('service_cards')
    with op.batch_alter_table('scorecards', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_scorecards_user_id_month'))
        batch_op.drop_index(batch_op.f('ix_scorecards_account_id_month'))

    op.drop_table('scorecards')
    with op.batch_alter_table('commitment_lists', schema=None) as batch_op:
        batch_op.drop_index('uq_commitment_lists_draft', sqlite_where=sa.text('published_at IS NULL'), postgresql_where=sa.text('published_at IS NULL'))

    op.drop_table('commitment_lists')
    with op.batch_alter_table('card_rules', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_card_rules_account_id_effective_on'))

    op.drop_table('card_rules')
