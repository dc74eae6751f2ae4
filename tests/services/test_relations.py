"""Meetings and visits: planned, moved, called off, held, minuted; their invitations; what is due; whose they are."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from service_desk.base.clock import CHINA
from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.jobs import notice_delivery, relations_watch
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Channel, HookKind, MessageChannel, Notice
from service_desk.models.relations import (
    AgreedItem,
    EventMinutes,
    ItemSource,
    RelationCadence,
    RelationEvent,
)
from service_desk.presenters import mail
from service_desk.rules.notice_subjects import NoticeSubject
from service_desk.rules.permissions import Side
from service_desk.rules.relation_flow import EventKind, EventState, InviteAnswer
from service_desk.rules.relations_due import CadencePeriod
from service_desk.services.documents import Upload
from service_desk.services.relations import due, event_lists, events, minutes
from service_desk.services.relations.due import CadenceWanted
from service_desk.services.relations.event_lists import EventFilter
from service_desk.services.relations.events import Guest
from service_desk.services.relations.minutes import Written
from tests.claim_cases import file_store, picture
from tests.jobs.smtp_server import mail_server
from tests.relation_cases import decisions, meeting_plan, planned_meeting, unseen, write_minutes
from tests.world import World

DAY = timedelta(days=1)


def mails(kind: str) -> list[Notice]:
    statement = select(Notice).where(Notice.kind == kind, Notice.channel == Channel.MAIL)
    return list(db.session.scalars(statement.order_by(Notice.id)))


def codes(refusal: pytest.ExceptionInfo[InvalidMany]) -> set[str]:
    return {one.code for one in refusal.value.problems}


@pytest.fixture(autouse=True)
def _addresses(world: World) -> None:
    for user in (world.manager, world.claims1, world.underwriter, world.hq, world.safety_gongyi):
        user.email = f"{user.username}@desk.example"
    db.session.commit()


class TestPlanning:
    def test_everybody_invited_is_told_once_with_a_calendar_file_in_their_language(
        self, world: World, now: datetime
    ) -> None:
        event = planned_meeting(world, now + 10 * DAY, now)

        invited = mails("relation_invited")
        assert {one.address for one in invited} == {
            "manager@desk.example",
            "claims1@desk.example",
            "hq@desk.example",
            "safety@zzly.example",
        }
        guest = next(one for one in invited if one.address == "safety@zzly.example")
        message = mail.render(guest, base_url="https://desk.example")
        (file,) = message.attachments
        text = file.content.decode().replace("\r\n ", "")
        assert (message.language, file.content_type) == ("en", "text/calendar; charset=utf-8; method=REQUEST")
        assert f"UID:{event.uid}" in text
        assert "SEQUENCE:0" in text
        assert "METHOD:REQUEST" in text
        assert f"DTSTART:{now + 10 * DAY:%Y%m%dT%H%M%SZ}" in text
        assert 'ATTENDEE;CN="高建军"' in text
        assert "hq@desk.example" not in text
        assert "Quarterly meeting" in text
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "event_planned")).one()
        assert (entry.entity_label, entry.account_id) == (event.number, world.account.id)

    def test_a_real_mail_server_gets_a_calendar_part(self, app, world: World, now: datetime) -> None:
        planned_meeting(world, now + 10 * DAY, now, user_ids=(world.hq.id,), guests=())
        db.session.commit()
        config = app.extensions["desk_config"]
        with mail_server() as server:
            app.extensions["desk_config"] = replace(config, smtp=server.settings)
            try:
                notice_delivery.run(now)
            finally:
                app.extensions["desk_config"] = config
        message = next(one for one in server.received if "hq@desk.example" in one["To"])
        (part,) = message.iter_attachments()
        assert part.get_content_type() == "text/calendar"
        assert part.get_param("method") == "REQUEST"
        assert part.get_filename().endswith(".ics")
        assert b"BEGIN:VEVENT" in part.get_payload(decode=True)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"title": " "}, "required"),
            ({"to_at": datetime.fromisoformat("2026-11-01T00:00:00+00:00")}, "event_times"),
            ({"kind": EventKind.BRANCH_VISIT}, "event_branch_missing"),
            ({"branch_id": 10**6}, "contact_branch_unknown"),
            ({"organiser_id": 10**6}, "event_organiser_unknown"),
            ({"user_ids": (10**6,)}, "event_people_unknown"),
            ({"guests": (Guest("甲", "not a mail", Side.CLIENT),)}, "email_invalid"),
            ({"guests": (Guest("", "a@b.example", Side.CLIENT),)}, "guest_name_missing"),
        ],
    )
    def test_what_cannot_be_planned_writes_nothing(self, world, now, changes, code) -> None:
        with pytest.raises(InvalidMany) as refusal:
            events.plan(
                world.account.id, meeting_plan(world, now + DAY, **changes), actor=world.manager, now=now
            )
        assert code in codes(refusal)
        assert db.session.scalar(select(func.count(RelationEvent.id))) == 0
        assert mails("relation_invited") == []

    def test_what_our_guests_alone_get_is_not_told_to_the_clients_group(
        self, world: World, now: datetime
    ) -> None:
        group = MessageChannel(
            account_id=world.account.id,
            kind=HookKind.WECOM,
            name="客户群",
            hook_url="https://bot.example/1",
            audience=Side.CLIENT,
            subjects=[NoticeSubject.RELATIONS.value],
            created_at=now,
        )
        db.session.add(group)
        trainer = Guest("外聘讲师", "trainer@example.com", Side.INSURER)
        ours = {"kind": EventKind.TRAINING, "user_ids": (world.claims1.id,), "guests": (trainer,)}
        planned_meeting(world, now + timedelta(days=2), now, **ours)

        told = select(Notice.address, Notice.channel_id).where(Notice.channel != "in_app")
        found = db.session.execute(told).tuples().all()
        assert "trainer@example.com" in {address for address, _channel in found}
        assert {channel for _address, channel in found} == {None}

    def test_a_person_of_another_account_is_not_invited(self, world: World, now: datetime) -> None:
        wrong = meeting_plan(world, now + DAY, user_ids=(world.foreign_hq.id,))
        with pytest.raises(InvalidMany) as refusal:
            events.plan(world.account.id, wrong, actor=world.manager, now=now)
        assert codes(refusal) == {"event_people_unknown"}


class TestChanging:
    def test_moving_raises_the_sequence_and_asks_everybody_anew(self, world: World, now: datetime) -> None:
        event = planned_meeting(world, now + 10 * DAY, now)
        events.answer(event.number, InviteAnswer.ACCEPTED, actor=world.hq, now=now)
        later = meeting_plan(world, now + 12 * DAY, user_ids=(world.hq.id, world.safety_gongyi.id), guests=())
        events.change(event.number, later, "会议室冲突", event.version, actor=world.manager, now=now)

        assert (event.sequence, event.from_at) == (1, now + 12 * DAY)
        people = {one.user_id: one for one in events.participants_of(event.id)}
        assert set(people) == {world.manager.id, world.hq.id, world.safety_gongyi.id}
        assert people[world.hq.id].answer is InviteAnswer.ASKED
        assert {one.address for one in mails("relation_changed")} == {
            "manager@desk.example",
            "hq@desk.example",
        }
        assert [one.params["sequence"] for one in mails("relation_changed")] == [1, 1]
        assert {one.address for one in mails("relation_cancelled")} == {
            "claims1@desk.example",
            "safety@zzly.example",
        }
        assert mails("relation_invited")[-1].address == "safety-gongyi@desk.example"
        # It is not off: who is left out reads that it goes on without them.
        left_out = [mail.render(one, base_url="") for one in mails("relation_cancelled")]
        assert {re.split("[：:]", one.subject)[0] for one in left_out} == {
            "您无需再参加",
            "You are no longer asked to come",
        }
        assert not any("取消" in one.text or "does not take place" in one.text for one in left_out)

    def test_an_answer_stands_when_only_the_words_change(self, world: World, now: datetime) -> None:
        event = planned_meeting(world, now + 10 * DAY, now)
        events.answer(event.number, InviteAnswer.DECLINED, actor=world.hq, now=now)
        wanted = meeting_plan(world, now + 10 * DAY, place="线上会议")
        events.change(event.number, wanted, "改线上", event.version, actor=world.manager, now=now)
        answers = {one.user_id: one.answer for one in events.participants_of(event.id)}
        assert answers[world.hq.id] is InviteAnswer.DECLINED

    def test_calling_off_needs_a_reason_and_takes_it_out_of_calendars(
        self, world: World, now: datetime
    ) -> None:
        event = planned_meeting(world, now + 10 * DAY, now)
        with pytest.raises(Invalid, match="required"):
            events.cancel(event.number, " ", event.version, actor=world.manager, now=now)
        events.cancel(event.number, "暴雪停会", event.version, actor=world.manager, now=now)
        assert (event.state, event.sequence) == (EventState.CANCELLED, 1)
        notice = mails("relation_cancelled")[0]
        letter = mail.render(notice, base_url="")
        assert letter.subject.startswith("取消通知：")
        (file,) = letter.attachments
        assert b"METHOD:CANCEL" in file.content
        assert b"STATUS:CANCELLED" in file.content
        with pytest.raises(Conflict, match="event_state"):
            events.cancel(event.number, "再次", event.version, actor=world.manager, now=now)

    def test_a_stale_page_changes_nothing(self, world: World, now: datetime) -> None:
        event = planned_meeting(world, now + 10 * DAY, now)
        with pytest.raises(Conflict, match="stale"):
            events.cancel(event.number, "停会", event.version + 1, actor=world.manager, now=now)

    def test_only_the_invited_answer(self, world: World, now: datetime) -> None:
        event = planned_meeting(world, now + 10 * DAY, now)
        with pytest.raises(Conflict, match="not_invited"):
            events.answer(event.number, InviteAnswer.ACCEPTED, actor=world.claims2, now=now)


class TestMinutes:
    def test_decisions_become_items_and_everybody_gets_them_once(self, world: World, now: datetime) -> None:
        event = planned_meeting(world, now - 3 * DAY, now - 10 * DAY)
        due_on = date(2026, 12, 10)
        write_minutes(world, event, now, decisions=decisions(world, due_on), papers=[picture("签到表.jpg")])

        assert (event.state, event.minutes_number) == (EventState.MINUTED, 1)
        items = db.session.scalars(select(AgreedItem).order_by(AgreedItem.id)).all()
        assert [(item.source, item.source_id, item.due_on) for item in items] == [
            (ItemSource.EVENT, event.id, due_on)
        ] * 3
        assert len(mails("relation_minutes")) == 4
        assert [line["title"] for line in mails("relation_minutes")[0].params["items"]] == [
            "议定事项1",
            "议定事项2",
            "议定事项3",
        ]
        # Whom the minutes reach is not mailed of the item again; who was not there is.
        assert [one.user_id for one in mails("item_opened")] == [world.underwriter.id]
        (paper,) = minutes.papers_of(event.id)
        assert minutes.get_paper(event.number, paper.id, actor=world.hq).id == paper.id

    def test_a_correction_is_another_version_with_its_reason(self, world: World, now: datetime) -> None:
        event = planned_meeting(world, now - 3 * DAY, now - 10 * DAY)
        write_minutes(world, event, now)
        with pytest.raises(InvalidMany) as refusal:
            write_minutes(world, event, now, words="更正")
        assert codes(refusal) == {"required"}
        write_minutes(world, event, now, words="更正后的纪要", reason="漏记一项")
        versions = minutes.versions_of(event.id)
        assert [(one.number, one.words) for one in versions] == [
            (2, "更正后的纪要"),
            (1, "双方通报情况，议定三项。"),
        ]
        assert len(mails("relation_minutes")) == 8

    def test_both_sides_were_there_and_decisions_are_whole(self, world: World, now: datetime) -> None:
        event = planned_meeting(world, now - 3 * DAY, now - 10 * DAY)
        ours = [one.id for one in events.participants_of(event.id) if one.side is Side.INSURER]
        late = replace(decisions(world, date(2026, 11, 1))[0], owner_id=world.foreign_hq.id)
        with pytest.raises(InvalidMany) as refusal:
            write_minutes(world, event, now, present_ids=ours, decisions=(late,))
        assert codes(refusal) == {"both_sides_present", "item_owner_unknown", "item_due_past"}
        assert db.session.scalar(select(func.count(EventMinutes.id))) == 0
        write_minutes(world, event, now, present_ids=ours, others=(("周主任", Side.CLIENT),))
        assert minutes.versions_of(event.id)[0].present[-1] == {"name": "周主任", "side": "client"}

    def test_not_before_it_has_begun_and_no_active_pdf(self, world: World, now: datetime) -> None:
        event = planned_meeting(world, now + DAY, now)
        with pytest.raises(Conflict, match="event_not_begun"):
            write_minutes(world, event, now)
        with pytest.raises(Invalid, match="paper_unreadable"):
            write_minutes(world, event, now + 2 * DAY, papers=[Upload("a.jpg", b"no picture")])

    def test_held_and_nothing_written_yet(self, world: World, now: datetime) -> None:
        event = planned_meeting(world, now - DAY, now - 3 * DAY)
        assert [
            row.event.id for row in event_lists.list_to_minute(world.account.id, actor=world.claims1, now=now)
        ]
        events.hold(event.number, event.version, actor=world.claims1, now=now)
        assert (event.state, event.held_at) == (EventState.HELD, now)


class TestWhoSees:
    def numbers(self, world: World, who: str) -> list[str]:
        page = event_lists.list_events(
            world.account.id,
            EventFilter(),
            PageRequest(),
            actor=getattr(world, who),
            zone=CHINA,
        )
        return [row.event.title for row in page.rows]

    def test_a_branch_sees_its_own_and_what_it_is_invited_to(self, world: World, now: datetime) -> None:
        visit = {"kind": EventKind.BRANCH_VISIT, "user_ids": (), "guests": ()}
        planned_meeting(world, now + DAY, now, title="集团会议")
        planned_meeting(world, now + DAY, now, title="邀请分公司", user_ids=(world.safety_gongyi.id,))
        planned_meeting(world, now + 2 * DAY, now, title="巩义走访", branch_id=world.gongyi.id, **visit)
        other = planned_meeting(world, now + DAY, now, title="中牟走访", branch_id=world.zhongmu.id, **visit)

        assert sorted(self.numbers(world, "safety_gongyi")) == ["巩义走访", "邀请分公司"]
        assert len(self.numbers(world, "hq")) == len(self.numbers(world, "claims2")) == 4
        assert self.numbers(world, "foreign_hq") == []
        for who in (world.safety_gongyi, world.foreign_hq):
            with pytest.raises(NotFound):
                event_lists.read_event(other.number, actor=who)

    @pytest.mark.parametrize("who", ["hq", "safety_gongyi"])
    def test_the_client_plans_nothing_and_sees_no_table_of_promises(self, world, now, who) -> None:
        actor = getattr(world, who)
        event = planned_meeting(world, now + DAY, now, user_ids=(actor.id,))
        with pytest.raises(Forbidden):
            events.plan(world.account.id, meeting_plan(world, now + DAY), actor=actor, now=now)
        with pytest.raises(Forbidden):
            events.cancel(event.number, "不开了", event.version, actor=actor, now=now)
        with pytest.raises(Forbidden):
            due.list_due(world.account.id, actor=actor, now=now)
        written = Written("纪要", ())
        with pytest.raises(Forbidden):
            minutes.write(event.number, written, 1, files=file_store(), actor=actor, now=now)


class TestDue:
    def test_the_manager_hears_of_each_thing_once(self, world: World, now: datetime) -> None:
        for days in (0, 1, 8, 9):
            for _twice in range(2):
                relations_watch.run(now + timedelta(days=days))
        told = mails("relations_due")
        assert {one.user_id for one in told} == {world.manager.id}
        lines = [(line["code"], line["due_on"]) for one in told for line in one.params["lines"]]
        assert len(lines) == len(set(lines)) + 1  # two branches are visited until the same day
        assert ("quarterly_meeting", "2026-12-31") in lines
        assert len(told) == 2

    def test_what_is_planned_is_not_due(self, world: World, now: datetime) -> None:
        def meetings() -> list[str]:
            rows = due.list_due(world.account.id, actor=world.claims1, now=now + 20 * DAY)
            return [row.due.cadence.code for row in rows if row.due.cadence.code == "quarterly_meeting"]

        assert meetings() == ["quarterly_meeting"]
        event = planned_meeting(world, now + 25 * DAY, now)
        assert meetings() == []
        events.cancel(event.number, "停会", event.version, actor=world.manager, now=now)
        assert meetings() == ["quarterly_meeting"]

    def test_of_two_who_change_a_line_first_the_second_is_told(
        self, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = CadenceWanted(2, CadencePeriod.QUARTER, 10, "")
        due.edit_line(world.account.id, "quarterly_meeting", wanted, 0, actor=world.manager, now=now)
        db.session.commit()
        unseen(monkeypatch, RelationCadence)
        with pytest.raises(Conflict, match="stale"):
            due.edit_line(world.account.id, "quarterly_meeting", wanted, 0, actor=world.manager, now=now)

    def test_a_manager_changes_a_line_and_others_may_not(self, world: World, now: datetime) -> None:
        wanted = CadenceWanted(2, CadencePeriod.QUARTER, 10, "协议第 8 条")
        due.edit_line(world.account.id, "quarterly_meeting", wanted, 0, actor=world.manager, now=now)
        line = due.list_table(world.account.id, actor=world.claims1)[0]
        assert (line.cadence.times, line.cadence.source, line.version) == (2, "协议第 8 条", 1)
        with pytest.raises(Conflict, match="stale"):
            due.edit_line(world.account.id, "quarterly_meeting", wanted, 0, actor=world.manager, now=now)
        with pytest.raises(InvalidMany):
            due.edit_line(
                world.account.id, "branch_visit", replace(wanted, times=99), 0, actor=world.manager, now=now
            )
        for who in (world.claims1, world.hq):
            with pytest.raises(Forbidden):
                due.edit_line(world.account.id, "quarterly_meeting", wanted, 1, actor=who, now=now)
        with pytest.raises(NotFound):
            due.edit_line(
                world.foreign_account.id, "quarterly_meeting", wanted, 0, actor=world.manager, now=now
            )
