"""Issuing: all that can be issued, as one batch. A large order becomes a run that a job works off."""

from datetime import datetime

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.models.db import db
from service_desk.models.policies import IssueBatch
from service_desk.models.premiums import CreditRelease
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, numbers, settings, submissions
from service_desk.services.policies import credit, held_prices, runs
from service_desk.services.policies.planning import IssuePlan, IssueRequest, chosen_vehicles, plan_for
from service_desk.services.policies.writing import write_policies, write_refusals

# Setting: the most policies that are issued while the clerk waits; a larger order becomes a run.
AT_ONCE = "issue_at_once"
USUALLY_AT_ONCE = 200


def issue(request: IssueRequest, *, key: str = "", actor: User, now: datetime) -> str:
    """Issue all that can be issued, at once or as a run, and return the batch's number.

    The same key twice is one batch. Raises as `issue_many` and `start_run` do.
    """

    def make() -> str:
        access.require(actor, Action.ISSUE_POLICIES)
        plan = plan_for(request, chosen_vehicles(request, actor), now)
        if becomes_run(plan):
            return _start_run(request, plan, actor, now).number
        return issue_many(request, actor=actor, now=now).number

    return submissions.once("issue", key, make, actor=actor, now=now)


def becomes_run(plan: IssuePlan) -> bool:
    """Whether an order is so large that a job works it off."""
    return len(plan.policies) > int(settings.read(AT_ONCE, USUALLY_AT_ONCE))


def issue_many(request: IssueRequest, *, actor: User, now: datetime) -> IssueBatch:
    """Issue all that can be issued, as one batch and in this transaction.

    Conflict `preview_changed` when the total is not the expected one, Invalid `nothing_to_issue` when
    nothing can be, Invalid `credit_exceeded` when it goes beyond the credit limit and no release covers it.
    Writes policies, coverages, receivables, the batch and one audit entry.
    """
    access.require(actor, Action.ISSUE_POLICIES)
    held_prices.lock_quote(request.quote_number, request.account_id)
    # Whoever issues for one of these vehicles meanwhile waits here, and then sees our policies as cover in
    # force. SQLite has one writer at a time and needs no lock on rows.
    vehicles = chosen_vehicles(request, actor, lock=True)
    plan = plan_for(request, vehicles, now)
    release = _check_before_issue(request, plan, actor, now)
    batch = _write_batch(request, plan, release, actor, now)
    batch.policy_count, batch.premium_fen = len(plan.policies), plan.premium_fen
    write_policies(batch, plan.policies, now)
    _record(batch, plan, actor, now)
    return batch


def start_run(request: IssueRequest, *, actor: User, now: datetime) -> IssueBatch:
    """Confirm an order that a job then works off in portions; the batch is made empty and grows with them.

    What each vehicle and line costs now is fixed: a portion refuses what has changed by its turn. Raises as
    `issue_many` does. Writes the batch, its run, the portions, what is refused already, and one audit entry.
    """
    access.require(actor, Action.ISSUE_POLICIES)
    plan = plan_for(request, chosen_vehicles(request, actor), now)
    return _start_run(request, plan, actor, now)


def _start_run(request: IssueRequest, plan: IssuePlan, actor: User, now: datetime) -> IssueBatch:
    held_prices.lock_quote(request.quote_number, request.account_id)
    release = _check_before_issue(request, plan, actor, now)
    batch = _write_batch(request, plan, release, actor, now)
    runs.write_run(batch, request, plan, now)
    _record(batch, plan, actor, now)
    return batch


def _check_before_issue(
    request: IssueRequest, plan: IssuePlan, actor: User, now: datetime
) -> CreditRelease | None:
    """Everything that may stop an order as a whole, whether it is issued at once or becomes a run.

    The release that lets it go beyond the credit limit, where it does.
    """
    if not plan.policies:
        raise Invalid("nothing_to_issue")
    if request.expected_fen is not None and request.expected_fen != plan.total_fen:
        raise Conflict("preview_changed")
    return credit.check_credit(request.account_id, plan.total_fen, actor=actor, now=now)


def _write_batch(
    request: IssueRequest, plan: IssuePlan, release: CreditRelease | None, actor: User, now: datetime
) -> IssueBatch:
    batch = IssueBatch(
        number=numbers.next_number("BAT", local_date(now).year),
        account_id=request.account_id,
        issued_by_id=actor.id,
        issued_at=now,
        policy_count=0,
        premium_fen=0,
        quote_id=held_prices.quote_id(request.quote_number, request.account_id),
    )
    db.session.add(batch)
    db.session.flush()
    write_refusals(batch, plan.refused)
    credit.use_release(release, batch, now=now)
    return batch


def _record(batch: IssueBatch, plan: IssuePlan, actor: User, now: datetime) -> None:
    audit.record(
        "policies_issued",
        batch,
        actor=actor,
        now=now,
        changes={"policy_count": (None, len(plan.policies)), "premium_fen": (None, plan.premium_fen)},
    )
