"""Reports that a phone kept until it had a signal, and their photos on the way

Revision: 0015
Follows: 0014
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('phone_reports',
    sa.Column('id', _id(), nullable=False),
    sa.Column('user_id', _id(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('claim_id', _id(), nullable=False),
    sa.Column('typed_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('received_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('facts', db.Json(), nullable=False),
    sa.Column('event_id', _id(), nullable=True),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_phone_reports_claim_id_claims')),
    sa.ForeignKeyConstraint(['event_id'], ['claim_events.id'], name=op.f('fk_phone_reports_event_id_claim_events')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_phone_reports_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_phone_reports')),
    sa.UniqueConstraint('user_id', 'key', name=op.f('uq_phone_reports_user_id_key'))
    )
    op.create_index(op.f('ix_phone_reports_claim_id'), 'phone_reports', ['claim_id'], unique=False)
    op.create_table('phone_photos',
    sa.Column('id', _id(), nullable=False),
    sa.Column('report_id', _id(), nullable=False),
    sa.Column('photo_key', sa.String(length=64), nullable=False),
    sa.Column('filename', sa.String(length=200), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('received_bytes', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('open', 'taken', 'refused', name='photostate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('refusal', sa.String(length=64), nullable=False),
    sa.Column('document_id', _id(), nullable=True),
    sa.Column('changed_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint('received_bytes >= 0 AND received_bytes <= size_bytes', name=op.f('ck_phone_photos_received')),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_phone_photos_document_id_documents')),
    sa.ForeignKeyConstraint(['report_id'], ['phone_reports.id'], name=op.f('fk_phone_photos_report_id_phone_reports')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_phone_photos')),
    sa.UniqueConstraint('report_id', 'photo_key', name=op.f('uq_phone_photos_report_id_photo_key'))
    )
    half_sent = sa.text("state = 'open' AND received_bytes > 0")
    op.create_index('ix_phone_photos_half_sent', 'phone_photos', ['changed_at'], unique=False, sqlite_where=half_sent, postgresql_where=half_sent)


def downgrade() -> None:
    """Back to reports that are sent in one piece; photos that have arrived stay with their claims."""
    op.drop_table('phone_photos')
    op.drop_table('phone_reports')
