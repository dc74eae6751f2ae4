"""Lists that leave the desk as spreadsheets: how long they may be, and a line in the audit trail."""

from datetime import datetime

from service_desk.base.errors import Invalid
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.services import audit

# More would keep a worker busy for minutes, and nobody reads it.
MOST_ROWS = 100_000


def require_few(rows: int, most: int | None = None) -> None:
    """Invalid("export_too_many_rows"), rather than a list that ends without a word."""
    most = MOST_ROWS if most is None else most
    if rows > most:
        raise Invalid("export_too_many_rows", number=f"{rows:,}", most=f"{most:,}")


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
