"""The demo account: the size that was promised, something in every list today, and the same for the same day."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask import current_app
from sqlalchemy import func, select
from structlog.testing import capture_logs

from service_desk import demo
from service_desk.adapters.file_store import FileStore
from service_desk.app import create_app
from service_desk.base.errors import Conflict
from service_desk.demo import claims, contacts, load_demo
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.claims import Claim
from service_desk.models.db import Base, db
from service_desk.models.fleet import Vehicle, VehicleStateRecord
from service_desk.models.notices import Channel, Notice, NoticeState
from service_desk.models.policies import Policy
from service_desk.models.premiums import ReceiptAllocation, Receivable
from service_desk.models.renewals import MissedCoverCase
from service_desk.models.reports import ReportRun
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.presenters import mail, report_documents
from service_desk.presenters.languages import in_language
from service_desk.rules.report_document import ReportKind
from service_desk.services import policies, settings, sla, users
from service_desk.services.renewals import list_uninsured
from service_desk.services.reports import makers, runs
from tests import databases
from tests.conftest import make_config
from tests.reconciliation import showing
from tests.reconciliation.comparing import Differences, check_measures, month
from tests.reconciliation.records import read_rows
from tests.reconciliation.reports import check_reports, quarter, week, year
from tests.reconciliation.slow_measures import SlowCounts

SHOWN = ["admin", "manager", "underwriter", "claims1", "claims2", "hq", "safety-gongyi"]


@pytest.fixture(scope="module")
def now():
    return datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def session(now, tmp_path_factory):
    """A desk of its own, loaded once: emptying so many rows would cost the tests that come after."""
    folder = tmp_path_factory.mktemp("demo")
    app = create_app(make_config(databases.sqlite_database(folder / "demo.sqlite3"), folder))
    # A fifth of the claims: the way is the same and the test is quick.
    with pytest.MonkeyPatch.context() as patch, app.app_context():
        patch.setattr(claims, "CLAIMS", 60)
        Base.metadata.create_all(db.engine)
        sla.install_defaults(now)
        with capture_logs() as logs:
            load_demo(FileStore(folder), now)
        assert not [line for line in logs if line["event"] == "demo_part_left_out"]
        db.session.commit()
        yield db.session
        db.session.remove()
        db.engine.dispose()


def count(session, model, *conditions):
    return session.scalar(select(func.count()).select_from(model).where(*conditions))


def test_every_vehicle_stands_as_its_history_ends(session, now):
    lasting = session.execute(
        select(Vehicle.state, VehicleStateRecord.state)
        .join(VehicleStateRecord, VehicleStateRecord.vehicle_id == Vehicle.id)
        .where(VehicleStateRecord.to_at.is_(None))
    ).all()
    assert len(lasting) == count(session, Vehicle)
    assert all(state is kept for state, kept in lasting)


def test_missed_cover_is_being_chased(session, now):
    cases = session.scalars(select(MissedCoverCase)).all()
    assert {case.vehicle_id for case in cases} == {
        one.vehicle.id
        for one in list_uninsured(
            cases[0].account_id, actor=session.scalar(select(User).where(User.username == "hq")), now=now
        )
    }
    assert any(case.chased_at for case in cases)


def test_the_demo_is_a_whole_account(session, now):
    assert count(session, Branch) == 41
    assert len(set(session.scalars(select(Branch.district)))) == 12
    assert 1_100 <= count(session, Vehicle) <= 1_300
    assert count(session, Claim) == 60
    assert len(set(session.scalars(select(Claim.state)))) >= 5
    assert set(session.scalars(select(ReportRun.kind))) == set(makers.kinds())


def test_a_claim_that_is_changing_hands_is_not_offered_again(session, now):
    """On some days the demo ended here with `handover_open`."""
    group = SimpleNamespace(users={user.username: user for user in session.scalars(select(User))})

    with session.begin_nested() as before:
        contacts._offer_claim(group, now)
        before.rollback()


def test_a_part_that_the_rules_refuse_is_left_out_whole(session):
    """`make run` ended on days that nobody had tried."""

    def part() -> None:
        branch.name = "河南分公司"
        db.session.flush()
        raise Conflict("handover_open")

    branch = session.scalars(select(Branch).limit(1)).one()
    name = branch.name
    with capture_logs() as logs:
        demo._tell(part)

    assert branch.name == name
    assert [(line["event"], line["part"]) for line in logs] == [("demo_part_left_out", "part")]


def test_its_people_can_sign_in_and_stand_on_the_sign_in_page(session, now):
    shown = settings.read(settings.DEMO_SIGN_INS)
    assert [user["username"] for user in shown["users"]] == SHOWN
    for name in SHOWN:
        assert users.check_password(name, shown["password"], ip="", now=now) is not None


def test_lists_have_something_today(session, now):
    account = session.scalars(select(KeyAccount)).one()
    soon = now + timedelta(days=30)
    manager = session.scalars(select(User).where(User.username == "manager")).one()
    assert count(session, Policy, Policy.ends_at > now, Policy.ends_at < soon) > 20
    assert list_uninsured(account.id, actor=manager, now=now)
    assert (
        0.9
        < policies.coverage_ratio(account.id, now).part / policies.coverage_ratio(account.id, now).whole
        < 1
    )
    assert count(session, Timer, Timer.breached_at.is_not(None)) > 5
    assert count(session, Timer, Timer.state == TimerState.RUNNING) > 5


def test_its_money_adds_up_and_no_old_mail_waits(session, now):
    settled = session.scalar(select(func.sum(Receivable.settled_fen)))
    assert settled == session.scalar(select(func.sum(ReceiptAllocation.amount_fen)))
    assert session.scalar(select(func.count()).where(Claim.paid_fen > Claim.approved_fen)) == 0
    assert count(session, Notice, Notice.state == NoticeState.QUEUED) == 0


REPORTS = {
    ReportKind.WEEKLY_CLAIMS: [week(date(2026, 11, 16))],
    ReportKind.MONTHLY_UNDERWRITING: [month(2026, 10)],
    ReportKind.MONTHLY_CASES: [month(2026, 10)],
    ReportKind.RENEWAL_FORECAST: [month(2026, 10)],
    ReportKind.QUARTERLY_REVIEW: [quarter(2026, 7)],
    ReportKind.ANNUAL_SERVICE: [year(2026)],
    ReportKind.BRANCH_DEMAND: [quarter(2026, 7)],
}


def test_every_figure_of_its_reports_equals_a_slow_count_over_its_rows(session, now):
    account = session.scalars(select(KeyAccount)).one()
    counts, found = SlowCounts(read_rows(), account.id, now), Differences()
    check_measures(counts, *month(2026, 11), found)
    kinds = {report.kind for report in check_reports(counts, REPORTS, found)}
    found.require_none()
    assert kinds == set(makers.kinds())
    assert found.compared > 5_000


@pytest.mark.parametrize("kind", makers.kinds())
def test_what_is_sent_equals_what_is_shown(session, kind):
    sent = session.scalars(
        select(Notice)
        .where(Notice.kind == runs.notice_kind(kind), Notice.channel == Channel.MAIL)
        .order_by(Notice.id)
    ).first()
    assert sent is not None
    report = runs.find_document(sent.params["run_id"])
    assert report is not None
    found = Differences()
    with current_app.test_request_context("/"), in_language(sent.language):
        context = report_documents.page_context(report, {})
        page = current_app.jinja_env.get_template("reports/_document.html").render(context)
    posted = mail.render(sent, base_url="https://desk.example")
    sheet, paper = posted.attachments
    showing.check_page(report, page, found)
    showing.check_workbook(report, sheet.content, found)
    showing.check_paper(report, paper.content, found)
    showing.check_mail(report, posted.html, found)
    showing.check_plain(report, posted.text, found)
    found.require_none()
    assert found.compared > 20
