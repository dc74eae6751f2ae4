"""What waits for somebody whose login was closed meanwhile is not sent, and says so

Revision: 0037
Follows: 0036
"""

from alembic import op

revision = '0037'
down_revision = '0036'
branch_labels = None
depends_on = None

_REASONS = ('gave_up', 'refused', 'bad_address', 'bouncing', 'channel_off', 'not_rendered')


def upgrade() -> None:
    """One more reason why a message was not delivered."""
    _admit((*_REASONS, 'login_closed'))


def downgrade() -> None:
    """Back to the former reasons: what was not sent was refused."""
    op.execute("UPDATE notices SET fail_reason = 'refused' WHERE fail_reason = 'login_closed'")
    _admit(_REASONS)


def _admit(reasons: tuple[str, ...]) -> None:
    name, listed = 'ck_notices_failreason', ', '.join(repr(reason) for reason in reasons)
    with op.batch_alter_table('notices') as batch_op:
        batch_op.drop_constraint(batch_op.f(name), type_='check')
        batch_op.create_check_constraint(batch_op.f(name), f'fail_reason IN ({listed})')
