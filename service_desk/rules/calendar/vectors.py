"""Answer a file of working-time questions: the form auditors and `flask rules clock` use."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from service_desk.base.errors import Invalid
from service_desk.rules.calendar.working import Pause, WorkingCalendar, calendar_from_json

Case = Mapping[str, Any]


def run_vectors(document: object) -> list[dict[str, Any]]:
    """Answer each case of {"calendars": {name: calendar}, "cases": [...]} as {"id", "result"}, in order.

    A case names its calendar or carries tz, week, holidays and extra itself. The result is an ISO instant
    in UTC for add and sub, seconds for between, true or false for is_open.
    Invalid("clock_file_invalid") for a file of another form; for a case, with its `id` and its field:
    clock_value_missing, clock_time_invalid, clock_time_naive, clock_seconds_invalid, clock_pauses_invalid,
    clock_operation_unknown, clock_calendar_unknown; for a calendar what `calendar_from_json` says.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("cases"), list):
        raise Invalid("clock_file_invalid")
    forms = document.get("calendars", {})
    if not isinstance(forms, Mapping) or not all(isinstance(form, Mapping) for form in forms.values()):
        raise Invalid("clock_file_invalid")
    named = {name: _calendar(form, name) for name, form in forms.items()}
    cases = document["cases"]
    return [{"id": _id(case), "result": _answer(case, named)} for case in cases]


def _calendar(form: Mapping[str, Any], name: str) -> WorkingCalendar:
    """Build a calendar; what is wrong in it is said with its name, a case's own by the case's id."""
    try:
        return calendar_from_json(form)
    except Invalid as problem:
        raise Invalid(problem.code, field=f"{name}.{problem.field}", **problem.params) from None


def _id(case: object) -> str:
    if not isinstance(case, Mapping) or "id" not in case:
        raise Invalid("clock_file_invalid")
    return str(case["id"])


def _answer(case: Case, named: Mapping[str, WorkingCalendar]) -> str | int | bool:
    if "calendar" in case:
        calendar = named.get(str(case["calendar"]))
        if calendar is None:
            raise _refused(case, "calendar", "clock_calendar_unknown")
    else:
        calendar = _calendar(case, _id(case))
    operation = _OPERATIONS.get(str(_value(case, "op")))
    if operation is None:
        raise _refused(case, "op", "clock_operation_unknown")
    return operation(calendar, case)


def _add(calendar: WorkingCalendar, case: Case) -> str:
    return _iso(calendar.add(_instant(case, "start"), _seconds(case), _pauses(case)))


def _sub(calendar: WorkingCalendar, case: Case) -> str:
    return _iso(calendar.sub(_instant(case, "start"), _seconds(case), _pauses(case)))


def _between(calendar: WorkingCalendar, case: Case) -> int:
    return calendar.between(_instant(case, "start"), _instant(case, "end"), _pauses(case))


def _is_open(calendar: WorkingCalendar, case: Case) -> bool:
    return calendar.is_open(_instant(case, "start"), _pauses(case))


_OPERATIONS: Mapping[str, Callable[[WorkingCalendar, Case], str | int | bool]] = {
    "add": _add,
    "sub": _sub,
    "between": _between,
    "is_open": _is_open,
}


def _value(case: Case, name: str) -> Any:
    if name not in case:
        raise Invalid("clock_value_missing", field=name, id=_id(case))
    return case[name]


def _seconds(case: Case) -> int:
    value = _value(case, "seconds")
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _refused(case, "seconds", "clock_seconds_invalid")
    return value


def _pauses(case: Case) -> list[Pause]:
    pairs = case.get("pauses", [])
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise _refused(case, "pauses", "clock_pauses_invalid")
    return [(_read(case, "pauses", begins), _read(case, "pauses", ends)) for begins, ends in pairs]


def _instant(case: Case, name: str) -> datetime:
    return _read(case, name, _value(case, name))


def _read(case: Case, name: str, text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise Invalid("clock_time_invalid", field=name, id=_id(case), value=str(text)) from None
    if moment.tzinfo is None:
        raise Invalid("clock_time_naive", field=name, id=_id(case), value=str(text))
    return moment


def _refused(case: Case, name: str, code: str) -> Invalid:
    return Invalid(code, field=name, id=_id(case), value=str(case[name]))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
