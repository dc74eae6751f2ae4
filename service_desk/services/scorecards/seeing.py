"""Who sees a scorecard: the person whose it is, and the managers of the account. Everybody else: there is none."""

from sqlalchemy import select

from service_desk.base.errors import NotFound
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.scorecards import Scorecard
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import Action, Side
from service_desk.services import access


def open_as_judge(account_id: int, actor: User) -> KeyAccount:
    """The account, for its managers. Forbidden("not_allowed") for others, NotFound for other accounts."""
    access.require(actor, Action.JUDGE_SCORECARDS)
    return access.get_visible(actor, Action.JUDGE_SCORECARDS, KeyAccount, KeyAccount.id == account_id)


def open_person(account_id: int, user_id: int, actor: User) -> tuple[KeyAccount, User]:
    """The account and the person, for that person and the account's managers; NotFound for everybody else."""
    access.require(actor, Action.READ_SCORECARDS)
    is_own = actor.id == user_id
    if not is_own and not access.may(actor, Action.JUDGE_SCORECARDS):
        raise NotFound("not_found")
    action = Action.READ_SCORECARDS if is_own else Action.JUDGE_SCORECARDS
    account = access.get_visible(actor, action, KeyAccount, KeyAccount.id == account_id)
    user = db.session.get(User, user_id)
    if user is None or user.side is not Side.INSURER or not _belongs(account_id, user_id):
        raise NotFound("not_found")
    return account, user


def _belongs(account_id: int, user_id: int) -> bool:
    """Works for the account, or has a month kept of when they did."""
    works = select(UserAccount.id).where(UserAccount.account_id == account_id, UserAccount.user_id == user_id)
    kept = select(Scorecard.id).where(Scorecard.account_id == account_id, Scorecard.user_id == user_id)
    return db.session.scalar(works) is not None or db.session.scalar(kept.limit(1)) is not None
