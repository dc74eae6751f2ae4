"""The work log: typed by hand and read from contacts, events and follow-ups; targets; who reads whose."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.clock import CHINA
from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import FollowUp
from service_desk.models.db import db
from service_desk.models.enquiries import EnquiryChannel
from service_desk.models.follow_ups import CallOutcome, FollowUpCall, FollowUpMeans, FollowUpPlan
from service_desk.models.relations import WorkTarget
from service_desk.models.users import User
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Role
from service_desk.rules.relation_flow import EventKind
from service_desk.rules.work_log import WorkKind, WorkSource
from service_desk.services import enquiries, sla
from service_desk.services.enquiries import ContactDetails
from service_desk.services.relations import events, targets, work
from service_desk.services.relations.targets import TargetWanted
from service_desk.services.relations.work import NewEntry, WorkFilter, WorkRow
from tests.claim_cases import reported_claim
from tests.relation_cases import planned_meeting, unseen, write_minutes
from tests.world import World

NOVEMBER = Period(datetime(2026, 11, 1).date(), datetime(2026, 11, 30).date())
CALL = ContactDetails(EnquiryChannel.CALL, "郭永刚", "139 3710 8891", "过户材料", "", "", None)
DAY = timedelta(days=1)


def entry(world: World, at: datetime, **other: object) -> NewEntry:
    values: dict[str, object] = {
        "kind": WorkKind.VISIT,
        "at": at,
        "minutes": 90,
        "branch_id": world.gongyi.id,
        "met": "赵国强",
        "note": "走访巩义",
    }
    return NewEntry(**(values | other))  # type: ignore[arg-type]


def rows(world: World, actor: User, **wanted: object) -> list[WorkRow]:
    return list(
        work.list_work(
            world.account.id,
            WorkFilter(NOVEMBER, **wanted),  # type: ignore[arg-type]
            PageRequest(),
            actor=actor,
            zone=CHINA,
        ).rows
    )


def test_a_log_is_typed_and_read_from_elsewhere_without_a_copy(world: World, now: datetime) -> None:
    sla.install_defaults(now)
    work.log(world.account.id, entry(world, now - DAY), actor=world.claims1, now=now)
    contact = enquiries.log_contact(world.account.id, CALL, actor=world.claims1, now=now - 2 * DAY)
    visit = planned_meeting(
        world,
        now - 3 * DAY,
        now - 9 * DAY,
        kind=EventKind.BRANCH_VISIT,
        branch_id=world.gongyi.id,
        user_ids=(world.claims1.id, world.claims2.id),
    )
    there = [one.id for one in events.participants_of(visit.id) if one.user_id != world.claims2.id]
    write_minutes(world, visit, now, present_ids=there)
    claim = reported_claim(world, now - 5 * DAY)
    plan = FollowUpPlan(
        claim_id=claim.id,
        round=1,
        means=FollowUpMeans.CALL,
        name="安全科",
        language="zh",
        planned_by_id=world.claims1.id,
        planned_at=now,
    )
    db.session.add_all(
        [
            plan,
            FollowUp(
                claim_id=claim.id,
                round=1,
                at=now - 4 * DAY,
                spoken_with="安全科",
                score=5,
                by_id=world.claims1.id,
            ),
        ]
    )
    db.session.flush()
    call = FollowUpCall(plan_id=plan.id, at=now - 6 * DAY, by_id=world.claims1.id, outcome=CallOutcome.BUSY)
    db.session.add(call)
    db.session.commit()

    found = rows(world, world.claims1)
    assert [(row.source, row.kind, row.number) for row in found] == [
        (WorkSource.TYPED, WorkKind.VISIT, ""),
        (WorkSource.CONTACT, WorkKind.CALL, contact.number),
        (WorkSource.EVENT, WorkKind.VISIT, visit.number),
        (WorkSource.FOLLOW_UP, WorkKind.CALL, claim.number),
        (WorkSource.FOLLOW_UP, WorkKind.CALL, claim.number),
    ]
    assert [row.minutes for row in found] == [90, None, 120, None, None]
    assert found[2].branch == world.gongyi
    assert rows(world, world.claims2) == []
    assert [row.kind for row in rows(world, world.claims1, kind=WorkKind.CALL)] == [WorkKind.CALL] * 3
    counts = work.count_work(world.account.id, [world.claims1.id], NOVEMBER, CHINA)
    assert counts == {(world.claims1.id, WorkKind.VISIT): 2, (world.claims1.id, WorkKind.CALL): 3}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"note": " "}, "required"),
        ({"minutes": 0}, "work_minutes"),
        ({"branch_id": 10**6}, "contact_branch_unknown"),
        ({"met": "长" * 201}, "words_too_long"),
    ],
)
def test_what_cannot_be_logged_is_refused(world, now, changes, code) -> None:
    with pytest.raises(InvalidMany) as refusal:
        work.log(world.account.id, entry(world, now - DAY, **changes), actor=world.claims1, now=now)
    assert [one.code for one in refusal.value.problems] == [code]


def test_nothing_ahead_of_its_time_and_nothing_of_an_unknown_number(world: World, now: datetime) -> None:
    with pytest.raises(InvalidMany):
        work.log(world.account.id, entry(world, now + DAY), actor=world.claims1, now=now)
    with pytest.raises(Invalid, match="about_unknown"):
        work.log(world.account.id, entry(world, now, about="CLM-1"), actor=world.claims1, now=now)
    event = planned_meeting(world, now + DAY, now)
    row = work.log(world.account.id, entry(world, now, about=event.number), actor=world.claims1, now=now)
    assert row.event_id == event.id


def test_only_its_writer_strikes_an_entry_and_the_trail_keeps_it(world: World, now: datetime) -> None:
    row = work.log(world.account.id, entry(world, now), actor=world.claims1, now=now)
    for who in (world.claims2, world.manager):
        with pytest.raises(NotFound):
            work.strike(row.id, row.version, actor=who, now=now)
    work.strike(row.id, row.version, actor=world.claims1, now=now)
    db.session.commit()
    assert rows(world, world.claims1) == []
    struck = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "work_struck")).one()
    assert struck.changes["note"] == ["走访巩义", None]


def test_one_reads_ones_own_and_a_manager_the_accounts_people(world: World, now: datetime) -> None:
    work.log(world.account.id, entry(world, now), actor=world.claims1, now=now)
    assert len(rows(world, world.manager, user_id=world.claims1.id)) == 1
    assert len(rows(world, world.manager, is_everybody=True)) == 1
    assert rows(world, world.claims2, is_everybody=True) == []
    for who in (world.claims2, world.underwriter, world.admin):
        with pytest.raises(Forbidden, match="work_of_another"):
            rows(world, who, user_id=world.claims1.id)
    for who in (world.hq, world.safety_gongyi, world.foreign_hq):
        with pytest.raises(Forbidden):
            rows(world, who)
    with pytest.raises(NotFound):
        work.people_of(world.foreign_account.id, actor=world.manager)


class TestTargets:
    def standing(
        self, world: World, actor: User, month: datetime
    ) -> dict[tuple[str, str], tuple[int, int | None]]:
        found = targets.read_month(world.account.id, month.date(), actor=actor, zone=CHINA)
        return {(one.user.username, one.kind.value): (one.done, one.wanted) for one in found}

    def test_a_persons_own_goes_before_the_roles_and_holds_until_another(
        self, world: World, now: datetime
    ) -> None:
        october = datetime(2026, 10, 15, tzinfo=CHINA)
        for role, user, month, times in (
            (Role.CLAIMS, None, october, 8),
            (None, world.claims2.id, october, 4),
            (Role.CLAIMS, None, now, 10),
        ):
            wanted = TargetWanted(role, user, WorkKind.VISIT, month.date(), times)
            targets.set_target(world.account.id, wanted, actor=world.manager, now=now)
        work.log(world.account.id, entry(world, now), actor=world.claims1, now=now)
        db.session.commit()

        assert self.standing(world, world.claims1, october) == {("claims1", "visit"): (0, 8)}
        shown = self.standing(world, world.manager, now)
        assert (shown["claims1", "visit"], shown["claims2", "visit"]) == ((1, 10), (0, 4))

    def test_the_same_month_again_changes_it_and_taking_it_back_restores(
        self, world: World, now: datetime
    ) -> None:
        for times in (8, 9):
            wanted = TargetWanted(Role.CLAIMS, None, WorkKind.CALL, now.date(), times)
            row = targets.set_target(world.account.id, wanted, actor=world.manager, now=now)
            db.session.flush()
        assert [
            target.times for target, _user in targets.list_targets(world.account.id, actor=world.manager)
        ] == [9]
        with pytest.raises(Conflict, match="stale"):
            targets.remove_target(row.id, row.version + 1, actor=world.manager, now=now)
        targets.remove_target(row.id, row.version, actor=world.manager, now=now)
        db.session.flush()
        assert targets.list_targets(world.account.id, actor=world.manager) == []

    def test_of_two_who_set_the_same_new_one_the_second_is_told(
        self, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = TargetWanted(Role.CLAIMS, None, WorkKind.CALL, now.date(), 8)
        targets.set_target(world.account.id, wanted, actor=world.manager, now=now)
        db.session.commit()
        unseen(monkeypatch, WorkTarget)
        with pytest.raises(Conflict, match="stale"):
            targets.set_target(world.account.id, wanted, actor=world.manager, now=now)

    def test_only_a_manager_sets_them_and_only_for_the_desks_people(
        self, world: World, now: datetime
    ) -> None:
        fine = TargetWanted(Role.CLAIMS, None, WorkKind.CALL, now.date(), 8)
        for who in (world.claims1, world.admin, world.hq):
            with pytest.raises(Forbidden):
                targets.set_target(world.account.id, fine, actor=who, now=now)
            with pytest.raises(Forbidden):
                targets.list_targets(world.account.id, actor=who)
        for role, user, times in (
            (None, None, 8),
            (Role.BRANCH_SAFETY, None, 8),
            (None, world.hq.id, 8),
            (Role.CLAIMS, None, 501),
        ):
            wanted = TargetWanted(role, user, WorkKind.CALL, now.date(), times)
            with pytest.raises(Invalid):
                targets.set_target(world.account.id, wanted, actor=world.manager, now=now)
