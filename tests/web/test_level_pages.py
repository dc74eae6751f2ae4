"""The levels' pages: escalation by rows, refusals in both languages, and the test box."""

import re
from datetime import date

import pytest
from sqlalchemy import func, select

from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import TargetUnit
from service_desk.rules.vocabulary import Severity
from service_desk.services import sla
from service_desk.services.sla import levels
from service_desk.services.sla.levels import LevelConditions, LevelTerms
from tests.world import World


@pytest.fixture(autouse=True)
def _defaults(world: World, now, monkeypatch) -> None:
    """The starting set, and a day that stays the same: Monday 23 November 2026."""
    monkeypatch.setattr("service_desk.web.http.utc_now", lambda: now)
    sla.install_defaults(now)
    db.session.commit()


def speak(language: str) -> None:
    for user in db.session.scalars(select(User)):
        user.language = language
    db.session.commit()


def typed(**changes: object) -> dict[str, object]:
    """What a browser sends for a new level that ties with nothing: every field, the empty rows too."""
    rows = {f"escalations-{row}-{name}": "" for row in range(4) for name in ("to", "after")}
    units = {f"escalations-{row}-unit": "hours" for row in range(4)}
    return {
        "step": "survey",
        "account_id": "",
        "severity": "mass_injury",
        "where": "elsewhere",
        "amount_from": "",
        "amount_to": "",
        "target_value": "20",
        "target_unit": "minutes",
        "calendar_code": "24x7",
        "warn_percent": "60",
        "effective_on": "2026-11-23",
        "source": "服务协议附件三",
        **rows,
        **units,
        **changes,
    }


def escalation(row: int, to: str, after: object, unit: str = "hours") -> dict[str, object]:
    return {
        f"escalations-{row}-to": to,
        f"escalations-{row}-after": after,
        f"escalations-{row}-unit": unit,
    }


def newest() -> ServiceLevel:
    return db.session.scalars(select(ServiceLevel).order_by(ServiceLevel.id.desc()).limit(1)).one()


def count_levels() -> int:
    return db.session.scalar(select(func.count()).select_from(ServiceLevel)) or 0


class TestList:
    @pytest.fixture(autouse=True)
    def _own(self, world: World, now) -> None:
        terms = LevelTerms(
            45, TargetUnit.MINUTES, 60, "24x7", "", date(2026, 12, 1), (15,), (f"user:{world.claims2.id}",)
        )
        grave = LevelConditions(
            ClockStep.SURVEY, world.account.id, Severity.MASS_INJURY, False, 500_000, 1_000_000
        )
        levels.add_level(grave, terms, actor=world.manager, now=now)
        db.session.commit()

    def test_says_severity_escalation_and_whether_it_is_in_force(self, sign_in) -> None:
        page = sign_in("manager").get("/settings/levels?step=survey").text
        row = re.search(r"<tr>(?:(?!</tr>).)*三人以上受伤.*?</tr>", page, re.S)
        assert row is not None
        for words in ("超时后 15 分：赵丽", "未开始", "自 2026-12-01", "60%", "¥5,000"):
            assert words in row[0]
        assert page.count("生效中") == 2

    def test_shows_one_step_or_all_and_nonsense_is_all(self, sign_in) -> None:
        client = sign_in("manager")
        one = client.get("/settings/levels?step=survey").text
        everything = client.get("/settings/levels").text
        nonsense = client.get("/settings/levels?step=lunch")

        def rows(page: str) -> int:
            return page.count('class="strong nowrap"') + page.count('class="nowrap strong"')

        assert rows(one) == 3
        assert rows(everything) == rows(nonsense.text) == count_levels()

    def test_an_ended_one_is_shown_when_asked(self, sign_in, world, now) -> None:
        row = newest()
        levels.end_level(row.id, date(2026, 12, 1), version=row.version, actor=world.manager, now=now)
        ended = db.session.scalars(select(ServiceLevel).where(ServiceLevel.step == ClockStep.FOLLOWUP)).one()
        levels.end_level(ended.id, date(2026, 11, 23), version=ended.version, actor=world.admin, now=now)
        client = sign_in("admin")
        assert ">已终止<" not in client.get("/settings/levels?step=followup").text
        assert ">已终止<" in client.get("/settings/levels?step=followup&ended=1").text


class TestAdding:
    def test_keeps_the_escalation_rows_in_order(self, sign_in, world) -> None:
        rows = {
            **escalation(0, "role:manager", 30, "minutes"),
            **escalation(1, f"user:{world.admin.id}", 2),
            **escalation(3, "role:admin", 8),
        }

        answer = sign_in("admin").post("/settings/levels/new", data=typed(**rows))

        assert answer.status_code == 303
        row = newest()
        assert row.escalate_after_minutes == [30, 120, 480]
        assert row.escalate_to == ["role:manager", f"user:{world.admin.id}", "role:admin"]
        assert (row.severity, row.is_urban, row.target_value) == (Severity.MASS_INJURY, False, 20)

    def test_the_audit_trail_names_whom_the_escalations_tell(self, sign_in, world) -> None:
        client = sign_in("admin")
        rows = {**escalation(0, "role:claims", 1), **escalation(1, f"user:{world.claims2.id}", 2)}
        client.post("/settings/levels/new", data=typed(account_id=world.account.id, **rows))

        page = client.get("/audit").text

        assert f"{world.account.code} · 查勘" in page
        assert f"全体理赔专员、赵丽 · {world.claims2.staff_no} · 理赔专员" in page
        assert "60、120" in page

    def test_the_same_form_twice_is_one_level(self, sign_in) -> None:
        client, data = sign_in("admin"), typed(idempotency_key="k1")
        assert client.post("/settings/levels/new", data=data).status_code == 303
        before = count_levels()
        assert client.post("/settings/levels/new", data=data).status_code == 303
        assert count_levels() == before

    @pytest.mark.parametrize(
        ("changes", "zh", "en"),
        [
            ({"target_value": ""}, "请填写“时限”。", "Enter “Target”."),
            ({"target_value": "0"}, "时限至少为 1", "The target must be at least 1"),
            (
                {"amount_from": "5000", "amount_to": "2000"},
                "金额上限应大于下限",
                "The upper amount must be more than the lower one.",
            ),
            (
                {**escalation(0, "role:manager", 2), **escalation(1, "role:admin", 60, "minutes")},
                "升级提醒第 2 项必须晚于上一项",
                "Escalation step 2 must come later",
            ),
            (
                escalation(0, "role:manager", ""),
                "升级提醒第 1 项：请填写超时后多久",
                "Escalation step 1: say how long",
            ),
            (escalation(1, "", 4), "升级提醒第 2 项：请选择告知对象", "Escalation step 2: choose whom"),
            (
                escalation(0, "role:manager", "soon"),
                "升级提醒第 1 项填写有误",
                "Escalation step 1 is not filled in right.",
            ),
            (
                {"effective_on": "2026-11-22"},
                "不能更改过去的承诺",
                "Promises cannot be changed for the past.",
            ),
        ],
    )
    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_a_refusal_says_why_and_loses_nothing(self, sign_in, changes, zh, en, language) -> None:
        speak(language)
        before = count_levels()

        answer = sign_in("admin").post("/settings/levels/new", data=typed(**changes))

        assert answer.status_code == 422
        assert (zh if language == "zh" else en) in answer.text
        assert "服务协议附件三" in answer.text
        assert count_levels() == before

    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_a_tie_names_both_levels_in_words(self, sign_in, language) -> None:
        speak(language)
        client = sign_in("admin")
        client.post("/settings/levels/new", data=typed(where="", severity="mass_injury", amount_from="5000"))
        before = count_levels()

        answer = client.post("/settings/levels/new", data=typed())

        assert answer.status_code == 422
        both = {
            "zh": ("查勘 · 三人以上受伤（群伤）、¥5,000 以上", "查勘 · 三人以上受伤（群伤）、其他地区"),
            "en": (
                "Survey · three or more people hurt, over ¥5,000",
                "Survey · three or more people hurt, elsewhere",
            ),
        }
        for words in both[language]:
            assert words in answer.text
        assert 'href="#step"' in answer.text
        assert count_levels() == before

    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_somebody_who_does_not_serve_all_accounts_is_refused(self, sign_in, world, language) -> None:
        speak(language)
        data = typed(**escalation(0, f"user:{world.claims1.id}", 4))

        answer = sign_in("admin").post("/settings/levels/new", data=data)

        assert answer.status_code == 422
        words = {"zh": "并不服务于本承诺适用的全部客户", "en": "does not work for every account"}
        assert words[language] in answer.text

    def test_people_of_other_accounts_cannot_be_chosen(self, sign_in, world) -> None:
        data = typed(account_id=world.account.id, **escalation(0, f"user:{world.foreign_hq.id}", 4))
        page = sign_in("manager").get("/settings/levels/new").text
        assert f'value="user:{world.claims1.id}"' in page
        assert f'value="user:{world.foreign_hq.id}"' not in page
        assert sign_in("manager").post("/settings/levels/new", data=data).status_code == 422


class TestChanging:
    def level(self, step: ClockStep) -> ServiceLevel:
        return db.session.scalars(select(ServiceLevel).where(ServiceLevel.step == step)).one()

    def test_the_form_shows_what_holds_and_begins_on_the_first_possible_day(self, sign_in) -> None:
        row = self.level(ClockStep.FOLLOWUP)
        page = sign_in("admin").get(f"/settings/levels/{row.id}").text
        assert re.search(r'name="escalations-0-after"[^>]*value="4"', page)
        assert re.search(r'name="effective_on"[^>]*value="2026-11-23"', page)
        assert 'value="大客户协议"' in page

    def test_a_known_source_left_as_it_is_stays_known_in_both_languages(self, sign_in) -> None:
        row = self.level(ClockStep.FOLLOWUP)
        data = typed(source="大客户协议", version=row.version, **escalation(0, "role:claims", 1))

        answer = sign_in("admin").post(f"/settings/levels/{row.id}", data=data)

        assert answer.status_code == 303
        assert newest().source == "key_account_agreement"
        assert (newest().escalate_to, newest().escalate_after_minutes) == (["role:claims"], [60])

    def test_one_who_has_left_is_shown_by_name_and_must_be_replaced(self, sign_in, world) -> None:
        row = self.level(ClockStep.FOLLOWUP)
        row.account_id, row.escalate_to = world.account.id, [f"user:{world.claims2.id}"]
        world.claims2.is_active = False
        db.session.commit()
        client = sign_in("manager")

        page = client.get(f"/settings/levels/{row.id}").text
        data = typed(version=row.version, **escalation(0, f"user:{world.claims2.id}", 4))
        answer = client.post(f"/settings/levels/{row.id}", data=data)

        assert "赵丽" in page
        assert answer.status_code == 422
        assert "已停用" in answer.text

    def test_a_manager_reads_the_promise_to_all_accounts_without_a_form(self, sign_in) -> None:
        row = self.level(ClockStep.FOLLOWUP)
        page = sign_in("manager").get(f"/settings/levels/{row.id}").text
        assert "超时后 4 小时：全体营业部主管" in page
        assert 'name="target_value"' not in page

    def test_a_manager_adds_one_for_the_own_account_with_the_same_terms_to_begin_with(
        self, sign_in, world
    ) -> None:
        client = sign_in("manager")
        of_towns = select(ServiceLevel).where(ServiceLevel.step == ClockStep.SURVEY, ServiceLevel.is_urban)
        general = db.session.scalars(of_towns).one()

        assert f"/settings/levels/new?like={general.id}" in client.get(f"/settings/levels/{general.id}").text

        page = client.get(f"/settings/levels/new?like={general.id}").text
        for chosen in (
            'selected value="survey"',
            'value="30"',
            'selected value="minutes"',
            'selected value="24x7"',
        ):
            assert chosen in page
        assert re.search(r'<input checked[^>]*value="urban"', page)
        assert f'selected value="{world.account.id}"' in page
        assert "重庆车险理赔服务标准" not in page
        assert client.get("/settings/levels/new?like=x").status_code == 200
        assert client.get("/settings/levels/new?like=999999").status_code == 404


class TestTestBox:
    def ask(self, client, world: World, **changes: object):
        asked = {
            "try-account_id": world.account.id,
            "try-step": "survey",
            "try-at": "2026-11-23T09:00",
            "try-severity": "",
            "try-where": "elsewhere",
            "try-amount": "",
        }
        return client.get("/settings/levels", query_string=asked | changes)

    def test_says_due_why_and_what_else_fits(self, sign_in, world) -> None:
        client = sign_in("admin")
        client.post("/settings/levels/new", data=typed(**escalation(0, "role:admin", 15, "minutes")))

        page = self.ask(client, world, **{"try-severity": "mass_injury"}).text

        assert "应于 2026-11-23 09:20 前完成" in page
        assert "三人及以上受伤，且出险地点不在市区或县城" in page
        assert "2026-11-23 09:12" in page
        assert "2026-11-23 09:35，超时后 15 分：全体管理员" in page
        assert "60 分钟" in page.split("同样适用但较宽泛")[1].split("</dl>")[0]

    def test_the_general_level_says_what_the_narrower_ones_asked_for(self, sign_in, world) -> None:
        speak("en")
        page = self.ask(sign_in("manager"), world).text
        assert "would be due 2026-11-23 10:00" in page
        assert "the place is not in a city or county town" in page

    def test_a_term_in_days_ends_at_midnight_and_is_provisional_next_year(self, sign_in, world) -> None:
        client = sign_in("manager")
        asked = {"try-step": "ctpl_decision", "try-at": "2026-12-28T09:00"}
        this_year = self.ask(client, world, **{**asked, "try-at": "2026-11-23T09:00"}).text
        next_year = self.ask(client, world, **asked).text
        assert "应于 2026-11-30 24:00 前完成" in this_year
        assert "应于 2027-01-04 24:00 前完成" in next_year
        assert ("暂定" in this_year, "暂定" in next_year) == (False, True)

    def test_says_so_where_no_promise_holds(self, sign_in, world, now) -> None:
        row = db.session.scalars(select(ServiceLevel).where(ServiceLevel.step == ClockStep.FOLLOWUP)).one()
        levels.end_level(row.id, date(2026, 11, 23), version=row.version, actor=world.admin, now=now)
        page = self.ask(sign_in("manager"), world, **{"try-step": "followup"}).text
        assert "不会开始计时" in page

    @pytest.mark.parametrize(
        "changes",
        [
            {"try-at": ""},
            {"try-at": "yesterday"},
            {"try-at": "2150-01-01T09:00"},
            {"try-step": "lunch"},
            {"try-amount": "viel"},
            {"try-account_id": "x"},
        ],
    )
    def test_bad_input_is_said_beside_its_field(self, sign_in, world, changes) -> None:
        answer = self.ask(sign_in("manager"), world, **changes)
        assert answer.status_code == 200
        assert 'class="field-error"' in answer.text
        assert "前完成。" not in answer.text

    def test_writes_nothing(self, sign_in, world) -> None:
        before = db.session.scalar(select(func.count()).select_from(AuditEntry))
        self.ask(sign_in("manager"), world)
        assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == before

    def test_another_account_cannot_be_asked_about(self, sign_in, world) -> None:
        answer = self.ask(sign_in("manager"), world, **{"try-account_id": world.foreign_account.id})
        assert "前完成。" not in answer.text
        assert "洛阳" not in answer.text


class TestWho:
    PATHS = ("/settings/levels", "/settings/levels?try-step=survey", "/settings/levels/new")

    @pytest.mark.parametrize("path", PATHS)
    def test_a_stranger_must_sign_in(self, client, path) -> None:
        answer = client.get(path)
        assert answer.status_code == 302
        assert "/sign-in" in answer.headers["Location"]

    @pytest.mark.parametrize("username", ["claims1", "underwriter", "hq", "safety-gongyi", "foreign-hq"])
    @pytest.mark.parametrize("path", PATHS)
    def test_is_for_managers_and_administrators(self, sign_in, username, path) -> None:
        assert sign_in(username).get(path).status_code == 403

    def test_the_promise_to_another_account_does_not_exist_for_a_manager(self, sign_in, world, now) -> None:
        conditions = LevelConditions(ClockStep.SURVEY, world.foreign_account.id, None, False)
        terms = LevelTerms(45, TargetUnit.MINUTES, 60, "24x7", "", date(2026, 12, 1))
        row = levels.add_level(conditions, terms, actor=world.admin, now=now)
        db.session.commit()
        client = sign_in("manager")
        assert client.get(f"/settings/levels/{row.id}").status_code == 404
        assert client.post(f"/settings/levels/{row.id}", data=typed()).status_code == 404
        assert (
            client.post(f"/settings/levels/{row.id}/end", data={"ends_on": "2027-01-01"}).status_code == 404
        )
