"""Quote, issue, policies and batches."""

from io import BytesIO
from typing import Any

from flask import Blueprint, current_app, g, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import DomainError, NotFound
from service_desk.forms.endorsements import AsOfForm
from service_desk.forms.fields import member, small_number
from service_desk.forms.policies import (
    AT_ONCE,
    ON_A_DAY,
    CandidateForm,
    DeliveryForm,
    IssueForm,
    PolicyFilterForm,
    QuoteForm,
    day_in,
    ids_in,
)
from service_desk.models.policies import QuoteSheet
from service_desk.presenters import deliveries as delivered
from service_desk.presenters import endorsements as endorsement_words
from service_desk.presenters import pdf_documents
from service_desk.presenters import policies as words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import named
from service_desk.presenters.messages import sentence
from service_desk.rules.permissions import Action
from service_desk.rules.rating import FLOAT_RATES
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, accounts, policies, premiums
from service_desk.services.fleet import queries as fleet
from service_desk.services.policies import (
    batches,
    candidates,
    endorsements,
    endorsing,
    queries,
    quote_sheets,
    quoting,
    rates,
)
from service_desk.services.policies.delivery import queries as delivery
from service_desk.services.policies.endorsements import Difference
from service_desk.services.policies.queries import PolicyView
from service_desk.web.http import actor, again, attempt, current_account, done, page_request, spreadsheet

bp = Blueprint("policies", __name__)

# A page of a bundle takes memory while it is laid out, so a large batch is printed in several files.
POLICIES_A_FILE = 400


@bp.get("/quote")
@login_required
def quote() -> ResponseReturnValue:
    """A premium at once, for a plate or for a class and size."""
    access.require(actor(), Action.QUOTE)
    form = QuoteForm(request.args)
    form.use_class.choices = [("", _("Choose a class")), *choices("use_class")]
    form.ctpl_float.choices = [
        (code.value, f"{code.value} ({share * 100:+.0f} %)") for code, share in FLOAT_RATES.items()
    ]
    form.ctpl_float.data = form.float_class().value
    account, plate = current_account(), (form.plate.data or "").strip()
    is_valid = form.validate()
    found = quoting.find_vehicle(account.id, plate, actor=actor(), now=g.now) if plate else None
    facts = quoting.facts_of(found.vehicle) if found else form.facts() if is_valid else None
    priced = (
        quoting.quote(account.id, facts, on=local_date(g.now), actor=actor(), ctpl_float=form.float_class())
        if facts
        else None
    )
    return render_template(
        "policies/quote.html",
        form=form,
        plate=plate,
        found=found,
        rows=words.quote_rows(priced.lines) if priced else None,
        words=words,
    )


@bp.route("/issue", methods=["GET", "POST"])
@login_required
def issue() -> ResponseReturnValue:
    """Choose vehicles; with vehicles chosen, the preview. Takes `vehicle_id` (repeated) from any list."""
    access.require(actor(), Action.ISSUE_POLICIES)
    if request.values.get("all"):
        wanted = CandidateForm(request.values).wanted(current_account().id)
        return _preview(_new_order(candidates.candidate_ids(wanted, actor=actor(), now=g.now)))
    chosen = ids_in([*request.values.getlist("vehicle_id"), *request.values.getlist("vehicle_ids")])
    if request.method == "GET" and request.args.get("quote"):
        return _preview(_order_of_quote(request.args["quote"]))
    if "idempotency_key" in request.form:
        form = _with_cover_sets(IssueForm())
        form.validate()
        return _preview(form)
    if chosen or request.method == "POST":
        return _preview(_new_order(chosen))
    return _choose()


def _choose() -> ResponseReturnValue:
    account, form = current_account(), CandidateForm(request.args)
    form.branch.choices = [("", _("All branches")), *_branches()]
    form.use_class.choices = [("", _("All classes")), *choices("use_class")]
    form.line.choices = choices("policy_line")
    form.cover.choices = [
        ("", _("Any cover")),
        ("none", _("no cover today")),
        *((str(days), _("ends within %(days)s days", days=days)) for days in (7, 15, 30, 60)),
    ]
    page = candidates.list_candidates(form.wanted(account.id), page_request(), actor=actor(), now=g.now)
    return render_template("policies/choose.html", form=form, page=page, words=words)


def _branches() -> list[tuple[str, str]]:
    rows = accounts.list_branches(current_account().id, actor=actor())
    return [(str(row.id), named(row.name, row.name_en)) for row in rows]


def _new_order(vehicle_ids: Any) -> IssueForm:
    """An order for vehicles just chosen, with the lines they need soon."""
    lines = [
        line for line in request.values.getlist("line") if member(PolicyLine, line)
    ] or policies.suggested_lines(vehicle_ids, now=g.now)
    start_on = day_in(request.values.get("start_on", ""))
    form = IssueForm(
        formdata=None,
        data={"vehicle_ids": ",".join(map(str, vehicle_ids)), "lines": lines, "start_on": start_on},
    )
    form.start.data = "day" if start_on else "after"
    return _with_cover_sets(form)


def _order_of_quote(number: str) -> IssueForm:
    """An order for all that a quote sheet priced: its vehicles, covers and first day."""
    sheet = _quote_of_account(number)
    start_on = sheet.start_on if sheet.start_on and sheet.start_on >= local_date(g.now) else None
    vehicle_ids = quote_sheets.priced_vehicle_ids(number, actor=actor())
    form = IssueForm(
        formdata=None,
        data={
            "vehicle_ids": ",".join(map(str, vehicle_ids)),
            "lines": list(sheet.lines),
            "start": ON_A_DAY if start_on else AT_ONCE,
            "start_on": start_on,
            "quote": number,
        },
    )
    return _with_cover_sets(form)


def _quote_of_account(number: str) -> QuoteSheet:
    sheet = quote_sheets.find(number, actor())
    if sheet.account_id != current_account().id:
        raise NotFound("not_found")
    return sheet


def _sold(form: IssueForm) -> dict[PolicyLine, list[str]]:
    """The cover sets of each line to choose from: those of a quote, else those of the tables in force."""
    if form.quote.data:
        chosen = quote_sheets.choices_of(_quote_of_account(form.quote.data))
        return {choice.line: [choice.cover_set] for choice in chosen}
    tables = rates.in_force(current_account().id, local_date(g.now))
    return {line: tables[line].cover_sets for line in PolicyLine if line in tables}


def _with_cover_sets(form: IssueForm) -> IssueForm:
    """Offer the lines and cover sets that are sold; the first set of a line unless one was chosen."""
    sold = _sold(form)
    form.lines.choices = [(line.value, label(line, "policy_line")) for line in sold]
    if form.quote.data:
        # There is nothing to choose, so that it must be said here.
        form.lines.choices = [
            (line.value, f"{label(line, 'policy_line')} · {words.cover_set(codes[0])}")
            for line, codes in sold.items()
        ]
    form.start.choices = choices("cover_start")
    for line in PolicyLine:
        select = form.cover_set_of(line)
        codes = sold.get(line, [])
        select.choices = [(code, words.cover_set(code)) for code in codes]
        if select.data not in codes:
            select.data = codes[0] if codes else ""
    return form


def _preview(form: IssueForm, *, refused: bool = False) -> ResponseReturnValue:
    """Show what an order would do; when it was refused with 422, so that nothing of it is kept."""
    plan, problem = None, None
    try:
        plan = policies.preview(form.command(current_account().id), actor=actor(), now=g.now)
    except NotFound:
        raise
    except DomainError as error:
        problem = sentence(error)
    form.expected_fen.data = str(plan.total_fen) if plan else ""
    context = {"form": form, "plan": plan, "problem": problem, "words": words, **_plan_context(plan)}
    if refused:
        return again("policies/preview.html", **context)
    return render_template("policies/preview.html", **context)


def _plan_context(plan: policies.IssuePlan | None) -> dict[str, Any]:
    if plan is None:
        return {"rows": [], "refused_rows": [], "vehicle_count": 0, "credit": None, "release": None}
    branches = {row.id: row for row in accounts.list_branches(current_account().id, actor=actor())}
    credit = premiums.credit_of(current_account().id, actor=actor())
    return {
        "rows": words.plan_rows(plan, branches),
        "refused_rows": words.refused_rows(words.plan_refusals(plan), branches),
        "vehicle_count": len({one.vehicle.id for one in plan.policies}),
        "credit": credit,
        "release": premiums.usable_release(
            current_account().id, credit.exceeded_by(plan.total_fen), actor=actor(), now=g.now
        ),
    }


@bp.post("/issue/confirm")
@login_required
def confirm() -> ResponseReturnValue:
    """Issue what the preview showed."""
    form = _with_cover_sets(IssueForm())
    numbers: list[str] = []

    def act() -> None:
        order = form.command(current_account().id)
        key = form.idempotency_key.data or ""
        numbers.append(policies.issue(order, key=key, actor=actor(), now=g.now))

    if attempt(form, act):
        return done(_("The policies were issued."), "policies.batch", number=numbers[0])
    return _preview(form, refused=True)


@bp.get("/policies", endpoint="policies")
@login_required
def policies_page() -> ResponseReturnValue:
    """The account's policies, filtered."""
    account, form = current_account(), _policy_filter()
    page = queries.list_policies(form.wanted(account.id), page_request(), actor=actor(), now=g.now)
    return render_template("policies/list.html", form=form, page=page, words=words)


@bp.get("/policies.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The policies as filtered, as a spreadsheet."""
    account = current_account()
    rows = queries.export_policies(_policy_filter().wanted(account.id), actor=actor(), now=g.now)
    book = words.policies_workbook(rows, named(account.name, account.name_en), local_date(g.now))
    return spreadsheet(book, f"policies-{local_date(g.now)}.xlsx")


def _policy_filter() -> PolicyFilterForm:
    form = PolicyFilterForm(request.args)
    form.branch.choices = [("", _("All branches")), *_branches()]
    form.line.choices = [("", _("All lines")), *choices("policy_line")]
    form.state.choices = [("", _("All states")), *choices("policy_state")]
    form.ends.choices = [
        ("", _("Any end")),
        *((str(days), _("ends within %(days)s days", days=days)) for days in (7, 15, 30, 60)),
    ]
    return form


@bp.get("/policies/<number>")
@login_required
def policy(number: str) -> ResponseReturnValue:
    """One policy, as it stands or as of an instant."""
    form = AsOfForm(request.args)
    # What cannot be read as an instant means now.
    form.validate()
    view = queries.get_policy(number, actor=actor(), now=g.now, at=form.at.at)
    return render_template(
        "policies/detail.html",
        view=view,
        form=form,
        delivery=delivered.standing(delivery.whereabouts(view.policy)),
        kinds=endorsing.kinds_for(endorsing.open_file(view.policy), now=g.now),
        differences=_differences(view),
        shown=endorsement_words,
        words=words,
    )


def _differences(view: PolicyView) -> list[Difference]:
    """What the vehicle's record states and this policy does not, for those who can endorse it."""
    if not access.may(actor(), Action.ISSUE_POLICIES):
        return []
    vehicle = fleet.get_vehicle(view.policy.vehicle_id, actor=actor())
    found = endorsements.differences(vehicle, actor=actor(), now=g.now)
    return [one for one in found if one.policy.id == view.policy.id]


@bp.get("/policies/<number>.pdf")
@login_required
def policy_pdf(number: str) -> ResponseReturnValue:
    """One policy, to print."""
    view = queries.get_policy(number, actor=actor(), now=g.now)
    return _as_pdf(pdf_documents.policies_pdf([view], _policy_address), number)


def _policy_address(number: str) -> str:
    return f"{current_app.extensions['desk_config'].public_url}{url_for('policies.policy', number=number)}"


def _as_pdf(content: bytes, name: str) -> ResponseReturnValue:
    return send_file(BytesIO(content), mimetype="application/pdf", download_name=f"{name}.pdf")


@bp.get("/batches", endpoint="batches")
@login_required
def batches_page() -> ResponseReturnValue:
    """Batches of the account; those not handed over yet are marked."""
    page = batches.list_batches(current_account().id, page_request(), actor=actor())
    return render_template("policies/batches.html", page=page)


@bp.get("/batches/<number>")
@login_required
def batch(number: str) -> ResponseReturnValue:
    """One batch: what was issued and what was not, the bundle, the delivery."""
    return render_template("policies/batch.html", form=DeliveryForm(), **_batch_context(number))


def _batch_context(number: str) -> dict[str, Any]:
    view = batches.get_batch(number, page_request(), actor=actor(), now=g.now)
    count = view.batch.policy_count
    return {
        "view": view,
        "refused_rows": words.refused_rows(view.batch.refused, view.branches),
        "parts": [
            (first // POLICIES_A_FILE + 1, first + 1, min(first + POLICIES_A_FILE, count))
            for first in range(0, count, POLICIES_A_FILE)
        ],
        "words": words,
    }


@bp.get("/batches/<number>.pdf")
@login_required
def bundle(number: str) -> ResponseReturnValue:
    """The policies of a batch in one file, or a part of a large batch."""
    part = small_number(request.args.get("part")) or 1
    first = max(part - 1, 0) * POLICIES_A_FILE
    views = batches.policies_to_print(number, first=first, count=POLICIES_A_FILE, actor=actor(), now=g.now)
    if not views:
        raise NotFound("not_found")
    name = number if first == 0 else f"{number}-{part}"
    return _as_pdf(pdf_documents.policies_pdf(views, _policy_address, tagged=len(views) == 1), name)


@bp.post("/batches/<number>/deliver")
@login_required
def deliver(number: str) -> ResponseReturnValue:
    """Note to whom the printed policies were handed."""
    form = DeliveryForm()
    if attempt(form, lambda: batches.deliver(number, form.delivered_to.data or "", actor=actor(), now=g.now)):
        return done(_("The delivery was noted."), "policies.batch", number=number)
    return again("policies/batch.html", form=form, **_batch_context(number))
