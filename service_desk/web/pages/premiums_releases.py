"""Releases from the credit limit: asked for from an order, decided by another person, gone on with."""

import json
from datetime import timedelta

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.forms.policies import IssueForm
from service_desk.forms.premiums import AskForm, ReasonForm, ReleaseForm
from service_desk.models.premiums import CreditRelease, ReleaseState
from service_desk.presenters.languages import named
from service_desk.presenters.sheets.premiums import releases_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access, policies, premiums
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("premiums_releases", __name__)

# What a page adds to an order's fields and what must be new when it is sent again.
_NOT_OF_ORDER = {"csrf_token", "idempotency_key", "expected_fen"}


@bp.post("/premiums/releases/ask")
@login_required
def ask() -> ResponseReturnValue:
    """Ask for a release of the order a preview sent; without a reason yet: the page that asks for it."""
    access.require(actor(), Action.ISSUE_POLICIES)
    if "order" not in request.form:
        order = {name: values for name, values in request.form.lists() if name not in _NOT_OF_ORDER}
        return _ask_page(AskForm(formdata=None, data={"order": json.dumps(order, ensure_ascii=False)}))
    form, numbers = AskForm(), list[str]()

    def act() -> None:
        numbers.append(
            premiums.ask_release(
                current_account().id,
                json.loads(form.order.data or "{}"),
                _order_fen(form),
                form.reason.data or "",
                key=form.idempotency_key.data or "",
                actor=actor(),
                now=g.now,
            )
        )

    if attempt(form, act):
        return done(_("The managers were asked."), "premiums_releases.release", number=numbers[0])
    return _ask_page(form, refused=True)


def _order_fen(form: AskForm) -> int:
    """What the order asks to be paid, worked out anew."""
    order = IssueForm(formdata=form.posted_order(), meta={"csrf": False})
    plan = policies.preview(order.command(current_account().id), actor=actor(), now=g.now)
    if not plan.policies:
        raise Invalid("nothing_to_issue")
    return plan.total_fen


def _ask_page(form: AskForm, *, refused: bool = False) -> ResponseReturnValue:
    credit = premiums.credit_of(current_account().id, actor=actor())
    context = {"form": form, "credit": credit, "order_fen": _order_fen(form)}
    if refused:
        return again("premiums/ask_release.html", **context)
    return render_template("premiums/ask_release.html", **context)


@bp.get("/premiums/releases")
@login_required
def releases() -> ResponseReturnValue:
    """Requests of the account, those to decide first."""
    page = premiums.list_releases(current_account().id, page_request(), actor=actor())
    return render_template("premiums/releases.html", page=page, tone=tone)


@bp.get("/premiums/releases.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: premiums.list_releases(account.id, page, actor=actor()),
        lambda rows: releases_sheet(rows, g.now),
        f"credit-releases-{local_date(g.now)}.xlsx",
    )


def tone(release: CreditRelease) -> str:
    """The colour of a request's state."""
    return {
        ReleaseState.ASKED: "warn",
        ReleaseState.RELEASED: "ok",
        ReleaseState.REFUSED: "bad",
        ReleaseState.USED: "idle",
    }[release.state]


@bp.route("/premiums/releases/<number>", methods=["GET", "POST"])
@login_required
def release(number: str) -> ResponseReturnValue:
    """One request, and releasing it."""
    if request.method == "GET":
        return render_template("premiums/release.html", **_context(number))
    access.require(actor(), Action.RELEASE_CREDIT)
    form = ReleaseForm()
    if attempt_once(
        form,
        lambda: premiums.release_credit(
            number,
            form.amount.fen,
            form.valid_until.data,
            form.reason.data or "",
            actor=actor(),
            now=g.now,
        ),
    ):
        return done(_("The order was released."), "premiums_releases.release", number=number)
    return again("premiums/release.html", **_context(number, form=form))


@bp.post("/premiums/releases/<number>/refuse")
@login_required
def refuse(number: str) -> ResponseReturnValue:
    """Refuse a request."""
    access.require(actor(), Action.RELEASE_CREDIT)
    form = ReasonForm()
    if attempt_once(
        form, lambda: premiums.refuse_release(number, form.reason.data or "", actor=actor(), now=g.now)
    ):
        return done(_("The release was refused."), "premiums_releases.release", number=number)
    return again("premiums/release.html", **_context(number, refuse_form=form))


def _context(
    number: str, form: ReleaseForm | None = None, refuse_form: ReasonForm | None = None
) -> dict[str, object]:
    view = premiums.get_release(number, actor=actor())
    usual = {"amount": view.release.exceeded_fen, "valid_until": local_date(g.now) + timedelta(days=3)}
    return {
        "view": view,
        "form": form or ReleaseForm(formdata=None, data=usual),
        "refuse_form": refuse_form or ReasonForm(formdata=None),
        # The order goes on under a new key.
        "order_form": ReasonForm(formdata=None),
        "tone": tone(view.release),
        "is_own": view.release.asked_by_id == actor().id,
        "is_valid": view.release.valid_until is not None and view.release.valid_until >= local_date(g.now),
        "account": named(view.account.name, view.account.name_en),
    }
