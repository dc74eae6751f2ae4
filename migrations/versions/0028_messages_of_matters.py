"""Both sides write to each other on a matter's page

Revision: 0028
Follows: 0027
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0028'
down_revision = '0027'
branch_labels = None
depends_on = None


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('message_threads',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('matter_kind', sa.Enum('claim', 'enquiry', name='threadkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('matter_id', sa.Integer(), nullable=False),
    sa.Column('matter_number', sa.String(length=64), nullable=False),
    sa.Column('last_number', sa.Integer(), nullable=False),
    sa.Column('last_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('last_client_number', sa.Integer(), nullable=False),
    sa.Column('last_desk_number', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_message_threads_account_id_key_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message_threads')),
    sa.UniqueConstraint('matter_kind', 'matter_id', name=op.f('uq_message_threads_matter_kind_matter_id')),
    )
    op.create_index(op.f('ix_message_threads_account_id_last_at'), 'message_threads', ['account_id', 'last_at'])
    op.create_table('messages',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('thread_id', _id(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('author_id', _id(), nullable=False),
    sa.Column('side', sa.Enum('insurer', 'client', name='side', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('kind', sa.Enum('word', 'answer', 'no_answer', name='messagekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind = 'word' OR side = 'insurer'", name=op.f('ck_messages_answered_by_desk')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_messages_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['thread_id'], ['message_threads.id'], name=op.f('fk_messages_thread_id_message_threads')),
    sa.ForeignKeyConstraint(['author_id'], ['users.id'], name=op.f('fk_messages_author_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_messages')),
    sa.UniqueConstraint('thread_id', 'number', name=op.f('uq_messages_thread_id_number')),
    )
    op.create_index(op.f('ix_messages_author_id_thread_id'), 'messages', ['author_id', 'thread_id'])
    op.create_table('message_reads',
    sa.Column('id', _id(), nullable=False),
    sa.Column('thread_id', _id(), nullable=False),
    sa.Column('reader_id', _id(), nullable=False),
    sa.Column('up_to', sa.Integer(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['thread_id'], ['message_threads.id'], name=op.f('fk_message_reads_thread_id_message_threads')),
    sa.ForeignKeyConstraint(['reader_id'], ['users.id'], name=op.f('fk_message_reads_reader_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message_reads')),
    sa.UniqueConstraint('thread_id', 'reader_id', 'up_to', name=op.f('uq_message_reads_thread_id_reader_id_up_to')),
    )
    op.create_table('message_unread',
    sa.Column('id', _id(), nullable=False),
    sa.Column('user_id', _id(), nullable=False),
    sa.Column('thread_id', _id(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_message_unread_user_id_users')),
    sa.ForeignKeyConstraint(['thread_id'], ['message_threads.id'], name=op.f('fk_message_unread_thread_id_message_threads')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message_unread')),
    sa.UniqueConstraint('user_id', 'thread_id', name=op.f('uq_message_unread_user_id_thread_id')),
    )
    op.create_index(op.f('ix_message_unread_thread_id'), 'message_unread', ['thread_id'])


def downgrade() -> None:
    """Back to the desk without messages: what was written is lost, and so are the files sent along."""
    for table in ('message_unread', 'message_reads', 'messages', 'message_threads'):
        op.drop_table(table)
    op.execute("DELETE FROM documents WHERE kind = 'message_file'")
