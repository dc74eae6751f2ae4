"""The demo's year of meetings and visits, what they agreed, and the log of the desk's work with the client."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from service_desk.adapters.file_store import FileStore
from service_desk.adapters.statutory_days import statutory_year
from service_desk.base.clock import CHINA, local_date
from service_desk.demo.group import Group
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.relations import ItemSource, RelationEvent
from service_desk.models.users import User
from service_desk.rules.periods import months_after, quarter_of
from service_desk.rules.permissions import Role, Side
from service_desk.rules.relation_flow import EventKind, InviteAnswer
from service_desk.rules.relations_due import CadencePeriod
from service_desk.rules.work_log import WorkKind
from service_desk.services.relations import due, events, items, minutes, targets, work
from service_desk.services.relations.due import CadenceWanted
from service_desk.services.relations.events import EventPlan, Guest
from service_desk.services.relations.items import NewItem, items_of
from service_desk.services.relations.minutes import Written
from service_desk.services.relations.targets import TargetWanted
from service_desk.services.relations.work import NewEntry

DAY = timedelta(days=1)
_QUARTER_WORDS = "一二三四"
_MEETING_AGENDA = "一、通报本季度承保与理赔情况\n二、限时服务达标情况与超时案件\n三、争议案件与征求意见答复\n四、下季度工作安排"
_MEETING_WORDS = (
    "保险公司通报本季度承保、理赔及限时服务情况，双方逐项核对未决清单。\n"
    "集团保险部反映个别分公司定损等待时间偏长、新车投保资料往返多次。\n"
    "双方议定以下事项，责任人按期落实，下次会议逐项通报。"
)
_DECISIONS = (
    ("增设巩义、登封片区定损员一名", "每周二、四驻点定损，配件报价当日回复", "claims1"),
    ("印发新车投保资料清单", "一页纸清单发至各分公司安全科", "underwriter"),
    ("汇总各分公司驾驶员培训需求", "集团保险部收集后提交下次会议", "hq"),
)
_TALKS = ("雨雪天气行车安全讲座", "客运站场安全与事故现场处置讲座")
_NOTES = (
    ("送达批单并核对车辆清单", "安全科"),
    ("查看维修厂定损进度", "修理厂前台"),
    ("讲解人伤案件单证要求", "安全员"),
    ("收取征求意见表", "办公室"),
    ("核对未决清单", "安全科"),
)


def build_relations(group: Group, files: FileStore, random: Random, now: datetime) -> None:
    """Write the year: four meetings with their decisions, visits both ways, greetings, what is planned, and the log."""
    _promise(group, now)
    _meetings(group, files, now)
    _senior_visits(group, files, now)
    _branch_visits(group, files, random, now)
    _talks_and_greetings(group, files, now)
    _ahead(group, now)
    _work(group, random, now)
    db.session.flush()


def _promise(group: Group, now: datetime) -> None:
    """This account has a talk a quarter; this quarter's is due and nobody has planned it."""
    wanted = CadenceWanted(1, CadencePeriod.QUARTER, 92, "大客户服务协议第 12 条")
    manager = group.users["manager"]
    due.edit_line(group.account.id, "safety_talk", wanted, 0, actor=manager, now=now - 300 * DAY)
    db.session.flush()


def _at(day: date, hour: int = 9, minute: int = 30) -> datetime:
    """A working hour of a day; a weekend's is moved to the Monday after."""
    if day.weekday() > 4:
        day += timedelta(days=7 - day.weekday())
    return datetime.combine(day, time(hour, minute), CHINA)


def _planned(
    group: Group,
    kind: EventKind,
    title: str,
    from_at: datetime,
    people: Sequence[str],
    told_at: datetime,
    **other: Any,
) -> RelationEvent:
    values: dict[str, Any] = {
        "place": "集团三楼会议室",
        "agenda": "",
        "branch_id": None,
        "organiser_id": group.users["manager"].id,
        "hours": 2,
        "guests": (),
    } | other
    event = events.plan(
        group.account.id,
        EventPlan(
            kind=kind,
            title=title,
            from_at=from_at,
            to_at=from_at + timedelta(hours=values.pop("hours")),
            user_ids=tuple(group.users[name].id for name in people),
            **values,
        ),
        actor=group.users["manager"],
        now=told_at,
    )
    db.session.flush()
    return event


def _written(
    group: Group,
    event: RelationEvent,
    words: str,
    files: FileStore,
    decisions: Sequence[NewItem] = (),
    others: Sequence[tuple[str, Side]] = (),
) -> None:
    people = events.participants_of(event.id)
    said = Written(words, tuple(one.id for one in people), others, decisions)
    manager, at = group.users["manager"], event.to_at + timedelta(hours=3)
    minutes.write(event.number, said, event.version, files=files, actor=manager, now=at)
    db.session.flush()


def _meetings(group: Group, files: FileStore, now: datetime) -> None:
    """One in each of the last four quarters. Of the last one's decisions one is done, one late, one open."""
    first = quarter_of(local_date(now)).first
    safety_director = Guest("高建军", "safety@zzly.example", Side.CLIENT)
    for back in (4, 3, 2, 1):
        quarter = quarter_of(months_after(first, -3 * back).first)
        number = _QUARTER_WORDS[(quarter.first.month - 1) // 3]
        starts = _at(quarter.first + timedelta(days=64))
        event = _planned(
            group,
            EventKind.QUARTERLY_MEETING,
            f"{quarter.first.year} 年{number}季度联席会议",
            starts,
            ("manager", "claims1", "underwriter", "hq"),
            starts - 14 * DAY,
            agenda=_MEETING_AGENDA,
            guests=(safety_director,),
        )
        is_last = back == 1
        last_day = local_date(now) - 6 * DAY if is_last else local_date(starts) + 45 * DAY
        chosen = [
            NewItem(
                title,
                measure,
                group.users[owner].id,
                last_day + timedelta(days=40 if place and is_last else 0),
            )
            for place, (title, measure, owner) in enumerate(_DECISIONS)
        ]
        _written(group, event, _MEETING_WORDS, files, chosen)
        _end_items(group, event, now, only_second=is_last)


def _end_items(group: Group, event: RelationEvent, now: datetime, *, only_second: bool) -> None:
    results = ("已到岗，片区定损平均等待由 2 天降至 1 天", "清单已印发 41 家分公司", "已汇总 17 家分公司需求")
    users = {user.id: user for user in group.users.values()}
    for place, item in enumerate(items_of(ItemSource.EVENT, [event.id])[event.id]):
        index = next(i for i, one in enumerate(_DECISIONS) if one[0] == item.title)
        if only_second and index != 1:
            continue
        at = min(event.to_at + timedelta(days=18 + 4 * place), now - DAY)
        items.finish(item.id, results[index], item.version, actor=users[item.owner_id], now=at)
        db.session.flush()


def _senior_visits(group: Group, files: FileStore, now: datetime) -> None:
    """Ours came twice this last year, the client's once."""
    for kind, days, title in (
        (EventKind.SENIOR_VISIT_OURS, 230, "总经理室拜访集团分管领导"),
        (EventKind.SENIOR_VISIT_THEIRS, 150, "集团安全总监来访"),
        (EventKind.SENIOR_VISIT_OURS, 48, "分管副总经理走访集团"),
    ):
        starts = _at(local_date(now) - days * DAY, 15, 0)
        place = "保险公司十二楼" if kind is EventKind.SENIOR_VISIT_THEIRS else "集团五楼会客室"
        event = _planned(group, kind, title, starts, ("manager", "hq"), starts - 10 * DAY, place=place)
        words = "双方高层就续保安排、事故预防费用和绿色通道交换意见。"
        _written(
            group,
            event,
            words,
            files,
            others=(("林副总经理", Side.INSURER), ("高建军", Side.CLIENT)),
        )


def _branch_visits(group: Group, files: FileStore, random: Random, now: datetime) -> None:
    """Most branches were visited this year, one visit was called off for snow."""
    staff = ("claims1", "claims2", "claims3", "underwriter", "underwriter2")
    for place, branch in enumerate(group.branches[:28]):
        visitor = staff[place % len(staff)]
        starts = _at(local_date(now) - timedelta(days=12 + 11 * place), random.choice((9, 10, 14, 15)))
        event = _visit(group, branch, visitor, starts, starts - 6 * DAY)
        if place == 3:
            events.cancel(
                event.number,
                "降雪封路，改期",
                event.version,
                actor=group.users["manager"],
                now=starts - DAY,
            )
        elif place % 3:
            events.hold(
                event.number,
                event.version,
                actor=group.users[visitor],
                now=event.to_at + timedelta(hours=1),
            )
        else:
            words = "走访安全科，核对在册车辆与到期情况，收取征求意见表一份。"
            _written(group, event, words, files, others=(("安全科长", Side.CLIENT),))
    db.session.flush()


def _visit(group: Group, branch: Branch, visitor: str, starts: datetime, told_at: datetime) -> RelationEvent:
    officers = [name for name, user in group.users.items() if user.branch_id == branch.id]
    return _planned(
        group,
        EventKind.BRANCH_VISIT,
        f"走访{branch.name}",
        starts,
        (visitor, *officers),
        told_at,
        branch_id=branch.id,
        place=f"{branch.name}安全科",
        organiser_id=group.users[visitor].id,
    )


def _talks_and_greetings(group: Group, files: FileStore, now: datetime) -> None:
    first = quarter_of(local_date(now)).first
    for back, title in zip((2, 1), _TALKS, strict=True):
        starts = _at(months_after(first, -3 * back).first + timedelta(days=40), 14, 30)
        event = _planned(
            group,
            EventKind.SAFETY_TALK,
            title,
            starts,
            ("claims3", "hq"),
            starts - 9 * DAY,
            place="集团培训中心",
        )
        _written(group, event, "到会驾驶员 86 人，讲解雨雪天事故案例 6 起，发放理赔指南。", files)
    for name, code in (("春节", "spring_festival"), ("中秋", "mid_autumn")):
        for day in _first_days(code, now):
            starts = _at(day - timedelta(days=8), 10)
            event = _planned(
                group,
                EventKind.GREETING,
                f"{name}慰问",
                starts,
                ("manager", "hq"),
                starts - 5 * DAY,
                place="集团",
            )
            events.hold(event.number, event.version, actor=group.users["manager"], now=event.to_at)


def _first_days(code: str, now: datetime) -> list[date]:
    """The first day off of a festival, where it lies in the last year."""
    today = local_date(now)
    found = []
    for year in (today.year - 1, today.year):
        days = [one.day for one in statutory_year(year).days if one.name == code and not one.is_working]
        found += [day for day in days[:1] if today - 330 * DAY < day < today]
    return found


def _ahead(group: Group, now: datetime) -> None:
    """The next meeting is planned and partly answered; a branch visit too."""
    told_at = now - 2 * DAY
    starts = _at(local_date(now) + 12 * DAY)
    number = _QUARTER_WORDS[(starts.month - 1) // 3]
    meeting = _planned(
        group,
        EventKind.QUARTERLY_MEETING,
        f"{starts.year} 年{number}季度联席会议",
        starts,
        ("manager", "claims1", "underwriter", "hq", "safety-gongyi"),
        told_at,
        agenda=_MEETING_AGENDA,
        guests=(Guest("高建军", "safety@zzly.example", Side.CLIENT),),
    )
    for name, said in (
        ("manager", InviteAnswer.ACCEPTED),
        ("hq", InviteAnswer.ACCEPTED),
        ("claims1", InviteAnswer.DECLINED),
    ):
        events.answer(meeting.number, said, actor=group.users[name], now=now - DAY)
    gongyi = next(one for one in group.branches if one.id == group.users["safety-gongyi"].branch_id)
    _visit(group, gongyi, "claims1", _at(local_date(now) + 5 * DAY, 14), told_at)


def _work(group: Group, random: Random, now: datetime) -> None:
    """Targets of the roles and of one person, and what people typed in the last weeks."""
    account_id, manager = group.account.id, group.users["manager"]
    since = months_after(local_date(now), -3).first
    for role, user, kind, times in (
        (Role.CLAIMS, None, WorkKind.VISIT, 8),
        (Role.CLAIMS, None, WorkKind.CALL, 20),
        (Role.UNDERWRITER, None, WorkKind.VISIT, 4),
        (Role.UNDERWRITER, None, WorkKind.CALL, 15),
        (None, group.users["claims4"].id, WorkKind.VISIT, 4),
    ):
        wanted = TargetWanted(role, user, kind, since, times)
        targets.set_target(account_id, wanted, actor=manager, now=now - 60 * DAY)
    for name in ("claims1", "claims2", "claims3", "underwriter"):
        for _count in range(9):
            _entry(group, group.users[name], random, now)


def _entry(group: Group, user: User, random: Random, now: datetime) -> None:
    note, met = random.choice(_NOTES)
    at = _at(local_date(now) - timedelta(days=random.randint(1, 40)), random.choice((9, 11, 14, 16)), 10)
    if at > now:
        return
    entry = NewEntry(
        kind=random.choice((WorkKind.VISIT, WorkKind.VISIT, WorkKind.CALL)),
        at=at,
        minutes=random.choice((20, 40, 60, 90)),
        branch_id=random.choice(group.branches).id,
        met=met,
        note=note,
    )
    work.log(group.account.id, entry, actor=user, now=at + timedelta(hours=2))
