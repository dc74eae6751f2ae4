"""Guides and cases for readers: the list, an article, its versions, and whether it helped."""

from typing import Any

from flask import Blueprint, Response, after_this_request, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required
from sqlalchemy.exc import IntegrityError, OperationalError

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.fields import member, small_number
from service_desk.forms.knowledge import OpinionForm, ReasonForm
from service_desk.models.db import db, unit_of_work
from service_desk.presenters import knowledge as words
from service_desk.presenters.labels import choices, label
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.knowledge import ArticleKind, HelpMoment, VersionState
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import UseClass
from service_desk.services import access, knowledge, submissions
from service_desk.services.knowledge import ArticleFilter, Listed, Opened, opinions, starting_set
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, current_account, done, page_request

bp = Blueprint("knowledge", __name__)

_STATES = (VersionState.PUBLISHED, VersionState.DRAFT, VersionState.IN_REVIEW, VersionState.WITHDRAWN)
# What an address may narrow the list to, and the words each choice has.
_FILTERS: dict[str, tuple[Any, str]] = {
    "kind": (ArticleKind, "article_kind"),
    "feature": (ClaimFeature, "claim_feature"),
    "use_class": (UseClass, "use_class"),
    "moment": (HelpMoment, "help_moment"),
}


@bp.get("/knowledge")
@login_required
def articles() -> ResponseReturnValue:
    """What is published; for who edits also drafts, what waits for review and what was withdrawn."""
    account, wanted = current_account(), _wanted()
    page = knowledge.list_articles(account.id, wanted, page_request(), actor=actor())
    may_edit = access.may(actor(), Action.EDIT_KNOWLEDGE)
    return render_template(
        "knowledge/list.html",
        page=page,
        wanted=wanted,
        words=words,
        filters={name: choices(kind) for name, (_member, kind) in _FILTERS.items()},
        views=_views(account.id, wanted) if may_edit else [],
        may_edit=may_edit,
        missing=starting_set.count_missing(actor=actor()) if may_edit else 0,
    )


@bp.get("/knowledge.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The list as filtered, as a spreadsheet."""
    account, wanted = current_account(), _wanted()
    return send_list(
        lambda page: knowledge.list_articles(account.id, wanted, page, actor=actor()),
        lambda rows: words.articles_sheet(rows, g.now),
        f"guides-{local_date(g.now)}.xlsx",
        _chosen(wanted),
    )


def _wanted() -> ArticleFilter:
    """The filter in the address; nonsense means all that is published."""
    chosen = {name: member(kind, request.args.get(name)) for name, (kind, _words) in _FILTERS.items()}
    state = member(VersionState, request.args.get("state"))
    return ArticleFilter(
        text=request.args.get("q", "")[:100],
        state=state if state in _STATES else VersionState.PUBLISHED,
        **chosen,
    )


def _chosen(wanted: ArticleFilter) -> list[tuple[str, str]]:
    names = {
        "kind": _("Kind"),
        "feature": _("Claim types"),
        "use_class": _("Vehicle classes"),
        "moment": _("When it helps"),
    }
    found = [(_("State"), label(wanted.state, "article_state"))]
    for name, (_kind, kind) in _FILTERS.items():
        if value := getattr(wanted, name):
            found.append((names[name], label(value, kind)))
    return [*found, (_("Search"), wanted.text)] if wanted.text else found


def _views(account_id: int, wanted: ArticleFilter) -> list[dict[str, Any]]:
    counts = knowledge.count_states(account_id, actor=actor())
    return [
        {
            "label": label(state, "article_state"),
            "url": f"{request.path}?state={state.value}",
            "is_current": state is wanted.state,
            "count": counts.get(state, 0),
        }
        for state in _STATES
    ]


@bp.get("/knowledge/<slug>")
@login_required
def article(slug: str) -> ResponseReturnValue:
    """An article in the reader's language, for a phone and for paper."""
    opened = _opened(slug)
    _note_read(opened)
    return render_template("knowledge/article.html", **_context(opened))


def _opened(slug: str) -> Opened:
    number = small_number(request.args.get("version"))
    return knowledge.open_article(slug, number=number, actor=actor())


def _context(opened: Opened, **forms: Any) -> dict[str, Any]:
    may_edit = access.may(actor(), Action.EDIT_KNOWLEDGE)
    own = opened.own_opinion
    said = {"helped": "yes" if own.is_helpful else "no", "word": own.word} if own else {}
    step = ReasonForm(formdata=None, data={"version": opened.version.version})
    slug, number = opened.article.slug, opened.version.number
    return {
        "opened": opened,
        "version": opened.version,
        "words": words,
        "may_edit": may_edit,
        "said": knowledge.list_opinions(slug, number, actor=actor()) if may_edit else [],
        "opinion_form": OpinionForm(formdata=None, data=said),
        "step_form": step,
        "is_own": actor().id in opened.version.editors,
        **forms,
    }


def _note_read(opened: Opened) -> None:
    """A page that is only looked at is read without a writer's lock, so the note comes after it is made."""
    if request.method == "HEAD" or opinions.is_read(opened.version, actor=actor()):
        return
    slug, number = opened.article.slug, opened.version.number

    @after_this_request
    def note(response: Response) -> Response:
        try:
            with unit_of_work():
                knowledge.note_read(slug, number, actor=actor(), now=g.now)
        except (IntegrityError, OperationalError):
            # Noted in another window meanwhile, or at the next reading.
            db.session.rollback()
        return response


@bp.post("/knowledge/<slug>/opinion")
@login_required
def tell(slug: str) -> ResponseReturnValue:
    """Say whether the published version helped."""
    form = OpinionForm()
    number = small_number(request.form.get("number")) or 0

    def say() -> str:
        row = knowledge.tell_opinion(
            slug,
            number,
            is_helpful=form.helped.data == "yes",
            word=form.word.data or "",
            actor=actor(),
            now=g.now,
        )
        db.session.flush()
        return str(row.id)

    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once("article_opinion", key, say, actor=actor(), now=g.now)):
        return done(_("Thank you. The desk reads it."), "knowledge.article", slug=slug)
    return again("knowledge/article.html", **_context(_opened(slug), opinion_form=form))


@bp.get("/knowledge/<slug>/opinion")
@login_required
def opinion_address(slug: str) -> ResponseReturnValue:
    """A refused form leaves its address behind; reloaded, it is the article's page."""
    return redirect(url_for("knowledge.article", slug=slug))


@bp.get("/knowledge/<slug>/versions")
@login_required
def versions(slug: str) -> ResponseReturnValue:
    """All versions with their counts, and what differs between two of them."""
    rows, people = knowledge.listed_versions(slug, actor=actor())
    return render_template(
        "knowledge/versions.html",
        slug=slug,
        rows=rows,
        people=people,
        words=words,
        compared=_compared(rows),
    )


def _compared(rows: list[Listed]) -> tuple[Listed, Listed, Any] | None:
    """Two versions by the numbers in the address; else the latest with the one before."""
    by_number = {row.version.number: row for row in rows}
    after = by_number.get(small_number(request.args.get("to")) or rows[0].version.number)
    if after is None:
        raise NotFound("not_found")
    earlier = [number for number in by_number if number < after.version.number]
    before = by_number.get(small_number(request.args.get("from")) or max(earlier, default=0))
    if before is None:
        return None
    return before, after, words.differences(before.version, after.version)


@bp.get("/knowledge/<slug>/versions.xlsx")
@login_required
def export_versions(slug: str) -> ResponseReturnValue:
    """The versions as a spreadsheet."""
    rows, people = knowledge.listed_versions(slug, actor=actor())
    return send_list(
        whole(rows),
        lambda some: words.versions_sheet(some, people, g.now),
        f"versions-{slug}.xlsx",
        [(_("Article"), words.title(rows[0].version))],
        account_id=rows[0].article.account_id,
    )
