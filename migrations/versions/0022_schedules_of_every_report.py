"""Schedules by the day of a month too, and who gets each report

Revision: 0022
Follows: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

_WEEKLY = "weekly_claim_report"


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    """Every schedule there is is a weekly one and stays as it is. The others come with the next minute of the desk."""
    with op.batch_alter_table('report_schedules', schema=None) as batch_op:
        batch_op.alter_column('weekday', existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column('month_day', sa.Integer(), nullable=True))
        batch_op.create_check_constraint(op.f('ck_report_schedules_day'), '(weekday IS NULL) <> (month_day IS NULL)')
        batch_op.create_check_constraint(op.f('ck_report_schedules_month_day'), 'month_day BETWEEN 1 AND 28')
    op.create_table(
        'report_recipients',
        sa.Column('id', _id(), nullable=False),
        sa.Column('schedule_id', _id(), nullable=False),
        sa.Column('user_id', _id(), nullable=True),
        sa.Column('contact_id', _id(), nullable=True),
        sa.Column('is_muted', sa.Boolean(), nullable=False),
        sa.Column('language', sa.String(length=64), nullable=False),
        sa.Column('channel', sa.String(length=64), nullable=False),
        sa.CheckConstraint('(user_id IS NULL) <> (contact_id IS NULL)', name=op.f('ck_report_recipients_person')),
        sa.CheckConstraint("language IN ('', 'zh', 'en')", name=op.f('ck_report_recipients_language')),
        sa.CheckConstraint("channel IN ('', 'mail', 'in_app')", name=op.f('ck_report_recipients_channel')),
        sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_report_recipients_contact_id_contacts')),
        sa.ForeignKeyConstraint(['schedule_id'], ['report_schedules.id'], name=op.f('fk_report_recipients_schedule_id_report_schedules')),
        sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_report_recipients_user_id_users')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_report_recipients')),
        sa.UniqueConstraint('schedule_id', 'contact_id', name=op.f('uq_report_recipients_schedule_id_contact_id')),
        sa.UniqueConstraint('schedule_id', 'user_id', name=op.f('uq_report_recipients_schedule_id_user_id')),
    )
    op.create_index(op.f('ix_report_recipients_user_id'), 'report_recipients', ['user_id'], unique=False)
    op.create_index(op.f('ix_report_recipients_contact_id'), 'report_recipients', ['contact_id'], unique=False)


def downgrade() -> None:
    """Only the weekly schedules fit; the runs of the others stay."""
    op.drop_table('report_recipients')
    op.execute(sa.text("DELETE FROM report_schedules WHERE kind <> :weekly").bindparams(weekly=_WEEKLY))
    with op.batch_alter_table('report_schedules', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_report_schedules_day'), type_='check')
        batch_op.drop_constraint(op.f('ck_report_schedules_month_day'), type_='check')
        batch_op.drop_column('month_day')
        batch_op.alter_column('weekday', existing_type=sa.Integer(), nullable=False)
