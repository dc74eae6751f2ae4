"""Addresses and forms of the clock's pages that no page sends: answered, never a fault of the desk."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.sla import Absence, AbsenceKind, ServiceLevel, Timer, TimerEntry, WorkingCalendarRow
from service_desk.rules.claim_flow import ClockStep
from tests.claim_cases import reported_claim
from tests.world import World

HUGE_ID = "9" * 18
HUGE = "9" * 5000
JUDGED = "step=survey&from_on=2026-01-01&to_on=2026-12-31"
TRIAL = "try-step=survey&try-account_id={account}"

ADDRESSES = [
    "/compliance/timers.xlsx?sort=" + "x" * 3000,
    f"/what-if.xlsx?{JUDGED}&workdays=99:99-9:9",
    f"/what-if.xlsx?{JUDGED}&target_value=10000&target_unit=working_days",
    *(
        f"/{page}?{name}=x&step=survey"
        for page in ("breaches", "compliance", "compliance/timers", "what-if", "vehicles", "claims")
        for name in ("endpoint", "_anchor", "_scheme")
    ),
    *(
        f"/{page}"
        for page in (f"timers/{HUGE_ID}", f"timers/{HUGE_ID}/pause", f"breaches/{HUGE_ID}/correction")
    ),
    f"/timers/{{timer}}/entries/{HUGE_ID}/correct",
    "/timers/{timer}?next=//evil.example",
    f"/settings/levels/{HUGE_ID}",
    *(f"/settings/levels?try-at={at}&{TRIAL}" for at in ("0001-01-01T00:00", "2099-12-31T10:00", "²")),
    f"/settings/levels?try-at=2026-11-23T10:00&{TRIAL}&try-amount=1e999999万",
    *(f"/settings/calendars?day={day}" for day in ("0001-01-01", "9999-12-31", "²")),
    f"/settings/recompute?view=nonsense&page={HUGE_ID}",
    "/settings/causes/" + "x" * 500,
    "/breaches?view=x&step=x&branch=²&person=999999999&severity=x&place=x&correction=x&period=²&page=999999999",
    *(
        f"/compliance?{days}"
        for days in ("from_on=0001-01-01", "to_on=9999-12-31", "from_on=2999-12-31", "to_on=1900-01-01")
    ),
    "/compliance?by=week&from_on=2995-01-01&to_on=2999-12-31&branch=999999999&alone=1&sort=--",
    f"/compliance/timers?verdict=x&used_by=999999999&paused_for=x&age=x&sort=-&page={HUGE_ID}",
    *(
        f"/what-if?{JUDGED}&{hours}"
        for hours in ("workdays=99:99-9:9", "workdays=٠٨:٣٠-١٢:٠٠&target_value=x")
    ),
    *(
        f"/what-if?{JUDGED}&target_value=10000&target_unit={unit}"
        for unit in ("working_days", "calendar_days")
    ),
    "/what-if?step=survey&from_on=1900-01-01&to_on=1900-01-02&target_value=1&target_unit=hours",
]

LEVEL = {
    "step": "survey",
    "account_id": "{account}",
    "target_value": "5",
    "target_unit": "hours",
    "calendar_code": "office",
    "warn_percent": "75",
    "effective_on": "2999-12-31",
}
ONE_STEP = {"escalations-0-to": "role:manager", "escalations-0-after": "1", "escalations-0-unit": "hours"}
CALENDAR = {"code": "night", "name": "夜班", "zone": "Asia/Shanghai", "mon": "22:00-06:00"}
DAY = {"day": "2027-05-20", "hours": "22:00-06:00", "label": "值班", "version": "{version}"}
ABSENCE = {
    "user_id": "{manager}",
    "kind": "leave",
    "from_at": "2098-01-01T00:00",
    "to_at": "2098-01-05T00:00",
    "substitute_id": "{claims1}",
}
TIME = {"at": "2026-01-01T00:00:00", "reason": "x", "action": "check"}

FORMS: list[tuple[str, dict[str, Any]]] = [
    ("/settings/levels/new", LEVEL | {"escalations-²-to": "role:manager"}),
    ("/settings/levels/new", LEVEL | {f"escalations-{HUGE}-to": "role:manager"}),
    ("/settings/levels/new", LEVEL | ONE_STEP | {"escalations-0-to": f"user:{HUGE_ID}"}),
    ("/settings/levels/new", LEVEL | ONE_STEP | {"escalations-0-after": HUGE, "escalations-0-unit": "weeks"}),
    ("/settings/levels/new", LEVEL | {"target_value": HUGE, "amount_from": "-5", "amount_to": "1e999999万"}),
    ("/settings/levels/new", LEVEL | {"account_id": HUGE, "severity": "x", "where": "x"}),
    ("/settings/levels/{level}", LEVEL | {"version": HUGE}),
    ("/settings/levels/{level}/end", {"ends_on": "2999-12-31", "version": HUGE}),
    ("/settings/levels/{level}/end", {"ends_on": "9999-12-31", "version": "²"}),
    ("/settings/calendars/new", CALENDAR | {"code": "²", "zone": "../../etc/passwd", "tue": "24:00-24:00"}),
    ("/settings/calendars/new", CALENDAR | {"mon": "²:00-3:00"}),
    ("/settings/calendars/office/week", {"mon": "x", "version": HUGE, "step": "preview"}),
    *(
        ("/settings/calendars/office/days", DAY | {"day": day, "step": step})
        for day in ("0001-01-01", "1900-01-01", "2099-12-31", "2999-12-31")
        for step in ("preview", "edit")
    ),
    *(
        (f"/settings/calendars/office/days/{day}/remove", {"version": "{version}", "step": step})
        for day in ("0001-01-01", "9999-12-31")
        for step in ("preview", "edit")
    ),
    *(
        (f"/settings/calendars/office/years/{year}/{act}", {"version": "{version}"})
        for year in ("0", "10000", HUGE_ID)
        for act in ("fill", "confirm")
    ),
    ("/settings/recompute", {"reason": "x", "clock": [f"{HUGE_ID}-1-1-abc", "{timer}-1-1-abc", "nonsense"]}),
    ("/settings/causes", {"name": "\u202e", "name_en": "²", "version": HUGE}),
    ("/settings/causes/workload/retire", {"version": HUGE}),
    (f"/breaches/{HUGE_ID}/correction", {"note": "x"}),
    (f"/timers/{{timer}}/pauses/{HUGE_ID}/object", {}),
    (f"/timers/{{timer}}/objections/{HUGE_ID}/decide", {"decision": "uphold"}),
    ("/timers/{timer}/pause", {"reason": "x", "note": "x", "at": "0001-01-01T00:00"}),
    ("/timers/{timer}/pause", {"reason": "client_documents", "note": "x", "at": "2999-12-31T00:00"}),
    ("/timers/{timer}/entries/{entry}/correct", TIME | {"shown_at": "0001-01-01T00:00:00+14:00"}),
    ("/timers/{timer}/entries/{entry}/correct", TIME | {"shown_at": "9999-12-31T23:59:59-14:00"}),
    ("/timers/{timer}/entries/{entry}/correct", TIME | {"at": "9999-12-31T23:59:59", "shown_at": "²"}),
    ("/absences", ABSENCE | {"from_at": "0001-01-01T00:00", "repeats_until_on": "9999-12-31"}),
    ("/absences", ABSENCE | {"to_at": "2999-12-31T23:59", "repeats_until_on": "2999-12-31"}),
    ("/absences", ABSENCE | {"user_id": HUGE, "substitute_id": HUGE_ID, "kind": "x"}),
    ("/absences/{absence}/cancel", {"version": HUGE}),
    ("/absences/{absence}/end", {"absence-{absence}-to_at": "2999-12-31T23:59"}),
    (
        "/absences/{absence}/end",
        {"absence-{absence}-to_at": "1900-01-01T00:00", "absence-{absence}-version": "1"},
    ),
    (
        "/absences/{absence}/stand-in",
        {"absence-{absence}-substitute_id": HUGE, "absence-{absence}-version": "²"},
    ),
]


@pytest.fixture
def ids(world: World) -> dict[str, Any]:
    """A claim whose clocks run, and somebody who will be away: what addresses may name."""
    at = utc_now()
    claim = reported_claim(world, at)
    timer = db.session.scalars(select(Timer).where(Timer.matter_id == claim.id).order_by(Timer.id)).first()
    assert timer is not None
    absence = _absence(world, at)
    calendar = select(WorkingCalendarRow.version).where(WorkingCalendarRow.code == "office")
    level = select(ServiceLevel.id).where(ServiceLevel.step == ClockStep.SURVEY).limit(1)
    return {
        "account": world.account.id,
        "manager": world.manager.id,
        "claims1": world.claims1.id,
        "level": db.session.scalar(level),
        "timer": timer.id,
        "entry": db.session.scalar(select(TimerEntry.id).where(TimerEntry.timer_id == timer.id)),
        "version": db.session.scalar(calendar),
        "absence": absence.id,
    }


def test_addresses_that_no_page_makes_are_answered(sign_in, ids: dict[str, Any]) -> None:
    client = sign_in("manager")

    failed = [one for one in ADDRESSES if client.get(one.format(**ids)).status_code >= 500]

    assert not failed, "\n".join(["a fault of the desk:", *failed])


@pytest.mark.parametrize(("address", "sent"), FORMS)
def test_a_form_that_no_page_sends_is_answered(
    sign_in, ids: dict[str, Any], address: str, sent: dict[str, Any]
) -> None:
    filled = {name.format(**ids): _filled(value, ids) for name, value in sent.items()}
    client = sign_in("admin" if "calendars" in address else "manager")

    answer = client.post(address.format(**ids), data=filled)

    assert answer.status_code < 500


def test_a_key_of_another_form_is_refused(sign_in, ids: dict[str, Any]) -> None:
    # given a key that made a cause
    client, key = sign_in("admin"), {"idempotency_key": "used"}
    assert client.post("/settings/causes", data={"name": "系统故障二", **key}).status_code == 303

    # when it comes with a change of a calendar
    filled = {name: value.format(**ids) for name, value in DAY.items()}
    answer = client.post("/settings/calendars/office/days", data=filled | key)

    # then its answer is not taken for the calendar's
    assert answer.status_code == 409


def _filled(value: Any, ids: dict[str, Any]) -> Any:
    return [one.format(**ids) for one in value] if isinstance(value, list) else value.format(**ids)


def _absence(world: World, now: datetime) -> Absence:
    from_at = now + timedelta(days=1)
    absence = Absence(
        user_id=world.claims1.id,
        substitute_id=world.claims2.id,
        kind=AbsenceKind.LEAVE,
        from_at=from_at,
        to_at=from_at + timedelta(days=1),
        next_change_at=from_at,
        entered_by_id=world.claims1.id,
        entered_at=now,
    )
    db.session.add(absence)
    db.session.commit()
    return absence
