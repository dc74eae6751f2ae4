"""The pages of promises and scorecards: what each person may open, what stands on them, and their forms.

On SQLite only: what is asked here hangs on no database, the services' tests see to both.
"""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from service_desk.base.clock import local_date, utc_now
from service_desk.models.audit import AuditEntry
from service_desk.models.commitments import Commitment, CommitmentList
from service_desk.models.db import db
from service_desk.models.scorecards import CardRuleRow, Scorecard, ServiceCard
from service_desk.rules.metrics import MeasureCode
from service_desk.rules.periods import months_after
from service_desk.rules.scorecard import nothing_yet, to_json
from service_desk.rules.service_cards import CardColour, CardState
from service_desk.services import commitments
from tests.promise_cases import PROMISES, publish
from tests.report_cases import add_claim, survey_clock
from tests.world import World

DAY = timedelta(days=1)
LIST = {
    "effective_on": "",
    "supervision_name": "何文涛",
    "supervision_phone": "0371 6595 5501",
    "preface": "如实",
}
PROMISE = {"title": "查勘及时", "tie": "step:survey", "target": "95", "title_en": "In time"}


def published(world: World) -> CommitmentList:
    now = utc_now()
    return publish(world, local_date(now), now, *PROMISES[:2])


def card_of(world: World) -> ServiceCard:
    """A yellow card for claims1 of last month, with the month it is for."""
    now = utc_now()
    month = months_after(local_date(now), -1).first
    figures = to_json(nothing_yet())
    for user in (world.claims1, world.claims2):
        db.session.add(
            Scorecard(
                account_id=world.account.id,
                user_id=user.id,
                month=month,
                figures=figures,
                desk=figures,
                frozen_at=now,
            )
        )
    card = ServiceCard(
        account_id=world.account.id,
        user_id=world.claims1.id,
        month=month,
        colour=CardColour.YELLOW,
        grounds=[
            {
                "measure": "clocks_kept",
                "comparison": "at_least",
                "threshold": "85",
                "months": 2,
                "figures": ["8/10", "7/10"],
            }
        ],
        state=CardState.PROPOSED,
        proposed_at=now,
        ends_on=local_date(now) + 90 * DAY,
    )
    db.session.add(card)
    db.session.commit()
    return card


OK, NO, GONE = 200, 403, 404
# Address: what manager, claims1 (whose card it is), claims2, admin, hq, safety-gongyi get.
READS = {
    "/promises": (OK, OK, OK, OK, OK, OK),
    "/promises?version=2": (GONE, GONE, GONE, GONE, GONE, GONE),
    "/promises.xlsx": (OK, OK, OK, OK, OK, OK),
    "/promises/versions": (OK, OK, OK, OK, OK, OK),
    "/promises/versions.xlsx": (OK, OK, OK, OK, OK, OK),
    "/promises/draft": (OK, NO, NO, OK, NO, NO),
    "/promises/draft/new": (OK, NO, NO, OK, NO, NO),
    "/promises/draft/publish": (OK, NO, NO, OK, NO, NO),
    "/promises/draft/{promise}": (OK, NO, NO, OK, NO, NO),
    "/scorecards": (OK, 302, 302, NO, NO, NO),
    "/scorecards.xlsx": (OK, NO, NO, NO, NO, NO),
    "/scorecards/{person}": (OK, OK, GONE, NO, NO, NO),
    "/scorecards/{person}.xlsx": (OK, OK, GONE, NO, NO, NO),
    "/scorecards/{client}": (GONE, GONE, GONE, NO, NO, NO),
    "/scorecards/rules": (OK, NO, NO, NO, NO, NO),
}
WRITES = {
    "/promises/draft/start": (303, NO, NO, 303, NO, NO),
    "/promises/draft/publish": (409, NO, NO, 409, NO, NO),
    "/promises/draft/drop": (409, NO, NO, 409, NO, NO),
    "/promises/draft/{promise}/up": (409, NO, NO, 409, NO, NO),
    "/scorecards/cards/{card}/decide": (422, GONE, GONE, NO, NO, NO),
    "/scorecards/cards/{card}/reply": (422, GONE, GONE, NO, NO, NO),
    "/scorecards/cards/{card}/final": (422, GONE, GONE, NO, NO, NO),
    "/scorecards/rules": (422, NO, NO, NO, NO, NO),
    "/scorecards/rules/1/end": (422, NO, NO, NO, NO, NO),
    "/scorecards/rules/adopt": (303, NO, NO, NO, NO, NO),
}


def test_every_address_by_every_role(world: World, sign_in) -> None:
    published(world)
    card = card_of(world)
    commitments.start_draft(world.account.id, actor=world.manager, now=utc_now())
    db.session.commit()
    names = {
        "promise": db.session.scalars(select(Commitment.id).order_by(Commitment.id.desc())).first(),
        "card": card.id,
        "person": world.claims1.id,
        "client": world.hq.id,
    }

    wrong = []
    for number, username in enumerate(("manager", "claims1", "claims2", "admin", "hq", "safety-gongyi")):
        client = sign_in(username)
        with client.session_transaction() as session:
            session["account_id"] = world.account.id
        for address, answers in READS.items():
            found = client.get(address.format(**names)).status_code
            wrong += [(username, address, found)] if found != answers[number] else []
        for address, answers in WRITES.items():
            found = client.post(address.format(**names), data={"version": "99"}).status_code
            wrong += [(username, "POST", address, found)] if found != answers[number] else []
    assert wrong == []


def test_no_page_of_the_client_names_scorecards(world: World, sign_in) -> None:
    published(world)
    card_of(world)
    for username in ("hq", "safety-gongyi"):
        client = sign_in(username)
        for address in ("/", "/promises", "/compliance"):
            page = client.get(address).text
            assert "/scorecards" not in page, (username, address)


def test_both_sides_see_the_figure_its_verdict_and_the_way_to_complain(world: World, sign_in) -> None:
    now = utc_now()
    for vehicle in (world.coach, world.bus):
        claim = add_claim(world, now - 3 * timedelta(hours=1), vehicle)
        late = timedelta(minutes=90 if vehicle is world.bus else 30)
        survey_clock(world, claim, stopped_after=late, seen_at=now)
    version = published(world)

    for username, figure, verdict in (
        ("manager", "50.0%", "未兑现"),
        ("hq", "50.0%", "未兑现"),
        ("safety-gongyi", "100.0%", "已兑现"),
    ):
        page = sign_in(username).get("/promises").text
        survey = db.session.scalars(
            select(Commitment).where(Commitment.list_id == version.id, Commitment.step.is_not(None))
        ).one()
        now_cell = re.search(rf'data-promise-now="{survey.id}">(.*?)</div>', page, re.S)
        assert now_cell, username
        assert (figure in now_cell[1], verdict in now_cell[1]) == (True, True), (username, now_cell[1])
        assert "/enquiries/new?kind=complaint" in page
        assert "0371 6595 5501" in page
        assert f"/measures#{MeasureCode.FOLLOWED_UP}" in page
        assert ("/compliance/timers" in page) is (username != "safety-gongyi")
    assert "巩义客运分公司" in sign_in("safety-gongyi").get("/promises").text


def test_a_version_is_drafted_arranged_and_published(world: World, sign_in) -> None:
    manager = sign_in("manager")
    assert manager.get("/promises").status_code == 200
    assert manager.post("/promises/draft/start").status_code == 303

    def version() -> str:
        db.session.expire_all()
        return str(db.session.scalars(select(CommitmentList.version)).one())

    day = local_date(utc_now()) + DAY
    head = {**LIST, "effective_on": f"{day}", "version": version()}
    assert manager.post("/promises/draft", data=head).status_code == 303
    assert manager.post("/promises/draft", data=head).status_code == 409
    for sent, said in (
        ({"target": "101"}, 422),
        ({"tie": "step:breach_review"}, 422),
        ({}, 303),
        ({}, 303),
    ):
        data = {**PROMISE, **sent, "version": version(), "idempotency_key": "once"}
        assert manager.post("/promises/draft/new", data=data).status_code == said, sent
    promise = db.session.scalars(select(Commitment)).one()
    changed = {**PROMISE, "target": "90.5", "version": version()}
    assert manager.post(f"/promises/draft/{promise.id}", data=changed).status_code == 303
    assert "90.5%" in manager.get("/promises/draft").text
    assert "查勘及时" not in sign_in("hq").get("/promises").text
    asked = manager.get("/promises/draft/publish").text
    assert all(words in asked for words in ("查勘及时", world.hq.name, "1 项承诺"))
    assert manager.post("/promises/draft/publish", data={"version": version()}).status_code == 303

    assert "查勘及时" in sign_in("hq").get("/promises").text
    assert manager.get("/promises/draft").status_code == 404
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.entity_kind == "commitment_lists").order_by(AuditEntry.id)
    )
    assert set(actions) == {"promises_drafted", "promises_changed", "promises_published"}


def test_a_card_is_decided_answered_and_ended_on_the_page(world: World, sign_in) -> None:
    card = card_of(world)
    manager, person = sign_in("manager"), sign_in("claims1")
    page = f"/scorecards/{world.claims1.id}"
    decided = {"decision": "confirm", "reason": "两月未达标", "version": "1"}

    assert "70.0%" in manager.get(page).text
    assert "两月" not in person.get(page).text
    refused = manager.post(f"/scorecards/cards/{card.id}/decide", data={**decided, "reason": ""})
    assert refused.status_code == 422
    shown = f'href="{page}?month={card.month:%Y-%m}" aria-current="page"'
    assert shown in refused.text
    answer = manager.post(f"/scorecards/cards/{card.id}/decide", data=decided)
    assert answer.status_code == 303
    assert f"month={card.month:%Y-%m}" in answer.location
    assert manager.post(f"/scorecards/cards/{card.id}/decide", data=decided).status_code == 409
    assert "两月未达标" in person.get(page).text
    reply = {"reply": "道路管制", "version": "2"}
    assert person.post(f"/scorecards/cards/{card.id}/reply", data=reply).status_code == 303
    last = {"outcome": "lift", "final_word": "属实", "version": "3"}
    assert manager.post(f"/scorecards/cards/{card.id}/final", data=last).status_code == 303

    db.session.expire_all()
    assert db.session.get_one(ServiceCard, card.id).state is CardState.LIFTED
    assert all(words in person.get(page).text for words in ("道路管制", "属实"))


@pytest.mark.parametrize("ends", ["", "2026-01-01", "next"])
def test_rules_are_adopted_added_and_ended(world: World, sign_in, ends: str) -> None:
    manager, tomorrow = sign_in("manager"), local_date(utc_now()) + DAY
    rule = {
        "measure": "repeat_contacts",
        "threshold": "15",
        "months": "3",
        "colour": "red",
        "effective_on": f"{tomorrow}",
    }
    assert manager.post("/scorecards/rules", data=rule).status_code == 409
    assert manager.post("/scorecards/rules/adopt").status_code == 303
    assert manager.post("/scorecards/rules", data={**rule, "measure": "open_matters"}).status_code == 422
    assert manager.post("/scorecards/rules", data=rule).status_code == 303
    row = db.session.scalars(select(CardRuleRow).where(CardRuleRow.threshold_cents == 1500)).one()
    sent = {"ends_on": f"{tomorrow}" if ends == "next" else ends, "version": str(row.version)}
    said = manager.post(f"/scorecards/rules/{row.id}/end", data=sent).status_code
    assert said == (303 if ends == "next" else 422)
