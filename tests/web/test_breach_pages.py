"""The breach audit's pages: lists, export, one breach, its review, its correction, the causes; who may not."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
import time_machine
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import func, select

from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.sla import BreachCause, BreachReview, Timer, TimerState
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.vocabulary import Severity
from service_desk.services import sla
from tests.breach_cases import MINUTE, finding, late_survey, matter_of, reviewed, second_manager
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def _levels(world: World, now):
    sla.install_defaults(now - timedelta(days=1))
    db.session.commit()
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def late(world: World, now) -> Timer:
    """A survey promised in 60 minutes, 95 minutes ago, swept."""
    return late_survey(world, now)


def review(world: World, **changes: object) -> dict[str, object]:
    return {
        "cause": "workload",
        "responsible_id": world.claims1.id,
        "explanation": "当日在办 11 件，未及时求助",
        "correction": "移交页显示接手人在办量",
        "correction_due_on": "2026-11-30",
        **changes,
    }


def reviews() -> int:
    return db.session.scalar(select(func.count()).select_from(BreachReview)) or 0


def start(world: World, at, number: int) -> Timer:
    matter = matter_of(world, number)
    timer = sla.start(
        matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=at, actor=world.claims1, now=at
    )
    assert timer is not None
    db.session.commit()
    return timer


class TestList:
    def test_shows_the_breach_with_its_clock_and_handler(self, sign_in: SignIn, late: Timer) -> None:
        page = sign_in("manager").get("/breaches").text
        for words in ("查勘", "超 35 分", late.matter_number, "王建军", "巩义客运分公司", "未复核"):
            assert words in page

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", True),
            ("?step=survey", True),
            ("?step=payment", False),
            ("?period=7", True),
            ("?severity=injury", True),
            ("?severity=property_only", False),
            ("?place=elsewhere", True),
            ("?place=urban", False),
            ("?cause=workload", True),
            ("?view=reviewed", False),
            ("?view=corrections", False),
            ("?view=at_risk", False),
            ("?step=nonsense&branch=x&person=y&period=z&severity=q&place=p&view=w", True),
        ],
    )
    def test_filters_stand_in_the_address(
        self, sign_in: SignIn, late: Timer, query: str, found: bool
    ) -> None:
        late.severity, late.is_urban = Severity.INJURY, False
        page = sign_in("manager").get(f"/breaches{query}")
        assert page.status_code == 200
        assert (late.matter_number in page.text) is found

    def test_filters_by_branch_and_by_who_held_the_clock(
        self, sign_in: SignIn, world: World, late: Timer, now
    ) -> None:
        sla.hand_over(matter_of(world), to_id=world.claims2.id, at=now, actor=None, now=now)
        client = sign_in("manager")
        assert late.matter_number in client.get(f"/breaches?branch={world.gongyi.id}").text
        assert late.matter_number not in client.get(f"/breaches?branch={world.zhongmu.id}").text
        for held, found in ((world.claims1, True), (world.claims2, True), (world.underwriter, False)):
            page = client.get(f"/breaches?person={held.id}").text
            assert (late.matter_number in page) is found

    @pytest.mark.parametrize("path", ["/breaches?view=at_risk", "/compliance/timers?verdict=at_risk"])
    def test_a_due_time_in_a_year_not_announced_is_marked(
        self, sign_in: SignIn, world: World, path: str
    ) -> None:
        """Three office days from 30 December; warned on the 4th of January, whose days are not known yet."""
        timer = sla.start(
            matter_of(world, 9),
            ClockStep.CALCULATION,
            holder_id=world.claims1.id,
            at=datetime(2026, 12, 30, 1, tzinfo=UTC),
            actor=None,
            now=datetime(2026, 12, 30, 1, tzinfo=UTC),
        )
        assert timer is not None
        db.session.commit()
        with time_machine.travel(timer.warn_at + MINUTE, tick=False):
            page = sign_in("manager").get(path).text
        assert '<span class="text-warn small" title="暂定：该年放假安排尚未公布">暂定</span>' in page

    def test_at_risk_shows_clocks_past_their_warning_point(self, sign_in: SignIn, world: World, now) -> None:
        timer = start(world, now - 50 * MINUTE, 9)
        page = sign_in("manager").get("/breaches?view=at_risk").text
        assert timer.matter_number in page
        assert "剩 10 分" in page

    def test_corrections_show_their_words_owner_and_day(self, sign_in: SignIn, world: World, now) -> None:
        reviewed(world, now, due_on=date(2026, 11, 25))
        client = sign_in("manager")
        page = client.get("/breaches?view=corrections").text
        for words in ("移交页显示接手人在办量", "王建军", "2026-11-25", "剩 2 天", "在办量超过上限"):
            assert words in page
        assert "移交页显示" not in client.get("/breaches?view=corrections&correction=done").text

    def test_the_export_has_the_rows_of_the_screen(self, sign_in: SignIn, world: World, now) -> None:
        for number in (1, 2, 3):
            late_survey(world, now, number=number, holder=world.claims2 if number == 2 else None)
        client = sign_in("manager")
        query = f"person={world.claims1.id}&size=25"

        book = load_workbook(BytesIO(client.get(f"/breaches.xlsx?{query}").data))

        rows = list(book.active.iter_rows(min_row=5, values_only=True))
        assert [row[0] for row in rows] == ["CLM-2026-000001", "CLM-2026-000003"]
        assert "共 2 条" in client.get(f"/breaches?{query}").text
        assert book.active.max_row == 6

    def test_the_export_has_the_review_and_its_correction(self, sign_in: SignIn, world: World, now) -> None:
        reviewed(world, now, due_on=date(2026, 11, 25))
        book = load_workbook(BytesIO(sign_in("manager").get("/breaches.xlsx?view=reviewed").data))
        heads, row = book.active.iter_rows(min_row=4, max_row=5, values_only=True)
        line = dict(zip(heads, row, strict=True))
        assert line["原因"] == "在办量超过上限"
        assert line["整改人"] == f"王建军 · {world.claims1.staff_no}"
        assert line["完成期限"].date() == date(2026, 11, 25)

    @pytest.mark.parametrize("username", ["claims1", "underwriter", "hq", "safety-gongyi", "admin"])
    def test_is_for_managers(self, sign_in: SignIn, late: Timer, username: str) -> None:
        client = sign_in(username)
        for path in ("/breaches", f"/breaches/{late.id}"):
            assert client.get(path).status_code == 403
        assert client.get("/breaches.xlsx").status_code == 403

    def test_another_accounts_breach_does_not_exist(self, sign_in: SignIn, world: World, late: Timer) -> None:
        late.account_id, late.branch_id = world.foreign_account.id, world.foreign_branch.id
        client = sign_in("manager")
        assert client.get(f"/breaches/{late.id}").status_code == 404
        assert late.matter_number not in client.get("/breaches").text

    def test_a_kept_promise_is_no_breach(self, sign_in: SignIn, world: World, now) -> None:
        timer = start(world, now - MINUTE, 9)
        assert sign_in("manager").get(f"/breaches/{timer.id}").status_code == 404


class TestBreach:
    def test_shows_who_held_the_clock_and_what_was_promised(self, sign_in: SignIn, late: Timer) -> None:
        page = sign_in("manager").get(f"/breaches/{late.id}").text
        for words in ("超时复核：查勘", "承诺 60 分钟", "王建军", "合计", "1 小时", "35 分", "近 90 天"):
            assert words in page
        for words in ("按经办人", "按暂停原因", "该环节未曾暂停", "本复核的时限", "已发提醒", "时限承诺"):
            assert words in page
        assert f"/timers/{late.id}" in page

    def test_sums_by_person_and_by_reason_add_up(
        self, sign_in: SignIn, world: World, late: Timer, now
    ) -> None:
        sla.pause(late.id, "vehicle_unavailable", "车辆在外", None, actor=world.claims1, now=now)
        later = now + 20 * MINUTE
        sla.resume(late.id, actor=world.claims1, now=later)
        sla.hand_over(matter_of(world), to_id=world.claims2.id, at=later, actor=None, now=later)
        done = later + 5 * MINUTE
        sla.stop(matter_of(world), [ClockStep.SURVEY], at=done, actor=None, now=done)

        page = sign_in("manager").get(f"/breaches/{late.id}").text

        assert "应完成前与应完成后合计为全部计时 1 小时 40 分，其中应完成后 40 分，即超时时长" in page
        assert "车辆暂无法查验" in page or "待验车" in page
        assert "95%" in page
        assert "5%" in page

    def test_tells_a_manager_who_held_the_clock_who_should_sign(
        self, sign_in: SignIn, world: World, now
    ) -> None:
        timer = late_survey(world, now, holder=world.manager)
        other = second_manager(world)
        page = sign_in("manager").get(f"/breaches/{timer.id}").text
        assert "您本人曾经办此环节" in page
        assert f"钱立新 · {other.staff_no}" in page
        answer = sign_in("manager").post(f"/breaches/{timer.id}", data=review(world))
        assert answer.status_code == 422
        assert "须由未经办的管理人员签署复核" in answer.text
        assert reviews() == 0


class TestReview:
    def test_is_signed_and_stops_its_own_clock(self, sign_in: SignIn, world: World, late: Timer) -> None:
        answer = sign_in("manager").post(f"/breaches/{late.id}", data=review(world))

        assert answer.status_code == 303
        row = db.session.scalars(select(BreachReview)).one()
        assert (row.signed_by_id, row.correction_due_on) == (world.manager.id, date(2026, 11, 30))
        assert row.correction_owner_id == world.claims1.id
        assert sla.timers_of("breach", [late.id])[late.id][0].state is TimerState.MET
        page = sign_in("manager").get(f"/breaches/{late.id}").text
        assert "移交页显示接手人在办量" in page
        assert late.matter_number in sign_in("manager").get("/breaches?view=reviewed").text

    def test_nobody_of_ours_needs_no_correction(self, sign_in: SignIn, world: World, late: Timer) -> None:
        data = review(world, responsible_id="nobody", correction="", correction_due_on="", needs_none="y")
        client = sign_in("manager")

        assert client.post(f"/breaches/{late.id}", data=data).status_code == 303

        page = client.get(f"/breaches/{late.id}").text
        assert "我方无责任人（客户、第三方或不可抗力）" in page
        assert "无须整改" in page

    def test_the_responsible_cannot_sign(self, sign_in: SignIn, world: World, late: Timer) -> None:
        answer = sign_in("manager").post(
            f"/breaches/{late.id}", data=review(world, responsible_id=world.manager.id)
        )
        assert answer.status_code == 422
        assert "责任人不能签署本人的复核" in answer.text
        assert "当日在办 11 件" in answer.text
        assert reviews() == 0

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"cause": ""}, "请选择“"),
            ({"cause": "nonsense"}, ""),
            ({"explanation": "  "}, "请填写说明，内容随复核一并保存"),
            ({"correction": ""}, "请填写整改措施"),
            ({"correction_due_on": ""}, "请填写完成期限"),
            ({"correction_due_on": "2026-11-22"}, "请选择今天或以后的日期"),
            ({"responsible_id": "999999"}, ""),
            ({"responsible_id": "nobody"}, "请指定整改人"),
            ({"needs_none": "y"}, "二者只能选其一"),
            ({"needs_none": "y", "correction": ""}, "须填写整改措施"),
            ({"correction_owner_id": "999999"}, ""),
        ],
    )
    def test_refuses_what_is_missing_or_wrong(
        self, sign_in: SignIn, world: World, late: Timer, wrong: dict[str, str], words: str
    ) -> None:
        answer = sign_in("manager").post(f"/breaches/{late.id}", data=review(world, **wrong))
        assert answer.status_code == 422
        assert words in answer.text
        assert reviews() == 0

    def test_a_resend_signs_once(self, sign_in: SignIn, world: World, late: Timer) -> None:
        client, data = sign_in("manager"), review(world, idempotency_key="once")
        assert client.post(f"/breaches/{late.id}", data=data).status_code == 303
        assert client.post(f"/breaches/{late.id}", data=data).status_code == 303
        assert reviews() == 1

    def test_who_signed_in_another_tab_is_not_told_of_another_manager(
        self, sign_in: SignIn, world: World, late: Timer
    ) -> None:
        client = sign_in("manager")
        client.post(f"/breaches/{late.id}", data=review(world, idempotency_key="first tab"))

        answer = client.post(f"/breaches/{late.id}", data=review(world, idempotency_key="second tab"))

        assert answer.status_code == 409
        assert "您已签署此复核" in answer.text
        assert "其他管理人员已签署" not in answer.text

    def test_a_second_manager_is_told_and_keeps_the_words(
        self, sign_in: SignIn, world: World, late: Timer
    ) -> None:
        other = second_manager(world)
        sign_in("manager").post(f"/breaches/{late.id}", data=review(world))

        answer = sign_in(other.username).post(
            f"/breaches/{late.id}", data=review(world, explanation="预警后三小时无人处理")
        )

        assert answer.status_code == 409
        assert "其他管理人员已签署" in answer.text
        assert "预警后三小时无人处理" in answer.text
        assert reviews() == 1

    def test_the_audit_trail_says_the_cause_and_people_in_words(
        self, sign_in: SignIn, world: World, late: Timer
    ) -> None:
        client = sign_in("manager")
        client.post(f"/breaches/{late.id}", data=review(world))
        page = client.get("/audit?action=breach_reviewed").text
        assert "在办量超过上限" in page
        assert f"王建军 · {world.claims1.staff_no}" in page


class TestCorrection:
    def test_who_owes_it_finds_it_on_the_desk_and_reports_it_done(
        self, sign_in: SignIn, world: World, now
    ) -> None:
        row = reviewed(world, now, due_on=date(2026, 11, 23))
        path, client = f"/breaches/{row.timer_id}/correction", sign_in("claims1")
        home = client.get("/").text
        assert path in home
        assert "今日到期" in home
        assert "当日在办 11 件" in client.get(path).text

        answer = client.post(path, data={"note": "交接页已上线", "idempotency_key": "done-once"})

        assert (answer.status_code, answer.location) == (303, path)
        assert client.post(path, data={"note": "x", "idempotency_key": "done-once"}).status_code == 303
        assert "交接页已上线" in client.get(path).text
        assert path not in client.get("/").text
        page = sign_in("manager").get("/breaches?view=corrections&correction=done").text
        assert "2026-11-23 已完成" in page

    def test_without_words_it_is_refused(self, sign_in: SignIn, world: World, now) -> None:
        row = reviewed(world, now, due_on=date(2026, 11, 23))
        answer = sign_in("claims1").post(f"/breaches/{row.timer_id}/correction", data={"note": " "})
        assert answer.status_code == 422

    def test_who_comes_second_is_told_and_keeps_the_words(self, sign_in: SignIn, world: World, now) -> None:
        row = reviewed(world, now, due_on=date(2026, 11, 23))
        path = f"/breaches/{row.timer_id}/correction"
        sign_in("claims1").post(path, data={"note": "交接页已上线"})
        answer = sign_in("manager").post(path, data={"note": "由我补充说明"})
        assert answer.status_code == 409
        assert "由我补充说明" in answer.text
        assert "交接页已上线" in answer.text

    @pytest.mark.parametrize(
        ("username", "status"),
        [("claims2", 403), ("hq", 404), ("safety-gongyi", 404), ("foreign-hq", 404), ("manager", 200)],
    )
    def test_is_for_who_owes_it_and_managers(
        self, sign_in: SignIn, world: World, now, username: str, status: int
    ) -> None:
        row = reviewed(world, now, due_on=date(2026, 11, 23))
        assert sign_in(username).get(f"/breaches/{row.timer_id}/correction").status_code == status


class TestCauses:
    def test_the_list_is_kept_by_managers_and_administrators(self, sign_in: SignIn, world: World) -> None:
        client = sign_in("manager")
        assert "移交过晚" in client.get("/settings/causes").text
        data = {"name": "交警未出具认定书", "name_en": "Police report late", "idempotency_key": "k"}

        assert client.post("/settings/causes", data=data).status_code == 303
        assert client.post("/settings/causes", data=data).status_code == 303

        row = db.session.get(BreachCause, "police_report_late")
        assert row is not None
        assert row.name in sign_in("admin").get("/settings/causes").text

    def test_an_administrator_comes_to_it_from_the_levels(self, sign_in: SignIn) -> None:
        assert 'href="/settings/causes"' in sign_in("admin").get("/settings/levels").text
        assert 'href="/settings/levels"' in sign_in("admin").get("/settings/causes").text

    def test_a_known_name_is_refused_and_kept_on_the_page(self, sign_in: SignIn) -> None:
        answer = sign_in("admin").post("/settings/causes", data={"name": "疏漏", "name_en": "Missed it"})
        assert answer.status_code == 422
        assert "“疏漏”已在列表中" in answer.text
        assert "Missed it" in answer.text

    def test_is_renamed_moved_retired_and_brought_back(
        self, sign_in: SignIn, world: World, late: Timer
    ) -> None:
        client = sign_in("admin")
        path = "/settings/causes/oversight"
        version = db.session.get_one(BreachCause, "oversight").version
        data = {"name": "工作疏漏", "name_en": "Missed", "version": version}
        assert client.post(path, data=data).status_code == 303
        assert client.post(path, data=data).status_code == 409, "the page is stale by now"
        for step in ("up", "retire"):
            version = db.session.get_one(BreachCause, "oversight").version
            assert client.post(f"{path}/{step}", data={"version": version}).status_code == 303

        assert "工作疏漏" not in sign_in("manager").get(f"/breaches/{late.id}").text
        row = db.session.get_one(BreachCause, "oversight")
        assert (row.name, row.is_active) == ("工作疏漏", False)
        assert client.post(f"{path}/bring-back", data={"version": row.version}).status_code == 303
        assert "工作疏漏" in sign_in("manager").get(f"/breaches/{late.id}").text
        actions = set(db.session.scalars(select(AuditEntry.action)))
        assert {"cause_renamed", "cause_moved", "cause_retired", "cause_brought_back"} <= actions

    def test_a_retired_cause_keeps_its_words_on_old_reviews(
        self, sign_in: SignIn, world: World, late: Timer, now
    ) -> None:
        sla.sign_review(late.id, finding(world.claims1, cause="oversight"), actor=world.manager, now=now)
        row = db.session.get_one(BreachCause, "oversight")
        sign_in("admin").post("/settings/causes/oversight/retire", data={"version": row.version})
        assert "疏漏" in sign_in("manager").get(f"/breaches/{late.id}").text
        assert "疏漏" in sign_in("manager").get("/breaches?view=reviewed").text

    @pytest.mark.parametrize("path", ["/settings/causes/nonsense", "/settings/causes/other/explode"])
    def test_what_is_not_there_is_not_found(self, sign_in: SignIn, path: str) -> None:
        assert sign_in("admin").post(path, data={"name": "x", "version": 1}).status_code == 404

    @pytest.mark.parametrize("username", ["claims1", "underwriter", "hq", "safety-gongyi"])
    def test_is_not_for_others(self, sign_in: SignIn, username: str) -> None:
        client = sign_in(username)
        assert client.get("/settings/causes").status_code == 403
        assert client.get("/settings/causes/other").status_code == 403
        assert client.post("/settings/causes", data={"name": "x"}).status_code == 403
        assert client.post("/settings/causes/other/retire", data={"version": 1}).status_code == 403
