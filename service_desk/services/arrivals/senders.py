"""Whose address a mail says it comes from. What it says is no proof: it opens nothing but contacts and adds words."""

from dataclasses import dataclass, field

from sqlalchemy import func, select

from service_desk.models.accounts import Contact
from service_desk.models.db import db
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import CLIENT_ROLES

_MOST = 50


@dataclass(frozen=True)
class Known:
    """The client's logins and contact people of an address, by account."""

    users: dict[int, list[User]] = field(default_factory=dict)
    contacts: dict[int, list[Contact]] = field(default_factory=dict)

    @property
    def accounts(self) -> list[int]:
        return sorted({*self.users, *self.contacts})

    def login(self, account_id: int) -> User | None:
        """The one login of an account that has the address; None where several share it."""
        found = self.users.get(account_id, [])
        return found[0] if len(found) == 1 else None

    def contact(self, account_id: int) -> Contact | None:
        found = self.contacts.get(account_id, [])
        return found[0] if found else None


def known_by(address: str) -> Known:
    """Who of the clients' people has the address. The desk's own people count as nobody: a mail has not their rights."""
    key = address.strip().casefold()
    if not key:
        return Known()
    users: dict[int, list[User]] = {}
    logins = (
        select(UserAccount.account_id, User)
        .join(User, User.id == UserAccount.user_id)
        .where(func.lower(User.email) == key, User.is_active, User.role.in_(CLIENT_ROLES))
        .order_by(User.id)
        .limit(_MOST)
    )
    for account_id, user in db.session.execute(logins).tuples():
        users.setdefault(account_id, []).append(user)
    people = select(Contact).where(func.lower(Contact.email) == key, Contact.is_active)
    contacts: dict[int, list[Contact]] = {}
    for contact in db.session.scalars(people.order_by(Contact.id).limit(_MOST)):
        contacts.setdefault(contact.account_id, []).append(contact)
    return Known(users, contacts)
