"""Claims in depth: parties with their items, follow-ups of the injured, the reserve ledger, files and notices of a checklist

Revision: 0017
Follows: 0016
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

import service_desk.models.db as db

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

_LOSS_KINDS = (
    'own_vehicle', 'third_party_vehicle', 'property', 'injury', 'death', 'passenger_injury', 'passenger_death', 'rescue',
)
_PORTION = 1000


def _id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def _instant() -> sa.types.TypeEngine:
    return db.UtcDateTime(timezone=True)


def _enum(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=40)


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f'{target}.id'], name=op.f(f'fk_{table}_{column}_{target}'))


def upgrade() -> None:
    with op.batch_alter_table('wanted_documents') as batch_op:
        batch_op.add_column(sa.Column('original_at', _instant(), nullable=True))
    _make_parties()
    _make_ledger()
    _make_papers()
    _keep_movements()
    _keep_files()
    _keep_notices()


def _make_parties() -> None:
    op.create_table(
        'claim_parties',
        sa.Column('id', _id(), nullable=False),
        sa.Column('claim_id', _id(), nullable=False),
        sa.Column('kind', _enum('partykind', 'own_vehicle', 'other_vehicle', 'person', 'property'), nullable=False),
        sa.Column('name', sa.String(64), nullable=False),
        sa.Column('phone', sa.String(64), nullable=False),
        sa.Column('id_number', sa.String(64), nullable=False),
        sa.Column('what', sa.String(200), nullable=False),
        sa.Column('plate', sa.String(64), nullable=False),
        sa.Column('insurer', sa.String(200), nullable=False),
        sa.Column('policy_number', sa.String(64), nullable=False),
        sa.Column('age', sa.Integer(), nullable=True),
        sa.Column('role', _enum('personrole', 'pedestrian', 'other_vehicle', 'our_passenger', 'our_driver'), nullable=True),
        sa.Column('severity', _enum('injuryseverity', 'slight', 'serious', 'disabled', 'dead'), nullable=True),
        sa.Column('hospital', sa.String(200), nullable=False),
        sa.Column('created_at', _instant(), nullable=False),
        sa.Column('created_by_id', _id(), nullable=False),
        sa.Column('removed_at', _instant(), nullable=True),
        sa.Column('removed_reason', sa.String(200), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        _to('claim_parties', 'claim_id', 'claims'),
        _to('claim_parties', 'created_by_id', 'users'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_claim_parties')),
    )
    op.create_index(op.f('ix_claim_parties_claim_id'), 'claim_parties', ['claim_id'])
    op.create_table(
        'party_items',
        sa.Column('id', _id(), nullable=False),
        sa.Column('claim_id', _id(), nullable=False),
        sa.Column('party_id', _id(), nullable=False),
        sa.Column('kind', _enum('losskind', *_LOSS_KINDS), nullable=False),
        sa.Column('label', sa.String(200), nullable=False),
        sa.Column('first_fen', sa.BigInteger(), nullable=True),
        sa.Column('assessed_fen', sa.BigInteger(), nullable=True),
        sa.Column('reviewed_fen', sa.BigInteger(), nullable=True),
        sa.Column('created_at', _instant(), nullable=False),
        sa.Column('created_by_id', _id(), nullable=False),
        sa.CheckConstraint('first_fen >= 0 AND assessed_fen >= 0 AND reviewed_fen >= 0', name=op.f('ck_party_items_amounts')),
        _to('party_items', 'claim_id', 'claims'),
        _to('party_items', 'party_id', 'claim_parties'),
        _to('party_items', 'created_by_id', 'users'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_party_items')),
    )
    op.create_index(op.f('ix_party_items_claim_id'), 'party_items', ['claim_id'])
    op.create_index(op.f('ix_party_items_party_id'), 'party_items', ['party_id'])
    stages = ('emergency', 'inpatient', 'surgery', 'discharged', 'outpatient', 'appraisal', 'ended')
    op.create_table(
        'injury_follow_ups',
        sa.Column('id', _id(), nullable=False),
        sa.Column('claim_id', _id(), nullable=False),
        sa.Column('party_id', _id(), nullable=False),
        sa.Column('on_day', sa.Date(), nullable=False),
        sa.Column('hospital', sa.String(200), nullable=False),
        sa.Column('condition', sa.Text(), nullable=False),
        sa.Column('stage', _enum('treatmentstage', *stages), nullable=False),
        sa.Column('cost_fen', sa.BigInteger(), nullable=False),
        sa.Column('forecast_fen', sa.BigInteger(), nullable=False),
        sa.Column('next_on', sa.Date(), nullable=True),
        sa.Column('recorded_at', _instant(), nullable=False),
        sa.Column('recorded_by_id', _id(), nullable=False),
        sa.CheckConstraint('cost_fen >= 0 AND forecast_fen >= 0', name=op.f('ck_injury_follow_ups_amounts')),
        _to('injury_follow_ups', 'claim_id', 'claims'),
        _to('injury_follow_ups', 'party_id', 'claim_parties'),
        _to('injury_follow_ups', 'recorded_by_id', 'users'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_injury_follow_ups')),
    )
    op.create_index(op.f('ix_injury_follow_ups_claim_id'), 'injury_follow_ups', ['claim_id'])
    op.create_index(op.f('ix_injury_follow_ups_party_id'), 'injury_follow_ups', ['party_id'])


def _make_ledger() -> None:
    kinds = ('new', 'reopened', 'increase', 'decrease', 'divided', 'paid', 'released')
    items = ('own_vehicle', 'third_party', 'injury', 'fees', 'undivided')
    op.create_table(
        'reserve_movements',
        sa.Column('id', _id(), nullable=False),
        sa.Column('claim_id', _id(), nullable=False),
        sa.Column('at', _instant(), nullable=False),
        sa.Column('kind', _enum('movementkind', *kinds), nullable=False),
        sa.Column('item', _enum('reserveitem', *items), nullable=False),
        sa.Column('amount_fen', sa.BigInteger(), nullable=False),
        sa.Column('entry_id', _id(), nullable=True),
        sa.Column('actor_id', _id(), nullable=False),
        sa.CheckConstraint(
            "amount_fen > 0 OR (amount_fen < 0 AND kind IN ('divided', 'paid'))", name=op.f('ck_reserve_movements_amount')
        ),
        _to('reserve_movements', 'claim_id', 'claims'),
        _to('reserve_movements', 'entry_id', 'reserve_entries'),
        _to('reserve_movements', 'actor_id', 'users'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_reserve_movements')),
    )
    for column in ('at', 'claim_id', 'entry_id'):
        op.create_index(op.f(f'ix_reserve_movements_{column}'), 'reserve_movements', [column])


def _make_papers() -> None:
    op.create_table(
        'claim_checklists',
        sa.Column('id', _id(), nullable=False),
        sa.Column('claim_id', _id(), nullable=False),
        sa.Column('features', db.Json(), nullable=False),
        sa.Column('changed_at', _instant(), nullable=False),
        sa.Column('changed_by_id', _id(), nullable=False),
        _to('claim_checklists', 'claim_id', 'claims'),
        _to('claim_checklists', 'changed_by_id', 'users'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_claim_checklists')),
        sa.UniqueConstraint('claim_id', name=op.f('uq_claim_checklists_claim_id')),
    )
    op.create_table(
        'wanted_files',
        sa.Column('id', _id(), nullable=False),
        sa.Column('wanted_id', _id(), nullable=False),
        sa.Column('document_id', _id(), nullable=False),
        sa.Column('state', _enum('filestate', 'received', 'accepted', 'rejected'), nullable=False),
        sa.Column('reason', sa.String(200), nullable=False),
        sa.Column('decided_by_id', _id(), nullable=True),
        sa.Column('decided_at', _instant(), nullable=True),
        _to('wanted_files', 'wanted_id', 'wanted_documents'),
        _to('wanted_files', 'document_id', 'documents'),
        _to('wanted_files', 'decided_by_id', 'users'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_wanted_files')),
        sa.UniqueConstraint('wanted_id', 'document_id', name=op.f('uq_wanted_files_wanted_id_document_id')),
    )
    op.create_index(op.f('ix_wanted_files_document_id'), 'wanted_files', ['document_id'])
    op.create_table(
        'document_notices',
        sa.Column('id', _id(), nullable=False),
        sa.Column('claim_id', _id(), nullable=False),
        sa.Column('round', sa.Integer(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('is_later_demand', sa.Boolean(), nullable=False),
        sa.Column('at', _instant(), nullable=False),
        sa.Column('by_id', _id(), nullable=False),
        sa.Column('codes', db.Json(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        _to('document_notices', 'claim_id', 'claims'),
        _to('document_notices', 'by_id', 'users'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_document_notices')),
        sa.UniqueConstraint('claim_id', 'number', name=op.f('uq_document_notices_claim_id_number')),
    )


def _table(name: str, *plain: str, **typed: sa.types.TypeEngine) -> sa.TableClause:
    return sa.table(name, *(sa.column(c) for c in plain), *(sa.column(c, t) for c, t in typed.items()))


def _insert(table: sa.TableClause, rows: Iterator[dict[str, Any]]) -> None:
    """A portion at a time: an old desk has many."""
    portion: list[dict[str, Any]] = []
    for row in rows:
        portion.append(row)
        if len(portion) == _PORTION:
            op.bulk_insert(table, portion)
            portion = []
    if portion:
        op.bulk_insert(table, portion)


def _keep_movements() -> None:
    """The ledger of what was recorded before: all of it undivided, since only the whole was kept then."""
    entries = _table('reserve_entries', 'id', 'claim_id', 'kind', 'before_fen', 'after_fen', 'actor_id', at=_instant())
    payments = _table('claim_payments', 'id', 'claim_id', 'amount_fen', 'paid_by_id', paid_at=_instant())
    movements = _table(
        'reserve_movements', 'claim_id', 'kind', 'item', 'amount_fen', 'entry_id', 'actor_id', at=_instant()
    )
    connection = op.get_bind()
    changed = [
        (e.claim_id, e.at, 0, e.id, e.kind, e.after_fen - e.before_fen, e.actor_id)
        for e in connection.execute(sa.select(entries))
    ]
    paid = [
        (p.claim_id, p.paid_at, 1, None, 'paid', p.amount_fen, p.paid_by_id)
        for p in connection.execute(sa.select(payments))
    ]
    history = sorted(changed + paid, key=lambda one: (one[0], one[1], one[2], one[3] or 0))
    _insert(movements, _movements(history))


def _movements(history: list[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    for _claim, own in groupby(history, key=lambda one: one[0]):
        is_first = True
        for claim_id, at, _order, entry_id, kind, change, actor_id in own:
            if not change:
                continue
            yield {
                'claim_id': claim_id,
                'at': at,
                'kind': _class_of(kind, change, is_first),
                'item': 'undivided',
                'amount_fen': abs(change),
                'entry_id': entry_id,
                'actor_id': actor_id,
            }
            is_first = is_first and kind == 'paid'


def _class_of(kind: str, change: int, is_first: bool) -> str:
    if kind == 'paid':
        return 'paid'
    if change < 0:
        return 'released' if kind == 'release' else 'decrease'
    if kind == 'reopening':
        return 'reopened'
    return 'new' if is_first else 'increase'


def _keep_files() -> None:
    lines = _table(
        'wanted_documents', 'id', 'state', 'reason', 'decided_by_id', decided_at=_instant(), document_ids=db.Json()
    )
    files = _table('wanted_files', 'wanted_id', 'document_id', 'state', 'reason', 'decided_by_id', decided_at=_instant())
    rows = op.get_bind().execute(sa.select(lines)).all()
    _insert(
        files,
        (
            {
                'wanted_id': line.id,
                'document_id': document_id,
                'state': 'rejected' if line.state == 'rejected' else 'received',
                'reason': line.reason if line.state == 'rejected' else '',
                'decided_by_id': line.decided_by_id if line.state == 'rejected' else None,
                'decided_at': line.decided_at if line.state == 'rejected' else None,
            }
            for line in rows
            for document_id in dict.fromkeys(line.document_ids)
        ),
    )


def _keep_notices() -> None:
    events = _table(
        'claim_events', 'id', 'claim_id', 'round', 'action', 'actor_id', 'note', at=_instant(), params=db.Json()
    )
    notices = _table(
        'document_notices', 'claim_id', 'round', 'number', 'is_later_demand', 'by_id', 'reason', at=_instant(), codes=db.Json()
    )
    asked = sa.select(events).where(events.c.action == 'request_documents').order_by(events.c.claim_id, events.c.id)
    rows = op.get_bind().execute(asked).all()
    _insert(notices, _notices(rows))


def _notices(rows: Any) -> Iterator[dict[str, Any]]:
    for _claim, own in groupby(rows, key=lambda row: row.claim_id):
        rounds: set[int] = set()
        for number, row in enumerate(own, 1):
            yield {
                'claim_id': row.claim_id,
                'round': row.round,
                'number': number,
                'is_later_demand': row.round in rounds,
                'by_id': row.actor_id,
                'reason': row.note,
                'at': row.at,
                'codes': row.params.get('codes', []),
            }
            rounds.add(row.round)


def downgrade() -> None:
    """Back to the whole reserve and its checklist; parties, items, follow-ups and the ledger's division are lost."""
    for table in (
        'document_notices', 'wanted_files', 'claim_checklists', 'reserve_movements', 'injury_follow_ups', 'party_items',
        'claim_parties',
    ):
        op.drop_table(table)
    with op.batch_alter_table('wanted_documents') as batch_op:
        batch_op.drop_column('original_at')
