"""The same matter again: recognised before a second contact is made, with the first's owner, and counted."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.enquiries import (
    Enquiry,
    EnquiryChannel,
    EnquiryClosing,
    EnquiryRepeat,
    EnquiryState,
    MatterKind,
)
from service_desk.models.notices import Channel, Notice
from service_desk.models.users import User
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period
from service_desk.services import enquiries, measures, sla
from service_desk.services.enquiries import (
    ContactDetails,
    FurtherCall,
    RepeatAnswer,
    Sender,
    TemplateText,
)
from service_desk.services.measures import By, Span
from tests.claim_cases import reported_claim
from tests.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CALL = ContactDetails(
    channel=EnquiryChannel.CALL,
    caller_name="郭永刚",
    caller_phone="139 3710 8891",
    subject="退费何时到账",
    body="",
    about="豫A12345",
    branch_id=None,
)
TEMPLATE = TemplateText(
    "单证", "缺件", "Missing", "{caller}您好，{plate}已办。", "Dear {caller}, {plate} is done."
)


@pytest.fixture(autouse=True)
def _levels(world: World, now: datetime) -> None:
    sla.install_defaults(now - 30 * DAY)
    db.session.commit()


@pytest.fixture
def first(world: World, now: datetime) -> Enquiry:
    made = enquiries.log_contact(world.account.id, CALL, actor=world.underwriter, now=now)
    db.session.commit()
    return made


def take(
    world: World,
    answer: RepeatAnswer | None,
    at: datetime,
    *,
    actor: User | None = None,
    details: ContactDetails = CALL,
) -> Enquiry:
    made = enquiries.take_contact(world.account.id, details, answer, actor=actor or world.claims1, now=at)
    db.session.commit()
    return made


def close(enquiry: Enquiry, owner: User, at: datetime) -> None:
    enquiries.answer(enquiry.number, "明日到账", enquiry.version, actor=owner, now=at)
    enquiries.close(enquiry.number, enquiry.version, actor=owner, now=at)
    db.session.commit()


def told(kind: str) -> list[Notice]:
    statement = select(Notice).where(Notice.kind == kind, Notice.channel == Channel.IN_APP)
    return list(db.session.scalars(statement))


def test_a_second_call_is_shown_the_first_before_it_is_logged(
    world: World, first: Enquiry, now: datetime
) -> None:
    elsewhere = replace(CALL, about="", caller_phone="+86 13937108891", caller_name="别人")
    for details, why in ((CALL, "same_vehicle"), (elsewhere, "same_caller")):
        with pytest.raises(Conflict, match="contact_repeated") as asked:
            take(world, None, now + HOUR, details=details)
        shown = asked.value.params["contacts"][0]
        assert (shown["number"], shown["why"]) == (first.number, why)
        assert shown["owner_staff_no"] == world.underwriter.staff_no
    assert db.session.scalars(select(Enquiry)).all() == [first]


def test_one_click_adds_it_to_the_first_and_its_owner_is_told(
    world: World, first: Enquiry, now: datetime
) -> None:
    answer = RepeatAnswer(shown=(first.number,), joins=first.number)

    made = take(world, answer, now + HOUR)

    assert made is first
    repeat = db.session.scalars(select(EnquiryRepeat)).one()
    assert (repeat.enquiry_id, repeat.taken_by_id) == (first.id, world.claims1.id)
    assert repeat.words == "退费何时到账"
    assert [one.user_id for one in told("enquiry_repeated")] == [world.underwriter.id]
    assert "enquiry_repeated" in set(db.session.scalars(select(AuditEntry.action)))


def test_what_was_closed_opens_again_for_its_owner_while_it_is_remembered(
    world: World, first: Enquiry, now: datetime
) -> None:
    close(first, world.underwriter, now + HOUR)
    answer = RepeatAnswer(shown=(first.number,), joins=first.number)

    take(world, answer, now + HOUR + 14 * DAY)

    assert (first.state, first.owner_id, first.answer) == (EnquiryState.OPEN, world.underwriter.id, "")
    assert db.session.scalars(select(EnquiryRepeat.answer_before)).one() == "明日到账"
    assert db.session.scalars(select(EnquiryClosing.reopened_at)).one() == now + HOUR + 14 * DAY
    close(first, world.underwriter, now + 15 * DAY)
    assert take(world, None, now + 30 * DAY).id != first.id


def test_where_its_owner_has_left_the_client_hears_whose_it_is_now(
    world: World, first: Enquiry, now: datetime
) -> None:
    # Written on the client's page: there is a login to tell.
    first.opened_by_id, first.channel = world.hq.id, EnquiryChannel.MESSAGE
    close(first, world.underwriter, now + HOUR)
    world.underwriter.is_active = False
    db.session.commit()

    call = FurtherCall(EnquiryChannel.CALL, "郭永刚", "139 3710 8891", "还没有到账")
    enquiries.add_repeat(first.number, call, actor=world.claims2, now=now + 2 * HOUR)
    db.session.commit()

    assert first.owner_id == world.claims2.id
    assert [one.params["owner"]["name"] for one in told("enquiry_owner")][-1:] == [world.claims2.name]
    assert told("enquiry_owner")[-1].user_id == world.hq.id


def test_another_matter_goes_to_whom_the_caller_knows_or_to_who_took_it(
    world: World, first: Enquiry, now: datetime
) -> None:
    other = replace(CALL, about="", subject="另一件事")
    kept = take(world, RepeatAnswer(shown=(first.number,), owner_of=first.number), now + HOUR, details=other)
    own = take(world, RepeatAnswer(shown=(first.number, kept.number)), now + 2 * HOUR, details=other)

    assert (kept.owner_id, own.owner_id) == (world.underwriter.id, world.claims1.id)
    # Neither claim, policy nor vehicle says that it is the same matter.
    assert db.session.scalars(select(EnquiryRepeat)).all() == []
    same = take(
        world,
        RepeatAnswer(shown=(first.number, kept.number, own.number), owner_of=first.number),
        now + 3 * HOUR,
    )
    repeat = db.session.scalars(select(EnquiryRepeat)).one()
    assert (repeat.enquiry_id, repeat.second_id) == (first.id, same.id)
    with pytest.raises(Conflict, match="earlier_unknown"):
        take(world, RepeatAnswer(joins="ENQ-2026-999999"), now + 4 * HOUR)


def test_a_message_on_a_matter_with_an_open_contact_goes_to_the_same_owner(
    world: World, first: Enquiry, now: datetime
) -> None:
    message = enquiries.log_contact(world.account.id, CALL, actor=world.safety_gongyi, now=now + HOUR)
    mail = enquiries.receive_contact(
        world.account.id,
        replace(CALL, channel=EnquiryChannel.MAIL),
        Sender("周敏", email="insurance@zzly.example"),
        now=now + 2 * HOUR,
    )
    db.session.commit()

    assert message.owner_id == mail.owner_id == world.underwriter.id
    assert mail.opened_by_id == world.underwriter.id
    seconds = db.session.scalars(select(EnquiryRepeat.second_id).order_by(EnquiryRepeat.id)).all()
    assert seconds == [message.id, mail.id]
    addressed = db.session.scalars(
        select(Notice.address).where(Notice.kind == "enquiry_owner").order_by(Notice.id)
    ).all()
    assert "insurance@zzly.example" in addressed


def test_other_branches_and_accounts_are_asked_nothing(world: World, first: Enquiry, now: datetime) -> None:
    stranger = replace(CALL, about="", caller_name="周敏")
    own = enquiries.take_contact(
        world.foreign_account.id,
        replace(stranger, caller_phone=CALL.caller_phone),
        None,
        actor=world.admin,
        now=now,
    )
    assert own.account_id == world.foreign_account.id
    with pytest.raises(NotFound):
        enquiries.take_contact(world.foreign_account.id, stranger, None, actor=world.claims1, now=now)
    call = FurtherCall(EnquiryChannel.CALL, "魏晓东", "", "还没有")
    with pytest.raises(NotFound):
        enquiries.add_repeat(first.number, call, actor=world.foreign_hq, now=now)
    bus = enquiries.log_contact(
        world.account.id, replace(CALL, about="豫AD12345"), actor=world.underwriter, now=now
    )
    db.session.commit()
    with pytest.raises(NotFound):
        enquiries.add_repeat(bus.number, call, actor=world.safety_gongyi, now=now)


def test_a_contact_is_linked_later_and_the_trail_knows(world: World, now: datetime) -> None:
    claim = reported_claim(world, now)
    made = enquiries.log_contact(world.account.id, replace(CALL, about=""), actor=world.underwriter, now=now)
    db.session.commit()

    enquiries.link(made.number, claim.number, made.version, actor=world.underwriter, now=now + HOUR)
    db.session.commit()

    assert (made.claim_id, made.vehicle_id) == (claim.id, claim.vehicle_id)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "enquiry_linked")).one()
    assert entry.changes == {"about": ["", claim.number]}
    shown = enquiries.list_of_record(claim_id=claim.id, actor=world.claims2)
    assert [row.enquiry.id for row in shown] == [made.id]
    with pytest.raises(Forbidden):
        enquiries.link(made.number, "", made.version, actor=world.claims1, now=now + HOUR)
    with pytest.raises(Invalid, match="about_unknown"):
        enquiries.link(made.number, "CLM-1", made.version, actor=world.underwriter, now=now + HOUR)


def test_a_caller_known_by_phone_is_told_on_their_page(world: World, now: datetime) -> None:
    world.safety_gongyi.phone = "139-3710-8891"
    made = enquiries.log_contact(world.account.id, replace(CALL, about=""), actor=world.underwriter, now=now)
    db.session.commit()

    assert made.branch_id == world.gongyi.id
    notice = told("enquiry_owner")[0]
    assert notice.user_id == world.safety_gongyi.id
    assert notice.params["owner"] == {
        "name": world.underwriter.name,
        "staff_no": world.underwriter.staff_no,
        "phone": world.underwriter.phone,
    }


def test_templates_are_the_managers_and_their_use_is_counted(
    world: World, first: Enquiry, now: datetime
) -> None:
    account_id = world.account.id
    for actor in (world.claims1, world.hq):
        with pytest.raises(Forbidden):
            enquiries.save_template(None, account_id, TEMPLATE, 0, actor=actor, now=now)
    common = replace(TEMPLATE, is_common=True)
    with pytest.raises(Forbidden):
        enquiries.save_template(None, account_id, common, 0, actor=world.manager, now=now)
    wrong = replace(TEMPLATE, body="{其他}", title_en=" ")
    with pytest.raises(InvalidMany) as refused:
        enquiries.save_template(None, account_id, wrong, 0, actor=world.manager, now=now)
    assert {one.code for one in refused.value.problems} == {"place_unknown", "required"}

    row = enquiries.save_template(None, account_id, TEMPLATE, 0, actor=world.manager, now=now)
    enquiries.save_template(None, account_id, common, 0, actor=world.admin, now=now)
    db.session.commit()
    enquiries.answer(
        first.number, "已办", first.version, template_id=row.id, actor=world.underwriter, now=now + HOUR
    )
    changed = replace(TEMPLATE, body="{caller}您好")
    enquiries.save_template(row.id, account_id, changed, row.version, actor=world.manager, now=now + HOUR)
    db.session.commit()

    page = enquiries.list_templates(account_id, PageRequest(), actor=world.claims1)
    assert {one.template.account_id: one.used for one in page.rows} == {account_id: 1, None: 0}
    saved = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.action == "answer_template_saved", AuditEntry.entity_id == row.id)
        .order_by(AuditEntry.id)
    ).all()
    assert [one.changes["body"] for one in saved] == [[None, TEMPLATE.body], [TEMPLATE.body, changed.body]]
    with pytest.raises(Conflict, match="stale"):
        enquiries.save_template(row.id, account_id, TEMPLATE, 1, actor=world.manager, now=now)
    with pytest.raises(NotFound):
        enquiries.get_template(row.id, world.foreign_account.id, actor=world.admin)


def test_first_contact_and_repeats_are_counted(world: World, first: Enquiry, now: datetime) -> None:
    """Four logged: one closed at once, one asked about again, one handed over, one a complaint."""
    close(first, world.underwriter, now + HOUR)
    asked_again = enquiries.log_contact(
        world.account.id, replace(CALL, about="豫AD12345"), actor=world.claims1, now=now + HOUR
    )
    call = FurtherCall(EnquiryChannel.CALL, "郭永刚", "", "还没有")
    enquiries.add_repeat(asked_again.number, call, actor=world.claims2, now=now + 2 * HOUR)
    close(asked_again, world.claims1, now + 3 * HOUR)
    handed = enquiries.log_contact(
        world.account.id, replace(CALL, about=""), actor=world.claims1, now=now + HOUR
    )
    db.session.commit()
    offer = enquiries.ask_handover(
        MatterKind.ENQUIRY, handed.number, world.claims2.id, "", actor=world.claims1, now=now + HOUR
    )
    enquiries.accept(offer.id, actor=world.claims2, now=now + 2 * HOUR)
    close(handed, world.claims2, now + 3 * HOUR)
    enquiries.log_complaint(
        world.account.id, "", subject="太慢", about="豫A12345", actor=world.hq, now=now + HOUR
    )
    db.session.commit()
    day = now.astimezone(ZoneInfo("Asia/Shanghai")).date()
    span = Span(world.account.id, Period(day, day), ZoneInfo("Asia/Shanghai"), now + 4 * HOUR)
    codes = (
        C.ENQUIRIES_LOGGED,
        C.COMPLAINTS,
        C.REPEAT_CONTACT_RATE,
        C.FIRST_CONTACT_CLOSURE,
        C.FIRST_REPLY_IN_TIME,
    )

    found = measures.read(span, codes, By.BRANCH)
    people = measures.by_owner(span)

    assert [found.total[code] for code in codes] == [4, 1, Ratio(1, 4), Ratio(1, 3), Ratio(0, 3)]
    assert found.groups[world.gongyi.id][C.ENQUIRIES_LOGGED] == 2
    assert found.groups[world.zhongmu.id][C.REPEAT_CONTACT_RATE] == Ratio(1, 1)
    assert people[world.underwriter.id].first_contact == Ratio(1, 1)
    assert people[world.claims1.id].first_contact == Ratio(0, 1)
    assert people[world.claims1.id].repeats == Ratio(1, 2)
    assert people[world.claims2.id].first_contact == Ratio(0, 1)
