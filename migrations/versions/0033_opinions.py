"""Opinions: forms sent out and whom they ask, what was said, and what the desk did with it

Revision: 0033
Follows: 0032
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0033'
down_revision = '0032'
branch_labels = None
depends_on = None

_THEMES = (
    'underwriting', 'premium', 'survey', 'assessment', 'payment', 'attitude', 'materials', 'other',
)
_STATES = ('noted', 'new', 'taken_up', 'answered', 'settled', 'declined', 'withdrawn')
_ACTIONS = ('take_up', 'answer', 'thank', 'decline', 'settle')


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _codes(name: str, *codes: str) -> sa.Enum:
    return sa.Enum(*codes, name=name, native_enum=False, create_constraint=True, length=40)


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f'{other}.id'], name=op.f(f'fk_{table}_{column}_{other}'))


def upgrade() -> None:
    _begin_campaigns()
    _begin_opinions()


def _begin_campaigns() -> None:
    op.create_table('opinion_campaigns',
    sa.Column('id', _id(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('state', _codes('campaignstate', 'planned', 'open', 'closed'), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('title_en', sa.String(length=200), nullable=False),
    sa.Column('intro', sa.Text(), nullable=False),
    sa.Column('intro_en', sa.Text(), nullable=False),
    sa.Column('questions', db.Json(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('remind_days', sa.Integer(), nullable=False),
    sa.Column('planned_by_id', _id(), nullable=False),
    sa.Column('planned_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('sent_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('closed_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('from_on <= until_on', name=op.f('ck_opinion_campaigns_days')),
    _refers('opinion_campaigns', 'account_id', 'key_accounts'),
    _refers('opinion_campaigns', 'planned_by_id', 'users'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opinion_campaigns')),
    sa.UniqueConstraint('number', name=op.f('uq_opinion_campaigns_number')),
    )
    op.create_index(op.f('ix_opinion_campaigns_account_id_state'), 'opinion_campaigns', ['account_id', 'state'])
    op.create_table('opinion_invitations',
    sa.Column('id', _id(), nullable=False),
    sa.Column('campaign_id', _id(), nullable=False),
    sa.Column('branch_id', _id(), nullable=True),
    sa.Column('user_id', _id(), nullable=True),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('email', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=64), nullable=False),
    sa.Column('nonce', sa.String(length=64), nullable=False),
    sa.Column('token_sha256', sa.String(length=64), nullable=True),
    sa.Column('revoked_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('reminded_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('answered_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('corrected_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('is_anonymous', sa.Boolean(), nullable=False),
    _refers('opinion_invitations', 'campaign_id', 'opinion_campaigns'),
    _refers('opinion_invitations', 'branch_id', 'branches'),
    _refers('opinion_invitations', 'user_id', 'users'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opinion_invitations')),
    sa.UniqueConstraint('campaign_id', 'user_id', name=op.f('uq_opinion_invitations_campaign_id_user_id')),
    sa.UniqueConstraint('token_sha256', name=op.f('uq_opinion_invitations_token_sha256')),
    )
    for column in ('campaign_id', 'user_id', 'branch_id'):
        op.create_index(op.f(f'ix_opinion_invitations_{column}'), 'opinion_invitations', [column])


def _begin_opinions() -> None:
    op.create_table('opinions',
    sa.Column('id', _id(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('branch_id', _id(), nullable=True),
    sa.Column('theme', _codes('theme', *_THEMES), nullable=False),
    sa.Column('state', _codes('opinionstate', *_STATES), nullable=False),
    sa.Column('source', _codes('opinionsource', 'form', 'visit', 'contact', 'follow_up'), nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', _id(), nullable=True),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('given_by_id', _id(), nullable=True),
    sa.Column('given_by', sa.String(length=64), nullable=False),
    sa.Column('email', sa.String(length=200), nullable=False),
    sa.Column('phone', sa.String(length=64), nullable=False),
    sa.Column('language', sa.String(length=64), nullable=False),
    sa.Column('is_anonymous', sa.Boolean(), nullable=False),
    sa.Column('given_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('recorded_by_id', _id(), nullable=True),
    sa.Column('owner_id', _id(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('item_id', _id(), nullable=True),
    sa.Column('reply', sa.Text(), nullable=False),
    sa.Column('replied_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('replied_by_id', _id(), nullable=True),
    sa.Column('reply_means', _codes('replymeans', 'portal', 'mail', 'call', 'visit'), nullable=True),
    sa.Column('result', sa.Text(), nullable=False),
    sa.Column('ended_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('score IS NULL OR score BETWEEN 1 AND 5', name=op.f('ck_opinions_score')),
    sa.CheckConstraint("(reply = '') = (replied_at IS NULL)", name=op.f('ck_opinions_replied')),
    _refers('opinions', 'account_id', 'key_accounts'),
    _refers('opinions', 'branch_id', 'branches'),
    _refers('opinions', 'campaign_id', 'opinion_campaigns'),
    _refers('opinions', 'given_by_id', 'users'),
    _refers('opinions', 'recorded_by_id', 'users'),
    _refers('opinions', 'owner_id', 'users'),
    _refers('opinions', 'item_id', 'agreed_items'),
    _refers('opinions', 'replied_by_id', 'users'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opinions')),
    sa.UniqueConstraint('number', name=op.f('uq_opinions_number')),
    )
    for columns in (
        ['account_id', 'state', 'given_at'], ['source', 'source_id'], ['branch_id'], ['campaign_id'], ['item_id'],
        ['given_by_id'], ['owner_id'],
    ):
        op.create_index(op.f(f'ix_opinions_{"_".join(columns)}'), 'opinions', columns)
    owed = sa.text("state IN ('new', 'taken_up')")
    op.create_index('ix_opinions_owed', 'opinions', ['due_on'], sqlite_where=owed, postgresql_where=owed)
    op.create_table('opinion_steps',
    sa.Column('id', _id(), nullable=False),
    sa.Column('opinion_id', _id(), nullable=False),
    sa.Column('action', _codes('opinionaction', *_ACTIONS), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('by_id', _id(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    _refers('opinion_steps', 'opinion_id', 'opinions'),
    _refers('opinion_steps', 'by_id', 'users'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_opinion_steps')),
    )
    op.create_index(op.f('ix_opinion_steps_opinion_id'), 'opinion_steps', ['opinion_id'])


def downgrade() -> None:
    """Without opinions; those there were are lost with their papers. Their agreed items stay."""
    op.execute("DELETE FROM documents WHERE matter_kind = 'opinion'")
    op.execute("DELETE FROM handovers WHERE matter_kind = 'opinion'")
    for table in ('opinion_steps', 'opinions', 'opinion_invitations', 'opinion_campaigns'):
        op.drop_table(table)
