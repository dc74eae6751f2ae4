"""Bots and webhooks of an account, what each person wants mailed, addresses that bounce, and why a notice failed

Revision: 0021
Follows: 0020
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None

_CHANNELS = ('mail', 'in_app')
_HOOKS = ('wecom', 'dingtalk', 'feishu', 'webhook')
_ALL_CHANNELS = (*_CHANNELS, *_HOOKS)
_STATES = ('queued', 'sent', 'failed')
_ALL_STATES = ('queued', 'held', 'sent', 'failed', 'set_aside')
_REASONS = ('gave_up', 'refused', 'bad_address', 'bouncing', 'channel_off', 'not_rendered')
# A notice was given up after so many tries.
_TRIES = 7


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _listed(values: tuple[str, ...]) -> str:
    return ', '.join(repr(value) for value in values)


def upgrade() -> None:
    op.create_table('message_channels',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('kind', sa.Enum(*_HOOKS, name='hookkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('hook_url', sa.String(length=1000), nullable=False),
    sa.Column('hook_secret', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=64), nullable=False),
    sa.Column('audience', sa.Enum('insurer', 'client', name='side', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('subjects', db.Json(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_message_channels_account_id_key_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message_channels')),
    sa.UniqueConstraint('account_id', 'name', name=op.f('uq_message_channels_account_id_name')),
    )
    op.create_table('notice_preferences',
    sa.Column('user_id', _id(), nullable=False),
    sa.Column('choices', db.Json(), nullable=False),
    sa.Column('quiet_from', sa.Time(), nullable=True),
    sa.Column('quiet_until', sa.Time(), nullable=True),
    sa.Column('digest_at', sa.Time(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(quiet_from IS NULL) = (quiet_until IS NULL)', name=op.f('ck_notice_preferences_quiet_hours')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_notice_preferences_user_id_users')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_notice_preferences')),
    )
    _widen_notices()
    _fill_notices()
    op.create_table('bouncing_addresses',
    sa.Column('id', _id(), nullable=False),
    sa.Column('address', sa.String(length=200), nullable=False),
    sa.Column('account_id', _id(), nullable=True),
    sa.Column('notice_id', _id(), nullable=True),
    sa.Column('since_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('said', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_bouncing_addresses_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_bouncing_addresses_notice_id_notices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bouncing_addresses')),
    sa.UniqueConstraint('address', name=op.f('uq_bouncing_addresses_address')),
    )
    op.create_index(op.f('ix_bouncing_addresses_account_id'), 'bouncing_addresses', ['account_id'])


def _widen_notices() -> None:
    with op.batch_alter_table('notices') as batch_op:
        batch_op.add_column(sa.Column('matter_number', sa.String(length=64), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('channel_id', _id(), nullable=True))
        batch_op.add_column(sa.Column('digest_id', _id(), nullable=True))
        batch_op.add_column(sa.Column('fail_reason', sa.String(length=40), nullable=True))
        batch_op.drop_constraint(batch_op.f('ck_notices_channel'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_notices_noticestate'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_notices_channel'), f'channel IN ({_listed(_ALL_CHANNELS)})')
        batch_op.create_check_constraint(batch_op.f('ck_notices_noticestate'), f'state IN ({_listed(_ALL_STATES)})')
        batch_op.create_check_constraint(batch_op.f('ck_notices_failreason'), f'fail_reason IN ({_listed(_REASONS)})')
        batch_op.create_check_constraint(
            batch_op.f('ck_notices_channel_id'), "(channel IN ('mail', 'in_app')) = (channel_id IS NULL)"
        )
        batch_op.create_foreign_key(
            batch_op.f('fk_notices_channel_id_message_channels'), 'message_channels', ['channel_id'], ['id']
        )
        batch_op.create_foreign_key(batch_op.f('fk_notices_digest_id_notices'), 'notices', ['digest_id'], ['id'])
        batch_op.create_index(batch_op.f('ix_notices_account_id_matter_number'), ['account_id', 'matter_number'])
        batch_op.create_index(batch_op.f('ix_notices_created_at'), ['created_at'])
        batch_op.create_index(batch_op.f('ix_notices_channel_id_created_at'), ['channel_id', 'created_at'])
    for name, column, condition in (
        ('ix_notices_held', 'user_id', "state = 'held'"),
        ('ix_notices_digest_id', 'digest_id', 'digest_id IS NOT NULL'),
    ):
        where = sa.text(condition)
        op.create_index(name, 'notices', [column], sqlite_where=where, postgresql_where=where)


def _fill_notices() -> None:
    """What is known of old notices: the number people call their matter by, and why they failed."""
    is_sqlite = op.get_bind().dialect.name == 'sqlite'
    number = "json_extract(params, '$.number')" if is_sqlite else "params::json ->> 'number'"
    op.execute(f"UPDATE notices SET matter_number = substr(coalesce({number}, ''), 1, 64) WHERE matter_kind <> ''")
    op.execute(
        f"UPDATE notices SET fail_reason = CASE WHEN tries >= {_TRIES} THEN 'gave_up' ELSE 'refused' END"
        " WHERE state = 'failed'"
    )
    with op.batch_alter_table('notices') as batch_op:
        batch_op.alter_column('matter_number', server_default=None)


def downgrade() -> None:
    """Back to mail and inbox. Messages to bots and webhooks are lost; what was held for a digest is sent at once."""
    op.drop_table('bouncing_addresses')
    op.execute(
        'DELETE FROM delivery_tries WHERE notice_id IN (SELECT id FROM notices WHERE channel_id IS NOT NULL)'
    )
    op.execute('DELETE FROM notices WHERE channel_id IS NOT NULL')
    op.execute("UPDATE notices SET state = 'queued', next_try_at = created_at WHERE state = 'held'")
    op.execute("UPDATE notices SET state = 'failed' WHERE state = 'set_aside'")
    op.drop_index('ix_notices_digest_id', 'notices')
    op.drop_index('ix_notices_held', 'notices')
    with op.batch_alter_table('notices') as batch_op:
        for columns in ('channel_id_created_at', 'created_at', 'account_id_matter_number'):
            batch_op.drop_index(batch_op.f(f'ix_notices_{columns}'))
        batch_op.drop_constraint(batch_op.f('fk_notices_digest_id_notices'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_notices_channel_id_message_channels'), type_='foreignkey')
        for name in ('channel_id', 'failreason', 'noticestate', 'channel'):
            batch_op.drop_constraint(batch_op.f(f'ck_notices_{name}'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_notices_channel'), f'channel IN ({_listed(_CHANNELS)})')
        batch_op.create_check_constraint(batch_op.f('ck_notices_noticestate'), f'state IN ({_listed(_STATES)})')
        for column in ('fail_reason', 'digest_id', 'channel_id', 'matter_number'):
            batch_op.drop_column(column)
    op.drop_table('notice_preferences')
    op.drop_table('message_channels')
