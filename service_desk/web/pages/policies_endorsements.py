"""Endorsements: choosing one, its preview, writing it, its page and print, and the list of an account."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.money import format_yuan
from service_desk.forms.endorsements import (
    BY_AGREEMENT,
    FORMS,
    EndorsementFilterForm,
    EndorsementForm,
)
from service_desk.forms.fields import member
from service_desk.models.policies import EndorsementKind
from service_desk.presenters import endorsement_papers
from service_desk.presenters import endorsements as shown
from service_desk.presenters import policies as policy_words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import named
from service_desk.rules.permissions import Action
from service_desk.rules.rating import FLOAT_RATES
from service_desk.rules.settlement.cancellation import CancelReason
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, accounts
from service_desk.services.fleet import queries as fleet
from service_desk.services.policies import endorsements, endorsing, queries
from service_desk.services.policies.endorsing import EndorsementPlan
from service_desk.services.policies.endorsing.pricing import LINE_COVERS, cover_choices
from service_desk.services.policies.queries import PolicyView
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import (
    actor,
    again,
    as_pdf,
    attempt,
    current_account,
    done,
    page_request,
)

# The rail marks a place by the first word of a blueprint's name: these pages belong to the policies.
bp = Blueprint("policies_endorsements", __name__)

# What the page sends anew with a confirmation.
_OWN_OF_THE_FORM = frozenset({"csrf_token", "idempotency_key", "version", "expected_fen"})


@bp.get("/policies/<number>/endorse")
@login_required
def choose(number: str) -> ResponseReturnValue:
    """What can be done with a policy now."""
    view = _policy(number)
    kinds = endorsing.kinds_for(endorsing.open_file(view.policy), now=g.now)
    return render_template("endorsements/choose.html", view=view, kinds=kinds)


def _policy(number: str) -> PolicyView:
    access.require(actor(), Action.ISSUE_POLICIES)
    return queries.get_policy(number, actor=actor(), now=g.now)


@bp.route("/policies/<number>/endorse/<kind>", methods=["GET", "POST"])
@login_required
def endorse(number: str, kind: str) -> ResponseReturnValue:
    """An endorsement to fill in; sent, what it would do."""
    view, wanted = _policy(number), _kind(kind)
    form = _form(view, wanted)
    plans: list[EndorsementPlan] = []

    def act() -> None:
        command = form.command(wanted)
        if command.version != view.policy.version:
            raise Conflict("stale")
        plans.append(endorsing.preview(number, command, actor=actor(), now=g.now))

    if request.method == "POST" and not attempt(form, lambda: _worded(act)):
        return _refused(number, wanted, form)
    plan = plans[0] if plans else None
    form.expected_fen.data = str(plan.premium_fen) if plan else ""
    return render_template("endorsements/edit.html", **_context(view, wanted, form, plan))


@bp.post("/policies/<number>/endorse/<kind>/confirm")
@login_required
def confirm(number: str, kind: str) -> ResponseReturnValue:
    """Write the endorsement that was shown."""
    view, wanted = _policy(number), _kind(kind)
    form = _form(view, wanted)
    written: list[str] = []

    def act() -> None:
        key = form.idempotency_key.data or ""
        written.append(endorsing.endorse(number, form.command(wanted), key=key, actor=actor(), now=g.now))

    if attempt(form, lambda: _worded(act)):
        return done(_("The endorsement was written."), "policies_endorsements.endorsement", number=written[0])
    return _refused(number, wanted, form)


def _kind(code: str) -> EndorsementKind:
    kind: EndorsementKind | None = member(EndorsementKind, code)
    if kind is None:
        raise NotFound("not_found")
    return kind


def _worded(act: Callable[[], None]) -> None:
    """Refusals of rating and issue carry codes; a form shows their words."""
    try:
        act()
    except Invalid as refusal:
        raise Invalid(
            refusal.code, field=refusal.field, **policy_words.shown_params(refusal.params)
        ) from None


def _refused(number: str, kind: EndorsementKind, form: EndorsementForm) -> ResponseReturnValue:
    """The form again with what was typed, over the policy as it stands now: it may have changed meanwhile."""
    return again("endorsements/edit.html", **_context(_policy(number), kind, form, None))


def _context(
    view: PolicyView, kind: EndorsementKind, form: EndorsementForm, plan: EndorsementPlan | None
) -> dict[str, Any]:
    form.version.data = str(view.policy.version)
    branches = {row.id: row for row in accounts.list_branches(view.policy.account_id, actor=actor())}
    sent = [(name, value) for name, value in request.form.items(multi=True) if name not in _OWN_OF_THE_FORM]
    return {
        "view": view,
        "kind": kind,
        "form": form,
        "plan": plan,
        "sent": sent if plan else [],
        "changes": shown.change_rows(plan.outcome.before, plan.outcome.after, branches) if plan else [],
        "working": shown.plan_working(plan.working) if plan else [],
        "new_working": shown.plan_working(plan.outcome.replacement.change.working)
        if plan and plan.outcome.replacement
        else [],
        "branches": branches,
        "shown": shown,
        "words": policy_words,
    }


def _form(view: PolicyView, kind: EndorsementKind) -> EndorsementForm:
    """The form of a kind with its choices, filled in with what the vehicle's own record states."""
    vehicle = fleet.get_vehicle(view.policy.vehicle_id, actor=actor())
    form = FORMS[kind](
        data={
            "plate": vehicle.plate or "",
            "vin": vehicle.vin or "",
            "use_class": vehicle.use_class.value if vehicle.use_class else "",
            "branch": str(vehicle.branch_id),
            "version": str(view.policy.version),
        }
    )
    form.start.choices = choices("endorsement_start")
    for name in form.own:
        if name in _CHOICES:
            form[name].choices = _CHOICES[name](view, kind)
    if not form.is_submitted() and "cover_set" in form.own:
        form["cover_set"].data = form["cover_set"].choices[0].value
    return form


def _branch_choices(view: PolicyView, _kind: EndorsementKind) -> list[tuple[str, str]]:
    rows = accounts.list_branches(view.policy.account_id, actor=actor())
    return [(str(row.id), named(row.name, row.name_en)) for row in rows]


def _set_choices(view: PolicyView, kind: EndorsementKind) -> list[tuple[str, str]]:
    found = [
        (
            rated.cover_set,
            f"{policy_words.cover_set(rated.cover_set)} · {format_yuan(rated.annual_fen, sign=True)}",
        )
        for rated in cover_choices(endorsing.open_file(view.policy), kind)
    ]
    return [*found, (BY_AGREEMENT, _("by agreement, outside the price table"))]


def _code_choices(view: PolicyView, kind: EndorsementKind) -> list[tuple[str, str]]:
    present = {one.code for one in view.limits}
    return [
        (code.value, label(code, "cover"))
        for code in LINE_COVERS[view.policy.line]
        if (code in present) is not (kind is EndorsementKind.ADD_COVER)
    ]


def _cause_choices(_view: PolicyView, kind: EndorsementKind) -> list[tuple[str, str]]:
    is_replacement = kind is EndorsementKind.REPLACEMENT
    # For CTPL all are offered, and all but three refused with the article: who asks is told why.
    causes = [one for one in CancelReason if is_replacement or one is not CancelReason.REPLACED]
    if is_replacement:
        causes = [CancelReason.REPLACED, *(one for one in causes if one is not CancelReason.REPLACED)]
    words = [(one.value, label(one, "cancel_reason")) for one in causes]
    return words if is_replacement else [("", _("Choose a reason")), *words]


_CHOICES: dict[str, Callable[[PolicyView, EndorsementKind], list[tuple[str, str]]]] = {
    "branch": _branch_choices,
    "use_class": lambda _view, _kind: choices("use_class"),
    "cover_set": _set_choices,
    "code": _code_choices,
    "cause": _cause_choices,
    "ctpl_float": lambda _view, _kind: [
        (code.value, f"{code.value} ({share * 100:+.0f}%)") for code, share in FLOAT_RATES.items()
    ],
}


@bp.get("/endorsements", endpoint="endorsements")
@login_required
def endorsements_page() -> ResponseReturnValue:
    """The account's endorsements, filtered."""
    form = _filter()
    page = endorsements.list_endorsements(form.wanted(current_account().id), page_request(), actor=actor())
    return render_template("endorsements/list.html", form=form, page=page, shown=shown)


@bp.get("/endorsements.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The endorsements as filtered, as a spreadsheet."""
    account, form, today = current_account(), _filter(), local_date(g.now)
    wanted, name = form.wanted(account.id), named(account.name, account.name_en)
    return send_list(
        lambda page: endorsements.list_endorsements(wanted, page, actor=actor()),
        lambda rows: shown.endorsements_sheet(rows, name, today),
        f"endorsements-{today}.xlsx",
        chosen_in(form),
    )


def _filter() -> EndorsementFilterForm:
    form = EndorsementFilterForm(request.args)
    # Unreadable days mean any.
    form.validate()
    rows = accounts.list_branches(current_account().id, actor=actor())
    form.branch.choices = [
        ("", _("All branches")),
        *((str(row.id), named(row.name, row.name_en)) for row in rows),
    ]
    form.kind.choices = [("", _("All kinds")), *choices("endorsement_kind")]
    form.line.choices = [
        ("", _("All lines")),
        *((line.value, label(line, "policy_line")) for line in PolicyLine),
    ]
    return form


@bp.get("/endorsements/<number>")
@login_required
def endorsement(number: str) -> ResponseReturnValue:
    """One endorsement: what it changed and how its premium came about."""
    view = endorsements.get_endorsement(number, actor=actor())
    return render_template(
        "endorsements/detail.html",
        view=view,
        changes=shown.change_rows(view.endorsement.before, view.endorsement.after, view.branches),
        working=shown.working_rows(view.endorsement.working),
        shown=shown,
        words=policy_words,
    )


@bp.get("/endorsements/<number>.pdf")
@login_required
def endorsement_pdf(number: str) -> ResponseReturnValue:
    """One endorsement, to print."""
    view = endorsements.get_endorsement(number, actor=actor())
    path = url_for("policies_endorsements.endorsement", number=number)
    address = f"{current_app.extensions['desk_config'].public_url}{path}"
    content = endorsement_papers.endorsement_pdf(view, address)
    return as_pdf(content, number, account_id=view.account.id)
