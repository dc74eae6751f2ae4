"""Papers on their way to the branches, and lists of policies to take over

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

_VERDICTS = ('new', 'changed', 'unchanged', 'skipped', 'rejected')
_ONCE_OPEN = {'policy': 'policy_id', 'endorsement': 'endorsement_id', 'receipt': 'receipt_id', 'card': 'vehicle_id'}


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _admit_verdicts(verdicts: tuple[str, ...]) -> None:
    with op.batch_alter_table('fleet_import_rows') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_fleet_import_rows_rowverdict'), type_='check')
        batch_op.create_check_constraint(
            batch_op.f('ck_fleet_import_rows_rowverdict'), f"verdict IN ({', '.join(repr(one) for one in verdicts)})"
        )


def upgrade() -> None:
    op.create_table('delivery_runs',
    sa.Column('id', _id(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('branch_id', _id(), nullable=False),
    sa.Column('planned_on', sa.Date(), nullable=False),
    sa.Column('carried_by', sa.String(length=64), nullable=False),
    sa.Column('state', sa.Enum('planned', 'out', 'delivered', 'returned', name='runstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('created_by_id', _id(), nullable=False),
    sa.Column('created_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('out_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('signed_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('signed_by', sa.String(length=64), nullable=False),
    sa.Column('signed_position', sa.String(length=64), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('recorded_by_id', _id(), nullable=True),
    sa.Column('recorded_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('document_id', _id(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_delivery_runs_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_delivery_runs_branch_id_branches')),
    sa.ForeignKeyConstraint(['created_by_id'], ['users.id'], name=op.f('fk_delivery_runs_created_by_id_users')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['users.id'], name=op.f('fk_delivery_runs_recorded_by_id_users')),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_delivery_runs_document_id_documents')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_runs')),
    sa.UniqueConstraint('number', name=op.f('uq_delivery_runs_number'))
    )
    with op.batch_alter_table('delivery_runs') as batch_op:
        batch_op.create_index(batch_op.f('ix_delivery_runs_account_id_state'), ['account_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_delivery_runs_branch_id'), ['branch_id'], unique=False)

    op.create_table('delivery_items',
    sa.Column('id', _id(), nullable=False),
    sa.Column('run_id', _id(), nullable=False),
    sa.Column('kind', sa.Enum('policy', 'endorsement', 'receipt', 'card', name='paperkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('policy_id', _id(), nullable=True),
    sa.Column('endorsement_id', _id(), nullable=True),
    sa.Column('receipt_id', _id(), nullable=True),
    sa.Column('vehicle_id', _id(), nullable=True),
    sa.Column('state', sa.Enum('open', 'delivered', 'brought_back', name='itemstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=False),
    sa.CheckConstraint("(policy_id IS NOT NULL AND kind = 'policy') OR (endorsement_id IS NOT NULL AND kind = 'endorsement') OR (receipt_id IS NOT NULL AND kind = 'receipt') OR (vehicle_id IS NOT NULL AND kind = 'card')", name=op.f('ck_delivery_items_paper')),
    sa.ForeignKeyConstraint(['run_id'], ['delivery_runs.id'], name=op.f('fk_delivery_items_run_id_delivery_runs')),
    sa.ForeignKeyConstraint(['policy_id'], ['policies.id'], name=op.f('fk_delivery_items_policy_id_policies')),
    sa.ForeignKeyConstraint(['endorsement_id'], ['endorsements.id'], name=op.f('fk_delivery_items_endorsement_id_endorsements')),
    sa.ForeignKeyConstraint(['receipt_id'], ['receipts.id'], name=op.f('fk_delivery_items_receipt_id_receipts')),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicles.id'], name=op.f('fk_delivery_items_vehicle_id_vehicles')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_items'))
    )
    with op.batch_alter_table('delivery_items') as batch_op:
        for column in ('run_id', 'policy_id', 'endorsement_id', 'vehicle_id'):
            batch_op.create_index(batch_op.f(f'ix_delivery_items_{column}'), [column], unique=False)
        batch_op.create_index(batch_op.f('ix_delivery_items_receipt_id_state'), ['receipt_id', 'state'], unique=False)
        for kind, column in _ONCE_OPEN.items():
            batch_op.create_index(f'uq_delivery_items_{kind}', [column], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    with op.batch_alter_table('fleet_imports') as batch_op:
        batch_op.add_column(sa.Column('kind', sa.Enum('fleet', 'policies', name='importkind', native_enum=False, create_constraint=True, length=40), nullable=True))
        batch_op.add_column(sa.Column('answers', db.Json(), nullable=True))
        batch_op.add_column(sa.Column('totals', db.Json(), nullable=True))
        batch_op.add_column(sa.Column('totals_reason', sa.String(length=200), nullable=True))
    op.execute("UPDATE fleet_imports SET kind = 'fleet', answers = '{}', totals = '[]', totals_reason = ''")
    with op.batch_alter_table('fleet_imports') as batch_op:
        batch_op.alter_column('kind', existing_type=sa.String(length=40), nullable=False)
        batch_op.alter_column('answers', existing_type=db.Json(), nullable=False)
        batch_op.alter_column('totals', existing_type=db.Json(), nullable=False)
        batch_op.alter_column('totals_reason', existing_type=sa.String(length=200), nullable=False)
    _admit_verdicts((*_VERDICTS, 'question'))


def downgrade() -> None:
    """Policies taken over stay; the lists they came from, and the runs, are lost."""
    op.execute("DELETE FROM fleet_import_rows WHERE import_id IN (SELECT id FROM fleet_imports WHERE kind = 'policies')")
    op.execute("DELETE FROM fleet_imports WHERE kind = 'policies'")
    _admit_verdicts(_VERDICTS)
    with op.batch_alter_table('fleet_imports') as batch_op:
        batch_op.drop_column('totals_reason')
        batch_op.drop_column('totals')
        batch_op.drop_column('answers')
        batch_op.drop_constraint(batch_op.f('ck_fleet_imports_importkind'), type_='check')
        batch_op.drop_column('kind')
    with op.batch_alter_table('delivery_items') as batch_op:
        for kind in _ONCE_OPEN:
            batch_op.drop_index(f'uq_delivery_items_{kind}', sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
        batch_op.drop_index(batch_op.f('ix_delivery_items_receipt_id_state'))
        for column in ('run_id', 'policy_id', 'endorsement_id', 'vehicle_id'):
            batch_op.drop_index(batch_op.f(f'ix_delivery_items_{column}'))
    op.drop_table('delivery_items')
    with op.batch_alter_table('delivery_runs') as batch_op:
        batch_op.drop_index(batch_op.f('ix_delivery_runs_branch_id'))
        batch_op.drop_index(batch_op.f('ix_delivery_runs_account_id_state'))
    op.drop_table('delivery_runs')
