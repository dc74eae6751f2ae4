"""The rows of a desk as plain tuples: what is counted over, made at random or read table by table."""

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Date, select

from service_desk.models.db import Base, Json, UtcDateTime, db
from tests import databases


class Account(NamedTuple):
    id: int
    name: str
    zone: str


class Branch(NamedTuple):
    id: int
    account_id: int
    parent_id: int | None
    path: str
    name: str
    name_en: str
    is_active: bool


class Person(NamedTuple):
    id: int
    name: str


class Vehicle(NamedTuple):
    id: int
    account_id: int
    branch_id: int
    plate: str | None
    vin: str | None
    use_class: str | None
    state: str
    created_at: datetime


class InBranch(NamedTuple):
    id: int
    vehicle_id: int
    branch_id: int
    from_at: datetime
    to_at: datetime | None


class InState(NamedTuple):
    id: int
    vehicle_id: int
    state: str
    from_at: datetime
    to_at: datetime | None


class Claim(NamedTuple):
    id: int
    number: str
    account_id: int
    branch_id: int
    vehicle_id: int
    plate: str
    state: str
    round: int
    loss_at: datetime
    reported_at: datetime
    place: str
    is_urban: bool
    injured_count: int
    reported_by_id: int
    owner_id: int
    reserve_fen: int
    highest_estimate_fen: int
    approved_fen: int
    paid_fen: int
    closed_at: datetime | None


class Event(NamedTuple):
    id: int
    claim_id: int
    round: int
    at: datetime
    recorded_at: datetime
    kind: str
    action: str | None
    from_state: str
    to_state: str


class Survey(NamedTuple):
    id: int
    claim_id: int
    round: int
    surveyor_id: int
    arrived_at: datetime
    recorded_at: datetime
    is_first_scene: bool
    estimate_fen: int


class Reserve(NamedTuple):
    id: int
    claim_id: int
    at: datetime
    kind: str
    item: str
    before_fen: int
    after_fen: int
    actor_id: int


class Movement(NamedTuple):
    id: int
    claim_id: int
    at: datetime
    kind: str
    item: str
    amount_fen: int
    actor_id: int


class Payment(NamedTuple):
    id: int
    claim_id: int
    amount_fen: int
    paid_at: datetime
    paid_by_id: int
    returned_at: datetime | None


class Answer(NamedTuple):
    id: int
    claim_id: int
    round: int
    at: datetime
    score: int
    speed: int | None
    attitude: int | None
    result: int | None
    wants_call_back: bool
    is_dissatisfied: bool


class Dispute(NamedTuple):
    id: int
    number: str
    claim_id: int
    account_id: int
    branch_id: int
    round: int
    topic: str
    claimed_fen: int | None
    raised_by_id: int
    raised_at: datetime
    outcome: str | None
    awarded_fen: int | None
    decided_at: datetime | None


class Checklist(NamedTuple):
    id: int
    claim_id: int
    features: Any
    changed_at: datetime
    changed_by_id: int


class Clock(NamedTuple):
    id: int
    account_id: int
    branch_id: int | None
    matter_kind: str
    matter_id: int
    matter_number: str
    step: str
    cycle: int
    level_id: int
    target_value: int
    target_unit: str
    calendar_code: str
    calendar_digest: str
    holder_id: int
    state: str
    started_at: datetime
    due_at: datetime | None
    warn_at: datetime | None
    breached_at: datetime | None
    paused_at: datetime | None
    stopped_at: datetime | None
    measured_at: datetime
    over_seconds: int


class Entry(NamedTuple):
    id: int
    timer_id: int
    at: datetime
    kind: str
    holder_id: int
    reason: str
    recorded_at: datetime


class Stretch(NamedTuple):
    id: int
    timer_id: int
    ordinal: int
    from_at: datetime
    to_at: datetime
    holder_id: int
    reason: str | None


class Review(NamedTuple):
    id: int
    timer_id: int
    cause: str
    correction: str
    correction_owner_id: int | None
    correction_due_on: date | None
    signed_by_id: int
    signed_at: datetime
    corrected_at: datetime | None


class Level(NamedTuple):
    id: int
    step: str
    is_urban: bool | None
    amount_to_fen: int | None
    target_value: int
    target_unit: str
    calendar_code: str


class Calendar(NamedTuple):
    id: int
    code: str
    zone: str
    week: Any
    digest: str | None


class CalendarDay(NamedTuple):
    calendar_id: int
    day: date
    hours: Any


class Cause(NamedTuple):
    code: str
    name: str


class Policy(NamedTuple):
    id: int
    number: str
    account_id: int
    branch_id: int
    issued_branch_id: int
    vehicle_id: int
    origin: str
    line: str
    cover_set: str
    state: str
    starts_at: datetime
    ends_at: datetime
    agreed_ends_at: datetime
    premium_fen: int
    annual_fen: int | None
    tax_fen: int
    plate: str | None
    vin: str | None
    vehicle_facts: Any
    issued_by_id: int
    issued_at: datetime


class Cover(NamedTuple):
    id: int
    policy_id: int
    code: str
    limit_fen: int | None
    from_at: datetime | None
    to_at: datetime | None


class Outside(NamedTuple):
    id: int
    account_id: int
    vehicle_id: int
    line: str
    starts_at: datetime | None
    ends_at: datetime
    source: str
    noted_at: datetime


class Requirement(NamedTuple):
    id: int
    account_id: int | None
    use_class: str
    layers: Any
    effective_on: date


class Endorsement(NamedTuple):
    id: int
    number: str
    account_id: int
    branch_id: int
    policy_id: int
    ordinal: int
    kind: str
    effective_at: datetime
    premium_fen: int
    before: Any
    after: Any
    created_by_id: int
    created_at: datetime


class Debt(NamedTuple):
    id: int
    account_id: int
    branch_id: int
    policy_id: int
    endorsement_id: int | None
    instalment: int
    amount_fen: int
    settled_fen: int
    due_on: date
    created_at: datetime


class Receipt(NamedTuple):
    id: int
    number: str
    account_id: int
    branch_id: int
    amount_fen: int
    allocated_fen: int
    received_on: date
    method: str
    recorded_by_id: int
    recorded_at: datetime
    reversed_on: date | None


class Allocation(NamedTuple):
    id: int
    receipt_id: int
    receivable_id: int
    amount_fen: int
    allocated_on: date
    taken_back_on: date | None


class Refund(NamedTuple):
    id: int
    number: str
    account_id: int
    branch_id: int
    policy_id: int | None
    endorsement_id: int | None
    amount_fen: int
    state: str
    created_at: datetime
    settled_on: date | None


class Contact(NamedTuple):
    id: int
    number: str
    account_id: int
    branch_id: int | None
    channel: str
    kind: str
    state: str
    owner_id: int
    first_owner_id: int
    opened_by_id: int
    opened_at: datetime
    closed_at: datetime | None


class Repeat(NamedTuple):
    id: int
    enquiry_id: int
    at: datetime
    channel: str
    taken_by_id: int
    second_id: int | None


class Closing(NamedTuple):
    id: int
    enquiry_id: int
    at: datetime
    owner_id: int
    is_first_contact: bool
    reopened_at: datetime | None


TABLES: dict[str, type[Any]] = {
    "key_accounts": Account,
    "branches": Branch,
    "users": Person,
    "vehicles": Vehicle,
    "branch_records": InBranch,
    "vehicle_state_records": InState,
    "claims": Claim,
    "claim_events": Event,
    "surveys": Survey,
    "reserve_entries": Reserve,
    "reserve_movements": Movement,
    "claim_payments": Payment,
    "follow_ups": Answer,
    "disputes": Dispute,
    "claim_checklists": Checklist,
    "timers": Clock,
    "timer_entries": Entry,
    "timer_segments": Stretch,
    "breach_reviews": Review,
    "service_levels": Level,
    "working_calendars": Calendar,
    "calendar_days": CalendarDay,
    "breach_causes": Cause,
    "policies": Policy,
    "coverages": Cover,
    "external_covers": Outside,
    "cover_requirements": Requirement,
    "endorsements": Endorsement,
    "receivables": Debt,
    "receipts": Receipt,
    "receipt_allocations": Allocation,
    "premium_refunds": Refund,
    "enquiries": Contact,
    "enquiry_repeats": Repeat,
    "enquiry_closings": Closing,
}

Rows = dict[str, list[Any]]

# What a table asks for beyond what is counted.
_ALSO: dict[str, dict[str, Any]] = {
    "vehicles": {"engine_no": "", "model": "", "version": 1},
    "claims": {
        "is_disputed": False,
        "description": "追尾",
        "channel": "portal",
        "reporter_name": "郭永刚",
        "callback_phone": "13937108891",
        "late_reason": "",
        "other_party": "",
        "denial_reason": "",
        "version": 1,
    },
    "claim_events": {"params": "{}", "note": "", "is_internal": False},
    "surveys": {"findings": ""},
    "reserve_entries": {"reason": ""},
    "claim_payments": {
        "payee": "集团",
        "account_number": "6222",
        "bank": "",
        "reference": "",
        "confirmed": "[]",
        "return_reason": "",
    },
    "follow_ups": {"spoken_with": "郭永刚", "means": "call", "comment": ""},
    "disputes": {"raised_for": "", "reasons": "", "version": 1},
    "timers": {
        "warn_percent": 75,
        "escalate_after_minutes": "[]",
        "escalate_to": "[]",
        "pause_reason": "",
        "used_seconds": 0,
        "version": 1,
    },
    "timer_entries": {"note": ""},
    "timer_segments": {"seconds_before_due": 0, "seconds_after_due": 0},
    "breach_reviews": {"explanation": "", "corrected_note": "", "version": 1},
    "policies": {"insured_name": "集团", "version": 1},
    "coverages": {"deductible_fen": 0, "absolute_deductible_percent": 0},
    "external_covers": {"insurer": "", "number": ""},
    "cover_requirements": {"source": ""},
    "endorsements": {"working": "[]", "reason": ""},
    "receivables": {"version": 1},
    "receipts": {"payer": "集团", "reference": "", "reverse_reason": ""},
    "enquiries": {
        "subject": "问保单",
        "body": "",
        "caller_name": "郭永刚",
        "caller_phone": "",
        "caller_email": "",
        "phone_key": "",
        "answer": "",
        "version": 1,
    },
    "enquiry_repeats": {"caller_name": "郭永刚", "caller_phone": "", "words": "", "answer_before": ""},
    "premium_refunds": {"reason": "", "method": "", "reference": "", "payee": "", "version": 1},
}


def read_rows(names: Iterable[str] = TABLES) -> Rows:
    """Every row of the tables, each table for itself."""
    found: Rows = {}
    for name in names:
        columns = [Base.metadata.tables[name].c[field] for field in TABLES[name]._fields]
        rows = db.session.execute(select(*columns).order_by(columns[0])).all()
        found[name] = [TABLES[name]._make(row) for row in rows]
    return found


def write_rows(rows: Rows) -> None:
    """Insert rows as they are, a statement a table, by the driver alone: the models would take minutes."""
    db.session.commit()
    with databases.without_foreign_keys(db.engine) as connection:
        cursor = connection.connection.cursor()
        for name, own in rows.items():
            also = _ALSO.get(name, {})
            fields = (*TABLES[name]._fields, *also)
            columns, constants = ", ".join(f'"{field}"' for field in fields), tuple(also.values())
            ready = (_ready(row, places) + constants for places in [_places(name)] for row in own)
            if connection.dialect.name == "sqlite":
                marks = ", ".join("?" * len(fields))
                cursor.executemany(f'INSERT INTO "{name}" ({columns}) VALUES ({marks})', ready)
                continue
            with cursor.copy(f'COPY "{name}" ({columns}) FROM STDIN') as copy:
                for row in ready:
                    copy.write_row(row)
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
            )


_IN_SQLITE: dict[type[Any], Callable[[Any], Any]] = {
    UtcDateTime: lambda at: at.isoformat(" ", "microseconds")[:26],
    Date: str,
    Boolean: int,
}


def _places(name: str) -> list[tuple[int, Callable[[Any], Any]]]:
    """The columns that the driver does not take as they are, each with how it takes them."""
    known = {Json: json.dumps} | (_IN_SQLITE if db.engine.dialect.name == "sqlite" else {})
    columns = Base.metadata.tables[name].c
    kinds = [type(columns[field].type) for field in TABLES[name]._fields]
    return [(place, known[kind]) for place, kind in enumerate(kinds) if kind in known]


def _ready(row: tuple[Any, ...], places: list[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    values = list(row)
    for place, write in places:
        if values[place] is not None:
            values[place] = write(values[place])
    return tuple(values)
