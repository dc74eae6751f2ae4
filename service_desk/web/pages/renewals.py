"""Renewals: the board, the reminders sent, and vehicles without cover."""

from dataclasses import replace

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.paging import Page
from service_desk.forms.fields import small_number
from service_desk.forms.renewals import RenewalFilterForm
from service_desk.presenters import renewals as words
from service_desk.presenters.labels import choices
from service_desk.presenters.languages import named
from service_desk.services import accounts, policies, renewals
from service_desk.web.http import actor, current_account, page_request

bp = Blueprint("renewals", __name__)


@bp.get("/renewals")
@login_required
def board() -> ResponseReturnValue:
    """Cover that ends within sixty days or has ended: counts by branch, and the list."""
    account, form = current_account(), _filter()
    wanted, page = form.wanted(account.id), page_request()
    every = renewals.list_expiries(replace(wanted, bucket=None), actor=actor(), now=g.now)
    found = [one for one in every if wanted.bucket in (None, one.bucket)]
    shown = renewals.board_of(found)
    return render_template(
        "renewals/board.html",
        form=form,
        bucket=wanted.bucket,
        buckets=words.bucket_counts(every),
        every_count=len(every),
        board=shown,
        lines=words.branch_lines(shown),
        classes=words.classes_on(shown),
        page=Page(found[page.offset : page.offset + page.size], len(found), page.number, page.size),
        words=words,
        named=named,
    )


def _filter() -> RenewalFilterForm:
    form = RenewalFilterForm(request.args)
    form.branch.choices = [("", _("All branches")), *_branches()]
    form.use_class.choices = [("", _("All classes")), *choices("use_class")]
    form.line.choices = [("", _("All lines")), *choices("policy_line")]
    return form


def _branches() -> list[tuple[str, str]]:
    rows = accounts.list_branches(current_account().id, actor=actor())
    return [(str(row.id), named(row.name, row.name_en)) for row in rows]


@bp.get("/renewals/reminders")
@login_required
def reminders() -> ResponseReturnValue:
    """The reminders sent."""
    page = renewals.list_reminders(current_account().id, page_request(), actor=actor())
    return render_template("renewals/reminders.html", page=page, named=named)


@bp.get("/renewals/uninsured")
@login_required
def uninsured() -> ResponseReturnValue:
    """Operating vehicles without cover they must have, today."""
    account, page = current_account(), page_request()
    branch_id = small_number(request.args.get("branch"))
    found = renewals.list_uninsured(account.id, actor=actor(), now=g.now, branch_id=branch_id)
    return render_template(
        "renewals/uninsured.html",
        page=Page(found[page.offset : page.offset + page.size], len(found), page.number, page.size),
        without_ctpl=sum(one.lacks_ctpl for one in found),
        ratio=policies.coverage_ratio(account.id, g.now, branch_ids=_branch_ids(branch_id)),
        branches=[("", _("All branches")), *_branches()],
        branch_id=branch_id,
        words=words,
        named=named,
    )


def _branch_ids(branch_id: int | None) -> list[int]:
    """The branches the page speaks of: one with those below it, or all that this person sees."""
    rows = accounts.list_branches(current_account().id, actor=actor())
    return [row.id for row in rows if branch_id is None or f"/{branch_id}/" in row.path]
