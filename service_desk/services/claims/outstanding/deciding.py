"""What people say about a list before its answer goes out: which columns are which, which claim a row means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.outstanding import ListState, OutstandingList, OutstandingRow
from service_desk.models.users import User
from service_desk.rules.outstanding_columns import Field
from service_desk.rules.outstanding_list import Choices
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.claims.outstanding.comparing import Compared, Decided, compare
from service_desk.services.claims.outstanding.handing_in import write_rows
from service_desk.services.claims.outstanding.lists import get_list, original


@dataclass(frozen=True)
class Asked:
    """Answers by sheet and row: the claim that is meant, 0 for none of ours, None to take an answer back."""

    answers: Mapping[tuple[str | None, int], int | None]


def locked(number: str, *, actor: User, version: int | None = None) -> OutstandingList:
    """A list for writing, as it is once nobody else changes it. Conflict `stale`, `outstanding_released`."""
    listed = get_list(number, actor=actor)
    db.session.scalar(select(KeyAccount.id).where(KeyAccount.id == listed.account_id).with_for_update())
    db.session.refresh(listed, with_for_update=True)
    if listed.state is ListState.RELEASED:
        raise Conflict("outstanding_released")
    if version is not None and version != listed.version:
        raise Conflict("stale")
    return listed


def choices_of(mapping: list[dict[str, Any]]) -> Choices:
    """The columns as they are read now, to read the file the same way again."""
    choices: dict[str | None, dict[Field, int | None]] = {}
    for sheet in mapping:
        choices[sheet["sheet"]] = dict.fromkeys(Field) | {
            Field(name): column for name, column in sheet["columns"].items()
        }
    return choices


def decided_of(listed: OutstandingList) -> Decided:
    """What was answered last for each row."""
    return {
        (sheet, row): claim_id for sheet, row, claim_id, _by, _at in listed.decisions if claim_id is not None
    }


def choose_columns(
    number: str, choices: Choices, *, files: FileStore, actor: User, now: datetime, version: int | None = None
) -> OutstandingList:
    """Read the list again with other columns. What was answered for its rows is kept."""
    listed = locked(number, actor=actor, version=version)
    recompare(listed, files, choices)
    audit.record("outstanding_list_compared", listed, actor=actor, now=now)
    return listed


def recompare(listed: OutstandingList, files: FileStore, choices: Choices | None = None) -> Compared:
    """Compare a list again against the present claims, and write its rows anew."""
    compared = compare(
        original(listed, files=files),
        listed.account_id,
        choices=choices or choices_of(listed.mapping),
        decided=decided_of(listed),
        previous_id=listed.previous_id,
    )
    db.session.execute(delete(OutstandingRow).where(OutstandingRow.list_id == listed.id))
    listed.mapping, listed.counts = compared.mapping, compared.counts
    write_rows(listed, compared)
    return compared


def decide(
    number: str, asked: Asked, *, files: FileStore, actor: User, now: datetime, version: int | None = None
) -> OutstandingList:
    """Keep which claims rows mean, or take such answers back. Invalid `nothing_answered`, `not_a_candidate`."""
    listed = locked(number, actor=actor, version=version)
    candidates = _candidates(listed, asked)
    kept = {(one[0], one[1]): one for one in listed.decisions}
    before = dict(kept)
    for place, answer in asked.answers.items():
        if not candidates.get(place) or (answer and answer not in candidates[place]):
            raise Invalid("not_a_candidate")
        if answer is None:
            kept.pop(place, None)
        elif place not in kept or kept[place][2] != answer:
            kept[place] = [*place, answer, actor.id, now.isoformat()]
    if kept == before:
        raise Invalid("nothing_answered")
    listed.decisions = list(kept.values())
    db.session.flush()
    recompare(listed, files)
    changes = {"answers": (len(before), len(kept))}
    audit.record("outstanding_rows_decided", listed, actor=actor, now=now, changes=changes)
    return listed


def _candidates(listed: OutstandingList, asked: Asked) -> dict[tuple[str | None, int], list[int]]:
    """The claims that the rows answered for were asked about, by sheet and row."""
    statement = select(OutstandingRow.sheet, OutstandingRow.row_no, OutstandingRow.candidates).where(
        OutstandingRow.list_id == listed.id, OutstandingRow.row_no.in_({row for _sheet, row in asked.answers})
    )
    return {(sheet, row or 0): found for sheet, row, found in db.session.execute(statement).tuples()}


def require_handler(actor: User) -> None:
    """Only who handles claims answers for the desk."""
    access.require(actor, Action.HANDLE_CLAIMS)
