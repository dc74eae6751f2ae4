"""Service levels: what is promised, from which day on."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.forms.sla import EndForm, LevelForm, TermsForm
from service_desk.models.sla import ServiceLevel
from service_desk.presenters import sla as words
from service_desk.presenters.labels import choices
from service_desk.rules.permissions import Action, Scope
from service_desk.services import access, submissions
from service_desk.services.sla import calendars
from service_desk.services.sla import levels as promises
from service_desk.web.http import actor, again, attempt, current_account, done
from service_desk.web.pages.sla.blueprint import bp


@bp.get("/settings/levels")
@login_required
def levels() -> ResponseReturnValue:
    """Every promise in force or to come; with `?ended=1` the ended ones too."""
    with_ended = request.args.get("ended") == "1"
    return render_template(
        "sla/levels.html",
        rows=promises.list_levels(actor=actor(), today=_today(), with_ended=with_ended),
        with_ended=with_ended,
        today=_today(),
        may_edit=lambda row: promises.may_edit(row.account_id, actor=actor()),
        accounts=_account_names(),
        calendars=calendars.list_calendars(),
        words=words,
    )


@bp.route("/settings/levels/new", methods=["GET", "POST"])
@login_required
def new_level() -> ResponseReturnValue:
    """Make a new promise."""
    access.require(actor(), Action.MANAGE_CLOCKS)
    form = LevelForm(data=_first_values())
    _fill(form)
    form.step.choices = [("", "—"), *choices("clock_step")]
    form.account_id.choices = _account_choices()
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
    form = TermsForm(
        obj=row,
        data={
            "escalate_after": row.escalate_after_minutes[0] if row.escalate_after_minutes else None,
            "effective_on": max(_today(), row.effective_on),
            "source": words.source_words(row.source) if row.source else "",
        },
    )
    _fill(form)
    heading = words.level_words(row, _account_names())

    def act() -> None:
        version = form.version.data or 0
        _once(
            form,
            lambda: promises.change_level(level_id, form.terms(), version=version, actor=actor(), now=g.now),
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
        version = int(form.version.data) if str(form.version.data).isdecimal() else 0
        promises.end_level(level_id, form.ends_on.data, version=version, actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The service level ends."), "sla.levels")
    terms = TermsForm(formdata=None, obj=row)
    _fill(terms)
    heading = words.level_words(row, _account_names())
    return _page(terms, row=row, end_form=form, heading=heading)


def _once(form: TermsForm, make: Callable[[], ServiceLevel]) -> None:
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
            raise Invalid("level_tie", new=new(), other=other_words) from error

    return acting


def _new_words(form: LevelForm) -> str:
    return words.level_words(promises.draft(form.conditions()), _account_names())


def _first_values() -> dict[str, Any]:
    """Who may promise only to own accounts starts with the one they work in."""
    own = access.require(actor(), Action.MANAGE_CLOCKS) is not Scope.ALL
    return {"effective_on": _today(), "account_id": current_account().id if own else None}


def _fill(form: TermsForm) -> None:
    form.target_unit.choices = choices("target_unit")
    known = calendars.list_calendars()
    form.calendar_code.choices = [(row.code, words.calendar_name(row.code, known)) for row in known]


def _account_choices() -> list[tuple[Any, str]]:
    own = [(account.id, account.name) for account in access.list_accounts(actor())]
    may_all = access.require(actor(), Action.MANAGE_CLOCKS) is Scope.ALL
    return [("", _("All accounts")), *own] if may_all else own


def _account_names() -> dict[int, str]:
    return {account.id: account.name for account in access.list_accounts(actor())}


def _today() -> date:
    return local_date(g.now)


def _page(form: TermsForm, *, row: ServiceLevel | None, **context: Any) -> ResponseReturnValue:
    context |= {"form": form, "row": row, "words": words, "accounts": _account_names()}
    context["may_edit"] = row is None or promises.may_edit(row.account_id, actor=actor())
    if request.method == "POST":
        return again("sla/level.html", **context)
    return render_template("sla/level.html", **context)
