"""Agreed items: reported done by either side, dropped and moved with reasons, chased, and seen by whom they concern."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.jobs import relations_watch
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Channel, MessageChannel, Notice
from service_desk.models.relations import AgreedItem, ItemSource, ItemState
from service_desk.models.users import User
from service_desk.rules.hooks import HookKind
from service_desk.rules.notice_subjects import NoticeSubject
from service_desk.rules.periods import before, quarter_of
from service_desk.rules.permissions import Side
from service_desk.rules.report_document import ReportKind
from service_desk.services.relations import NewItem, item_lists, items, items_of, open_item
from service_desk.services.relations.item_lists import ItemFilter, ItemView
from service_desk.services.reports.makers import MAKERS
from tests.relation_cases import decisions, planned_meeting, write_minutes
from tests.world import World

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)


def opened(world: World, now: datetime, **other: object) -> AgreedItem:
    values = {"title": "增设定损员", "measure": "", "owner_id": world.claims1.id, "due_on": TODAY + 5 * DAY}
    item = open_item(
        world.account.id,
        ItemSource.OPINION,
        1,
        NewItem(**(values | other)),  # type: ignore[arg-type]
        actor=world.manager,
        now=now,
    )
    db.session.commit()
    return item


def told(kind: str) -> list[int | None]:
    statement = select(Notice.user_id).where(Notice.kind == kind, Notice.channel == Channel.IN_APP)
    return list(db.session.scalars(statement.order_by(Notice.id)))


def titles(world: World, who: str, now: datetime, **wanted: object) -> list[str]:
    page = item_lists.list_items(
        world.account.id,
        ItemFilter(**wanted),  # type: ignore[arg-type]
        PageRequest(),
        actor=getattr(world, who),
        now=now,
    )
    return [row.item.title for row in page.rows]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": "  "}, "required"),
        ({"title": "长" * 201}, "words_too_long"),
        ({"due_on": TODAY - DAY}, "item_due_past"),
        ({"owner_id": 10**6}, "item_owner_unknown"),
    ],
)
def test_what_cannot_be_opened_is_refused(world, now, changes, code) -> None:
    with pytest.raises(InvalidMany) as refusal:
        opened(world, now, **changes)
    assert [one.code for one in refusal.value.problems] == [code]


def test_a_branch_of_another_account_has_no_items_here(world: World, now: datetime) -> None:
    with pytest.raises(InvalidMany) as refusal:
        opened(world, now, branch_id=world.foreign_branch.id)
    assert [one.code for one in refusal.value.problems] == ["contact_branch_unknown"]


class TestEnding:
    def test_the_owner_of_either_side_reports_the_result(self, world: World, now: datetime) -> None:
        item = opened(world, now, owner_id=world.hq.id)
        items.finish(item.id, " 已通知各分公司 ", item.version, actor=world.hq, now=now)
        assert (item.state, item.result, item.ended_by_id) == (
            ItemState.DONE,
            "已通知各分公司",
            world.hq.id,
        )
        assert told("item_ended") == [world.manager.id]
        file = item_lists.read_item(item.id, actor=world.manager)
        assert [(step.kind.value, step.note) for step in file.steps] == [("done", "已通知各分公司")]
        assert db.session.scalar(select(AuditEntry).where(AuditEntry.action == "item_done")) is not None

    def test_others_may_not_and_nothing_ends_twice(self, world: World, now: datetime) -> None:
        item = opened(world, now)
        for who in (world.claims2, world.hq):
            with pytest.raises(Forbidden, match="item_of_another"):
                items.finish(item.id, "好了", item.version, actor=who, now=now)
        with pytest.raises(Invalid, match="required"):
            items.finish(item.id, " ", item.version, actor=world.claims1, now=now)
        with pytest.raises(Conflict, match="stale"):
            items.finish(item.id, "好了", item.version + 1, actor=world.claims1, now=now)
        items.finish(item.id, "好了", item.version, actor=world.claims1, now=now)
        db.session.flush()
        with pytest.raises(Conflict, match="item_ended"):
            items.drop(item.id, "不做了", item.version, actor=world.manager, now=now)

    def test_only_a_manager_drops(self, world: World, now: datetime) -> None:
        item = opened(world, now)
        for who in (world.claims1, world.hq):
            with pytest.raises(Forbidden):
                items.drop(item.id, "不做了", item.version, actor=who, now=now)
        items.drop(item.id, "改由集团统一采购", item.version, actor=world.manager, now=now)
        assert (item.state, item.result) == (ItemState.DROPPED, "改由集团统一采购")

    def test_a_moved_day_is_counted_with_its_reason(self, world: World, now: datetime) -> None:
        item = opened(world, now)
        later = item.due_on + 10 * DAY
        items.move_due(item.id, later, "人员未到岗", item.version, actor=world.claims1, now=now)
        assert (item.due_on, item.due_moves) == (later, 1)
        db.session.flush()
        for day, code in ((later, "item_due_same"), (TODAY - DAY, "item_due_past")):
            with pytest.raises(Invalid, match=code):
                items.move_due(item.id, day, "再改", item.version, actor=world.manager, now=now)
        step = item_lists.read_item(item.id, actor=world.claims1).steps[0]
        assert (step.due_before, step.due_after, step.note) == (later - 10 * DAY, later, "人员未到岗")

    def test_a_manager_gives_it_to_another_who_is_told_and_chased(self, world: World, now: datetime) -> None:
        item = opened(world, now, due_on=TODAY)
        with pytest.raises(Forbidden):
            items.give(item.id, world.hq.id, "休假", item.version, actor=world.claims1, now=now)
        for owner_id, code in ((world.claims1.id, "item_owner_same"), (10**6, "item_owner_unknown")):
            with pytest.raises(Invalid, match=code):
                items.give(item.id, owner_id, "休假", item.version, actor=world.manager, now=now)
        items.give(item.id, world.hq.id, "由集团落实", item.version, actor=world.manager, now=now)
        db.session.commit()
        assert told("item_opened") == [world.claims1.id, world.hq.id]
        (step,) = item_lists.read_item(item.id, actor=world.hq).steps
        assert (step.owner_id, step.note) == (world.hq.id, "由集团落实")
        relations_watch.run(now)
        assert told("item_due") == [world.hq.id]

    def test_an_owner_at_the_client_moves_no_day(self, world: World, now: datetime) -> None:
        item = opened(world, now, owner_id=world.hq.id)
        with pytest.raises(Forbidden):
            items.move_due(item.id, TODAY + 9 * DAY, "忙", item.version, actor=world.hq, now=now)


class TestChasing:
    def test_before_on_the_day_weekly_when_late_and_the_manager_once(
        self, world: World, now: datetime
    ) -> None:
        opened(world, now)
        for days in range(21):
            for _twice in range(2):
                relations_watch.run(now + timedelta(days=days))
        assert told("item_due") == [world.claims1.id] * 2
        assert [one for one in told("item_overdue") if one == world.claims1.id] == [world.claims1.id] * 3
        assert [one for one in told("item_overdue") if one == world.manager.id] == [world.manager.id]

    @pytest.mark.parametrize("owner_has_left", [False, True])
    def test_a_group_hears_of_a_late_item_once_however_many_are_told(
        self, world: World, now: datetime, owner_has_left: bool
    ) -> None:
        group = MessageChannel(
            account_id=world.account.id,
            kind=HookKind.WECOM,
            name="理赔群",
            hook_url="https://bot.example",
            audience=Side.INSURER,
            subjects=[NoticeSubject.RELATIONS.value],
            created_at=now,
        )
        db.session.add(group)
        item = opened(world, now - 2 * DAY, due_on=TODAY - DAY)
        db.session.get_one(User, item.owner_id).is_active = not owner_has_left
        db.session.commit()

        relations_watch.run(now)

        assert len(told("item_overdue")) == (1 if owner_has_left else 2)
        heard = select(Notice).where(Notice.kind == "item_overdue", Notice.channel == Channel.WECOM)
        assert len(db.session.scalars(heard).all()) == 1

    def test_what_ended_is_chased_no_more_and_a_moved_day_anew(self, world: World, now: datetime) -> None:
        item = opened(world, now, due_on=TODAY)
        relations_watch.run(now)
        items.move_due(item.id, TODAY + 2 * DAY, "等配件", item.version, actor=world.claims1, now=now)
        db.session.commit()
        relations_watch.run(now)
        assert told("item_due") == [world.claims1.id] * 2
        items.finish(item.id, "好了", item.version, actor=world.claims1, now=now)
        db.session.commit()
        relations_watch.run(now + 9 * DAY)
        assert told("item_overdue") == []


def test_the_quarterly_review_tells_what_became_of_the_last_meetings_items(
    world: World, now: datetime
) -> None:
    older = planned_meeting(world, now - 60 * DAY, now - 61 * DAY)
    write_minutes(world, older, now - 59 * DAY, decisions=decisions(world, TODAY)[:1])
    meeting = planned_meeting(world, now - 8 * DAY, now - 9 * DAY)
    write_minutes(world, meeting, now, decisions=decisions(world, TODAY + DAY))
    done = items_of(ItemSource.EVENT, [meeting.id])[meeting.id][0]
    items.finish(done.id, "已到岗", done.version, actor=world.claims1, now=now)
    db.session.commit()

    period = quarter_of(TODAY)
    report = MAKERS[ReportKind.QUARTERLY_REVIEW].make(world.account, period, now=now)
    assert [tuple(row[3:]) for row in report.table("agreed_items").rows] == [
        (TODAY + DAY, "done", "已到岗"),
        (TODAY + DAY, "open", ""),
        (TODAY + DAY, "open", ""),
    ]
    earlier = MAKERS[ReportKind.QUARTERLY_REVIEW].make(world.account, before(period), now=now)
    assert len(earlier.table("agreed_items").rows) == 1


class TestWhoSees:
    def test_a_branch_sees_its_own_what_it_owes_and_what_its_meetings_decided(
        self, world: World, now: datetime
    ) -> None:
        invited = planned_meeting(world, now + DAY, now, user_ids=(world.safety_gongyi.id,))
        of_meeting = NewItem("会议议定", "", world.claims1.id, TODAY)
        open_item(world.account.id, ItemSource.EVENT, invited.id, of_meeting, actor=world.manager, now=now)
        opened(world, now, title="巩义", branch_id=world.gongyi.id)
        other = opened(world, now, title="中牟", branch_id=world.zhongmu.id)
        opened(world, now, title="本人负责", owner_id=world.safety_gongyi.id)
        assert sorted(titles(world, "safety_gongyi", now)) == ["会议议定", "巩义", "本人负责"]
        assert len(titles(world, "hq", now)) == len(titles(world, "claims2", now)) == 4
        assert titles(world, "foreign_hq", now) == []
        for who in (world.safety_gongyi, world.foreign_hq):
            with pytest.raises(NotFound):
                items.finish(other.id, "好了", other.version, actor=who, now=now)

    def test_filters_and_counts_agree(self, world: World, now: datetime) -> None:
        late = opened(world, now, due_on=TODAY, title="逾期")
        done = opened(world, now, title="已办", owner_id=world.hq.id)
        items.finish(done.id, "好了", done.version, actor=world.hq, now=now)
        db.session.commit()
        later = now + 3 * DAY
        counts = item_lists.count_views(world.account.id, ItemFilter(), actor=world.hq, now=later)
        assert {view.value: count for view, count in counts.items()} == {
            "open": 1,
            "overdue": 1,
            "done": 1,
            "dropped": 0,
            "all": 2,
        }
        for view, count in counts.items():
            assert len(titles(world, "hq", later, view=view)) == count
        assert titles(world, "hq", later, view=ItemView.ALL, owner_id=world.hq.id) == ["已办"]
        assert [row.item.id for row in item_lists.list_owed(world.account.id, actor=world.claims1)] == [
            late.id
        ]
        assert items_of(ItemSource.OPINION, [1, 2]) == {1: [late, done], 2: []}
