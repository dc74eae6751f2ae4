"""Everything that has an owner and can change hands: how each kind is found, what it asks of a taker, how it moves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.duty import DutyShift
from service_desk.models.enquiries import Enquiry, MatterKind
from service_desk.models.opinions import Opinion
from service_desk.models.outstanding import OutstandingList
from service_desk.models.relations import AgreedItem
from service_desk.models.renewals import MissedCoverCase
from service_desk.models.reports import ReportRecipient
from service_desk.models.sla import Absence, BreachReview, Timer
from service_desk.models.users import User
from service_desk.rules.opinions import OWED
from service_desk.rules.permissions import Action, Role
from service_desk.services.enquiries import matters_held, matters_moved
from service_desk.services.enquiries.matters_held import Held
from service_desk.services.notices import Matter

DESK = (Role.UNDERWRITER, Role.CLAIMS, Role.MANAGER)
_CLAIMS = (Role.CLAIMS, Role.MANAGER)


@dataclass(frozen=True)
class KindOfMatter:
    """`find` answers what somebody owns. Of a row: `owner_of` it, whether it `is_open`, and `move` to a taker."""

    takers: tuple[Role, ...]
    work: Action
    find: Callable[[int, datetime], list[Held]]
    model: Any
    owner_of: Callable[[Any], int | None]
    is_open: Callable[[Any, datetime], bool]
    move: Callable[[Any, int, int, str, User, datetime], None]

    def locked(self, matter_id: int) -> Any:
        """The row as it is once nobody else changes it; None when it is gone."""
        return db.session.get(self.model, matter_id, with_for_update=True, populate_existing=True)


KINDS: Mapping[MatterKind, KindOfMatter] = {
    MatterKind.CLAIM: KindOfMatter(
        _CLAIMS,
        Action.HANDLE_CLAIMS,
        matters_held.claims,
        Claim,
        lambda row: row.owner_id,
        matters_held.is_open_claim,
        matters_moved.move_claim,
    ),
    MatterKind.FOLLOW_UP: KindOfMatter(
        _CLAIMS,
        Action.HANDLE_CLAIMS,
        matters_held.ended_claims,
        Claim,
        lambda row: row.owner_id,
        matters_held.is_followed_up,
        matters_moved.move_claim,
    ),
    MatterKind.ENQUIRY: KindOfMatter(
        DESK,
        Action.ANSWER_ENQUIRIES,
        matters_held.contacts,
        Enquiry,
        lambda row: row.owner_id,
        lambda row, _now: row.closed_at is None,
        matters_moved.move_contact,
    ),
    MatterKind.CLOCK: KindOfMatter(
        DESK,
        Action.READ_CLOCKS,
        matters_held.clocks,
        Timer,
        lambda row: row.covered_id or row.holder_id,
        matters_held.is_open_clock,
        matters_moved.move_clock,
    ),
    MatterKind.CORRECTION: KindOfMatter(
        DESK,
        Action.READ_CLOCKS,
        matters_held.corrections,
        BreachReview,
        lambda row: row.correction_owner_id,
        lambda row, _now: row.corrected_at is None,
        matters_moved.move_correction,
    ),
    MatterKind.MISSED_COVER: KindOfMatter(
        (Role.UNDERWRITER, Role.MANAGER),
        Action.CHASE_COVER,
        matters_held.missed_cover,
        MissedCoverCase,
        lambda row: row.owner_id,
        lambda row, _now: row.closed_at is None,
        matters_moved.move_case,
    ),
    MatterKind.ITEM: KindOfMatter(
        (*DESK, Role.ADMIN),
        Action.READ_RELATIONS,
        matters_held.items,
        AgreedItem,
        lambda row: row.owner_id,
        lambda row, _now: row.ended_at is None,
        matters_moved.move_item,
    ),
    MatterKind.OUTSTANDING_LIST: KindOfMatter(
        _CLAIMS,
        Action.COMPARE_OUTSTANDING,
        matters_held.outstanding_lists,
        OutstandingList,
        lambda row: row.owner_id,
        lambda row, _now: row.answered_at is None,
        matters_moved.move_list,
    ),
    MatterKind.SHIFT: KindOfMatter(
        DESK,
        Action.READ_ROSTER,
        matters_held.shifts,
        DutyShift,
        lambda row: row.user_id,
        lambda row, now: row.to_at > now,
        matters_moved.move_shift,
    ),
    MatterKind.STAND_IN: KindOfMatter(
        DESK,
        Action.PLAN_ABSENCES,
        matters_held.stand_ins,
        Absence,
        lambda row: row.substitute_id,
        lambda row, _now: row.next_change_at is not None,
        matters_moved.move_stand_in,
    ),
    MatterKind.REPORT: KindOfMatter(
        (*DESK, Role.ADMIN),
        Action.READ_REPORTS,
        matters_held.reports,
        ReportRecipient,
        lambda row: row.user_id,
        lambda _row, _now: True,
        matters_moved.move_report,
    ),
    MatterKind.OPINION: KindOfMatter(
        (*DESK, Role.ADMIN),
        Action.COLLECT_OPINIONS,
        matters_held.opinions,
        Opinion,
        lambda row: row.owner_id,
        lambda row, _now: row.state in OWED,
        matters_moved.move_owned,
    ),
}


def held_by(user_id: int, now: datetime) -> dict[MatterKind, list[Held]]:
    """All that somebody owns and that is not over, by kind; a kind of which there is nothing is not in it."""
    found = {kind: rules.find(user_id, now) for kind, rules in KINDS.items()}
    return {kind: rows for kind, rows in found.items() if rows}


def path_of(kind: MatterKind, matter_id: int, number: str) -> str:
    """Where a matter is shown."""
    return {
        MatterKind.CLAIM: f"/claims/{number}",
        MatterKind.FOLLOW_UP: f"/claims/{number}",
        MatterKind.ENQUIRY: f"/enquiries/{number}",
        MatterKind.CLOCK: f"/timers/{matter_id}",
        MatterKind.MISSED_COVER: f"/renewals/missed/{number}",
        MatterKind.OUTSTANDING_LIST: f"/outstanding/{number}",
        MatterKind.SHIFT: "/roster",
        MatterKind.STAND_IN: "/absences",
        MatterKind.REPORT: "/reports",
        MatterKind.OPINION: f"/opinions/{number}",
    }.get(kind, "/handovers")


def notice_matter(kind: MatterKind, matter_id: int, number: str, account_id: int) -> Matter | None:
    """What notices of an offer are about; only claims and contacts are told to those who follow them."""
    if kind not in {MatterKind.CLAIM, MatterKind.ENQUIRY}:
        return None
    model = KINDS[kind].model
    branch_id = db.session.scalar(select(model.branch_id).where(model.id == matter_id))
    return Matter(kind.value, matter_id, number, account_id, branch_id)


def count_of(held: Mapping[MatterKind, Sequence[Held]]) -> int:
    """How many matters there are in all."""
    return sum(map(len, held.values()))
