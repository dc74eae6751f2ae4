"""The clock in depth: severity, stand-ins, objections, corrections, recomputation, kept segments

Revision: 0002
Follows: 0001
"""

from datetime import date

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

import service_desk.models.db as db

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

_STEPS = (
    'first_reply', 'dispatch', 'contact', 'survey', 'large_loss_notice', 'deficiency_notice', 'assessment',
    'liability_decision', 'denial_notice', 'calculation', 'payment', 'advance_payment', 'followup', 'breach_review',
)
_NEW_STEPS = (
    'first_reply', 'dispatch', 'contact', 'survey', 'large_loss_notice', 'deficiency_notice', 'ctpl_document_list',
    'assessment', 'liability_decision', 'ctpl_decision', 'denial_notice', 'calculation', 'payment', 'advance_payment',
    'followup', 'breach_review',
)
_KINDS = ('start', 'pause', 'resume', 'handover', 'stop', 'cancel')
_NEW_KINDS = ('start', 'pause', 'resume', 'handover', 'substitute', 'return', 'stop', 'cancel')
_SEVERITIES = ('property_only', 'injury', 'mass_injury')
_CAUSES = (
    ('workload', '在办量超过上限', 'More open cases than one person can handle'),
    ('late_handover', '移交过晚', 'Handed over too late'),
    ('waiting_for_client', '等待客户但未暂停计时', 'Waited for the client without pausing'),
    ('waiting_for_third_party', '等待第三方但未暂停计时', 'Waited for a third party without pausing'),
    ('parts_or_pricing', '配件或价格未谈妥', 'Parts or prices were not settled'),
    ('force_majeure', '不可抗力', 'Force majeure'),
    ('oversight', '疏漏', 'Overlooked'),
    ('system_fault', '系统故障', 'Fault of the system'),
    ('other', '其他', 'Other'),
)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _admit(batch_op: BatchOperations, name: str, column: str, values: tuple[str, ...]) -> None:
    """Let the column hold these words and no others."""
    batch_op.drop_constraint(batch_op.f(name), type_='check')
    batch_op.create_check_constraint(batch_op.f(name), _one_of(column, values))


def _add_severity(batch_op: BatchOperations, table: str) -> None:
    batch_op.add_column(sa.Column('severity', sa.String(length=40), nullable=True))
    batch_op.create_check_constraint(batch_op.f(f'ck_{table}_severity'), _one_of('severity', _SEVERITIES))


def _add_text(batch_op: BatchOperations, name: str, type_: sa.types.TypeEngine, value: str) -> None:
    """A text column that may not be NULL; rows that are there get `value`, later ones must say theirs."""
    batch_op.add_column(sa.Column(name, type_, nullable=False, server_default=value))


def upgrade() -> None:
    op.create_table('breach_causes',
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('name_en', sa.String(length=200), nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_breach_causes'))
    )
    op.create_table('absences',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('substitute_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('leave', 'sickness', 'training', 'off_duty', name='absencekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('from_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('to_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('repeats_until_on', sa.Date(), nullable=True),
    sa.Column('next_change_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('has_begun', sa.Boolean(), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('entered_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('entered_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('cancelled_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['entered_by_id'], ['users.id'], name=op.f('fk_absences_entered_by_id_users')),
    sa.ForeignKeyConstraint(['substitute_id'], ['users.id'], name=op.f('fk_absences_substitute_id_users')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_absences_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_absences'))
    )
    with op.batch_alter_table('absences', schema=None) as batch_op:
        batch_op.create_index('ix_absences_due', ['next_change_at'], unique=False, sqlite_where=sa.text('next_change_at IS NOT NULL'), postgresql_where=sa.text('next_change_at IS NOT NULL'))
        batch_op.create_index(batch_op.f('ix_absences_substitute_id'), ['substitute_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_absences_user_id_from_at'), ['user_id', 'from_at'], unique=False)

    op.create_table('timer_recomputations',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('timer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('old_level_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('new_level_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('old_digest', sa.String(length=64), nullable=False),
    sa.Column('new_digest', sa.String(length=64), nullable=False),
    sa.Column('old_due_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('new_due_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('recorded_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['users.id'], name=op.f('fk_timer_recomputations_actor_id_users')),
    sa.ForeignKeyConstraint(['new_digest'], ['calendar_versions.digest'], name=op.f('fk_timer_recomputations_new_digest_calendar_versions')),
    sa.ForeignKeyConstraint(['new_level_id'], ['service_levels.id'], name=op.f('fk_timer_recomputations_new_level_id_service_levels')),
    sa.ForeignKeyConstraint(['old_digest'], ['calendar_versions.digest'], name=op.f('fk_timer_recomputations_old_digest_calendar_versions')),
    sa.ForeignKeyConstraint(['old_level_id'], ['service_levels.id'], name=op.f('fk_timer_recomputations_old_level_id_service_levels')),
    sa.ForeignKeyConstraint(['timer_id'], ['timers.id'], name=op.f('fk_timer_recomputations_timer_id_timers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_timer_recomputations'))
    )
    with op.batch_alter_table('timer_recomputations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_timer_recomputations_timer_id'), ['timer_id'], unique=False)

    op.create_table('timer_segments',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('timer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('ordinal', sa.Integer(), nullable=False),
    sa.Column('from_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('to_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('holder_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('reason', sa.Enum('waiting_for_client_documents', 'waiting_for_third_party', 'waiting_for_authority', 'vehicle_unavailable', 'force_majeure', 'client_asked_to_wait', name='pausereason', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('seconds_before_due', sa.Integer(), nullable=False),
    sa.Column('seconds_after_due', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['holder_id'], ['users.id'], name=op.f('fk_timer_segments_holder_id_users')),
    sa.ForeignKeyConstraint(['timer_id'], ['timers.id'], name=op.f('fk_timer_segments_timer_id_timers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_timer_segments')),
    sa.UniqueConstraint('timer_id', 'ordinal', name=op.f('uq_timer_segments_timer_id_ordinal'))
    )
    with op.batch_alter_table('timer_segments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_timer_segments_holder_id'), ['holder_id'], unique=False)

    op.create_table('pause_objections',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('timer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('entry_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('raised_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('raised_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('is_upheld', sa.Boolean(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('decided_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('decided_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['decided_by_id'], ['users.id'], name=op.f('fk_pause_objections_decided_by_id_users')),
    sa.ForeignKeyConstraint(['entry_id'], ['timer_entries.id'], name=op.f('fk_pause_objections_entry_id_timer_entries')),
    sa.ForeignKeyConstraint(['raised_by_id'], ['users.id'], name=op.f('fk_pause_objections_raised_by_id_users')),
    sa.ForeignKeyConstraint(['timer_id'], ['timers.id'], name=op.f('fk_pause_objections_timer_id_timers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pause_objections')),
    sa.UniqueConstraint('entry_id', name=op.f('uq_pause_objections_entry_id'))
    )
    with op.batch_alter_table('pause_objections', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pause_objections_timer_id'), ['timer_id'], unique=False)

    op.create_table('timer_corrections',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('timer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('entry_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('old_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('new_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('old_state', sa.String(length=64), nullable=False),
    sa.Column('new_state', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('evidence_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('actor_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('recorded_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['users.id'], name=op.f('fk_timer_corrections_actor_id_users')),
    sa.ForeignKeyConstraint(['entry_id'], ['timer_entries.id'], name=op.f('fk_timer_corrections_entry_id_timer_entries')),
    sa.ForeignKeyConstraint(['evidence_id'], ['documents.id'], name=op.f('fk_timer_corrections_evidence_id_documents')),
    sa.ForeignKeyConstraint(['timer_id'], ['timers.id'], name=op.f('fk_timer_corrections_timer_id_timers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_timer_corrections'))
    )
    with op.batch_alter_table('timer_corrections', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_timer_corrections_timer_id'), ['timer_id'], unique=False)

    with op.batch_alter_table('breach_reviews') as batch_op:
        batch_op.add_column(sa.Column('corrected_at', db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('corrected_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        _add_text(batch_op, 'corrected_note', sa.Text(), '')
        batch_op.create_foreign_key(batch_op.f('fk_breach_reviews_corrected_by_id_users'), 'users', ['corrected_by_id'], ['id'])
        batch_op.alter_column('responsible_id', existing_type=sa.BigInteger(), nullable=True)
        batch_op.add_column(sa.Column('correction_owner_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.alter_column('correction_due_on', existing_type=sa.Date(), nullable=True)
        batch_op.create_index(batch_op.f('ix_breach_reviews_correction_owner_id'), ['correction_owner_id'], unique=False)
        batch_op.create_index('ix_breach_reviews_due', ['correction_due_on'], unique=False, sqlite_where=sa.text('corrected_at IS NULL'), postgresql_where=sa.text('corrected_at IS NULL'))
        batch_op.create_foreign_key(batch_op.f('fk_breach_reviews_correction_owner_id_users'), 'users', ['correction_owner_id'], ['id'])

    with op.batch_alter_table('service_levels') as batch_op:
        _add_severity(batch_op, 'service_levels')
        _add_text(batch_op, 'escalate_to', db.Json(), '[]')
        _admit(batch_op, 'ck_service_levels_clockstep', 'step', _NEW_STEPS)

    with op.batch_alter_table('timer_entries') as batch_op:
        batch_op.add_column(sa.Column('voided_at', db.UtcDateTime(timezone=True), nullable=True))
        _admit(batch_op, 'ck_timer_entries_eventkind', 'kind', _NEW_KINDS)

    with op.batch_alter_table('timers') as batch_op:
        _add_severity(batch_op, 'timers')
        batch_op.add_column(sa.Column('is_urban', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('amount_fen', sa.BigInteger(), nullable=True))
        _add_text(batch_op, 'escalate_to', db.Json(), '[]')
        batch_op.add_column(sa.Column('covered_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        _admit(batch_op, 'ck_timers_clockstep', 'step', _NEW_STEPS)
        batch_op.create_index(batch_op.f('ix_timers_account_id_started_at'), ['account_id', 'started_at'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_timers_covered_id_users'), 'users', ['covered_id'], ['id'])

    for table, name in (('breach_reviews', 'corrected_note'), ('service_levels', 'escalate_to'), ('timers', 'escalate_to')):
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column(name, existing_type=sa.Text(), server_default=None)
    # So far who answered for a breach owed its correction.
    op.execute("UPDATE breach_reviews SET correction_owner_id = responsible_id")
    _describe_old_timers()
    _promise_what_the_law_asks()
    _install_causes()


def _describe_old_timers() -> None:
    """What chose a timer's level can still be read from its claim; the amount of then is not kept anywhere."""
    op.execute(
        """
        UPDATE timers SET
          is_urban = (SELECT is_urban FROM claims WHERE claims.id = timers.matter_id),
          severity = (SELECT CASE WHEN injured_count >= 3 THEN 'mass_injury' WHEN injured_count > 0 THEN 'injury'
                                  ELSE 'property_only' END FROM claims WHERE claims.id = timers.matter_id)
        WHERE matter_kind = 'claim'
        """
    )


def _promise_what_the_law_asks() -> None:
    """A desk that has levels gets the two clocks of the CTPL regulation; a new one gets all of them when it starts."""
    levels = sa.table(
        'service_levels',
        *(sa.column(name) for name in ('step', 'target_value', 'target_unit', 'warn_percent', 'calendar_code', 'source', 'version')),
        sa.column('escalate_after_minutes', db.Json()),
        sa.column('escalate_to', db.Json()),
        sa.column('effective_on', sa.Date()),
    )
    if not op.get_bind().scalar(sa.select(sa.func.count()).select_from(levels)):
        return
    common = {
        'target_unit': 'calendar_days',
        'warn_percent': 75,
        'calendar_code': 'calendar-days',
        'version': 1,
        'escalate_after_minutes': [240],
        'escalate_to': [],
        'effective_on': date(2024, 1, 1),
    }
    op.bulk_insert(
        levels,
        [
            common | {'step': 'ctpl_document_list', 'target_value': 1, 'source': 'ctpl_regulation_28'},
            common | {'step': 'ctpl_decision', 'target_value': 5, 'source': 'ctpl_regulation_29'},
        ],
    )


def _install_causes() -> None:
    """The causes reviews could name so far become rows that managers may edit."""
    causes = sa.table('breach_causes', *(sa.column(name) for name in ('code', 'name', 'name_en', 'ordinal', 'is_active', 'version')))
    rows = [
        {'code': code, 'name': name, 'name_en': name_en, 'ordinal': ordinal, 'is_active': True, 'version': 1}
        for ordinal, (code, name, name_en) in enumerate(_CAUSES, start=1)
    ]
    op.bulk_insert(causes, rows)


def downgrade() -> None:
    """Back to the first tables; what only the new ones can hold is lost."""
    op.execute("DELETE FROM sla_events WHERE timer_id IN (SELECT id FROM timers WHERE step LIKE 'ctpl%')")
    op.execute("DELETE FROM timer_segments WHERE timer_id IN (SELECT id FROM timers WHERE step LIKE 'ctpl%')")
    op.execute("DELETE FROM timer_corrections")
    op.execute("DELETE FROM pause_objections")
    op.execute("DELETE FROM timer_recomputations")
    op.execute(
        "DELETE FROM timer_entries WHERE kind IN ('substitute', 'return')"
        " OR timer_id IN (SELECT id FROM timers WHERE step LIKE 'ctpl%')"
    )
    op.execute(
        "DELETE FROM breach_reviews WHERE responsible_id IS NULL"
        " OR timer_id IN (SELECT id FROM timers WHERE step LIKE 'ctpl%')"
    )
    op.execute("UPDATE breach_reviews SET correction_due_on = date(signed_at) WHERE correction_due_on IS NULL")
    op.execute("DELETE FROM timers WHERE step LIKE 'ctpl%'")
    op.execute("DELETE FROM service_levels WHERE step LIKE 'ctpl%' OR severity IS NOT NULL")

    with op.batch_alter_table('timers') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_timers_covered_id_users'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_timers_account_id_started_at'))
        batch_op.drop_constraint(batch_op.f('ck_timers_severity'), type_='check')
        _admit(batch_op, 'ck_timers_clockstep', 'step', _STEPS)
        batch_op.drop_column('covered_id')
        batch_op.drop_column('escalate_to')
        batch_op.drop_column('amount_fen')
        batch_op.drop_column('is_urban')
        batch_op.drop_column('severity')

    with op.batch_alter_table('timer_entries') as batch_op:
        _admit(batch_op, 'ck_timer_entries_eventkind', 'kind', _KINDS)
        batch_op.drop_column('voided_at')

    with op.batch_alter_table('service_levels') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_service_levels_severity'), type_='check')
        _admit(batch_op, 'ck_service_levels_clockstep', 'step', _STEPS)
        batch_op.drop_column('escalate_to')
        batch_op.drop_column('severity')

    with op.batch_alter_table('breach_reviews') as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_breach_reviews_correction_owner_id_users'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_breach_reviews_corrected_by_id_users'), type_='foreignkey')
        batch_op.drop_index('ix_breach_reviews_due')
        batch_op.drop_index(batch_op.f('ix_breach_reviews_correction_owner_id'))
        batch_op.alter_column('correction_due_on', existing_type=sa.Date(), nullable=False)
        batch_op.alter_column('responsible_id', existing_type=sa.BigInteger(), nullable=False)
        batch_op.drop_column('correction_owner_id')
        batch_op.drop_column('corrected_note')
        batch_op.drop_column('corrected_by_id')
        batch_op.drop_column('corrected_at')

    with op.batch_alter_table('timer_corrections', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_timer_corrections_timer_id'))

    op.drop_table('timer_corrections')
    with op.batch_alter_table('pause_objections', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_pause_objections_timer_id'))

    op.drop_table('pause_objections')
    with op.batch_alter_table('timer_segments', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_timer_segments_holder_id'))

    op.drop_table('timer_segments')
    with op.batch_alter_table('timer_recomputations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_timer_recomputations_timer_id'))

    op.drop_table('timer_recomputations')
    with op.batch_alter_table('absences', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_absences_user_id_from_at'))
        batch_op.drop_index(batch_op.f('ix_absences_substitute_id'))
        batch_op.drop_index('ix_absences_due', sqlite_where=sa.text('next_change_at IS NOT NULL'), postgresql_where=sa.text('next_change_at IS NOT NULL'))

    op.drop_table('absences')
    op.drop_table('breach_causes')
