"""First contact owns it: whoever is asked first keeps the matter, and the client knows who that is."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.enquiries import (
    Enquiry,
    EnquiryChannel,
    EnquiryState,
    Handover,
    HandoverState,
    MatterKind,
)
from service_desk.models.notices import Notice
from service_desk.models.sla import Timer, TimerState
from service_desk.rules.claim_flow import ClockStep
from service_desk.services import enquiries, sla
from service_desk.services.enquiries import ContactDetails, ContactFilter, ContactView
from tests.claim_cases import reported_claim
from tests.world import World

CALL = ContactDetails(
    channel=EnquiryChannel.CALL,
    caller_name="郭永刚",
    caller_phone="139 3710 8891",
    subject="过户要带哪些材料",
    body="车卖给中牟分公司",
    about="",
    branch_id=None,
)


@pytest.fixture(autouse=True)
def _levels(world: World, now: datetime) -> None:
    sla.install_defaults(now)
    db.session.commit()


def clock(enquiry: Enquiry) -> Timer | None:
    return db.session.scalar(
        select(Timer).where(Timer.matter_kind == "enquiry", Timer.matter_id == enquiry.id)
    )


def notices_of(kind: str) -> list[Notice]:
    return list(db.session.scalars(select(Notice).where(Notice.kind == kind).order_by(Notice.id)))


def test_whoever_logs_a_contact_at_the_desk_owns_it_and_its_clock_runs(world: World, now: datetime) -> None:
    enquiry = enquiries.log_contact(world.account.id, CALL, actor=world.underwriter, now=now)
    db.session.commit()

    assert enquiry.number == "ENQ-2026-000001"
    assert (enquiry.owner_id, enquiry.first_owner_id) == (world.underwriter.id, world.underwriter.id)
    timer = clock(enquiry)
    assert timer is not None
    assert (timer.step, timer.state, timer.holder_id) == (
        ClockStep.FIRST_REPLY,
        TimerState.RUNNING,
        world.underwriter.id,
    )
    assert notices_of("enquiry_assigned") == []
    assert db.session.scalar(select(AuditEntry).where(AuditEntry.action == "enquiry_logged")) is not None


def test_a_message_from_the_client_goes_to_who_has_the_fewest_open_contacts(
    world: World, now: datetime
) -> None:
    for actor in (world.underwriter, world.claims1):
        enquiries.log_contact(world.account.id, CALL, actor=actor, now=now)

    enquiry = enquiries.log_contact(world.account.id, CALL, actor=world.safety_gongyi, now=now)
    db.session.commit()

    assert enquiry.owner_id == world.claims2.id
    assert enquiry.channel is EnquiryChannel.MESSAGE
    assert enquiry.branch_id == world.gongyi.id
    assert {notice.user_id for notice in notices_of("enquiry_assigned")} == {world.claims2.id}


def test_a_message_about_a_claim_goes_to_its_handler(world: World, now: datetime) -> None:
    claim = reported_claim(world, now)

    about = replace(CALL, about=f" {claim.number.lower()} ")
    enquiry = enquiries.log_contact(world.account.id, about, actor=world.safety_gongyi, now=now)

    assert (enquiry.owner_id, enquiry.claim_id) == (claim.owner_id, claim.id)
    assert (enquiry.vehicle_id, enquiry.branch_id) == (claim.vehicle_id, claim.branch_id)


def test_a_plate_is_found_as_people_write_it(world: World, now: datetime) -> None:
    enquiry = enquiries.log_contact(
        world.account.id, replace(CALL, about="豫A·12345"), actor=world.claims1, now=now
    )

    assert (enquiry.vehicle_id, enquiry.branch_id) == (world.coach.id, world.gongyi.id)


@pytest.mark.parametrize("about", ["豫AD12345", "豫C88661", "CLM-2026-000099"])
def test_a_branch_cannot_ask_about_what_it_does_not_see(world: World, now: datetime, about: str) -> None:
    with pytest.raises(Invalid, match="about_unknown"):
        enquiries.log_contact(
            world.account.id, replace(CALL, about=about), actor=world.safety_gongyi, now=now
        )


def test_a_contact_without_words_is_refused_with_every_field_named(world: World, now: datetime) -> None:
    empty = replace(CALL, caller_name=" ", subject="", channel=EnquiryChannel.CLAIM_REPORT)

    with pytest.raises(InvalidMany) as refused:
        enquiries.log_contact(world.account.id, empty, actor=world.claims1, now=now)

    assert [problem.field for problem in refused.value.problems] == ["caller_name", "subject", "channel"]


def test_another_accounts_branch_or_account_is_refused(world: World, now: datetime) -> None:
    with pytest.raises(Invalid, match="contact_branch_unknown"):
        enquiries.log_contact(
            world.account.id, replace(CALL, branch_id=world.foreign_branch.id), actor=world.claims1, now=now
        )
    with pytest.raises(NotFound):
        enquiries.log_contact(world.foreign_account.id, CALL, actor=world.claims1, now=now)


def test_an_answer_stops_the_clock_and_reaches_who_wrote(world: World, now: datetime) -> None:
    enquiry = enquiries.log_contact(world.account.id, CALL, actor=world.safety_gongyi, now=now)
    db.session.commit()
    owner = db.session.get_one(type(world.claims1), enquiry.owner_id)
    at = now + timedelta(minutes=12)

    enquiries.answer(enquiry.number, "带上登记证书和双方营业执照", enquiry.version, actor=owner, now=at)
    db.session.commit()

    timer = clock(enquiry)
    assert timer is not None
    assert (timer.state, timer.stopped_at) == (TimerState.MET, at)
    assert (enquiry.state, enquiry.answered_at) == (EnquiryState.ANSWERED, at)
    (told,) = {notice.user_id for notice in notices_of("enquiry_answered")}
    assert told == world.safety_gongyi.id
    assert notices_of("enquiry_answered")[0].params["owner"]["staff_no"] == owner.staff_no


def test_a_corrected_answer_keeps_the_time_of_the_first(world: World, now: datetime) -> None:
    enquiry = enquiries.log_contact(world.account.id, CALL, actor=world.claims1, now=now)
    db.session.commit()
    enquiries.answer(enquiry.number, "一份", enquiry.version, actor=world.claims1, now=now)
    db.session.commit()

    later = now + timedelta(hours=1)
    enquiries.answer(enquiry.number, "两份", enquiry.version, actor=world.claims1, now=later)

    assert (enquiry.answer, enquiry.answered_at) == ("两份", now)


def test_only_the_owner_or_a_manager_answers_and_a_stale_page_is_told(world: World, now: datetime) -> None:
    enquiry = enquiries.log_contact(world.account.id, CALL, actor=world.claims1, now=now)
    db.session.commit()

    with pytest.raises(Forbidden, match="not_the_owner"):
        enquiries.answer(enquiry.number, "好", enquiry.version, actor=world.claims2, now=now)
    with pytest.raises(Forbidden):
        enquiries.answer(enquiry.number, "好", enquiry.version, actor=world.hq, now=now)
    with pytest.raises(NotFound):
        enquiries.answer(enquiry.number, "好", enquiry.version, actor=world.foreign_hq, now=now)
    with pytest.raises(Conflict, match="stale"):
        enquiries.answer(enquiry.number, "好", enquiry.version - 1, actor=world.claims1, now=now)
    enquiries.answer(enquiry.number, "好", enquiry.version, actor=world.manager, now=now)
    assert enquiry.state is EnquiryState.ANSWERED


def test_a_contact_is_closed_with_its_answer_only_and_an_open_offer_goes_with_it(
    world: World, now: datetime
) -> None:
    enquiry = enquiries.log_contact(world.account.id, CALL, actor=world.claims1, now=now)
    db.session.commit()
    with pytest.raises(Invalid, match="answer_missing"):
        enquiries.close(enquiry.number, enquiry.version, actor=world.claims1, now=now)
    enquiries.answer(enquiry.number, "已处理", enquiry.version, actor=world.claims1, now=now)
    offer = enquiries.ask_handover(
        MatterKind.ENQUIRY, enquiry.number, world.claims2.id, "", actor=world.claims1, now=now
    )
    db.session.commit()

    enquiries.close(enquiry.number, enquiry.version, actor=world.claims1, now=now)
    db.session.commit()
    db.session.refresh(offer)

    assert (enquiry.state, offer.state) == (EnquiryState.CLOSED, HandoverState.WITHDRAWN)
    with pytest.raises(Conflict, match="enquiry_closed"):
        enquiries.close(enquiry.number, enquiry.version, actor=world.claims1, now=now)


def test_the_contact_of_a_claim_is_closed_by_the_claim_alone(world: World, now: datetime) -> None:
    claim = reported_claim(world, now)
    contact = db.session.scalars(select(Enquiry).where(Enquiry.claim_id == claim.id)).one()
    enquiries.ask_handover(MatterKind.CLAIM, claim.number, world.claims2.id, "", actor=world.claims1, now=now)
    db.session.commit()
    with pytest.raises(Conflict, match="enquiry_of_claim"):
        enquiries.answer(contact.number, "好", contact.version, actor=world.claims1, now=now)

    enquiries.close_for_claim(claim.id, now=now)
    db.session.commit()
    db.session.refresh(contact)

    assert (contact.state, contact.closed_at) == (EnquiryState.CLOSED, now)
    assert db.session.scalars(select(Handover)).one().state is HandoverState.WITHDRAWN


def test_lists_show_each_person_what_they_may_see(world: World, now: datetime) -> None:
    mine = enquiries.log_contact(world.account.id, CALL, actor=world.claims1, now=now)
    other = enquiries.log_contact(
        world.account.id,
        replace(CALL, about="豫AD12345", subject="公交线路"),
        actor=world.underwriter,
        now=now,
    )
    own = enquiries.log_contact(world.account.id, CALL, actor=world.safety_gongyi, now=now)
    db.session.commit()

    def numbers(actor, wanted: ContactFilter) -> set[str]:
        page = enquiries.list_enquiries(world.account.id, wanted, PageRequest(), actor=actor)
        return {row.enquiry.number for row in page.rows}

    everything = ContactFilter(ContactView.ALL)
    assert numbers(world.manager, everything) == {mine.number, other.number, own.number}
    assert numbers(world.safety_gongyi, everything) == {own.number}
    assert numbers(world.foreign_hq, everything) == set()
    assert numbers(world.claims1, ContactFilter()) == {mine.number}
    assert numbers(world.hq, ContactFilter(ContactView.ALL, branch_id=world.zhongmu.id)) == {other.number}
    assert numbers(world.hq, ContactFilter(ContactView.OPEN, text="公交")) == {other.number}
    counts = enquiries.count_views(world.account.id, ContactFilter(), actor=world.claims1)
    assert counts == {
        ContactView.MINE: 1,
        ContactView.WAITING: 3,
        ContactView.OPEN: 3,
        ContactView.CLOSED: 0,
        ContactView.ALL: 3,
    }


def test_the_desk_shows_contacts_without_an_answer_first_and_leaves_own_claims_out(
    world: World, now: datetime
) -> None:
    reported_claim(world, now)
    first = enquiries.log_contact(world.account.id, CALL, actor=world.claims1, now=now)
    second = enquiries.log_contact(
        world.account.id, CALL, actor=world.claims1, now=now + timedelta(minutes=1)
    )
    db.session.flush()
    enquiries.answer(first.number, "好", first.version, actor=world.claims1, now=now + timedelta(minutes=2))

    rows, total = enquiries.list_owned(actor=world.claims1)

    assert total == 2
    assert [row.enquiry.number for row in rows] == [second.number, first.number]
