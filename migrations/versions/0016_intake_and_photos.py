"""Intake and photos: accidents with several vehicles, arrivals as stamped, what a photo says of itself, late reports

Revision: 0016
Follows: 0015
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_GROUPS = ('scene', 'plate', 'vin', 'damage', 'papers')


def upgrade() -> None:
    op.create_table(
        'accident_events',
        sa.Column('id', _ID, nullable=False),
        sa.Column('number', sa.String(length=64), nullable=False),
        sa.Column('account_id', _ID, nullable=False),
        sa.Column('is_own_collision', sa.Boolean(), nullable=False),
        sa.Column('opened_by_id', _ID, nullable=False),
        sa.Column('opened_at', db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_accident_events_account_id_key_accounts')),
        sa.ForeignKeyConstraint(['opened_by_id'], ['users.id'], name=op.f('fk_accident_events_opened_by_id_users')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_accident_events')),
        sa.UniqueConstraint('number', name=op.f('uq_accident_events_number')),
    )
    op.create_index(op.f('ix_accident_events_account_id'), 'accident_events', ['account_id'])
    op.create_table(
        'accident_event_claims',
        sa.Column('id', _ID, nullable=False),
        sa.Column('event_id', _ID, nullable=False),
        sa.Column('claim_id', _ID, nullable=False),
        sa.Column('linked_by_id', _ID, nullable=False),
        sa.Column('linked_at', db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_accident_event_claims_claim_id_claims')),
        sa.ForeignKeyConstraint(
            ['event_id'], ['accident_events.id'], name=op.f('fk_accident_event_claims_event_id_accident_events')
        ),
        sa.ForeignKeyConstraint(['linked_by_id'], ['users.id'], name=op.f('fk_accident_event_claims_linked_by_id_users')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_accident_event_claims')),
        sa.UniqueConstraint('claim_id', name=op.f('uq_accident_event_claims_claim_id')),
    )
    op.create_index(op.f('ix_accident_event_claims_event_id'), 'accident_event_claims', ['event_id'])
    op.create_table(
        'claim_arrivals',
        sa.Column('id', _ID, nullable=False),
        sa.Column('claim_id', _ID, nullable=False),
        sa.Column('round', sa.Integer(), nullable=False),
        sa.Column('surveyor_id', _ID, nullable=False),
        sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
        sa.Column('recorded_at', db.UtcDateTime(timezone=True), nullable=False),
        sa.Column('is_typed', sa.Boolean(), nullable=False),
        sa.Column('reason', sa.String(length=200), nullable=False),
        sa.Column('latitude', sa.Float(), nullable=True),
        sa.Column('longitude', sa.Float(), nullable=True),
        sa.Column('accuracy_m', sa.Integer(), nullable=True),
        sa.Column('distance_m', sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_claim_arrivals_claim_id_claims')),
        sa.ForeignKeyConstraint(['surveyor_id'], ['users.id'], name=op.f('fk_claim_arrivals_surveyor_id_users')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_claim_arrivals')),
        sa.UniqueConstraint('claim_id', 'round', name=op.f('uq_claim_arrivals_claim_id_round')),
    )
    with op.batch_alter_table('claims') as batch_op:
        batch_op.add_column(sa.Column('late_reason', sa.String(length=200), nullable=False, server_default=''))
        batch_op.create_index(batch_op.f('ix_claims_account_id_loss_at'), ['account_id', 'loss_at'])
    with op.batch_alter_table('claims') as batch_op:
        batch_op.alter_column('late_reason', server_default=None)
    with op.batch_alter_table('documents') as batch_op:
        batch_op.add_column(sa.Column('thumb_key', sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column('taken_at', db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('latitude', sa.Float(), nullable=True))
        batch_op.add_column(sa.Column('longitude', sa.Float(), nullable=True))
        batch_op.add_column(sa.Column('photo_group', sa.String(length=40), nullable=True))
        listed = ', '.join(repr(group) for group in _GROUPS)
        batch_op.create_check_constraint(batch_op.f('ck_documents_photogroup'), f'photo_group IN ({listed})')
        batch_op.create_index(batch_op.f('ix_documents_sha256'), ['sha256'])


def downgrade() -> None:
    """Back to claims on their own; accidents, arrivals' positions and what photos say of themselves are lost."""
    with op.batch_alter_table('documents') as batch_op:
        batch_op.drop_index(batch_op.f('ix_documents_sha256'))
        batch_op.drop_constraint(batch_op.f('ck_documents_photogroup'), type_='check')
        for column in ('photo_group', 'longitude', 'latitude', 'taken_at', 'thumb_key'):
            batch_op.drop_column(column)
    with op.batch_alter_table('claims') as batch_op:
        batch_op.drop_index(batch_op.f('ix_claims_account_id_loss_at'))
        batch_op.drop_column('late_reason')
    op.drop_table('claim_arrivals')
    op.drop_table('accident_event_claims')
    op.drop_table('accident_events')
