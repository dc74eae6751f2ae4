"""The claim or contact that something refers to, by the mail it answers or by its number."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.mailboxes import ReceivedMail
from service_desk.models.notices import Channel, Notice
from service_desk.models.users import User
from service_desk.rules.first_contact import is_remembered
from service_desk.rules.messaging import ThreadKind, may_write
from service_desk.rules.permissions import Action
from service_desk.services import access

_CLAIM, _ENQUIRY = "claim", "enquiry"


@dataclass(frozen=True)
class Referred:
    """What is referred to: a claim, or a contact that is no claim's own."""

    claim: Claim | None = None
    enquiry: Enquiry | None = None

    @property
    def row(self) -> Claim | Enquiry | None:
        return self.claim or self.enquiry

    @property
    def number(self) -> str:
        return self.row.number if self.row else ""

    @property
    def account_id(self) -> int | None:
        return self.row.account_id if self.row else None

    def takes_messages(self, now: datetime) -> bool:
        """Whether one may still write about it."""
        kind = ThreadKind.CLAIM if self.claim else ThreadKind.ENQUIRY
        return self.row is not None and may_write(kind, self.row.closed_at, now)

    def takes_calls(self, now: datetime) -> bool:
        """Whether asking again is asking the same; a claim has no further calls."""
        return self.enquiry is not None and is_remembered(self.enquiry.closed_at, now)

    def is_seen_by(self, user: User) -> bool:
        """Whether a login sees it on its pages."""
        if self.claim is not None:
            own = select(Claim.id).where(Claim.id == self.claim.id)
            return db.session.scalar(access.visible(user, Action.READ_CLAIMS, own, Claim)) is not None
        if self.enquiry is not None:
            own = select(Enquiry.id).where(Enquiry.id == self.enquiry.id)
            return db.session.scalar(access.visible(user, Action.READ_ENQUIRIES, own, Enquiry)) is not None
        return False


def answered_notice(message_ids: tuple[str, ...]) -> Notice | None:
    """The latest of our mails among those that a mail says it answers."""
    if not message_ids:
        return None
    sent = select(Notice).where(Notice.message_id.in_(message_ids), Notice.channel == Channel.MAIL)
    return db.session.scalar(sent.order_by(Notice.id.desc()).limit(1))


def referred_to(number: str, notice: Notice | None, message_ids: tuple[str, ...]) -> Referred:
    """What our mail that it answers was about, else what the number is of, else what an earlier mail of theirs made."""
    if notice is not None and notice.matter_kind in (_CLAIM, _ENQUIRY):
        found = _by_number(notice.matter_number)
        if found.row is not None:
            return found
    named = _by_number(number)
    return named if named.row is not None else _of_earlier_mail(message_ids)


def _of_earlier_mail(message_ids: tuple[str, ...]) -> Referred:
    if not message_ids:
        return Referred()
    made = (
        select(ReceivedMail.matter_number)
        .where(ReceivedMail.message_key.in_(message_ids), ReceivedMail.matter_number != "")
        .order_by(ReceivedMail.id.desc())
        .limit(1)
    )
    return _by_number(db.session.scalar(made) or "")


def find(account_id: int, number: str) -> Referred:
    """The claim or contact of a number in an account."""
    found = _by_number(number)
    return found if found.account_id == account_id else Referred()


def _by_number(number: str) -> Referred:
    if not number:
        return Referred()
    claim = db.session.scalar(select(Claim).where(Claim.number == number))
    if claim is not None:
        return Referred(claim=claim)
    enquiry = db.session.scalar(select(Enquiry).where(Enquiry.number == number))
    if enquiry is not None and enquiry.channel is EnquiryChannel.CLAIM_REPORT:
        return Referred(claim=db.session.get(Claim, enquiry.claim_id))
    return Referred(enquiry=enquiry)
