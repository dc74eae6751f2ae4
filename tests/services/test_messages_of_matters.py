"""Client and owner talk on the matter's page: every answer has a clock, and who read what is known."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.enquiries import Enquiry, EnquiryChannel, MatterKind
from service_desk.models.messages import Message, MessageRead, MessageThread
from service_desk.models.notices import Channel, Notice
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.messaging import MessageKind, ThreadKind
from service_desk.rules.permissions import Side
from service_desk.services import documents, enquiries, messages, sla
from service_desk.services.claims import closing, exits
from service_desk.services.documents import Upload
from service_desk.services.enquiries import ContactDetails
from service_desk.services.messages import NewMessage, ThreadFilter, ThreadListView, ThreadView
from tests.claim_cases import Journey, file_store, picture, reported_claim
from tests.standing import early
from tests.world import World

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


@pytest.fixture
def contact(world: World, now: datetime) -> Enquiry:
    """A question that the branch's officer wrote; somebody of the desk owns it."""
    sla.install_defaults(early(now))
    details = ContactDetails(
        EnquiryChannel.MESSAGE, "郭永刚", "13937108891", "退保手续", "怎么办？", "", None
    )
    made = enquiries.log_contact(world.account.id, details, actor=world.safety_gongyi, now=now)
    db.session.commit()
    return made


def say(matter: Claim | Enquiry, words: str, who: User, at: datetime, **more: object) -> Message:
    kind = ThreadKind.CLAIM if isinstance(matter, Claim) else ThreadKind.ENQUIRY
    said = NewMessage(words, **more)  # type: ignore[arg-type]
    row = messages.write(kind, matter.number, said, files=file_store(), actor=who, now=at)
    db.session.commit()
    return row


def seen_by(who: User, matter: Claim, at: datetime) -> ThreadView:
    view = messages.read_thread(messages.of_claim(matter), actor=who, now=at)
    messages.mark_read(view, actor=who, now=at)
    db.session.commit()
    return view


def clocks(matter: Claim | Enquiry) -> list[Timer]:
    kind = "claim" if isinstance(matter, Claim) else "enquiry"
    timers = sla.timers_of(kind, [matter.id])[matter.id]
    return [timer for timer in timers if timer.step is ClockStep.MESSAGE_REPLY]


def told(kind: str, channel: Channel) -> set[int | None]:
    statement = select(Notice.user_id).where(Notice.kind == kind, Notice.channel == channel)
    return set(db.session.scalars(statement))


def unread(who: User, world: World) -> int:
    found = messages.list_threads(
        world.account.id, ThreadFilter(ThreadListView.NEW), PageRequest(), actor=who
    )
    return sum(row.new for row in found.rows)


def owner_of(matter: Claim | Enquiry) -> User:
    return db.session.get_one(User, matter.owner_id)


def test_a_clients_message_starts_one_clock_and_the_answer_stops_it(
    world: World, claim: Claim, now: datetime
) -> None:
    say(claim, "对方保单要复印件吗？", world.safety_gongyi, now)
    say(claim, "还有驾驶证？", world.safety_gongyi, now + A_MINUTE)
    (clock,) = clocks(claim)
    assert (clock.state, clock.holder_id, clock.started_at) == (TimerState.RUNNING, world.claims1.id, now)

    interim = say(claim, "我问一下", world.claims1, now + 2 * A_MINUTE, is_interim=True)
    assert (interim.kind, clocks(claim)[0].state) == (MessageKind.WORD, TimerState.RUNNING)

    answer = say(claim, "都要，拍照上传即可", world.claims1, now + 10 * A_MINUTE)
    (clock,) = clocks(claim)
    assert (answer.kind, answer.number, answer.side) == (MessageKind.ANSWER, 4, Side.INSURER)
    assert (clock.state, clock.stopped_at) == (TimerState.MET, now + 10 * A_MINUTE)

    say(claim, "好的", world.safety_gongyi, now + 11 * A_MINUTE)
    assert [clock.cycle for clock in clocks(claim)] == [1, 2]
    kept = db.session.execute(
        select(AuditEntry.action, AuditEntry.entity_label)
        .where(AuditEntry.action == "message_written")
        .order_by(AuditEntry.id)
    ).tuples()
    assert [label for _action, label in kept] == [f"{claim.number} #{n}" for n in range(1, 6)]


def test_both_sides_are_told_and_one_conversation_is_one_mail(
    world: World, claim: Claim, now: datetime
) -> None:
    say(claim, "在吗？", world.hq, now)
    say(claim, "请回电", world.hq, now + A_MINUTE)
    assert told("message_written", Channel.MAIL) == {world.claims1.id}
    assert db.session.scalar(select(func.count()).where(Notice.channel == Channel.MAIL)) == 1
    assert db.session.scalar(select(func.count()).where(Notice.channel == Channel.IN_APP)) == 2

    seen_by(world.claims1, claim, now + 2 * A_MINUTE)
    say(claim, "又及", world.hq, now + 3 * A_MINUTE)
    assert db.session.scalar(select(func.count()).where(Notice.channel == Channel.MAIL)) == 2

    say(claim, "已回电", world.claims1, now + 4 * A_MINUTE)
    # Who wrote, and the officer of the branch who reported it.
    assert told("message_answered", Channel.MAIL) == {world.hq.id, world.safety_gongyi.id}


def test_a_manager_of_the_group_who_did_not_write_is_not_told(
    world: World, claim: Claim, now: datetime
) -> None:
    say(claim, "请补照片", world.claims1, now)

    assert told("message_written", Channel.IN_APP) == {world.safety_gongyi.id}
    assert clocks(claim) == []


def test_who_has_read_what_is_known(world: World, claim: Claim, now: datetime) -> None:
    say(claim, "一", world.safety_gongyi, now)
    first = seen_by(world.claims1, claim, now + A_MINUTE)
    assert (first.new, first.total, [one.is_new for one in first.messages]) == (1, 1, [True])
    say(claim, "二", world.safety_gongyi, now + 2 * A_MINUTE)
    seen_by(world.manager, claim, now + 3 * A_MINUTE)
    seen_by(world.claims1, claim, now + 4 * A_MINUTE)
    again = seen_by(world.claims1, claim, now + 5 * A_MINUTE)
    assert again.new == 0

    shown = seen_by(world.safety_gongyi, claim, now + 6 * A_MINUTE)
    readings = [[(one.reader.id, one.at) for one in message.readings] for message in shown.messages]
    by_owner, by_manager = world.claims1.id, world.manager.id
    assert readings == [
        [(by_owner, now + A_MINUTE), (by_manager, now + 3 * A_MINUTE)],
        [(by_manager, now + 3 * A_MINUTE), (by_owner, now + 4 * A_MINUTE)],
    ]
    assert db.session.scalar(select(func.count(MessageRead.id))) == 3


def test_no_answer_needed_is_said_with_a_reason_and_ends_the_wait(
    world: World, claim: Claim, now: datetime
) -> None:
    say(claim, "谢谢", world.safety_gongyi, now)
    end = {"actor": world.claims1, "now": now + A_MINUTE}
    with pytest.raises(Invalid, match="reason_missing"):
        messages.need_no_answer(ThreadKind.CLAIM, claim.number, " ", **end)
    with pytest.raises(Conflict, match="message_answered_already"):
        messages.need_no_answer(
            ThreadKind.CLAIM, claim.number, "自己", actor=world.safety_gongyi, now=now + A_MINUTE
        )

    row = messages.need_no_answer(ThreadKind.CLAIM, claim.number, "致谢，不需答复", **end)
    db.session.commit()

    assert (row.kind, row.body, clocks(claim)[0].state) == (
        MessageKind.NO_ANSWER,
        "致谢，不需答复",
        TimerState.MET,
    )
    assert told("message_answered", Channel.IN_APP) == {world.safety_gongyi.id}
    kept = db.session.scalars(
        select(AuditEntry.changes).where(AuditEntry.action == "message_needs_no_answer")
    ).one()
    assert kept == {"reason": [None, "致谢，不需答复"]}
    with pytest.raises(Conflict, match="message_answered_already"):
        messages.need_no_answer(ThreadKind.CLAIM, claim.number, "再来", **end)


def test_a_hand_over_moves_the_clock_and_who_is_told(world: World, claim: Claim, now: datetime) -> None:
    say(claim, "谁在处理？", world.safety_gongyi, now)
    offer = enquiries.ask_handover(
        MatterKind.CLAIM, claim.number, world.claims2.id, "", actor=world.claims1, now=now
    )
    enquiries.accept(offer.id, actor=world.claims2, now=now + A_MINUTE)
    db.session.commit()
    assert [clock.holder_id for clock in clocks(claim)] == [world.claims2.id]
    assert unread(world.claims2, world) == 1
    seen_by(world.claims2, claim, now + A_MINUTE)
    assert unread(world.claims2, world) == 0

    say(claim, "喂？", world.safety_gongyi, now + 2 * A_MINUTE)
    assert told("message_written", Channel.IN_APP) == {world.claims1.id, world.claims2.id}


def test_a_contact_is_answered_by_its_owner_or_a_manager_alone(
    world: World, contact: Enquiry, now: datetime
) -> None:
    say(contact, "急", world.safety_gongyi, now)
    owner = owner_of(contact)
    assert [clock.holder_id for clock in clocks(contact)] == [owner.id]
    colleague = next(u for u in (world.underwriter, world.claims1, world.claims2) if u.id != owner.id)
    for who in (colleague, world.admin):
        with pytest.raises(Forbidden, match="message_of_owner"):
            say(contact, "我来", who, now)
    db.session.rollback()
    assert say(contact, "明天办", world.manager, now + A_MINUTE).is_answer


def test_a_matter_whose_client_waits_is_not_closed(world: World, contact: Enquiry, now: datetime) -> None:
    owner = owner_of(contact)
    enquiries.answer(contact.number, "带行驶证", contact.version, actor=owner, now=now)
    say(contact, "原件吗？", world.safety_gongyi, now + A_MINUTE)
    with pytest.raises(Conflict, match="message_unanswered"):
        enquiries.close(contact.number, contact.version, actor=owner, now=now + 2 * A_MINUTE)
    db.session.rollback()
    say(contact, "原件", owner, now + 2 * A_MINUTE)
    enquiries.close(contact.number, contact.version, actor=owner, now=now + 3 * A_MINUTE)
    db.session.commit()

    with pytest.raises(Conflict, match="messages_ended"):
        say(contact, "再问一句", world.safety_gongyi, now + 4 * A_MINUTE)


def test_a_closed_claim_is_talked_about_for_thirty_days_and_what_waits_is_answered_later(
    world: World, claim: Claim, now: datetime
) -> None:
    paid = Journey(world, claim, now).to(ClaimState.PAID)
    say(paid, "何时到账？", world.safety_gongyi, now)
    stands = closing.obstacles(paid, closing.Close(releases_reserve=True))
    assert "message_unanswered" in [refusal.code for refusal in stands]
    paid.closed_at = now
    db.session.commit()

    late = now + timedelta(days=31)
    with pytest.raises(Conflict, match="messages_ended"):
        say(paid, "还没到", world.safety_gongyi, late)
    db.session.rollback()
    assert say(paid, "已于昨日到账", world.claims1, late).is_answer
    with pytest.raises(Conflict, match="messages_ended"):
        say(paid, "还有一句", world.claims1, late + A_MINUTE)


def test_what_is_written_to_who_has_left_waits_for_a_manager(
    world: World, contact: Enquiry, now: datetime
) -> None:
    owner_of(contact).is_active = False
    db.session.commit()

    say(contact, "发票还没收到", world.hq, now)

    assert [clock.holder_id for clock in clocks(contact)] == [world.manager.id]
    assert told("message_written", Channel.IN_APP) == {world.manager.id}
    assert say(contact, "今天寄出", world.manager, now + A_MINUTE).is_answer


def test_a_claim_that_is_taken_back_leaves_the_clock_running(
    world: World, claim: Claim, now: datetime
) -> None:
    say(claim, "不想报了，怎么办？", world.safety_gongyi, now)
    exits.withdraw(claim.number, "客户自愿放弃", actor=world.claims1, now=now + A_MINUTE)
    db.session.commit()

    assert [clock.state for clock in clocks(claim)] == [TimerState.RUNNING]
    assert say(claim, "已按您的意思撤销", world.claims1, now + 2 * A_MINUTE).is_answer


def test_what_is_sent_along_is_checked_and_kept_with_the_message(
    world: World, claim: Claim, now: datetime
) -> None:
    row = say(claim, "", world.safety_gongyi, now, files=(picture("保单.jpg"),))
    kept = db.session.scalars(select(Document)).one()
    assert (kept.matter_kind, kept.matter_id, kept.content_type) == ("message", row.id, "image/jpeg")

    with pytest.raises(InvalidMany):
        say(claim, "  ", world.safety_gongyi, now)
    with pytest.raises(InvalidMany):
        say(claim, "长" * 4001, world.safety_gongyi, now)
    db.session.rollback()
    with pytest.raises(Invalid, match="paper_unreadable"):
        say(claim, "看附件", world.safety_gongyi, now, files=(Upload("a.exe", b"MZ\x90\x00" * 50),))
    db.session.rollback()
    assert db.session.scalar(select(func.count(Message.id))) == 1


def test_a_file_is_read_by_who_may_read_its_matter(world: World, now: datetime) -> None:
    claim = reported_claim(world, now, vehicle=world.bus)
    say(claim, "照片", world.hq, now, files=(picture(),))
    document = db.session.scalars(select(Document)).one()

    for reader in (world.hq, world.claims2, world.underwriter):
        assert messages.find_file(document.id, actor=reader) == document
        with pytest.raises(NotFound):
            documents.get_document(document.id, actor=reader)
    for stranger in (world.safety_gongyi, world.foreign_hq):
        with pytest.raises(NotFound):
            messages.find_file(document.id, actor=stranger)


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("hq", None),
        ("claims2", None),
        ("manager", None),
        ("safety_gongyi", NotFound),
        ("foreign_hq", NotFound),
        ("underwriter", Forbidden),
        ("admin", Forbidden),
    ],
)
def test_who_may_write_about_a_claim_of_another_branch(
    world: World, now: datetime, who: str, refusal: type[DomainError] | None
) -> None:
    claim = reported_claim(world, now, vehicle=world.bus)
    person: User = getattr(world, who)
    if refusal is None:
        assert say(claim, "您好", person, now).number == 1
        return
    with pytest.raises(refusal):
        say(claim, "您好", person, now)


def test_whom_a_complaint_is_about_sees_nothing_of_its_thread(
    world: World, contact: Enquiry, now: datetime
) -> None:
    contact.hidden_from_id, contact.owner_id = world.claims1.id, world.manager.id
    say(contact, "他态度不好", world.safety_gongyi, now, files=(picture(),))
    document = db.session.scalars(select(Document)).one()

    with pytest.raises(NotFound):
        say(contact, "您说谁？", world.claims1, now)
    with pytest.raises(NotFound):
        messages.find_file(document.id, actor=world.claims1)
    everything = ThreadFilter(ThreadListView.ALL)
    assert not messages.list_threads(world.account.id, everything, PageRequest(), actor=world.claims1).rows
    assert messages.list_threads(world.account.id, everything, PageRequest(), actor=world.claims2).total == 1


def test_a_caller_without_a_login_gets_what_is_written_by_mail(world: World, now: datetime) -> None:
    sla.install_defaults(early(now))
    details = ContactDetails(
        EnquiryChannel.MAIL, "钱会计", "", "开票", "抬头变更", "", None, caller_email="qian@zzly.example"
    )
    contact = enquiries.log_contact(world.account.id, details, actor=world.underwriter, now=now)
    db.session.commit()
    for minute in range(2):
        say(contact, "请发营业执照", world.underwriter, now + minute * A_MINUTE)

    sent = db.session.scalars(
        select(Notice).where(Notice.kind == "message_written").order_by(Notice.id)
    ).all()
    assert [(one.channel, one.address, one.params["url"]) for one in sent] == [
        (Channel.MAIL, "qian@zzly.example", "")
    ] * 2


def test_the_contact_of_a_claim_is_talked_about_on_the_claims_page(
    world: World, claim: Claim, now: datetime
) -> None:
    own = db.session.scalars(select(Enquiry).where(Enquiry.claim_id == claim.id)).one()
    with pytest.raises(NotFound):
        say(own, "您好", world.hq, now)


def test_the_list_shows_what_waits_for_the_reader_first(world: World, now: datetime) -> None:
    mine = reported_claim(world, now)
    other = reported_claim(world, now, vehicle=world.bus, owner_id=world.claims2.id)
    say(mine, "旧的", world.safety_gongyi, now)
    seen_by(world.claims1, mine, now + A_MINUTE)
    say(other, "新的", world.hq, now + 2 * A_MINUTE)
    say(mine, "回复了", world.claims1, now + 3 * A_MINUTE)

    def listed(who: User, view: ThreadListView, text: str = "") -> list[tuple[str, int]]:
        found = messages.list_threads(
            world.account.id, ThreadFilter(view, text=text), PageRequest(), actor=who
        )
        counts = messages.count_views(world.account.id, ThreadFilter(view, text=text), actor=who)
        assert counts[view] == found.total == len(found.rows)
        return [(row.title, row.new) for row in found.rows]

    assert listed(world.claims2, ThreadListView.MINE) == [(other.plate, 1)]
    # Only who was told has something new: a colleague may look without being called.
    assert listed(world.claims1, ThreadListView.ALL) == [(mine.plate, 0), (other.plate, 0)]
    assert listed(world.claims2, ThreadListView.ALL) == [(other.plate, 1), (mine.plate, 0)]
    assert listed(world.claims1, ThreadListView.WAITING) == [(other.plate, 0)]
    assert listed(world.claims1, ThreadListView.NEW) == []
    assert listed(world.safety_gongyi, ThreadListView.NEW) == [(mine.plate, 1)]
    assert listed(world.safety_gongyi, ThreadListView.ALL) == [(mine.plate, 1)]
    assert listed(world.hq, ThreadListView.MINE) == [(other.plate, 0)]
    assert listed(world.hq, ThreadListView.ALL, "回复") == [(mine.plate, 0)]
    assert listed(world.foreign_hq, ThreadListView.ALL) == []
    assert db.session.scalar(select(func.count(MessageThread.id))) == 2
