"""Mailboxes that are read, bots that hear, and what came by itself

Revision: 0029
Follows: 0028
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0029'
down_revision = '0028'
branch_labels = None
depends_on = None

_SECURITY = ('tls', 'starttls', 'none')
_OUTCOMES = (
    'contact', 'further_call', 'message', 'unsorted', 'bounce', 'automatic', 'refused', 'set_aside', 'dismissed',
)


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _words(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    _mailboxes()
    _mails()
    _chats()
    _hearing()
    _ways_of_messages()


def _mailboxes() -> None:
    op.create_table('mailboxes',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=True),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('address', sa.String(length=200), nullable=False),
    sa.Column('host', sa.String(length=200), nullable=False),
    sa.Column('port', sa.Integer(), nullable=False),
    sa.Column('security', _words('mailsecurity', _SECURITY), nullable=False),
    sa.Column('username', sa.String(length=200), nullable=False),
    sa.Column('mail_password', sa.String(length=200), nullable=False),
    sa.Column('folder', sa.String(length=200), nullable=False),
    sa.Column('poll_minutes', sa.Integer(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('next_poll_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('uidvalidity', sa.BigInteger(), nullable=True),
    sa.Column('last_uid', sa.BigInteger(), nullable=False),
    sa.Column('last_polled_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('last_ok_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_mailboxes_account_id_key_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailboxes')),
    sa.UniqueConstraint('name', name=op.f('uq_mailboxes_name')),
    )
    op.create_index(op.f('ix_mailboxes_account_id'), 'mailboxes', ['account_id'])
    op.create_index('ix_mailboxes_due', 'mailboxes', ['next_poll_at'], sqlite_where=sa.text('is_active'),
                    postgresql_where=sa.text('is_active'))


def _mails() -> None:
    op.create_table('received_mails',
    sa.Column('id', _id(), nullable=False),
    sa.Column('mailbox_id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=True),
    sa.Column('uid', sa.BigInteger(), nullable=False),
    sa.Column('uidvalidity', sa.BigInteger(), nullable=False),
    sa.Column('message_key', sa.String(length=200), nullable=False),
    sa.Column('from_name', sa.String(length=200), nullable=False),
    sa.Column('from_address', sa.String(length=200), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('taken_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('outcome', _words('mailoutcome', _OUTCOMES), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.Column('raw_key', sa.String(length=64), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('refused_files', db.Json(), nullable=False),
    sa.Column('matter_number', sa.String(length=64), nullable=False),
    sa.Column('enquiry_id', _id(), nullable=True),
    sa.Column('message_id', _id(), nullable=True),
    sa.Column('notice_id', _id(), nullable=True),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_received_mails_mailbox_id_mailboxes')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_received_mails_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['enquiry_id'], ['enquiries.id'], name=op.f('fk_received_mails_enquiry_id_enquiries')),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_received_mails_message_id_messages')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_received_mails_notice_id_notices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_received_mails')),
    sa.UniqueConstraint('mailbox_id', 'message_key', name=op.f('uq_received_mails_mailbox_id_message_key')),
    )
    for columns in (['account_id', 'taken_at'], ['outcome', 'taken_at'], ['from_address', 'taken_at'],
                    ['message_key'], ['enquiry_id'], ['message_id'], ['notice_id']):
        op.create_index(op.f(f'ix_received_mails_{"_".join(columns)}'), 'received_mails', columns)


def _chats() -> None:
    op.create_table('received_chats',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('channel_id', _id(), nullable=False),
    sa.Column('event_key', sa.String(length=200), nullable=False),
    sa.Column('said_by', sa.String(length=200), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('matter_number', sa.String(length=64), nullable=False),
    sa.Column('enquiry_id', _id(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_received_chats_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['channel_id'], ['message_channels.id'], name=op.f('fk_received_chats_channel_id_message_channels')),
    sa.ForeignKeyConstraint(['enquiry_id'], ['enquiries.id'], name=op.f('fk_received_chats_enquiry_id_enquiries')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_received_chats')),
    sa.UniqueConstraint('channel_id', 'event_key', name=op.f('uq_received_chats_channel_id_event_key')),
    )
    op.create_index(op.f('ix_received_chats_enquiry_id'), 'received_chats', ['enquiry_id'])


def _hearing() -> None:
    with op.batch_alter_table('message_channels') as batch_op:
        batch_op.add_column(sa.Column('inbound_ref', sa.String(length=64), nullable=True))
        for name in ('inbound_token', 'inbound_key', 'inbound_receiver'):
            batch_op.add_column(sa.Column(name, sa.String(length=200), nullable=False, server_default=''))
        batch_op.create_unique_constraint(batch_op.f('uq_message_channels_inbound_ref'), ['inbound_ref'])
    with op.batch_alter_table('message_channels') as batch_op:
        for name in ('inbound_token', 'inbound_key', 'inbound_receiver'):
            batch_op.alter_column(name, existing_type=sa.String(length=200), existing_nullable=False, server_default=None)
    op.create_index(op.f('ix_notices_message_id'), 'notices', ['message_id'])


def _ways_of_messages() -> None:
    """Every message so far was written on a page."""
    with op.batch_alter_table('messages') as batch_op:
        batch_op.add_column(sa.Column('came_by', sa.String(length=40), nullable=False, server_default='page'))
        batch_op.create_check_constraint(batch_op.f('ck_messages_cameby'), "came_by IN ('page', 'mail')")
    with op.batch_alter_table('messages') as batch_op:
        batch_op.alter_column('came_by', existing_type=sa.String(length=40), existing_nullable=False, server_default=None)


def downgrade() -> None:
    """Back to the desk that is only written to on its pages: mails and their settings are lost, what they made stays."""
    with op.batch_alter_table('messages') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_messages_cameby'), type_='check')
        batch_op.drop_column('came_by')
    op.drop_index(op.f('ix_notices_message_id'), 'notices')
    with op.batch_alter_table('message_channels') as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_message_channels_inbound_ref'), type_='unique')
        for name in ('inbound_receiver', 'inbound_key', 'inbound_token', 'inbound_ref'):
            batch_op.drop_column(name)
    for table in ('received_chats', 'received_mails', 'mailboxes'):
        op.drop_table(table)
