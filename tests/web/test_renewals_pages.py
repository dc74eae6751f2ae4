"""The renewals board and the list of missed cover, for the desk and for a branch, and the mails about them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.notices import Channel, Notice
from service_desk.models.policies import Policy
from service_desk.presenters import mail
from service_desk.services import renewals
from service_desk.services.policies import rates
from tests.factories import PolicyFactory
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def _covers(world: World) -> None:
    """The coach's cover ends in five days, the bus's ended two days ago, the lorry has none."""
    rates.install_sample_rates(now=datetime.now(UTC))
    cover(world, world.coach, 5)
    cover(world, world.bus, -2)
    db.session.commit()


def cover(world: World, vehicle: Vehicle, days: int) -> None:
    midnight = datetime.now(UTC).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    ends_at = midnight.astimezone(UTC) + timedelta(days=days, hours=12)
    PolicyFactory(
        vehicle=vehicle,
        issued_by=world.underwriter,
        starts_at=ends_at - timedelta(days=365),
        ends_at=ends_at,
    )


def words_on(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)).split())


def test_board_counts_by_branch_and_leads_to_issue(sign_in: SignIn, world: World) -> None:
    clerk = sign_in("underwriter")
    page = words_on(clerk.get("/renewals"))
    assert "分公司 已过期 7 天内 15 天内 30 天内 60 天内 90 天内 120 天内 预计保险费" in page
    assert "中牟公交分公司 1 — — — — — — " in page
    assert "巩义客运分公司 — 1 — — — — — " in page
    week = words_on(clerk.get("/renewals?bucket=within_7"))
    assert "巩义客运分公司" in week
    assert "中牟公交分公司 1" not in week
    preview = clerk.post("/issue", data={"vehicle_id": world.coach.id, "line": "ctpl"})
    policy = db.session.scalars(select(Policy).where(Policy.vehicle_id == world.coach.id)).one()
    assert (policy.ends_at.astimezone().date().isoformat()) in words_on(preview)


def test_board_is_filtered_by_the_address(sign_in: SignIn, world: World) -> None:
    page = words_on(sign_in("underwriter").get(f"/renewals?branch={world.gongyi.id}&bucket=within_7"))
    assert "豫A·12345" in page
    assert "豫A·D12345" not in page
    nonsense = sign_in("underwriter").get("/renewals?branch=x&bucket=never&line=9&use_class=-&page=0&size=7")
    assert nonsense.status_code == 200


def test_branch_officer_sees_own_renewals_without_buttons(sign_in: SignIn) -> None:
    page = words_on(sign_in("safety-gongyi").get("/renewals"))
    assert "豫A·12345" in page
    assert "豫A·D12345" not in page
    assert "为所选车辆出单" not in page


def test_missed_cover_is_listed_with_its_length(sign_in: SignIn) -> None:
    page = words_on(sign_in("underwriter").get("/renewals/uninsured"))
    assert "豫A·D12345 中牟公交分公司 · 城市公交" in page
    assert "已 2 天" in page or "已 3 天" in page
    assert "无保障记录" in page
    own = words_on(sign_in("safety-gongyi").get("/renewals/uninsured"))
    assert "豫A·67890" in own
    assert "豫A·D12345" not in own


def test_reminders_sent_are_listed(sign_in: SignIn, world: World) -> None:
    renewals.send_reminders(world.account.id, now=datetime.now(UTC))
    page = words_on(sign_in("hq").get("/renewals/reminders"))
    assert "豫A·12345 交强险 巩义客运分公司" in page


@pytest.mark.parametrize(
    ("language", "subject"), [("zh", "续保提醒：集团 1 辆车"), ("en", "Cover of 1 vehicle of the group")]
)
def test_reminder_reads_in_the_recipients_language(
    world: World, app: Any, language: str, subject: str
) -> None:
    world.insurance_department.language = language
    renewals.send_reminders(world.account.id, now=datetime.now(UTC))
    notice = mail_to("insurance@zzly.example", "renewal_reminder")
    sent = mail.render(notice, base_url="https://desk.example")
    assert sent.subject.startswith(subject)
    assert "豫A12345" in sent.text
    assert "豫A12345" in sent.html
    # A contact person has no login to open the list with.
    assert "https://desk.example" not in sent.text


def test_missed_cover_notice_names_vehicles_and_lines(world: World, app: Any) -> None:
    renewals.send_uninsured_notices(world.account.id, now=datetime.now(UTC))
    sent = mail.render(
        mail_to("insurance@zzly.example", "uninsured_vehicles"), base_url="https://desk.example"
    )
    assert "漏保提醒：集团今日 3 辆车" in sent.subject
    assert "豫A67890 营业货车 交强险、商业险 巩义客运分公司" in " ".join(sent.text.split())
    assert "2 辆车无交强险" in sent.text


def mail_to(address: str, kind: str) -> Notice:
    return db.session.scalars(
        select(Notice).where(Notice.address == address, Notice.kind == kind, Notice.channel == Channel.MAIL)
    ).one()
