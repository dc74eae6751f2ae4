"""Writing guides and cases: drafts with their files, review by a second person, withdrawing, and the supplied set."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from flask import Blueprint, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import login_required

from service_desk.base.errors import NotFound
from service_desk.forms.knowledge import ArticleForm, FileForm, NewArticleForm, ReasonForm, StepForm
from service_desk.presenters import knowledge as words
from service_desk.presenters.labels import choices
from service_desk.rules.permissions import Action
from service_desk.services import access, knowledge, submissions
from service_desk.services.knowledge import Opened, starting_set
from service_desk.web.http import actor, again, attempt, current_account, done, files, uploads
from service_desk.web.sent_twice import attempt_once, press

bp = Blueprint("knowledge_drafts", __name__)

_STEPS = frozenset({"submit", "publish", "return", "withdraw", "drop"})


@bp.route("/knowledge/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Begin an article. The same form sent twice is one article."""
    access.require(actor(), Action.EDIT_KNOWLEDGE)
    account_id, form, made = current_account().id, NewArticleForm(), []
    _offer(form)
    form.kind.choices = choices("article_kind")
    form.audience.choices = choices("article_audience")

    def make() -> str:
        row = knowledge.new_article(
            account_id,
            form.chosen_kind,
            form.terms(),
            for_all=form.audience.data == "all",
            actor=actor(),
            now=g.now,
        )
        return row.slug

    def act() -> None:
        key = form.idempotency_key.data or ""
        made.append(submissions.once("article", key, make, actor=actor(), now=g.now))

    if form.is_submitted() and attempt(form, act):
        return done(_("The draft was saved."), "knowledge_drafts.draft", slug=made[0])
    if form.is_submitted():
        return again("knowledge/edit.html", form=form, opened=None, words=words)
    return render_template("knowledge/edit.html", form=form, opened=None, words=words)


def _offer(form: ArticleForm) -> None:
    form.features.choices = choices("claim_feature")
    form.use_classes.choices = choices("use_class")
    form.moments.choices = choices("help_moment")


@bp.post("/knowledge/<slug>/next")
@login_required
def start(slug: str) -> ResponseReturnValue:
    """Begin the next version, or go to the one that is begun."""
    knowledge.start_version(slug, actor=actor(), now=g.now)
    return done(_("The draft is a copy of the latest version."), "knowledge_drafts.draft", slug=slug)


@bp.route("/knowledge/<slug>/draft", methods=["GET", "POST"])
@login_required
def draft(slug: str) -> ResponseReturnValue:
    """Change the draft."""
    opened = _open(slug)
    form = ArticleForm(data=ArticleForm.values_of(opened.version, opened.topics))
    _offer(form)

    def act() -> None:
        knowledge.change_draft(slug, form.terms(), version=form.shown_version, actor=actor(), now=g.now)

    if form.is_submitted() and attempt_once(form, act):
        return done(_("The draft was saved."), "knowledge_drafts.draft", slug=slug)
    if form.is_submitted():
        return again("knowledge/edit.html", **_context(_open(slug), form))
    return render_template("knowledge/edit.html", **_context(opened, form))


def _open(slug: str) -> Opened:
    _article, version = knowledge.get_open(slug, actor=actor())
    return knowledge.open_article(slug, number=version.number, actor=actor())


def _context(opened: Opened, form: ArticleForm, file_form: FileForm | None = None) -> dict[str, Any]:
    shown = {"version": opened.version.version}
    return {
        "form": form,
        "opened": opened,
        "words": words,
        "file_form": file_form or FileForm(formdata=None, data=shown),
        "step_form": StepForm(formdata=None, data=shown),
    }


@bp.post("/knowledge/<slug>/files")
@login_required
def add_file(slug: str) -> ResponseReturnValue:
    """Add a picture or PDF to the draft."""
    form, sent = FileForm(), uploads("file")

    def act() -> str:
        knowledge.add_file(
            current_account().id,
            slug,
            sent[0] if sent else None,
            version=form.shown_version,
            files=files(),
            actor=actor(),
            now=g.now,
        )
        return slug

    # Another file chosen on the same page is another order.
    content = b"".join(one.content for one in sent)
    key = sha256((form.idempotency_key.data or "").encode() + content).hexdigest()
    if attempt(form, lambda: submissions.once("article_file", key, act, actor=actor(), now=g.now)):
        return done(_("The file was added."), "knowledge_drafts.draft", slug=slug)
    return again("knowledge/edit.html", **_refused(slug, file_form=form))


@bp.post("/knowledge/<slug>/files/<int:document_id>/remove")
@login_required
def remove_file(slug: str, document_id: int) -> ResponseReturnValue:
    """Take a file out of the draft."""
    form = StepForm()

    def act() -> None:
        knowledge.remove_file(
            slug,
            document_id,
            version=form.shown_version,
            actor=actor(),
            now=g.now,
        )

    if attempt_once(form, act):
        return done(_("The file was taken out."), "knowledge_drafts.draft", slug=slug)
    return again("knowledge/edit.html", **_refused(slug, step_form=form))


def _refused(slug: str, **forms: Any) -> dict[str, Any]:
    opened = _open(slug)
    form = ArticleForm(formdata=None, data=ArticleForm.values_of(opened.version, opened.topics))
    _offer(form)
    return _context(opened, form) | forms


@bp.post("/knowledge/<slug>/<step>")
@login_required
def act(slug: str, step: str) -> ResponseReturnValue:
    """Give to review, publish, return, withdraw, or give up."""
    if step not in _STEPS:
        raise NotFound("not_found")
    form = ReasonForm() if step in {"return", "withdraw"} else StepForm()
    said_of_it: list[str] = []
    asked: dict[str, Any] = {"version": form.shown_version, "actor": actor(), "now": g.now}
    acts: dict[str, tuple[Callable[[], Any], str]] = {
        "submit": (lambda: knowledge.submit(slug, **asked), _("Somebody else reviews it now.")),
        "publish": (lambda: knowledge.publish(slug, **asked), _("The article is published.")),
        "return": (
            lambda: knowledge.give_back(slug, _reason(form), **asked),
            _("It is a draft again, with the reason."),
        ),
        "withdraw": (
            lambda: knowledge.withdraw(slug, _reason(form), **asked),
            _("The article was withdrawn; readers do not see it any more."),
        ),
        "drop": (
            lambda: "left" if knowledge.drop_draft(slug, **asked) else "",
            _("The draft was given up."),
        ),
    }
    run, said = acts[step]
    if attempt(form, lambda: said_of_it.append(press(run))):
        if step == "drop" and not said_of_it[0]:
            return done(said, "knowledge.articles")
        return done(said, "knowledge.article", slug=slug)
    return again("knowledge/step.html", slug=slug, form=form, step=step)


def _reason(form: Any) -> str:
    return form.reason.data or ""


@bp.get("/knowledge/<slug>/<step>")
@login_required
def step_address(slug: str, step: str) -> ResponseReturnValue:
    """A refused step leaves its address behind; reloaded, it is the article's page."""
    if step not in {*_STEPS, "next", "files"}:
        raise NotFound("not_found")
    return redirect(url_for("knowledge.article", slug=slug))


@bp.post("/knowledge/supplied")
@login_required
def load() -> ResponseReturnValue:
    """Add the guides and cases that come with the desk and are not here yet."""
    number = int(press(lambda: str(starting_set.load_missing(actor=actor(), now=g.now))))
    said = ngettext("%(num)s article was added.", "%(num)s articles were added.", number)
    return done(said, "knowledge.articles")


@bp.get("/knowledge/supplied")
@login_required
def supplied_address() -> ResponseReturnValue:
    """Reloaded, it is the list."""
    return redirect(url_for("knowledge.articles"))
