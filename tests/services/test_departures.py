"""Somebody leaves: everything is handed over before the login is closed; offers are reminded, and assigned at last."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.jobs import handover_reminders
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.duty import DutyShift
from service_desk.models.enquiries import Enquiry, EnquiryChannel, Handover, HandoverState, MatterKind
from service_desk.models.notices import Notice
from service_desk.models.outstanding import ListState, OutstandingList
from service_desk.models.relations import AgreedItem, ItemSource, ItemStep, ItemStepKind
from service_desk.models.renewals import MissedCoverCase
from service_desk.models.reports import ReportRecipient, ReportSchedule
from service_desk.models.sla import Absence, AbsenceKind, Timer
from service_desk.models.users import User
from service_desk.presenters.languages import in_language
from service_desk.presenters.messages import sentence
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.duty import DutyKind
from service_desk.rules.permissions import Role
from service_desk.services import departures, enquiries, sla, users
from service_desk.services.departures import Key
from service_desk.services.duty import planning, swaps
from service_desk.services.duty.planning import ShiftDetails
from service_desk.services.enquiries import ContactDetails, matters, unanswered
from service_desk.services.enquiries.unanswered import Hours
from service_desk.services.notices import Matter
from service_desk.services.relations.items import NewItem, finish, open_item
from service_desk.services.sla import absences
from service_desk.services.sla.absences import PlanAbsence
from service_desk.services.users import UserDetails
from tests.breach_cases import matter_of, paper, reviewed
from tests.claim_cases import reported_claim
from tests.factories import UserFactory
from tests.opinion_cases import held_visit, recorded
from tests.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


def contact(world: World, now: datetime, owner: User) -> Enquiry:
    details = ContactDetails(EnquiryChannel.CALL, "郭永刚", "139 3710 8891", "过户材料", "", "", None)
    made = enquiries.log_contact(world.account.id, details, actor=owner, now=now)
    db.session.commit()
    return made


def told(kind: str) -> list[int | None]:
    statement = select(Notice.user_id).where(Notice.kind == kind, Notice.channel == "in_app")
    return list(db.session.scalars(statement.order_by(Notice.id)))


def keys(world: World, user: User, now: datetime) -> list[Key]:
    found = departures.read_departure(user.id, actor=world.manager, now=now)
    return [(kind, line.held.id) for kind, lines in found.lines.items() for line in lines]


def everything(world: World, now: datetime) -> None:
    """A contact, an agreed item, a shift and an absence to stand in for, all of claims1 besides the claim."""
    contact(world, now, world.claims1)
    item = NewItem("雨雪天安全讲座", "到三个分公司宣讲", world.claims1.id, date(2026, 12, 20))
    open_item(world.account.id, ItemSource.EVENT, 1, item, actor=world.manager, now=now)
    details = ShiftDetails(world.claims1.id, DutyKind.NIGHT, now + 9 * HOUR, now + 24 * HOUR)
    planning.add(world.account.id, details, actor=world.manager, now=now)
    away = PlanAbsence(world.claims2.id, world.claims1.id, AbsenceKind.LEAVE, now + 2 * DAY, now + 3 * DAY)
    absences.plan(away, actor=world.claims2, now=now)
    db.session.commit()


def test_a_login_is_closed_only_when_all_is_accepted(world: World, claim: Claim, now: datetime) -> None:
    everything(world, now)
    leaver, taker = world.claims1, world.manager
    found = departures.read_departure(leaver.id, actor=world.admin, now=now)
    assert set(found.lines) == {
        MatterKind.CLAIM,
        MatterKind.ENQUIRY,
        MatterKind.ITEM,
        MatterKind.SHIFT,
        MatterKind.STAND_IN,
    }
    with pytest.raises(Conflict, match="matters_left") as refused:
        departures.close_login(leaver.id, actor=world.admin, now=now)
    assert refused.value.params["count"] == found.left == 5

    outcome = departures.offer(
        leaver.id, keys(world, leaver, now), [taker.id], "月底离职", actor=world.manager, now=now
    )
    db.session.commit()
    assert (len(outcome.done), outcome.left) == (5, [])
    ids = [offer.id for offer, _ in enquiries.list_offered(actor=taker, now=now)]
    taken = enquiries.accept_many(ids, actor=taker, now=now + HOUR)
    db.session.commit()

    assert (len(taken.done), taken.left) == (5, [])
    assert claim.owner_id == taker.id
    owned = {
        db.session.scalar(select(AgreedItem.owner_id)),
        db.session.scalar(select(DutyShift.user_id)),
        db.session.scalar(select(Absence.substitute_id)),
        *db.session.scalars(select(Enquiry.owner_id)),
        *db.session.scalars(select(Timer.holder_id)),
    }
    assert owned == {taker.id}
    assert told("owner_changed") == [world.safety_gongyi.id]
    assert told("handovers_accepted") == [leaver.id]
    after = departures.read_departure(leaver.id, actor=world.manager, now=now + HOUR)
    assert (after.left, after.accepted) == (0, 5)
    departures.close_login(leaver.id, actor=world.admin, now=now + HOUR)
    assert not leaver.is_active


def test_an_offer_of_a_shift_exchanged_meanwhile_is_asked_about_no_more(world: World, now: datetime) -> None:
    leaver = world.claims1
    details = ShiftDetails(leaver.id, DutyKind.NIGHT, now + 3 * DAY, now + 3 * DAY + 15 * HOUR)
    shift = planning.add(world.account.id, details, actor=world.manager, now=now)
    db.session.commit()
    departures.offer(
        leaver.id, keys(world, leaver, now), [world.claims2.id], "", actor=world.manager, now=now
    )
    (offer, _giver) = enquiries.list_offered(actor=world.claims2, now=now)[0]
    agreed = swaps.ask(shift.id, world.underwriter.id, None, "", actor=leaver, now=now)
    swaps.accept(agreed.id, actor=world.underwriter, now=now)
    db.session.commit()

    handover_reminders.run(now + 9 * HOUR)

    db.session.expire_all()
    assert (offer.state, told("handover_unanswered")) == (HandoverState.WITHDRAWN, [])


def test_a_leavers_shift_is_not_taken_by_who_has_these_hours_already(world: World, now: datetime) -> None:
    for user in (world.claims1, world.claims2):
        details = ShiftDetails(user.id, DutyKind.NIGHT, now + 9 * HOUR, now + 24 * HOUR)
        planning.add(world.account.id, details, actor=world.manager, now=now)
    db.session.commit()
    leaver, taker = world.claims1, world.claims2
    departures.offer(leaver.id, keys(world, leaver, now), [taker.id], "", actor=world.manager, now=now)
    db.session.commit()

    (offer, _giver) = enquiries.list_offered(actor=taker, now=now)[0]
    with pytest.raises(Conflict, match="duty_swap_busy"):
        enquiries.accept(offer.id, actor=taker, now=now)


def test_a_matter_taken_on_meanwhile_keeps_the_login_open(world: World, now: datetime) -> None:
    details = UserDetails(
        "claims1", "王建军", "C1", "", "", Role.CLAIMS, (world.account.id,), None, is_active=False
    )
    contact(world, now, world.claims1)
    for close in (
        lambda: departures.change_login(
            world.claims1.id, details, world.claims1.version, actor=world.admin, now=now
        ),
        lambda: departures.close_by_command("claims1", "", leaves_matters=False, now=now),
    ):
        with pytest.raises(Conflict, match="matters_left"):
            close()
    # No other door closes it either.
    with pytest.raises(Conflict, match="matters_first"):
        users.change_user(world.claims1.id, details, world.claims1.version, actor=world.admin, now=now)
    with pytest.raises(Invalid, match="reason_missing"):
        departures.close_by_command("claims1", " ", leaves_matters=True, now=now)
    assert departures.close_by_command("claims1", "涉嫌违规，立即停用", leaves_matters=True, now=now) == 1
    db.session.commit()
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "login_closed")).one()
    assert entry.changes["reason"] == [None, "涉嫌违规，立即停用"]


def test_what_waits_for_the_leavers_answer_is_taken_back(world: World, claim: Claim, now: datetime) -> None:
    mine = contact(world, now, world.claims2)
    enquiries.ask_handover(
        MatterKind.ENQUIRY, mine.number, world.underwriter.id, "", actor=world.claims2, now=now
    )
    details = ShiftDetails(world.claims2.id, DutyKind.NIGHT, now + 9 * HOUR, now + 24 * HOUR)
    shift = planning.add(world.account.id, details, actor=world.manager, now=now)
    swaps.ask(shift.id, world.underwriter.id, None, "", actor=world.claims2, now=now)
    db.session.commit()
    assert departures.count_left(world.underwriter.id, now) == 2
    assert departures.take_back(world.underwriter.id, actor=world.manager, now=now) == 2
    departures.close_login(world.underwriter.id, actor=world.admin, now=now)
    assert not world.underwriter.is_active


def test_only_what_nobody_took_in_time_is_assigned_and_with_a_reason(
    world: World, claim: Claim, now: datetime
) -> None:
    chosen: list[Key] = [(MatterKind.CLAIM, claim.id)]

    def assign(at: datetime, reason: str = "两天无人接手", to: User = world.claims2) -> list[str]:
        outcome = departures.assign(world.claims1.id, chosen, to.id, reason, actor=world.manager, now=at)
        db.session.commit()
        return [refusal.code for _, refusal in outcome.left]

    assert assign(now) == ["assign_too_early"]
    enquiries.ask_handover(MatterKind.CLAIM, claim.number, world.manager.id, "", actor=world.claims1, now=now)
    db.session.commit()
    assert assign(now + 23 * HOUR) == ["assign_too_early"]
    with pytest.raises(Invalid, match="reason_missing"):
        assign(now + DAY, " ")
    assert assign(now + DAY, to=world.underwriter) == ["taker_unsuitable"]
    assert claim.owner_id == world.claims1.id
    assert assign(now + DAY) == []

    assert claim.owner_id == world.claims2.id
    last = enquiries.history(MatterKind.CLAIM, claim.id)[-1]
    assert (last.state, last.assigned_by_id, last.assigned_reason) == (
        HandoverState.ACCEPTED,
        world.manager.id,
        "两天无人接手",
    )
    assert told("handovers_assigned") == [world.claims2.id]
    assert told("owner_changed") == [world.safety_gongyi.id]
    assert "handover_assigned" in set(db.session.scalars(select(AuditEntry.action)))


def test_who_may_give_anothers_matters_away(world: World, claim: Claim, now: datetime) -> None:
    stranger = UserFactory(username="foreign-manager", role=Role.MANAGER, accounts=[world.foreign_account])
    db.session.commit()
    for reader in (world.claims2, world.hq, world.safety_gongyi):
        with pytest.raises(Forbidden):
            departures.read_departure(world.claims1.id, actor=reader, now=now)
    with pytest.raises(NotFound):
        departures.read_departure(world.claims1.id, actor=stranger, now=now)
    with pytest.raises(Forbidden):
        departures.close_login(world.claims2.id, actor=world.manager, now=now)
    with pytest.raises(Invalid, match="own_rights"):
        departures.close_login(world.admin.id, actor=world.admin, now=now)


def test_offers_go_round_in_turns_to_each_what_they_may_do(world: World, claim: Claim, now: datetime) -> None:
    for _ in range(3):
        contact(world, now, world.claims1)
    outcome = departures.offer(
        world.claims1.id,
        keys(world, world.claims1, now),
        [world.underwriter.id, world.claims2.id],
        "",
        actor=world.manager,
        now=now,
    )
    db.session.commit()
    to = {offer.matter_kind: offer.to_id for offer in outcome.done if offer.matter_kind is MatterKind.CLAIM}
    assert to == {MatterKind.CLAIM: world.claims2.id}
    assert {offer.to_id for offer in outcome.done} == {world.underwriter.id, world.claims2.id}
    assert sorted(told("handovers_asked")) == sorted([world.underwriter.id, world.claims2.id])


def test_several_are_offered_at_once_and_told_once(world: World, claim: Claim, now: datetime) -> None:
    mine, closed = contact(world, now, world.claims1), contact(world, now, world.claims1)
    enquiries.answer(closed.number, "已答复", closed.version, actor=world.claims1, now=now)
    enquiries.close(closed.number, closed.version, actor=world.claims1, now=now)
    outcome = enquiries.ask_many(
        MatterKind.ENQUIRY,
        [mine.number, closed.number, "ENQ-2026-999999"],
        world.claims2.id,
        "",
        actor=world.claims1,
        now=now,
    )
    db.session.commit()
    assert [offer.matter_number for offer in outcome.done] == [mine.number]
    assert [(number, refusal.code) for number, refusal in outcome.left] == [(closed.number, "matter_closed")]
    assert told("handovers_asked") == [world.claims2.id]
    assert told("handover_asked") == []
    with pytest.raises(Invalid, match="nothing_ticked"):
        enquiries.ask_many(MatterKind.CLAIM, [], world.claims2.id, "", actor=world.claims1, now=now)


def test_an_offer_nobody_answers_is_told_again_and_then_to_the_manager(
    world: World, claim: Claim, now: datetime
) -> None:
    enquiries.ask_handover(MatterKind.CLAIM, claim.number, world.claims2.id, "", actor=world.claims1, now=now)
    db.session.commit()
    for hours, expected in (
        (3, []),
        (4, [world.claims2.id]),
        (7, [world.claims2.id]),
        (8, [world.claims2.id, world.manager.id]),
        (30, [world.claims2.id, world.manager.id]),
    ):
        handover_reminders.run(now + hours * HOUR)
        assert told("handover_unanswered") == expected, hours
    waiting = unanswered.list_open(actor=world.manager, now=now)
    assert [(offer.escalated_at, giver.id) for offer, giver, _ in waiting] == [
        (now + 8 * HOUR, world.claims1.id)
    ]
    assert unanswered.list_open(actor=world.claims2, now=now) == []


def test_an_offer_of_what_has_ended_is_taken_back_and_nobody_told(world: World, now: datetime) -> None:
    new = NewItem("雨雪天安全讲座", "", world.claims1.id, date(2026, 12, 20))
    item = open_item(world.account.id, ItemSource.EVENT, 1, new, actor=world.manager, now=now)
    key = (MatterKind.ITEM, item.id)
    offered = departures.offer(world.claims1.id, [key], [world.claims2.id], "", actor=world.manager, now=now)
    finish(item.id, "已宣讲", item.version, actor=world.claims1, now=now)
    db.session.commit()

    handover_reminders.run(now + 9 * HOUR)

    db.session.expire_all()
    assert [one.state for one in offered.done] == [HandoverState.WITHDRAWN]
    assert told("handover_unanswered") == []


def test_a_manager_gives_away_only_what_is_of_their_accounts(world: World, now: datetime) -> None:
    both = UserFactory(
        username="both", role=Role.CLAIMS, staff_no="7001", accounts=[world.account, world.foreign_account]
    )
    contact(world, now, both)
    details = ContactDetails(EnquiryChannel.CALL, "马强", "", "发票", "", "", None)
    foreign = enquiries.log_contact(world.foreign_account.id, details, actor=both, now=now)
    db.session.commit()

    found = departures.read_departure(both.id, actor=world.manager, now=now)

    assert foreign.id not in {line.held.id for line in found.lines[MatterKind.ENQUIRY]}
    assert departures.read_departure(both.id, actor=world.admin, now=now).left == found.left + 1 == 2


def test_an_account_is_taken_from_nobody_who_has_open_matters_of_it(world: World, now: datetime) -> None:
    person = world.claims1
    contact(world, now, person)
    moved = UserDetails(
        person.username,
        person.name,
        person.staff_no,
        person.phone,
        person.email,
        person.role,
        (world.foreign_account.id,),
        None,
    )
    with pytest.raises(Conflict, match="matters_of_account"):
        departures.change_login(person.id, moved, person.version, actor=world.admin, now=now)


def test_a_role_is_changed_once_nothing_is_left_that_it_cannot_do(
    world: World, claim: Claim, now: datetime
) -> None:
    person = world.claims1
    contact(world, now, person)

    def of_role(role: Role) -> UserDetails:
        return UserDetails(
            person.username,
            person.name,
            person.staff_no,
            person.phone,
            person.email,
            role,
            (world.account.id,),
            None,
        )

    with pytest.raises(Conflict, match="matters_of_role") as refusal:
        departures.change_login(
            person.id, of_role(Role.UNDERWRITER), person.version, actor=world.admin, now=now
        )
    assert refusal.value.params["matters"] == {MatterKind.CLAIM: 1}
    with in_language("en"):
        assert "(Claim 1)" in sentence(refusal.value)
    departures.change_login(person.id, of_role(Role.MANAGER), person.version, actor=world.admin, now=now)
    assert person.role is Role.MANAGER


def test_the_hours_are_data_of_the_desk(world: World, claim: Claim, now: datetime) -> None:
    unanswered.set_hours(Hours(1, 2, 3), actor=world.admin, now=now)
    enquiries.ask_handover(MatterKind.CLAIM, claim.number, world.claims2.id, "", actor=world.claims1, now=now)
    db.session.commit()
    handover_reminders.run(now + HOUR)
    assert told("handover_unanswered") == [world.claims2.id]
    with pytest.raises(Invalid, match="handover_hours_order"):
        unanswered.set_hours(Hours(2, 2, 3), actor=world.admin, now=now)
    with pytest.raises(Forbidden):
        unanswered.set_hours(Hours(1, 2, 3), actor=world.manager, now=now)


def test_sent_back_the_giver_reads_the_reason(world: World, claim: Claim, now: datetime) -> None:
    offer = enquiries.ask_handover(
        MatterKind.CLAIM, claim.number, world.claims2.id, "", actor=world.claims1, now=now
    )
    enquiries.refuse(offer.id, "正在外地查勘", actor=world.claims2, now=now + HOUR)
    db.session.commit()
    rows: list[tuple[Handover, User]] = unanswered.list_refused(actor=world.claims1, now=now + HOUR)
    assert [(row.refusal_reason, who.id) for row, who in rows] == [("正在外地查勘", world.claims2.id)]


def rarer(world: World, now: datetime, owner: User) -> None:
    """One of each kind that needs rows of its own: a correction, a chase, a list, a reader, an ended claim, a clock."""
    reviewed(world, now, due_on=date(2026, 12, 1), owner=owner)
    case = MissedCoverCase(
        number="MC-2026-000001",
        account_id=world.account.id,
        branch_id=world.gongyi.id,
        vehicle_id=world.coach.id,
        vehicle_name="豫A12345",
        layers=["ctpl"],
        owner_id=owner.id,
        opened_at=now,
    )
    schedule = ReportSchedule(
        account_id=world.account.id, kind="weekly_claim_report", weekday=0, starts_on=date(2026, 1, 1)
    )
    db.session.add_all([case, schedule])
    db.session.flush()
    db.session.add(ReportRecipient(schedule_id=schedule.id, user_id=owner.id))
    listed = OutstandingList(
        number="OSL-2026-000001",
        account_id=world.account.id,
        document_id=paper(matter_of(world), now),
        filename="未决.xlsx",
        file_sha256="0" * 64,
        state=ListState.CHECKED,
        mapping=[],
        counts={},
        owner_id=owner.id,
        handed_in_by_id=world.hq.id,
        handed_in_at=now,
    )
    db.session.add(listed)
    db.session.flush()
    for kind, row_id, number, step in (
        ("missed_cover", case.id, case.number, ClockStep.COVER_CHASE),
        ("outstanding_list", listed.id, listed.number, ClockStep.OUTSTANDING_LIST),
        ("vehicle_request", 9, "REQ-2026-000009", ClockStep.SURVEY),
    ):
        matter = Matter(kind, row_id, number, world.account.id, world.gongyi.id)
        sla.start(matter, step, holder_id=owner.id, at=now, actor=None, now=now)
    db.session.commit()


def test_every_kind_of_matter_moves(world: World, now: datetime) -> None:
    sla.install_defaults(now - 30 * DAY)
    leaver, taker = world.claims1, world.manager
    rarer(world, now, leaver)
    opinion = recorded(world, held_visit(world, now), now)
    ended = reported_claim(world, now)
    ended.state = ClaimState.CLOSED
    db.session.commit()
    chosen = keys(world, leaver, now)
    assert {kind for kind, _ in chosen} == {
        MatterKind.FOLLOW_UP,
        MatterKind.OUTSTANDING_LIST,
        MatterKind.CLOCK,
        MatterKind.CORRECTION,
        MatterKind.MISSED_COVER,
        MatterKind.REPORT,
        MatterKind.OPINION,
    }
    departures.offer(leaver.id, chosen, [taker.id], "月底离职", actor=world.admin, now=now)
    db.session.commit()
    ids = [offer.id for offer, _ in enquiries.list_offered(actor=taker, now=now)]
    outcome = enquiries.accept_many(ids, actor=taker, now=now + HOUR)
    db.session.commit()

    assert (len(outcome.done), outcome.left) == (len(chosen), [])
    assert departures.count_left(leaver.id, now + HOUR) == 0
    assert opinion.owner_id == taker.id
    assert set(matters.held_by(taker.id, now + HOUR)) >= {kind for kind, _ in chosen}
    assert set(db.session.scalars(select(Timer.holder_id).where(Timer.stopped_at.is_(None)))) == {taker.id}


def test_the_clients_items_are_given_away_at_once(world: World, now: datetime) -> None:
    item = NewItem("整改停车场照明", "加装六盏灯", world.safety_gongyi.id, date(2026, 12, 20))
    open_item(world.account.id, ItemSource.EVENT, 1, item, actor=world.manager, now=now)
    db.session.commit()
    leaver = world.safety_gongyi
    with pytest.raises(Conflict, match="matters_left"):
        departures.close_login(leaver.id, actor=world.admin, now=now)
    found = departures.read_departure(leaver.id, actor=world.admin, now=now)
    chosen = [(kind, line.held.id) for kind, lines in found.lines.items() for line in lines]
    outcome = departures.assign(
        leaver.id, chosen, world.manager.id, "该同志已调离", actor=world.admin, now=now
    )
    assert (len(outcome.done), outcome.left) == (1, [])
    step = db.session.scalars(select(ItemStep)).one()
    assert (step.kind, step.owner_id, step.note) == (ItemStepKind.GIVEN, world.manager.id, "该同志已调离")
    departures.close_login(leaver.id, actor=world.admin, now=now)
    assert not leaver.is_active
