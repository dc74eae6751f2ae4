"""The work log: one's own month against targets, for a manager that of the account's people, and the targets."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import member, small_number
from service_desk.forms.work_log import EVERYBODY, EntryForm, TargetForm, WorkFilterForm, month_typed
from service_desk.models.users import User
from service_desk.presenters import relations as relation_words
from service_desk.presenters import work_log as words
from service_desk.presenters.exports import person
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import branch_name
from service_desk.rules.periods import month_of
from service_desk.rules.permissions import CLIENT_ROLES, Action, Role
from service_desk.rules.work_log import WorkKind
from service_desk.services import access, accounts, submissions
from service_desk.services.relations import targets, work
from service_desk.services.relations.work import WorkFilter
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request
from service_desk.web.sent_twice import decide

bp = Blueprint("work_log", __name__)

USUAL_MINUTES = 60


@bp.get("/work-log")
@login_required
def mine() -> ResponseReturnValue:
    """A month of work with how it stands against the targets, and the form to log more."""
    access.require(actor(), Action.LOG_WORK)
    return render_template("work_log/list.html", **_context(_entry_form()))


@bp.get("/work-log.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The log as filtered, as a spreadsheet."""
    account, wanted = current_account(), _wanted()
    people = work.people_of(account.id, actor=actor())
    zone = ZoneInfo(account.zone)
    return send_list(
        lambda page: work.list_work(account.id, wanted, page, actor=actor(), zone=zone),
        lambda rows: words.work_sheet(rows, g.now),
        f"work-log-{wanted.period.first:%Y-%m}.xlsx",
        chosen_in(_filter_form(people, wanted)),
    )


@bp.post("/work-log")
@login_required
def log() -> ResponseReturnValue:
    """Write work into one's own log. The same form sent twice is one entry."""
    access.require(actor(), Action.LOG_WORK)
    account, form = current_account(), _entry_form()

    def make() -> str:
        return str(work.log(account.id, form.entry(), actor=actor(), now=g.now).id)

    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once("work_entry", key, make, actor=actor(), now=g.now)):
        return done(_("It is in your log."), "work_log.mine")
    return again("work_log/list.html", **_context(form))


@bp.post("/work-log/<int:entry_id>/strike")
@login_required
def strike(entry_id: int) -> ResponseReturnValue:
    """Take an entry of one's own out again."""
    access.require(actor(), Action.LOG_WORK)
    version = small_number(request.form.get("version")) or 0
    return decide(
        lambda: work.strike(entry_id, version, actor=actor(), now=g.now),
        _("It is out of your log."),
        url_for("work_log.mine"),
    )


def _wanted() -> WorkFilter:
    """The filter in the address; nonsense means one's own work of this month."""
    who = request.args.get("who", "")
    return WorkFilter(
        period=month_of(month_typed(request.args.get("month"), local_date(g.now))),
        user_id=small_number(who),
        kind=member(WorkKind, request.args.get("kind")),
        branch_id=small_number(request.args.get("branch")),
        is_everybody=who == EVERYBODY,
    )


def _entry_form() -> EntryForm:
    form = EntryForm(data={"at": g.now, "minutes": USUAL_MINUTES})
    form.kind.choices = choices("work_kind")
    form.branch_id.choices = [("", "—"), *_branches()]
    return form


def _branches() -> list[tuple[str, str]]:
    branches = accounts.list_branches(current_account().id, actor=actor())
    return [(str(one.id), branch_name(one)) for one in branches]


def _filter_form(people: list[User], wanted: WorkFilter) -> WorkFilterForm:
    form = WorkFilterForm(request.args, data={"month": f"{wanted.period.first:%Y-%m}"})
    form.month.data = f"{wanted.period.first:%Y-%m}"
    form.who.choices = [("", _("Myself")), (EVERYBODY, _("Everybody"))]
    form.who.choices += [(str(user.id), person(user)) for user in people if user.id != actor().id]
    form.kind.choices = [("", _("All kinds")), *choices("work_kind")]
    form.branch.choices = [("", _("All branches")), *_branches()]
    if len(people) == 1:
        del form.who
    return form


def _context(form: EntryForm) -> dict[str, Any]:
    account, wanted = current_account(), _wanted()
    people, zone = work.people_of(account.id, actor=actor()), ZoneInfo(account.zone)
    page = work.list_work(account.id, wanted, page_request(), actor=actor(), zone=zone)
    shown = people if wanted.is_everybody else _chosen(people, wanted)
    found = targets.read_month(account.id, wanted.period.first, actor=actor(), zone=zone, users=shown)
    return {
        "form": form,
        "page": page,
        "wanted": wanted,
        "filters": _filter_form(people, wanted),
        "standings": words.by_person(found),
        "month_title": relation_words.month_title(wanted.period.first),
        "shows_who": wanted.is_everybody or wanted.user_id is not None,
        "may_lead": access.may(actor(), Action.LEAD_RELATIONS),
        "words": words,
        "address_of": _address_of,
    }


def _chosen(people: list[User], wanted: WorkFilter) -> list[User]:
    user_id = wanted.user_id or actor().id
    return [user for user in people if user.id == user_id]


def _address_of(number: str) -> str | None:
    """Where a number of the log leads."""
    pages = {
        "CLM": "claims.claim",
        "ENQ": "enquiries.enquiry",
        "REL": "relations.event",
    }
    endpoint = pages.get(number.partition("-")[0])
    return url_for(endpoint, number=number) if endpoint else None


@bp.get("/work-log/targets")
@login_required
def show_targets() -> ResponseReturnValue:
    """The targets, and the form to set one; for managers."""
    return render_template("work_log/targets.html", **_targets_context(_target_form()))


@bp.post("/work-log/targets")
@login_required
def set_target() -> ResponseReturnValue:
    """Set a target from a month on."""
    account, form = current_account(), _target_form()

    def act() -> None:
        targets.set_target(account.id, form.wanted(local_date(g.now)), actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The target is set."), "work_log.show_targets")
    return again("work_log/targets.html", **_targets_context(form))


@bp.post("/work-log/targets/<int:target_id>/remove")
@login_required
def remove_target(target_id: int) -> ResponseReturnValue:
    """Take a target back."""
    version = small_number(request.form.get("version")) or 0
    return decide(
        lambda: targets.remove_target(target_id, version, actor=actor(), now=g.now),
        _("The target was taken back."),
        url_for("work_log.show_targets"),
    )


def _target_form() -> TargetForm:
    access.require(actor(), Action.LEAD_RELATIONS)
    people = work.people_of(current_account().id, actor=actor())
    form = TargetForm(data={"month": f"{local_date(g.now):%Y-%m}"})
    roles = [role for role in Role if role not in CLIENT_ROLES and role is not Role.ADMIN]
    form.whose.choices = [(f"role:{role.value}", label(role, "role")) for role in roles]
    form.whose.choices += [(f"user:{user.id}", person(user)) for user in people]
    form.kind.choices = choices("work_kind")
    return form


def _targets_context(form: TargetForm) -> dict[str, Any]:
    rows = targets.list_targets(current_account().id, actor=actor())
    return {"form": form, "rows": rows, "words": words}
