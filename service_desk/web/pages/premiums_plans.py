"""Instalment plans of chosen premium, and what an account agreed on paying."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import small_number
from service_desk.forms.premiums import PlanForm, TermsForm
from service_desk.presenters.languages import named
from service_desk.rules.permissions import Action
from service_desk.rules.premium import DAYS_TO_PAY, Instalment
from service_desk.services import access, premiums
from service_desk.web.http import actor, again, attempt, current_account, done
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("premiums_plans", __name__)


@bp.route("/premiums/instalments", methods=["GET", "POST"])
@login_required
def instalments() -> ResponseReturnValue:
    """Split what is open. Takes `receivable_ids` (repeated), `batch` or `branch` from any list."""
    access.require(actor(), Action.RECEIVE_PREMIUM)
    if "count" not in request.form:
        return _page(_new_plan())
    form, counts = PlanForm(), list[str]()
    if "show" in request.form:
        form.validate()
        return _page(form)

    def act() -> None:
        counts.append(
            premiums.make_plan(
                form.scope(current_account().id),
                form.plan(),
                form.reason.data or "",
                expected_fen=small_number(form.expected_fen.data, digits=15),
                key=form.idempotency_key.data or "",
                actor=actor(),
                now=g.now,
            )
        )

    if attempt(form, act):
        count = int(counts[0])
        words = ngettext(
            "The premium of %(num)s policy was split.", "The premium of %(num)s policies was split.", count
        )
        branch_id = small_number(form.branch.data)
        if branch_id is not None:
            return done(words, "premiums.branch", branch_id=branch_id)
        return done(words, "premiums.ledger")
    return _page(form, refused=True)


def _new_plan() -> Any:
    """The account's usual plan for what was chosen, else three months' instalments."""
    ids = ",".join(request.values.getlist("receivable_ids"))
    values = {name: request.values.get(name, "") for name in ("batch", "branch")}
    form = PlanForm(formdata=None, data={"receivable_ids": ids, **values})
    today = local_date(g.now)
    plan = premiums.usual_plan(premiums.terms_of(current_account().id), today)
    form.fill(plan or [Instalment(today + timedelta(days=DAYS_TO_PAY + 30 * n)) for n in range(3)])
    return form


def _page(form: Any, *, refused: bool = False) -> ResponseReturnValue:
    account = current_account()
    preview = premiums.preview_plan(form.scope(account.id), form.plan(), actor=actor(), now=g.now)
    form.expected_fen.data = str(preview.open_fen)
    context = {"form": form, "preview": preview, "terms": premiums.terms_of(account.id)}
    if refused:
        return again("premiums/instalments.html", **context)
    return render_template("premiums/instalments.html", **context)


@bp.route("/premiums/terms", methods=["GET", "POST"])
@login_required
def terms() -> ResponseReturnValue:
    """What the account agreed on paying."""
    access.require(actor(), Action.RELEASE_CREDIT)
    account = current_account()
    form = TermsForm.of(*premiums.get_terms(account.id, actor=actor()))
    if attempt_once(
        form,
        lambda: premiums.change_terms(
            account.id,
            form.terms(),
            form.reason.data or "",
            version=form.version.data or 0,
            actor=actor(),
            now=g.now,
        ),
    ):
        return done(_("The terms of payment were changed."), "premiums.ledger")
    context = {"form": form, "name": named(account.name, account.name_en)}
    if form.is_submitted():
        return again("premiums/terms.html", **context)
    return render_template("premiums/terms.html", **context)
