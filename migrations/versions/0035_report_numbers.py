"""The insurer's own number of an accident report; a round withdrawn after an earlier one was paid

Revision: 0035
Follows: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = '0035'
down_revision = '0034'
branch_labels = None
depends_on = None

_KEY = 'ix_claims_report_key'
_ACTIONS = (
    'complete_report', 'dispatch', 'assign', 'contact', 'arrive', 'survey', 'assess', 'request_documents',
    'receive_document', 'reject_document', 'waive_document', 'complete_documents', 'calculate', 'approve', 'send_back',
    'pay_advance', 'pay_part', 'pay', 'return_payment', 'close', 'follow_up', 'withdraw', 'deny', 'send_denial_letter',
    'reopen', 'set_reserve', 'dispute', 'settle_dispute',
)
# In the order of the model, as the tables of both ways are compared word for word.
_AFTER = _ACTIONS.index('withdraw') + 1
_NEW_ACTIONS = (*_ACTIONS[:_AFTER], 'withdraw_round', *_ACTIONS[_AFTER:])


def _admit(values: tuple[str, ...]) -> None:
    """Let the lines of the time line hold these actions and no others."""
    name = 'ck_claim_events_claimaction'
    listed = ', '.join(repr(value) for value in values)
    with op.batch_alter_table('claim_events') as batch_op:
        batch_op.drop_constraint(batch_op.f(name), type_='check')
        batch_op.create_check_constraint(batch_op.f(name), f'action IN ({listed})')


def upgrade() -> None:
    op.add_column('claims', sa.Column('report_no', sa.String(length=64), nullable=True))
    op.add_column('claims', sa.Column('report_key', sa.String(length=64), nullable=True))
    where = sa.text('report_key IS NOT NULL')
    op.create_index(_KEY, 'claims', ['account_id', 'report_key'], sqlite_where=where, postgresql_where=where)
    _admit(_NEW_ACTIONS)


def downgrade() -> None:
    """Back to claims without the insurer's numbers; a round that was withdrawn keeps its line as one that was closed."""
    op.execute("UPDATE claim_events SET action = 'close' WHERE action = 'withdraw_round'")
    _admit(_ACTIONS)
    op.drop_index(_KEY, 'claims')
    op.drop_column('claims', 'report_key')
    op.drop_column('claims', 'report_no')
