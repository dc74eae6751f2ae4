"""The list of causes: what is offered, in which order, and that old reviews keep theirs."""

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.sla import BreachCause
from service_desk.rules.sla import DEFAULT_CAUSES
from service_desk.services import sla
from service_desk.services.sla import causes
from service_desk.services.sla.causes import CauseNames
from tests.breach_cases import finding, late_survey


@pytest.fixture(autouse=True)
def _installed(world, now) -> None:
    sla.install_defaults(now)


def codes() -> list[str]:
    return [cause.code for cause in causes.active_causes()]


def test_a_new_desk_offers_the_nine_known_causes(now) -> None:
    sla.install_defaults(now)
    assert codes() == [code for code, _name, _name_en in DEFAULT_CAUSES]
    assert len(codes()) == 9


def test_a_cause_is_added_at_the_end_with_a_code_of_its_english_name(world, now) -> None:
    cause = causes.add(CauseNames("交警未出具认定书", "Police report late!"), actor=world.admin, now=now)
    assert cause.code == "police_report_late"
    assert codes()[-1] == cause.code


def test_without_an_english_name_the_code_is_a_number(world, now) -> None:
    first = causes.add(CauseNames("道路封闭"), actor=world.manager, now=now)
    second = causes.add(CauseNames("客户拒绝定损"), actor=world.manager, now=now)
    assert (first.code, second.code) == ("cause_10", "cause_11")


@pytest.mark.parametrize(
    ("names", "code", "field"),
    [
        (CauseNames("  "), "cause_name_missing", "name"),
        (CauseNames("疏漏"), "cause_known", "name"),
        (CauseNames("漏办", "OVERLOOKED"), "cause_known", "name_en"),
        (CauseNames("Overlooked"), "cause_known", "name"),
        (CauseNames("系统故障"), "cause_retired", "name"),
    ],
)
def test_refuses_a_name_that_is_missing_or_taken(world, now, names, code, field) -> None:
    retired = causes.get_cause("system_fault", actor=world.admin)
    causes.retire("system_fault", version=retired.version, actor=world.admin, now=now)
    with pytest.raises(Invalid) as refusal:
        causes.add(names, actor=world.admin, now=now)
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_a_cause_may_be_renamed_to_its_own_name_in_other_letters(world, now) -> None:
    cause = causes.get_cause("other", actor=world.admin)
    causes.rename("other", CauseNames("其他", "OTHER"), version=cause.version, actor=world.admin, now=now)
    assert (cause.code, cause.name_en) == ("other", "OTHER")


def test_a_stale_page_renames_nothing(world, now) -> None:
    cause = causes.get_cause("other", actor=world.admin)
    with pytest.raises(Conflict):
        causes.rename("other", CauseNames("别的"), version=cause.version + 1, actor=world.admin, now=now)
    assert cause.name == "其他"


def test_moving_up_changes_places_with_the_cause_above_past_retired_ones(world, now) -> None:
    between = causes.get_cause("late_handover", actor=world.admin)
    causes.retire(between.code, version=between.version, actor=world.admin, now=now)
    moved = causes.get_cause("waiting_for_client", actor=world.admin)

    causes.move_up(moved.code, version=moved.version, actor=world.admin, now=now)

    assert codes()[:2] == ["waiting_for_client", "workload"]
    causes.move_up(moved.code, version=moved.version, actor=world.admin, now=now)
    assert codes()[0] == "waiting_for_client"


def test_a_retired_cause_is_offered_no_longer_but_stays_on_its_reviews(world, now) -> None:
    timer = late_survey(world, now)
    sla.sign_review(timer.id, finding(world.claims1, cause="workload"), actor=world.manager, now=now)
    cause = causes.get_cause("workload", actor=world.manager)

    causes.retire("workload", version=cause.version, actor=world.manager, now=now)

    assert "workload" not in codes()
    assert causes.all_causes()["workload"].name == "在办量超过上限"
    use = causes.list_causes(actor=world.manager)[-1]
    assert (use.cause.code, use.review_count) == ("workload", 1)
    other = late_survey(world, now, number=2)
    with pytest.raises(Invalid, match="review_cause_unknown"):
        sla.sign_review(other.id, finding(world.claims1, cause="workload"), actor=world.manager, now=now)


def test_a_cause_brought_back_stands_at_the_end(world, now) -> None:
    cause = causes.get_cause("workload", actor=world.admin)
    causes.retire("workload", version=cause.version, actor=world.admin, now=now)
    causes.bring_back("workload", version=cause.version, actor=world.admin, now=now)
    assert codes()[-1] == "workload"


def test_the_last_cause_cannot_be_retired(world, now) -> None:
    for cause in causes.active_causes()[1:]:
        causes.retire(cause.code, version=cause.version, actor=world.admin, now=now)
    (last,) = causes.active_causes()
    with pytest.raises(Invalid, match="cause_last"):
        causes.retire(last.code, version=last.version, actor=world.admin, now=now)
    assert codes() == [last.code]


def test_every_change_is_in_the_audit_trail(world, now) -> None:
    cause = causes.add(CauseNames("道路封闭", "Road closed"), actor=world.admin, now=now)
    db.session.flush()
    causes.move_up(cause.code, version=cause.version, actor=world.admin, now=now)
    db.session.flush()
    causes.retire(cause.code, version=cause.version, actor=world.admin, now=now)
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.entity_label == "道路封闭").order_by(AuditEntry.id)
    )
    assert [entry.action for entry in entries] == ["cause_added", "cause_moved", "cause_retired"]


@pytest.mark.parametrize("username", ["claims1", "underwriter", "hq", "safety_gongyi"])
def test_others_change_nothing(world, now, username) -> None:
    actor = getattr(world, username)
    with pytest.raises(Forbidden):
        causes.list_causes(actor=actor)
    with pytest.raises(Forbidden):
        causes.add(CauseNames("道路封闭"), actor=actor, now=now)
    with pytest.raises(Forbidden):
        causes.retire("other", version=1, actor=actor, now=now)
    assert db.session.get(BreachCause, "other").is_active


def test_a_manager_counts_only_reviews_of_the_own_accounts(world, now) -> None:
    timer = late_survey(world, now)
    sla.sign_review(timer.id, finding(world.claims1), actor=world.manager, now=now)
    timer.account_id = world.foreign_account.id
    db.session.flush()
    counts = {use.cause.code: use.review_count for use in causes.list_causes(actor=world.manager)}
    assert counts["workload"] == 0
