"""Service levels: what is promised, from which day on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.forms.fields import member, small_number
from service_desk.forms.sla_levels import (
    EndForm,
    LevelForm,
    TermsForm,
    TrialForm,
    condition_values,
    escalation_values,
)
from service_desk.models.accounts import KeyAccount
from service_desk.models.sla import ServiceLevel
from service_desk.presenters import sla as words
from service_desk.presenters import sla_levels as level_words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import named
from service_desk.presenters.messages import sentence
from service_desk.presenters.sheets.settings import levels_sheet
from service_desk.presenters.sla_levels import addressee_choices
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Scope
from service_desk.services import access, submissions
from service_desk.services.sla import calendars
from service_desk.services.sla import levels as promises
from service_desk.services.sla.levels import LevelTerms
from service_desk.services.sla.outdated import count_moving
from service_desk.services.sla.trial import TrialResult, try_out
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, current_account, done
from service_desk.web.pages.sla.blueprint import bp

TRIAL_PREFIX = "try-"
_KEPT = ("target_value", "target_unit", "calendar_code", "warn_percent", "version")


@bp.get("/settings/levels")
@login_required
def levels() -> ResponseReturnValue:
    """Every promise in force or to come, of one step or all; with `?ended=1` the ended ones too; the test box."""
    with_ended = request.args.get("ended") == "1"
    step = member(ClockStep, request.args.get("step"))
    rows = promises.list_levels(actor=actor(), today=_today(), with_ended=with_ended, step=step)
    trial_form, result = _trial()
    shown = [*rows, *([result.level] if result else [])]
    return render_template(
        "sla/levels.html",
        rows=rows,
        with_ended=with_ended,
        step=step,
        steps=choices("clock_step"),
        today=_today(),
        accounts=_account_names(),
        calendars=calendars.list_calendars(),
        people=promises.people_named(shown),
        moving_count=count_moving(actor=actor(), now=g.now),
        trial_form=trial_form,
        result=result,
        words=words,
        level_words=level_words,
    )


@bp.get("/settings/levels.xlsx")
@login_required
def export_levels() -> ResponseReturnValue:
    """The promises as filtered, as a spreadsheet."""
    with_ended = request.args.get("ended") == "1"
    step = member(ClockStep, request.args.get("step"))
    found = promises.list_levels(actor=actor(), today=_today(), with_ended=with_ended, step=step)
    accounts, books = _account_names(), calendars.list_calendars()
    people = promises.people_named(found)
    chosen = [(_("Step"), label(step, "clock_step"))] if step else []
    return send_list(
        whole(found),
        lambda rows: levels_sheet(
            rows, lambda row: words.scope_words(row, found, accounts), books, people, _today(), g.now
        ),
        f"service-levels-{_today()}.xlsx",
        [*chosen, (_("State"), _("ended ones too"))] if with_ended else chosen,
        of_desk=True,
    )


def _trial() -> tuple[TrialForm, TrialResult | None]:
    """The test box as asked in the address, with its answer; unasked, it stands at this account and moment."""
    is_asked = any(name.startswith(TRIAL_PREFIX) for name in request.args)
    form = TrialForm(
        request.args if is_asked else None,
        prefix=TRIAL_PREFIX,
        data={"account_id": current_account().id, "at": g.now},
    )
    form.account_id.choices = [
        (account.id, _account_name(account)) for account in access.list_accounts(actor())
    ]
    form.step.choices = choices("clock_step")
    form.severity.choices = [("", _("Not known")), *choices("severity")]
    form.where.choices = [("", _("Not known")), *choices("accident_place")[1:]]
    if not is_asked or not form.validate():
        return form, None
    try:
        result = try_out(form.trial(), actor=actor())
    except Invalid as error:
        form.at.errors = [sentence(error)]
        return form, None
    if result is None:
        form.form_errors.append(_("No promise holds for this case: no clock would start."))
    return form, result


@bp.route("/settings/levels/new", methods=["GET", "POST"])
@login_required
def new_level() -> ResponseReturnValue:
    """Make a new promise; with `?like=` the form begins with the terms of another one."""
    access.require(actor(), Action.MANAGE_CLOCKS)
    form = LevelForm(data=_first_values())
    _fill(form, addressee_choices(promises.list_addressees(actor())))
    form.step.choices = [("", "—"), *choices("clock_step")]
    form.account_id.choices = _account_choices()
    form.severity.choices = [("", _("Any")), *choices("severity")]
    form.where.choices = choices("accident_place")

    def act() -> None:
        conditions = form.conditions()
        _once(form, lambda: promises.add_level(conditions, form.terms(), actor=actor(), now=g.now))

    if attempt(form, _tie_in_words(act, lambda: _new_words(form))):
        return done(_("The service level was added."), "sla.levels")
    return _page(form, row=None, end_form=None, heading=_("New service level"))


@bp.route("/settings/levels/<int:level_id>", methods=["GET", "POST"])
@login_required
def level(level_id: int) -> ResponseReturnValue:
    """Promise something else from a day on."""
    row = promises.get_level(level_id, actor=actor(), today=_today())
    form = _terms_form(row)
    heading = words.level_words(row, _account_names())

    def act() -> None:
        version = form.version.data or 0
        _once(
            form,
            lambda: promises.change_level(
                level_id, _changed_terms(form, row), version=version, actor=actor(), now=g.now
            ),
        )

    if attempt(form, _tie_in_words(act, lambda: heading)):
        return done(_("The service level was changed."), "sla.levels")
    return _page(form, row=row, end_form=EndForm(formdata=None, obj=row), heading=heading)


@bp.post("/settings/levels/<int:level_id>/end")
@login_required
def end_level(level_id: int) -> ResponseReturnValue:
    """Promise nothing of this kind any more from a day on."""
    row = promises.get_level(level_id, actor=actor(), today=_today())
    form = EndForm()

    def act() -> None:
        version = form.version.data or 0
        _once(
            form,
            lambda: promises.end_level(
                level_id, form.ends_on.data, version=version, actor=actor(), now=g.now
            ),
        )

    if attempt(form, act):
        return done(_("The service level ends."), "sla.levels")
    heading = words.level_words(row, _account_names())
    return _page(_terms_form(row, formdata=None), row=row, end_form=form, heading=heading)


def _terms_form(row: ServiceLevel, **sent: Any) -> TermsForm:
    """The terms as they are, to begin on the first day on which they may change."""
    values = _term_values(row) | {"effective_on": max(_today(), row.effective_on + timedelta(days=1))}
    form = TermsForm(**sent, data=values)
    kept = promises.people_named([row]).values()
    _fill(form, addressee_choices(access.insurer_people(row.account_id), kept))
    return form


def _term_values(row: ServiceLevel) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _KEPT} | {
        "escalations": escalation_values(row),
        "source": words.source_words(row.source) if row.source else "",
    }


def _changed_terms(form: TermsForm, row: ServiceLevel) -> LevelTerms:
    """What was typed. A known source left as it is keeps its code, which both languages can read."""
    terms = form.terms()
    is_kept = bool(row.source) and terms.source == words.source_words(row.source)
    return replace(terms, source=row.source) if is_kept else terms


def _once(form: TermsForm | EndForm, make: Callable[[], ServiceLevel]) -> None:
    key = form.idempotency_key.data or ""
    submissions.once("service_level", key, lambda: str(make().id), actor=actor(), now=g.now)


def _tie_in_words(act: Callable[[], None], new: Callable[[], str]) -> Callable[[], None]:
    """A refused tie names both promises; services know ids, readers know words."""

    def acting() -> None:
        try:
            act()
        except Invalid as error:
            if error.code != "level_tie":
                raise
            other = promises.get_level(error.params["level_id"], actor=actor(), today=_today())
            other_words = words.level_words(other, _account_names())
            raise Invalid("level_tie", field=error.field, new=new(), other=other_words) from error

    return acting


def _new_words(form: LevelForm) -> str:
    return words.level_words(promises.draft(form.conditions()), _account_names())


def _first_values() -> dict[str, Any]:
    """Who may promise only to own accounts starts with the one they work in."""
    own = access.require(actor(), Action.MANAGE_CLOCKS) is not Scope.ALL
    first = {"effective_on": _today(), "account_id": current_account().id if own else None}
    like = small_number(request.args.get("like"))
    if like is None:
        return first
    row = promises.get_level(like, actor=actor(), today=_today())
    # What it rests on is not that of the other one: it is typed anew.
    return {**condition_values(row), **_term_values(row), **first, "source": "", "version": 0}


def _fill(form: TermsForm, addressees: list[tuple[str, str]]) -> None:
    form.target_unit.choices = choices("target_unit")
    known = calendars.list_calendars()
    form.calendar_code.choices = [(row.code, words.calendar_name(row.code, known)) for row in known]
    for row in form.escalations:
        row.form.to.choices = addressees
        row.form.unit.choices = choices("escalation_unit")


def _account_choices() -> list[tuple[Any, str]]:
    own = [(account.id, _account_name(account)) for account in access.list_accounts(actor())]
    may_all = access.require(actor(), Action.MANAGE_CLOCKS) is Scope.ALL
    return [("", _("All accounts")), *own] if may_all else own


def _account_name(account: KeyAccount) -> str:
    return named(account.name, account.name_en)


def _account_names() -> dict[int, str]:
    return {account.id: _account_name(account) for account in access.list_accounts(actor())}


def _today() -> date:
    return local_date(g.now)


def _page(form: TermsForm, *, row: ServiceLevel | None, **context: Any) -> ResponseReturnValue:
    context |= {"form": form, "row": row, "words": words, "level_words": level_words}
    context |= {"accounts": _account_names(), "calendars": calendars.list_calendars(), "today": _today()}
    context["people"] = promises.people_named([row] if row else [])
    context["may_edit"] = row is None or promises.may_edit(row.account_id, actor=actor())
    if request.method == "POST":
        return again("sla/level.html", **context)
    return render_template("sla/level.html", **context)
