"""Working calendars as people edit them: provisional years, filling, bad hours, versions, previews."""

from datetime import UTC, datetime

import pytest

from service_desk.models.sla import Timer
from service_desk.presenters import sla as words
from service_desk.rules.claim_flow import ClockStep
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import calendars
from tests.world import World


def china(text: str) -> datetime:
    return datetime.strptime(f"{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


@pytest.fixture(autouse=True)
def _defaults(session, now) -> None:
    """Statutory days of 2024 to 2027; in November 2026 those of 2027 are not announced."""
    sla.install_defaults(now)
    session.commit()


def start(world: World, at: datetime, *, step: ClockStep = ClockStep.FOLLOWUP, number: int = 1) -> Timer:
    matter = Matter("claim", number, f"CLM-2026-{number:06d}", world.account.id, world.gongyi.id)
    timer = sla.start(matter, step, holder_id=world.claims1.id, at=at, actor=None, now=at)
    assert timer is not None
    return timer


class TestProvisional:
    @pytest.mark.parametrize(
        ("code", "due", "depends"),
        [
            ("office", "2026-12-31 17:30", False),
            ("office", "2027-01-04 09:00", True),
            ("calendar-days", "2027-01-01 00:00", False),
            ("calendar-days", "2027-01-01 00:01", True),
            ("office", "2029-06-01 09:00", True),
            ("24x7", "2027-06-01 09:00", False),
        ],
    )
    def test_a_due_time_depends_on_a_year_not_announced(self, code, due, depends) -> None:
        from_at = china("2026-12-30 09:00")
        assert calendars.depends_on_provisional(code, from_at, china(due)) is depends

    def test_a_clock_says_so_in_its_pill(self, world) -> None:
        over_new_year = start(world, china("2026-12-31 16:00"))
        before = start(world, china("2026-11-23 09:00"), number=2)
        told = "not announced yet"

        assert calendars.counts_on_provisional(over_new_year)
        assert told in (words.pill(over_new_year, china("2026-12-31 16:01")).title or "")
        assert told not in (words.pill(before, china("2026-11-23 09:01")).title or "")

    def test_a_standing_clock_has_no_due_time_to_depend(self, world) -> None:
        timer = start(world, china("2026-12-31 16:00"))
        timer.due_at = None
        assert not calendars.counts_on_provisional(timer)
