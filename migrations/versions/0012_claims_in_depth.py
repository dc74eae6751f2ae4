"""Claims in depth: the clocks of disputes and of outstanding lists, more steps of a claim, more kinds of papers

Revision: 0012
Follows: 0011
"""

from datetime import date

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

_STEPS = (
    'first_reply', 'dispatch', 'contact', 'survey', 'large_loss_notice', 'deficiency_notice', 'ctpl_document_list',
    'assessment', 'liability_decision', 'ctpl_decision', 'denial_notice', 'calculation', 'payment', 'advance_payment',
    'followup', 'breach_review', 'vehicle_approval', 'vehicle_issue', 'cover_chase',
)
_NEW_STEPS = ('dispute', 'outstanding_list')
_DOCUMENTS = (
    'fleet_list', 'scene_photo', 'survey_photo', 'assessment_photo', 'claim_document', 'pause_evidence', 'review_evidence',
    'vehicle_licence', 'policy_list', 'delivery_receipt',
)
_NEW_DOCUMENTS = ('survey_sketch', 'dispute_evidence', 'outstanding_list', 'claim_letter')
_ACTIONS = (
    'dispatch', 'assign', 'contact', 'arrive', 'survey', 'assess', 'request_documents', 'receive_document',
    'reject_document', 'waive_document', 'complete_documents', 'calculate', 'approve', 'send_back', 'pay_part', 'pay',
    'close', 'follow_up', 'withdraw', 'deny', 'send_denial_letter', 'reopen', 'set_reserve', 'dispute', 'settle_dispute',
)
_NEW_ACTIONS = ('complete_report', 'pay_advance', 'return_payment')
_ALL_ACTIONS = (
    'complete_report', 'dispatch', 'assign', 'contact', 'arrive', 'survey', 'assess', 'request_documents',
    'receive_document', 'reject_document', 'waive_document', 'complete_documents', 'calculate', 'approve', 'send_back',
    'pay_advance', 'pay_part', 'pay', 'return_payment', 'close', 'follow_up', 'withdraw', 'deny', 'send_denial_letter',
    'reopen', 'set_reserve', 'dispute', 'settle_dispute',
)


def _listed(values: tuple[str, ...]) -> str:
    return ', '.join(repr(value) for value in values)


def _admit(table: str, name: str, column: str, values: tuple[str, ...]) -> None:
    """Let the column hold these words and no others."""
    with op.batch_alter_table(table) as batch_op:
        batch_op.drop_constraint(batch_op.f(f'ck_{table}_{name}'), type_='check')
        batch_op.create_check_constraint(batch_op.f(f'ck_{table}_{name}'), f'{column} IN ({_listed(values)})')


def upgrade() -> None:
    for table in ('timers', 'service_levels'):
        _admit(table, 'clockstep', 'step', _STEPS + _NEW_STEPS)
    _admit('documents', 'documentkind', 'kind', _DOCUMENTS + _NEW_DOCUMENTS)
    _admit('claim_events', 'claimaction', 'action', _ALL_ACTIONS)
    _promise_new_clocks()


def _promise_new_clocks() -> None:
    """A desk that has levels gets those of the new steps; a new one gets all of them when it starts."""
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
        'target_unit': 'working_days',
        'calendar_code': 'office',
        'warn_percent': 75,
        'version': 1,
        'escalate_after_minutes': [240],
        'escalate_to': [],
        'effective_on': date(2024, 1, 1),
    }
    op.bulk_insert(
        levels,
        [
            common | {'step': 'dispute', 'target_value': 5, 'source': 'desk_rule'},
            common | {'step': 'outstanding_list', 'target_value': 2, 'source': 'desk_promise'},
        ],
    )


def downgrade() -> None:
    """Back to the claims of before; clocks, papers and lines of the time line that are new are lost."""
    steps = _listed(_NEW_STEPS)
    for table in (
        'sla_events', 'timer_segments', 'timer_corrections', 'pause_objections', 'timer_recomputations',
        'breach_reviews', 'timer_entries',
    ):
        op.execute(f'DELETE FROM {table} WHERE timer_id IN (SELECT id FROM timers WHERE step IN ({steps}))')
    op.execute(f'DELETE FROM timers WHERE step IN ({steps})')
    op.execute(f'DELETE FROM service_levels WHERE step IN ({steps})')
    op.execute(f'DELETE FROM documents WHERE kind IN ({_listed(_NEW_DOCUMENTS)})')
    op.execute(f'DELETE FROM claim_events WHERE action IN ({_listed(_NEW_ACTIONS)})')
    for table in ('timers', 'service_levels'):
        _admit(table, 'clockstep', 'step', _STEPS)
    _admit('documents', 'documentkind', 'kind', _DOCUMENTS)
    _admit('claim_events', 'claimaction', 'action', _ACTIONS)
