"""Two clerks at one claim: every step with what an old page showed is refused and says who did what meanwhile."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from service_desk.base.errors import Conflict
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.presenters.languages import in_language
from service_desk.presenters.messages import sentence
from service_desk.rules.claim_flow import ClaimAction, ClaimState
from service_desk.services.claims import (
    closing,
    exits,
    follow_ups,
    handling,
    papers,
    plans,
    reserves,
    settlement,
)
from service_desk.services.claims.exits import Reopen
from tests.claim_cases import (
    ASSESSMENT,
    CALCULATION,
    DENIAL,
    PAYMENT,
    SURVEY,
    Journey,
    dispute,
    file_store,
    reported_claim,
)
from tests.world import World

S = ClaimState

# From which state, and the step as somebody with an old page sends it.
STEPS: dict[str, tuple[ClaimState, Callable[..., Any]]] = {
    "dispatch": (S.REPORTED, lambda c, w, **k: handling.dispatch(c.number, handling.Dispatch(w.claims2.id), **k)),
    "assign": (S.DISPATCHED, lambda c, w, **k: handling.assign(c.number, handling.Assign(w.claims2.id, "休假"), **k)),
    "survey": (S.DISPATCHED, lambda c, w, **k: handling.record_survey(c.number, SURVEY, files=file_store(), **k)),
    "assess": (S.SURVEYED, lambda c, w, **k: handling.record_assessment(c.number, ASSESSMENT, files=file_store(), **k)),
    "documents": (S.ASSESSED, lambda c, w, **k: papers.request_documents(c.number, "", **k)),
    "calculate": (S.DOCUMENTS_COMPLETE, lambda c, w, **k: settlement.calculate(c.number, CALCULATION, **k)),
    "approve": (S.CALCULATED, lambda c, w, **k: settlement.approve(c.number, settlement.Approve(0), **k)),
    "pay": (S.APPROVED, lambda c, w, **k: settlement.pay(c.number, PAYMENT, **k)),
    "close": (S.PAID, lambda c, w, **k: closing.close(c.number, closing.Close(True, plans.suggested(c)), **k)),
    "follow_up": (
        S.CLOSED,
        lambda c, w, now, **k: follow_ups.follow_up(c.number, follow_ups.FollowUpRecord(now, "郭", 5), now=now, **k),
    ),
    "plan": (S.CLOSED, lambda c, w, **k: plans.plan(c.number, plans.suggested(c), **k)),
    "reopen": (S.CLOSED, lambda c, w, **k: exits.reopen(c.number, Reopen("暗伤", 9_000_00), **k)),
    "withdraw": (S.SURVEYED, lambda c, w, **k: exits.withdraw(c.number, "协商", **k)),
    "deny": (S.SURVEYED, lambda c, w, **k: exits.deny(c.number, DENIAL, **k)),
    "dispute": (S.SURVEYED, lambda c, w, actor, now, version: dispute(c, actor, now, version=version)),
    "reserve": (S.SURVEYED, lambda c, w, **k: reserves.set_reserve(c.number, reserves.SetReserve(9_000_00, "vehicle", "加"), **k)),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_a_step_from_an_old_page_is_refused_with_what_happened_meanwhile(
    app: Flask, world: World, now: datetime, name: str
) -> None:
    state, step = STEPS[name]
    journey = Journey(world, reported_claim(world, now), now)
    claim = journey.to(state)
    shown = claim.version
    somebody_else(claim, world, journey.now)

    with pytest.raises(Conflict) as refused:
        step(claim, world, actor=world.claims1, now=journey.now, version=shown)

    assert refused.value.code == "stale_claim"
    assert refused.value.params["who"] == world.claims2.name
    assert isinstance(refused.value.params["what"], ClaimAction)
    with app.test_request_context(), in_language("zh"):
        assert world.claims2.name in sentence(refused.value)
    db.session.rollback()
    assert claim.state is state


def somebody_else(claim: Claim, world: World, now: datetime) -> None:
    """What the other clerk does first: in every state something is possible."""
    if claim.state in {S.REPORTED, S.CLOSED}:
        dispute(claim, world.claims2, now)
    else:
        change = reserves.SetReserve(claim.reserve_fen + 1_00, "vehicle", "加")
        reserves.set_reserve(claim.number, change, actor=world.claims2, now=now)
    db.session.commit()
