"""What is promised to an account: how many meetings, visits and talks, and when they are warned of."""

from flask import g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.forms.relations import CadenceForm
from service_desk.presenters import relations as words
from service_desk.presenters.labels import choices
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.relations import due
from service_desk.services.relations.due import CadenceLine
from service_desk.web.http import actor, again, current_account, done
from service_desk.web.pages.relations.blueprint import bp
from service_desk.web.sent_twice import attempt_once


@bp.get("/relations/cadence")
@login_required
def cadence() -> ResponseReturnValue:
    """The table, line by line; managers change it."""
    return render_template("relations/cadence.html", **_context(None, ""))


@bp.post("/relations/cadence/<code>")
@login_required
def edit_cadence(code: str) -> ResponseReturnValue:
    """Change a line."""
    access.require(actor(), Action.LEAD_RELATIONS)
    account, form = current_account(), _form(code)

    def act() -> None:
        due.edit_line(account.id, code, form.wanted(), form.shown_version, actor=actor(), now=g.now)

    if attempt_once(form, act):
        return done(_("The cadence was changed."), "relations.cadence")
    return again("relations/cadence.html", **_context(form, code))


def _form(code: str, line: CadenceLine | None = None) -> CadenceForm:
    """A line's form; its fields have names of their own, for the page shows many."""
    prefix = f"line-{code}"
    if line is None:
        form = CadenceForm(prefix=prefix)
    else:
        cadence = line.cadence
        known = {
            "times": cadence.times,
            "period": cadence.period.value,
            "notice_days": cadence.notice_days,
            "source": cadence.source,
            "version": str(line.version),
        }
        form = CadenceForm(formdata=None, prefix=prefix, data=known)
    form.period.choices = choices("cadence_period")
    return form


def _context(refused: CadenceForm | None, code: str) -> dict[str, object]:
    lines = due.list_table(current_account().id, actor=actor())
    forms = {line.cadence.code: _form(line.cadence.code, line) for line in lines}
    if refused is not None:
        refused.version.data = forms[code].version.data
        forms[code] = refused
    return {
        "lines": lines,
        "forms": forms,
        "refused_code": code if refused is not None else "",
        "may_lead": access.may(actor(), Action.LEAD_RELATIONS),
        "words": words,
    }
