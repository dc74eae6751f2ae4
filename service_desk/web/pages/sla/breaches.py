"""The audit of broken promises: the lists, one breach with who held the clock, its review, what it led to."""

from typing import Any

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required
from wtforms import Field

from service_desk.forms.sla_reviews import NOBODY, PERIODS, BreachFilterForm, DoneForm, ReviewForm
from service_desk.models.accounts import Branch
from service_desk.models.sla import Timer
from service_desk.presenters import sla as words
from service_desk.presenters import sla_bar, sla_ledger, sla_levels
from service_desk.presenters import sla_reviews as review_words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import branch_name
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts, sla, submissions
from service_desk.services.sla import BreachFilter, BreachView, remedies
from service_desk.services.sla.breaches import PASSED_OVER, count_views, holders_in
from service_desk.services.sla.reviews import BreachFile
from service_desk.services.sla.similar import similar_to
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request
from service_desk.web.pages.sla.blueprint import bp

_MATTER_PAGES = {
    "claim": "claims.claim",
    "enquiry": "enquiries.enquiry",
    "missed_cover": "missed_cover.case",
    "outstanding_list": "outstanding.comparison",
    "vehicle_request": "onboarding.request",
}
# What the fields of the form narrow, where it is not of the same name.
_FILTER_OF = {"period": "from_at"}


@bp.get("/breaches")
@login_required
def breaches() -> ResponseReturnValue:
    """Broken promises awaiting review, the reviewed ones, what they led to, and clocks about to break."""
    form, wanted = _wanted()
    page = sla.list_breaches(wanted, page_request(), actor=actor(), now=g.now)
    branches = accounts.list_branches(current_account().id, actor=actor())
    _fill(form, branches)
    return render_template(
        "sla/breaches.html",
        form=form,
        shown=_shown(form, wanted),
        page=page,
        wanted=wanted,
        views=_views(wanted),
        chips=_chips(form, wanted),
        branch_names={branch.id: branch_name(branch) for branch in branches},
        cause_names=review_words.cause_names(),
        may_manage_causes=access.may(actor(), Action.MANAGE_CLOCKS),
        matter_url=matter_url,
        words=words,
        review_words=review_words,
    )


@bp.get("/breaches.xlsx")
@login_required
def export_breaches_file() -> ResponseReturnValue:
    """The list as filtered, all its pages, in the reader's language."""
    form, wanted = _wanted()
    branches = accounts.list_branches(current_account().id, actor=actor())
    _fill(form, branches)
    names = {branch.id: branch_name(branch) for branch in branches}
    return send_list(
        lambda page: sla.list_breaches(wanted, page, actor=actor(), now=g.now),
        lambda rows: review_words.breaches_sheet(rows, wanted.view, names, g.now),
        _("breaches-%(view)s.xlsx", view=label(wanted.view, "breach_view")),
        chosen_in(form),
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


@bp.route("/breaches/<int:timer_id>/correction", methods=["GET", "POST"])
@login_required
def correction(timer_id: int) -> ResponseReturnValue:
    """A correction a review ordered, for who makes it: report it done."""
    remedy = remedies.get_remedy(timer_id, actor=actor())
    form = DoneForm()

    def act() -> None:
        note = form.note.data or ""
        submissions.once(
            "correction_done",
            form.idempotency_key.data or "",
            lambda: str(remedies.report_done(timer_id, note, actor=actor(), now=g.now).id),
            actor=actor(),
            now=g.now,
        )

    if attempt(form, act):
        return done(_("The correction is reported done."), "sla.correction", timer_id=timer_id)
    context = {
        "remedy": remedy,
        "timer": remedy.timer,
        "form": form,
        "cause": review_words.cause_names().get(remedy.review.cause, remedy.review.cause),
        "matter_url": matter_url(remedy.timer),
        "may_review": access.may(actor(), Action.REVIEW_BREACHES),
        "review_words": review_words,
    }
    if request.method == "POST":
        return again("sla/correction.html", **context)
    return render_template("sla/correction.html", **context)


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


def _wanted() -> tuple[BreachFilterForm, BreachFilter]:
    form = BreachFilterForm(request.args)
    view = request.args.get("view", BreachView.OPEN.value)
    return form, form.wanted(view, current_account().id, g.now)


def _fill(form: BreachFilterForm, branches: list[Branch]) -> None:
    people = [(str(user.id), review_words.person(user)) for user in holders_in(current_account().id)]
    form.step.choices = [("", _("All steps")), *choices("clock_step")]
    form.branch.choices = [("", _("All branches")), *((b.id, branch_name(b)) for b in branches)]
    form.person.choices = [("", _("Everybody")), *people]
    form.cause.choices = [("", _("All causes")), *review_words.cause_names().items()]
    form.severity.choices = [("", _("Any severity")), *choices("severity")]
    form.place.choices = choices("accident_place")
    form.correction.choices = [("", _("All corrections")), *choices("correction_state")]
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


def _shown(form: BreachFilterForm, wanted: BreachFilter) -> list[Field]:
    """The filters that say something of this list."""
    passed_over = PASSED_OVER[wanted.view]
    return [field for field in form if _FILTER_OF.get(field.name, field.name) not in passed_over]


def _chips(form: BreachFilterForm, wanted: BreachFilter) -> list[dict[str, str]]:
    """Each filter in use, with the address that drops it."""
    chips = []
    for field in _shown(form, wanted):
        chosen = {str(key): text for key, text in field.pairs}.get(str(field.data))
        if field.data and chosen:
            dropped: dict[str, Any] = {field.name: None}
            chips.append({"label": f"{field.label.text}: {chosen}", "remove_url": _address(**dropped)})
    return chips


def _review_form(file: BreachFile) -> ReviewForm:
    form = ReviewForm()
    form.cause.choices = [("", "—"), *review_words.cause_choices()]
    form.responsible_id.choices = [
        ("", "—"),
        *((str(user.id), review_words.person(user)) for user in file.candidates),
        (NOBODY, _("Nobody of ours: the client, a third party or force majeure")),
    ]
    form.correction_owner_id.choices = [
        ("", _("The person responsible")),
        *((user.id, review_words.person(user)) for user in file.owners),
    ]
    return form


def _breach_context(file: BreachFile, form: ReviewForm) -> dict[str, Any]:
    timer = file.clock.timer
    return {
        "file": file,
        "timer": timer,
        "form": form,
        "branch": branch_name(file.branch) if file.branch else None,
        "segments": sla_bar.bar_segments(file.clock),
        "marks": sla_bar.bar_marks(file.clock),
        "other_signers": [review_words.person(user) for user in file.other_signers],
        "ledger": sla_ledger,
        "table": sla_ledger.ledger_table(file.clock),
        "similar": similar_to(timer, now=g.now),
        "cause_names": review_words.cause_names(),
        "matter_url": matter_url(timer),
        "words": words,
        "level_words": sla_levels,
        "review_words": review_words,
    }
