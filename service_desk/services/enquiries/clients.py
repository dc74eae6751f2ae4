"""Who asked, as the desk can reach them: a login of the client, a contact person, or the address they gave."""

from sqlalchemy import select

from service_desk.models.accounts import Contact
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.users import User
from service_desk.rules.first_contact import phone_key
from service_desk.rules.permissions import CLIENT_ROLES, Action, Side
from service_desk.services import access
from service_desk.services.notices import Recipient, contact_recipient, user_recipient

# With fewer digits a phone is of nobody.
_LEAST_DIGITS = 7


def client_of(enquiry: Enquiry) -> Recipient | None:
    """Who asked, as a message reaches them; None when no way is known."""
    writer = db.session.get_one(User, enquiry.opened_by_id)
    if writer.side is Side.CLIENT:
        return user_recipient(writer) if writer.is_active else None
    if enquiry.caller_email:
        return Recipient(enquiry.caller_name, enquiry.caller_email, "zh")
    known = known_by_phone(enquiry.account_id, enquiry.phone_key)
    if isinstance(known, User):
        return user_recipient(known) if _sees(known, enquiry) else None
    return contact_recipient(known) if known and known.email else None


def known_by_phone(account_id: int, key: str) -> User | Contact | None:
    """The client's login, else the contact person, that a phone is of; too few digits are of nobody."""
    if len(key) < _LEAST_DIGITS:
        return None
    for user in access.account_members(account_id, *sorted(CLIENT_ROLES)):
        if phone_key(user.phone) == key:
            return user
    people = select(Contact).where(Contact.account_id == account_id, Contact.is_active, Contact.phone != "")
    found = db.session.scalars(people.order_by(Contact.id))
    return next((one for one in found if phone_key(one.phone) == key), None)


def _sees(user: User, enquiry: Enquiry) -> bool:
    own = select(Enquiry.id).where(Enquiry.id == enquiry.id)
    return db.session.scalar(access.visible(user, Action.READ_ENQUIRIES, own, Enquiry)) is not None
