"""What an account agreed on paying: ageing columns, levels of dunning, the usual instalment plan."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.text import squeeze
from service_desk.models.db import db
from service_desk.models.premiums import PremiumTerms
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.premium import USUAL_TERMS, PlanPart, Terms, terms_faults
from service_desk.services import access, audit


def terms_of(account_id: int) -> Terms:
    """The terms of an account; the usual ones when it agreed nothing else. The caller has checked the account."""
    row = _row(account_id)
    if row is None:
        return USUAL_TERMS
    return Terms(
        tuple(row.age_days),
        tuple(row.dunning_days),
        row.is_dunned_daily,
        tuple(PlanPart(**part) for part in row.plan_parts),
    )


def get_terms(account_id: int, *, actor: User) -> tuple[Terms, int]:
    """The terms of an account and their version, 0 when it agreed nothing yet."""
    access.require(actor, Action.READ_PREMIUMS)
    account = access.get_account(actor, account_id)
    row = _row(account.id)
    return terms_of(account.id), row.version if row else 0


def change_terms(
    account_id: int, terms: Terms, reason: str, *, version: int, actor: User, now: datetime
) -> None:
    """Write down what was agreed; a manager's business, with a reason."""
    access.require(actor, Action.RELEASE_CREDIT)
    account = access.get_account(actor, account_id)
    faults = terms_faults(terms)
    if not squeeze(reason):
        faults.append(Invalid("required", field="reason"))
    if faults:
        raise InvalidMany(faults)
    row = _row(account.id)
    if version != (row.version if row else 0):
        raise Conflict("stale")
    if row is None:
        row = PremiumTerms(account_id=account.id)
        db.session.add(row)
    changes = audit.change(
        row,
        age_days=list(terms.age_days),
        dunning_days=list(terms.dunning_days),
        is_dunned_daily=terms.is_dunned_daily,
        plan_parts=[asdict(part) for part in terms.plan_parts],
    )
    changes["reason"] = (None, squeeze(reason)[:200])
    audit.record("premium_terms_changed", row, actor=actor, now=now, label=account.code, changes=changes)


def _row(account_id: int) -> PremiumTerms | None:
    return db.session.scalar(select(PremiumTerms).where(PremiumTerms.account_id == account_id))
