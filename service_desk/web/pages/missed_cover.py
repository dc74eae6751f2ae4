"""Vehicles without cover they must have, and the case of each: who chases, what was said, how it ended."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required
from flask_wtf import FlaskForm

from service_desk.base.clock import local_date
from service_desk.forms.missed_cover import (
    ChaseForm,
    ClientWordForm,
    MissedFilterForm,
    NotedCoverForm,
    OffRoadForm,
    ReassignForm,
)
from service_desk.models.renewals import CaseState
from service_desk.presenters import missed_cover as words
from service_desk.presenters import sla_clocks
from service_desk.presenters.labels import choices
from service_desk.presenters.languages import named
from service_desk.presenters.sheets.policies import closed_cases_sheet
from service_desk.rules.cover_needs import lines_carrying
from service_desk.rules.permissions import Action, Side
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, accounts, policies, sla
from service_desk.services.fleet import queries
from service_desk.services.renewals import case_views, cases
from service_desk.services.renewals.case_views import CaseFile, MissedList
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import (
    actor,
    again,
    attempt,
    current_account,
    done,
    page_request,
)
from service_desk.web.sent_twice import press

bp = Blueprint("missed_cover", __name__)


@bp.get("/renewals/uninsured")
@login_required
def uninsured() -> ResponseReturnValue:
    """Operating vehicles without cover they must have now, overdue ones first, with who chases each."""
    account, form = current_account(), _filter()
    wanted = form.wanted()
    found = MissedList(account.id, wanted, actor(), g.now)
    return render_template(
        "renewals/uninsured.html",
        form=form,
        page=found.read(page_request()),
        without_ctpl=found.without_ctpl,
        overdue=found.overdue,
        ratio=policies.coverage_ratio(account.id, g.now, branch_ids=_branch_ids(wanted.branch_id)),
        is_filtered=bool(request.args.keys() - {"page", "size"}),
        words=words,
        named=named,
    )


@bp.get("/renewals/uninsured.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The list as filtered."""
    account, form = current_account(), _filter()
    name = named(account.name, account.name_en)
    return send_list(
        MissedList(account.id, form.wanted(), actor(), g.now).read,
        lambda rows: words.missed_sheet(rows, name, g.now),
        f"missed-cover-{local_date(g.now)}.xlsx",
        chosen_in(form),
    )


def _filter() -> MissedFilterForm:
    account = current_account()
    form = MissedFilterForm(request.args)
    branches = accounts.list_branches(account.id, actor=actor())
    form.branch.choices = [
        ("", _("All branches")),
        *((str(row.id), named(row.name, row.name_en)) for row in branches),
    ]
    people = cases.possible_owners(account.id)
    form.owner.choices = [("", _("Everybody")), *((str(user.id), user.name) for user in people)]
    form.layer.choices = [("", _("Any cover")), *choices("cover")]
    return form


def _branch_ids(branch_id: int | None) -> list[int]:
    """The branches the page speaks of: one with those below it, or all that this person sees."""
    rows = accounts.list_branches(current_account().id, actor=actor())
    return [row.id for row in rows if branch_id is None or f"/{branch_id}/" in row.path]


@bp.get("/renewals/missed")
@login_required
def closed() -> ResponseReturnValue:
    """The cases closed lately."""
    page = case_views.list_closed(current_account().id, page_request(), actor=actor(), now=g.now)
    return render_template("renewals/closed_cases.html", page=page, words=words, named=named)


@bp.get("/renewals/missed.xlsx")
@login_required
def export_closed() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: case_views.list_closed(account.id, page, actor=actor(), now=g.now),
        lambda rows: closed_cases_sheet(rows, g.now),
        f"missed-cover-closed-{local_date(g.now)}.xlsx",
    )


@bp.get("/renewals/missed/<number>")
@login_required
def case(number: str) -> ResponseReturnValue:
    """One case with its log."""
    return render_template("renewals/case.html", **_context(number))


def _context(number: str, failed: FlaskForm | None = None) -> dict[str, Any]:
    """What the page shows. `failed` is a form that was refused: it keeps its place and what was typed."""
    file = case_views.read_case(number, actor=actor(), now=g.now)
    is_client = actor().side is Side.CLIENT
    is_open = file.case.state is CaseState.OPEN
    context: dict[str, Any] = {
        "file": file,
        "case": file.case,
        "log": words.log_lines(file),
        "clocks": sla_clocks.open_rows(sla.view_clocks(file.timers), g.now),
        "ended": sla_clocks.ended_rows(sla.view_clocks(file.timers), g.now),
        "contacts": queries.contacts_of(file.vehicle) if file.vehicle else [],
        "is_client": is_client,
        "may_chase": is_open and access.may(actor(), Action.CHASE_COVER),
        "may_write": is_open and is_client,
        "words": words,
        "named": named,
        "failed": failed,
    }
    if is_open:
        context |= _forms(file)
    if failed is not None:
        context |= {name: failed for name, kind in _FORMS.items() if isinstance(failed, kind)}
    return context


_FORMS: dict[str, type[FlaskForm]] = {
    "chase_form": ChaseForm,
    "word_form": ClientWordForm,
    "reassign_form": ReassignForm,
    "off_road_form": OffRoadForm,
    "cover_form": NotedCoverForm,
}


def _forms(file: CaseFile) -> dict[str, FlaskForm]:
    """Fresh forms. Each has a prefix of its own, so that their fields do not meet on the page."""
    first = next((contact for contact in queries.contacts_of(file.vehicle)), None) if file.vehicle else None
    return {
        "chase_form": _chase_form(formdata=None, spoken_to=first.name if first else ""),
        "word_form": ClientWordForm(None, prefix="word-"),
        "reassign_form": _reassign_form(file, formdata=None),
        "off_road_form": _off_road_form(formdata=None),
        "cover_form": _cover_form(file, formdata=None),
    }


def _chase_form(*, spoken_to: str = "", **options: Any) -> ChaseForm:
    form = ChaseForm(prefix="chase-", data={"spoken_to": spoken_to, "channel": "call"}, **options)
    form.channel.choices = choices("chase_channel")
    return form


def _reassign_form(file: CaseFile, **options: Any) -> ReassignForm:
    form = ReassignForm(prefix="give-", **options)
    form.owner_id.choices = [
        (user.id, f"{user.name} {user.staff_no}")
        for user in cases.possible_owners(file.case.account_id)
        if user.id != file.case.owner_id
    ]
    return form


def _off_road_form(**options: Any) -> OffRoadForm:
    form = OffRoadForm(prefix="stop-", data={"how": "suspended"}, **options)
    form.how.choices = choices("off_road")
    return form


def _cover_form(file: CaseFile, **options: Any) -> NotedCoverForm:
    missing = lines_carrying(file.missing)
    line = missing[0] if missing else PolicyLine.CTPL
    form = NotedCoverForm(
        prefix="cover-", data={"line": line.value, "first_day": local_date(g.now)}, **options
    )
    form.line.choices = choices("policy_line")
    return form


def _act(
    number: str, form: FlaskForm, act: Callable[[], object], words_when_done: Callable[[str], str]
) -> ResponseReturnValue:
    """Do it once and go back to the case, or show the case again with what is wrong."""
    found: list[str] = []
    if attempt(form, lambda: found.append(press(act, prefix=form._prefix))):
        return done(words_when_done(found[0]), "missed_cover.case", number=number)
    return again("renewals/case.html", **_context(number, form))


@bp.post("/renewals/missed/<number>/chase")
@login_required
def chase(number: str) -> ResponseReturnValue:
    """Write down whom somebody spoke to."""
    access.require(actor(), Action.CHASE_COVER)
    form = _chase_form()

    def act() -> None:
        key = form.idempotency_key.data or ""
        cases.log_chase(number, form.command(), actor=actor(), now=g.now, key=key)

    return _act(number, form, act, lambda _found: _("It was written into the log."))


@bp.post("/renewals/missed/<number>/word")
@login_required
def word(number: str) -> ResponseReturnValue:
    """The client's word."""
    form = ClientWordForm(prefix="word-")

    def act() -> None:
        key = form.idempotency_key.data or ""
        cases.client_says(number, form.text.data or "", actor=actor(), now=g.now, key=key)

    return _act(number, form, act, lambda _found: _("The desk was told."))


@bp.post("/renewals/missed/<number>/reassign")
@login_required
def reassign(number: str) -> ResponseReturnValue:
    """Give the case to somebody else."""
    access.require(actor(), Action.CHASE_COVER)
    form = _reassign_form(case_views.read_case(number, actor=actor(), now=g.now))

    def act() -> None:
        cases.reassign(number, form.owner_id.data, form.reason.data or "", actor=actor(), now=g.now)

    return _act(number, form, act, lambda _found: _("The case was given on."))


@bp.post("/renewals/missed/<number>/stop")
@login_required
def stop(number: str) -> ResponseReturnValue:
    """Declare the vehicle off the road."""
    access.require(actor(), Action.CHASE_COVER)
    form = _off_road_form()

    def act() -> None:
        cases.declare_stopped(number, form.wanted(), form.reason.data or "", actor=actor(), now=g.now)

    return _act(number, form, act, lambda _found: _("The vehicle is off the road and the case closed."))


@bp.post("/renewals/missed/<number>/cover")
@login_required
def cover(number: str) -> ResponseReturnValue:
    """Note cover of another insurer."""
    access.require(actor(), Action.CHASE_COVER)
    form = _cover_form(case_views.read_case(number, actor=actor(), now=g.now))

    def act() -> str:
        return "covered" if cases.note_cover(number, form.noted(), actor=actor(), now=g.now) else ""

    def said(found: str) -> str:
        if found:
            return _("The cover was noted. The vehicle is covered and the case closed.")
        return _("The cover was noted. Something is still missing.")

    return _act(number, form, act, said)
