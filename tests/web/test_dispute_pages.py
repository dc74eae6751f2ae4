"""The dispute's pages: the client raises and argues, the manager decides, and each sees what is theirs to see."""

import io
from datetime import datetime
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.disputes import Dispute, DisputeEvidence
from service_desk.rules.claim_flow import ClaimState
from service_desk.services.claims import disputes
from tests.claim_cases import Journey, reported_claim
from tests.world import World


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    made = reported_claim(world, now)
    return Journey(world, made, now).to(ClaimState.APPROVED)


def post(client: Any, claim: Claim, step: str, **fields: Any) -> Any:
    sent = {f"{step}-{name}": value for name, value in fields.items()}
    return client.post(
        f"/claims/{claim.number}/dispute/{step}", data=sent, content_type="multipart/form-data"
    )


def version(claim: Claim) -> str:
    """What the page would show: of the open dispute, else of the claim."""
    db.session.rollback()
    found = db.session.scalar(
        select(Dispute).where(Dispute.claim_id == claim.id, Dispute.decided_at.is_(None))
    )
    return str(found.version if found else db.session.get_one(Claim, claim.id).version)


def jpeg() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (90, 110, 130)).save(out, "JPEG")
    out.seek(0)
    return out


def test_from_the_clients_page_to_the_decision(sign_in: Any, world: World, claim: Claim) -> None:
    client, desk, manager = sign_in("safety-gongyi"), sign_in("claims1"), sign_in("manager")
    page = f"/claims/{claim.number}/dispute"
    assert page in client.get(f"/claims/{claim.number}").text

    raised = {"topic": "amount", "statement": "少核了配件", "claimed": "9000", "version": version(claim)}
    # Refused at first; what was typed and sent is kept.
    wrong = post(client, claim, "raise", **raised | {"claimed": "100", "files": (jpeg(), "发票.jpg")})
    assert wrong.status_code == 422
    assert "少核了配件" in wrong.text
    token = wrong.text.split('name="kept" value="')[1].split('"')[0]
    sent = {f"raise-{name}": value for name, value in raised.items()} | {"kept": token}
    answer = client.post(f"{page}/raise", data=sent)
    assert answer.status_code == 303
    assert db.session.scalars(select(DisputeEvidence)).one().words == ""

    shown = client.get(f"/claims/{claim.number}").text
    assert "¥6,300.00" in shown
    assert (
        post(desk, claim, "say", words="内部看法", is_internal="y", version=version(claim)).status_code == 303
    )
    assert "内部看法" not in client.get(page).text
    assert "内部看法" in desk.get(page).text
    decider = post(desk, claim, "decider", decider_id=str(world.manager.id), version=version(claim))
    assert decider.status_code == 303
    for nobody in (client, desk):
        assert f'action="{page}/decide"' not in nobody.get(page).text
        refused = post(nobody, claim, "decide", outcome="not_right", reasons="x", consequence="nothing")
        assert refused.status_code == 403
    assert 'href="/disputes"' in manager.get("/claims").text
    assert 'href="/disputes"' not in client.get("/claims").text
    assert claim.number in manager.get("/disputes?view=mine").text
    decided = post(
        manager, claim, "decide",
        outcome="partly", reasons="支持部分差价", awarded="7000", consequence="new_calculation", version=version(claim),
    )  # fmt: skip
    assert decided.status_code == 303
    text = client.get(page).text
    assert "支持部分差价" in text
    assert "¥7,000.00" in text


def test_a_form_sent_twice_raises_one_dispute(sign_in: Any, claim: Claim) -> None:
    client = sign_in("hq")
    fields = {"topic": "fault", "statement": "对方负主责", "idempotency_key": "k1", "version": version(claim)}

    assert [post(client, claim, "raise", **fields).status_code for _ in range(2)] == [303, 303]
    assert len(db.session.scalars(select(Dispute)).all()) == 1


def test_others_find_no_page_and_clients_no_list(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    other = reported_claim(world, now, vehicle=world.bus)
    stranger, branch, underwriter = sign_in("foreign-hq"), sign_in("safety-gongyi"), sign_in("underwriter")

    assert stranger.get(f"/claims/{claim.number}/dispute").status_code == 404
    assert post(stranger, claim, "raise", topic="fault", statement="x").status_code == 404
    assert branch.get(f"/claims/{other.number}/dispute").status_code == 404
    assert branch.get("/disputes").status_code == 403
    assert post(underwriter, claim, "raise", topic="fault", statement="x", raised_for="y").status_code == 403
    assert underwriter.get(f"/claims/{claim.number}/dispute").status_code == 200
    assert post(branch, claim, "nonsense").status_code == 404
    assert disputes.of_claim(claim.id) == []
