"""First contacts in full: complaints kept from whom they are about, repeats, closings, the client's word, templates

Revision: 0027
Follows: 0026
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None

_WAYS = ('call', 'visit', 'message', 'claim_report', 'mail', 'bot')
_MEANS = ('portal', 'call', 'visit', 'mail')


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _words(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    _templates()
    _contacts()
    _repeats()
    _closings()
    _client_words()
    _know_old_closings()


def _templates() -> None:
    op.create_table('answer_templates',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=True),
    sa.Column('topic', sa.String(length=64), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('title_en', sa.String(length=200), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('body_en', sa.Text(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('edited_by_id', _id(), nullable=False),
    sa.Column('edited_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_answer_templates_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['edited_by_id'], ['users.id'], name=op.f('fk_answer_templates_edited_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_answer_templates')),
    )
    op.create_index(op.f('ix_answer_templates_account_id_is_active'), 'answer_templates', ['account_id', 'is_active'])


def _contacts() -> None:
    with op.batch_alter_table('enquiries') as batch_op:
        batch_op.add_column(sa.Column('caller_email', sa.String(length=200), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('phone_key', sa.String(length=64), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('template_id', _id(), nullable=True))
        batch_op.add_column(sa.Column('hidden_from_id', _id(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_enquiries_template_id_answer_templates'), 'answer_templates', ['template_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_enquiries_hidden_from_id_users'), 'users', ['hidden_from_id'], ['id'])
    with op.batch_alter_table('enquiries') as batch_op:
        batch_op.alter_column('caller_email', existing_type=sa.String(length=200), existing_nullable=False, server_default=None)
        batch_op.alter_column('phone_key', existing_type=sa.String(length=64), existing_nullable=False, server_default=None)
    _compare_phones()
    op.create_index(op.f('ix_enquiries_phone_key'), 'enquiries', ['phone_key'])
    op.create_index(op.f('ix_enquiries_template_id'), 'enquiries', ['template_id'])
    op.create_index(op.f('ix_enquiries_policy_id'), 'enquiries', ['policy_id'])
    op.create_index(
        'ix_enquiries_hidden', 'enquiries', ['hidden_from_id'],
        sqlite_where=sa.text('hidden_from_id IS NOT NULL'), postgresql_where=sa.text('hidden_from_id IS NOT NULL'),
    )


def _compare_phones() -> None:
    """Every phone as it is compared from now on; frozen here as `rules.first_contact.phone_key` is today."""
    contacts = sa.table('enquiries', *(sa.column(name) for name in ('id', 'caller_phone', 'phone_key')))
    rows = op.get_bind().execute(sa.select(contacts.c.id, contacts.c.caller_phone)).all()
    keys = [{'row': id_, 'key': _phone_key(phone)} for id_, phone in rows if phone]
    if keys:
        statement = sa.update(contacts).where(contacts.c.id == sa.bindparam('row')).values(phone_key=sa.bindparam('key'))
        op.get_bind().execute(statement, keys)


def _phone_key(phone: str) -> str:
    digits = ''.join(one for one in phone if one.isascii() and one.isdigit()).removeprefix('00')
    return digits.removeprefix('86') if len(digits) == 13 else digits


def _repeats() -> None:
    op.create_table('enquiry_repeats',
    sa.Column('id', _id(), nullable=False),
    sa.Column('enquiry_id', _id(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('channel', _words('enquirychannel', _WAYS), nullable=False),
    sa.Column('caller_name', sa.String(length=64), nullable=False),
    sa.Column('caller_phone', sa.String(length=64), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('answer_before', sa.Text(), nullable=False),
    sa.Column('taken_by_id', _id(), nullable=False),
    sa.Column('second_id', _id(), nullable=True),
    sa.ForeignKeyConstraint(['enquiry_id'], ['enquiries.id'], name=op.f('fk_enquiry_repeats_enquiry_id_enquiries')),
    sa.ForeignKeyConstraint(['second_id'], ['enquiries.id'], name=op.f('fk_enquiry_repeats_second_id_enquiries')),
    sa.ForeignKeyConstraint(['taken_by_id'], ['users.id'], name=op.f('fk_enquiry_repeats_taken_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_enquiry_repeats')),
    sa.UniqueConstraint('second_id', name=op.f('uq_enquiry_repeats_second_id')),
    )
    op.create_index(op.f('ix_enquiry_repeats_enquiry_id_at'), 'enquiry_repeats', ['enquiry_id', 'at'])


def _closings() -> None:
    op.create_table('enquiry_closings',
    sa.Column('id', _id(), nullable=False),
    sa.Column('enquiry_id', _id(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('owner_id', _id(), nullable=False),
    sa.Column('is_first_contact', sa.Boolean(), nullable=False),
    sa.Column('reopened_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['enquiry_id'], ['enquiries.id'], name=op.f('fk_enquiry_closings_enquiry_id_enquiries')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_enquiry_closings_owner_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_enquiry_closings')),
    )
    op.create_index(op.f('ix_enquiry_closings_at'), 'enquiry_closings', ['at'])
    op.create_index(op.f('ix_enquiry_closings_enquiry_id_at'), 'enquiry_closings', ['enquiry_id', 'at'])


def _client_words() -> None:
    op.create_table('client_words',
    sa.Column('id', _id(), nullable=False),
    sa.Column('enquiry_id', _id(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('is_satisfied', sa.Boolean(), nullable=False),
    sa.Column('means', _words('wordmeans', _MEANS), nullable=False),
    sa.Column('said_by', sa.String(length=64), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('owner_id', _id(), nullable=False),
    sa.Column('recorded_by_id', _id(), nullable=False),
    sa.Column('recorded_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['enquiry_id'], ['enquiries.id'], name=op.f('fk_client_words_enquiry_id_enquiries')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_client_words_owner_id_users')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['users.id'], name=op.f('fk_client_words_recorded_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_client_words')),
    )
    op.create_index(op.f('ix_client_words_enquiry_id_at'), 'client_words', ['enquiry_id', 'at'])


def _know_old_closings() -> None:
    """What was closed before counts as well: at first contact unless it changed hands."""
    op.execute(
        """
        INSERT INTO enquiry_closings (enquiry_id, at, owner_id, is_first_contact)
        SELECT id, closed_at, owner_id, owner_id = first_owner_id AND NOT EXISTS (
            SELECT 1 FROM handovers
            WHERE matter_kind = 'enquiry' AND matter_id = enquiries.id AND handovers.state = 'accepted'
        )
        FROM enquiries
        WHERE state = 'closed' AND closed_at IS NOT NULL AND channel <> 'claim_report'
        ORDER BY id
        """
    )


def downgrade() -> None:
    """Back to contacts without repeats, templates and the client's word: these are lost, and complaints are seen by all."""
    for table in ('client_words', 'enquiry_closings', 'enquiry_repeats'):
        op.drop_table(table)
    op.drop_index('ix_enquiries_hidden', table_name='enquiries')
    op.drop_index(op.f('ix_enquiries_policy_id'), table_name='enquiries')
    op.drop_index(op.f('ix_enquiries_template_id'), table_name='enquiries')
    op.drop_index(op.f('ix_enquiries_phone_key'), table_name='enquiries')
    with op.batch_alter_table('enquiries') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_enquiries_hidden_from_id_users'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_enquiries_template_id_answer_templates'), type_='foreignkey')
        for column in ('hidden_from_id', 'template_id', 'phone_key', 'caller_email'):
            batch_op.drop_column(column)
    op.drop_table('answer_templates')
