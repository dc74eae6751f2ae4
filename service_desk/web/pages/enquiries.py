"""First contacts: the list, the log form, one contact's page; and hand-overs of contacts and claims."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.forms.enquiries import AnswerForm, CloseForm, ContactForm, HandoverForm
from service_desk.forms.fields import small_number
from service_desk.models.db import db
from service_desk.models.enquiries import Handover, MatterKind
from service_desk.models.users import User
from service_desk.presenters import enquiries as words
from service_desk.presenters import sla_clocks
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.messages import sentence
from service_desk.presenters.sheets.claims import contacts_sheet
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, accounts, enquiries, submissions
from service_desk.services.enquiries import ContactFile, ContactFilter, ContactView
from service_desk.services.sla import standing_in
from service_desk.services.sla.standing_in import Away
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request

bp = Blueprint("enquiries", __name__)


@bp.get("/enquiries")
@login_required
def inbox() -> ResponseReturnValue:
    """The account's contacts, by saved filter, branch and text."""
    account, wanted = current_account(), _wanted()
    page = enquiries.list_enquiries(account.id, wanted, page_request(), actor=actor())
    counts = enquiries.count_views(account.id, wanted, actor=actor())
    return render_template(
        "enquiries/list.html",
        page=page,
        wanted=wanted,
        views=[_tab(view, wanted, counts[view]) for view in ContactView],
        branches=_branches(account.id),
        words=words,
        is_client=_is_client(),
        takers=_colleagues(account.id),
    )


@bp.get("/enquiries.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The contacts as filtered, as a spreadsheet."""
    account, wanted, reader = current_account(), _wanted(), actor().role
    chosen = [(_("View"), label(wanted.view, "contact_view"))]
    chosen += [(_("Branch"), name) for id_, name in _branches(account.id) if id_ == wanted.branch_id]
    chosen += [(_("Search"), wanted.text)] if wanted.text else []
    return send_list(
        lambda page: enquiries.list_enquiries(account.id, wanted, page, actor=actor()),
        lambda rows: contacts_sheet(rows, reader, g.now),
        f"contacts-{local_date(g.now)}.xlsx",
        chosen,
    )


def _wanted() -> ContactFilter:
    """The filter in the address; nonsense means my open contacts."""
    view = request.args.get("view", "")
    return ContactFilter(
        view=ContactView(view) if view in set(ContactView) else ContactView.MINE,
        branch_id=small_number(request.args.get("branch")),
        text=request.args.get("q", "")[:100],
    )


def _tab(view: ContactView, wanted: ContactFilter, count: int) -> dict[str, Any]:
    return {
        "label": label(view, "contact_view"),
        "url": url_for("enquiries.inbox", view=view.value, branch=wanted.branch_id, q=wanted.text or None),
        "is_current": view is wanted.view,
        "count": count,
    }


@bp.route("/enquiries/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Log a contact; at the client, write to the desk. The same form sent twice is one contact."""
    access.require(actor(), Action.LOG_ENQUIRY)
    account, form = current_account(), _contact_form()
    numbers: list[str] = []

    def make() -> str:
        return enquiries.log_contact(account.id, form.details(), actor=actor(), now=g.now).number

    def act() -> None:
        key = form.idempotency_key.data or ""
        numbers.append(submissions.once("enquiry", key, make, actor=actor(), now=g.now))

    if attempt(form, act):
        said = _("The desk has your message.") if _is_client() else _("The contact was logged. You own it.")
        return done(said, "enquiries.enquiry", number=numbers[0])
    context = {"form": form, "is_client": _is_client()}
    if form.is_submitted():
        return again("enquiries/new.html", **context)
    return render_template("enquiries/new.html", **context)


def _contact_form() -> ContactForm:
    known: dict[str, Any] = {"about": request.args.get("about", "")}
    if _is_client():
        known |= {"caller_name": actor().name, "caller_phone": actor().phone}
    form = ContactForm(data=known)
    form.channel.choices = choices("logged_channel")
    form.branch_id.choices = [("", "—"), *((str(id_), name) for id_, name in _branches(current_account().id))]
    if _is_client():
        del form.channel
        del form.branch_id
    return form


def _branches(account_id: int) -> list[tuple[int, str]]:
    return [(b.id, branch_name(b)) for b in accounts.list_branches(account_id, actor=actor())]


@bp.get("/enquiries/<number>")
@login_required
def enquiry(number: str) -> ResponseReturnValue:
    """One contact: what was asked, who owns it, the answer, the chain of owners."""
    return render_template("enquiries/detail.html", **_context(number, None))


@bp.post("/enquiries/<number>/answer")
@login_required
def answer(number: str) -> ResponseReturnValue:
    """Answer it: the reply clock stops."""
    enquiries.get_enquiry(number, actor=actor())
    form = AnswerForm()

    def act() -> None:
        enquiries.answer(number, form.answer.data or "", form.shown_version, actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The answer was recorded."), "enquiries.enquiry", number=number)
    # Before anything is read again: what the refused act had begun must not be shown as done.
    db.session.rollback()
    return again("enquiries/detail.html", **_context(number, form))


@bp.post("/enquiries/<number>/close")
@login_required
def close(number: str) -> ResponseReturnValue:
    """Close it."""
    enquiries.get_enquiry(number, actor=actor())
    form = CloseForm()
    return _decide(
        lambda: enquiries.close(number, form.shown_version, actor=actor(), now=g.now),
        _("The contact is closed."),
        url_for("enquiries.enquiry", number=number),
    )


def _context(number: str, refused: AnswerForm | None) -> dict[str, Any]:
    file = enquiries.read_contact(number, actor=actor())
    version = str(file.enquiry.version)
    form = refused or AnswerForm(formdata=None, data={"answer": file.enquiry.answer})
    # The page now shows the contact as it is, so what is sent again is based on that.
    form.version.data = version
    is_mine = enquiries.may_work_on(file.enquiry, actor=actor(), now=g.now)
    may_answer = access.may(actor(), Action.ANSWER_ENQUIRIES) and is_mine
    may_offer = may_answer and (file.enquiry.owner_id == actor().id or actor().role is Role.MANAGER)
    return {
        "file": file,
        "enquiry": file.enquiry,
        "words": words,
        "open_rows": sla_clocks.open_rows,
        "ended_rows": sla_clocks.ended_rows,
        "form": form,
        "refused": refused is not None,
        "chain": words.chain(file),
        "may_answer": may_answer and words.is_answerable(file.enquiry),
        "may_withdraw": may_offer and file.offer is not None,
        "is_offered_to_me": file.offer is not None and file.offer.to_id == actor().id,
        "takers": _takers(file) if may_offer else [],
        "is_client": _is_client(),
        "away": _away(file),
    }


def _away(file: ContactFile) -> Away | None:
    """Whether its owner is away, and who answers meanwhile."""
    account_id = file.enquiry.account_id
    return standing_in.away_now([file.owner.id], g.now, account_id=account_id).get(file.owner.id)


def _colleagues(account_id: int) -> list[tuple[int, str]]:
    """To whom ticked contacts can be offered; nobody for the client."""
    if not access.may(actor(), Action.ANSWER_ENQUIRIES):
        return []
    people = enquiries.possible_takers(account_id, MatterKind.ENQUIRY, actor().id)
    return [(user.id, f"{user.name} · {user.staff_no}") for user in people]


def _takers(file: ContactFile) -> list[User]:
    """Who it may be offered to, while it is open and nobody is asked."""
    if file.enquiry.closed_at is not None or file.offer is not None:
        return []
    return enquiries.possible_takers(file.enquiry.account_id, MatterKind.ENQUIRY, file.enquiry.owner_id)


@bp.post("/handovers")
@login_required
def ask_handover() -> ResponseReturnValue:
    """Offer a claim or a contact to a colleague; it counts when they accept."""
    form = HandoverForm()
    kind, number = form.kind.data or "", form.number.data or ""
    if kind not in set(MatterKind) or not number:
        raise NotFound("not_found")
    back = _address(MatterKind(kind), number)

    def act() -> None:
        to_id, note = form.to_id.data or 0, form.note.data or ""
        enquiries.ask_handover(MatterKind(kind), number, to_id, note, actor=actor(), now=g.now)

    return _decide(act, _("It was offered. It stays yours until it is accepted."), back)


@bp.post("/handovers/<int:offer_id>/accept")
@login_required
def accept_handover(offer_id: int) -> ResponseReturnValue:
    """Take the matter over."""
    return _decide_offer(offer_id, enquiries.accept, _("The matter is yours now."))


@bp.post("/handovers/<int:offer_id>/refuse")
@login_required
def refuse_handover(offer_id: int) -> ResponseReturnValue:
    """Send the matter back, with the reason."""
    reason = request.form.get("reason", "")

    def refuse(offer_id: int, **who: Any) -> Handover:
        return enquiries.refuse(offer_id, reason, **who)

    return _decide_offer(offer_id, refuse, _("The matter was sent back."))


@bp.post("/handovers/<int:offer_id>/withdraw")
@login_required
def withdraw_handover(offer_id: int) -> ResponseReturnValue:
    """Take an offer back."""
    return _decide_offer(offer_id, enquiries.withdraw, _("The offer was taken back."))


def _decide_offer(offer_id: int, act: Callable[..., Handover], said: str) -> ResponseReturnValue:
    """Decide an offer, and show the matter; a refusal is said on the page the person came from."""
    offer = enquiries.get_offer(offer_id, actor=actor())
    back = _address(offer.matter_kind, offer.matter_number)
    return _decide(lambda: act(offer_id, actor=actor(), now=g.now), said, back)


def _decide(act: Callable[[], object], said: str, back: str) -> ResponseReturnValue:
    """Do it and say so on the matter's page. What one cannot mend by typing is said there too, and nothing is kept."""
    try:
        act()
        db.session.flush()
    except (Invalid, Conflict) as error:
        db.session.rollback()
        flash(sentence(error), "bad")
    else:
        flash(said, "ok")
    return redirect(back, 303)


def _address(kind: MatterKind, number: str) -> str:
    endpoint = {MatterKind.CLAIM: "claims.claim", MatterKind.ENQUIRY: "enquiries.enquiry"}.get(kind)
    return url_for(endpoint, number=number) if endpoint else url_for("handovers.handovers")


def _is_client() -> bool:
    return actor().side is Side.CLIENT
