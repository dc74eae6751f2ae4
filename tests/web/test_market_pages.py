"""The market's figures: kept by the administrator, audited, and seen where figures are compared."""

import re

from sqlalchemy import select

from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.market import MarketFigure
from service_desk.rules.metrics import MeasureCode
from service_desk.services import market
from tests.world import World

LINE = {
    "measure": "closing_cycle",
    "scope": "全体会员公司",
    "scope_en": "all members",
    "value": "25.5",
    "published_for": "2019 Q1",
    "source": "河南省保险行业协会",
    "source_en": "Henan Insurance Association",
}


def test_an_administrator_adds_corrects_and_hides_a_figure(world: World, sign_in) -> None:
    market.install_published()
    db.session.commit()
    admin = sign_in("admin")

    for value, said in (("abc", 422), ("-1", 422), ("25.555", 422), ("25.5", 303), ("25.5", 303)):
        answer = admin.post("/settings/market", data={**LINE, "value": value, "idempotency_key": "once"})
        assert answer.status_code == said, value
    assert admin.post("/settings/market", data={**LINE, "scope": " "}).status_code == 422
    assert admin.post("/settings/market", data={**LINE, "measure": "written_premium"}).status_code == 422
    row = db.session.scalars(select(MarketFigure).where(MarketFigure.published_for == "2019 Q1")).one()
    assert (row.value_cents, row.ordinal) == (2550, 6)

    address = f"/settings/market/{row.id}"
    assert 'value="25.50"' in admin.get(address).text
    corrected = {**LINE, "value": "24.5", "version": str(row.version)}
    assert admin.post(address, data=corrected).status_code == 303
    assert admin.post(address, data=corrected).status_code == 409
    first = market.headlines(market.shown_lines())[MeasureCode.CLOSING_CYCLE]
    assert (first.value_cents, first.source_en) == (2926, "Jiangxi Insurance Association")
    hide = f"/settings/market/{first.id}"
    assert admin.post(f"{hide}/hide", data={"version": str(first.version)}).status_code == 303
    db.session.expire_all()
    assert market.headlines(market.shown_lines())[MeasureCode.CLOSING_CYCLE].value_cents == 1314
    assert re.search("29.26.*已隐藏|已隐藏.*29.26", admin.get("/settings/market").text, re.S)
    assert admin.post(f"{hide}/show", data={"version": str(first.version)}).status_code == 303

    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.entity_kind == "market_figures").order_by(AuditEntry.id)
    ).all()
    assert actions == [f"market_figure_{what}" for what in ("added", "corrected", "hidden", "shown")]
    # Both sides read it with its source, where figures are explained.
    for username in ("hq", "manager"):
        page = sign_in(username).get("/measures").text
        assert "河南省保险行业协会" in page or "Henan Insurance Association" in page
    for username in ("manager", "claims1", "hq"):
        other = sign_in(username)
        for answer in (other.get("/settings/market"), other.get(address), other.post(f"{hide}/hide")):
            assert answer.status_code == 403
        assert other.post("/settings/market", data=LINE).status_code == 403
