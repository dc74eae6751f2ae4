"""Quote, issue, and policies."""

from typing import Any

from flask import Blueprint, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet
from service_desk.base.clock import local_date
from service_desk.base.errors import DomainError, NotFound
from service_desk.forms.endorsements import AsOfForm
from service_desk.forms.fields import member, small_number
from service_desk.forms.policies import (
    AT_ONCE,
    ON_A_DAY,
    CandidateForm,
    IssueForm,
    PolicyFilterForm,
    QuoteForm,
    day_in,
    ids_in,
)
from service_desk.forms.renewals import RenewalFilterForm
from service_desk.models.accounts import Branch
from service_desk.models.policies import IssueList, QuoteSheet
from service_desk.presenters import batches as batch_words
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
from service_desk.services import access, accounts, enquiries, policies, premiums, renewals
from service_desk.services.fleet import queries as fleet
from service_desk.services.policies import (
    batches,
    candidates,
    endorsements,
    endorsing,
    issue_lists,
    queries,
    quote_sheets,
    quoting,
    rates,
)
from service_desk.services.policies.delivery import queries as delivery
from service_desk.services.policies.endorsements import Difference
from service_desk.services.policies.queries import PolicyView
from service_desk.web.exports import chosen_in, send_book, send_list
from service_desk.web.http import (
    actor,
    again,
    as_pdf,
    attempt,
    current_account,
    done,
    page_request,
)

bp = Blueprint("policies", __name__)


@bp.get("/quote")
@login_required
def quote() -> ResponseReturnValue:
    """A premium at once, for a plate or for a class and size."""
    access.require(actor(), Action.QUOTE)
    form = QuoteForm(request.args)
    form.use_class.choices = [("", _("Choose a class")), *choices("use_class")]
    form.ctpl_float.choices = [
        (code.value, f"{code.value} ({share * 100:+.0f}%)") for code, share in FLOAT_RATES.items()
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
    if "idempotency_key" in request.form:
        form = _with_cover_sets(IssueForm())
        form.validate()
        return _preview(form)
    kept = _asked_list(request.args.get("list"))
    if kept is not None:
        return _preview(_new_order([row["vehicle_id"] for row in kept.rows], kept))
    if request.values.get("all"):
        wanted = CandidateForm(request.values).wanted(current_account().id)
        return _preview(_new_order(candidates.candidate_ids(wanted, actor=actor(), now=g.now)))
    if request.values.get("renewals"):
        return _preview(_new_order(_to_renew()))
    if request.method == "GET" and request.args.get("quote"):
        return _preview(_order_of_quote(request.args["quote"]))
    chosen = ids_in([*request.values.getlist("vehicle_id"), *request.values.getlist("vehicle_ids")])
    if chosen or request.method == "POST":
        return _preview(_new_order(chosen))
    return _choose()


def _asked_list(list_id: str | None) -> IssueList | None:
    """The list of vehicles an order is for; None when it is for vehicles chosen here."""
    number = small_number(list_id)
    kept = issue_lists.get_list(number, actor=actor()) if number else None
    if kept is not None and kept.account_id != current_account().id:
        raise NotFound("not_found")
    return kept


def _to_renew() -> list[int]:
    """The vehicles of the renewals board, as filtered there."""
    wanted = RenewalFilterForm(request.values).wanted(current_account().id)
    found = renewals.list_expiries(wanted, actor=actor(), now=g.now)
    return list(dict.fromkeys(one.vehicle_id for one in found))


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


def _new_order(vehicle_ids: Any, kept: IssueList | None = None) -> IssueForm:
    """An order for vehicles just chosen or listed, with the lines they need soon."""
    lines = [
        line for line in request.values.getlist("line") if member(PolicyLine, line)
    ] or policies.suggested_lines(vehicle_ids, now=g.now)
    start_on = day_in(request.values.get("start_on", ""))
    form = IssueForm(
        formdata=None,
        data={
            "vehicle_ids": "" if kept else ",".join(map(str, vehicle_ids)),
            "list_id": str(kept.id) if kept else "",
            "lines": lines,
            "start_on": start_on,
        },
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
    plan, problem, kept = None, None, _asked_list(form.list_id.data)
    try:
        plan = policies.preview(form.command(current_account().id, kept), actor=actor(), now=g.now)
    except NotFound:
        raise
    except DomainError as error:
        problem = sentence(error)
    form.expected_fen.data = str(plan.total_fen) if plan else ""
    context = {
        "form": form,
        "plan": plan,
        "problem": problem,
        "kept": kept,
        "words": words,
        **_plan_context(plan),
    }
    if refused:
        return again("policies/preview.html", **context)
    return render_template("policies/preview.html", **context)


def _plan_context(plan: policies.IssuePlan | None) -> dict[str, Any]:
    if plan is None:
        return {"rows": [], "refused_rows": [], "vehicle_count": 0, "credit": None, "release": None}
    branches = branches_by_id()
    credit = premiums.credit_of(current_account().id, actor=actor())
    return {
        "rows": words.plan_rows(plan, branches),
        "refused_rows": batch_words.refused_rows(plan.refused, branches, most=batch_words.MOST_REFUSED_SHOWN),
        "refused_count": batch_words.refused_count(plan.refused),
        "reasons": batch_words.plan_reasons(plan),
        "branch_sums": batch_words.branch_sums(plan, branches),
        "becomes_run": policies.becomes_run(plan),
        "vehicle_count": len({one.vehicle.id for one in plan.policies}),
        "credit": credit,
        "release": premiums.usable_release(
            current_account().id, credit.exceeded_by(plan.total_fen), actor=actor(), now=g.now
        ),
    }


def branches_by_id() -> dict[int, Branch]:
    """The branches of the account that the reader sees."""
    return {row.id: row for row in accounts.list_branches(current_account().id, actor=actor())}


@bp.post("/issue/refused.xlsx")
@login_required
def refused_of_order() -> ResponseReturnValue:
    """All that the order on the preview cannot issue, as a spreadsheet."""
    form = _with_cover_sets(IssueForm())
    order = form.command(current_account().id, _asked_list(form.list_id.data))
    title, today = _("What cannot be issued, by vehicle"), local_date(g.now)

    def sheets() -> list[TableSheet]:
        plan = policies.preview(order, actor=actor(), now=g.now)
        branches = branches_by_id()
        lines = [(one, branches.get(one.branch_id or 0)) for one in plan.refused]
        return [batch_words.refused_sheet(lines, title, today)]

    return send_book(sheets, f"not-issued-{today}.xlsx")


@bp.post("/issue/confirm")
@login_required
def confirm() -> ResponseReturnValue:
    """Issue what the preview showed, at once or as a run that the batch's page shows."""
    form = _with_cover_sets(IssueForm())
    numbers: list[str] = []

    def act() -> None:
        order = form.command(current_account().id, _asked_list(form.list_id.data))
        key = form.idempotency_key.data or ""
        numbers.append(policies.issue(order, key=key, actor=actor(), now=g.now))

    if not attempt(form, act):
        return _preview(form, refused=True)
    run = batches.find_progress(numbers[0], actor=actor())
    is_open = run is not None and run.finished_at is None
    said = _("The policies are being issued.") if is_open else _("The policies were issued.")
    return done(said, "policies_batches.batch", number=numbers[0])


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
    account, form, today = current_account(), _policy_filter(), local_date(g.now)
    wanted, name = form.wanted(account.id), named(account.name, account.name_en)
    return send_list(
        lambda page: queries.list_policies(wanted, page, actor=actor(), now=g.now),
        lambda rows: words.policies_sheet(rows, name, today),
        f"policies-{today}.xlsx",
        chosen_in(form),
    )


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
        contacts_about=enquiries.list_of_record(policy_id=view.policy.id, actor=actor()),
        contact_about=view.policy.number,
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
    content = pdf_documents.policies_pdf([view], policy_address)
    return as_pdf(content, number, account_id=view.policy.account_id)


def policy_address(number: str) -> str:
    """The page of a policy as its print's QR code names it."""
    return f"{current_app.extensions['desk_config'].public_url}{url_for('policies.policy', number=number)}"
