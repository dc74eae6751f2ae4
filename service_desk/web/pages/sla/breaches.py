"""The audit of broken promises: the lists, one breach with who held the clock, the review."""

from typing import Any

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.forms.sla import PERIODS, BreachFilterForm, ReviewForm
from service_desk.models.accounts import Branch
from service_desk.models.sla import Timer
from service_desk.presenters import sla as words
from service_desk.presenters import sla_ledger
from service_desk.presenters.labels import LABELS, choices, label
from service_desk.presenters.languages import branch_name
from service_desk.services import accounts, sla, submissions
from service_desk.services.sla import BreachFilter, BreachView
from service_desk.services.sla.reviews import BreachFile, count_views, holders_in
from service_desk.services.sla.similar import similar_to
from service_desk.web.http import actor, again, attempt, current_account, done, page_request
from service_desk.web.pages.sla.blueprint import bp

_MATTER_PAGES = {"claim": "claims.claim", "enquiry": "enquiries.enquiry"}


@bp.get("/breaches")
@login_required
def breaches() -> ResponseReturnValue:
    """Broken promises awaiting review, the reviewed ones, and clocks about to break."""
    account = current_account()
    form = BreachFilterForm(request.args)
    view = request.args.get("view", BreachView.OPEN.value)
    wanted = form.wanted(view, account.id, g.now)
    page = sla.list_breaches(wanted, page_request(), actor=actor(), now=g.now)
    branches = accounts.list_branches(account.id, actor=actor())
    _fill(form, branches, account.id)
    return render_template(
        "sla/breaches.html",
        form=form,
        page=page,
        wanted=wanted,
        views=_views(wanted),
        chips=_chips(form),
        branch_names={branch.id: branch_name(branch) for branch in branches},
        matter_url=matter_url,
        words=words,
    )


@bp.get("/breaches/<int:timer_id>")
@login_required
def breach(timer_id: int) -> ResponseReturnValue:
    """One breach: the promise, who held the clock, the review or its form."""
    file = sla.get_breach(timer_id, actor=actor(), now=g.now)
    return render_template("sla/breach.html", **_breach_context(file, _review_form(file)))


@bp.post("/breaches/<int:timer_id>")
@login_required
def sign(timer_id: int) -> ResponseReturnValue:
    """Sign the review."""
    file = sla.get_breach(timer_id, actor=actor(), now=g.now)
    form = _review_form(file)

    def act() -> None:
        submissions.once(
            "breach_review",
            form.idempotency_key.data or "",
            lambda: str(sla.sign_review(timer_id, form.command(), actor=actor(), now=g.now).id),
            actor=actor(),
            now=g.now,
        )

    if attempt(form, act):
        return done(_("The review is signed."), "sla.breach", timer_id=timer_id)
    return again("sla/breach.html", **_breach_context(file, form))


def matter_page(timer: Timer) -> tuple[str, dict[str, Any]]:
    """The page of what the timer is about: its endpoint and values."""
    endpoint = _MATTER_PAGES.get(timer.matter_kind)
    if endpoint is None:
        return "sla.breach", {"timer_id": timer.matter_id}
    return endpoint, {"number": timer.matter_number}


def matter_url(timer: Timer) -> str:
    """The address of that page."""
    endpoint, values = matter_page(timer)
    return url_for(endpoint, **values)


def _fill(form: BreachFilterForm, branches: list[Branch], account_id: int) -> None:
    form.step.choices = [("", _("All steps")), *choices("clock_step")]
    form.branch.choices = [("", _("All branches")), *((b.id, branch_name(b)) for b in branches)]
    people = [(str(user.id), f"{user.name} · {user.staff_no}") for user in holders_in(account_id)]
    form.person.choices = [("", _("Everybody")), *people]
    form.period.choices = [("", _("At any time")), *((n, label(n, "period_days")) for n in map(str, PERIODS))]


def _views(wanted: BreachFilter) -> list[dict[str, Any]]:
    counts = count_views(wanted, actor=actor(), now=g.now)
    return [
        {
            "label": label(view, "breach_view"),
            "url": _address(view=view.value),
            "is_current": view is wanted.view,
            "count": counts[view],
        }
        for view in BreachView
    ]


def _address(**changed: str | None) -> str:
    """This list's address with the query changed, back on its first page; None drops a key."""
    values: dict[str, Any] = {**request.args, **changed, "page": None}
    return url_for("sla.breaches", **values)


def _chips(form: BreachFilterForm) -> list[dict[str, str]]:
    """Each filter in use, with the address that drops it."""
    chips = []
    for field in form:
        chosen = {str(key): text for key, text in field.choices}.get(str(field.data))
        if field.data and chosen:
            chips.append(
                {"label": f"{field.label.text}: {chosen}", "remove_url": _address(**{field.name: None})}
            )
    return chips


def _review_form(file: BreachFile) -> ReviewForm:
    form = ReviewForm()
    form.cause.choices = [("", "—"), *choices("breach_cause")]
    held = {entry.holder_id for entry in file.clock.entries}
    # Who held the clock comes first: one of them is nearly always the person in question.
    people = sorted(file.candidates, key=lambda user: user.id not in held)
    form.responsible_id.choices = [
        ("", "—"),
        *((str(user.id), f"{user.name} · {user.staff_no}") for user in people),
    ]
    return form


def _breach_context(file: BreachFile, form: ReviewForm) -> dict[str, Any]:
    timer = file.clock.timer
    return {
        "file": file,
        "timer": timer,
        "form": form,
        "branch": branch_name(file.branch) if file.branch else None,
        "segments": sla_ledger.bar_segments(file.clock),
        "marks": sla_ledger.bar_marks(file.clock),
        "table": sla_ledger.ledger_table(file.clock),
        "similar": similar_to(timer, now=g.now),
        "signer": {user.id: user for user in file.candidates},
        "matter_url": matter_url(timer),
        "words": words,
        "causes": LABELS["breach_cause"],
    }
