"""The review of a breach: what it must say, who may sign it, and the clock it has of its own."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Notice
from service_desk.models.sla import BreachReview, Timer, TimerState
from service_desk.models.users import UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import EventKind, PauseReason
from service_desk.services import sla
from service_desk.services.sla import ledger
from service_desk.services.sla.reviews import CorrectionAsked
from tests.breach_cases import MINUTE, finding, late_survey, matter_of, second_manager


@pytest.fixture(autouse=True)
def _installed(world, now) -> None:
    sla.install_defaults(now)


def review_clock(timer: Timer) -> Timer:
    return sla.timers_of("breach", [timer.id])[timer.id][-1]


class TestWhatItSays:
    def test_a_breach_nobody_of_ours_caused_needs_no_correction(self, world, now) -> None:
        timer = late_survey(world, now)
        command = finding(None, cause="force_majeure", explanation="道路塌方", correction=None)

        review = sla.sign_review(timer.id, command, actor=world.manager, now=now)

        assert (review.responsible_id, review.correction_owner_id, review.correction_due_on) == (
            None,
            None,
            None,
        )
        assert review_clock(timer).state is TimerState.MET

    def test_it_may_still_ask_somebody_to_correct_something(self, world, now) -> None:
        timer = late_survey(world, now)
        correction = CorrectionAsked("雨季增设绕行预案", date(2026, 12, 1), owner_id=world.claims2.id)
        review = sla.sign_review(timer.id, finding(None, correction=correction), actor=world.manager, now=now)
        assert (review.responsible_id, review.correction_owner_id) == (None, world.claims2.id)

    def test_the_responsible_makes_the_correction_unless_another_is_named(self, world, now) -> None:
        timer = late_survey(world, now)
        review = sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now)
        assert review.correction_owner_id == world.claims1.id

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"cause": "nonsense"}, "review_cause_unknown", "cause"),
            ({"explanation": " "}, "review_text_missing", "explanation"),
            ({"correction": None}, "review_correction_needed", "correction"),
            ({"correction": CorrectionAsked(" ", date(2026, 11, 30))}, "review_text_missing", "correction"),
            (
                {"correction": CorrectionAsked("x", date(2026, 11, 22))},
                "review_due_past",
                "correction_due_on",
            ),
            (
                {"correction": CorrectionAsked("x", date(2026, 11, 30), owner_id=999_999)},
                "review_owner_unknown",
                "correction_owner_id",
            ),
        ],
    )
    def test_refuses_what_is_missing_or_wrong(self, world, now, changes, code, field) -> None:
        timer = late_survey(world, now)
        with pytest.raises(Invalid) as refusal:
            sla.sign_review(timer.id, finding(world.claims1, **changes), actor=world.manager, now=now)
        assert (refusal.value.code, refusal.value.field) == (code, field)
        assert db.session.scalar(select(func.count()).select_from(BreachReview)) == 0

    def test_a_correction_of_nobodys_breach_needs_an_owner(self, world, now) -> None:
        timer = late_survey(world, now)
        with pytest.raises(Invalid) as refusal:
            sla.sign_review(timer.id, finding(None), actor=world.manager, now=now)
        assert (refusal.value.code, refusal.value.field) == ("review_owner_missing", "correction_owner_id")

    def test_who_has_left_may_be_responsible_but_cannot_correct(self, world, now) -> None:
        timer = late_survey(world, now)
        world.claims1.is_active = False
        account_of = select(UserAccount).where(UserAccount.user_id == world.claims1.id)
        db.session.delete(db.session.scalars(account_of).one())
        db.session.commit()

        with pytest.raises(Invalid, match="review_owner_unknown"):
            sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now)

        correction = CorrectionAsked("交接清单", date(2026, 11, 30), owner_id=world.claims2.id)
        review = sla.sign_review(
            timer.id, finding(world.claims1, correction=correction), actor=world.manager, now=now
        )
        assert (review.responsible_id, review.correction_owner_id) == (world.claims1.id, world.claims2.id)

    def test_a_stand_in_may_be_responsible(self, world, now) -> None:
        timer = late_survey(world, now)
        ledger.add_entry(
            timer, EventKind.SUBSTITUTE, holder_id=world.underwriter.id, at=now, actor=None, now=now
        )
        review = sla.sign_review(timer.id, finding(world.underwriter), actor=world.manager, now=now)
        assert review.responsible_id == world.underwriter.id

    def test_people_of_the_client_are_never_responsible(self, world, now) -> None:
        timer = late_survey(world, now)
        with pytest.raises(Invalid, match="review_responsible_unknown"):
            sla.sign_review(timer.id, finding(world.safety_gongyi), actor=world.manager, now=now)

    def test_the_owner_is_told_once_and_the_signing_is_audited(self, world, now) -> None:
        timer = late_survey(world, now)
        sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now)
        asked = db.session.scalars(
            select(Notice).where(Notice.kind == "correction_asked").order_by(Notice.id)
        ).all()
        assert {notice.user_id or notice.recipient_name for notice in asked} <= {
            world.claims1.id,
            world.claims1.name,
        }
        assert asked[0].params["url"] == f"/breaches/{timer.id}/correction"
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "breach_reviewed")).one()
        assert entry.changes["responsible_id"] == [None, world.claims1.id]
        assert entry.changes["correction_due_on"] == [None, "2026-11-30"]


class TestWhoSigns:
    def test_not_the_responsible(self, world, now) -> None:
        timer = late_survey(world, now, holder=world.manager)
        with pytest.raises(Invalid, match="review_by_responsible"):
            sla.sign_review(timer.id, finding(world.manager), actor=world.manager, now=now)

    def test_not_who_held_the_clock_while_another_manager_can(self, world, now) -> None:
        timer = late_survey(world, now, holder=world.manager)
        other = second_manager(world)

        assert sla.get_breach(timer.id, actor=world.manager, now=now).other_signers == [other]
        with pytest.raises(Invalid, match="review_by_holder"):
            sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now)

        assert sla.get_breach(timer.id, actor=other, now=now).other_signers == []
        review = sla.sign_review(timer.id, finding(world.manager), actor=other, now=now)
        assert (review.responsible_id, review.signed_by_id) == (world.manager.id, other.id)

    def test_who_held_it_may_sign_when_there_is_no_other_manager(self, world, now) -> None:
        timer = late_survey(world, now, holder=world.manager)
        review = sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now)
        assert review.signed_by_id == world.manager.id

    def test_who_got_the_clock_but_used_none_of_it_may_sign(self, world, now) -> None:
        second_manager(world)
        timer = late_survey(world, now)
        sla.hand_over(matter_of(world), to_id=world.manager.id, at=now, actor=None, now=now)
        review = sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now)
        assert review.signed_by_id == world.manager.id

    def test_the_second_manager_is_told_of_the_first(self, world, now) -> None:
        timer = late_survey(world, now)
        other = second_manager(world)
        sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now)
        with pytest.raises(Conflict, match="breach_reviewed"):
            sla.sign_review(timer.id, finding(world.claims2), actor=other, now=now)

    @pytest.mark.parametrize("username", ["claims1", "underwriter", "admin", "hq", "safety_gongyi"])
    def test_only_managers(self, world, now, username) -> None:
        timer = late_survey(world, now)
        with pytest.raises(Forbidden):
            sla.sign_review(timer.id, finding(world.claims2), actor=getattr(world, username), now=now)

    def test_not_of_another_account(self, world, now) -> None:
        timer = late_survey(world, now)
        timer.account_id = world.foreign_account.id
        db.session.flush()
        with pytest.raises(NotFound):
            sla.get_breach(timer.id, actor=world.manager, now=now)


class TestItsClock:
    def test_it_is_a_managers_who_did_not_hold_the_breach(self, world, now) -> None:
        timer = late_survey(world, now)
        clock = sla.get_breach(timer.id, actor=world.manager, now=now).review_clock
        assert clock is not None
        assert (clock.step, clock.holder_id, clock.state) == (
            ClockStep.BREACH_REVIEW,
            world.manager.id,
            TimerState.RUNNING,
        )

    def test_it_is_a_managers_who_never_held_the_breach(self, world, now) -> None:
        other = second_manager(world)
        first, second = sorted([world.manager, other], key=lambda user: (user.staff_no, user.id))
        timer = late_survey(world, now, holder=first, minutes=59)
        sla.hand_over(matter_of(world), to_id=world.claims1.id, at=now, actor=first, now=now)

        sla.check_timer(timer.id, now + 2 * MINUTE)

        assert review_clock(timer).holder_id == second.id

    def test_where_all_managers_held_it_it_is_not_its_holders(self, world, now) -> None:
        other = second_manager(world)
        first, second = sorted([world.manager, other], key=lambda user: (user.staff_no, user.id))
        timer = late_survey(world, now, holder=second, minutes=59)
        sla.hand_over(matter_of(world), to_id=first.id, at=now, actor=second, now=now)

        sla.check_timer(timer.id, now + 2 * MINUTE)

        assert review_clock(timer).holder_id == second.id

    def test_the_only_manager_has_it_even_of_the_own_delay(self, world, now) -> None:
        timer = late_survey(world, now, holder=world.manager)
        assert review_clock(timer).holder_id == world.manager.id
        with pytest.raises(Invalid, match="review_by_responsible"):
            sla.sign_review(timer.id, finding(world.manager), actor=world.manager, now=now)

        sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now)

        assert review_clock(timer).state is TimerState.MET

    def test_a_review_signed_before_the_breach_was_told_needs_no_clock(self, world, now) -> None:
        """A pause entered after the due time shows the breach before any sweep has told it."""
        timer = late_survey(world, now, minutes=59)
        reason = PauseReason.VEHICLE_UNAVAILABLE
        sla.pause(timer.id, reason, "", None, actor=world.claims1, now=now + 2 * MINUTE)
        sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now + 2 * MINUTE)

        sla.check_timer(timer.id, now + 3 * MINUTE)

        assert sla.timers_of("breach", [timer.id])[timer.id] == []

    def test_a_late_review_is_escalated_and_needs_no_review_itself(self, world, now) -> None:
        timer = late_survey(world, now)
        clock = review_clock(timer)
        later = now + timedelta(days=7)

        sla.check_timer(clock.id, later)

        assert clock.breached_at is not None
        kinds = set(db.session.scalars(select(Notice.kind).where(Notice.matter_kind == "breach")))
        assert {"clock_breach", "clock_escalation"} <= kinds
        assert sla.timers_of("breach", [clock.id])[clock.id] == []
        with pytest.raises(NotFound):
            sla.get_breach(clock.id, actor=world.manager, now=later)

    def test_a_review_of_a_breach_that_a_corrected_time_undid_stays_readable(self, world, now) -> None:
        timer = late_survey(world, now)
        sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now)
        at = timer.started_at + 30 * MINUTE
        ledger.add_entry(timer, EventKind.STOP, holder_id=world.claims1.id, at=at, actor=None, now=now)
        db.session.flush()

        assert timer.breached_at is None
        assert sla.get_breach(timer.id, actor=world.manager, now=now).review is not None

    def test_an_undone_breach_without_review_is_none(self, world, now) -> None:
        timer = late_survey(world, now)
        sla.stop(matter_of(world), [ClockStep.SURVEY], at=timer.started_at + 30 * MINUTE, actor=None, now=now)
        with pytest.raises(NotFound):
            sla.get_breach(timer.id, actor=world.manager, now=now)
