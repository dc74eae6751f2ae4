"""Key accounts, their branch tree with aliases, and contact people."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select, update

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.text import search_key, squeeze
from service_desk.models.accounts import Branch, BranchAlias, Contact, KeyAccount
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.identifiers import is_uscc, normalise_uscc
from service_desk.rules.permissions import Action
from service_desk.rules.renewal import ladder_of
from service_desk.services import access, audit

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class AccountDetails:
    """A key account as typed. `reminder_days` are days before expiry, in any order."""

    code: str
    name: str
    name_en: str
    uscc: str
    credit_limit_fen: int | None
    reminder_days: tuple[int, ...]


@dataclass(frozen=True)
class BranchDetails:
    """A branch as typed; `aliases` are the other names it goes by in lists."""

    name: str
    name_en: str
    parent_id: int | None
    district: str
    is_urban: bool
    is_active: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class ContactDetails:
    """A contact person as typed. Without a branch: of the group's departments."""

    name: str
    position: str
    phone: str
    email: str
    branch_id: int | None
    language: str
    gets_reports: bool
    gets_renewals: bool
    gets_large_losses: bool
    is_active: bool = True


def active_account_ids() -> list[int]:
    """The accounts that jobs work for."""
    return list(db.session.scalars(select(KeyAccount.id).where(KeyAccount.is_active).order_by(KeyAccount.id)))


def add_account(details: AccountDetails, *, actor: User | None, now: datetime) -> KeyAccount:
    """Add a key account; `actor` None is the command line."""
    if actor is not None:
        access.require(actor, Action.MANAGE_ACCOUNTS)
    _check_account(details, None)
    account = KeyAccount(
        code=details.code.strip().upper(),
        name=squeeze(details.name),
        name_en=squeeze(details.name_en),
        uscc=normalise_uscc(details.uscc),
        credit_limit_fen=details.credit_limit_fen,
        reminder_days=ladder_of(details.reminder_days),
    )
    db.session.add(account)
    audit.record("account_added", account, actor=actor, now=now, label=account.code)
    return account


def change_account(
    account_id: int, details: AccountDetails, version: int, *, actor: User, now: datetime
) -> None:
    """Change a key account's facts."""
    access.require(actor, Action.MANAGE_ACCOUNTS)
    account = access.get_account(actor, account_id)
    if account.version != version:
        raise Conflict("stale")
    _check_account(details, account.id)
    changes = audit.change(
        account,
        code=details.code.strip().upper(),
        name=squeeze(details.name),
        name_en=squeeze(details.name_en),
        uscc=normalise_uscc(details.uscc),
        credit_limit_fen=details.credit_limit_fen,
        reminder_days=ladder_of(details.reminder_days),
    )
    audit.record("account_changed", account, actor=actor, now=now, changes=changes, account_id=account.id)


def _check_account(details: AccountDetails, own_id: int | None) -> None:
    if not is_uscc(normalise_uscc(details.uscc)):
        raise Invalid("uscc_invalid", field="uscc", value=details.uscc)
    code = details.code.strip().upper()
    if db.session.scalar(
        select(KeyAccount.id).where(KeyAccount.code == code, KeyAccount.id != (own_id or 0))
    ):
        raise Invalid("code_taken", field="code", value=code)
    ladder_of(details.reminder_days)


def list_branches(account_id: int, *, actor: User) -> list[Branch]:
    """The branches of an account the actor may see, each after its parent."""
    statement = select(Branch).where(Branch.account_id == account_id)
    rows = db.session.scalars(access.visible(actor, Action.READ_FLEET, statement, Branch)).all()
    return _in_tree_order(list(rows))


def _in_tree_order(rows: list[Branch]) -> list[Branch]:
    known = {row.id for row in rows}
    children: dict[int | None, list[Branch]] = {}
    for row in sorted(rows, key=lambda r: (r.district, r.name)):
        parent = row.parent_id if row.parent_id in known else None
        children.setdefault(parent, []).append(row)
    ordered: list[Branch] = []
    waiting = list(reversed(children.get(None, [])))
    while waiting:
        row = waiting.pop()
        ordered.append(row)
        waiting.extend(reversed(children.get(row.id, [])))
    return ordered


def get_branch(branch_id: int, *, actor: User) -> Branch:
    """One visible branch."""
    return access.get_visible(actor, Action.READ_FLEET, Branch, Branch.id == branch_id)


def aliases_of(account_id: int) -> dict[int, list[str]]:
    """Aliases by branch id."""
    found: dict[int, list[str]] = {}
    statement = select(BranchAlias).where(BranchAlias.account_id == account_id).order_by(BranchAlias.alias)
    for alias in db.session.scalars(statement):
        found.setdefault(alias.branch_id, []).append(alias.alias)
    return found


def add_branch(account_id: int, details: BranchDetails, *, actor: User | None, now: datetime) -> Branch:
    """Add a branch below its parent; `actor` None is the command line or the demo."""
    if actor is not None:
        access.require(actor, Action.MANAGE_ACCOUNTS)
        access.get_account(actor, account_id)
    parent = _parent(account_id, details.parent_id)
    _check_names(account_id, details, None)
    branch = Branch(
        account_id=account_id,
        parent_id=details.parent_id,
        name=squeeze(details.name),
        name_en=squeeze(details.name_en),
        name_key=search_key(details.name),
        district=details.district,
        is_urban=details.is_urban,
        is_active=details.is_active,
    )
    db.session.add(branch)
    db.session.flush()
    branch.path = f"{parent.path if parent else '/'}{branch.id}/"
    _write_aliases(branch, details.aliases)
    audit.record("branch_added", branch, actor=actor, now=now)
    return branch


def change_branch(
    branch_id: int, details: BranchDetails, version: int, *, actor: User, now: datetime
) -> None:
    """Change a branch; moving it moves everything below it."""
    access.require(actor, Action.MANAGE_ACCOUNTS)
    branch = get_branch(branch_id, actor=actor)
    if branch.version != version:
        raise Conflict("stale")
    parent = _parent(branch.account_id, details.parent_id)
    if parent is not None and parent.path.startswith(branch.path):
        raise Invalid("branch_in_itself", field="parent_id")
    _check_names(branch.account_id, details, branch.id)
    old_path = branch.path
    changes = audit.change(
        branch,
        name=squeeze(details.name),
        name_en=squeeze(details.name_en),
        name_key=search_key(details.name),
        parent_id=details.parent_id,
        path=f"{parent.path if parent else '/'}{branch.id}/",
        district=details.district,
        is_urban=details.is_urban,
        is_active=details.is_active,
    )
    if branch.path != old_path:
        below = update(Branch).where(Branch.path.startswith(old_path), Branch.id != branch.id)
        db.session.execute(
            below.values(path=branch.path + func.substr(Branch.path, len(old_path) + 1)),
            execution_options={"synchronize_session": False},
        )
    _write_aliases(branch, details.aliases)
    audit.record("branch_changed", branch, actor=actor, now=now, changes=changes)


def _parent(account_id: int, parent_id: int | None) -> Branch | None:
    if parent_id is None:
        return None
    parent = db.session.get(Branch, parent_id)
    if parent is None or parent.account_id != account_id:
        raise NotFound("not_found", field="parent_id")
    return parent


def _check_names(account_id: int, details: BranchDetails, own_id: int | None) -> None:
    """A name or alias must lead to one branch, else a list's row could mean two."""
    for field, name in [("name", details.name), *(("aliases", alias) for alias in details.aliases)]:
        key = search_key(name)
        if not key:
            continue
        taken = select(Branch.id).where(
            Branch.account_id == account_id, Branch.name_key == key, Branch.id != (own_id or 0)
        )
        alias_taken = select(BranchAlias.id).where(
            BranchAlias.account_id == account_id,
            BranchAlias.alias_key == key,
            BranchAlias.branch_id != (own_id or 0),
        )
        if db.session.scalar(taken) or db.session.scalar(alias_taken):
            raise Invalid("branch_name_taken", field=field, value=name)


def _write_aliases(branch: Branch, aliases: tuple[str, ...]) -> None:
    db.session.execute(delete(BranchAlias).where(BranchAlias.branch_id == branch.id))
    by_key = {search_key(alias): squeeze(alias) for alias in aliases if search_key(alias)}
    db.session.add_all(
        BranchAlias(account_id=branch.account_id, branch_id=branch.id, alias=alias, alias_key=key)
        for key, alias in by_key.items()
    )


def add_alias(account_id: int, branch_id: int, alias: str, *, actor: User, now: datetime) -> None:
    """Remember a name a list used for a branch, so that the next list is understood. Sent again it is known already."""
    access.require(actor, Action.IMPORT_FLEET)
    branch = get_branch(branch_id, actor=actor)
    if branch.account_id != account_id:
        raise NotFound("not_found")
    key = search_key(alias)
    known = db.session.scalar(
        select(BranchAlias.branch_id).where(
            BranchAlias.account_id == account_id, BranchAlias.alias_key == key
        )
    )
    if known == branch.id:
        return
    if known is not None:
        raise Invalid("branch_name_taken", field="aliases", value=alias)
    db.session.add(
        BranchAlias(account_id=account_id, branch_id=branch_id, alias=squeeze(alias), alias_key=key)
    )
    audit.record(
        "branch_alias_added", branch, actor=actor, now=now, changes={"alias": (None, squeeze(alias))}
    )


def list_contacts(account_id: int, *, actor: User) -> list[Contact]:
    """The contact people of an account the actor may see; a branch sees its own and the group's."""
    seen = access.visible_clause(actor, Action.READ_FLEET, Contact)
    group = Contact.branch_id.is_(None) & access.visible_clause(actor, Action.READ_FLEET, KeyAccount)
    statement = (
        select(Contact)
        .join(KeyAccount, KeyAccount.id == Contact.account_id)
        .where(Contact.account_id == account_id, or_(seen, group), Contact.is_active)
        .order_by(Contact.branch_id.is_not(None), Contact.branch_id, Contact.name, Contact.id)
    )
    return list(db.session.scalars(statement))


def get_contact(contact_id: int, *, actor: User) -> Contact:
    """One visible contact person."""
    return access.get_visible(actor, Action.READ_FLEET, Contact, Contact.id == contact_id)


def add_contact(account_id: int, details: ContactDetails, *, actor: User | None, now: datetime) -> Contact:
    """Add a contact person."""
    if actor is not None:
        access.require(actor, Action.MANAGE_ACCOUNTS)
        access.get_account(actor, account_id)
    _check_contact(account_id, details)
    contact = Contact(account_id=account_id, **_contact_values(details))
    db.session.add(contact)
    audit.record("contact_added", contact, actor=actor, now=now)
    return contact


def change_contact(
    contact_id: int, details: ContactDetails, version: int, *, actor: User, now: datetime
) -> None:
    """Change a contact person; one who left is made inactive, never deleted."""
    access.require(actor, Action.MANAGE_ACCOUNTS)
    contact = get_contact(contact_id, actor=actor)
    if contact.version != version:
        raise Conflict("stale")
    _check_contact(contact.account_id, details)
    changes = audit.change(contact, **_contact_values(details))
    audit.record("contact_changed", contact, actor=actor, now=now, changes=changes)


def _contact_values(details: ContactDetails) -> dict[str, object]:
    return {
        "name": squeeze(details.name),
        "position": squeeze(details.position),
        "phone": details.phone.strip(),
        "email": details.email.strip(),
        "branch_id": details.branch_id,
        "language": details.language,
        "gets_reports": details.gets_reports,
        "gets_renewals": details.gets_renewals,
        "gets_large_losses": details.gets_large_losses,
        "is_active": details.is_active,
    }


def _check_contact(account_id: int, details: ContactDetails) -> None:
    email = details.email.strip()
    if email and not _EMAIL.fullmatch(email):
        raise Invalid("email_invalid", field="email", value=email)
    if not email and not details.phone.strip():
        raise Invalid("contact_unreachable", field="phone")
    if details.gets_reports and details.branch_id is not None:
        raise Invalid("contact_of_branch_gets_no_reports", field="gets_reports")
    if details.branch_id is not None:
        branch = db.session.get(Branch, details.branch_id)
        if branch is None or branch.account_id != account_id:
            raise NotFound("not_found", field="branch_id")
