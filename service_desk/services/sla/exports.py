"""Figures and lists of clocks that leave the desk as spreadsheets: a line in the audit trail."""

from datetime import datetime

from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.services import audit


def keep_audit(
    action: str, account_id: int, field: str, described: str, *, actor: User, now: datetime
) -> None:
    """Write down who took what of an account's figures; `described`: what was asked for, under the name `field`."""
    account = db.session.get_one(KeyAccount, account_id)
    audit.record(
        action,
        account,
        actor=actor,
        now=now,
        label=account.code,
        account_id=account.id,
        changes={field: (None, described)},
    )
