"""The pages of opinions and feedback forms: who may open and send what, the form with and without a login, exports."""

from datetime import datetime, timedelta
from io import BytesIO

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service_desk.base.clock import local_date, utc_now
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.opinions import Opinion, OpinionCampaign
from service_desk.models.relations import AgreedItem
from service_desk.models.users import UserAccount
from service_desk.rules.opinions import CampaignState, OpinionState, Theme
from service_desk.services.opinions import campaigns
from service_desk.services.opinions.answering import Mark
from service_desk.web.pages import opinions_forms
from service_desk.web.throttle import Throttle
from tests.claim_cases import picture
from tests.opinion_cases import answered, campaign_plan, held_visit, invitation_of, recorded, sent_campaign
from tests.world import World

DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    """Pages live in the present."""
    return utc_now() - timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _fresh_throttle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opinions_forms, "_throttle", Throttle(limit=7, seconds=60))


def built(world: World, now: datetime) -> dict[str, object]:
    """A form that was sent, one that was not, an opinion of each branch, and a scan."""
    sent = sent_campaign(world, now)
    own = answered(world, sent, now, {Theme.PAYMENT: Mark(2, "到账慢")})[0]
    visit = held_visit(world, now)
    other = recorded(world, visit, now, papers=(picture("意见表.jpg"),))
    planned = campaigns.plan(world.account.id, campaign_plan(world, now), actor=world.claims1, now=now)
    db.session.commit()
    return {
        "sent": sent.number,
        "planned": planned.number,
        "own": own.number,
        "other": other.number,
        "visit": visit.number,
        "guest": invitation_of(sent, None).id,
        "document": db.session.scalars(select(Document.id)).one(),
    }


# Who gets what: managers, the desk, the group at the client, the officer of another branch, another account.
_WHO = ("manager", "claims1", "hq", "safety-gongyi", "foreign-hq")
_GET = {
    "/opinions": (200, 200, 200, 200, 200),
    "/opinions?view=all&period=this_year&theme=survey": (200, 200, 200, 200, 200),
    "/opinions.xlsx": (200, 200, 200, 200, 200),
    "/opinions/analysis": (200, 200, 200, 200, 200),
    "/opinions/analysis.xlsx": (200, 200, 200, 200, 200),
    "/opinions/campaigns": (200, 200, 403, 403, 403),
    "/opinions/campaigns.xlsx": (200, 200, 403, 403, 403),
    "/opinions/campaigns/new": (200, 200, 403, 403, 403),
    "/opinions/campaigns/{sent}": (200, 200, 403, 403, 403),
    "/opinions/campaigns/{sent}.xlsx": (200, 200, 403, 403, 403),
    "/opinions/campaigns/{planned}/edit": (200, 200, 403, 403, 403),
    "/opinions/forms/{sent}": (403, 403, 200, 200, 404),
    "/opinions/forms/{planned}": (403, 403, 404, 404, 404),
    "/opinions/new": (404, 404, 403, 403, 403),
    "/opinions/new?event={visit}": (200, 200, 403, 403, 403),
    "/opinions/new?contact={visit}": (404, 404, 403, 403, 403),
    "/opinions/{own}": (200, 200, 200, 200, 404),
    "/opinions/{other}": (200, 200, 200, 404, 404),
    "/opinions/{other}/papers/{document}": (200, 200, 200, 404, 404),
    "/opinions/{own}/papers/{document}": (404, 404, 404, 404, 404),
    "/relations/{visit}": (200, 200, 200, 404, 404),
    "/": (200, 200, 200, 200, 200),
}
# Nothing here is whole: who may act is refused for what is missing or said so on the page (422, 303).
_POST = {
    "/opinions/new?event={visit}": (422, 422, 403, 403, 403),
    "/opinions/{other}/take-up": (422, 422, 403, 404, 404),
    "/opinions/{other}/answer": (422, 422, 403, 404, 404),
    "/opinions/{other}/thank": (422, 422, 403, 404, 404),
    "/opinions/{other}/decline": (422, 422, 403, 404, 404),
    "/opinions/{other}/settle": (422, 422, 403, 404, 404),
    "/opinions/{own}/thank": (422, 422, 403, 403, 404),
    # Who has answered sends the same once more.
    "/opinions/forms/{sent}": (403, 403, 422, 303, 404),
    "/opinions/campaigns/new": (422, 422, 403, 403, 403),
    "/opinions/campaigns/{planned}/edit": (422, 422, 403, 403, 403),
    "/opinions/campaigns/{planned}/send": (303, 303, 403, 403, 403),
    "/opinions/campaigns/{sent}/people": (422, 422, 403, 403, 403),
    "/opinions/campaigns/{sent}/close": (303, 303, 403, 403, 403),
    "/opinions/campaigns/{sent}/people/{guest}/renew": (303, 303, 403, 403, 403),
    "/opinions/campaigns/{sent}/people/{guest}/revoke": (303, 303, 403, 403, 403),
}


def test_who_may_open_and_send_what(world: World, sign_in, now: datetime) -> None:
    made = built(world, now)
    clients = [sign_in(who) for who in _WHO]
    wrong = []
    for method, table in (("GET", _GET), ("POST", _POST)):
        for address, wanted in table.items():
            path = address.format(**made)
            got = tuple(client.open(path, method=method).status_code for client in clients)
            if got != wanted:
                wrong.append(f"{method} {path}: {got} and not {wanted}")
    assert not wrong, "\n".join(wrong)


def test_an_opinion_offers_the_people_of_its_own_account_whichever_is_chosen(
    world: World, sign_in, now: datetime
) -> None:
    number = built(world, now)["own"]
    db.session.add(UserAccount(user_id=world.manager.id, account_id=world.foreign_account.id))
    db.session.commit()
    manager = sign_in("manager")
    manager.post("/account", data={"account": world.foreign_account.code})
    page = manager.get(f"/opinions/{number}").text
    assert f"{world.claims1.name} · {world.claims1.staff_no}" in page
    assert world.foreign_hq.name not in page


def test_a_form_is_planned_once_sent_answered_and_corrected(world: World, sign_in, now: datetime) -> None:
    desk = sign_in("claims1")
    until = (local_date(now) + 9 * DAY).isoformat()
    sent = {
        "title": "征求意见",
        "title_en": "Feedback",
        "from_on": local_date(now).isoformat(),
        "until_on": until,
        "remind_days": "3",
        "branch_ids": [str(world.gongyi.id)],
        "questions-0-theme": "survey",
        "questions-0-is_asked": "y",
        "questions-0-text": "查勘及时吗？",
        "questions-0-text_en": "Is the survey in time?",
        "guests-0-name": "冯立新",
        "guests-0-language": "zh",
        "idempotency_key": "one click",
    }
    wrong = desk.post("/opinions/campaigns/new", data=sent | {"questions-0-text_en": " "})
    assert wrong.status_code == 422
    assert 'value="查勘及时吗？"' in wrong.text
    assert 'value="冯立新"' in wrong.text
    answers = [desk.post("/opinions/campaigns/new", data=sent) for _click in range(2)]
    assert answers[0].location == answers[1].location
    campaign = db.session.scalars(select(OpinionCampaign)).one()
    assert desk.post(f"{answers[0].location}/send", data={"version": campaign.version}).status_code == 303
    assert "/opinions/give/" in desk.get(answers[0].location).text
    also = {"name": "何志强", "email": "he", "language": "zh", "idempotency_key": "one more"}
    refused = desk.post(f"{answers[0].location}/people", data=also)
    assert (refused.status_code, 'value="何志强"' in refused.text) == (422, True)
    for _click in range(2):
        asked = desk.post(f"{answers[0].location}/people", data={**also, "email": ""})
        assert asked.status_code == 303
    assert desk.get(answers[0].location).text.count("/opinions/give/") == 2

    officer = sign_in("safety-gongyi")
    assert "征求意见" in officer.get("/").text
    address = f"/opinions/forms/{campaign.number}"
    long = officer.post(address, data={"score_survey": "2", "words_survey": "慢" * 4001})
    assert long.status_code == 422
    assert "慢慢慢" in long.text
    for words in ("到场慢", "到场慢，夜间尤其"):
        data = {"score_survey": "2", "words_survey": words, "is_anonymous": "y"}
        assert officer.post(address, data=data).status_code == 303
    opinion = db.session.scalars(select(Opinion)).one()
    assert (opinion.words, opinion.is_anonymous) == ("到场慢，夜间尤其", True)
    page = sign_in("hq").get(f"/opinions/{opinion.number}").text
    assert "夜间尤其" in page
    assert world.safety_gongyi.name not in page
    book = openpyxl.load_workbook(BytesIO(sign_in("hq").get("/opinions.xlsx").data))
    assert world.safety_gongyi.name not in str(list(book.active.values))
    book = openpyxl.load_workbook(BytesIO(sign_in("manager").get("/opinions.xlsx?view=owed").data))
    assert world.safety_gongyi.name in str(list(book.active.values))


def test_behind_a_link_without_a_login(world: World, client: FlaskClient, now: datetime) -> None:
    campaign = sent_campaign(world, now)
    db.session.commit()
    token = campaigns.token_of(invitation_of(campaign, None))
    address = f"/opinions/give/{token}"
    page = client.get(address)
    assert page.status_code == 200
    assert "Feedback on our service" in page.text
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    refused = client.post(address, data={"is_anonymous": "y"})
    assert refused.status_code == 422
    assert "Give at least one mark or write something." in refused.text
    for _click in range(2):
        answer = client.post(address, data={"score_premium": "3", "words_premium": "贵"})
        assert (answer.status_code, answer.location) == (303, address)
    kept = db.session.scalars(select(Opinion)).one()
    assert (kept.given_by, kept.email, kept.branch_id) == ("冯立新", "feng@zzly.example", world.zhongmu.id)
    assert "Thank you" in client.get(address).text
    db.session.execute(OpinionCampaign.__table__.update().values(state=CampaignState.CLOSED))
    db.session.commit()
    assert client.get(address).status_code == 404
    assert client.get("/opinions/give/nobody-made-this").status_code == 404
    assert client.get(address).status_code == 429


def test_from_a_visit_to_the_reply_on_the_pages(world: World, sign_in, now: datetime) -> None:
    visit = held_visit(world, now)
    db.session.commit()
    desk = sign_in("claims1")
    assert f"/opinions/new?event={visit.number}" in desk.get(f"/relations/{visit.number}").text
    sent = {
        "theme": "survey",
        "words": "到场慢",
        "given_at": f"{now - DAY:%Y-%m-%dT%H:%M}",
        "branch_id": str(world.gongyi.id),
        "user_id": str(world.safety_gongyi.id),
        "language": "zh",
        "idempotency_key": "k",
    }
    assert desk.post(f"/opinions/new?event={visit.number}", data=sent | {"words": ""}).status_code == 422
    made = [desk.post(f"/opinions/new?event={visit.number}", data=sent) for _click in range(2)]
    assert made[0].location == made[1].location
    path = made[0].location
    opinion = db.session.scalars(select(Opinion)).one()
    item = {
        "take-up-title": "设驻点",
        "take-up-owner_id": str(world.claims1.id),
        "take-up-due_on": (local_date(now) + 9 * DAY).isoformat(),
    }
    stale = desk.post(f"{path}/take-up", data=item | {"take-up-version": "99"})
    assert stale.status_code == 409
    assert 'value="设驻点"' in stale.text
    taken = desk.post(f"{path}/take-up", data=item | {"take-up-version": str(opinion.version)})
    assert taken.status_code == 303
    assert db.session.scalar(select(func.count(AgreedItem.id))) == 1
    db.session.refresh(opinion)
    item_page = sign_in("safety-gongyi").get(f"/relations/items/{opinion.item_id}").text
    assert opinion.number in item_page
    reply = {"answer-words": "已立项", "answer-version": str(opinion.version)}
    assert desk.post(f"{path}/answer", data=reply).status_code == 303
    db.session.refresh(opinion)
    assert opinion.state is OpinionState.ANSWERED
    assert "已立项" in sign_in("safety-gongyi").get(path).text
