"""The next version: one draft an account, begun as a copy of the latest, changed and published by who manages it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import one_line
from service_desk.models.accounts import KeyAccount
from service_desk.models.commitments import Commitment, CommitmentList
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.periods import months_after
from service_desk.rules.permissions import Action, Role
from service_desk.rules.promises import Tie, is_possible_target, tie_of
from service_desk.services import access, audit, notices
from service_desk.services.commitments.lists import open_account, promises_of, read_versions

MOST_PROMISES = 30
_COPIED = (
    "ordinal",
    "title",
    "title_en",
    "words",
    "words_en",
    "measure",
    "step",
    "comparison",
    "target_cents",
)


@dataclass(frozen=True)
class DraftTerms:
    """What stands above the promises, and from which day the version counts."""

    effective_on: date
    preface: str = ""
    preface_en: str = ""
    supervision_name: str = ""
    supervision_phone: str = ""


@dataclass(frozen=True)
class PromiseTerms:
    """A promise as typed; `tie` is a code of `rules.promises.Tie`, the target in percent, points, days or a count."""

    title: str
    tie: str
    target: Decimal
    title_en: str = ""
    words: str = ""
    words_en: str = ""


class Move(StrEnum):
    UP = "up"
    DOWN = "down"


def find_draft(account_id: int, *, actor: User) -> CommitmentList | None:
    """The account's draft, for who may publish it; None when there is none."""
    open_account(account_id, actor, Action.PUBLISH_COMMITMENTS)
    return db.session.scalar(
        select(CommitmentList).where(
            CommitmentList.account_id == account_id, CommitmentList.published_at.is_(None)
        )
    )


def get_draft(account_id: int, *, actor: User) -> tuple[CommitmentList, list[Commitment]]:
    """The draft with its promises; NotFound without one."""
    draft = find_draft(account_id, actor=actor)
    if draft is None:
        raise NotFound("not_found")
    return draft, promises_of(draft.id)


def start_draft(account_id: int, *, actor: User, now: datetime) -> CommitmentList:
    """Begin the next version as a copy of the latest; the draft there is already when somebody was first."""
    found = find_draft(account_id, actor=actor)
    if found is not None:
        return found
    account = open_account(account_id, actor, Action.PUBLISH_COMMITMENTS)
    versions = read_versions(account_id)
    latest = versions[0].list if versions else None
    today = local_date(now, ZoneInfo(account.zone))
    draft = CommitmentList(
        account_id=account_id,
        number=latest.number + 1 if latest else 1,
        effective_on=max(months_after(today, 1).first, latest.effective_on if latest else today),
        preface=latest.preface if latest else "",
        preface_en=latest.preface_en if latest else "",
        supervision_name=latest.supervision_name if latest else "",
        supervision_phone=latest.supervision_phone if latest else "",
        made_by_id=actor.id,
        made_at=now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(draft)
    except IntegrityError:
        # Somebody else began it this very moment.
        return get_draft(account_id, actor=actor)[0]
    for promise in promises_of(latest.id) if latest else ():
        copied = {name: getattr(promise, name) for name in _COPIED}
        db.session.add(Commitment(list_id=draft.id, **copied))
    audit.record("promises_drafted", draft, actor=actor, now=now, label=_label(draft))
    return draft


def change_draft(
    account_id: int, terms: DraftTerms, *, version: int, actor: User, now: datetime
) -> CommitmentList:
    """Change what stands above the promises. Invalid: promises_begin_past, promises_begin_early."""
    draft = _current(account_id, version, actor)
    _check_day(draft, terms.effective_on, now)
    values = {
        "effective_on": terms.effective_on,
        "preface": terms.preface.strip(),
        "preface_en": terms.preface_en.strip(),
        "supervision_name": one_line(terms.supervision_name),
        "supervision_phone": one_line(terms.supervision_phone),
    }
    changes = audit.change(draft, **values)
    _touch(draft, actor, now)
    if changes:
        audit.record("promises_changed", draft, actor=actor, now=now, label=_label(draft), changes=changes)
    return draft


def add_promise(
    account_id: int, terms: PromiseTerms, *, version: int, actor: User, now: datetime
) -> Commitment:
    """Add a promise at the end of the draft.

    Invalid: required, promise_tie, promise_target; Conflict("promises_too_many") past MOST_PROMISES.
    """
    draft = _current(account_id, version, actor)
    values = _checked(terms)
    last, number = db.session.execute(
        select(func.max(Commitment.ordinal), func.count()).where(Commitment.list_id == draft.id)
    ).one()
    if number >= MOST_PROMISES:
        raise Conflict("promises_too_many", most=MOST_PROMISES)
    promise = Commitment(list_id=draft.id, ordinal=(last or 0) + 1, **values)
    db.session.add(promise)
    _touch(draft, actor, now)
    _record(draft, actor, now, (None, promise.title))
    return promise


def change_promise(
    account_id: int, promise_id: int, terms: PromiseTerms, *, version: int, actor: User, now: datetime
) -> Commitment:
    """Change a promise of the draft."""
    draft = _current(account_id, version, actor)
    promise = _of_draft(draft, promise_id)
    changes = audit.change(promise, **_checked(terms))
    _touch(draft, actor, now)
    if changes:
        label = f"{_label(draft)} · {promise.title}"
        audit.record("promises_changed", draft, actor=actor, now=now, label=label[:200], changes=changes)
    return promise


def drop_promise(account_id: int, promise_id: int, *, version: int, actor: User, now: datetime) -> None:
    """Leave a promise out of the draft; the versions before keep theirs."""
    draft = _current(account_id, version, actor)
    promise = _of_draft(draft, promise_id)
    db.session.delete(promise)
    _touch(draft, actor, now)
    _record(draft, actor, now, (promise.title, None))


def move_promise(
    account_id: int, promise_id: int, move: Move, *, version: int, actor: User, now: datetime
) -> None:
    """Change places with the promise above or below; nothing at the ends."""
    draft = _current(account_id, version, actor)
    promise = _of_draft(draft, promise_id)
    order = promises_of(draft.id)
    place = order.index(promise) + (1 if move is Move.DOWN else -1)
    if not 0 <= place < len(order):
        return
    other = order[place]
    mine, theirs = promise.ordinal, other.ordinal
    # Out of the way first: no two promises of a version have the same place, not even for a moment.
    promise.ordinal = -1
    db.session.flush()
    other.ordinal = mine
    db.session.flush()
    promise.ordinal = theirs
    _touch(draft, actor, now)


def drop_draft(account_id: int, *, version: int, actor: User, now: datetime) -> None:
    """Give the draft up; nothing that was published changes."""
    draft = _current(account_id, version, actor)
    audit.record("promises_dropped", draft, actor=actor, now=now, label=_label(draft))
    db.session.execute(delete(Commitment).where(Commitment.list_id == draft.id))
    db.session.delete(draft)


def publish(account_id: int, *, version: int, actor: User, now: datetime) -> CommitmentList:
    """Publish the draft: from now on it is never changed, from its day on it takes the former one's place.

    The account's people at the client are told. Invalid: promises_none, promises_supervision, and the day's.
    """
    draft = _current(account_id, version, actor)
    promises = promises_of(draft.id)
    problems = [
        *([] if promises else [Invalid("promises_none")]),
        *([] if draft.supervision_name and draft.supervision_phone else [Invalid("promises_supervision")]),
    ]
    if problems:
        raise InvalidMany(problems)
    _check_day(draft, draft.effective_on, now)
    changes = audit.change(draft, published_at=now, published_by_id=actor.id)
    changes["effective_on"] = (None, draft.effective_on)
    changes["promises"] = (None, len(promises))
    audit.record("promises_published", draft, actor=actor, now=now, label=_label(draft), changes=changes)
    _tell_client(draft, len(promises), now)
    return draft


def list_told(account_id: int, *, actor: User) -> list[User]:
    """Who would be told of a version that is published now; for who publishes."""
    open_account(account_id, actor, Action.PUBLISH_COMMITMENTS)
    return _told(account_id)


def _told(account_id: int) -> list[User]:
    return access.account_members(account_id, Role.GROUP_INSURANCE, Role.BRANCH_SAFETY)


def _tell_client(draft: CommitmentList, number: int, now: datetime) -> None:
    account = db.session.get_one(KeyAccount, draft.account_id)
    notices.queue_many(
        [
            notices.Message(
                "promises_published",
                notices.user_recipient(user),
                {
                    "account": account.name,
                    "account_en": account.name_en,
                    "version": draft.number,
                    "effective_on": draft.effective_on.isoformat(),
                    "promises": number,
                    "url": f"/promises?version={draft.number}",
                },
                dedupe=f"promises:{draft.id}",
                account_id=account.id,
            )
            for user in _told(account.id)
        ],
        now=now,
    )


def _current(account_id: int, version: int, actor: User) -> CommitmentList:
    draft, _promises = get_draft(account_id, actor=actor)
    # Held to the end: of two who write at once the second must find the other's version here.
    held = select(CommitmentList.version).where(CommitmentList.id == draft.id).with_for_update()
    if {draft.version, db.session.scalar(held)} != {version}:
        raise Conflict("stale")
    return draft


def _of_draft(draft: CommitmentList, promise_id: int) -> Commitment:
    promise = db.session.get(Commitment, promise_id)
    if promise is None or promise.list_id != draft.id:
        raise NotFound("not_found")
    return promise


def _touch(draft: CommitmentList, actor: User, now: datetime) -> None:
    """Every change of a promise is one of the draft, so that whoever edits it elsewhere is stale."""
    draft.made_by_id, draft.made_at = actor.id, now


def _record(
    draft: CommitmentList, actor: User, now: datetime, promise: tuple[str | None, str | None]
) -> None:
    changes = {"promise": promise}
    audit.record("promises_changed", draft, actor=actor, now=now, label=_label(draft), changes=changes)


def _label(draft: CommitmentList) -> str:
    return f"v{draft.number}"


def _check_day(draft: CommitmentList, day: date, now: datetime) -> None:
    account = db.session.get_one(KeyAccount, draft.account_id)
    if day < local_date(now, ZoneInfo(account.zone)):
        raise Invalid("promises_begin_past", field="effective_on")
    versions = read_versions(draft.account_id)
    if versions and day < versions[0].list.effective_on:
        raise Invalid(
            "promises_begin_early", field="effective_on", day=versions[0].list.effective_on.isoformat()
        )


def _checked(terms: PromiseTerms) -> dict[str, object]:
    problems: list[Invalid] = []
    tie: Tie | None = tie_of(terms.tie)
    if not one_line(terms.title):
        problems.append(Invalid("required", field="title"))
    if tie is None:
        problems.append(Invalid("promise_tie", field="tie"))
    elif not is_possible_target(tie, terms.target):
        problems.append(Invalid("promise_target", field="target"))
    if problems or tie is None:
        raise InvalidMany(problems)
    return {
        "title": one_line(terms.title),
        "title_en": one_line(terms.title_en),
        "words": terms.words.strip(),
        "words_en": terms.words_en.strip(),
        "measure": tie.measure.value if tie.measure else None,
        "step": tie.step,
        "comparison": tie.comparison,
        "target_cents": int(terms.target.scaleb(2)),
    }
