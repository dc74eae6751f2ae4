"""What the page of one contact shows, and its forms; a refused form is shown again with what was typed."""

from typing import Any

from flask import g, request

from service_desk.base.errors import NotFound
from service_desk.forms.enquiries import AnswerForm, FurtherCallForm, LinkForm, WordForm
from service_desk.forms.fields import small_number
from service_desk.models.enquiries import ContactKind, EnquiryState
from service_desk.models.users import User
from service_desk.presenters import arrivals as mail_words
from service_desk.presenters import enquiries as words
from service_desk.presenters import sla_clocks
from service_desk.presenters.labels import choices
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, arrivals, enquiries, messages
from service_desk.services.enquiries import ContactFile
from service_desk.services.sla import standing_in
from service_desk.web.http import actor
from service_desk.web.several import kept_offer
from service_desk.web.threads import panel_of


def page_context(
    number: str,
    *,
    answer_form: AnswerForm | None = None,
    word_form: WordForm | None = None,
    link_form: LinkForm | None = None,
    call_form: FurtherCallForm | None = None,
) -> dict[str, Any]:
    """Everything the template takes. The forms given are those that were refused."""
    file = enquiries.read_contact(number, actor=actor())
    enquiry, is_client = file.enquiry, actor().side is Side.CLIENT
    is_mine = enquiries.may_work_on(enquiry, actor=actor(), now=g.now)
    may_answer = access.may(actor(), Action.ANSWER_ENQUIRIES) and is_mine and words.is_answerable(enquiry)
    may_offer = (
        access.may(actor(), Action.ANSWER_ENQUIRIES)
        and is_mine
        and (enquiry.owner_id == actor().id or actor().role is Role.MANAGER)
    )
    may_say = enquiries.may_say(enquiry, g.now)
    offered = enquiries.offered(enquiry.account_id, actor=actor()) if may_answer else []
    refused = {
        "answer": answer_form is not None,
        "word": word_form is not None,
        "link": link_form is not None,
        "call": call_form is not None,
    }
    return {
        "file": file,
        "enquiry": enquiry,
        "words": words,
        "open_rows": sla_clocks.open_rows,
        "ended_rows": sla_clocks.ended_rows,
        "form": answer_form or _answer_form(file),
        "word_form": _at_version(word_form or new_word_form(file), file),
        "link_form": _at_version(
            link_form or LinkForm(formdata=None, data={"about": words.about(file)}), file
        ),
        "call_form": call_form or new_call_form(file),
        "refused": refused,
        "templates": offered,
        "language": template_language(),
        "chain": words.chain(file),
        "said": words.said(file),
        "is_complaint": enquiry.kind is ContactKind.COMPLAINT,
        "may_answer": may_answer,
        "may_record_word": may_answer and enquiry.state is EnquiryState.ANSWERED,
        "may_say": is_client and may_say,
        "may_add_call": not is_client and enquiries.may_add(enquiry, g.now),
        "may_withdraw": may_offer and file.offer is not None,
        "is_offered_to_me": file.offer is not None and file.offer.to_id == actor().id,
        "takers": _takers(file) if may_offer else [],
        "offer": kept_offer(),
        "is_client": is_client,
        "talk": panel_of(messages.of_enquiry(enquiry)) if messages.has_thread(enquiry) else None,
        "away": _away(file),
        "arrived": arrivals.mails_of_enquiry(enquiry),
        "mail_words": mail_words,
    }


def new_word_form(file: ContactFile | None = None, **sent: Any) -> WordForm:
    """The form of the client's word with its choices; without what is sent, as first shown."""
    known = {"said_by": file.enquiry.caller_name, "said_at": g.now} if file else {}
    form = WordForm(**sent) if sent or file is None else WordForm(formdata=None, data=known)
    form.is_satisfied.choices = choices("settled")
    form.means.choices = choices("told_means")
    if actor().side is Side.CLIENT:
        # On their own page it is they who say it, now.
        del form.means
        del form.said_by
        del form.said_at
    return form


def new_call_form(file: ContactFile | None = None) -> FurtherCallForm:
    """The form of a further call with its choices."""
    if file is None:
        form = FurtherCallForm()
    else:
        known = {"caller_name": file.enquiry.caller_name, "caller_phone": file.enquiry.caller_phone}
        form = FurtherCallForm(formdata=None, data=known)
    form.channel.choices = choices("logged_channel")
    return form


def template_language() -> str:
    """The language a template is filled in: Chinese unless the address says otherwise."""
    return "en" if request.args.get("lang") == "en" else "zh"


def _answer_form(file: ContactFile) -> AnswerForm:
    """The answer there is, or the template that the address names, filled from the contact."""
    known = {"answer": file.enquiry.answer}
    template_id = small_number(request.args.get("template"))
    if template_id and access.may(actor(), Action.ANSWER_ENQUIRIES):
        known |= _filled(template_id, file)
    form = AnswerForm(formdata=None, data=known)
    form.version.data = str(file.enquiry.version)
    return form


def _filled(template_id: int, file: ContactFile) -> dict[str, str]:
    try:
        template = enquiries.get_template(template_id, file.enquiry.account_id, actor=actor())
    except NotFound:
        return {}
    missing = enquiries.missing_documents(file)
    text = words.answer_from(template, file, missing, in_english=template_language() == "en")
    return {"answer": text, "template_id": str(template.id)}


def _at_version(form: Any, file: ContactFile) -> Any:
    """The page shows the contact as it is, so what is sent again is based on that."""
    form.version.data = str(file.enquiry.version)
    return form


def _takers(file: ContactFile) -> list[User]:
    """Who it may be offered to, while it is open and nobody is asked."""
    if file.enquiry.closed_at is not None or file.offer is not None:
        return []
    return enquiries.takers_of(file.enquiry)


def _away(file: ContactFile) -> standing_in.Away | None:
    """Who answers while the owner is away; never whom a complaint is about."""
    enquiry = file.enquiry
    return standing_in.away_past(
        file.owner.id, g.now, account_id=enquiry.account_id, barred=enquiry.hidden_from_id
    )
