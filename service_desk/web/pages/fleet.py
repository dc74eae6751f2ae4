"""The fleet: list with cover today, one vehicle, suggestions for other forms."""

from io import BytesIO
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    jsonify,
    render_template,
    request,
    send_file,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import end_of_day, local_date, start_of_day
from service_desk.base.errors import Conflict
from service_desk.base.paging import Page, PageRequest
from service_desk.forms.coverage import PeriodForm, two_years
from service_desk.forms.fleet import VehicleFilterForm, VehicleForm, VehicleStateForm
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.presenters import coverage as cover_words
from service_desk.presenters import fleet as shown
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import named
from service_desk.presenters.missed_cover import layer_words
from service_desk.rules.coverage import Span
from service_desk.rules.identifiers import has_right_check_digit
from service_desk.rules.knowledge import HelpMoment
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import last_covered_day
from service_desk.services import access, accounts, enquiries, knowledge
from service_desk.services.fleet import queries, vehicles
from service_desk.services.fleet.queries import CoverFilter, VehicleFilter
from service_desk.services.policies import calendars, coverage, endorsements
from service_desk.services.policies import queries as policy_queries
from service_desk.services.policies.onboarding.queries import number_for
from service_desk.services.renewals import case_views
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("fleet", __name__)

# The ids of all filtered vehicles stand in the page, so that one button issues for all of them.
_MOST_TO_ISSUE = 2000


@bp.get("/vehicles", endpoint="vehicles")
@login_required
def vehicles_list() -> ResponseReturnValue:
    """The vehicles of the account, filtered, with their cover today."""
    account, form = current_account(), _filter_form()
    wanted, sort = form.wanted(), request.args.get("sort", "")
    page = queries.list_vehicles(account.id, wanted, page_request(), sort=sort, actor=actor(), now=g.now)
    covers = coverage.coverage_of([one.vehicle.id for one in page.rows], g.now)
    issue_url = _address("policies.issue") if access.may(actor(), Action.ISSUE_POLICIES) else None
    return render_template(
        "fleet/list.html",
        form=form,
        page=page,
        rows=[shown.vehicle_row(one, covers.get(one.vehicle.id), g.now) for one in page.rows],
        sort=sort,
        tabs=_tabs(account.id, wanted),
        chips=_chips(form, wanted),
        issue_url=issue_url,
        all_ids=_all_ids(account.id, wanted, page.total) if issue_url else [],
        has_vehicles=page.total > 0
        or queries.count_vehicles(account.id, VehicleFilter(), actor=actor(), now=g.now) > 0,
    )


def _address(endpoint: str, **values: Any) -> str | None:
    """A page's address; None where this installation has no such page, as in the navigation."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def _filter_form() -> VehicleFilterForm:
    form = VehicleFilterForm(request.args)
    branches = accounts.list_branches(current_account().id, actor=actor())
    form.branch.choices = [
        ("", _("All branches")),
        *((row.id, named(row.name, row.name_en)) for row in branches),
    ]
    form.use_class.choices = [("", _("All classes")), *choices("use_class")]
    form.state.choices = [("", _("All states")), *choices("vehicle_state")]
    form.cover.choices = [("", _("Any cover")), *choices("cover_filter")]
    return form


def _tabs(account_id: int, wanted: VehicleFilter) -> list[dict[str, object]]:
    """The tabs: everything, and what needs somebody's attention, with counts."""

    def count(cover: CoverFilter | None) -> int:
        return queries.count_vehicles(account_id, VehicleFilter(cover=cover), actor=actor(), now=g.now)

    plain = VehicleFilter()
    tabs: list[tuple[str, CoverFilter | None]] = [(_("All vehicles"), None)]
    tabs += [(label(cover, "cover_filter"), cover) for cover in CoverFilter]
    return [
        {
            "label": words,
            "url": url_for("fleet.vehicles", cover=cover.value if cover else None),
            "is_current": wanted == (VehicleFilter(cover=cover) if cover else plain),
            "count": count(cover),
        }
        for words, cover in tabs
    ]


def _chips(form: VehicleFilterForm, wanted: VehicleFilter) -> list[dict[str, str]]:
    words = {
        "q": wanted.text,
        "branch": next((name for id_, name in form.branch.pairs if id_ == wanted.branch_id), ""),
        "use_class": label(wanted.use_class, "use_class") if wanted.use_class else "",
        "state": label(wanted.state, "vehicle_state") if wanted.state else "",
        "cover": label(wanted.cover, "cover_filter") if wanted.cover else "",
    }
    return [
        {"label": f"{form[key].label.text}: {text}", "remove_url": _without(key)}
        for key, text in words.items()
        if text
    ]


def _without(key: str) -> str:
    """This list's address without one of its filters."""
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name not in {key, "page"}}
    return url_for("fleet.vehicles", **kept)


def _all_ids(account_id: int, wanted: VehicleFilter, total: int) -> list[int]:
    """Every filtered vehicle's id, when a filter is set and they are not more than one batch should hold."""
    if wanted == VehicleFilter() or not 0 < total <= _MOST_TO_ISSUE:
        return []
    return list(queries.vehicle_ids(account_id, wanted, actor=actor(), now=g.now))


@bp.get("/vehicles/export")
@login_required
def export() -> ResponseReturnValue:
    """Exactly what is filtered, as .xlsx."""
    account, form, sort = current_account(), _filter_form(), request.args.get("sort", "")
    wanted, name = form.wanted(), named(account.name, account.name_en)

    def read(page: PageRequest) -> Page[shown.CoveredVehicle]:
        found = queries.list_vehicles(account.id, wanted, page, sort=sort, actor=actor(), now=g.now)
        covers = coverage.coverage_of([one.vehicle.id for one in found.rows], g.now)
        return Page(shown.with_cover(found.rows, covers), found.total, found.number, found.size)

    return send_list(
        read,
        lambda rows: shown.vehicles_sheet(rows, name, g.now),
        f"vehicles-{account.code}-{g.now:%Y%m%d}.xlsx",
        chosen_in(form),
    )


def download(content: bytes, filename: str, content_type: str = "application/octet-stream") -> Response:
    """An answer the browser keeps as a file."""
    # Clients name their files in Chinese, which a header cannot carry as it is: send_file writes it so it can.
    return send_file(BytesIO(content), mimetype=content_type, as_attachment=True, download_name=filename)


@bp.get("/api/vehicles/suggest")
@login_required
def suggest() -> ResponseReturnValue:
    """Vehicles for the list under a plate field: those the actor may see."""
    found = queries.suggest(request.args.get("q", "")[:50], current_account().id, actor=actor())
    return jsonify([shown.suggestion(one) for one in found])


@bp.get("/vehicles/<int:vehicle_id>")
@login_required
def vehicle(vehicle_id: int) -> ResponseReturnValue:
    """One vehicle: facts, histories, cover over time, policies and claims."""
    row = queries.get_vehicle(vehicle_id, actor=actor())
    return _detail(row, _state_form(row))


def _detail(row: Vehicle, state_form: VehicleStateForm) -> str:
    own = queries.policies_of(row, actor=actor())
    is_operating = row.state is VehicleState.OPERATING
    form = PeriodForm(request.args)
    period = form.period(two_years(local_date(g.now)))
    within = Span(start_of_day(period.first), end_of_day(period.last))
    missing = coverage.coverage_of([row.id], g.now)[row.id].missing_layers if is_operating else ()
    return render_template(
        "fleet/detail.html",
        vehicle=row,
        name=shown.vehicle_name(row),
        branches=queries.branches_of(row),
        plates=queries.plates_of(row),
        layers=cover_words.layer_rows(calendars.vehicle_calendar(row, within, now=g.now), g.now),
        missing=missing,
        missing_words=layer_words(missing),
        missed_case=case_views.open_case_of(row.id),
        period_form=form,
        period=period,
        policies=own,
        changes=policy_queries.premium_changes([policy.id for policy in own]),
        differences=endorsements.differences(row, actor=actor(), now=g.now)
        if access.may(actor(), Action.ISSUE_POLICIES)
        else [],
        claims=queries.claims_of(row, actor=actor()),
        contacts_about=enquiries.list_of_record(vehicle_id=row.id, actor=actor()),
        contact_about=row.plate or "",
        guides=knowledge.guides_for(
            row.account_id, HelpMoment.PREVENTION, use_class=row.use_class, actor=actor()
        ),
        contacts=queries.contacts_of(row),
        came_from=queries.import_row_of(row),
        place_of=shown.place_of,
        size=shown.size_of(row),
        state_tone=shown.STATE_TONES[row.state.value],
        has_odd_vin=bool(row.vin) and not has_right_check_digit(row.vin or ""),
        state_form=state_form,
        named=named,
        last_day=last_covered_day,
        policy_url=lambda number: _address("policies.policy", number=number),
        claim_url=lambda number: _address("claims.claim", number=number),
        report_url=_address("claim_reports.report", plate=row.plate)
        if access.may(actor(), Action.REPORT_CLAIM)
        else None,
        request_url=_request_url(row),
        issue_url=_address("policies.issue", vehicle_id=row.id)
        if access.may(actor(), Action.ISSUE_POLICIES)
        else None,
    )


def _request_url(row: Vehicle) -> str | None:
    """The request a vehicle came by, None for one that came otherwise."""
    number = number_for(row, actor=actor())
    return url_for("onboarding.request", number=number) if number else None


def _state_form(row: Vehicle) -> VehicleStateForm:
    form = VehicleStateForm(data={"version": row.version})
    form.state.choices = [
        (state.value, label(state, "vehicle_state")) for state in vehicles.STATE_CHANGES[row.state]
    ]
    return form


@bp.post("/vehicles/<int:vehicle_id>/state")
@login_required
def set_state(vehicle_id: int) -> ResponseReturnValue:
    """Suspend, resume or retire, with a reason."""
    access.require(actor(), Action.EDIT_VEHICLES)
    row = queries.get_vehicle(vehicle_id, actor=actor())
    form = _state_form(row)

    def act() -> None:
        vehicles.set_state(
            vehicle_id,
            form.wanted(),
            form.reason.data or "",
            form.version.data or 0,
            actor=actor(),
            now=g.now,
        )

    if attempt_once(form, act):
        return done(_("The vehicle's state was changed."), "fleet.vehicle", vehicle_id=vehicle_id)
    return _detail(queries.get_vehicle(vehicle_id, actor=actor()), form), 422


@bp.route("/vehicles/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Add one vehicle."""
    access.require(actor(), Action.EDIT_VEHICLES)
    account, form = current_account(), _with_choices(VehicleForm(), None)
    added: list[Vehicle] = []

    def act() -> None:
        added.append(
            vehicles.add_vehicle(
                account.id, form.command(), actor=actor(), now=g.now, key=form.idempotency_key.data or ""
            )
        )

    if attempt(form, act):
        return done(_("The vehicle was added."), "fleet.vehicle", vehicle_id=added[0].id)
    return _edit_page(form, _("New vehicle"), None)


@bp.route("/vehicles/<int:vehicle_id>/edit", methods=["GET", "POST"])
@login_required
def edit(vehicle_id: int) -> ResponseReturnValue:
    """Change a vehicle's facts, its plate and its branch."""
    access.require(actor(), Action.EDIT_VEHICLES)
    row = queries.get_vehicle(vehicle_id, actor=actor())
    form = _with_choices(VehicleForm(obj=row), row)
    was_stale = False

    def act() -> None:
        nonlocal was_stale
        try:
            vehicles.change_vehicle(
                vehicle_id, form.command(), form.version.data or 0, actor=actor(), now=g.now
            )
        except Conflict:
            was_stale = True
            raise

    if attempt_once(form, act):
        _warn_of_check_digit(row)
        return done(_("The vehicle was changed."), "fleet.vehicle", vehicle_id=vehicle_id)
    return _edit_page(
        form, _("Change %(name)s", name=shown.vehicle_name(row)), vehicle_id, was_stale=was_stale
    )


def _warn_of_check_digit(row: Vehicle) -> None:
    if row.vin and not has_right_check_digit(row.vin):
        flash(label("vin_check_digit", "import_warning"), "warn")


def _with_choices(form: VehicleForm, row: Vehicle | None) -> VehicleForm:
    account_id = row.account_id if row else current_account().id
    branches = accounts.list_branches(account_id, actor=actor())
    used = [branch for branch in branches if branch.is_active or (row and branch.id == row.branch_id)]
    form.branch_id.choices = [(branch.id, named(branch.name, branch.name_en)) for branch in used]
    form.use_class.choices = [("", _("not known yet")), *choices("use_class")]
    return form


def _edit_page(
    form: VehicleForm, heading: str, vehicle_id: int | None, *, was_stale: bool = False
) -> ResponseReturnValue:
    context = {"form": form, "heading": heading, "vehicle_id": vehicle_id}
    if was_stale:
        return render_template("fleet/edit.html", **context), 409
    if form.is_submitted():
        return again("fleet/edit.html", **context)
    return render_template("fleet/edit.html", **context)
