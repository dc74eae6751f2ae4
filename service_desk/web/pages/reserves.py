"""The reserve ledger of the account, rolled forward month by month."""

from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import small_number
from service_desk.forms.months import month_code, month_in
from service_desk.presenters import reserves as words
from service_desk.presenters.languages import branch_name, named
from service_desk.rules.periods import Period, month_of, months_after
from service_desk.services.claims import reserve_book
from service_desk.services.claims.reserve_book import Book
from service_desk.web.exports import send_book
from service_desk.web.http import actor, current_account

bp = Blueprint("reserves", __name__)

_USUAL, _MOST, _OFFERED = 6, 36, 36


@bp.get("/reserves")
@login_required
def book() -> ResponseReturnValue:
    """Open, new, changed, paid, released and closing: by month, branch and item."""
    months, branch_id = _months(), small_number(request.args.get("branch"))
    found = _read(months, branch_id)
    asked: dict[str, Any] = {"from": month_code(months[0]), "to": month_code(months[-1])}
    this_month = month_of(local_date(g.now))
    offered = {month_code(months_after(this_month.first, -number)) for number in range(_OFFERED)}
    branches = reserve_book.list_branches(current_account().id, actor=actor())
    return render_template(
        "claims/reserves.html",
        found=found,
        asked=asked,
        branch_id=branch_id,
        branches=branches,
        offered=sorted(offered | set(asked.values()), reverse=True),
        tables=words.tables(found, lambda number: url_for("reserves.book", branch=number, **asked)),
        words=words,
    )


@bp.get("/reserves.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    months, branch_id = _months(), small_number(request.args.get("branch"))
    name = _("reserves-%(first)s-%(last)s.xlsx", first=month_code(months[0]), last=month_code(months[-1]))
    return send_book(lambda: words.sheets(_read(months, branch_id), _whose(branch_id), g.now), name)


def _read(months: list[Period], branch_id: int | None) -> Book:
    return reserve_book.read_book(current_account().id, months, branch_id=branch_id, actor=actor())


def _whose(branch_id: int | None) -> str:
    account = current_account()
    branches = reserve_book.list_branches(account.id, actor=actor())
    chosen = next((branch for branch in branches if branch.id == branch_id), None)
    return branch_name(chosen) if chosen else named(account.name, account.name_en)


def _months() -> list[Period]:
    """The months asked for, at most three years of them; the last half year for nonsense."""
    this_month = month_of(local_date(g.now))
    last = month_in(request.args.get("to")) or this_month
    first = month_in(request.args.get("from")) or months_after(last.first, 1 - _USUAL)
    if first.first > last.first:
        first, last = last, first
    months = [first]
    while months[-1].first < last.first and len(months) < _MOST:
        months.append(months_after(months[-1].first, 1))
    return months
