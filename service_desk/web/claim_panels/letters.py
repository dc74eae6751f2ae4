"""The letters of a claim: what is due until it is sent, and the PDFs of what was written."""

from dataclasses import dataclass
from typing import Any

from flask import g

from service_desk.forms.claim_money import SendLetterForm
from service_desk.models.claim_letters import ClaimLetter
from service_desk.models.users import User
from service_desk.rules.claim_letters import LetterKind
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.claims import letters
from service_desk.services.claims.files import ClaimFile
from service_desk.web.claim_panels import Column

COLUMN = Column.NEXT
ORDER = 6


@dataclass(frozen=True)
class LettersPanel:
    """`due` is the letter still to be sent; `send_form` where it is written and goes by this panel."""

    due: LetterKind | None
    is_written: bool
    may_write: bool
    send_form: SendLetterForm | None
    letters: list[tuple[ClaimLetter, User]]


def read(file: ClaimFile, user: User) -> Any:
    """The panel; None where no letter is due and there is none to open."""
    claim, may_write = file.claim, access.may(user, Action.HANDLE_CLAIMS)
    due = letters.kind_for(claim) if may_write and letters.is_due(claim) else None
    shown = letters.visible_letters(claim, actor=user)
    if due is None and not shown:
        return None
    is_written = due is not None and letters.current_letter(claim) is not None
    people = audit.people_of({one.sent_by_id or one.written_by_id for one in shown})
    return LettersPanel(
        due=due,
        is_written=is_written,
        may_write=may_write,
        send_form=_send_form(file) if is_written and due is not LetterKind.REFUSAL else None,
        letters=[(one, people[one.sent_by_id or one.written_by_id]) for one in shown],
    )


def _send_form(file: ClaimFile) -> SendLetterForm:
    values = {"version": str(file.claim.version), "at": g.now}
    return SendLetterForm(formdata=None, prefix="letter", data=values)
