"""A calculation also keeps what is to be got back

Revision: 0013
Follows: 0012
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('claim_calculations') as batch_op:
        batch_op.add_column(sa.Column('recoveries', db.Json(), nullable=False, server_default='[]'))
    with op.batch_alter_table('claim_calculations') as batch_op:
        batch_op.alter_column('recoveries', existing_type=db.Json(), server_default=None)


def downgrade() -> None:
    """Back to calculations without recoveries: what was to be got back is lost."""
    with op.batch_alter_table('claim_calculations') as batch_op:
        batch_op.drop_column('recoveries')
