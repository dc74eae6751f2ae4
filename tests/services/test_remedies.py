"""Corrections that reviews asked for: on the desk of who owes them, reported done, reminded of."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.jobs import correction_reminders
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.presenters.languages import in_language
from service_desk.presenters.sla_reviews import correction_pill
from service_desk.services import desk, sla
from service_desk.services.sla import remedies
from tests.breach_cases import finding, late_survey, reviewed

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _installed(world, now) -> None:
    sla.install_defaults(now)


def reminders(kind: str) -> list[int]:
    """Whom the desk itself told."""
    statement = select(Notice.user_id).where(Notice.kind == kind, Notice.channel == Channel.IN_APP)
    return sorted(db.session.scalars(statement))


class TestDesk:
    def test_who_owes_it_sees_it_as_it_falls_due(self, world, now) -> None:
        review = reviewed(world, now, due_on=TODAY + 3 * DAY)
        other = late_survey(world, now, number=2)
        sla.sign_review(other.id, finding(world.claims1), actor=world.manager, now=now)

        home = desk.staff_home(world.account.id, actor=world.claims1, now=now)

        assert home.corrections[0].review.id == review.id
        assert home.correction_count == 2
        assert desk.staff_home(world.account.id, actor=world.claims2, now=now).corrections == []

    def test_one_reported_done_is_off_the_desk(self, world, now) -> None:
        review = reviewed(world, now, due_on=TODAY)
        remedies.report_done(review.timer_id, "已上线", actor=world.claims1, now=now)
        assert remedies.list_owed(actor=world.claims1, limit=10) == ([], 0)

    @pytest.mark.parametrize(
        ("days", "tone", "words"),
        [
            (4, "ok", "剩 4 天"),
            (3, "warn", "剩 3 天"),
            (0, "warn", "今日到期"),
            (-1, "bad", "逾期 1 天"),
        ],
    )
    def test_it_is_amber_from_three_days_before_and_red_when_late(
        self, world, now, days, tone, words
    ) -> None:
        review = reviewed(world, now, due_on=TODAY)
        review.correction_due_on = TODAY + timedelta(days=days)
        with in_language("zh"):
            pill = correction_pill(review, now)
        assert (pill.tone, pill.text) == (tone, words)


class TestDone:
    def test_the_owner_says_what_was_done(self, world, now) -> None:
        review = reviewed(world, now, due_on=TODAY)
        remedies.report_done(review.timer_id, " 已上线 ", actor=world.claims1, now=now)
        assert (review.corrected_at, review.corrected_by_id, review.corrected_note) == (
            now,
            world.claims1.id,
            "已上线",
        )
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "correction_done")).one()
        assert entry.changes["corrected_note"] == ["", "已上线"]

    def test_a_manager_may_say_it_of_somebody_who_left(self, world, now) -> None:
        review = reviewed(world, now, due_on=TODAY)
        remedies.report_done(review.timer_id, "由接任者完成", actor=world.manager, now=now)
        assert review.corrected_by_id == world.manager.id

    def test_without_words_or_a_second_time_it_is_refused(self, world, now) -> None:
        review = reviewed(world, now, due_on=TODAY)
        with pytest.raises(Invalid) as refusal:
            remedies.report_done(review.timer_id, "  ", actor=world.claims1, now=now)
        assert (refusal.value.code, refusal.value.field) == ("review_text_missing", "note")
        remedies.report_done(review.timer_id, "已上线", actor=world.claims1, now=now)
        with pytest.raises(Conflict, match="correction_done"):
            remedies.report_done(review.timer_id, "又一次", actor=world.manager, now=now)
        assert review.corrected_note == "已上线"

    @pytest.mark.parametrize("username", ["claims2", "underwriter", "admin"])
    def test_others_neither_see_nor_report_it(self, world, now, username) -> None:
        review = reviewed(world, now, due_on=TODAY)
        with pytest.raises(Forbidden, match="correction_of_another"):
            remedies.get_remedy(review.timer_id, actor=getattr(world, username))
        with pytest.raises(Forbidden):
            remedies.report_done(review.timer_id, "已上线", actor=getattr(world, username), now=now)

    @pytest.mark.parametrize("username", ["hq", "safety_gongyi"])
    def test_the_client_does_not_even_learn_that_there_is_one(self, world, now, username) -> None:
        review = reviewed(world, now, due_on=TODAY)
        with pytest.raises(NotFound):
            remedies.report_done(review.timer_id, "已上线", actor=getattr(world, username), now=now)

    def test_of_another_account_or_where_none_was_asked_there_is_none(self, world, now) -> None:
        review = reviewed(world, now, due_on=TODAY)
        with pytest.raises(NotFound):
            remedies.get_remedy(review.timer_id, actor=world.foreign_hq)
        nobody = late_survey(world, now, number=2)
        sla.sign_review(nobody.id, finding(None, correction=None), actor=world.manager, now=now)
        with pytest.raises(NotFound):
            remedies.get_remedy(nobody.id, actor=world.manager)


class TestReminders:
    def test_once_on_the_day_to_the_owner_and_once_when_late_to_who_asked_too(self, world, now) -> None:
        reviewed(world, now, due_on=TODAY + DAY)
        for days in range(5):
            for _twice in range(2):
                correction_reminders.run(now + timedelta(days=days))

        assert reminders("correction_due") == [world.claims1.id]
        assert reminders("correction_overdue") == sorted([world.claims1.id, world.manager.id])

    def test_days_without_a_run_are_caught_up_with_what_is_true_now(self, world, now) -> None:
        reviewed(world, now, due_on=TODAY + DAY)
        correction_reminders.run(now + 3 * DAY)
        assert reminders("correction_due") == []
        assert len(reminders("correction_overdue")) == 2

    def test_nobody_is_reminded_of_what_was_done(self, world, now) -> None:
        review = reviewed(world, now, due_on=TODAY)
        remedies.report_done(review.timer_id, "已上线", actor=world.claims1, now=now)
        db.session.commit()
        correction_reminders.run(now)
        correction_reminders.run(now + 2 * DAY)
        assert reminders("correction_due") == reminders("correction_overdue") == []

    def test_managers_hear_of_it_when_who_asked_has_left(self, world, now) -> None:
        reviewed(world, now, due_on=TODAY, owner=world.claims2)
        world.claims2.is_active = False
        db.session.commit()
        correction_reminders.run(now + DAY)
        assert reminders("correction_overdue") == [world.manager.id]
