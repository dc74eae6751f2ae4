"""The what-if page: the question in the address, the answer, the cases, the spreadsheet, and what it refuses."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel, Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.services import sla
from service_desk.services.notices import Matter
from tests.world import World

QUESTION = {
    "step": "assessment",
    "from_on": "2025-01-01",
    "to_on": "2025-12-31",
    "target_value": "1",
    "target_unit": "working_days",
    "calendar": "office",
}


def address(page: str = "/what-if", **changed: str) -> str:
    return f"{page}?{urlencode(QUESTION | changed)}"


def china(text: str) -> datetime:
    """`09-16 14:20` of 2025 in Zhengzhou."""
    return datetime.strptime(f"2025-{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


@pytest.fixture
def past(world: World) -> list[Timer]:
    """Assessments promised in three working days: one of four hours, one of a day and a half, one of a week."""
    sla.install_defaults(china("01-01 00:00"))
    timers = []
    for number, (start, stop) in enumerate(
        [("09-15 09:00", "09-15 14:30"), ("09-15 09:00", "09-16 14:00"), ("10-20 09:00", "10-27 09:00")], 1
    ):
        branch = world.zhongmu if number == 3 else world.gongyi
        matter = Matter("claim", number, f"CLM-2025-{number:06d}", world.account.id, branch.id)
        at, end = china(start), china(stop)
        step, holder = ClockStep.ASSESSMENT, world.claims1.id
        timer = sla.start(matter, step, holder_id=holder, at=at, actor=None, now=at, amount_fen=9_000_00)
        assert timer is not None
        sla.stop(matter, (step,), at=end, actor=None, now=end)
        timers.append(timer)
    db.session.commit()
    return timers


@pytest.fixture
def manager(sign_in: Callable[[str], FlaskClient], past: list[Timer]) -> FlaskClient:
    return sign_in("manager")


def text_of(client: FlaskClient, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.text
    return str(answer.text)


class TestAnswer:
    def test_the_bare_page_asks_for_the_last_twelve_months(self, manager: FlaskClient) -> None:
        page = text_of(manager, "/what-if")

        assert f'value="{utc_now() + timedelta(hours=8):%Y-%m-%d}"' in page
        assert "结论改变的案件" not in page

    def test_says_what_was_and_what_would_have_been(self, manager: FlaskClient, past: list[Timer]) -> None:
        page = text_of(manager, address())

        assert "66.7%" in page
        assert "33.3%" in page
        assert "-33.4" in page
        assert "1 个工作日" in page
        assert "由按时变超时" in page
        assert "CLM-2025-000002" in page
        assert f"/timers/{past[1].id}" in page
        assert "CLM-2025-000001" not in page

    def test_is_in_english_too(self, manager: FlaskClient) -> None:
        manager.post("/language", data={"language": "en"})

        page = text_of(manager, address())

        assert "Broken instead of kept" in page
        assert "For 90% in time" in page

    def test_each_month_and_branch_opens_the_question_narrowed(
        self, manager: FlaskClient, world: World
    ) -> None:
        page = text_of(manager, address())

        assert "from_on=2025-10-01&amp;to_on=2025-10-31" in page
        assert f"branch={world.zhongmu.id}" in page
        assert "/compliance/timers?verdict=judged" in page

    def test_lists_one_way_of_flipping_and_pages_keep_the_question(self, manager: FlaskClient) -> None:
        page = text_of(manager, address(flip="kept", target_value="9"))

        assert "CLM-2025-000003" in page
        assert "CLM-2025-000002" not in page
        assert "target_value=9" in page

    def test_other_hours_alone_are_a_question(self, manager: FlaskClient) -> None:
        page = text_of(
            manager, address(target_value="", calendar="", workdays="8:00-20:00", saturday="9:00-12:00")
        )

        assert "各案原时限" in page
        assert "星期一 至 星期五 08:00-20:00" in page

    def test_a_level_narrows_and_is_named(self, manager: FlaskClient, past: list[Timer]) -> None:
        page = text_of(manager, address(level=str(past[0].level_id)))

        assert "CLM-2025-000002" in page
        assert "/compliance/timers?" not in page

    def test_days_without_cases_say_so(self, manager: FlaskClient) -> None:
        assert "该期间本环节没有可评定的时限" in text_of(
            manager, address(from_on="2024-01-01", to_on="2024-02-01")
        )

    def test_the_levels_page_and_the_audit_tabs_lead_here(self, manager: FlaskClient) -> None:
        assert "/what-if" in text_of(manager, "/settings/levels")
        assert "/what-if" in text_of(manager, "/breaches")


class TestRefusals:
    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"step": ""}, "环节"),
            ({"step": "lunch"}, "不是有效的选择"),
            ({"target_value": "", "calendar": ""}, "请至少填写假设时限、假设日历或工作时间中的一项"),
            ({"target_value": "soon"}, "不是有效的整数"),
            ({"target_value": "10001"}, "0 至 10,000"),
            ({"target_value": "-1"}, "0 至 10,000"),
            ({"target_value": "0"}, "自然日填 0"),
            ({"calendar": "moon"}, "不是有效的选择"),
            ({"from_on": "2025-12-31", "to_on": "2025-01-01"}, "结束日期早于开始日期"),
            ({"from_on": "2001-01-01"}, "最多可选 5 年"),
            ({"from_on": "0001-01-01"}, "不是有效的日期"),
            ({"to_on": "99999-01-01"}, "不是有效的日期"),
            ({"to_on": ""}, "请填写“"),
            ({"branch": "999999"}, "不是有效的选择"),
            ({"workdays": "9-5"}, "不是时间段"),
            ({"saturday": "10:00-12:00, 11:00-13:00"}, "重叠"),
        ],
    )
    def test_are_told_at_the_field_and_keep_what_was_typed(
        self, manager: FlaskClient, changed: dict[str, str], sentence: str
    ) -> None:
        page = text_of(manager, address(**changed), 422)

        assert sentence in page
        assert 'aria-invalid="true"' in page
        for name, typed in changed.items():
            if name in ("target_value", "workdays", "saturday"):
                assert f'value="{typed}"' in page

    def test_a_level_of_another_step_is_refused(self, manager: FlaskClient) -> None:
        other = db.session.scalars(
            select(ServiceLevel.id).where(ServiceLevel.step == ClockStep.SURVEY).limit(1)
        ).one()

        assert "该时限标准属于其他环节" in text_of(manager, address(level=str(other)), 422)


class TestExport:
    def test_equals_the_screen_and_is_audited(self, manager: FlaskClient, world: World) -> None:
        answer = manager.get(address("/what-if.xlsx"))

        assert answer.status_code == 200
        book = load_workbook(io.BytesIO(answer.data))
        cells = [[cell.value for cell in row] for sheet in book for row in sheet.iter_rows()]
        texts = {str(value) for row in cells for value in row if value is not None}
        assert {"66.7%", "33.3%", "CLM-2025-000002", "2025-09", "2025-10"} <= texts
        assert "CLM-2025-000001" not in texts
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "exported")).one()
        assert (entry.actor_id, entry.account_id) == (world.manager.id, world.account.id)

    def test_of_a_question_that_cannot_be_asked_goes_back_to_it(self, manager: FlaskClient) -> None:
        answer = manager.get(address("/what-if.xlsx", to_on=""))

        assert answer.status_code == 302
        assert answer.location.startswith("/what-if?")
        assert db.session.scalar(select(AuditEntry.id).where(AuditEntry.action == "exported")) is None


class TestPermissions:
    def test_a_stranger_signs_in_first(self, client: FlaskClient, past: list[Timer]) -> None:
        assert client.get(address()).status_code == 302
        assert client.get(address("/what-if.xlsx")).status_code == 302

    @pytest.mark.parametrize("name", ["hq", "safety-gongyi", "claims1", "underwriter", "admin", "foreign-hq"])
    def test_only_managers(self, sign_in: Callable[[str], FlaskClient], past: list[Timer], name: str) -> None:
        assert sign_in(name).get(address()).status_code == 403
        assert sign_in(name).get(address("/what-if.xlsx")).status_code == 403
