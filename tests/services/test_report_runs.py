"""Runs of reports of every kind: made once, kept for ever, numbered, previewed, compared; and who may see them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from service_desk.base.errors import Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.notices import Channel, MessageChannel, Notice
from service_desk.models.reports import ReportRun
from service_desk.presenters import report_documents
from service_desk.presenters.languages import in_language
from service_desk.presenters.report_documents import tables
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.hooks import HookKind
from service_desk.rules.metrics import MeasureCode
from service_desk.rules.notice_subjects import NoticeSubject
from service_desk.rules.periods import Period, month_of
from service_desk.rules.permissions import Side
from service_desk.rules.report_document import Report, ReportKind, Table, from_json, to_json
from service_desk.rules.schedule import AUDIENCE, FREQUENCY, last_full_period, period_at
from service_desk.services.reports import comparing, makers, runs, schedules, weekly
from service_desk.services.reports.figures import as_json
from service_desk.services.reports.runs import Due, RunNow
from tests.report_cases import add_claim, move, pay, reserve
from tests.world import World

KIND = ReportKind.WEEKLY_CLAIMS
MONTHLY = ReportKind.MONTHLY_UNDERWRITING
WEEK = Period(date(2026, 11, 16), date(2026, 11, 22))
OCTOBER = month_of(date(2026, 10, 1))
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
THURSDAY = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)


def scheduled(world: World, now: datetime, kind: ReportKind = KIND, period: Period = WEEK) -> ReportRun:
    run = runs.make_scheduled(Due(world.account.id, kind, period), now=now)
    assert run is not None
    return run


def addresses(run: ReportRun) -> set[str]:
    mails = select(Notice.address).where(Notice.matter_id == run.id, Notice.channel == Channel.MAIL)
    return set(db.session.scalars(mails))


def value(report: Report, table: str, measure: MeasureCode, row: int = -1) -> object:
    found: Table = report.table(table)
    place = [column.code for column in found.columns].index(measure)
    return (found.total or found.rows[row])[place]


@pytest.mark.parametrize("kind", makers.kinds())
def test_every_sheet_of_every_kind_has_a_name_that_no_spreadsheet_cuts(
    world: World, now: datetime, kind: ReportKind
) -> None:
    period = last_full_period(FREQUENCY[kind], now, ZoneInfo(world.account.zone))
    report = makers.MAKERS[kind].make(world.account, period, now=now)

    for language in ("zh", "en"):
        with in_language(language):
            wanted = [str(tables.sheet_name(table)) for table in report.tables]
            named = CalamineWorkbook.from_object(BytesIO(report_documents.workbook(report))).sheet_names
        assert named[-len(wanted) :] == wanted


@pytest.mark.parametrize("kind", makers.kinds())
def test_every_kind_is_made_kept_and_sent_to_its_audience(
    world: World, now: datetime, kind: ReportKind
) -> None:
    period = last_full_period(FREQUENCY[kind], now, ZoneInfo(world.account.zone))

    run = scheduled(world, now, kind, period)

    assert (run.kind, run.period_from, run.period_to, run.edition) == (kind, period.first, period.last, 0)
    report = runs.document_of(run)
    assert report == from_json(to_json(report))
    assert (report.kind, report.account.zh, report.made_at) == (kind, world.account.name, now)
    sides = AUDIENCE[kind]
    expected = {"hq@desk.example", "insurance@zzly.example"} if Side.CLIENT in sides else set()
    assert addresses(run) == expected | ({"manager@desk.example"} if Side.INSURER in sides else set())
    [notice, *_] = db.session.scalars(select(Notice).where(Notice.matter_id == run.id).order_by(Notice.id))
    assert (notice.kind, notice.params["run_id"]) == (runs.notice_kind(kind), run.id)


def test_a_scheduled_report_is_made_once_for_its_account_kind_and_period(world: World, now: datetime) -> None:
    due = Due(world.account.id, KIND, WEEK)
    others = [replace(due, account_id=world.foreign_account.id), Due(world.account.id, MONTHLY, OCTOBER)]

    assert runs.not_made([due, *others]) == [due, *others]
    assert runs.make_scheduled(due, now=now) is not None
    assert runs.make_scheduled(due, now=now) is None

    assert len(db.session.scalars(select(ReportRun)).all()) == 1
    assert runs.not_made([due, *others]) == others


def test_a_run_by_hand_is_a_new_edition_of_any_past_period(world: World, now: datetime) -> None:
    first = runs.run_now(
        world.account.id, RunNow(THURSDAY.date(), is_sent=False), actor=world.manager, now=now
    )
    sent = scheduled(world, now)
    again = runs.run_now(world.account.id, RunNow(WEEK.first, is_sent=True), actor=world.manager, now=now)
    years_ago = RunNow(date(2023, 2, 28), is_sent=False, kind=MONTHLY)
    old = runs.run_now(world.account.id, years_ago, actor=world.admin, now=now)

    # The first edition by hand leaves the scheduled one to come.
    assert [(run.edition, run.made_by_id) for run in (first, sent, again)] == [
        (1, world.manager.id),
        (0, None),
        (2, world.manager.id),
    ]
    assert (old.kind, old.period_from, old.period_to, old.edition) == (
        MONTHLY,
        date(2023, 2, 1),
        date(2023, 2, 28),
        1,
    )
    assert addresses(first) == set()
    assert addresses(again) == {"hq@desk.example", "insurance@zzly.example"}
    labels = set(db.session.scalars(select(AuditEntry.entity_label).filter_by(action="report_made")))
    assert labels == {"weekly_claim_report 2026-11-16", "monthly_underwriting 2023-02-01"}


@pytest.mark.parametrize("kind", makers.kinds())
def test_a_period_that_is_not_over_is_previewed_and_not_run(
    world: World, now: datetime, kind: ReportKind
) -> None:
    command = RunNow(now.date(), is_sent=False, kind=kind)
    with pytest.raises(Invalid) as refused:
        runs.run_now(world.account.id, command, actor=world.manager, now=now)
    report = runs.preview(world.account.id, kind, actor=world.manager, now=now)
    db.session.flush()

    assert refused.value.code == "report_period_not_over"
    assert report.period_from == period_at(FREQUENCY[kind], now.date()).first
    assert report.made_at == now
    assert db.session.scalars(select(ReportRun)).all() == []
    assert db.session.scalars(select(Notice).order_by(Notice.id)).all() == []


@pytest.mark.parametrize("username", ["claims1", "underwriter", "hq", "safety_gongyi"])
def test_only_managers_run_preview_and_work_out_again(world: World, now: datetime, username: str) -> None:
    run, actor = scheduled(world, now), getattr(world, username)

    with pytest.raises(Forbidden):
        runs.run_now(world.account.id, RunNow(WEEK.first, is_sent=True), actor=actor, now=now)
    with pytest.raises(Forbidden):
        runs.preview(world.account.id, KIND, actor=actor, now=now)
    with pytest.raises(Forbidden):
        comparing.as_of_now(run, actor=actor, now=now)


def test_nobody_runs_previews_reads_or_compares_another_accounts_report(world: World, now: datetime) -> None:
    run = scheduled(world, now)
    foreign = runs.make_scheduled(Due(world.foreign_account.id, KIND, WEEK), now=now)
    assert foreign is not None

    with pytest.raises(NotFound):
        runs.run_now(world.foreign_account.id, RunNow(WEEK.first, True), actor=world.manager, now=now)
    with pytest.raises(NotFound):
        runs.preview(world.foreign_account.id, KIND, actor=world.manager, now=now)
    with pytest.raises(NotFound):
        runs.get_run(run.id, actor=world.foreign_hq)
    with pytest.raises(NotFound):
        comparing.with_another(run, foreign.id, actor=world.manager)
    with pytest.raises(NotFound):
        comparing.as_of_now(foreign, actor=world.manager, now=now)
    # An administrator sees both, and still compares only what belongs together.
    with pytest.raises(Invalid):
        comparing.with_another(run, foreign.id, actor=world.admin)
    monthly = scheduled(world, now, MONTHLY, OCTOBER)
    with pytest.raises(Invalid):
        comparing.with_another(run, monthly.id, actor=world.manager)
    assert runs.list_runs(world.account.id, PageRequest(), actor=world.foreign_hq).total == 0
    with pytest.raises(Forbidden):
        runs.list_runs(world.account.id, PageRequest(), actor=world.safety_gongyi)


def test_the_client_sees_what_was_sent_to_it_and_not_what_was_only_looked_at(
    world: World, now: datetime
) -> None:
    sent = scheduled(world, now)
    kept = runs.run_now(world.account.id, RunNow(WEEK.first, is_sent=False), actor=world.manager, now=now)
    month = scheduled(world, now + HOUR, MONTHLY, OCTOBER)
    bot = MessageChannel(
        account_id=world.account.id,
        kind=HookKind.WECOM,
        name="理赔群",
        hook_url="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1",
        subjects=[NoticeSubject.REPORTS],
        created_at=now,
    )
    db.session.add(bot)
    to_manager = runs.run_now(
        world.account.id, RunNow(WEEK.first, is_sent=True), actor=world.manager, now=now
    )
    queued = db.session.scalars(
        select(Notice).where(Notice.matter_id == to_manager.id).order_by(Notice.id)
    ).all()
    # That our own group's bot was told, which is no person either, does not make it the client's.
    assert [notice.user_id for notice in queued if notice.channel_id == bot.id] == [None]
    for notice in queued:
        if notice.channel_id is None:
            notice.user_id, notice.address = world.manager.id, "manager@desk.example"
    db.session.flush()

    def seen(actor, kind: ReportKind | None = None) -> list[int]:
        page = runs.list_runs(world.account.id, PageRequest(), actor=actor, kind=kind)
        return [run.id for run in page.rows]

    assert seen(world.hq) == [month.id, sent.id]
    assert seen(world.claims1) == [month.id, to_manager.id, kept.id, sent.id]
    assert seen(world.manager, KIND) == [to_manager.id, kept.id, sent.id]
    assert runs.list_kinds(world.account.id, actor=world.hq) == [KIND, MONTHLY]
    latest = runs.latest_runs(world.account.id, actor=world.hq)
    assert {kind: run.id for kind, run in latest.items()} == {KIND: sent.id, MONTHLY: month.id}
    assert [run.id for run in comparing.list_others(sent, actor=world.hq)] == []
    assert [run.id for run in comparing.list_others(sent, actor=world.claims1)] == [to_manager.id, kept.id]
    for hidden in (kept, to_manager):
        with pytest.raises(NotFound):
            runs.get_run(hidden.id, actor=world.hq)


def test_a_correction_shows_as_of_now_and_what_was_sent_stays(world: World, now: datetime) -> None:
    claim = add_claim(world, THURSDAY)
    reserve(claim, THURSDAY + HOUR, 12_000_00)
    run = scheduled(world, now)
    kept = runs.document_of(run)
    same = comparing.as_of_now(run, actor=world.manager, now=now + DAY)
    assert same.difference.is_same

    # What happened since the week changes nothing of it.
    move(claim, now + HOUR, ClaimState.CLOSED)
    assert comparing.as_of_now(run, actor=world.manager, now=now + DAY).difference.is_same
    # A report that should have stood in the week is entered late, a payment of the week too.
    add_claim(world, THURSDAY + HOUR, world.bus)
    pay(claim, THURSDAY + DAY, 3_000_00)

    found = comparing.as_of_now(run, actor=world.manager, now=now + DAY)

    assert runs.document_of(db.session.get_one(ReportRun, run.id)) == kept == found.before
    assert value(found.before, "by_branch", MeasureCode.CLAIMS_REPORTED) == 1
    assert value(found.after, "by_branch", MeasureCode.CLAIMS_REPORTED) == 2
    changed = {
        (cell.column.code, cell.before, cell.after)
        for table in found.difference.tables
        for row in table.changed
        if row.place is None
        for cell in row.cells
    }
    assert (MeasureCode.CLAIMS_REPORTED, 1, 2) in changed
    assert (MeasureCode.PAID_NET, 0, 3_000_00) in changed
    assert db.session.scalars(select(ReportRun)).all() == [run]


def test_two_weeks_are_compared_earlier_first_whichever_is_asked(world: World, now: datetime) -> None:
    add_claim(world, THURSDAY)
    later = scheduled(world, now)
    week_before = Period(WEEK.first - 7 * DAY, WEEK.last - 7 * DAY)
    earlier = scheduled(world, now, period=week_before)

    for one, other in ((later, earlier), (earlier, later)):
        found = comparing.with_another(one, other.id, actor=world.claims1)
        assert found.of == (earlier, later)
        assert value(found.before, "by_branch", MeasureCode.CLAIMS_REPORTED) == 0
        assert value(found.after, "by_branch", MeasureCode.CLAIMS_REPORTED) == 1
        assert not found.difference.is_same
    assert [run.id for run in comparing.list_others(later, actor=world.claims1)] == [earlier.id]


def test_a_run_kept_before_reports_had_one_shape_opens_and_is_compared(world: World, now: datetime) -> None:
    add_claim(world, THURSDAY)
    run = scheduled(world, now)
    run.figures = as_json(weekly.compute(world.account.id, WEEK.first, now=now))
    db.session.flush()
    db.session.expire_all()

    report = runs.document_of(run)

    assert value(report, "by_branch", MeasureCode.CLAIMS_REPORTED) == 1
    assert runs.find_document(run.id) == report
    assert comparing.as_of_now(run, actor=world.manager, now=now + DAY).difference.is_same
    assert db.session.scalars(select(Claim)).one()


def test_a_kind_nobody_makes_cannot_be_run(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MAKERS", {})

    with pytest.raises(NotFound):
        runs.run_now(world.account.id, RunNow(WEEK.first, False), actor=world.manager, now=now)
    with pytest.raises(NotFound):
        runs.preview(world.account.id, KIND, actor=world.manager, now=now)


def test_schedules_are_for_kinds_that_can_be_made(world: World, now: datetime) -> None:
    schedules.ensure_schedules(now)
    db.session.flush()

    kinds = [one.kind for one in schedules.list_on_schedule() if one.account_id == world.account.id]
    assert kinds == makers.kinds()
