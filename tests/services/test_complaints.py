"""A complaint goes past whom it is about: neither seen, answered, taken over nor stood in for; closed by the client's word."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.adapters.channels.callbacks import Heard
from service_desk.base.clock import CHINA
from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.duty import DutyShift
from service_desk.models.enquiries import (
    ClientWord,
    ContactKind,
    Enquiry,
    EnquiryChannel,
    EnquiryClosing,
    EnquiryRepeat,
    EnquiryState,
    MatterKind,
    WordMeans,
)
from service_desk.models.notices import HookKind, MessageChannel, Notice
from service_desk.models.sla import AbsenceKind, Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.duty import DutyKind
from service_desk.rules.notice_subjects import NoticeSubject
from service_desk.rules.periods import month_of, quarter_of
from service_desk.rules.permissions import Role, Side
from service_desk.rules.sla import EventKind, Target, TargetUnit
from service_desk.rules.work_log import WorkKind
from service_desk.services import (
    access,
    arrivals,
    audit,
    departures,
    documents,
    enquiries,
    messages,
    search,
    sla,
)
from service_desk.services.audit import TrailFilter
from service_desk.services.enquiries import (
    ContactDetails,
    ContactFilter,
    ContactView,
    Word,
    handovers,
    unanswered,
)
from service_desk.services.enquiries.handovers import Offered
from service_desk.services.enquiries.many import Outcome
from service_desk.services.measures import Span
from service_desk.services.notices import Matter
from service_desk.services.notices.delivery_log import LogFilter, list_log
from service_desk.services.relations import work
from service_desk.services.relations.work import NewEntry, WorkFilter
from service_desk.services.reports.claim_lines import breaches_of
from service_desk.services.reports.makers import meeting
from service_desk.services.sla import CorrectionAsked, absences, compliance, covering, standing_in, what_if
from service_desk.services.sla.absences import PlanAbsence
from tests.breach_cases import finding, paper
from tests.claim_cases import reported_claim
from tests.factories import UserFactory
from tests.world import World

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _levels(world: World, now: datetime) -> None:
    sla.install_defaults(now)
    db.session.commit()


@pytest.fixture
def second(world: World) -> User:
    user: User = UserFactory(
        username="manager2", name="郑海燕", role=Role.MANAGER, staff_no="9000", accounts=[world.account]
    )
    db.session.commit()
    return user


def complain(world: World, now: datetime, *, about: str = "", person: User | None = None) -> Enquiry:
    made = enquiries.log_complaint(
        world.account.id,
        "十一点才到",
        subject="查勘迟到",
        about=about,
        person_id=person.id if person else None,
        actor=world.hq,
        now=now,
    )
    db.session.commit()
    return made


def answered(world: World, complaint: Enquiry, now: datetime) -> Enquiry:
    owner = db.session.get_one(User, complaint.owner_id)
    enquiries.answer(complaint.number, "已核实，向您致歉", complaint.version, actor=owner, now=now)
    db.session.commit()
    return complaint


def kinds_told(user: User) -> list[str]:
    return list(db.session.scalars(select(Notice.kind).where(Notice.user_id == user.id).distinct()))


def test_a_complaint_about_a_claim_is_heard_by_a_manager_past_its_handler(
    world: World, now: datetime
) -> None:
    claim = reported_claim(world, now)

    complaint = complain(world, now, about=claim.number)

    assert (complaint.kind, complaint.claim_id) == (ContactKind.COMPLAINT, claim.id)
    assert complaint.hidden_from_id == claim.owner_id == world.claims1.id
    assert complaint.owner_id == complaint.first_owner_id == world.manager.id
    clocks = db.session.scalars(select(Timer).where(Timer.matter_number == complaint.number)).all()
    assert [(one.step, one.holder_id) for one in clocks] == [(ClockStep.COMPLAINT, world.manager.id)]
    assert "complaint_assigned" in kinds_told(world.manager)
    assert "enquiry_owner" in kinds_told(world.hq)
    told = db.session.scalar(select(Notice).where(Notice.kind == "enquiry_owner"))
    assert told is not None
    assert told.params["owner"]["staff_no"] == world.manager.staff_no


def test_whom_it_is_about_finds_it_nowhere(world: World, now: datetime) -> None:
    complaint = complain(world, now, person=world.manager)
    assert complaint.owner_id == world.admin.id
    number, person = complaint.number, world.manager

    with pytest.raises(NotFound):
        enquiries.read_contact(number, actor=person)
    with pytest.raises(NotFound):
        enquiries.answer(number, "不是我", complaint.version, actor=person, now=now)
    with pytest.raises(NotFound):
        enquiries.ask_handover(MatterKind.ENQUIRY, number, world.claims1.id, "", actor=person, now=now)
    everything = ContactFilter(ContactView.ALL)
    assert enquiries.list_enquiries(world.account.id, everything, PageRequest(), actor=person).total == 0
    assert enquiries.count_views(world.account.id, everything, actor=person)[ContactView.ALL] == 0
    assert (
        enquiries.list_enquiries(world.account.id, everything, PageRequest(), actor=world.claims2).total == 1
    )
    assert search.search(number, actor=person).total == 0
    assert number not in kinds_told(person)
    log = list_log(world.account.id, LogFilter(), PageRequest(), actor=person)
    assert number not in {line.notice.matter_number for line in log.rows}
    trail = audit.list_entries(TrailFilter(), PageRequest(), actor=person)
    assert not [one for one, _who in trail.rows if one.entity_label.startswith(number)]
    clocks = select(Timer).where(Timer.matter_number == number)
    read = access.visible(person, access.Action.READ_CLOCKS, clocks, Timer)
    assert db.session.scalars(read).all() == []
    timer = db.session.scalars(clocks).one()
    for kind, matter_id in (("breach", timer.id), ("enquiry", complaint.id)):
        file_id = paper(Matter(kind, matter_id, number, world.account.id), now)
        assert documents.get_document(file_id, actor=world.admin).id == file_id
        with pytest.raises(NotFound):
            documents.get_document(file_id, actor=person)


def test_its_broken_promise_is_told_to_others(world: World, second: User, now: datetime) -> None:
    complaint = complain(world, now, person=world.manager)
    timer = db.session.scalars(select(Timer).where(Timer.matter_number == complaint.number)).one()
    late = now + timedelta(days=7)

    sla.check_timer(timer.id, now=late)
    db.session.commit()

    about = select(Notice.user_id).where(
        Notice.matter_number == complaint.number, Notice.kind == "clock_breach"
    )
    assert world.manager.id not in set(db.session.scalars(about))
    review = db.session.scalars(select(Timer).where(Timer.matter_kind == "breach")).one()
    assert review.holder_id == second.id


def test_nobody_takes_it_over_or_stands_in_who_is_complained_about(
    world: World, second: User, now: datetime
) -> None:
    complaint = complain(world, now, person=world.claims1)
    owner = db.session.get_one(User, complaint.owner_id)

    takers = {user.id for user in enquiries.takers_of(complaint)}
    assert takers == {world.manager.id, second.id, world.admin.id} - {owner.id}
    with pytest.raises(Invalid, match="taker_unsuitable"):
        enquiries.ask_handover(
            MatterKind.ENQUIRY, complaint.number, world.claims1.id, "", actor=owner, now=now
        )
    timer = db.session.scalars(select(Timer).where(Timer.matter_number == complaint.number)).one()
    assert standing_in.may_take(world.claims2, timer)
    assert not standing_in.may_take(world.claims1, timer)


def test_it_is_closed_by_the_clients_word_alone(world: World, now: datetime) -> None:
    complaint = answered(world, complain(world, now), now + HOUR)
    with pytest.raises(Conflict, match="word_missing"):
        enquiries.close(complaint.number, complaint.version, actor=world.manager, now=now + HOUR)

    enquiries.say_word(
        complaint.number, "", complaint.version, is_satisfied=True, actor=world.hq, now=now + 2 * HOUR
    )
    db.session.commit()

    assert complaint.state is EnquiryState.CLOSED
    word = db.session.scalars(select(ClientWord)).one()
    assert (word.is_satisfied, word.means, word.said_by) == (True, WordMeans.PORTAL, world.hq.name)
    assert db.session.scalars(select(EnquiryClosing.is_first_contact)).one() is True
    actions = set(db.session.scalars(select(AuditEntry.action)))
    assert {"client_satisfied", "enquiry_closed"} <= actions


def test_what_did_not_satisfy_goes_on_to_the_next_with_the_words(
    world: World, second: User, now: datetime
) -> None:
    complaint = answered(world, complain(world, now), now + HOUR)
    before, at = complaint.owner_id, now + 2 * HOUR
    word = Word(False, WordMeans.CALL, "周敏", at - timedelta(minutes=5), "没有说明原因")
    owner = db.session.get_one(User, before)

    enquiries.record_word(complaint.number, word, complaint.version, actor=owner, now=at)
    db.session.commit()

    assert complaint.state is EnquiryState.OPEN
    assert complaint.owner_id != before
    assert complaint.owner_id in {world.manager.id, second.id}
    assert (complaint.answer, complaint.answered_at) == ("", None)
    running = select(Timer).where(Timer.matter_number == complaint.number, Timer.stopped_at.is_(None))
    assert db.session.scalars(running).one().holder_id == complaint.owner_id
    told = select(Notice).where(Notice.kind == "complaint_assigned", Notice.user_id == complaint.owner_id)
    assert "没有说明原因" in {one.params["note"] for one in db.session.scalars(told)}
    assert db.session.scalars(select(EnquiryRepeat.words)).all() == ["没有说明原因"]

    # Both managers had it: now the administrator hears it, and with nobody left it stays there.
    for hearing in (complaint.owner_id, world.admin.id):
        at += HOUR
        answered(world, complaint, at)
        assert complaint.owner_id == hearing
        at += HOUR
        enquiries.say_word(
            complaint.number, "还是没有", complaint.version, is_satisfied=False, actor=world.hq, now=at
        )
        db.session.commit()
    assert complaint.owner_id == world.admin.id


def test_the_clients_word_is_written_down_whole_or_refused(world: World, now: datetime) -> None:
    complaint = complain(world, now)
    early = Word(True, WordMeans.CALL, "周敏", now)
    with pytest.raises(Conflict, match="word_too_early"):
        enquiries.record_word(complaint.number, early, complaint.version, actor=world.manager, now=now)
    answered(world, complaint, now + HOUR)
    at = now + 2 * HOUR
    for wrong, code in (
        (Word(True, WordMeans.CALL, " ", at), "required"),
        (Word(True, WordMeans.PORTAL, "周敏", at), "word_means_wrong"),
        (Word(True, WordMeans.CALL, "周敏", at + HOUR), "word_future"),
        (Word(True, WordMeans.CALL, "周敏", now), "word_before_answer"),
    ):
        with pytest.raises(InvalidMany) as refused:
            enquiries.record_word(complaint.number, wrong, complaint.version, actor=world.manager, now=at)
        assert [one.code for one in refused.value.problems] == [code]
    silent = Word(False, WordMeans.CALL, "周敏", at)
    with pytest.raises(Invalid, match="note_missing"):
        enquiries.record_word(complaint.number, silent, complaint.version, actor=world.manager, now=at)
    with pytest.raises(Forbidden):
        enquiries.record_word(complaint.number, silent, complaint.version, actor=world.claims2, now=at)
    with pytest.raises(Conflict, match="stale"):
        enquiries.say_word(
            complaint.number, "", complaint.version - 1, is_satisfied=True, actor=world.hq, now=at
        )


def test_a_complaint_about_another_person_never_joins_one_that_this_person_reads(
    world: World, second: User, now: datetime
) -> None:
    claim = reported_claim(world, now)
    first = complain(world, now, about=claim.number, person=world.claims1)
    owner = db.session.get_one(User, first.owner_id)
    again = ContactDetails(
        EnquiryChannel.MESSAGE,
        world.hq.name,
        world.hq.phone,
        "还是迟到",
        "",
        claim.number,
        None,
        ContactKind.COMPLAINT,
        person_id=world.claims1.id,
    )
    with pytest.raises(Conflict, match="contact_repeated"):
        enquiries.take_contact(world.account.id, again, None, actor=world.hq, now=now)

    about_owner = replace(again, subject="主管也不管", person_id=owner.id)
    made = enquiries.take_contact(world.account.id, about_owner, None, actor=world.hq, now=now)
    db.session.commit()

    assert made.number != first.number
    assert owner.id not in (made.owner_id, first.hidden_from_id)
    assert made.hidden_from_id == owner.id
    assert enquiries.read_contact(first.number, actor=owner).repeats == []


def test_only_the_account_and_branch_it_belongs_to_see_it(world: World, now: datetime) -> None:
    complaint = complain(world, now)
    for stranger in (world.safety_gongyi, world.foreign_hq):
        with pytest.raises(NotFound):
            enquiries.say_word(
                complaint.number, "", complaint.version, is_satisfied=True, actor=stranger, now=now
            )
    with pytest.raises(InvalidMany) as refused:
        enquiries.log_contact(
            world.account.id,
            ContactDetails(EnquiryChannel.CALL, "周敏", "", "", "", "", None, caller_email="nobody"),
            actor=world.claims1,
            now=now,
        )
    assert {one.field for one in refused.value.problems} == {"subject", "caller_email"}
    with pytest.raises(Invalid, match="person_unknown"):
        complain(world, now, person=world.foreign_hq)


def test_another_matter_closed_may_come_back_for_seven_days(world: World, now: datetime) -> None:
    details = ContactDetails(EnquiryChannel.MESSAGE, "周敏", "", "发票", "", "", None)
    question = enquiries.log_contact(world.account.id, details, actor=world.hq, now=now)
    owner = db.session.get_one(User, question.owner_id)
    enquiries.answer(question.number, "明日寄出", question.version, actor=owner, now=now + HOUR)
    enquiries.close(question.number, question.version, actor=owner, now=now + 2 * HOUR)
    db.session.commit()
    late = now + 2 * HOUR + timedelta(days=7, seconds=1)
    with pytest.raises(Conflict, match="reopening_late"):
        enquiries.say_word(
            question.number, "没收到", question.version, is_satisfied=False, actor=world.hq, now=late
        )

    at = now + timedelta(days=2)
    enquiries.say_word(
        question.number, "没收到", question.version, is_satisfied=False, actor=world.hq, now=at
    )
    db.session.commit()

    assert (question.state, question.owner_id, question.closed_at) == (EnquiryState.OPEN, owner.id, None)
    closing = db.session.scalars(select(EnquiryClosing)).one()
    assert (closing.is_first_contact, closing.reopened_at) == (True, at)
    assert db.session.scalars(select(EnquiryRepeat.answer_before)).one() == "明日寄出"
    assert "enquiry_repeated" in kinds_told(owner)
    enquiries.answer(question.number, "已补寄", question.version, actor=owner, now=at + HOUR)
    enquiries.close(question.number, question.version, actor=owner, now=at + HOUR)
    db.session.commit()
    ends = db.session.scalars(select(EnquiryClosing.is_first_contact).order_by(EnquiryClosing.id)).all()
    assert ends == [True, False]


def test_nobody_reads_of_a_complaint_about_themselves_in_colleagues_matters(
    world: World, second: User, now: datetime
) -> None:
    person, account_id = world.manager, world.account.id
    call = ContactDetails(
        EnquiryChannel.CALL, "周敏", "", "查勘迟到", "", "", None, ContactKind.COMPLAINT, person_id=person.id
    )
    complaint = enquiries.log_contact(account_id, call, actor=world.claims1, now=now)
    assert complaint.owner_id == second.id
    visit = NewEntry(WorkKind.VISIT, now - HOUR, 30, None, "周敏", "当面致歉", complaint.number)
    work.log(account_id, visit, actor=second, now=now)
    db.session.commit()

    def worked(reader: User) -> set[str]:
        wanted = WorkFilter(month_of(now.date()), is_everybody=True)
        page = work.list_work(account_id, wanted, PageRequest(), actor=reader, zone=CHINA)
        return {row.number for row in page.rows}

    assert (worked(person), worked(second)) == (set(), {complaint.number})

    found = {
        reader: departures.read_departure(second.id, actor=reader, now=now)
        for reader in (person, world.admin)
    }
    assert found[person].lines == {}
    assert MatterKind.ENQUIRY in found[world.admin].lines
    key = (MatterKind.ENQUIRY, complaint.id)
    assert departures.offer(second.id, [key], [world.claims2.id], "", actor=person, now=now) == Outcome(
        [], []
    )


def test_the_hand_over_of_a_complaint_is_told_neither_to_whom_it_is_about_nor_to_a_group(
    world: World, second: User, now: datetime
) -> None:
    group = MessageChannel(
        account_id=world.account.id,
        kind=HookKind.WECOM,
        name="客服群",
        audience=Side.INSURER,
        language="zh",
        subjects=[one.value for one in NoticeSubject],
        hook_url="https://bot.example/1",
        created_at=now,
    )
    db.session.add(group)
    complaint = complain(world, now, person=world.manager)
    assert complaint.owner_id == second.id
    offer = enquiries.ask_handover(
        MatterKind.ENQUIRY, complaint.number, world.admin.id, "", actor=second, now=now
    )
    unanswered.tell(offer.id, now=now + 9 * HOUR)
    db.session.commit()

    late = select(Notice.user_id).where(Notice.kind == "handover_unanswered", Notice.channel == "in_app")
    assert set(db.session.scalars(late)) == {world.admin.id, second.id}
    assert not db.session.scalars(
        select(Notice).where(Notice.channel_id.is_not(None)).order_by(Notice.id)
    ).all()

    timer = db.session.scalars(select(Timer).where(Timer.matter_number == complaint.number)).one()
    clock = Offered(MatterKind.CLOCK, timer.id, complaint.number, world.account.id, second.id)
    with pytest.raises(Invalid, match="taker_unsuitable"):
        handovers.offer(clock, world.manager.id, "", actor=world.admin, now=now)


def test_reports_count_its_broken_promise_and_do_not_name_it(
    world: World, second: User, now: datetime
) -> None:
    complaint = complain(world, now, person=world.claims1)
    timer = db.session.scalars(select(Timer).where(Timer.matter_number == complaint.number)).one()
    late = now + timedelta(days=7)
    sla.check_timer(timer.id, now=late)
    signer = second if complaint.owner_id == world.manager.id else world.manager
    theirs = CorrectionAsked("当面说明", late.date() + timedelta(days=3), world.claims1.id)
    with pytest.raises(Invalid, match="review_owner_unknown"):
        sla.sign_review(timer.id, finding(None, correction=theirs), actor=signer, now=late)
    asked = CorrectionAsked("当面说明", late.date() + timedelta(days=3), world.claims2.id)
    sla.sign_review(timer.id, finding(None, correction=asked), actor=signer, now=late)
    db.session.commit()

    span = Span(world.account.id, month_of(now.date()), CHINA, late)
    assert [row.number for row in breaches_of(span)] == [""]
    (row,) = meeting.breaches(span, {}).table.rows
    assert (row[0], row[2], row[8], row[9]) == ("", ClockStep.COMPLAINT.value, None, None)
    (left,) = meeting.open_corrections(span).table.rows
    assert (left[0], left[3]) == ("", "")


def test_a_group_that_names_a_complaint_reads_nothing_of_it(world: World, now: datetime) -> None:
    group = MessageChannel(
        account_id=world.account.id,
        kind=HookKind.WECOM,
        name="客户群",
        hook_url="https://bot.example/1",
        audience=Side.CLIENT,
        subjects=[NoticeSubject.ENQUIRIES.value],
        created_at=now,
    )
    db.session.add(group)
    complaint = complain(world, now, person=world.claims1)

    arrivals.hear(group.id, Heard("1", "赵国强", f"{complaint.number} 还没有答复"), now=now + HOUR)
    db.session.commit()

    assert db.session.scalars(select(EnquiryRepeat.enquiry_id)).all() == [complaint.id]
    assert "enquiry_repeated" in kinds_told(world.manager)
    assert not db.session.scalars(
        select(Notice).where(Notice.channel_id.is_not(None)).order_by(Notice.id)
    ).all()


def test_its_thread_names_who_answers_past_whom_it_is_about(
    world: World, second: User, now: datetime
) -> None:
    complaint = complain(world, now, person=world.manager)
    away = PlanAbsence(second.id, world.manager.id, AbsenceKind.LEAVE, now, now + 8 * HOUR)
    absences.plan(away, actor=second, now=now)
    db.session.commit()

    thread = messages.read_thread(messages.of_enquiry(complaint), actor=world.hq, now=now + HOUR)

    assert complaint.owner_id == second.id
    assert thread.away is not None
    assert thread.away.substitute == world.admin


@pytest.mark.parametrize("is_by_roster", [False, True])
def test_its_clock_goes_past_a_stand_in_whom_it_is_about(
    world: World, now: datetime, is_by_roster: bool
) -> None:
    complaint = complain(world, now, person=world.claims1)
    timer = db.session.scalars(select(Timer).where(Timer.matter_number == complaint.number)).one()
    on_duty = DutyShift(
        account_id=world.account.id,
        user_id=world.claims1.id,
        kind=DutyKind.NIGHT,
        from_at=now,
        to_at=now + 8 * HOUR,
        entered_by_id=world.manager.id,
        entered_at=now,
    )
    db.session.add(on_duty)
    db.session.flush()
    substitute_id = None if is_by_roster else world.claims1.id
    away = PlanAbsence(world.manager.id, substitute_id, AbsenceKind.LEAVE, now + HOUR, now + 8 * HOUR)
    absence = absences.plan(away, actor=world.manager, now=now)
    db.session.commit()

    covering.change(absence, now + HOUR)
    db.session.commit()

    # The only manager is the one who is away, so an administrator hears it; the ledger says so.
    assert (timer.holder_id, timer.covered_id) == (world.admin.id, world.manager.id)
    entry = sla.entries_of([timer.id])[timer.id][-1]
    assert (entry.kind, entry.holder_id, entry.at) == (EventKind.SUBSTITUTE, world.admin.id, now + HOUR)
    told = db.session.scalars(
        select(Notice).where(Notice.kind == "standing_in", Notice.user_id == world.admin.id)
    ).all()
    assert {(one.params["count"], one.params["is_complaint"]) for one in told} == {(1, True)}
    hidden = select(Notice.params).where(Notice.kind == "standing_in", Notice.user_id == world.claims1.id)
    assert all(params["count"] == 0 for params in db.session.scalars(hidden))
    assert enquiries.may_work_on(complaint, actor=world.admin, now=now + HOUR)

    covering.change(absence, now + 8 * HOUR)
    assert timer.holder_id == world.manager.id


def test_figures_count_it_for_whom_it_is_about_and_lists_leave_it_out(
    world: World, second: User, now: datetime
) -> None:
    answered(world, complain(world, now, person=world.manager), now + HOUR)
    late = complain(world, now, person=world.manager)
    timer = db.session.scalars(select(Timer).where(Timer.matter_number == late.number)).one()
    then = now + timedelta(days=7)
    sla.check_timer(timer.id, now=then)
    db.session.commit()
    of = compliance.ComplianceFilter(world.account.id, quarter_of(now.date()), step=ClockStep.COMPLAINT)
    asked = what_if.Question(of, target=Target(1, TargetUnit.MINUTES))

    def read(reader: User) -> tuple[object, ...]:
        at = {"actor": reader, "now": then}
        found = compliance.read_compliance(of, compliance.Dimension.STEP, **at)
        listed = compliance.list_clocks(of, compliance.RowsWanted(), PageRequest(1, 10), **at)
        answer = what_if.ask(asked, **at)
        return (
            (found.total, found.times, found.hours, found.standing, answer.whole),
            listed.page.total,
            len(what_if.list_cases(answer, PageRequest(1, 10)).rows),
        )

    figures, *lists = read(world.manager)
    same, *whole = read(second)
    assert figures == same
    assert (lists, whole) == ([0, 0], [2, 1])
