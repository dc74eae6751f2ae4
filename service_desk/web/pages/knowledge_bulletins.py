"""Bulletins of guides and cases: written, sent to the branches' people, and what became of each mail."""

from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.paging import PageRequest
from service_desk.forms.fields import small_number
from service_desk.forms.knowledge import BulletinForm, StepForm
from service_desk.presenters import knowledge as words
from service_desk.rules.permissions import Action
from service_desk.services import access, knowledge, submissions
from service_desk.services.knowledge import ArticleFilter, bulletins
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request
from service_desk.web.sent_twice import attempt_once, press

bp = Blueprint("knowledge_bulletins", __name__)

# As many as can be chosen from without a search.
_OFFERED = PageRequest(1, 200)


@bp.get("/knowledge/bulletins")
@login_required
def index() -> ResponseReturnValue:
    """The account's bulletins, the latest first."""
    page = bulletins.list_bulletins(current_account().id, page_request(), actor=actor())
    may_edit = access.may(actor(), Action.EDIT_KNOWLEDGE)
    return render_template("knowledge/bulletins.html", page=page, words=words, may_edit=may_edit)


@bp.get("/knowledge/bulletins.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: bulletins.list_bulletins(account.id, page, actor=actor()),
        lambda rows: words.bulletins_sheet(rows, g.now),
        f"bulletins-{local_date(g.now)}.xlsx",
    )


def _offered(form: BulletinForm) -> BulletinForm:
    found = knowledge.list_articles(current_account().id, ArticleFilter(), _OFFERED, actor=actor())
    form.articles.choices = [(row.article.slug, words.title(row.version)) for row in found.rows]
    return form


@bp.route("/knowledge/bulletins/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Write a bulletin. The same form sent twice is one bulletin."""
    access.require(actor(), Action.EDIT_KNOWLEDGE)
    account_id, made = current_account().id, []
    form = _offered(BulletinForm(data={"dated_on": local_date(g.now)}))

    def make() -> str:
        row = bulletins.new_bulletin(account_id, form.terms(), actor=actor(), now=g.now)
        return str(row.number)

    def act() -> None:
        key = form.idempotency_key.data or ""
        made.append(submissions.once("bulletin", key, make, actor=actor(), now=g.now))

    if form.is_submitted() and attempt(form, act):
        said = _("The bulletin was saved. Read it once more, then send it.")
        return done(said, "knowledge_bulletins.bulletin", number=int(made[0]))
    if form.is_submitted():
        return again("knowledge/bulletin_edit.html", form=form, bulletin=None)
    return render_template("knowledge/bulletin_edit.html", form=form, bulletin=None)


@bp.get("/knowledge/bulletins/<int:number>")
@login_required
def bulletin(number: int) -> ResponseReturnValue:
    """A bulletin as its readers get it; for who edits also who got it."""
    return render_template("knowledge/bulletin.html", **_context(number))


def _context(number: int, form: StepForm | None = None) -> dict[str, Any]:
    account_id, me = current_account().id, actor()
    row, told = bulletins.get_bulletin(account_id, number, actor=me)
    may_edit = access.may(me, Action.EDIT_KNOWLEDGE)
    return {
        "bulletin": row,
        "told": told,
        "words": words,
        "may_edit": may_edit,
        "may_send_again": access.may(me, Action.READ_DELIVERY_LOG),
        "deliveries": bulletins.deliveries(account_id, number, actor=me) if may_edit else [],
        "form": form or StepForm(formdata=None, data={"version": row.version}),
    }


@bp.route("/knowledge/bulletins/<int:number>/edit", methods=["GET", "POST"])
@login_required
def edit(number: int) -> ResponseReturnValue:
    """Change a bulletin that was not sent."""
    access.require(actor(), Action.EDIT_KNOWLEDGE)
    account_id = current_account().id
    row, told = bulletins.get_bulletin(account_id, number, actor=actor())
    slugs = [one.article.slug for one in told]
    form = _offered(BulletinForm(data=BulletinForm.values_of(row, slugs)))

    def act() -> None:
        bulletins.change_bulletin(
            account_id, number, form.terms(), version=form.shown_version, actor=actor(), now=g.now
        )

    if attempt_once(form, act):
        return done(_("The bulletin was saved."), "knowledge_bulletins.bulletin", number=number)
    if form.is_submitted():
        return again("knowledge/bulletin_edit.html", form=form, bulletin=row)
    return render_template("knowledge/bulletin_edit.html", form=form, bulletin=row)


@bp.post("/knowledge/bulletins/<int:number>/send")
@login_required
def send(number: int) -> ResponseReturnValue:
    """Send it to everybody of the branches who has not got it."""
    form, counts = StepForm(), list[int]()

    def act() -> str:
        asked = {"version": form.shown_version, "actor": actor(), "now": g.now}
        return str(bulletins.send(current_account().id, number, **asked))

    if attempt(form, lambda: counts.append(int(press(act)))):
        said = ngettext(
            "It is on its way to %(num)s person.", "It is on its way to %(num)s people.", counts[0]
        )
        return done(
            said if counts[0] else _("Everybody has got it already."),
            "knowledge_bulletins.bulletin",
            number=number,
        )
    return again("knowledge/bulletin.html", **_context(number, form))


@bp.post("/knowledge/bulletins/<int:number>/again/<int:notice_id>")
@login_required
def send_again(number: int, notice_id: int) -> ResponseReturnValue:
    """Put one reader's mail back into the queue."""
    seen = small_number(request.form.get("seen"), digits=18)
    account_id = current_account().id

    def act() -> str:
        who = {"actor": actor(), "now": g.now}
        return "sent" if bulletins.send_again(account_id, number, notice_id, seen=seen, **who) else ""

    said = (
        _("The mail is sent again.")
        if press(act)
        else _("Somebody has sent it again already; it goes out once.")
    )
    return done(said, "knowledge_bulletins.bulletin", number=number)


@bp.get("/knowledge/bulletins/<int:number>/send")
@login_required
def send_address(number: int) -> ResponseReturnValue:
    """A refused sending leaves its address behind; reloaded, it is the bulletin's page."""
    return redirect(url_for("knowledge_bulletins.bulletin", number=number))
