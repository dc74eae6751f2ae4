"""Opinions: the list, one with what the desk does with it, and writing one down."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from flask import Blueprint, g, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.fields import member, small_number
from service_desk.forms.opinions import OpinionFilterForm, RecordForm, ReplyForm, SettleForm, TakeUpForm
from service_desk.models.opinions import Opinion
from service_desk.presenters import opinions as words
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import LANGUAGE_NAMES, branch_name
from service_desk.rules.opinions import OpinionAction, OpinionSource, Theme, actions_for
from service_desk.rules.periods import Preset, period_of
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, accounts, submissions
from service_desk.services.opinions import handling, lists, recording
from service_desk.services.opinions.lists import OpinionFile, OpinionFilter, OpinionView
from service_desk.services.opinions.recording import Origin
from service_desk.services.opinions.visibility import get_opinion
from service_desk.services.relations.items import possible_owners
from service_desk.web import kept_uploads
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import (
    actor,
    again,
    attempt,
    current_account,
    done,
    files,
    keep_file,
    page_request,
    uploads,
)
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("opinions", __name__)

SCORES = [(str(score), str(score)) for score in range(1, 6)]


@bp.get("/opinions")
@login_required
def opinions() -> ResponseReturnValue:
    """The account's opinions by saved filter, theme, branch, source, form and span; forms that ask the reader."""
    account, form, wanted = current_account(), _filter_form(), _wanted()
    page = lists.list_opinions(account.id, wanted, page_request(), actor=actor(), now=g.now)
    counts = lists.count_views(account.id, wanted, actor=actor(), now=g.now)
    return render_template(
        "opinions/list.html",
        page=page,
        form=form,
        views=[_tab(view, wanted, counts[view]) for view in OpinionView],
        words=words,
        may_collect=access.may(actor(), Action.COLLECT_OPINIONS),
    )


@bp.get("/opinions.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The opinions as filtered, as a spreadsheet."""
    account, wanted = current_account(), _wanted()
    return send_list(
        lambda page: lists.list_opinions(account.id, wanted, page, actor=actor(), now=g.now),
        lambda rows: words.opinions_sheet(rows, g.now),
        f"opinions-{local_date(g.now)}.xlsx",
        [(_("View"), label(wanted.view, "opinion_view")), *chosen_in(_filter_form())],
    )


def _filter_form() -> OpinionFilterForm:
    account_id = current_account().id
    form = OpinionFilterForm(request.args)
    branches = accounts.list_branches(account_id, actor=actor())
    sent = lists.campaign_names(account_id, actor=actor())
    form.theme.choices = [("", _("All themes")), *choices("opinion_theme")]
    form.branch.choices = [("", _("All branches")), *((str(one.id), branch_name(one)) for one in branches)]
    form.source.choices = [("", _("Everywhere")), *choices("opinion_source")]
    form.campaign.choices = [("", _("All forms")), *((one.number, words.title_of(one)) for one in sent)]
    form.period.choices = [("", _("At any time")), *choices("compliance_period")]
    return form


def _wanted() -> OpinionFilter:
    """The filter in the address; nonsense means all that needs a reply."""
    usual = OpinionView.OPINIONS if actor().side is Side.CLIENT else OpinionView.OWED
    preset = member(Preset, request.args.get("period"))
    return OpinionFilter(
        view=member(OpinionView, request.args.get("view")) or usual,
        theme=member(Theme, request.args.get("theme")),
        branch_id=small_number(request.args.get("branch")),
        source=member(OpinionSource, request.args.get("source")),
        campaign=request.args.get("campaign", "")[:64],
        period=period_of(preset, local_date(g.now)) if preset else None,
    )


def _tab(view: OpinionView, wanted: OpinionFilter, count: int) -> dict[str, Any]:
    kept: dict[str, Any] = {
        name: request.args.get(name) or None for name in ("theme", "branch", "source", "campaign", "period")
    }
    return {
        "label": label(view, "opinion_view"),
        "url": url_for("opinions.opinions", view=view.value, **kept),
        "is_current": view is wanted.view,
        "count": count,
    }


@bp.route("/opinions/new", methods=["GET", "POST"])
@login_required
def record() -> ResponseReturnValue:
    """Write down what somebody said at a visit, in a contact or a follow-up. The same form sent twice is one."""
    origin = _origin()
    form = RecordForm(data=_as_known(origin))
    _set_record_choices(form, origin)
    kept = kept_uploads.restore(request.form.getlist("kept"))
    sent = tuple(uploads("papers"))
    numbers: list[str] = []

    def make() -> str:
        wanted = form.opinion((*(one.upload for one in kept), *sent))
        return recording.record(origin, wanted, files=files(), actor=actor(), now=g.now).number

    def act() -> None:
        key = form.idempotency_key.data or ""
        numbers.append(submissions.once("opinion", key, make, actor=actor(), now=g.now))

    if attempt(form, act):
        return done(_("The opinion is written down."), "opinions.opinion", number=numbers[0])
    context = {"form": form, "origin": origin, "kept": kept}
    if not form.is_submitted():
        return render_template("opinions/record.html", **context)
    if not form.papers.errors:
        context["kept"] = [*kept, *kept_uploads.keep(sent, or_pdf=True)]
    return again("opinions/record.html", **context)


_ORIGINS = {
    "event": OpinionSource.VISIT,
    "contact": OpinionSource.CONTACT,
    "claim": OpinionSource.FOLLOW_UP,
}


def _origin() -> Origin:
    access.require(actor(), Action.COLLECT_OPINIONS)
    for name, source in _ORIGINS.items():
        number = request.args.get(name)
        if number:
            return recording.find_origin(source, number, actor=actor())
    raise NotFound("not_found")


def _as_known(origin: Origin) -> dict[str, Any]:
    return {
        "theme": Theme.OTHER.value,
        "words": origin.words,
        "score": str(origin.score) if origin.score else None,
        "given_at": origin.at,
        "branch_id": origin.branch_id,
        "user_id": origin.user_id,
        "name": "" if origin.user_id else origin.given_by,
        "phone": origin.phone,
        "email": origin.email,
        "language": "zh",
    }


def _set_record_choices(form: RecordForm, origin: Origin) -> None:
    branches = accounts.list_branches(origin.account_id, actor=actor())
    people = recording.possible_givers(origin.account_id)
    form.theme.choices = choices("opinion_theme")
    form.score.choices = SCORES
    form.branch_id.choices = [
        ("", _("None, or the whole account")),
        *((b.id, branch_name(b)) for b in branches),
    ]
    form.user_id.choices = [
        ("", _("Somebody without a login")),
        *((u.id, f"{u.name} · {u.staff_no}") for u in people),
    ]
    form.language.choices = list(LANGUAGE_NAMES.items())


@bp.get("/opinions/<number>")
@login_required
def opinion(number: str) -> ResponseReturnValue:
    """One opinion: what was said, what is done about it, the reply."""
    return render_template("opinions/opinion.html", **_context(number))


def _context(number: str, refused: Any = None, name: str = "") -> dict[str, Any]:
    file = lists.read_opinion(number, actor=actor())
    found = file.row.opinion
    collects = access.may(actor(), Action.COLLECT_OPINIONS)
    allowed = actions_for(found.state) if collects else ()
    forms = {one.value: _form_of(one, found, file) for one in allowed}
    if refused is not None:
        # The page now shows the opinion as it is, so what is sent again is based on that.
        refused.version.data = str(found.version)
        forms[name] = refused
    return {
        "file": file,
        "row": file.row,
        "opinion": found,
        "pill": words.state_pill(found, g.now),
        "history": words.history(file),
        "forms": forms,
        "refused": name,
        "collects": collects,
        "words": words,
        "reader": LANGUAGE_NAMES[found.language],
        "means": handling.reachable_by(found) if collects else None,
    }


def _form_of(action: OpinionAction, found: Opinion, file: OpinionFile | None = None) -> Any:
    """The form of an act; its fields have names of their own, for the page shows several."""
    fresh: dict[str, Any] = {}
    if file is not None:
        fresh = {"formdata": None, "data": _first_values(action, file)}
    prefix = action.value.replace("_", "-")
    if action is OpinionAction.TAKE_UP:
        form = TakeUpForm(prefix=prefix, **fresh)
        account_id = found.account_id
        shared = handling.open_items(account_id, actor=actor())
        form.item_id.choices = [("", _("A new one")), *((one.id, one.title) for one in shared)]
        form.owner_id.choices = [(u.id, f"{u.name} · {u.staff_no}") for u in possible_owners(account_id)]
        return form
    if action is OpinionAction.SETTLE:
        return SettleForm(prefix=prefix, **fresh)
    return ReplyForm(prefix=prefix, **fresh)


def _first_values(action: OpinionAction, file: OpinionFile) -> dict[str, Any]:
    known: dict[str, Any] = {"version": str(file.row.opinion.version)}
    if action is OpinionAction.TAKE_UP:
        known["owner_id"] = actor().id
    if action is OpinionAction.SETTLE and file.row.item is not None:
        known["result"] = file.row.item.result
    return known


def _act(number: str, action: OpinionAction, act: Callable[[Any], object], said: str) -> ResponseReturnValue:
    """Do one thing with an opinion; a refusal is shown on its page with what was typed."""
    found = get_opinion(number, actor=actor())
    access.require(actor(), Action.COLLECT_OPINIONS)
    form = _form_of(action, found)
    _set_means(form, found)
    if attempt_once(form, lambda: act(form)):
        return done(said, "opinions.opinion", number=number)
    return again("opinions/opinion.html", **_context(number, form, action.value))


def _set_means(form: Any, found: Opinion) -> None:
    if "means" not in form:
        return
    if handling.reachable_by(found) is not None:
        del form.means
    else:
        form.means.choices = [(one.value, label(one, "reply_means")) for one in handling.BY_HAND]


@bp.post("/opinions/<number>/take-up")
@login_required
def take_up(number: str) -> ResponseReturnValue:
    """Take it up with an agreed item, a new one or one that there is."""

    def act(form: TakeUpForm) -> None:
        handling.take_up(number, form.item_id.data, form.item(), form.shown_version, actor=actor(), now=g.now)

    return _act(number, OpinionAction.TAKE_UP, act, _("It is taken up."))


@bp.post("/opinions/<number>/answer")
@login_required
def answer(number: str) -> ResponseReturnValue:
    """Reply to who gave it."""
    return _act(
        number,
        OpinionAction.ANSWER,
        lambda form: handling.answer(number, form.reply(), form.shown_version, actor=actor(), now=g.now),
        _("The reply is sent."),
    )


@bp.post("/opinions/<number>/thank")
@login_required
def thank(number: str) -> ResponseReturnValue:
    """Thank for praise."""
    return _act(
        number,
        OpinionAction.THANK,
        lambda form: handling.thank(number, form.reply(), form.shown_version, actor=actor(), now=g.now),
        _("The reply is sent."),
    )


@bp.post("/opinions/<number>/decline")
@login_required
def decline(number: str) -> ResponseReturnValue:
    """Say why it is not followed."""
    return _act(
        number,
        OpinionAction.DECLINE,
        lambda form: handling.decline(number, form.reply(), form.shown_version, actor=actor(), now=g.now),
        _("The reply is sent."),
    )


@bp.post("/opinions/<number>/settle")
@login_required
def settle(number: str) -> ResponseReturnValue:
    """Record what came of it."""
    return _act(
        number,
        OpinionAction.SETTLE,
        lambda form: handling.settle(
            number, form.result.data or "", form.shown_version, actor=actor(), now=g.now
        ),
        _("The result is recorded, and who gave the opinion is told."),
    )


@bp.get("/opinions/<number>/papers/<int:document_id>")
@login_required
def paper(number: str, document_id: int) -> ResponseReturnValue:
    """A scanned form, for whoever sees the opinion with its giver; always as a download."""
    document = recording.get_paper(number, document_id, actor=actor())
    response = send_file(
        BytesIO(files().get(document.storage_key)),
        mimetype=document.content_type,
        as_attachment=True,
        download_name=document.filename,
    )
    keep_file(document.filename, account_id=document.account_id)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
