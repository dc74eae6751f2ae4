"""What a year of an endorsed policy costs, and which policy goes on for a replaced vehicle

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('policies', schema=None) as batch_op:
        batch_op.add_column(sa.Column('annual_fen', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('year_days', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('replaces_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.create_unique_constraint(batch_op.f('uq_policies_replaces_id'), ['replaces_id'])
        batch_op.create_foreign_key(batch_op.f('fk_policies_replaces_id_policies'), 'policies', ['replaces_id'], ['id'])


def downgrade() -> None:
    with op.batch_alter_table('policies', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_policies_replaces_id_policies'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('uq_policies_replaces_id'), type_='unique')
        batch_op.drop_column('replaces_id')
        batch_op.drop_column('year_days')
        batch_op.drop_column('annual_fen')
