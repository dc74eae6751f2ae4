"""When reports are made and who gets them: the usual schedules, editing, pauses, people added and left out."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from service_desk.models.accounts import KeyAccount
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.models.reports import ReportRecipient, ReportSchedule
from service_desk.models.users import User
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Role, Side
from service_desk.rules.report_document import ReportKind
from service_desk.rules.schedule import AUDIENCE, USUAL
from service_desk.services.reports import makers, overview, recipients, runs, schedules
from service_desk.services.reports.overview import ScheduleState
from service_desk.services.reports.recipients import Choice
from service_desk.services.reports.runs import Due
from service_desk.services.reports.schedules import ScheduleDetails
from tests.factories import ContactFactory, UserFactory
from tests.world import World

KIND = ReportKind.WEEKLY_CLAIMS
MONTHLY = ReportKind.MONTHLY_UNDERWRITING
WEEK = Period(date(2026, 11, 16), date(2026, 11, 22))
DAY = timedelta(days=1)
MONDAY_0830 = ScheduleDetails(0, 8, 30, is_active=True)
PAUSED = ScheduleDetails(0, 8, 30, is_active=False)


@pytest.fixture
def weekly(world: World, now: datetime) -> ReportSchedule:
    """The usual schedules are there; this is the weekly one."""
    schedules.ensure_schedules(now - 30 * DAY)
    db.session.flush()
    return of_kind(world, KIND)


def of_kind(world: World, kind: ReportKind) -> ReportSchedule:
    found = schedules.find_schedule(world.account.id, kind, actor=world.manager)
    assert found is not None
    return found


def due_of(world: World, now: datetime) -> list[Period]:
    planned = [one for one in schedules.list_on_schedule() if one.account_id == world.account.id]
    wanted = [due for one in planned if one.kind is KIND for due in runs.wanted(one, now)]
    return [due.period for due in runs.not_made(wanted)]


def names(schedule: ReportSchedule) -> dict[str, bool]:
    """Who is on the list, and whether they get it."""
    return {one.person.email: not one.is_muted for one in recipients.list_for(schedule)}


def sent_to(world: World, now: datetime, kind: ReportKind = KIND) -> set[tuple[str, str, str]]:
    """Address or login, channel and language of what a run of last week's report queues."""
    run = runs.make_scheduled(Due(world.account.id, kind, WEEK), now=now)
    assert run is not None
    found = db.session.scalars(select(Notice).where(Notice.matter_id == run.id).order_by(Notice.id))
    return {(one.address or str(one.user_id), one.channel.value, one.language) for one in found}


def key_of(person: object) -> str:
    return f"u{person.id}" if isinstance(person, User) else f"c{person.id}"


def test_every_account_gets_the_usual_schedule_of_every_kind_once(world: World, now: datetime) -> None:
    own = schedules.find_schedule(world.account.id, KIND, actor=world.manager)
    assert own is None
    assert schedules.has_unscheduled()
    db.session.add(
        ReportSchedule(account_id=world.account.id, kind=KIND, weekday=4, hour=17, starts_on=date(2026, 1, 1))
    )
    world.foreign_account.is_active = False
    db.session.flush()

    # The weekly one that was there already stays as somebody set it.
    assert schedules.ensure_schedules(now) == len(makers.kinds()) - 1
    assert schedules.ensure_schedules(now) == 0
    assert not schedules.has_unscheduled()

    found = schedules.list_schedules(world.account.id, actor=world.manager)
    assert [one.kind for one in found] == makers.kinds()
    assert (found[0].weekday, found[0].month_day, found[0].hour) == (4, None, 17)
    usual = USUAL[MONTHLY]
    assert (found[1].weekday, found[1].month_day, found[1].hour, found[1].minute) == (
        None,
        usual.day,
        usual.hour,
        usual.minute,
    )
    # From tomorrow on: today at 08:30 there was no account yet.
    assert found[1].starts_on == date(2026, 11, 24)


def test_what_fell_due_during_a_pause_is_not_sent_afterwards(
    weekly: ReportSchedule, world: World, now: datetime
) -> None:
    edit = schedules.edit_schedule
    edit(weekly.id, PAUSED, weekly.version, actor=world.manager, now=now - 20 * DAY)
    db.session.flush()
    assert due_of(world, now) == []

    edit(weekly.id, MONDAY_0830, weekly.version, actor=world.manager, now=now - 3 * DAY)
    db.session.flush()
    assert due_of(world, now) == [WEEK]

    changes = [
        entry.changes
        for entry in db.session.scalars(
            select(AuditEntry).filter_by(action="report_schedule_changed").order_by(AuditEntry.id)
        )
    ]
    assert [one["is_active"] for one in changes] == [[True, False], [False, True]]
    # Resumed after Friday's 08:30, so what was due then is no more.
    assert changes[1]["starts_on"][1] == "2026-11-21"


def test_what_fell_due_on_the_morning_of_the_day_it_is_resumed_is_not_sent_either(
    weekly: ReportSchedule, world: World
) -> None:
    edit, due_at = schedules.edit_schedule, datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    after = due_at + timedelta(minutes=1)

    def paused_and_resumed(at: datetime, details: ScheduleDetails = MONDAY_0830) -> list[Period]:
        edit(weekly.id, PAUSED, weekly.version, actor=world.manager, now=at - 20 * DAY)
        db.session.flush()
        edit(weekly.id, details, weekly.version, actor=world.manager, now=at)
        db.session.flush()
        return due_of(world, at + timedelta(hours=8))

    assert paused_and_resumed(after) == []
    assert paused_and_resumed(due_at) == [WEEK]
    assert paused_and_resumed(after, ScheduleDetails(0, 15, 0, is_active=True)) == [WEEK]


def test_who_pauses_a_report_while_others_are_made_stops_it(
    weekly: ReportSchedule, world: World, now: datetime
) -> None:
    [due] = [Due(world.account.id, KIND, period) for period in due_of(world, now)[-1:]]
    schedules.edit_schedule(weekly.id, PAUSED, weekly.version, actor=world.manager, now=now)
    db.session.flush()

    assert runs.make_scheduled(due, now=now) is None


def test_a_schedule_is_moved_within_the_days_its_kind_can_be_due_on(
    weekly: ReportSchedule, world: World, now: datetime
) -> None:
    monthly = of_kind(world, MONTHLY)
    schedules.edit_schedule(
        monthly.id, ScheduleDetails(2, 7, 45, True), monthly.version, actor=world.manager, now=now
    )
    schedules.edit_schedule(
        weekly.id, ScheduleDetails(6, 23, 59, True), weekly.version, actor=world.admin, now=now
    )
    db.session.flush()

    assert (monthly.weekday, monthly.month_day, monthly.hour, monthly.minute) == (None, 2, 7, 45)
    assert (weekly.weekday, weekly.month_day) == (6, None)
    refusals = [
        (monthly, ScheduleDetails(3, 8, 0, True), "report_day_invalid"),  # promised by the 2nd
        (monthly, ScheduleDetails(0, 8, 0, True), "report_day_invalid"),
        (weekly, ScheduleDetails(7, 8, 0, True), "report_day_invalid"),
        (weekly, ScheduleDetails(0, 24, 0, True), "report_time_invalid"),
        (weekly, ScheduleDetails(0, 8, 60, True), "report_time_invalid"),
    ]
    for schedule, details, code in refusals:
        with pytest.raises(Invalid) as refused:
            schedules.edit_schedule(schedule.id, details, schedule.version, actor=world.manager, now=now)
        assert refused.value.code == code
    with pytest.raises(Conflict):
        schedules.edit_schedule(weekly.id, MONDAY_0830, weekly.version + 1, actor=world.manager, now=now)


@pytest.mark.parametrize(
    ("username", "error"),
    [
        ("claims1", Forbidden),
        ("underwriter", Forbidden),
        ("hq", Forbidden),
        ("safety_gongyi", Forbidden),
        ("foreign_hq", Forbidden),
        ("stranger", NotFound),
    ],
)
def test_only_the_accounts_managers_change_schedules_and_recipients(
    weekly: ReportSchedule, world: World, now: datetime, username: str, error: type[DomainError]
) -> None:
    if username == "stranger":
        actor = UserFactory(role=Role.MANAGER, accounts=[world.foreign_account])
    else:
        actor = getattr(world, username)

    with pytest.raises(error):
        schedules.edit_schedule(weekly.id, PAUSED, weekly.version, actor=actor, now=now)
    with pytest.raises(error):
        recipients.edit(weekly.id, [Choice(key_of(world.hq), False)], weekly.version, actor=actor, now=now)
    with pytest.raises(error):
        schedules.get_schedule(weekly.id, actor=actor)
    assert weekly.is_active


def test_each_address_is_on_the_list_once_and_those_who_left_are_not(
    weekly: ReportSchedule, world: World, now: datetime
) -> None:
    ContactFactory(account=world.account, name="周敏", email=world.hq.email.upper(), gets_reports=True)
    ContactFactory(account=world.account, name="无邮箱", email="", gets_reports=True)
    ContactFactory(
        account=world.account, name="已离职", email="gone@zzly.example", gets_reports=True, is_active=False
    )
    ContactFactory(account=world.account, name="同箱", email="insurance@zzly.example", gets_reports=True)

    assert names(weekly) == {"hq@desk.example": True, "insurance@zzly.example": True}
    assert recipients.count_by_schedule([weekly, of_kind(world, MONTHLY)]) == {
        weekly.id: 2,
        of_kind(world, MONTHLY).id: 2,
    }


def test_people_are_left_out_added_and_written_to_in_a_way_of_their_own(
    weekly: ReportSchedule, world: World, now: datetime
) -> None:
    driver = ContactFactory(account=world.account, name="何师傅", email="he@zzly.example")
    department = world.insurance_department
    choices = [
        Choice(key_of(world.hq), gets_it=False),
        Choice(key_of(department), language="en"),
        Choice(key_of(world.manager), channel=Channel.IN_APP.value),
        Choice(key_of(world.claims1), language="en", channel=Channel.MAIL.value),
        Choice(key_of(driver), gets_it=False),
        Choice(key_of(driver)),  # named twice: what was said last
    ]

    version = weekly.version
    recipients.edit(weekly.id, choices, version, actor=world.manager, now=now)
    db.session.flush()

    assert weekly.version == version + 1
    assert names(weekly) == {
        "hq@desk.example": False,
        "insurance@zzly.example": True,
        "manager@desk.example": True,
        "claims1@desk.example": True,
        "he@zzly.example": True,
    }
    assert recipients.count_by_schedule([weekly]) == {weekly.id: 4}
    # The other reports go where they went.
    assert names(of_kind(world, MONTHLY)) == {"hq@desk.example": True, "insurance@zzly.example": True}
    assert sent_to(world, now) == {
        ("insurance@zzly.example", "mail", "en"),
        (str(world.manager.id), "in_app", "zh"),
        ("claims1@desk.example", "mail", "en"),
        ("he@zzly.example", "mail", "zh"),
    }
    entries = db.session.scalars(
        select(AuditEntry).filter_by(action="report_recipient_changed").order_by(AuditEntry.id)
    ).all()
    assert {(entry.entity_kind, entry.entity_id) for entry in entries} == {("report_schedules", weekly.id)}
    told = {entry.entity_label.rpartition(" ")[2]: entry.changes for entry in entries}
    assert told["王建军"] == {
        "gets_reports": [False, True],
        "language": ["", "en"],
        "channel": ["", "mail"],
    }
    assert len(entries) == len(choices) - 1


def test_what_is_taken_back_leaves_no_trace_but_in_the_audit(
    weekly: ReportSchedule, world: World, now: datetime
) -> None:
    hq, claims = key_of(world.hq), key_of(world.claims1)

    def decide(*choices: Choice) -> None:
        recipients.edit(weekly.id, choices, weekly.version, actor=world.manager, now=now)
        db.session.flush()

    decide(Choice(hq, False), Choice(claims, True, "en"))
    assert len(db.session.scalars(select(ReportRecipient)).all()) == 2
    version = weekly.version
    decide(Choice(hq, False), Choice(claims, True, "en"))
    assert weekly.version == version

    decide(Choice(hq), Choice(claims, False))
    assert db.session.scalars(select(ReportRecipient)).all() == []
    assert names(weekly) == {"hq@desk.example": True, "insurance@zzly.example": True}
    assert (
        len(
            db.session.scalars(
                select(AuditEntry).filter_by(action="report_recipient_changed").order_by(AuditEntry.id)
            ).all()
        )
        == 4
    )


def test_who_may_no_longer_read_the_reports_gets_none_though_added(
    weekly: ReportSchedule, world: World, now: datetime
) -> None:
    people = [Choice(key_of(world.claims1)), Choice(key_of(world.claims2)), Choice(key_of(world.underwriter))]
    recipients.edit(weekly.id, people, weekly.version, actor=world.manager, now=now)
    world.claims1.is_active = False
    world.claims2.role = Role.BRANCH_SAFETY
    db.session.flush()

    assert names(weekly) == {
        "hq@desk.example": True,
        "insurance@zzly.example": True,
        "underwriter@desk.example": True,
    }
    assert {address for address, _, _ in sent_to(world, now)} == {
        "hq@desk.example",
        str(world.hq.id),
        "insurance@zzly.example",
        "underwriter@desk.example",
        str(world.underwriter.id),
    }


def test_only_readers_of_the_account_and_its_contacts_can_be_added(
    weekly: ReportSchedule, world: World, now: datetime
) -> None:
    stranger = ContactFactory(account=world.foreign_account, email="luo@lyys.example", gets_reports=True)
    silent = ContactFactory(account=world.account, email="")
    # As ticked before it was refused: the report shows all branches.
    of_branch = ContactFactory(
        account=world.account, branch=world.gongyi, email="li@zzly.example", gets_reports=True
    )
    assert "li@zzly.example" not in names(weekly)
    addable = {one.key for one in recipients.list_addable(weekly)}
    assert addable == {
        key_of(one) for one in (world.manager, world.underwriter, world.claims1, world.claims2)
    }

    for wrong in (world.safety_gongyi, world.foreign_hq, world.admin, stranger, silent, of_branch):
        with pytest.raises(Invalid):
            recipients.edit(weekly.id, [Choice(key_of(wrong))], weekly.version, actor=world.manager, now=now)
    refused = [
        Choice(key_of(world.hq), language="fr"),
        Choice(key_of(world.hq), channel="pigeon"),
        Choice(key_of(world.insurance_department), channel=Channel.IN_APP.value),
        Choice("c999999"),
    ]
    for choice in refused:
        with pytest.raises(Invalid):
            recipients.edit(weekly.id, [choice], weekly.version, actor=world.manager, now=now)
    with pytest.raises(Conflict):
        recipients.edit(weekly.id, [], weekly.version + 1, actor=world.manager, now=now)
    assert db.session.scalars(select(ReportRecipient)).all() == []


def test_the_overview_tells_next_and_last_run_who_gets_it_and_what_is_late(
    weekly: ReportSchedule, world: World, now: datetime
) -> None:
    def read(actor: User) -> dict[ReportKind, overview.Overview]:
        account = db.session.get_one(KeyAccount, world.account.id)
        return {one.kind: one for one in overview.read_overview(account, actor=actor, now=now)}

    assert read(world.manager)[KIND].state is ScheduleState.LATE
    for due in runs.not_made([d for one in schedules.list_on_schedule() for d in runs.wanted(one, now)]):
        runs.make_scheduled(due, now=now)
    monthly = of_kind(world, MONTHLY)
    schedules.edit_schedule(
        monthly.id, ScheduleDetails(1, 8, 30, False), monthly.version, actor=world.manager, now=now
    )
    db.session.flush()

    seen = read(world.manager)
    assert list(seen) == makers.kinds()
    line = seen[KIND]
    assert (line.state, line.recipients) == (ScheduleState.ON, 2)
    assert line.next_at is not None
    assert line.next_at.isoformat() == "2026-11-30T00:30:00+00:00"
    assert line.last_run is not None
    assert line.last_run.period_from == WEEK.first
    assert {state.value: number for state, number in line.last_deliveries.items()} == {"queued": 2}
    assert (seen[MONTHLY].state, seen[MONTHLY].next_at) == (ScheduleState.PAUSED, None)
    assert list(read(world.hq)) == [kind for kind in makers.kinds() if Side.CLIENT in AUDIENCE[kind]]
    with pytest.raises(Forbidden):
        read(world.safety_gongyi)
    assert read(world.foreign_hq) == {}


def test_what_was_made_before_its_schedule_was_moved_is_not_announced_again(
    weekly: ReportSchedule, world: World, now: datetime
) -> None:
    for due in runs.not_made([d for one in schedules.list_on_schedule() for d in runs.wanted(one, now)]):
        runs.make_scheduled(due, now=now)
    schedules.edit_schedule(
        weekly.id, ScheduleDetails(4, 9, 0, True), weekly.version, actor=world.manager, now=now
    )
    db.session.flush()

    account = db.session.get_one(KeyAccount, world.account.id)
    seen = {one.kind: one for one in overview.read_overview(account, actor=world.manager, now=now)}

    # Friday of this week tells of last week, which went out on Monday; so the Friday after it is next.
    assert seen[KIND].next_at == datetime(2026, 12, 4, 1, 0, tzinfo=UTC)
    assert overview.next_runs([weekly], account, now) == {weekly.id: seen[KIND].next_at}
