"""The pages of working calendars and of recomputing clocks: the year, previews, refusals; who may not."""

import re
from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from service_desk.models.db import db
from service_desk.models.sla import (
    CalendarDay,
    CalendarVersion,
    Timer,
    TimerRecomputation,
    WorkingCalendarRow,
)
from service_desk.rules.calendar.hours import WEEKDAYS
from service_desk.rules.claim_flow import ClockStep
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import calendars as books
from tests.world import World

OFFICE = "/settings/calendars/office"


@pytest.fixture(autouse=True)
def _defaults(world: World, now):
    sla.install_defaults(now - timedelta(days=1))
    db.session.commit()
    with time_machine.travel(now, tick=False):
        yield


def start(world: World, at, *, number: int = 1, foreign: bool = False) -> Timer:
    account, branch = (
        (world.foreign_account, world.foreign_branch) if foreign else (world.account, world.gongyi)
    )
    matter = Matter("claim", number, f"CLM-2026-{number:06d}", account.id, branch.id)
    timer = sla.start(matter, ClockStep.FOLLOWUP, holder_id=world.claims1.id, at=at, actor=None, now=at)
    assert timer is not None
    db.session.commit()
    return timer


def version(code: str = "office") -> int:
    return db.session.scalars(select(WorkingCalendarRow.version).where(WorkingCalendarRow.code == code)).one()


def week(**hours: str) -> dict[str, object]:
    """What a browser sends: every field, empty ones too."""
    return {**dict.fromkeys(WEEKDAYS, ""), "version": version(), **hours}


def a_day(**changes: object) -> dict[str, object]:
    return {"day": "2026-11-24", "hours": "", "label": "停电检修", "version": version(), **changes}


def versions() -> int:
    return db.session.scalar(select(func.count()).select_from(CalendarVersion)) or 0


def hidden(page: str) -> dict[str, str]:
    """The fields a page would send back unseen from its last form."""
    form = page[page.rindex('<form method="post"') :]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))


class TestYear:
    def test_shows_every_kind_of_day_by_a_mark_and_in_words(self, sign_in) -> None:
        page = sign_in("admin").get("/settings/calendars?year=2026").text

        assert page.count('class="year-day') >= 365
        for words in (
            'title="2026-10-10 星期六 · 调休上班日 · 08:30-12:00, 13:30-17:30 · 国庆节"',
            'title="2026-10-01 星期四 · 休息日 · 国庆节"',
            'title="2026-11-28 星期六 · 周休日"',
            'title="2026-11-27 星期五 · 工作日 · 08:30-12:00, 13:30-17:30"',
        ):
            assert words in page
        assert "暂定" not in page

    def test_says_that_a_year_is_provisional(self, sign_in) -> None:
        page = sign_in("manager").get("/settings/calendars?year=2027").text
        assert "2027 年为暂定" in page
        assert 'title="2027-10-01 星期五 · 休息日 · 国庆节 · 暂定"' in page
        later = sign_in("manager").get("/settings/calendars?year=2030").text
        assert "2030 年为暂定" in later
        assert "为暂定" not in sign_in("manager").get("/settings/calendars?year=2030&calendar=24x7").text

    def test_in_english(self, sign_in, world) -> None:
        world.admin.language = "en"
        page = sign_in("admin").get("/settings/calendars?year=2027").text
        assert "2027 is provisional" in page
        assert "<caption>February</caption>" in page
        assert 'title="2027-10-01 Friday · Day off · National Day · provisional"' in page

    def test_a_day_of_the_address_stands_in_the_form(self, sign_in) -> None:
        client = sign_in("admin")
        page = client.get("/settings/calendars?day=2026-10-10").text
        assert 'value="2026-10-10"' in page
        assert 'value="国庆节"' in page
        assert 'href="/settings/calendars?calendar=office&amp;year=2026&amp;day=2026-10-10#set-day"' in page
        assert client.get("/settings/calendars?day=nonsense&year=99999").status_code == 200

    def test_years_end_at_the_first_and_last_that_are_kept(self, sign_in) -> None:
        client = sign_in("admin")
        assert "year=2003" not in client.get("/settings/calendars?year=1066").text
        assert "year=2100" not in client.get("/settings/calendars?year=4000").text

    @pytest.mark.parametrize("username", ["claims1", "underwriter", "hq", "safety-gongyi"])
    @pytest.mark.parametrize(
        "path",
        ["/settings/calendars", f"{OFFICE}/versions", "/settings/calendars/new", "/settings/recompute"],
    )
    def test_is_not_for_others(self, sign_in, username, path) -> None:
        assert sign_in(username).get(path).status_code == 403

    @pytest.mark.parametrize("path", ["/settings/calendars", f"{OFFICE}/versions", "/settings/recompute"])
    def test_a_stranger_signs_in_first(self, client, path) -> None:
        assert "/sign-in" in client.get(path).location

    def test_a_manager_may_look_but_not_change(self, sign_in) -> None:
        client = sign_in("manager")
        page = client.get("/settings/calendars").text
        assert "预览" not in page
        assert "设置特殊日" not in page
        assert client.get("/settings/calendars/new").status_code == 403
        for path, data in (
            (f"{OFFICE}/week", week(mon="09:00-12:00")),
            (f"{OFFICE}/days", a_day()),
            (f"{OFFICE}/days", a_day(step="preview")),
            (f"{OFFICE}/days", a_day(step="edit")),
            (f"{OFFICE}/years/2028/fill", {"version": version()}),
            (f"{OFFICE}/years/2027/confirm", {"version": version()}),
            (f"{OFFICE}/days/2026-10-01/remove", {"version": version()}),
        ):
            assert client.post(path, data=data).status_code == 403

    def test_an_unknown_calendar_or_day_is_not_found(self, sign_in) -> None:
        client = sign_in("admin")
        assert client.get("/settings/calendars?calendar=lunar").status_code == 404
        assert client.get("/settings/calendars/lunar/versions").status_code == 404
        assert client.post("/settings/calendars/lunar/days", data=a_day()).status_code == 404
        assert client.post(f"{OFFICE}/days/someday/remove", data={"version": version()}).status_code == 404


class TestPreview:
    def test_lists_what_a_day_would_move_and_writes_nothing(self, sign_in, world, now) -> None:
        timer = start(world, now)
        before = versions()

        page = sign_in("admin").post(f"{OFFICE}/days", data=a_day(step="preview"))

        assert page.status_code == 200
        for words in (
            "2026-11-24：按周时段 → 休息",
            "进行中的时限有 1 个按本日历计时",
            "1 个将变动",
            timer.matter_number,
            "王建军",
            "2026-11-26 09:00",
            "2026-11-27 09:00",
            "推迟 1 天",
        ):
            assert words in page.text
        assert versions() == before
        assert db.session.scalar(select(CalendarDay).where(CalendarDay.day == date(2026, 11, 24))) is None

    def test_saves_what_was_looked_at_and_moves_nothing(self, sign_in, world, now) -> None:
        timer = start(world, now)
        due_at = timer.due_at
        client = sign_in("admin")
        fields = hidden(client.post(f"{OFFICE}/days", data=a_day(step="preview")).text)

        answer = client.post(f"{OFFICE}/days", data=fields)

        assert (answer.status_code, answer.location) == (303, "/settings/calendars?calendar=office&year=2026")
        assert db.session.scalars(select(CalendarDay).where(CalendarDay.day == date(2026, 11, 24))).one()
        assert db.session.get(Timer, timer.id).due_at == due_at

    def test_goes_back_to_the_form_with_all_that_was_typed(self, sign_in) -> None:
        client = sign_in("admin")
        typed = week(mon="09:00-12:00，13:00-18:00", step="preview")
        fields = hidden(client.post(f"{OFFICE}/week", data=typed).text)

        page = client.post(f"{OFFICE}/week", data={**fields, "step": "edit"})

        assert page.status_code == 200
        assert 'value="09:00-12:00，13:00-18:00"' in page.text

    def test_a_day_is_removed_after_a_look(self, sign_in) -> None:
        client = sign_in("admin")
        path = f"{OFFICE}/days/2026-10-01/remove"
        page = client.post(path, data={"version": version(), "step": "preview"})
        assert "2026-10-01：休息 → 按周时段" in page.text

        assert client.post(path, data=hidden(page.text)).status_code == 303
        assert (
            db.session.scalar(
                select(CalendarDay.id)
                .join(WorkingCalendarRow)
                .where(WorkingCalendarRow.code == "office", CalendarDay.day == date(2026, 10, 1))
            )
            is None
        )

    def test_a_year_is_filled_after_a_look_and_the_result_told(self, sign_in) -> None:
        client = sign_in("admin")
        client.post(f"{OFFICE}/days", data=a_day(day="2028-12-24", label="年会"))
        path = f"{OFFICE}/years/2028/fill"
        page = client.post(path, data={"version": version(), "step": "preview"})
        assert "2028 年：休息" in page.text
        assert "保留人工录入的 1 天：2028-12-24" in page.text

        answer = client.post(path, data=hidden(page.text))
        told = client.get(answer.location).text

        assert re.search(r"2028 年写入 \d+ 天，人工录入的 1 天予以保留", told)
        assert "2028 年为暂定" in told
        assert "人工录入" in told

    def test_without_a_difference_there_is_nothing_to_save(self, sign_in) -> None:
        data = {"version": version(), "step": "preview"}
        page = sign_in("admin").post(f"{OFFICE}/years/2026/fill", data=data).text
        assert "没有变更" in page
        assert "保存变更" not in page

    def test_a_resend_saves_once_and_is_answered_the_same(self, sign_in) -> None:
        client = sign_in("admin")
        data = a_day(idempotency_key="once")
        assert client.post(f"{OFFICE}/days", data=data).status_code == 303
        before = versions()
        assert client.post(f"{OFFICE}/days", data=data).status_code == 303
        assert versions() == before

    def test_a_confirmed_year_is_provisional_no_more(self, sign_in) -> None:
        client = sign_in("admin")
        data = {"version": version(), "step": "preview"}
        page = client.post(f"{OFFICE}/years/2027/confirm", data=data)
        assert "节假日已公布至 2027 年底（此前为 2026 年底）" in page.text
        assert client.post(f"{OFFICE}/years/2027/confirm", data=hidden(page.text)).status_code == 303
        assert "为暂定" not in client.get("/settings/calendars?year=2027").text


class TestBadInput:
    @pytest.mark.parametrize("step", ["preview", "save"])
    def test_overlapping_hours_are_refused_naming_both_and_kept_on_the_page(self, sign_in, step) -> None:
        before = versions()
        typed = week(mon="05:00-12:00", sun="22:00-06:00", step=step)

        answer = sign_in("admin").post(f"{OFFICE}/week", data=typed)

        assert answer.status_code == 422
        assert "星期日 22:00-06:00 与 星期一 05:00-12:00 重叠" in answer.text
        assert 'id="mon-error"' in answer.text
        assert 'value="22:00-06:00"' in answer.text
        assert versions() == before

    def test_in_english(self, sign_in, world) -> None:
        world.admin.language = "en"
        answer = sign_in("admin").post(f"{OFFICE}/week", data=week(mon="05:00-12:00", sun="22:00-06:00"))
        assert "Sunday 22:00-06:00 and Monday 05:00-12:00 overlap" in answer.text

    def test_a_dated_day_that_meets_its_neighbour_is_refused_by_date(self, sign_in) -> None:
        data = a_day(day="2026-11-24", hours="20:00-09:00", step="preview")
        answer = sign_in("admin").post(f"{OFFICE}/days", data=data)
        assert answer.status_code == 422
        assert "2026-11-24 20:00-09:00 与 2026-11-25 08:30-12:00 重叠" in answer.text
        assert 'id="hours-error"' in answer.text

    @pytest.mark.parametrize(
        ("hours", "sentence"),
        [
            ({}, "至少"),
            ({"mon": "morning"}, "“morning”不是时间段"),
            ({"mon": "25:00-26:00"}, "“25:00”不是时间段"),
        ],
    )
    def test_nonsense_is_refused_at_its_weekday(self, sign_in, hours, sentence) -> None:
        answer = sign_in("admin").post(f"{OFFICE}/week", data=week(**hours))
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'id="mon-error"' in answer.text

    def test_a_stale_change_is_told(self, sign_in) -> None:
        answer = sign_in("admin").post(f"{OFFICE}/days", data=a_day(version=99, step="preview"))
        assert answer.status_code == 409
        assert "停电检修" in answer.text

    @pytest.mark.parametrize("year", ["2003", "2029"])
    def test_a_year_nobody_knows_is_refused(self, sign_in, year) -> None:
        answer = sign_in("admin").post(f"{OFFICE}/years/{year}/fill", data={"version": version()})
        assert answer.status_code == 422
        assert "2004 年至 2028 年" in answer.text

    def test_a_day_without_a_date_or_reason_is_refused(self, sign_in) -> None:
        for wrong in ({"day": ""}, {"label": ""}, {"day": "1899-01-01"}, {"day": "2150-01-01"}):
            assert sign_in("admin").post(f"{OFFICE}/days", data=a_day(**wrong)).status_code == 422


class TestNewCalendar:
    def typed(self, **changes: str) -> dict[str, str]:
        values = {"code": "night-desk", "name": "夜班值守", "name_en": "Night desk", "zone": "Asia/Urumqi"}
        return {**dict.fromkeys(WEEKDAYS, "22:00-06:00"), **values, "idempotency_key": "once", **changes}

    def test_is_made_once_and_shown(self, sign_in) -> None:
        client = sign_in("admin")
        answer = client.post("/settings/calendars/new", data=self.typed())
        assert (answer.status_code, answer.location) == (303, "/settings/calendars?calendar=night-desk")
        assert client.post("/settings/calendars/new", data=self.typed()).status_code == 303
        page = client.get(answer.location).text
        for words in ("夜班值守", "Asia/Urumqi", "第 1 版"):
            assert words in page
        assert books.get_calendar("night-desk").week["sun"] == [["22:00", "06:00"]]

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"code": "office"}, "代码“office”已有日历使用"),
            ({"code": "夜班"}, "不能作为代码"),
            ({"zone": "Asia/Zhengzhou"}, "“Asia/Zhengzhou”"),
            ({"mon": "05:00-22:00"}, "星期日 22:00-06:00 与 星期一 05:00-22:00 重叠"),
        ],
    )
    def test_refuses_what_is_wrong_and_keeps_the_rest(self, sign_in, wrong, sentence) -> None:
        answer = sign_in("admin").post("/settings/calendars/new", data=self.typed(**wrong))
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'value="夜班值守"' in answer.text
        assert len(books.list_calendars()) == 3

    def test_the_form_offers_zones_by_place(self, sign_in) -> None:
        page = sign_in("admin").get("/settings/calendars/new").text
        assert '<option selected value="Asia/Shanghai">' in page
        assert 'value="Asia/Urumqi"' in page


class TestAudit:
    def test_hours_are_said_in_words(self, sign_in) -> None:
        client = sign_in("admin")
        client.post(f"{OFFICE}/days", data=a_day(hours="09:00-12:00"))
        client.post(f"{OFFICE}/days/2026-10-01/remove", data={"version": version()})
        client.post(f"{OFFICE}/week", data=week(mon="09:00-12:00", sat="13:00-17:00"))

        page = client.get("/audit?label=office").text

        for words in ("2026-11-24", "09:00-12:00", "休息", "星期一 09:00-12:00；星期六 13:00-17:00"):
            assert words in page
        assert "[" not in re.sub(r"<[^>]*>", "", page[page.index("<tbody") :])


class TestVersions:
    def test_say_what_each_changed_the_newest_first(self, sign_in) -> None:
        client = sign_in("admin")
        client.post(f"{OFFICE}/days", data=a_day())
        hours = dict.fromkeys(WEEKDAYS[:5], "08:30-12:00, 13:30-17:30")
        client.post(f"{OFFICE}/week", data=week(**{**hours, "sat": "09:00-12:00"}))

        page = client.get(f"{OFFICE}/versions").text

        lines = ("星期六：休息 → 09:00-12:00", "2026-11-24：按周时段 → 休息", "初始日历")
        places = [page.index(line) for line in lines]
        assert places == sorted(places)
        assert "第 3 版" in page


class TestRecompute:
    @pytest.fixture
    def outdated(self, sign_in, world, now) -> Timer:
        timer = start(world, now)
        sign_in("admin").post(f"{OFFICE}/days", data=a_day())
        return timer

    def ticks(self, page: str) -> list[str]:
        return re.findall(r'name="clock" value="([^"]+)"', page)

    def test_is_linked_with_a_count_and_lists_both_due_times(self, sign_in, outdated) -> None:
        client = sign_in("manager")
        for path in ("/settings/calendars", "/settings/levels"):
            assert "沿用旧标准的时限：1" in client.get(path).text
        page = client.get("/settings/recompute").text
        for words in (outdated.matter_number, "2026-11-26 09:00", "2026-11-27 09:00", "推迟 1 天", "王建军"):
            assert words in page

    def test_is_linked_without_a_count_when_no_clock_would_move(self, sign_in, world, now) -> None:
        start(world, now)
        sign_in("admin").post(f"{OFFICE}/days", data=a_day(day="2026-12-24"))
        client = sign_in("manager")
        for path in ("/settings/calendars", "/settings/levels"):
            page = client.get(path).text
            assert "沿用旧标准的时限" in page
            assert "沿用旧标准的时限：" not in page
        assert client.get("/settings/recompute?view=same").text.count('name="clock"') == 1

    def test_ticked_clocks_are_recomputed_with_a_reason(self, sign_in, world, outdated) -> None:
        client = sign_in("manager")
        ticks = self.ticks(client.get("/settings/recompute").text)

        answer = client.post("/settings/recompute", data={"clock": ticks, "reason": "停电顺延"})

        assert "已重算 1 个时限" in client.get(answer.location).text
        row = db.session.scalars(select(TimerRecomputation)).one()
        assert (row.timer_id, row.actor_id, row.reason) == (outdated.id, world.manager.id, "停电顺延")
        history = client.get(f"/timers/{outdated.id}").text
        assert "停电顺延" in history

    def test_without_a_reason_or_a_tick_nothing_happens_and_ticks_stay(self, sign_in, outdated) -> None:
        client = sign_in("manager")
        ticks = self.ticks(client.get("/settings/recompute").text)

        without_reason = client.post("/settings/recompute", data={"clock": ticks, "reason": ""})
        without_tick = client.post("/settings/recompute", data={"reason": "停电顺延"})

        assert (without_reason.status_code, without_tick.status_code) == (422, 422)
        assert f'value="{ticks[0]}" data-select-row checked' in without_reason.text
        assert "请至少勾选一个时限" in without_tick.text
        assert 'value="停电顺延"' in without_tick.text
        assert db.session.scalars(select(TimerRecomputation)).all() == []

    def test_the_second_of_two_managers_is_told(self, sign_in, outdated) -> None:
        ticks = self.ticks(sign_in("admin").get("/settings/recompute").text)
        data = {"clock": ticks, "reason": "停电顺延"}
        assert sign_in("manager").post("/settings/recompute", data=data).status_code == 303

        answer = sign_in("admin").post("/settings/recompute", data=data)

        assert answer.status_code == 409
        assert f"以下时限在此期间已变化：{outdated.matter_number}" in answer.text

    def test_a_resend_recomputes_once(self, sign_in, outdated) -> None:
        client = sign_in("manager")
        ticks = self.ticks(client.get("/settings/recompute").text)
        data = {"clock": ticks, "reason": "停电顺延", "idempotency_key": "once"}
        assert client.post("/settings/recompute", data=data).status_code == 303
        assert client.post("/settings/recompute", data=data).status_code == 303
        assert len(db.session.scalars(select(TimerRecomputation)).all()) == 1

    def test_broken_ones_are_shown_without_a_tick(self, sign_in, world, now) -> None:
        timer = start(world, now - timedelta(days=10))
        sign_in("admin").post(f"{OFFICE}/days", data=a_day(day="2026-11-17"))
        page = sign_in("manager").get("/settings/recompute?view=broken").text
        assert timer.matter_number in page
        assert "超时结论不因重算而撤销" in page
        assert self.ticks(page) == []

    def test_another_accounts_clock_is_neither_listed_nor_moved(self, sign_in, world, now) -> None:
        start(world, now)
        start(world, now, number=9, foreign=True)
        sign_in("admin").post(f"{OFFICE}/days", data=a_day())
        everything = self.ticks(sign_in("admin").get("/settings/recompute").text)
        client = sign_in("manager")
        assert len(everything) == 2
        assert len(self.ticks(client.get("/settings/recompute").text)) == 1

        answer = client.post("/settings/recompute", data={"clock": everything, "reason": "停电顺延"})

        assert answer.status_code == 404
        assert db.session.scalars(select(TimerRecomputation)).all() == []

    @pytest.mark.parametrize("username", ["claims1", "hq", "safety-gongyi"])
    def test_is_not_for_others(self, sign_in, outdated, username) -> None:
        answer = sign_in(username).post(
            "/settings/recompute", data={"clock": "1-1-1-0", "reason": "停电顺延"}
        )
        assert answer.status_code == 403

    def test_nonsense_in_the_address_or_ticks_is_no_fault(self, sign_in, outdated) -> None:
        client = sign_in("manager")
        assert client.get("/settings/recompute?view=lunar&page=0&size=x").status_code == 200
        answer = client.post("/settings/recompute", data={"clock": ["x", "1-2-3"], "reason": "停电顺延"})
        assert answer.status_code == 422
