"""First contacts: the list, the log form, one contact's page; and hand-overs of contacts and claims."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, NotFound
from service_desk.forms.enquiries import AnswerForm, CloseForm, ContactForm, HandoverForm
from service_desk.forms.fields import member, small_number
from service_desk.models.enquiries import ContactKind, EnquiryChannel, Handover, MatterKind
from service_desk.presenters import enquiries as words
from service_desk.presenters.exports import person
from service_desk.presenters.labels import choices, label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.sheets.contacts import contacts_sheet
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, accounts, enquiries, submissions
from service_desk.services.enquiries import ContactFilter, ContactView
from service_desk.web.enquiry_page import page_context
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request
from service_desk.web.sent_twice import attempt_once, decide
from service_desk.web.several import keep_offer, kept_offer

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
        choices_of=choices,
        is_client=_is_client(),
        may_edit_templates=access.may(actor(), Action.ANSWER_ENQUIRIES),
        takers=_colleagues(account.id),
        offer=kept_offer(),
    )


@bp.get("/enquiries.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The contacts as filtered, as a spreadsheet."""
    account, wanted, reader = current_account(), _wanted(), actor().role
    chosen = [(_("View"), label(wanted.view, "contact_view"))]
    chosen += [(_("Branch"), name) for id_, name in _branches(account.id) if id_ == wanted.branch_id]
    chosen += [(_("Kind"), label(wanted.kind, "contact_kind"))] if wanted.kind else []
    chosen += [(_("Channel"), label(wanted.channel, "enquiry_channel"))] if wanted.channel else []
    chosen += [(_("Asked again"), _("Only those"))] if wanted.is_repeated else []
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
        kind=member(ContactKind, request.args.get("kind")),
        channel=member(EnquiryChannel, request.args.get("channel")),
        is_repeated=request.args.get("repeated") == "1",
    )


def _tab(view: ContactView, wanted: ContactFilter, count: int) -> dict[str, Any]:
    return {
        "label": label(view, "contact_view"),
        "url": url_for(
            "enquiries.inbox",
            view=view.value,
            branch=wanted.branch_id,
            kind=wanted.kind,
            channel=wanted.channel,
            repeated=1 if wanted.is_repeated else None,
            q=wanted.text or None,
        ),
        "is_current": view is wanted.view,
        "count": count,
    }


@bp.route("/enquiries/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Log a contact; at the client, write to the desk. What may be the same matter again is asked about first."""
    access.require(actor(), Action.LOG_ENQUIRY)
    account, form = current_account(), _contact_form()
    numbers: list[str] = []
    asked: list[Conflict] = []

    def make() -> str:
        answer = form.repeat_answer()
        return enquiries.take_contact(account.id, form.details(), answer, actor=actor(), now=g.now).number

    def act() -> None:
        key = form.idempotency_key.data or ""
        try:
            numbers.append(submissions.once("enquiry", key, make, actor=actor(), now=g.now))
        except Conflict as error:
            asked.append(error)
            raise

    if attempt(form, act):
        return _logged(numbers[0])
    context = {"form": form, "is_client": _is_client(), "earlier": None}
    if form.is_submitted():
        earlier = asked[0].params if asked and asked[0].code == "contact_repeated" else None
        return again("enquiries/new.html", **context | {"earlier": earlier})
    return render_template("enquiries/new.html", **context)


def _logged(number: str) -> ResponseReturnValue:
    """To the contact's page, which shows its owner; a complaint about oneself is not one's own to see."""
    try:
        made = enquiries.get_enquiry(number, actor=actor())
    except NotFound:
        return done(_("The complaint was logged and goes to somebody else."), "enquiries.inbox")
    if _is_client():
        return done(_("The desk has your message."), "enquiries.enquiry", number=number)
    if made.owner_id == actor().id:
        return done(_("The contact was logged. You own it."), "enquiries.enquiry", number=number)
    return done(_("The contact was logged. Read out who looks after it."), "enquiries.enquiry", number=number)


def _contact_form() -> ContactForm:
    kind = member(ContactKind, request.args.get("kind")) or ContactKind.QUESTION
    known: dict[str, Any] = {"about": request.args.get("about", "")[:64], "kind": kind.value}
    if _is_client():
        known |= {"caller_name": actor().name, "caller_phone": actor().phone}
    form = ContactForm(data=known)
    account_id = current_account().id
    form.kind.choices = choices("contact_kind")
    form.channel.choices = choices("logged_channel")
    form.branch_id.choices = [("", "—"), *((str(id_), name) for id_, name in _branches(account_id))]
    people = enquiries.may_be_complained_about(account_id, actor=actor())
    form.person_id.choices = [("", "—"), *((str(one.id), person(one)) for one in people)]
    if _is_client():
        form.caller_name.label.text = _("Your name")
        del form.channel
        del form.branch_id
        del form.caller_email
    return form


def _branches(account_id: int) -> list[tuple[int, str]]:
    return [(b.id, branch_name(b)) for b in accounts.list_branches(account_id, actor=actor())]


@bp.get("/enquiries/<number>")
@login_required
def enquiry(number: str) -> ResponseReturnValue:
    """One contact: what was asked, who owns it, the answer, the chain of owners."""
    return render_template("enquiries/detail.html", **page_context(number))


@bp.post("/enquiries/<number>/answer")
@login_required
def answer(number: str) -> ResponseReturnValue:
    """Answer it: the reply clock stops."""
    enquiries.get_enquiry(number, actor=actor())
    form = AnswerForm()

    def act() -> None:
        enquiries.answer(
            number,
            form.answer.data or "",
            form.shown_version,
            template_id=_template_used(form, number),
            actor=actor(),
            now=g.now,
        )

    if attempt_once(form, act):
        return done(_("The answer was recorded."), "enquiries.enquiry", number=number)
    return again("enquiries/detail.html", **page_context(number, answer_form=form))


def _template_used(form: AnswerForm, number: str) -> int | None:
    """The template an answer was made of; one that is not the account's counts for nothing."""
    if form.chosen_template is None:
        return None
    account_id = enquiries.get_enquiry(number, actor=actor()).account_id
    try:
        return enquiries.get_template(form.chosen_template, account_id, actor=actor()).id
    except (Forbidden, NotFound):
        return None


@bp.post("/enquiries/<number>/close")
@login_required
def close(number: str) -> ResponseReturnValue:
    """Close it."""
    enquiries.get_enquiry(number, actor=actor())
    form = CloseForm()

    def end() -> str:
        return enquiries.close(number, form.shown_version, actor=actor(), now=g.now).number

    # The button has no key of its own: who closes the same state of a contact again has clicked twice.
    key = f"{number}/{form.shown_version}"
    return decide(
        lambda: submissions.once("enquiry_closed", key, end, actor=actor(), now=g.now),
        _("The contact is closed."),
        url_for("enquiries.enquiry", number=number),
    )


def _colleagues(account_id: int) -> list[tuple[int, str]]:
    """To whom ticked contacts can be offered; nobody for the client."""
    if not access.may(actor(), Action.ANSWER_ENQUIRIES):
        return []
    people = enquiries.possible_takers(account_id, MatterKind.ENQUIRY, actor().id)
    return [(user.id, f"{user.name} · {user.staff_no}") for user in people]


@bp.post("/handovers")
@login_required
def ask_handover() -> ResponseReturnValue:
    """Offer a claim or a contact to a colleague; it counts when they accept."""
    form = HandoverForm()
    kind, number = form.kind.data or "", form.number.data or ""
    if kind not in set(MatterKind) or not number:
        raise NotFound("not_found")
    back = _address(MatterKind(kind), number)
    to_id, note = form.to_id.data or 0, form.note.data or ""
    return decide(
        lambda: enquiries.ask_handover(MatterKind(kind), number, to_id, note, actor=actor(), now=g.now),
        _("It was offered. It stays with its owner until it is accepted."),
        back,
        keep=lambda: keep_offer(back, [number], to_id, note),
    )


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
    return decide(lambda: act(offer_id, actor=actor(), now=g.now), said, back)


def _address(kind: MatterKind, number: str) -> str:
    endpoint = {MatterKind.CLAIM: "claims.claim", MatterKind.ENQUIRY: "enquiries.enquiry"}.get(kind)
    return url_for(endpoint, number=number) if endpoint else url_for("handovers.handovers")


def _is_client() -> bool:
    return actor().side is Side.CLIENT
