"""Keeping service levels: what is refused, with its field, and whom escalations may name."""

from datetime import date

import pytest
from sqlalchemy import func, select, update

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel
from service_desk.models.users import UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import TargetUnit
from service_desk.rules.vocabulary import Severity
from service_desk.services import sla
from service_desk.services.sla import levels
from service_desk.services.sla.levels import LevelConditions, LevelTerms
from tests.factories import UserFactory
from tests.world import World

TODAY = date(2026, 11, 23)


@pytest.fixture(autouse=True)
def _defaults(session, world, now) -> None:
    sla.install_defaults(now)
    session.commit()


def terms(**changes: object) -> LevelTerms:
    values: dict[str, object] = {
        "target_value": 45,
        "target_unit": TargetUnit.MINUTES,
        "warn_percent": 75,
        "calendar_code": "24x7",
        "source": "",
        "effective_on": TODAY,
    }
    return LevelTerms(**{**values, **changes})  # type: ignore[arg-type]


def own(world: World, **conditions: object) -> LevelConditions:
    """Conditions of a survey in the countryside for the account; they tie with nothing."""
    values = {"account_id": world.account.id, "is_urban": False, **conditions}
    return LevelConditions(ClockStep.SURVEY, **values)  # type: ignore[arg-type]


def count_levels() -> int:
    return db.session.scalar(select(func.count()).select_from(ServiceLevel)) or 0


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"target_value": 0}, "target_too_short", "target_value"),
        ({"warn_percent": 101}, "warn_percent_out_of_range", "warn_percent"),
        ({"effective_on": date(2026, 11, 22)}, "level_date_past", "effective_on"),
        ({"escalate_after_minutes": (240, 60)}, "escalation_out_of_order", "escalations"),
        ({"escalate_after_minutes": (60, 60)}, "escalation_out_of_order", "escalations"),
        ({"escalate_after_minutes": (0,)}, "escalation_out_of_order", "escalations"),
    ],
)
def test_terms_that_cannot_be_kept_are_refused_with_their_field(world, now, changes, code, field) -> None:
    before = count_levels()

    with pytest.raises(Invalid, match=code) as refusal:
        levels.add_level(own(world), terms(**changes), actor=world.manager, now=now)

    assert refusal.value.field == field
    assert count_levels() == before


def test_a_band_that_ends_before_it_begins_is_refused(world, now) -> None:
    conditions = own(world, amount_from_fen=500_000, amount_to_fen=500_000)
    with pytest.raises(Invalid, match="level_band_empty") as refusal:
        levels.add_level(conditions, terms(), actor=world.manager, now=now)
    assert refusal.value.field == "amount_to"


def test_an_unknown_calendar_is_refused(world, now) -> None:
    with pytest.raises(NotFound):
        levels.add_level(own(world), terms(calendar_code="moon"), actor=world.manager, now=now)


class TestTies:
    @pytest.mark.parametrize(
        "second",
        [
            # Somebody hurt in the countryside fits the place and the severity.
            {"is_urban": False, "amount_to_fen": 1_000_000},
            {"severity": Severity.INJURY, "is_urban": False},
            {"severity": Severity.INJURY, "amount_to_fen": 1_000_000},
        ],
    )
    def test_two_that_fit_the_same_case_equally_well_are_refused(self, world, now, second) -> None:
        large = {"severity": Severity.INJURY, "amount_from_fen": 500_000}
        conditions = LevelConditions(ClockStep.SURVEY, account_id=world.account.id, **large)
        first = levels.add_level(conditions, terms(), actor=world.manager, now=now)
        db.session.flush()
        other = LevelConditions(ClockStep.SURVEY, account_id=world.account.id, **second)

        with pytest.raises(Invalid, match="level_tie") as refusal:
            levels.add_level(other, terms(), actor=world.manager, now=now)

        assert refusal.value.field == "step"
        assert refusal.value.params["level_id"] == first.id

    def test_grades_of_severity_exclude_each_other(self, world, now) -> None:
        for severity in Severity:
            levels.add_level(own(world, severity=severity), terms(), actor=world.manager, now=now)
        db.session.flush()

        chosen = levels.choose(
            ClockStep.SURVEY,
            on=TODAY,
            account_id=world.account.id,
            severity=Severity.MASS_INJURY,
            is_urban=False,
            amount_fen=None,
        )
        assert chosen is not None
        assert chosen.severity is Severity.MASS_INJURY


class TestEscalations:
    def add(self, world: World, now: object, *escalate_to: str, **conditions: object) -> ServiceLevel:
        after = tuple(60 * count for count in range(1, len(escalate_to) + 1))
        return levels.add_level(
            own(world, **conditions),
            terms(escalate_after_minutes=after, escalate_to=escalate_to),
            actor=world.admin,
            now=now,  # type: ignore[arg-type]
        )

    def test_roles_and_people_of_the_account_are_kept_in_order(self, world, now) -> None:
        named = ("role:claims", f"user:{world.manager.id}", "role:admin", f"user:{world.admin.id}")

        row = self.add(world, now, *named)

        assert row.escalate_to == list(named)
        assert row.escalate_after_minutes == [60, 120, 180, 240]
        db.session.flush()
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "level_added", AuditEntry.entity_id == row.id)
        ).one()
        assert entry.changes["escalate_to"] == [None, list(named)]
        assert entry.entity_label == f"{world.account.code} survey"

    @pytest.mark.parametrize("who", ["hq", "foreign_hq", "gone", "elsewhere"])
    def test_nobody_else_may_be_named(self, world, now, who) -> None:
        world.claims2.is_active = False
        db.session.execute(
            update(UserAccount)
            .where(UserAccount.user_id == world.underwriter.id)
            .values(account_id=world.foreign_account.id)
        )
        user = {
            "hq": world.hq,
            "foreign_hq": world.foreign_hq,
            "gone": world.claims2,
            "elsewhere": world.underwriter,
        }[who]

        with pytest.raises(Invalid, match="escalation_to_outsider") as refusal:
            self.add(world, now, "role:manager", f"user:{user.id}")

        assert (refusal.value.field, refusal.value.params["number"]) == ("escalations", 2)

    def test_a_promise_to_all_accounts_may_name_who_works_for_all_of_them(self, world, now) -> None:
        everywhere = UserFactory(
            username="everywhere", role=world.manager.role, accounts=[world.account, world.foreign_account]
        )
        db.session.flush()

        row = self.add(
            world,
            now,
            f"user:{everywhere.id}",
            account_id=None,
            severity=Severity.MASS_INJURY,
        )

        assert row.escalate_to == [f"user:{everywhere.id}"]
        with pytest.raises(Invalid, match="escalation_to_outsider"):
            self.add(world, now, f"user:{world.manager.id}", account_id=None, severity=Severity.INJURY)

    def test_the_form_offers_people_of_the_own_accounts_only(self, world) -> None:
        offered = {user.username for user in levels.list_addressees(world.manager)}
        assert offered == {"admin", "manager", "underwriter", "claims1", "claims2"}
        with pytest.raises(Forbidden):
            levels.list_addressees(world.claims1)


class TestWho:
    @pytest.mark.parametrize("who", ["claims1", "underwriter", "hq", "safety_gongyi", "foreign_hq"])
    def test_only_managers_and_administrators_promise(self, world, now, who) -> None:
        with pytest.raises(Forbidden):
            levels.add_level(own(world), terms(), actor=getattr(world, who), now=now)

    def test_a_manager_neither_sees_nor_changes_the_promises_to_another_account(self, world, now) -> None:
        foreign = own(world, account_id=world.foreign_account.id)
        with pytest.raises(Forbidden):
            levels.add_level(foreign, terms(), actor=world.manager, now=now)
        row = levels.add_level(foreign, terms(), actor=world.admin, now=now)
        db.session.flush()

        assert row not in levels.list_levels(actor=world.manager, today=TODAY)
        for act in (
            lambda: levels.get_level(row.id, actor=world.manager, today=TODAY),
            lambda: levels.change_level(row.id, terms(), version=1, actor=world.manager, now=now),
            lambda: levels.end_level(row.id, TODAY, version=1, actor=world.manager, now=now),
        ):
            with pytest.raises(NotFound):
                act()

    def test_lists_by_step_and_without_the_ended_ones(self, world, now) -> None:
        row = levels.add_level(own(world), terms(), actor=world.manager, now=now)
        db.session.flush()
        levels.end_level(row.id, TODAY, version=row.version, actor=world.manager, now=now)

        listed = levels.list_levels(actor=world.manager, today=TODAY, step=ClockStep.SURVEY)
        with_ended = levels.list_levels(
            actor=world.manager, today=TODAY, step=ClockStep.SURVEY, with_ended=True
        )

        assert {one.step for one in with_ended} == {ClockStep.SURVEY}
        assert (len(listed), len(with_ended)) == (2, 3)

    def test_the_second_to_end_a_promise_is_told(self, world, now) -> None:
        row = levels.add_level(own(world), terms(), actor=world.manager, now=now)
        db.session.flush()
        version = row.version
        levels.end_level(row.id, TODAY, version=version, actor=world.manager, now=now)
        with pytest.raises(Conflict, match="stale"):
            levels.end_level(row.id, TODAY, version=version, actor=world.admin, now=now)
