"""Cover that must be there: what each class needs as data, states of vehicles over time, missed cover and its chase

Revision: 0007
Follows: 0006
"""

from datetime import date

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_PASSENGERS = ['ctpl', 'tpl', 'carrier_liability']
_OTHERS = ['ctpl', 'tpl']
_NEEDED = {
    'coach': _PASSENGERS,
    'city_bus': _PASSENGERS,
    'taxi_rental': _PASSENGERS,
    'goods': _OTHERS,
    'non_operating': _OTHERS,
}
_FROM_THE_FIRST = date(2006, 7, 1)


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table('cover_requirements',
    sa.Column('id', _ID, nullable=False),
    sa.Column('account_id', _ID, nullable=True),
    sa.Column('use_class', _one_of('useclass', *_NEEDED), nullable=False),
    sa.Column('layers', db.Json(), nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.Column('created_by_id', _ID, nullable=True),
    sa.Column('created_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_cover_requirements_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['created_by_id'], ['users.id'], name=op.f('fk_cover_requirements_created_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cover_requirements')),
    sa.UniqueConstraint('account_id', 'use_class', 'effective_on', name=op.f('uq_cover_requirements_account_id_use_class_effective_on'))
    )
    with op.batch_alter_table('cover_requirements', schema=None) as batch_op:
        batch_op.create_index('uq_cover_requirements_general', ['use_class', 'effective_on'], unique=True, sqlite_where=sa.text('account_id IS NULL'), postgresql_where=sa.text('account_id IS NULL'))

    op.create_table('vehicle_state_records',
    sa.Column('id', _ID, nullable=False),
    sa.Column('vehicle_id', _ID, nullable=False),
    sa.Column('state', _one_of('vehiclestate', 'pending', 'operating', 'suspended', 'retired'), nullable=False),
    sa.Column('from_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('to_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicles.id'], name=op.f('fk_vehicle_state_records_vehicle_id_vehicles')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vehicle_state_records'))
    )
    with op.batch_alter_table('vehicle_state_records', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_vehicle_state_records_vehicle_id'), ['vehicle_id'], unique=False)

    op.create_table('missed_cover_cases',
    sa.Column('id', _ID, nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', _ID, nullable=False),
    sa.Column('branch_id', _ID, nullable=False),
    sa.Column('vehicle_id', _ID, nullable=True),
    sa.Column('vehicle_name', sa.String(length=64), nullable=False),
    sa.Column('layers', db.Json(), nullable=False),
    sa.Column('since_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('owner_id', _ID, nullable=True),
    sa.Column('state', _one_of('casestate', 'open', 'covered', 'stopped'), nullable=False),
    sa.Column('opened_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('closed_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('chased_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('promised_on', sa.Date(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_missed_cover_cases_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_missed_cover_cases_branch_id_branches')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_missed_cover_cases_owner_id_users')),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicles.id'], name=op.f('fk_missed_cover_cases_vehicle_id_vehicles')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_missed_cover_cases')),
    sa.UniqueConstraint('number', name=op.f('uq_missed_cover_cases_number'))
    )
    with op.batch_alter_table('missed_cover_cases', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_missed_cover_cases_account_id_state_branch_id'), ['account_id', 'state', 'branch_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_missed_cover_cases_owner_id'), ['owner_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_missed_cover_cases_vehicle_id'), ['vehicle_id'], unique=False)
        batch_op.create_index('uq_missed_cover_cases_open', ['vehicle_id'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('missed_cover_entries',
    sa.Column('id', _ID, nullable=False),
    sa.Column('case_id', _ID, nullable=False),
    sa.Column('kind', _one_of('chasekind', 'opened', 'layers_changed', 'contact', 'client_said', 'cover_noted', 'reassigned', 'covered', 'stopped'), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('by_id', _ID, nullable=True),
    sa.Column('channel', _one_of('chasechannel', 'call', 'visit', 'message', 'mail'), nullable=True),
    sa.Column('spoken_to', sa.String(length=200), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('promised_on', sa.Date(), nullable=True),
    sa.Column('changes', db.Json(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['users.id'], name=op.f('fk_missed_cover_entries_by_id_users')),
    sa.ForeignKeyConstraint(['case_id'], ['missed_cover_cases.id'], name=op.f('fk_missed_cover_entries_case_id_missed_cover_cases')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_missed_cover_entries'))
    )
    with op.batch_alter_table('missed_cover_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_missed_cover_entries_case_id'), ['case_id'], unique=False)

    _say_what_is_needed()
    # How a vehicle stood before nobody wrote down: it counts as it stands since it is known.
    op.execute(
        "INSERT INTO vehicle_state_records (vehicle_id, state, from_at) SELECT id, state, created_at FROM vehicles"
    )


def _say_what_is_needed() -> None:
    """What every account needed so far, as the first version of each class."""
    needs = sa.table(
        'cover_requirements',
        sa.column('use_class'),
        sa.column('layers', db.Json()),
        sa.column('effective_on', sa.Date()),
        sa.column('source'),
    )
    op.bulk_insert(
        needs,
        [
            {'use_class': use_class, 'layers': layers, 'effective_on': _FROM_THE_FIRST, 'source': ''}
            for use_class, layers in _NEEDED.items()
        ],
    )


def downgrade() -> None:
    """Back to needs in the code; what was chased is lost, and its clocks with it."""
    of_cases = "timer_id IN (SELECT id FROM timers WHERE matter_kind = 'missed_cover')"
    for table in (
        'sla_events', 'timer_segments', 'timer_corrections', 'pause_objections', 'timer_recomputations',
        'breach_reviews', 'timer_entries',
    ):
        op.execute(f"DELETE FROM {table} WHERE {of_cases}")
    op.execute("DELETE FROM timers WHERE matter_kind = 'missed_cover'")
    for table in ('missed_cover_entries', 'missed_cover_cases', 'vehicle_state_records', 'cover_requirements'):
        op.drop_table(table)
