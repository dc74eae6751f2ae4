"""The measures for programs: the same figures as dashboard and reports, to whoever may read reports."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.forms.fields import member
from service_desk.models.accounts import KeyAccount
from service_desk.rules.metrics import MEASURES, Mean, MeasureCode, Ratio
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts
from service_desk.services.measures import By, Span, Value, read
from service_desk.web.http import actor, current_account

bp = Blueprint("api_measures", __name__)

_MOST_YEARS = 3


@bp.get("/api/measures")
@login_required
def measures() -> ResponseReturnValue:
    """Every measure of `from` to `to` (this month so far without them), with `by=branch` or `by=use_class` by group.

    Amounts are whole fen. A ratio says its parts, which can be added up, and its percent, which cannot.
    """
    access.require(actor(), Action.READ_REPORTS)
    account_id = current_account().id
    account = access.get_visible(actor(), Action.READ_REPORTS, KeyAccount, KeyAccount.id == account_id)
    span = Span(account.id, _period(ZoneInfo(account.zone)), ZoneInfo(account.zone), g.now)
    by = _by()
    found = read(span, tuple(MeasureCode), by)
    answer: dict[str, Any] = {
        "account": account.code,
        "from": span.period.first.isoformat(),
        "to": span.period.last.isoformat(),
        "as_of": span.as_of.isoformat(),
        "units": {code.value: one.unit.value for code, one in MEASURES.items()},
        "total": _values(found.total),
    }
    if by is not None:
        names = _names(by)
        answer["by"] = by.value
        answer["groups"] = [
            {"key": key, "name": names.get(key, str(key)), "measures": _values(values)}
            for key, values in sorted(found.groups.items(), key=lambda pair: str(pair[0]))
        ]
    return jsonify(answer)


def _period(zone: ZoneInfo) -> Period:
    """The period asked for; Invalid("measures_period_wrong") for nonsense."""
    today = local_date(g.now, zone)
    try:
        first = date.fromisoformat(request.args.get("from") or today.replace(day=1).isoformat())
        last = date.fromisoformat(request.args.get("to") or today.isoformat())
        period = Period(first, last)
    except ValueError:
        raise Invalid("measures_period_wrong", field="from", years=_MOST_YEARS) from None
    if first.year < today.year - 50 or last.year > today.year + 1 or period.days > 366 * _MOST_YEARS:
        raise Invalid("measures_period_wrong", field="from", years=_MOST_YEARS)
    return period


def _by() -> By | None:
    asked = request.args.get("by")
    found: By | None = member(By, asked)
    if asked and found is None:
        raise Invalid("measures_group_wrong", field="by")
    return found


def _names(by: By) -> dict[Any, str]:
    if by is not By.BRANCH:
        return {}
    return {one.id: one.name for one in accounts.list_branches(current_account().id, actor=actor())}


def _values(found: Mapping[MeasureCode, Value]) -> dict[str, Any]:
    return {code.value: _plain(value) for code, value in found.items()}


def _plain(value: Value) -> Any:
    """Whole numbers as they are, decimals as text, which no program rounds on reading."""
    if isinstance(value, Ratio):
        return {"part": value.part, "whole": value.whole, "percent": _text(value.percent())}
    if isinstance(value, Mean):
        return {"total": value.total, "count": value.count, "mean": _text(value.value())}
    return value if value is None or isinstance(value, int) else str(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
