"""Every address about claims, taken from the desk's own list: whose it is not gets nothing, whoever adds one later."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service_desk.base.clock import local_date, utc_now
from service_desk.models.claim_money import ClaimAdvance, Recovery, RecoveryKind, RecoveryReceipt
from service_desk.models.claim_parties import ClaimParty
from service_desk.models.claims import Claim, ClaimPayment
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.claim_parties import PartyKind
from service_desk.rules.claim_photos import PhotoGroup
from service_desk.services.claims import disputes, parties, photos, recoveries
from service_desk.services.claims.parties import PartyFacts
from service_desk.services.claims.recoveries import NewRecovery, Receive
from tests.claim_cases import PAYMENT, Journey, dispute, file_store, picture, reported_claim
from tests.factories import UserFactory
from tests.services.test_claims_money import paid_advance
from tests.world import World

ABOUT_A_CLAIM = re.compile(r"/(claims/<number>|recoveries/<int|documents/<int)")
SECRETS = ("内部勿外传", "410181199001011234", "13611112222", PAYMENT.account_number.replace(" ", ""))


def _known_in(claim: Claim) -> dict[str, Any]:
    """What stands in the addresses of a claim."""

    def first(model: Any, *where: Any) -> int:
        found = db.session.scalars(select(model.id).where(model.claim_id == claim.id, *where)).first()
        assert found is not None
        return int(found)

    recovery_id = first(Recovery)
    receipts = select(RecoveryReceipt.id).where(RecoveryReceipt.recovery_id == recovery_id)
    papers = select(Document.id).where(Document.matter_kind == "claim", Document.matter_id == claim.id)
    return {
        "number": claim.number,
        "advance_id": first(ClaimAdvance),
        "party_id": first(ClaimParty, ClaimParty.kind == PartyKind.PERSON),
        "payment_id": first(ClaimPayment),
        "document_id": db.session.scalars(papers).first(),
        "recovery_id": recovery_id,
        "receipt_id": db.session.scalars(receipts).first(),
        "step": "set_reserve",
        "code": "claim_form",
        "act": "files",
        "kind": "person",
        "language": "zh",
    }


@pytest.fixture
def known(world: World) -> dict[str, Any]:
    """A disputed claim with everything in it, and what no client may read."""
    now = utc_now() - timedelta(minutes=30)
    journey = Journey(world, reported_claim(world, now), now)
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    paid_advance(journey)
    _fill(world, journey.claim, journey.now)
    journey.to(ClaimState.PAID)
    dispute(journey.claim, world.claims1, journey.now)
    note = disputes.Say("内部勿外传", is_internal=True)
    disputes.say(journey.claim.number, note, files=file_store(), actor=world.claims1, now=journey.now)
    db.session.commit()
    return _known_in(journey.claim)


def _fill(world: World, claim: Claim, now: datetime) -> None:
    actor = world.claims1
    person = PartyFacts(PartyKind.PERSON, name="王受伤", phone="13611112222", id_number="410181199001011234")
    parties.add_party(claim.number, person, actor=actor, now=now)
    command = photos.AddPhotos((picture(),), PhotoGroup.SCENE)
    photos.add(claim.number, command, key="k", actor=actor, now=now, files=file_store())
    made = recoveries.add(claim.number, NewRecovery(RecoveryKind.OTHER, "某人", 100_00), actor=actor, now=now)
    recoveries.receive(made.id, Receive(1_00, local_date(now)), actor=actor, now=now)


def addresses(app: Flask, known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Method and address of everything about the claim."""
    for rule in app.url_map.iter_rules():
        if ABOUT_A_CLAIM.match(rule.rule):
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: str(known.get(name[1], 1)), rule.rule)
            yield from ((method, path) for method in sorted((rule.methods or set()) & {"GET", "POST"}))


def test_strangers_are_asked_to_sign_in_and_others_find_nothing(
    app: Flask, world: World, client: FlaskClient, sign_in: Any, known: dict[str, Any]
) -> None:
    UserFactory(
        username="safety-zhongmu",
        role=world.safety_gongyi.role,
        branch=world.zhongmu,
        accounts=[world.account],
    )
    db.session.commit()
    others = [sign_in(world.foreign_hq.username), sign_in("safety-zhongmu")]
    asked = list(addresses(app, known))
    assert len(asked) > 50
    for method, path in asked:
        answer = client.open(path, method=method)
        assert (answer.status_code, (answer.location or "")[:8]) == (302, "/sign-in"), path
        for other in others:
            answer = other.open(path, method=method)
            # A step that was sent leads back to its page when it is asked for again, and there nothing is found.
            is_led_back = method == "GET" and answer.status_code == 302
            assert answer.status_code == 404 or is_led_back, (method, path, answer.status_code)


def test_the_clients_own_people_read_no_note_account_or_identity(
    app: Flask, world: World, sign_in: Any, known: dict[str, Any]
) -> None:
    clients = [sign_in(world.hq.username), sign_in(world.safety_gongyi.username)]
    for method, path in addresses(app, known):
        for one in clients:
            answer = one.open(path, method=method)
            assert answer.status_code < 500
            if answer.mimetype in {"text/html", "application/json"}:
                assert not [secret for secret in SECRETS if secret in answer.text], path


def test_nothing_about_a_claim_is_changed_without_the_forms_token(
    app: Flask, sign_in: Any, known: dict[str, Any]
) -> None:
    handler = sign_in("claims1")
    app.config["WTF_CSRF_ENABLED"] = True
    for method, path in addresses(app, known):
        if method == "POST":
            assert handler.post(path).status_code == 400, path
