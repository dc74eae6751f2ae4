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
    Invalid("clock_case_invalid", id=…, problem=…) for a case that cannot be read.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("cases"), list):
        raise Invalid("clock_file_invalid")
    forms = document.get("calendars", {})
    if not isinstance(forms, Mapping) or not all(isinstance(form, Mapping) for form in forms.values()):
        raise Invalid("clock_file_invalid")
    named = {name: calendar_from_json(form) for name, form in forms.items()}
    cases = document["cases"]
    return [{"id": _id(case), "result": _answer(case, named)} for case in cases]


def _id(case: object) -> str:
    if not isinstance(case, Mapping) or "id" not in case:
        raise Invalid("clock_file_invalid")
    return str(case["id"])


def _answer(case: Case, named: Mapping[str, WorkingCalendar]) -> str | int | bool:
    try:
        calendar = named[case["calendar"]] if "calendar" in case else calendar_from_json(case)
        return _OPERATIONS[case["op"]](calendar, case)
    except KeyError as missing:
        raise Invalid("clock_case_invalid", id=_id(case), problem=str(missing.args[0])) from None
    except (TypeError, ValueError) as error:
        raise Invalid("clock_case_invalid", id=_id(case), problem=str(error)) from None


def _add(calendar: WorkingCalendar, case: Case) -> str:
    return _iso(calendar.add(_instant(case["start"]), case["seconds"], _pauses(case)))


def _sub(calendar: WorkingCalendar, case: Case) -> str:
    return _iso(calendar.sub(_instant(case["start"]), case["seconds"], _pauses(case)))


def _between(calendar: WorkingCalendar, case: Case) -> int:
    return calendar.between(_instant(case["start"]), _instant(case["end"]), _pauses(case))


def _is_open(calendar: WorkingCalendar, case: Case) -> bool:
    return calendar.is_open(_instant(case["start"]), _pauses(case))


_OPERATIONS: Mapping[str, Callable[[WorkingCalendar, Case], str | int | bool]] = {
    "add": _add,
    "sub": _sub,
    "between": _between,
    "is_open": _is_open,
}


def _pauses(case: Case) -> list[Pause]:
    return [(_instant(begins), _instant(ends)) for begins, ends in case.get("pauses", ())]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
