"""What mails become: whose they are, what they join, who is told, and that an address proves nothing."""

from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from service_desk.adapters import mail_reader
from service_desk.adapters.mailbox import Arrived
from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.accounts import Contact
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.enquiries import ContactKind, Enquiry, EnquiryChannel, EnquiryRepeat, EnquiryState
from service_desk.models.mailboxes import Mailbox, MailOutcome, MailSecurity, ReceivedMail
from service_desk.models.messages import Message
from service_desk.models.notices import BouncingAddress, Channel, Notice, NoticeState
from service_desk.models.relations import RelationEvent
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User, UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.messaging import CameBy
from service_desk.rules.relation_flow import InviteAnswer, MailedAnswer
from service_desk.services import arrivals, documents, enquiries, messages, sla
from service_desk.services.arrivals import MailboxDetails, MailFilter
from service_desk.services.relations import events
from tests.claim_cases import file_store, reported_claim
from tests.letters import bounce, letter, photo
from tests.relation_cases import meeting_plan, planned_meeting
from tests.standing import once
from tests.world import World

DETAILS = MailboxDetails(
    name="服务台邮箱",
    address="desk@insurer.example",
    host="imap.insurer.example",
    port=993,
    security=MailSecurity.TLS,
    username="desk@insurer.example",
    password="secret of the box",
)
STRANGER = "陌生人 <stranger@elsewhere.example>"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _levels(world: World, now: datetime) -> None:
    sla.install_defaults(now)


@pytest.fixture
def box(world: World, now: datetime) -> Mailbox:
    """Of the account."""
    return once(
        ("mailbox of the account", now),
        lambda: arrivals.add_mailbox(world.account.id, DETAILS, actor=world.manager, now=now),
    )


@pytest.fixture
def common(world: World, now: datetime) -> Mailbox:
    """For all accounts."""
    details = MailboxDetails(**{**vars(DETAILS), "name": "总邮箱", "is_common": True})
    return arrivals.add_mailbox(world.account.id, details, actor=world.admin, now=now)


def come(box: Mailbox, raw: bytes, at: datetime) -> ReceivedMail:
    db.session.flush()
    arrived = Arrived(1, 7, at, len(raw), raw)
    row = arrivals.receive(
        box.id, arrived, mail_reader.read(raw), file_store(), own=("desk@localhost",), now=at
    )
    assert row is not None
    db.session.flush()
    return row


def of(user: User) -> str:
    return f"{user.name} <{user.email}>"


def the_enquiry() -> Enquiry:
    return db.session.scalars(select(Enquiry).where(Enquiry.channel == EnquiryChannel.MAIL)).one()


def acknowledged() -> list[Notice]:
    told = select(Notice).where(Notice.kind == "enquiry_owner", Notice.channel == Channel.MAIL)
    return list(db.session.scalars(told.order_by(Notice.id)))


def sent(notice: Notice, key: str = "<ours@localhost>") -> Notice:
    notice.state, notice.message_id, notice.next_try_at = NoticeState.SENT, key, None
    return notice


def test_a_mail_of_a_login_is_its_branchs_and_a_clock_runs(box: Mailbox, world: World, now: datetime) -> None:
    mail = come(box, letter(of(world.safety_gongyi), files=(photo(),)), now)

    enquiry = the_enquiry()
    assert (enquiry.branch_id, enquiry.opened_by_id) == (world.gongyi.id, world.safety_gongyi.id)
    assert mail.outcome is MailOutcome.CONTACT
    clock = db.session.scalars(select(Timer).where(Timer.matter_id == enquiry.id)).one()
    assert (clock.step, clock.state) == (ClockStep.FIRST_REPLY, TimerState.RUNNING)
    file = db.session.scalars(select(Document)).one()
    assert (file.filename, file.matter_id, file.uploaded_by_id) == (
        "行驶证.jpg",
        enquiry.id,
        world.safety_gongyi.id,
    )
    told = db.session.scalars(
        select(Notice).where(Notice.kind == "enquiry_assigned").order_by(Notice.id)
    ).all()
    assert {notice.user_id for notice in told} == {enquiry.owner_id}
    actions = set(db.session.scalars(select(AuditEntry.action).where(AuditEntry.actor_id.is_(None))))
    assert {"enquiry_logged", "mail_received", "client_told_owner"} <= actions


def test_a_contact_person_is_known_by_the_address_in_a_mailbox_for_all(
    common: Mailbox, world: World, now: datetime
) -> None:
    come(common, letter("INSURANCE@zzly.example"), now)
    enquiry = the_enquiry()
    assert (enquiry.account_id, enquiry.caller_name) == (world.account.id, "周敏")


def test_a_stranger_is_of_the_mailboxs_account_or_waits_for_a_person(
    box: Mailbox, common: Mailbox, world: World, now: datetime
) -> None:
    assert come(box, letter(STRANGER), now).account_id == world.account.id

    mail = come(common, letter(STRANGER, key="<two@x>"), now)
    assert (mail.outcome, mail.reason, mail.account_id) == (MailOutcome.UNSORTED, "sender_unknown", None)
    told = db.session.scalars(
        select(Notice).where(Notice.kind == "mailbox_attention").order_by(Notice.id)
    ).all()
    assert {notice.user_id for notice in told} == {world.admin.id}


def test_an_address_of_two_accounts_waits_for_a_person(common: Mailbox, world: World, now: datetime) -> None:
    db.session.add(Contact(account_id=world.foreign_account.id, name="周敏", email="insurance@zzly.example"))
    assert come(common, letter("insurance@zzly.example"), now).outcome is MailOutcome.UNSORTED


def test_a_mail_of_a_claim_by_its_number_is_a_message_of_who_sees_it(
    box: Mailbox, world: World, now: datetime
) -> None:
    claim = reported_claim(world, now)
    raw = letter(
        of(world.safety_gongyi),
        f"回复: {claim.number} 材料",
        "已寄出\n\n> 原文",
        files=(photo(), ("a.exe", b"MZ")),
    )
    mail = come(box, raw, now)

    message = db.session.scalars(select(Message)).one()
    assert (message.author_id, message.body, message.came_by) == (
        world.safety_gongyi.id,
        "已寄出",
        CameBy.MAIL,
    )
    assert (mail.outcome, mail.message_id, mail.matter_number) == (
        MailOutcome.MESSAGE,
        message.id,
        claim.number,
    )
    view = messages.read_thread(messages.of_claim(claim), actor=world.claims1, now=now).messages[0]
    assert view.refused == mail.refused_files == [{"filename": "a.exe", "code": "paper_unreadable"}]
    assert [file.filename for file in view.files] == ["行驶证.jpg"]
    clocks = select(Timer).where(Timer.step == ClockStep.MESSAGE_REPLY, Timer.matter_id == claim.id)
    assert db.session.scalars(clocks).one().state is TimerState.RUNNING
    assert acknowledged() == []


def test_a_claims_number_from_who_does_not_see_it_makes_a_contact_and_no_message(
    box: Mailbox, world: World, now: datetime
) -> None:
    claim = reported_claim(world, now, vehicle=world.bus)
    come(box, letter(of(world.safety_gongyi), f"{claim.number} 怎么样了"), now)

    assert db.session.scalars(select(Message)).all() == []
    # The branch does not see the other's claim, so its contact is not linked with it either.
    assert the_enquiry().claim_id is None


def test_a_strangers_mail_about_a_claim_goes_to_its_handler(
    box: Mailbox, world: World, now: datetime
) -> None:
    claim = reported_claim(world, now)
    come(box, letter(STRANGER, f"{claim.number} 何时赔付"), now)
    enquiry = the_enquiry()
    assert (enquiry.claim_id, enquiry.owner_id) == (claim.id, claim.owner_id)
    assert db.session.scalars(select(Message)).all() == []


def test_a_matter_of_another_account_is_not_joined(box: Mailbox, world: World, now: datetime) -> None:
    claim = reported_claim(world, now)
    db.session.add(UserAccount(user_id=world.claims2.id, account_id=world.foreign_account.id))
    come(box, letter(of(world.foreign_hq), f"{claim.number} 何时赔付"), now)
    enquiry = the_enquiry()
    assert (enquiry.account_id, enquiry.claim_id) == (world.foreign_account.id, None)


def test_staff_write_mails_without_the_rights_of_their_login(
    box: Mailbox, world: World, now: datetime
) -> None:
    claim = reported_claim(world, now)
    come(box, letter(of(world.claims1), f"{claim.number} 已答复"), now)
    assert db.session.scalars(select(Message)).all() == []
    enquiry = the_enquiry()
    assert (enquiry.opened_by_id, enquiry.state) == (enquiry.owner_id, EnquiryState.OPEN)


def test_an_answer_to_our_mail_is_a_further_call_and_opens_the_contact_again(
    box: Mailbox, world: World, now: datetime
) -> None:
    come(box, letter(STRANGER), now)
    enquiry = the_enquiry()
    owner = db.session.get_one(User, enquiry.owner_id)
    enquiries.answer(enquiry.number, "带行驶证", enquiry.version, actor=owner, now=now + MINUTE)
    db.session.flush()
    answer = select(Notice).where(Notice.kind == "enquiry_answered", Notice.channel == Channel.MAIL)
    sent(db.session.scalars(answer).one())

    mail = come(
        box,
        letter(STRANGER, "Re: 答复", "还要别的吗", key="<2@x>", answers="<ours@localhost>"),
        now + 2 * MINUTE,
    )

    assert (mail.outcome, mail.enquiry_id) == (MailOutcome.FURTHER_CALL, enquiry.id)
    repeat = db.session.scalars(select(EnquiryRepeat)).one()
    assert (repeat.channel, repeat.answer_before) == (EnquiryChannel.MAIL, "带行驶证")
    assert enquiry.state is EnquiryState.OPEN


def test_an_answer_to_their_own_mail_is_the_same_contact(box: Mailbox, now: datetime) -> None:
    come(box, letter(STRANGER), now)
    mail = come(box, letter(STRANGER, "Re: 补充", key="<2@x>", answers="<one@client.example>"), now + MINUTE)
    assert (mail.outcome, mail.enquiry_id) == (MailOutcome.FURTHER_CALL, the_enquiry().id)


def test_somebody_else_who_names_a_contact_does_not_speak_in_it(box: Mailbox, now: datetime) -> None:
    come(box, letter(STRANGER), now)
    number = the_enquiry().number
    mail = come(box, letter("别人 <other@elsewhere.example>", number, key="<2@x>"), now)
    assert mail.outcome is MailOutcome.CONTACT
    assert mail.matter_number != number
    assert db.session.scalars(select(EnquiryRepeat)).all() == []


def test_a_sender_is_told_the_owner_once_an_hour(box: Mailbox, now: datetime) -> None:
    for minutes in (0, 10, 59, 61):
        come(box, letter(STRANGER, f"第{minutes}封", key=f"<{minutes}@x>"), now + minutes * MINUTE)
    assert [notice.created_at for notice in acknowledged()] == [now, now + 61 * MINUTE]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (letter(STRANGER, Auto_Submitted="auto-replied"), "auto_submitted"),
        (letter("desk@localhost"), "own"),
        (letter("desk@insurer.example"), "own"),
        (letter(STRANGER, Precedence="bulk"), "list"),
    ],
)
def test_a_machines_mail_is_kept_and_answered_by_nobody(
    box: Mailbox, now: datetime, raw: bytes, reason: str
) -> None:
    mail = come(box, raw, now)
    assert (mail.outcome, mail.reason) == (MailOutcome.AUTOMATIC, reason)
    assert file_store().get(mail.raw_key) == raw
    assert db.session.scalars(select(Enquiry)).all() == []
    assert db.session.scalars(select(Notice).order_by(Notice.id)).all() == []


def test_our_own_mail_that_comes_back_ends_there(box: Mailbox, world: World, now: datetime) -> None:
    """The acknowledgement as it is sent, delivered to the desk itself: a loop of one round."""
    raw = letter(STRANGER, Auto_Submitted="auto-generated", X_Auto_Response_Suppress="All", List_Id="<n.x>")
    assert come(box, raw, now).outcome is MailOutcome.AUTOMATIC


def test_a_flood_waits_for_a_person(box: Mailbox, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service_desk.services.arrivals.receiving.MOST_AN_HOUR", 2)
    outcomes = [come(box, letter(STRANGER, key=f"<{n}@x>"), now).outcome for n in range(3)]
    assert outcomes == [MailOutcome.CONTACT, MailOutcome.CONTACT, MailOutcome.UNSORTED]


@pytest.mark.parametrize(
    ("status", "recipient", "gone"),
    [
        ("5.1.1", "insurance@zzly.example", True),
        ("5.2.2", "insurance@zzly.example", False),
        ("5.1.1", "forwarded@elsewhere.example", False),
    ],
)
def test_a_bounce_fails_its_notice_and_perhaps_its_address(
    box: Mailbox, now: datetime, status: str, recipient: str, gone: bool
) -> None:
    come(box, letter("周敏 <insurance@zzly.example>"), now)
    notice = sent(acknowledged()[0])

    mail = come(box, bounce(notice.message_id, recipient, status=status), now + MINUTE)

    assert (mail.outcome, mail.notice_id) == (MailOutcome.BOUNCE, notice.id)
    assert notice.state is NoticeState.FAILED
    assert bool(db.session.scalars(select(BouncingAddress)).all()) is gone


@pytest.mark.parametrize("action", ["delayed", "relayed"])
def test_what_is_only_late_fails_nothing(box: Mailbox, now: datetime, action: str) -> None:
    come(box, letter("周敏 <insurance@zzly.example>"), now)
    notice = sent(acknowledged()[0])
    mail = come(box, bounce(notice.message_id, notice.address, status="4.4.1", action=action), now)
    assert mail.outcome is MailOutcome.AUTOMATIC
    assert notice.state is NoticeState.SENT


def test_a_bounce_of_a_mail_we_never_sent_is_a_machines(box: Mailbox, now: datetime) -> None:
    mail = come(box, bounce("<unknown@x>", "a@b.example"), now)
    assert (mail.outcome, mail.reason) == (MailOutcome.AUTOMATIC, "report")


def test_the_same_mail_is_taken_once_in_a_mailbox(box: Mailbox, common: Mailbox, now: datetime) -> None:
    raw = letter(STRANGER)
    come(box, raw, now)
    again = Arrived(9, 8, now, len(raw), raw)
    assert arrivals.receive(box.id, again, mail_reader.read(raw), file_store(), own=(), now=now) is None
    assert come(common, raw, now).outcome is MailOutcome.UNSORTED


def test_what_comes_while_nobody_is_at_the_desk_is_a_managers_else_an_administrators(
    box: Mailbox, world: World, now: datetime
) -> None:
    for user in (world.underwriter, world.claims1, world.claims2):
        user.is_active = False
    assert come(box, letter(STRANGER), now).outcome is MailOutcome.CONTACT
    world.manager.is_active = False
    assert come(box, letter(STRANGER, key="<two@x>"), now).outcome is MailOutcome.CONTACT
    owners = db.session.scalars(select(Enquiry.owner_id).order_by(Enquiry.id)).all()
    assert owners == [world.manager.id, world.admin.id]
    world.admin.is_active = False
    mail = come(box, letter(STRANGER, key="<three@x>"), now)
    assert (mail.outcome, mail.reason, mail.matter_number) == (MailOutcome.UNSORTED, "nobody_at_desk", "")


def test_a_person_sorts_a_mail_once(common: Mailbox, world: World, now: datetime) -> None:
    mail = come(common, letter(STRANGER, files=(photo(),)), now)
    first = arrivals.assign_mail(
        mail.id, world.account.id, world.account.id, file_store(), actor=world.admin, now=now + MINUTE
    )
    db.session.flush()
    assert (first.account_id, mail.outcome) == (world.account.id, MailOutcome.CONTACT)
    assert [notice.address for notice in acknowledged()] == ["stranger@elsewhere.example"]
    assert len(arrivals.mails_of_enquiry(first).files) == 1
    with pytest.raises(Conflict, match="mail_sorted"):
        arrivals.dismiss_mail(mail.id, world.account.id, actor=world.admin, now=now)


def test_a_mail_is_nobodys_matter(common: Mailbox, world: World, now: datetime) -> None:
    mail = come(common, letter(STRANGER), now)
    assert arrivals.dismiss_mail(mail.id, world.account.id, actor=world.admin, now=now).outcome is (
        MailOutcome.DISMISSED
    )


def listed(world: World, actor: User, **wanted: object) -> list[str]:
    found = arrivals.list_mails(
        world.account.id,
        MailFilter(**wanted),  # type: ignore[arg-type]
        PageRequest(1, 50),
        actor=actor,
    )
    return [row.mail.subject for row in found.rows]


def test_who_sees_which_mails(box: Mailbox, common: Mailbox, world: World, now: datetime) -> None:
    come(box, letter(STRANGER, "给本账户", key="<1@x>"), now)
    come(common, letter(STRANGER, "无人认领", key="<2@x>"), now)
    come(box, letter(of(world.foreign_hq), "别家的", key="<3@x>"), now)

    assert listed(world, world.manager) == ["给本账户"]
    assert listed(world, world.admin) == ["无人认领", "给本账户"]
    assert listed(world, world.manager, outcome=MailOutcome.UNSORTED) == []
    assert listed(world, world.manager, text="账户") == ["给本账户"]
    for actor in (world.claims1, world.hq, world.safety_gongyi):
        with pytest.raises(Forbidden):
            listed(world, actor)
    waiting = db.session.scalars(select(ReceivedMail).where(ReceivedMail.account_id.is_(None))).one()
    with pytest.raises(NotFound):
        arrivals.get_mail(waiting.id, account_id=world.account.id, actor=world.manager)


def test_a_mail_of_a_complaint_is_kept_from_whom_it_is_about(
    box: Mailbox, world: World, now: datetime
) -> None:
    come(box, letter(STRANGER, files=(photo(),)), now)
    enquiry = the_enquiry()
    file = db.session.scalars(select(Document)).one()
    assert documents.get_document(file.id, actor=world.manager) is file

    enquiry.kind, enquiry.hidden_from_id = ContactKind.COMPLAINT, world.manager.id
    db.session.flush()
    assert listed(world, world.manager) == []
    with pytest.raises(NotFound):
        documents.get_document(file.id, actor=world.manager)


def test_who_runs_mailboxes(box: Mailbox, common: Mailbox, world: World, now: datetime) -> None:
    names = [view.mailbox.name for view in arrivals.list_mailboxes(world.account.id, actor=world.manager)]
    assert names == ["服务台邮箱"]
    assert len(arrivals.list_mailboxes(world.account.id, actor=world.admin)) == 2
    with pytest.raises(NotFound):
        arrivals.get_mailbox(common.id, actor=world.manager)
    with pytest.raises(Forbidden):
        arrivals.list_mailboxes(world.account.id, actor=world.claims1)
    details = MailboxDetails(**{**vars(DETAILS), "name": "x", "is_common": True})
    with pytest.raises(Forbidden):
        arrivals.add_mailbox(world.account.id, details, actor=world.manager, now=now)
    with pytest.raises(NotFound):
        arrivals.add_mailbox(world.foreign_account.id, DETAILS, actor=world.manager, now=now)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"name": "服务台邮箱"}, {"mailbox_name_taken"}),
        ({"name": "x", "password": ""}, {"required"}),
        ({"name": "x", "address": "desk"}, {"mailbox_address"}),
        ({"name": "x", "port": 70000, "poll_minutes": 0}, {"mailbox_port", "mailbox_interval"}),
        ({"name": "x", "security": MailSecurity.NONE}, {"mailbox_not_private"}),
        ({"name": " ", "host": ""}, {"required"}),
    ],
)
def test_what_a_mailbox_is_refused_for(
    box: Mailbox, world: World, now: datetime, changes: dict[str, object], codes: set[str]
) -> None:
    details = MailboxDetails(**{**vars(DETAILS), **changes})  # type: ignore[arg-type]
    with pytest.raises(InvalidMany) as refused:
        arrivals.add_mailbox(world.account.id, details, actor=world.manager, now=now)
    assert {problem.code for problem in refused.value.problems} == codes


def test_the_password_is_in_no_trail_and_a_stale_change_is_refused(
    box: Mailbox, world: World, now: datetime
) -> None:
    changed = MailboxDetails(**{**vars(DETAILS), "password": "another secret", "poll_minutes": 5})
    arrivals.change_mailbox(box.id, changed, box.version, actor=world.manager, now=now)
    db.session.flush()
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.entity_kind == "mailboxes").order_by(AuditEntry.id)
    ).all()
    assert len(entries) == 2
    assert not any("secret" in str(entry.changes) for entry in entries)
    with pytest.raises(Conflict, match="stale"):
        arrivals.change_mailbox(box.id, changed, 1, actor=world.manager, now=now)


@pytest.mark.parametrize("elsewhere", [{"host": "imap.elsewhere.example"}, {"port": 1993}])
def test_another_server_gets_no_password_that_was_not_typed_for_it(
    box: Mailbox, world: World, now: datetime, elsewhere: dict[str, object]
) -> None:
    moved = MailboxDetails(**{**vars(DETAILS), "password": "", **elsewhere})  # type: ignore[arg-type]
    with pytest.raises(InvalidMany) as refused:
        arrivals.change_mailbox(box.id, moved, box.version, actor=world.manager, now=now)
    assert [problem.code for problem in refused.value.problems] == ["mailbox_password_again"]
    assert (box.host, box.port) == (DETAILS.host, DETAILS.port)
    typed = MailboxDetails(**{**vars(moved), "password": "of the other"})
    assert arrivals.change_mailbox(box.id, typed, box.version, actor=world.manager, now=now).last_uid == 0


def test_a_mail_that_was_not_kept_cannot_be_sorted(common: Mailbox, world: World, now: datetime) -> None:
    mail = come(common, letter(STRANGER), now)
    mail.raw_key = ""
    with pytest.raises(Invalid, match="mail_not_kept"):
        arrivals.assign_mail(
            mail.id, world.account.id, world.account.id, file_store(), actor=world.admin, now=now
        )


class TestCalendarReplies:
    """Calendar programs answer invitations by mail: the answer stands on the event, and opens no contact."""

    @pytest.fixture
    def event(self, box: Mailbox, world: World, now: datetime) -> RelationEvent:
        return planned_meeting(world, now + timedelta(days=10), now)

    @staticmethod
    def reply(event: RelationEvent, sender: str, answer: str, *, key: str = "<r1@x>") -> bytes:
        text = (
            f"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{event.uid}\r\n"
            f"ATTENDEE;PARTSTAT={answer}:mailto:{sender}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        mail = EmailMessage()
        mail["From"], mail["Subject"], mail["Message-ID"] = sender, "Accepted", key
        mail["Auto-Submitted"] = "auto-replied"
        mail.set_content("周四下午可以吗")
        mail.add_alternative(text, subtype="calendar", params={"method": "REPLY"})
        return mail.as_bytes()

    def answers(self, event: RelationEvent) -> dict[str, MailedAnswer | None]:
        return {one.email: one.mail_answer for one in events.participants_of(event.id)}

    def test_an_answer_stands_beside_that_of_the_page(
        self, event: RelationEvent, box: Mailbox, world: World, now: datetime
    ) -> None:
        events.answer(event.number, InviteAnswer.ACCEPTED, actor=world.hq, now=now)
        guest = "SAFETY@zzly.example"
        mail = come(box, self.reply(event, guest, "TENTATIVE"), now)
        come(box, self.reply(event, world.hq.email, "DECLINED", key="<r2@x>"), now)
        assert (mail.outcome, mail.reason, mail.matter_number) == (
            MailOutcome.CALENDAR_REPLY,
            "",
            event.number,
        )
        people = {one.email: one for one in events.participants_of(event.id)}
        assert people["safety@zzly.example"].mail_answer is MailedAnswer.TENTATIVE
        assert people["safety@zzly.example"].mail_words == "周四下午可以吗"
        mine = people[world.hq.email]
        assert (mine.answer, mine.mail_answer) == (InviteAnswer.ACCEPTED, MailedAnswer.DECLINED)
        assert db.session.scalars(select(Enquiry)).all() == []
        # What came late, out of order, changes nothing.
        assert come(box, self.reply(event, guest, "ACCEPTED", key="<r3@x>"), now - timedelta(hours=1)).reason
        assert self.answers(event)["safety@zzly.example"] is MailedAnswer.TENTATIVE

    def test_who_is_not_invited_waits_for_a_person(
        self, event: RelationEvent, box: Mailbox, now: datetime
    ) -> None:
        mail = come(box, self.reply(event, "stranger@x.example", "ACCEPTED"), now)
        assert (mail.outcome, mail.reason) == (MailOutcome.UNSORTED, "reply_not_invited")
        assert set(self.answers(event).values()) == {None}

    def test_another_time_asks_anew(
        self, event: RelationEvent, box: Mailbox, world: World, now: datetime
    ) -> None:
        come(box, self.reply(event, "safety@zzly.example", "ACCEPTED"), now)
        later = meeting_plan(world, now + timedelta(days=12))
        events.change(event.number, later, "会议室冲突", event.version, actor=world.manager, now=now)
        assert self.answers(event)["safety@zzly.example"] is None
        mail = come(box, self.reply(event, "safety@zzly.example", "ACCEPTED", key="<r2@x>"), now)
        assert (mail.outcome, mail.reason) == (MailOutcome.CALENDAR_REPLY, "reply_outdated")
