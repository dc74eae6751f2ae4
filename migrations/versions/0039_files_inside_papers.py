"""A paper says what files it carries inside, such as the XML of an electronic invoice

Revision: 0039
Follows: 0038
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0039'
down_revision = '0038'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The papers of before carry nothing: such ones were refused."""
    with op.batch_alter_table('documents') as batch_op:
        batch_op.add_column(sa.Column('enclosed', db.Json(), nullable=False, server_default='[]'))
    with op.batch_alter_table('documents') as batch_op:
        batch_op.alter_column('enclosed', existing_type=db.Json(), server_default=None)


def downgrade() -> None:
    """What is inside stays inside."""
    with op.batch_alter_table('documents') as batch_op:
        batch_op.drop_column('enclosed')
