"""A leaver's matters offered to colleagues, assigned where nobody took them in time, or taken back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from service_desk.base.errors import Conflict, DomainError, Invalid
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.enquiries import Handover, HandoverState, MatterKind
from service_desk.models.users import User
from service_desk.services import audit, notices
from service_desk.services.departures.reading import (
    Key,
    get_leaver,
    is_late,
    last_offers,
    matters_seen,
    swaps_of,
    waiting_for,
)
from service_desk.services.duty import swaps
from service_desk.services.enquiries import handovers, many, matters, unanswered
from service_desk.services.enquiries.handovers import Offered
from service_desk.services.enquiries.many import Outcome


def offer(
    user_id: int, keys: Sequence[Key], to_ids: Sequence[int], note: str, *, actor: User, now: datetime
) -> Outcome:
    """Offer matters of a leaver to one colleague, or to several in turns, each what they may do.

    Invalid: nothing_ticked, too_many_ticked, taker_missing.
    """
    user = get_leaver(user_id, actor=actor)
    chosen = _chosen(user, keys, actor, now)
    if not to_ids:
        raise Invalid("taker_missing", field="to_ids")
    done: list[Handover] = []
    left: list[tuple[str, DomainError]] = []
    portions: dict[int, list[Offered]] = {}
    able: dict[tuple[int, MatterKind], list[int]] = {}
    for place, one in enumerate(chosen):
        if (one.account_id, one.kind) not in able:
            takers = handovers.possible_takers(one.account_id, one.kind, one.owner_id)
            able[one.account_id, one.kind] = [to.id for to in takers if to.id in to_ids]
        suitable = able[one.account_id, one.kind]
        if not suitable:
            left.append((one.number, Invalid("taker_unsuitable", field="to_ids")))
            continue
        portions.setdefault(suitable[place % len(suitable)], []).append(one)
    for to_id, portion in portions.items():
        outcome = many.offer_many(portion, to_id, note, actor=actor, now=now)
        done += outcome.done
        left += outcome.left
    return Outcome(done, left)


def assign(
    user_id: int, keys: Sequence[Key], to_id: int, reason: str, *, actor: User, now: datetime
) -> Outcome:
    """Give matters to a colleague without their consent: only those nobody has accepted within the time, with a reason.

    What is the client's person's can be given at once: nobody there can be asked at the desk. Invalid:
    reason_missing, nothing_ticked, too_many_ticked; of each matter: assign_too_early, taker_unsuitable.
    """
    user = get_leaver(user_id, actor=actor)
    if not reason.strip():
        raise Invalid("reason_missing", field="reason")
    offers, since = last_offers(user.id), now - timedelta(hours=unanswered.hours().assign)
    done: list[Handover] = []
    left: list[tuple[str, DomainError]] = []
    for one in _chosen(user, keys, actor, now):
        last = offers.get((one.kind, one.id))
        try:
            with db.session.begin_nested():
                done.append(_assign(user, one, last, since, to_id, one_line(reason)[:200], actor, now))
        except (Invalid, Conflict) as refusal:
            left.append((one.number, refusal))
    _tell_assigned(done, actor, now)
    return Outcome(done, left)


def take_back(user_id: int, *, actor: User, now: datetime) -> int:
    """Take back what waits for an answer of somebody who leaves: offers to them, exchanges of shifts; how many."""
    user = get_leaver(user_id, actor=actor)
    waiting, open_swaps = waiting_for(user, actor), swaps_of(user, actor)
    for row, _ in waiting:
        changes = audit.change(row, state=HandoverState.WITHDRAWN, decided_at=now)
        audit.record(
            "handover_withdrawn", row, actor=actor, now=now, label=row.matter_number, changes=changes
        )
    for one in open_swaps:
        swaps.withdraw(one.id, actor=actor, now=now)
    return len(waiting) + len(open_swaps)


def _chosen(user: User, keys: Sequence[Key], actor: User, now: datetime) -> list[Offered]:
    """The matters that were ticked, as far as they are still theirs."""
    if not keys:
        raise Invalid("nothing_ticked")
    if len(keys) > many.MOST_AT_ONCE:
        raise Invalid("too_many_ticked", most=many.MOST_AT_ONCE)
    wanted = set(keys)
    return [
        Offered(kind, one.id, one.number, one.account_id, user.id)
        for kind, rows in matters_seen(user, actor, now).items()
        for one in rows
        if (kind, one.id) in wanted
    ]


def _assign(
    user: User,
    one: Offered,
    last: Handover | None,
    since: datetime,
    to_id: int,
    reason: str,
    actor: User,
    now: datetime,
) -> Handover:
    if not is_late(last, since, user):
        raise Conflict("assign_too_early", hours=unanswered.hours().assign)
    matters.KINDS[one.kind].locked(one.id)
    if last is not None and last.state is HandoverState.ASKED:
        changes = audit.change(last, state=HandoverState.WITHDRAWN, decided_at=now)
        audit.record("handover_withdrawn", last, actor=actor, now=now, label=one.number, changes=changes)
        db.session.flush()
    row = handovers.offer(one, to_id, "", actor=actor, now=now, tells=False)
    row.assigned_by_id, row.assigned_reason = actor.id, reason
    changes = handovers.take(row, actor=actor, now=now, note=reason)
    changes["assigned_reason"] = (None, reason)
    audit.record("handover_assigned", row, actor=actor, now=now, label=one.number, changes=changes)
    return row


def _tell_assigned(rows: Sequence[Handover], actor: User, now: datetime) -> None:
    """One message to who got them."""
    if not rows or rows[0].to_id == actor.id:
        return
    params = {
        "url": "/",
        "count": len(rows),
        "matters": many.listed(rows),
        "who": {"name": actor.name, "staff_no": actor.staff_no, "phone": actor.phone},
        "reason": rows[0].assigned_reason,
    }
    notices.queue(
        "handovers_assigned",
        notices.user_recipient(db.session.get_one(User, rows[0].to_id)),
        params,
        dedupe=f"handovers_assigned:{rows[0].id}",
        now=now,
        account_id=rows[0].account_id,
        is_shared=False,
    )
