"""What a calendar program answers an invitation by mail

Revision: 0038
Follows: 0037
"""

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0038'
down_revision = '0037'
branch_labels = None
depends_on = None

_OUTCOMES = (
    'contact', 'further_call', 'message', 'unsorted', 'bounce', 'automatic', 'refused', 'set_aside', 'dismissed',
)
# In the order of the model, as the tables of both ways are compared word for word.
_NEW_OUTCOMES = (*_OUTCOMES[:3], 'calendar_reply', *_OUTCOMES[3:])
_ANSWERS = sa.Enum(
    'accepted', 'declined', 'tentative', name='mailedanswer', native_enum=False, create_constraint=True, length=40
)


def _admit(values: tuple[str, ...]) -> None:
    """Let received mails have become these and nothing else."""
    name = 'ck_received_mails_mailoutcome'
    listed = ', '.join(repr(value) for value in values)
    with op.batch_alter_table('received_mails') as batch_op:
        batch_op.drop_constraint(batch_op.f(name), type_='check')
        batch_op.create_check_constraint(batch_op.f(name), f'outcome IN ({listed})')


def upgrade() -> None:
    with op.batch_alter_table('event_participants') as batch_op:
        batch_op.add_column(sa.Column('mail_answer', _ANSWERS, nullable=True))
        batch_op.add_column(sa.Column('mail_answered_at', db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('mail_words', sa.Text(), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f('ck_event_participants_mailed'), '(mail_answer IS NULL) = (mail_answered_at IS NULL)'
        )
    _admit(_NEW_OUTCOMES)


def downgrade() -> None:
    """Back to answers of the page alone; a reply that was read counts as what a machine wrote."""
    op.execute("UPDATE received_mails SET outcome = 'automatic' WHERE outcome = 'calendar_reply'")
    _admit(_OUTCOMES)
    with op.batch_alter_table('event_participants') as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_event_participants_mailed'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_event_participants_mailedanswer'), type_='check')
        batch_op.drop_column('mail_words')
        batch_op.drop_column('mail_answered_at')
        batch_op.drop_column('mail_answer')
