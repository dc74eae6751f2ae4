"""What an actor may do and see: every service and every list goes through here."""

from collections.abc import Collection
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, false, func, or_, select, true
from sqlalchemy.orm import aliased

from service_desk.base.errors import Forbidden, NotFound
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import CLIENT_ROLES, Action, Role, Scope, scope_for

T = TypeVar("T")
# The actor's id and branch: known when a statement is made, or only when it is asked (`visible_in`).
_Given = int | BindParameter[Any] | None
# Made once: an alias works its columns out anew, and nearly every request of a branch asks.
_OWN_BRANCH = aliased(Branch)
# Those of an `account_id` in some `roles`, by staff number.
_MEMBERS = (
    select(User)
    .join(UserAccount, UserAccount.user_id == User.id)
    .where(
        UserAccount.account_id == bindparam("account_id"),
        User.is_active,
        User.role.in_(bindparam("roles", expanding=True)),
    )
    .order_by(User.staff_no, User.id)
)


def require(actor: User, action: Action) -> Scope:
    """The scope the actor has for the action; Forbidden when none."""
    scope = scope_for(actor.role, action)
    if scope is None or not actor.is_active:
        raise Forbidden("not_allowed", action=action.value)
    return scope


def may(actor: User, action: Action) -> bool:
    """Whether the actor has the action at all (for buttons; services use `require`)."""
    return actor.is_active and scope_for(actor.role, action) is not None


def visible_clause(actor: User, action: Action, model: Any) -> ColumnElement[bool]:
    """The condition that keeps `model` rows within the actor's scope for the action.

    `model` has `account_id`, and for branch scope `branch_id` (a model without it is not visible to
    branch users at all). KeyAccount and Branch themselves are understood too.
    """
    scope = scope_for(actor.role, action)
    if scope is None or not actor.is_active:
        return false()
    return _clause(scope, model, actor.id, actor.branch_id)


def visible_in(scope: Scope, model: Any) -> ColumnElement[bool]:
    """What `visible_clause` answers for whoever has the scope: for a statement made once and asked with `reach`."""
    return _clause(scope, model, bindparam("actor_id"), bindparam("actor_branch_id"))


def reach(actor: User) -> dict[str, int | None]:
    """The values that a condition of `visible_in` is asked with."""
    return {"actor_id": actor.id, "actor_branch_id": actor.branch_id}


def _clause(scope: Scope, model: Any, actor_id: _Given, branch_id: _Given) -> ColumnElement[bool]:
    if scope is Scope.OWN_BRANCHES:
        # Only the client's people see no more than branches, and no complaint is about them.
        return _reached(scope, model, actor_id, branch_id)
    return _reached(scope, model, actor_id, branch_id) & not_hidden(model, actor_id)


def not_hidden(model: Any, actor_id: _Given) -> ColumnElement[bool]:
    """The condition that keeps a complaint, and what belongs to it by its number, from the person it is about.

    Clocks, their reviews, hand-overs and messages carry the number of their matter, entries of the trail a label.
    """
    if model is Enquiry:
        return or_(Enquiry.hidden_from_id.is_(None), Enquiry.hidden_from_id != actor_id)
    own = select(Enquiry.number).where(Enquiry.hidden_from_id == actor_id)
    number: ColumnElement[str] | None = getattr(model, "matter_number", None)
    if number is not None:
        return number.not_in(own)
    if not hasattr(model, "entity_label"):
        return true()
    # The label of a clock is its matter's number and its step.
    is_of_it = or_(model.entity_label == Enquiry.number, model.entity_label.like(Enquiry.number.concat(" %")))
    return ~own.where(is_of_it).exists()


def hidden_from(numbers: Collection[str]) -> dict[str, int]:
    """Of some matters, by number, those that are complaints about somebody, and about whom."""
    if not numbers:
        return {}
    statement = select(Enquiry.number, Enquiry.hidden_from_id).where(
        Enquiry.number.in_(numbers), Enquiry.hidden_from_id.is_not(None)
    )
    return {number: user_id for number, user_id in db.session.execute(statement) if user_id}


def is_about_somebody(model: Any) -> ColumnElement[bool]:
    """The condition that a row is of a complaint about somebody, by its matter's number: for what has any readers."""
    numbers = select(Enquiry.number).where(Enquiry.hidden_from_id.is_not(None))
    of_complaint: ColumnElement[bool] = model.matter_number.in_(numbers)
    return of_complaint


def _reached(scope: Scope, model: Any, actor_id: _Given, branch_id: _Given) -> ColumnElement[bool]:
    if scope is Scope.ALL:
        return true()
    account_column = model.id if model is KeyAccount else model.account_id
    own_accounts = select(UserAccount.account_id).where(UserAccount.user_id == actor_id)
    in_account: ColumnElement[bool] = account_column.in_(own_accounts)
    if scope is Scope.OWN_ACCOUNTS or model is KeyAccount:
        return in_account
    branch_column = model.id if model is Branch else getattr(model, "branch_id", None)
    if branch_column is None:
        return false()
    return in_account & branch_column.in_(branch_tree(branch_id))


def branch_tree(branch_id: _Given) -> Select[tuple[int]]:
    """The ids of a branch and everything below it, as a subquery."""
    return (
        select(Branch.id)
        .join(_OWN_BRANCH, Branch.path.like(_OWN_BRANCH.path.concat("%")))
        .where(_OWN_BRANCH.id == branch_id, Branch.account_id == _OWN_BRANCH.account_id)
    )


def visible(actor: User, action: Action, statement: Select[Any], model: Any) -> Select[Any]:
    """Narrow a select of `model` to what the actor may see."""
    return statement.where(visible_clause(actor, action, model))


def get_visible(actor: User, action: Action, model: type[T], *conditions: ColumnElement[bool]) -> T:
    """The one visible row that meets the conditions; NotFound when there is none for this actor."""
    row: T | None = db.session.scalar(visible(actor, action, select(model).where(*conditions), model))
    if row is None:
        raise NotFound("not_found")
    return row


def get_account(actor: User, account_id: int) -> KeyAccount:
    """A key account the actor belongs to or works for; NotFound otherwise."""
    return get_visible(actor, Action.READ_FLEET, KeyAccount, KeyAccount.id == account_id)


def list_accounts(actor: User) -> list[KeyAccount]:
    """The accounts an actor can switch between, by name."""
    scope = scope_for(actor.role, Action.READ_FLEET)
    if scope is None or not actor.is_active:
        return []
    return list(db.session.scalars(_accounts_in(scope), reach(actor)))


@cache
def _accounts_in(scope: Scope) -> Select[tuple[KeyAccount]]:
    """Made once for each scope: every page asks."""
    statement = select(KeyAccount).where(visible_in(scope, KeyAccount))
    return statement.order_by(KeyAccount.name, KeyAccount.id)


def account_members(account_id: int, *roles: Any) -> list[User]:
    """Active users of an account in any of the roles, by staff number."""
    return list(db.session.scalars(_MEMBERS, {"account_id": account_id, "roles": roles}))


def members_of_accounts(account_ids: Collection[int], role: Role) -> dict[int, list[User]]:
    """Active users in a role of several accounts, in one query; each account's by staff number."""
    statement = (
        select(UserAccount.account_id, User)
        .join(User, User.id == UserAccount.user_id)
        .where(UserAccount.account_id.in_(account_ids), User.is_active, User.role == role)
        .order_by(User.staff_no, User.id)
    )
    members: dict[int, list[User]] = {account_id: [] for account_id in account_ids}
    for account_id, user in db.session.execute(statement).tuples():
        members[account_id].append(user)
    return members


def administrators() -> list[User]:
    """The active administrators, by staff number: they see every account."""
    statement = select(User).where(User.is_active, User.role == Role.ADMIN)
    return list(db.session.scalars(statement.order_by(User.staff_no, User.id)))


def insurer_people(account_id: int | None = None) -> list[User]:
    """The insurer's active people who see an account (every account when None), by staff number.

    Those who work for it, and the administrators.
    """
    accounts = select(KeyAccount.id)
    if account_id is not None:
        accounts = accounts.where(KeyAccount.id == account_id)
    serving = (
        select(UserAccount.user_id)
        .where(UserAccount.account_id.in_(accounts))
        .group_by(UserAccount.user_id)
        .having(func.count() == select(func.count()).select_from(accounts.subquery()).scalar_subquery())
    )
    statement = select(User).where(
        User.is_active, User.role.not_in(CLIENT_ROLES), or_(User.role == Role.ADMIN, User.id.in_(serving))
    )
    return list(db.session.scalars(statement.order_by(User.staff_no, User.id)))
