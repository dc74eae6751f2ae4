"""Disputes with what both sides say and bring; the client's lists of outstanding claims, compared row by row

Revision: 0018
Follows: 0017
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db
from service_desk.base.clock import CHINA

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

_NEVER_SETTLED = ('withdrawn',)


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('outstanding_lists',
    sa.Column('id', _id(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('document_id', _id(), nullable=False),
    sa.Column('filename', sa.String(length=200), nullable=False),
    sa.Column('file_sha256', sa.String(length=64), nullable=False),
    sa.Column('state', sa.Enum('checked', 'released', name='liststate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('mapping', db.Json(), nullable=False),
    sa.Column('decisions', db.Json(), nullable=False),
    sa.Column('counts', db.Json(), nullable=False),
    sa.Column('owner_id', _id(), nullable=False),
    sa.Column('handed_in_by_id', _id(), nullable=False),
    sa.Column('handed_in_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('previous_id', _id(), nullable=True),
    sa.Column('answered_by_id', _id(), nullable=True),
    sa.Column('answered_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('answer_document_id', _id(), nullable=True),
    sa.Column('answer_sha256', sa.String(length=64), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'released') = (answered_at IS NOT NULL)", name=op.f('ck_outstanding_lists_released')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_outstanding_lists_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['answer_document_id'], ['documents.id'], name=op.f('fk_outstanding_lists_answer_document_id_documents')),
    sa.ForeignKeyConstraint(['answered_by_id'], ['users.id'], name=op.f('fk_outstanding_lists_answered_by_id_users')),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_outstanding_lists_document_id_documents')),
    sa.ForeignKeyConstraint(['handed_in_by_id'], ['users.id'], name=op.f('fk_outstanding_lists_handed_in_by_id_users')),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_outstanding_lists_owner_id_users')),
    sa.ForeignKeyConstraint(['previous_id'], ['outstanding_lists.id'], name=op.f('fk_outstanding_lists_previous_id_outstanding_lists')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outstanding_lists')),
    sa.UniqueConstraint('account_id', 'file_sha256', name=op.f('uq_outstanding_lists_account_id_file_sha256')),
    sa.UniqueConstraint('number', name=op.f('uq_outstanding_lists_number'))
    )
    op.create_index(op.f('ix_outstanding_lists_account_id_handed_in_at'), 'outstanding_lists', ['account_id', 'handed_in_at'], unique=False)
    op.create_table('disputes',
    sa.Column('id', _id(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('claim_id', _id(), nullable=False),
    sa.Column('account_id', _id(), nullable=False),
    sa.Column('branch_id', _id(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('topic', sa.Enum('amount', 'fault', 'cover', 'documents', 'loss_of_use', 'time_taken', 'other', name='disputetopic', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('claimed_fen', sa.BigInteger(), nullable=True),
    sa.Column('offered_fen', sa.BigInteger(), nullable=True),
    sa.Column('calculation_id', _id(), nullable=True),
    sa.Column('raised_by_id', _id(), nullable=False),
    sa.Column('raised_for', sa.String(length=64), nullable=False),
    sa.Column('raised_at', db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('decider_id', _id(), nullable=True),
    sa.Column('decider_named_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Enum('client_right', 'partly', 'not_right', 'withdrawn', 'mediation', 'court', name='disputeoutcome', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('reasons', sa.Text(), nullable=False),
    sa.Column('awarded_fen', sa.BigInteger(), nullable=True),
    sa.Column('consequence', sa.Enum('new_calculation', 'reopening', 'nothing', name='consequence', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('decided_by_id', _id(), nullable=True),
    sa.Column('decided_at', db.UtcDateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(decided_at IS NULL) = (outcome IS NULL)', name=op.f('ck_disputes_decided')),
    sa.CheckConstraint('claimed_fen IS NULL OR claimed_fen > 0', name=op.f('ck_disputes_claimed')),
    sa.ForeignKeyConstraint(['account_id'], ['key_accounts.id'], name=op.f('fk_disputes_account_id_key_accounts')),
    sa.ForeignKeyConstraint(['branch_id'], ['branches.id'], name=op.f('fk_disputes_branch_id_branches')),
    sa.ForeignKeyConstraint(['calculation_id'], ['claim_calculations.id'], name=op.f('fk_disputes_calculation_id_claim_calculations')),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_disputes_claim_id_claims')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['users.id'], name=op.f('fk_disputes_decided_by_id_users')),
    sa.ForeignKeyConstraint(['decider_id'], ['users.id'], name=op.f('fk_disputes_decider_id_users')),
    sa.ForeignKeyConstraint(['raised_by_id'], ['users.id'], name=op.f('fk_disputes_raised_by_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_disputes')),
    sa.UniqueConstraint('number', name=op.f('uq_disputes_number'))
    )
    op.create_index(op.f('ix_disputes_account_id_decided_at_raised_at'), 'disputes', ['account_id', 'decided_at', 'raised_at'], unique=False)
    op.create_index(op.f('ix_disputes_claim_id'), 'disputes', ['claim_id'], unique=False)
    op.create_index('uq_disputes_open', 'disputes', ['claim_id'], unique=True, sqlite_where=sa.text('decided_at IS NULL'), postgresql_where=sa.text('decided_at IS NULL'))
    op.create_table('dispute_evidence',
    sa.Column('id', _id(), nullable=False),
    sa.Column('dispute_id', _id(), nullable=False),
    sa.Column('document_id', _id(), nullable=False),
    sa.Column('side', sa.Enum('client', 'desk', name='disputeside', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('by_id', _id(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['users.id'], name=op.f('fk_dispute_evidence_by_id_users')),
    sa.ForeignKeyConstraint(['dispute_id'], ['disputes.id'], name=op.f('fk_dispute_evidence_dispute_id_disputes')),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_dispute_evidence_document_id_documents')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dispute_evidence'))
    )
    op.create_index(op.f('ix_dispute_evidence_dispute_id'), 'dispute_evidence', ['dispute_id'], unique=False)
    op.create_table('dispute_words',
    sa.Column('id', _id(), nullable=False),
    sa.Column('dispute_id', _id(), nullable=False),
    sa.Column('side', sa.Enum('client', 'desk', name='disputeside', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('is_internal', sa.Boolean(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('by_id', _id(), nullable=False),
    sa.Column('at', db.UtcDateTime(timezone=True), nullable=False),
    sa.CheckConstraint("NOT is_internal OR side = 'desk'", name=op.f('ck_dispute_words_internal')),
    sa.ForeignKeyConstraint(['by_id'], ['users.id'], name=op.f('fk_dispute_words_by_id_users')),
    sa.ForeignKeyConstraint(['dispute_id'], ['disputes.id'], name=op.f('fk_dispute_words_dispute_id_disputes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dispute_words'))
    )
    op.create_index(op.f('ix_dispute_words_dispute_id'), 'dispute_words', ['dispute_id'], unique=False)
    op.create_table('outstanding_rows',
    sa.Column('id', _id(), nullable=False),
    sa.Column('list_id', _id(), nullable=False),
    sa.Column('sheet', sa.String(length=200), nullable=True),
    sa.Column('row_no', sa.Integer(), nullable=True),
    sa.Column('kind', sa.Enum('same', 'differs', 'ended', 'not_ours', 'unsure', 'unreadable', 'only_ours', name='rowkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('how', sa.Enum('claim_no', 'report_no', 'plate_date', 'plate_near_date', 'number_typed', 'plate_typed', 'decided', name='how', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('change', sa.Enum('new', 'still_open', 'moved_on', name='change', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('claim_id', _id(), nullable=True),
    sa.Column('vehicle_id', _id(), nullable=True),
    sa.Column('enquiry_id', _id(), nullable=True),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('said', db.Json(), nullable=False),
    sa.Column('differs', db.Json(), nullable=False),
    sa.Column('candidates', db.Json(), nullable=False),
    sa.Column('standing', db.Json(), nullable=False),
    sa.Column('problems', db.Json(), nullable=False),
    sa.Column('same_as', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_outstanding_rows_claim_id_claims')),
    sa.ForeignKeyConstraint(['enquiry_id'], ['enquiries.id'], name=op.f('fk_outstanding_rows_enquiry_id_enquiries')),
    sa.ForeignKeyConstraint(['list_id'], ['outstanding_lists.id'], name=op.f('fk_outstanding_rows_list_id_outstanding_lists')),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicles.id'], name=op.f('fk_outstanding_rows_vehicle_id_vehicles')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outstanding_rows'))
    )
    op.create_index(op.f('ix_outstanding_rows_claim_id'), 'outstanding_rows', ['claim_id'], unique=False)
    op.create_index(op.f('ix_outstanding_rows_list_id_kind'), 'outstanding_rows', ['list_id', 'kind'], unique=False)
    _raise_what_was_flagged()


def _raise_what_was_flagged() -> None:
    """A claim that is marked as disputed gets the dispute it was marked for, with the words of its time line."""
    claims, events = _claims(), _events()
    connection = op.get_bind()
    connection.execute(sa.update(claims).where(claims.c.is_disputed, claims.c.state.in_(_NEVER_SETTLED)).values(is_disputed=False))
    flagged = connection.execute(sa.select(claims).where(claims.c.is_disputed).order_by(claims.c.id)).all()
    marked = {
        row.claim_id: row
        for row in connection.execute(sa.select(events).where(events.c.kind == 'dispute').order_by(events.c.at, events.c.id))
    }
    counted: Counter[int] = Counter()
    for claim, dispute in zip(flagged, _disputes(flagged, marked, counted), strict=True):
        connection.execute(sa.insert(_table('disputes', dispute)), dispute)
        event = marked.get(claim.id)
        if event is not None and event.note:
            found = connection.scalar(sa.select(sa.column('id')).select_from(sa.table('disputes')).where(sa.column('number') == dispute['number']))
            word = {
                'dispute_id': found, 'side': 'client', 'is_internal': False, 'words': event.note,
                'by_id': dispute['raised_by_id'], 'at': dispute['raised_at'],
            }
            connection.execute(sa.insert(_table('dispute_words', word)), word)
    for year, last in counted.items():
        connection.execute(
            sa.text('INSERT INTO number_sequences (scope, last_value) VALUES (:scope, :last)'),
            {'scope': f'DSP-{year}', 'last': last},
        )


def _disputes(flagged: Any, marked: dict[int, Any], counted: Counter[int]) -> Iterator[dict[str, Any]]:
    for claim in flagged:
        event = marked.get(claim.id)
        raised_at: datetime = event.at if event else claim.reported_at
        year = raised_at.astimezone(CHINA).year
        counted[year] += 1
        yield {
            'number': f'DSP-{year}-{counted[year]:06d}', 'claim_id': claim.id, 'account_id': claim.account_id,
            'branch_id': claim.branch_id, 'round': claim.round, 'topic': 'other', 'raised_for': '', 'reasons': '',
            'raised_by_id': (event.actor_id if event else None) or claim.owner_id, 'raised_at': raised_at.astimezone(UTC),
            'version': 1,
        }


def _claims() -> sa.TableClause:
    return sa.table(
        'claims',
        *(sa.column(name) for name in ('id', 'account_id', 'branch_id', 'owner_id', 'round', 'state')),
        sa.column('is_disputed', sa.Boolean()),
        sa.column('reported_at', db.UtcDateTime()),
    )


def _events() -> sa.TableClause:
    return sa.table(
        'claim_events',
        *(sa.column(name) for name in ('id', 'claim_id', 'kind', 'actor_id', 'note')),
        sa.column('at', db.UtcDateTime()),
    )


def _table(name: str, values: dict[str, Any]) -> sa.TableClause:
    kinds = {'raised_at': db.UtcDateTime(), 'at': db.UtcDateTime(), 'is_internal': sa.Boolean()}
    return sa.table(name, *(sa.column(column, kinds.get(column)) for column in values))


def downgrade() -> None:
    """Back to a mark on the claim: it stays, the disputes and the compared lists are lost with their clocks."""
    timers = "SELECT id FROM timers WHERE matter_kind = 'outstanding_list'"
    for table in (
        'sla_events', 'timer_segments', 'timer_corrections', 'pause_objections', 'timer_recomputations',
        'breach_reviews', 'timer_entries',
    ):
        op.execute(f'DELETE FROM {table} WHERE timer_id IN ({timers})')
    op.execute("DELETE FROM timers WHERE matter_kind = 'outstanding_list'")
    op.execute("DELETE FROM number_sequences WHERE scope LIKE 'DSP-%' OR scope LIKE 'OSL-%'")
    op.drop_index(op.f('ix_outstanding_rows_list_id_kind'), table_name='outstanding_rows')
    op.drop_index(op.f('ix_outstanding_rows_claim_id'), table_name='outstanding_rows')
    op.drop_table('outstanding_rows')
    op.drop_index(op.f('ix_dispute_words_dispute_id'), table_name='dispute_words')
    op.drop_table('dispute_words')
    op.drop_index(op.f('ix_dispute_evidence_dispute_id'), table_name='dispute_evidence')
    op.drop_table('dispute_evidence')
    op.drop_index('uq_disputes_open', table_name='disputes', sqlite_where=sa.text('decided_at IS NULL'), postgresql_where=sa.text('decided_at IS NULL'))
    op.drop_index(op.f('ix_disputes_claim_id'), table_name='disputes')
    op.drop_index(op.f('ix_disputes_account_id_decided_at_raised_at'), table_name='disputes')
    op.drop_table('disputes')
    op.drop_index(op.f('ix_outstanding_lists_account_id_handed_in_at'), table_name='outstanding_lists')
    op.drop_table('outstanding_lists')
