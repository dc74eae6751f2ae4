"""Issue runs: large orders in portions, lists of vehicles to issue for, and each refusal a row of its own

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

_OF_VEHICLES = ('vehicle_id', 'plate', 'branch_id', 'line', 'code', 'params')


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


_REFUSALS = sa.table(
    'issue_refusals',
    *(sa.column(name) for name in ('id', 'batch_id', 'vehicle_id', 'branch_id', 'plate', 'line', 'row_no', 'field', 'code')),
    sa.column('params', db.Json()),
)
_BATCHES = sa.table('issue_batches', sa.column('id'), sa.column('refused', db.Json()))


def upgrade() -> None:
    op.create_table('issue_refusals',
    sa.Column('id', _id(), nullable=False),
    sa.Column('batch_id', _id(), nullable=False),
    sa.Column('vehicle_id', _id(), nullable=True),
    sa.Column('branch_id', _id(), nullable=True),
    sa.Column('plate', sa.String(length=200), nullable=False),
    sa.Column('line', sa.Enum('ctpl', 'commercial', 'carrier_liability', name='policyline', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('row_no', sa.Integer(), nullable=True),
    sa.Column('field', sa.String(length=64), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('params', db.Json(), nullable=False),
    sa.ForeignKeyConstraint(['batch_id'], ['issue_batches.id'], name=op.f('fk_issue_refusals_batch_id_issue_batches')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_issue_refusals_branch_id_branches')),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicles.id'], name=op.f('fk_issue_refusals_vehicle_id_vehicles')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_issue_refusals'))
    )
    op.create_index(op.f('ix_issue_refusals_batch_id'), 'issue_refusals', ['batch_id'], unique=False)
    op.create_table('issue_runs',
    sa.Column('id', _id(), nullable=False),
    sa.Column('batch_id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('vehicle_count', sa.Integer(), nullable=False),
    sa.Column('done_count', sa.Integer(), nullable=False),
    sa.Column('started_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('finished_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_issue_runs_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['batch_id'], ['issue_batches.id'], name=op.f('fk_issue_runs_batch_id_issue_batches')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_issue_runs')),
    sa.UniqueConstraint('batch_id', name=op.f('uq_issue_runs_batch_id'))
    )
    op.create_index('ix_issue_runs_open', 'issue_runs', ['account_id'], unique=False, sqlite_where=sa.text('finished_at IS NULL'), postgresql_where=sa.text('finished_at IS NULL'))
    op.create_table('issue_portions',
    sa.Column('id', _id(), nullable=False),
    sa.Column('run_id', _id(), nullable=False),
    sa.Column('items', db.Json(), nullable=False),
    sa.Column('due_fen', sa.BigInteger(), nullable=False),
    sa.Column('taken_until', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('done_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['run_id'], ['issue_runs.id'], name=op.f('fk_issue_portions_run_id_issue_runs')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_issue_portions'))
    )
    op.create_index(op.f('ix_issue_portions_run_id'), 'issue_portions', ['run_id'], unique=False)
    op.create_index('ix_issue_portions_open', 'issue_portions', ['id'], unique=False, sqlite_where=sa.text('done_at IS NULL'), postgresql_where=sa.text('done_at IS NULL'))
    op.create_table('issue_lists',
    sa.Column('id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('document_id', _id(), nullable=False),
    sa.Column('filename', sa.String(length=200), nullable=False),
    sa.Column('rows', db.Json(), nullable=False),
    sa.Column('problems', db.Json(), nullable=False),
    sa.Column('created_by_id', _id(), nullable=False),
    sa.Column('created_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_issue_lists_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['created_by_id'], ['users.id'], name=op.f('fk_issue_lists_created_by_id_users')),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_issue_lists_document_id_documents')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_issue_lists'))
    )
    op.create_index(op.f('ix_issue_lists_account_id'), 'issue_lists', ['account_id'], unique=False)
    _give_refusals_rows()
    with op.batch_alter_table('issue_batches', schema=None) as batch_op:
        batch_op.drop_column('refused')


def _give_refusals_rows() -> None:
    connection = op.get_bind()
    for batch_id, refused in connection.execute(sa.select(_BATCHES.c.id, _BATCHES.c.refused)).all():
        if refused:
            rows = [{name: one[name] for name in _OF_VEHICLES} | {'batch_id': batch_id, 'field': ''} for one in refused]
            connection.execute(sa.insert(_REFUSALS), rows)


def downgrade() -> None:
    """Back to refusals within their batch; open runs, lists and refused rows of lists are lost."""
    with op.batch_alter_table('issue_batches', schema=None) as batch_op:
        batch_op.add_column(sa.Column('refused', db.Json(), nullable=False, server_default='[]'))
    with op.batch_alter_table('issue_batches', schema=None) as batch_op:
        batch_op.alter_column('refused', existing_type=db.Json(), server_default=None)
    _put_refusals_back()
    for table in ('issue_lists', 'issue_portions', 'issue_runs', 'issue_refusals'):
        op.drop_table(table)


def _put_refusals_back() -> None:
    connection = op.get_bind()
    by_batch: dict[int, list[dict[str, object]]] = {}
    of_vehicles = sa.select(_REFUSALS).where(_REFUSALS.c.vehicle_id.is_not(None), _REFUSALS.c.line.is_not(None))
    for row in connection.execute(of_vehicles.order_by(_REFUSALS.c.id)).mappings():
        by_batch.setdefault(row['batch_id'], []).append({name: row[name] for name in _OF_VEHICLES})
    for batch_id, refused in by_batch.items():
        connection.execute(sa.update(_BATCHES).where(_BATCHES.c.id == batch_id).values(refused=refused))
