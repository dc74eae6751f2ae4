"""Price tables as the desk edits them, and quote sheets: names of cover sets, drafts, versions withdrawn, prices held

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

_LINES = ('ctpl', 'commercial', 'carrier_liability')
_CLASSES = ('coach', 'city_bus', 'taxi_rental', 'goods', 'non_operating')
# What the cover sets that there were so far are called; from now on a table says it itself.
_NAMES = {
    'ctpl': {'basic': {'zh': '法定责任限额', 'en': 'Statutory limits'}},
    'commercial': {
        'tpl_1m': {'zh': '三者险 100 万元', 'en': 'Third party ¥1,000,000'},
        'tpl_2m': {'zh': '三者险 200 万元', 'en': 'Third party ¥2,000,000'},
        'tpl_1m_od': {'zh': '三者险 100 万元＋车损险', 'en': 'Third party ¥1,000,000 and own damage'},
    },
    'carrier_liability': {'seat_400k': {'zh': '每座 40 万元', 'en': '¥400,000 a seat'}},
}


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _word(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _once(name: str, columns: list[str], condition: str) -> None:
    op.create_index(
        name, 'rate_tables', columns, unique=True, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition)
    )


def upgrade() -> None:
    _tables_keep_names_and_may_be_withdrawn()
    op.create_table('rate_drafts',
    sa.Column('id', _id(), nullable=False),
    sa.Column('base_table_id', _id(), nullable=False),
    sa.Column('replaces_id', _id(), nullable=True),
    sa.Column('account_id', _id(), nullable=True),
    sa.Column('line', _word('policyline', _LINES), nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('filename', sa.String(length=200), nullable=False),
    sa.Column('rows', db.Json(), nullable=False),
    sa.Column('cover_sets', db.Json(), nullable=False),
    sa.Column('created_by_id', _id(), nullable=False),
    sa.Column('created_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_rate_drafts_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['base_table_id'], ['rate_tables.id'], name=op.f('fk_rate_drafts_base_table_id_rate_tables')),
    sa.ForeignKeyConstraint(['created_by_id'], ['users.id'], name=op.f('fk_rate_drafts_created_by_id_users')),
    sa.ForeignKeyConstraint(['replaces_id'], ['rate_tables.id'], name=op.f('fk_rate_drafts_replaces_id_rate_tables')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rate_drafts'))
    )
    op.create_index(op.f('ix_rate_drafts_account_id'), 'rate_drafts', ['account_id'], unique=False)

    op.create_table('quote_sheets',
    sa.Column('id', _id(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('lines', db.Json(), nullable=False),
    sa.Column('start_on', sa.Date(), nullable=True),
    sa.Column('valid_until', sa.Date(), nullable=False),
    sa.Column('vehicle_count', sa.Integer(), nullable=False),
    sa.Column('refused_count', sa.Integer(), nullable=False),
    sa.Column('premium_fen', sa.BigInteger(), nullable=False),
    sa.Column('tax_fen', sa.BigInteger(), nullable=False),
    sa.Column('created_by_id', _id(), nullable=False),
    sa.Column('created_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_quote_sheets_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['created_by_id'], ['users.id'], name=op.f('fk_quote_sheets_created_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quote_sheets')),
    sa.UniqueConstraint('number', name=op.f('uq_quote_sheets_number'))
    )
    op.create_index(op.f('ix_quote_sheets_account_id_created_at'), 'quote_sheets', ['account_id', 'created_at'], unique=False)

    op.create_table('quote_lines',
    sa.Column('id', _id(), nullable=False),
    sa.Column('quote_id', _id(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('vehicle_id', _id(), nullable=False),
    sa.Column('branch_id', _id(), nullable=False),
    sa.Column('plate', sa.String(length=64), nullable=True),
    sa.Column('vin', sa.String(length=64), nullable=True),
    sa.Column('use_class', _word('useclass', _CLASSES), nullable=True),
    sa.Column('seats', sa.Integer(), nullable=True),
    sa.Column('load_kg', sa.Integer(), nullable=True),
    sa.Column('line', _word('policyline', _LINES), nullable=False),
    sa.Column('cover_set', sa.String(length=64), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('rate_line_id', _id(), nullable=True),
    sa.Column('base_fen', sa.BigInteger(), nullable=True),
    sa.Column('ctpl_float', sa.String(length=64), nullable=True),
    sa.Column('premium_fen', sa.BigInteger(), nullable=True),
    sa.Column('tax_fen', sa.BigInteger(), nullable=False),
    sa.Column('refusal', sa.String(length=64), nullable=False),
    sa.Column('params', db.Json(), nullable=False),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_quote_lines_branch_id_branches')),
    sa.ForeignKeyConstraint(['quote_id'], ['quote_sheets.id'], name=op.f('fk_quote_lines_quote_id_quote_sheets')),
    sa.ForeignKeyConstraint(['rate_line_id'], ['rate_table_lines.id'], name=op.f('fk_quote_lines_rate_line_id_rate_table_lines')),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicles.id'], name=op.f('fk_quote_lines_vehicle_id_vehicles')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quote_lines')),
    sa.UniqueConstraint('quote_id', 'vehicle_id', 'line', name=op.f('uq_quote_lines_quote_id_vehicle_id_line'))
    )
    op.create_index(op.f('ix_quote_lines_quote_id_position'), 'quote_lines', ['quote_id', 'position'], unique=False)

    with op.batch_alter_table('issue_batches', schema=None) as batch_op:
        batch_op.add_column(sa.Column('quote_id', _id(), nullable=True))
        batch_op.create_index(batch_op.f('ix_issue_batches_quote_id'), ['quote_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_issue_batches_quote_id_quote_sheets'), 'quote_sheets', ['quote_id'], ['id'])


def _tables_keep_names_and_may_be_withdrawn() -> None:
    op.drop_index('uq_rate_tables_general', 'rate_tables')
    with op.batch_alter_table('rate_tables', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_rate_tables_account_id_line_effective_on'), type_='unique')
        batch_op.add_column(sa.Column('cover_set_names', db.Json(), nullable=False, server_default='{}'))
        batch_op.add_column(sa.Column('withdrawn_at', db.UtcDateTime(timezone=True), nullable=True))
    tables = sa.table('rate_tables', sa.column('line'), sa.column('cover_set_names', db.Json()))
    for line, names in _NAMES.items():
        op.execute(tables.update().where(tables.c.line == line).values(cover_set_names=names))
    with op.batch_alter_table('rate_tables', schema=None) as batch_op:
        batch_op.alter_column('cover_set_names', existing_type=db.Json(), server_default=None)
    _once('uq_rate_tables_account', ['account_id', 'line', 'effective_on'], 'withdrawn_at IS NULL')
    _once('uq_rate_tables_general', ['line', 'effective_on'], 'account_id IS NULL AND withdrawn_at IS NULL')


def downgrade() -> None:
    """Back to price tables whose prices alone change; drafts, quotes and withdrawn versions are lost."""
    with op.batch_alter_table('issue_batches', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_issue_batches_quote_id_quote_sheets'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_issue_batches_quote_id'))
        batch_op.drop_column('quote_id')
    op.drop_table('quote_lines')
    op.drop_table('quote_sheets')
    op.drop_table('rate_drafts')
    _let_withdrawn_versions_go()
    op.drop_index('uq_rate_tables_general', 'rate_tables')
    op.drop_index('uq_rate_tables_account', 'rate_tables')
    with op.batch_alter_table('rate_tables', schema=None) as batch_op:
        batch_op.drop_column('withdrawn_at')
        batch_op.drop_column('cover_set_names')
        batch_op.create_unique_constraint(
            batch_op.f('uq_rate_tables_account_id_line_effective_on'), ['account_id', 'line', 'effective_on']
        )
    _once('uq_rate_tables_general', ['line', 'effective_on'], 'account_id IS NULL')


def _let_withdrawn_versions_go() -> None:
    """A withdrawn version must not come back into force: it goes, and policies priced by it keep their premium."""
    lines = 'SELECT id FROM rate_table_lines WHERE table_id IN (SELECT id FROM rate_tables WHERE withdrawn_at IS NOT NULL)'
    op.execute(f'UPDATE policies SET rate_line_id = NULL WHERE rate_line_id IN ({lines})')
    op.execute('DELETE FROM rate_table_lines WHERE table_id IN (SELECT id FROM rate_tables WHERE withdrawn_at IS NOT NULL)')
    op.execute('DELETE FROM rate_tables WHERE withdrawn_at IS NOT NULL')
