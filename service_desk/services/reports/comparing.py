"""A report beside another of its kind, or beside what it would say if it were made now. The kept figures stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import defer

from service_desk.base.errors import Invalid, NotFound
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.reports import ReportRun
from service_desk.models.users import User
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action
from service_desk.rules.report_compare import Comparison, compare
from service_desk.rules.report_document import Report, ReportKind
from service_desk.services import access
from service_desk.services.reports.makers import MAKERS
from service_desk.services.reports.runs import document_of, get_run, visible_runs

# What the chooser offers; any other is compared by its address.
MOST_OFFERED = 60


@dataclass(frozen=True)
class Compared:
    """Two reports and what differs in the later one; `of` are the runs they are of, the same for as of now."""

    of: tuple[ReportRun, ReportRun]
    before: Report
    after: Report
    difference: Comparison


def as_of_now(run: ReportRun, *, actor: User, now: datetime) -> Compared:
    """A report as it was made, beside the same period worked out again from what the desk knows now."""
    access.require(actor, Action.RUN_REPORTS)
    account = access.get_visible(actor, Action.RUN_REPORTS, KeyAccount, KeyAccount.id == run.account_id)
    kind = ReportKind(run.kind)
    if kind not in MAKERS:
        raise NotFound("not_found")
    before = document_of(run)
    after = MAKERS[kind].make(account, Period(run.period_from, run.period_to), now=now)
    return Compared((run, run), before, after, compare(before, after))


def with_another(run: ReportRun, other_id: int, *, actor: User) -> Compared:
    """A report beside another of the same kind and account, the one of the later period as the later."""
    other = get_run(other_id, actor=actor)
    if (other.kind, other.account_id) != (run.kind, run.account_id):
        raise Invalid("report_of_another_kind", field="other")
    earlier, later = sorted((other, run), key=lambda one: (one.period_from, one.edition, one.id))
    before, after = document_of(earlier), document_of(later)
    return Compared((earlier, later), before, after, compare(before, after))


def list_others(run: ReportRun, *, actor: User) -> Sequence[ReportRun]:
    """What a report can be compared with: those of its kind, latest period first, without their figures."""
    statement = (
        visible_runs(actor, run.account_id)
        .where(ReportRun.kind == run.kind, ReportRun.id != run.id)
        .order_by(ReportRun.period_from.desc(), ReportRun.edition.desc())
        .options(defer(ReportRun.figures))
        .limit(MOST_OFFERED)
    )
    return db.session.scalars(statement).all()
