"""Whom clocks tell: the holder, the managers, and whom an escalation names."""

from collections.abc import Collection, Iterable

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.permissions import Role, Side
from service_desk.rules.sla import Happening, HappeningKind
from service_desk.rules.sla.addressees import addressee_of
from service_desk.services import access

# A complaint's clocks, and the clocks of their reviews, are not told to whom it is about.
_MAY_HIDE = frozenset({"enquiry", "breach"})


class People:
    """Those whom a batch of clocks may have to tell; each role of all its accounts is read once, when needed."""

    def __init__(self, timers: Collection[Timer]) -> None:
        self._account_ids = {timer.account_id for timer in timers}
        holder_ids = {timer.holder_id for timer in timers}
        holders = db.session.scalars(select(User).where(User.id.in_(holder_ids)))
        self._users = {user.id: user for user in holders}
        self._hidden = access.hidden_from(
            {one.matter_number for one in timers if one.matter_kind in _MAY_HIDE}
        )
        self._by_role: dict[Role, dict[int, list[User]]] = {}
        self._administrators: list[User] | None = None

    def holder(self, timer: Timer) -> User:
        """Who holds the clock."""
        return self._user(timer.holder_id)

    def managers(self, timer: Timer) -> list[User]:
        """The active managers of the timer's account, by staff number, but for whom a complaint is about."""
        return self._able(timer, self._in_role(Role.MANAGER, timer.account_id))

    def is_complaint(self, timer: Timer) -> bool:
        """Whether the clock is a complaint's about somebody: then no group reads of it."""
        return timer.matter_number in self._hidden

    def recipients(self, timer: Timer, happening: Happening) -> list[User]:
        """Whom a happening is told, nobody twice, only people who are still with us.

        A warning and the end of a pause concern the holder, a breach the managers too, an escalation whom the
        promise names for it. Where nobody of them is left, the account's managers hear of it, and without
        managers the administrators: a broken promise is never told to nobody.
        """
        if happening.kind is HappeningKind.ESCALATION:
            wanted = self._named(timer, happening.level)
        elif happening.kind is HappeningKind.BREACH:
            wanted = [self.holder(timer), *self._above(timer)]
        else:
            wanted = [self.holder(timer)]
        able = self._able(timer, dict.fromkeys(wanted))
        return [user for user in able if user.is_active] or self._above(timer)

    def _named(self, timer: Timer, level: int) -> list[User]:
        """Whom the promise names; nobody when that person no longer works for the account."""
        named = addressee_of(timer.escalate_to, level)
        if named.role is not None:
            return self._in_role(named.role, timer.account_id)
        user = self._user(named.user_id) if named.user_id else None
        if user is None or user.side is not Side.INSURER:
            return []
        return [user] if user in self._in_role(user.role, timer.account_id) else []

    def _above(self, timer: Timer) -> list[User]:
        """Who answers for the account: its managers, else the administrators."""
        return self.managers(timer) or self._able(timer, self._in_role(Role.ADMIN, timer.account_id))

    def _able(self, timer: Timer, users: Iterable[User]) -> list[User]:
        hidden = self._hidden.get(timer.matter_number)
        return [user for user in users if user.id != hidden]

    def _in_role(self, role: Role, account_id: int) -> list[User]:
        """The active people of an account in a role; administrators see every account."""
        if role is Role.ADMIN:
            if self._administrators is None:
                self._administrators = access.administrators()
            return self._administrators
        if role not in self._by_role:
            self._by_role[role] = access.members_of_accounts(self._account_ids, role)
        return self._by_role[role][account_id]

    def _user(self, user_id: int) -> User:
        if user_id not in self._users:
            self._users[user_id] = db.session.get_one(User, user_id)
        return self._users[user_id]
