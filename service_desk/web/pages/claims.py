"""Claims: the queue, one claim's page, its steps."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import login_required

from service_desk.base.errors import Forbidden, NotFound
from service_desk.forms.claims import AssignManyForm, StepForm
from service_desk.forms.fields import small_number
from service_desk.models.claims import Claim, ClaimCalculation
from service_desk.models.enquiries import MatterKind
from service_desk.models.users import User
from service_desk.presenters import claim_calculations, sla_clocks
from service_desk.presenters import claims as words
from service_desk.presenters.claims_timeline import photos_of, time_line
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.messages import sentence
from service_desk.rules.claim_documents import features_of
from service_desk.rules.claim_flow import ClaimAction, next_action
from service_desk.rules.knowledge import moment_of
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, enquiries, knowledge, submissions
from service_desk.services.claims import assigning, people, queries
from service_desk.services.claims.assigning import Assigned
from service_desk.services.claims.files import ClaimFile, list_branches, read_file
from service_desk.services.claims.queries import ClaimFilter, QueueView
from service_desk.services.knowledge import Guide
from service_desk.services.sla import standing_in
from service_desk.services.sla.standing_in import Away
from service_desk.web.claim_panels import panels_of
from service_desk.web.claim_steps import STEPS, build_form, possible_steps
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request
from service_desk.web.several import kept_offer
from service_desk.web.threads import exchanged_on

bp = Blueprint("claims", __name__)

# Saved filters that say something to the desk only.
_STAFF_VIEWS = {QueueView.UNASSIGNED, QueueView.AT_RISK}


@bp.get("/claims")
@login_required
def queue() -> ResponseReturnValue:
    """The account's claims, by saved filter, branch and search text."""
    return render_template("claims/list.html", **_queue(_assign_form()))


def _queue(form: AssignManyForm | None) -> dict[str, Any]:
    """All that the queue shows. `form` gives what is ticked to somebody, None for who may not."""
    account, wanted = current_account(), _wanted()
    counts = queries.count_views(account.id, wanted, actor=actor(), now=g.now)
    page = queries.list_claims(account.id, wanted, page_request(), actor=actor(), now=g.now, counts=counts)
    offer = kept_offer()
    return {
        "page": page,
        "wanted": wanted,
        "views": _views(wanted, counts),
        "branches": [(b.id, branch_name(b)) for b in list_branches(account.id, actor=actor())],
        "words": words,
        "form": form,
        "offer": offer,
        "ticked": {*request.form.getlist("number"), *offer.numbers},
        "sees_date_order": access.may(actor(), Action.READ_DASHBOARD),
    }


def _assign_form() -> AssignManyForm | None:
    if not access.may(actor(), Action.ASSIGN_CLAIMS):
        return None
    form = AssignManyForm()
    handlers = people.list_handlers(current_account().id)
    form.handler_id.choices = [(user.id, f"{user.name} · {user.staff_no}") for user in handlers]
    return form


@bp.post("/claims/assign")
@login_required
def assign_many() -> ResponseReturnValue:
    """Give what is ticked to a handler. What could not go over is named with its reason."""
    form = _assign_form()
    if form is None:
        raise Forbidden("not_allowed", action=Action.ASSIGN_CLAIMS.value)
    account, counts = current_account(), list[int]()

    def act() -> str:
        command = form.command(request.form.getlist("number"))
        made = assigning.assign_many(account.id, command, actor=actor(), now=g.now)
        _say_left(made)
        return str(len(made.done))

    def once() -> None:
        key = form.idempotency_key.data or ""
        counts.append(int(submissions.once("claims_assigned", key, act, actor=actor(), now=g.now)))

    if attempt(form, once):
        said = ngettext(
            "%(num)s claim has its new handler.", "%(num)s claims have their new handler.", counts[0]
        )
        flash(said, "ok")
        where: dict[str, Any] = request.args.to_dict()
        return redirect(url_for("claims.queue", **where), 303)
    return again("claims/list.html", **_queue(form))


def _say_left(made: Assigned) -> None:
    for claim, refusal in made.left:
        flash(
            _("%(number)s stays as it is: %(reason)s", number=claim.number, reason=sentence(refusal)), "warn"
        )


@bp.get("/claims.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The queue as filtered, as a spreadsheet in the reader's language."""
    account, wanted = current_account(), _wanted()
    return send_list(
        lambda page: queries.list_claims(
            account.id, wanted, page, actor=actor(), now=g.now, is_for_file=True
        ),
        lambda rows: words.sheet(rows, wanted.view, g.now),
        _("claims-%(view)s.xlsx", view=label(wanted.view, "queue_view")),
        _chosen(wanted),
    )


def _chosen(wanted: ClaimFilter) -> list[tuple[str, str]]:
    branches = list_branches(current_account().id, actor=actor())
    chosen = [(_("Branch"), branch_name(branch)) for branch in branches if branch.id == wanted.branch_id]
    return [*chosen, (_("Search"), wanted.text)] if wanted.text else chosen


def _wanted() -> ClaimFilter:
    """The filter in the address; nonsense means all open claims, the next due first."""
    view, sort = request.args.get("view", ""), request.args.get("sort", "due")
    return ClaimFilter(
        view=QueueView(view) if view in set(QueueView) else QueueView.OPEN,
        branch_id=small_number(request.args.get("branch")),
        text=request.args.get("q", "")[:100],
        sort=sort if sort.removeprefix("-") in queries.SORTS else "due",
    )


def _views(wanted: ClaimFilter, counts: dict[QueueView, int]) -> list[dict[str, Any]]:
    shown = [view for view in QueueView if not (_is_client() and view in _STAFF_VIEWS)]
    return [
        {
            "label": label(view, "queue_view"),
            "url": url_for("claims.queue", view=view.value, branch=wanted.branch_id, q=wanted.text or None),
            "is_current": view is wanted.view,
            "count": _count_words(view, counts[view]),
        }
        for view in shown
    ]


def _count_words(view: QueueView, count: int) -> int | str:
    """A count, with a plus where it was cut off."""
    if view is QueueView.CLOSED and count > queries.MOST_COUNTED:
        return f"{queries.MOST_COUNTED:,}+"
    return count


@bp.get("/claims/<number>")
@login_required
def claim(number: str) -> ResponseReturnValue:
    """Everything about one claim, with its next step."""
    return render_template("claims/detail.html", **_context(number))


def _shown_calculation(file: ClaimFile) -> ClaimCalculation | None:
    """The newest calculation; for the client the newest that was approved."""
    shown = [c for c in file.standing if c.approved_at is not None or not _is_client()]
    return shown[-1] if shown else None


@bp.get("/claims/<number>/<step>")
@login_required
def step_address(number: str, step: str) -> ResponseReturnValue:  # noqa: ARG001 - the address has it
    """A refused step leaves its address behind; reloaded or shared, it is the claim's page."""
    return redirect(url_for("claims.claim", number=number))


@bp.post("/claims/<number>/<step>")
@login_required
def act(number: str, step: str) -> ResponseReturnValue:
    """Do one step. The same form sent twice does it once."""
    action = ClaimAction(step) if step in set(ClaimAction) else None
    if action is None or action not in STEPS:
        raise NotFound("not_found")
    form = build_form(action, read_file(number, actor=actor()), sent=True)

    def run() -> str:
        STEPS[action].run_for(number, form)
        return number

    kind = f"claim_{step}"
    if attempt(form, lambda: submissions.once(kind, form.key, run, actor=actor(), now=g.now)):
        return done(str(STEPS[action].said), "claims.claim", number=number)
    if submissions.was_done(kind, form.key, actor=actor()):
        # Sent again, it names what is not offered any more: the papers it brought itself.
        return done(str(STEPS[action].said), "claims.claim", number=number)
    return again("claims/detail.html", **_context(number, {action: form}))


def _context(number: str, sent: dict[ClaimAction, StepForm] | None = None) -> dict[str, Any]:
    """All that the page shows. `sent` are forms that were refused and are shown as they were typed."""
    file, refused = read_file(number, actor=actor()), sent or {}
    claim = file.claim
    possible = possible_steps(file, actor())
    shown = {action: build_form(action, file) for action in possible if action not in refused}
    for form in refused.values():
        # The page now shows the claim as it is, so what is sent again is based on that.
        form.version.data = str(claim.version)
    upcoming = next_action(
        claim.state,
        is_due=file.due_fen > 0,
        letter_sent=claim.denial_letter_at is not None,
        followed_up=claim.followed_up_at is not None,
        was_surveyed=claim.surveyed_at is not None,
    )
    return {
        "file": file,
        "claim": claim,
        "words": words,
        "open_rows": sla_clocks.open_rows,
        "ended_rows": sla_clocks.ended_rows,
        "forms": {action.value: form for action, form in (shown | refused).items()},
        "possible": [action.value for action in possible],
        "next_step": upcoming.value if upcoming in possible else None,
        "awaited_step": upcoming.value if upcoming else None,
        "refused": [action.value for action in refused],
        "is_client": _is_client(),
        "away": _away(claim),
        "timeline": time_line(file, g.now, for_client=_is_client(), besides=exchanged_on(claim)),
        "photos": photos_of(file.documents),
        "calculation": _shown_calculation(file),
        "calculation_words": claim_calculations,
        "takers": _takers(file),
        "offer": kept_offer(),
        "panels": panels_of(file, actor()),
        "contacts_about": enquiries.list_of_record(claim_id=claim.id, actor=actor()),
        "contact_about": claim.number,
        "guides": _guides(file) if _is_client() else [],
    }


def _guides(file: ClaimFile) -> list[Guide]:
    """What helps the client at the claim's present step."""
    moment = moment_of(file.claim.state)
    if moment is None:
        return []
    return knowledge.guides_for(
        file.claim.account_id,
        moment,
        use_class=file.vehicle.use_class,
        features=features_of([row.code for row in file.wanted]),
        actor=actor(),
    )


def _away(claim: Claim) -> Away | None:
    """Whether its handler is away, and who answers meanwhile."""
    return standing_in.away_now([claim.owner_id], g.now, account_id=claim.account_id).get(claim.owner_id)


def _takers(file: ClaimFile) -> list[User]:
    """Whom its handler or a manager may offer the claim to, while it is open and nobody is asked."""
    me = actor()
    may_offer = me.id == file.claim.owner_id or me.role is Role.MANAGER
    if not may_offer or file.offer is not None or not words.is_open(file.claim):
        return []
    return enquiries.possible_takers(file.claim.account_id, MatterKind.CLAIM, file.claim.owner_id)


def _is_client() -> bool:
    return actor().side is Side.CLIENT
