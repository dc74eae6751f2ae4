"""A client's list as an order: its vehicles found, what its rows say kept, and each row of no use with its reason."""

import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from flask import current_app
from sqlalchemy import func, select

from service_desk.base.errors import Forbidden, Invalid, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.policies import IssueList, Policy
from service_desk.models.users import User
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies
from service_desk.services.documents import Upload
from service_desk.services.policies import IssueRequest, LineChoice, VehicleTerms, issue_lists, rates
from tests.issue_cases import refused_lines
from tests.world import World

NAMES = {"第三者责任险 100 万元": "tpl_1m", "第三者责任险 200 万元": "tpl_2m"}
USUAL = {PolicyLine.CTPL: "basic", PolicyLine.COMMERCIAL: "tpl_1m", PolicyLine.CARRIER_LIABILITY: "seat_400k"}


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    db.session.commit()


def xlsx(*rows: Sequence[Any]) -> Upload:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return Upload("续保清单.xlsx", out.getvalue())


def upload(world: World, now: datetime, sent: Upload, actor: User | None = None, **values: Any) -> IssueList:
    kept = issue_lists.upload_list(
        sent,
        world.account.id,
        names=NAMES,
        files=current_app.extensions["file_store"],
        actor=actor or world.underwriter,
        now=now,
        **values,
    )
    db.session.commit()
    return kept


def test_vehicles_are_found_by_plate_or_vin_and_rows_keep_what_they_say(world: World, now: datetime) -> None:
    kept = upload(
        world,
        now,
        xlsx(
            ["车牌号", "车架号", "险种", "保障方案", "起保日期", "浮动等级", "车船税"],
            ["豫A·12345", None, "商业险", "第三者责任险200万元", date(2026, 12, 5), None, None],
            [None, world.bus.vin, None, None, None, "A1", 360],
            ["豫A67890", world.truck.vin, None, "第三者责任险 200 万元", None, None, None],
        ),
    )
    assert kept.problems == []
    assert issue_lists.terms_of(kept, USUAL) == {
        world.coach.id: VehicleTerms(
            start_on=date(2026, 12, 5),
            lines=(LineChoice(PolicyLine.COMMERCIAL, "tpl_2m"),),
            cover_sets={PolicyLine.COMMERCIAL: "tpl_2m"},
        ),
        world.bus.id: VehicleTerms(CtplFloat.A1, 360_00),
        world.truck.id: VehicleTerms(cover_sets={PolicyLine.COMMERCIAL: "tpl_2m"}),
    }
    document = db.session.get_one(Document, kept.document_id)
    assert (document.matter_kind, document.matter_id, document.filename) == (
        "issue_list",
        kept.id,
        "续保清单.xlsx",
    )
    assert "issue_list_read" in db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()


def test_every_row_that_is_no_use_is_listed(world: World, now: datetime) -> None:
    kept = upload(
        world,
        now,
        xlsx(
            ["车牌号", "车架号", "险种", "保障方案"],
            ["豫A12345", None, None, None],
            ["豫Z99999", None, None, None],
            ["豫C88661", None, None, None],
            ["豫A67890", world.bus.vin, None, None],
            ["豫AD12345", None, "交强险", "第三者责任险100万元"],
            ["豫A·12345", None, None, None],
            [None, None, "交强险", None],
        ),
    )
    assert [(one["row_no"], one["code"]) for one in kept.problems] == [
        (3, "row_vehicle_unknown"),
        (4, "row_vehicle_unknown"),
        (5, "row_names_disagree"),
        (6, "row_cover_of_other_line"),
        (7, "row_vehicle_twice"),
        (8, "row_identity_missing"),
    ]
    assert [row["vehicle_id"] for row in kept.rows] == [world.coach.id]


def test_two_rows_with_lines_of_their_own_are_one_vehicle(world: World, now: datetime) -> None:
    kept = upload(
        world,
        now,
        xlsx(["车牌号", "险种", "车船税"], ["豫A12345", "交强险", 600], ["豫A12345", "商业险", None]),
    )
    assert kept.problems == []
    [terms] = issue_lists.terms_of(kept, USUAL).values()
    assert [choice.line for choice in terms.lines] == [PolicyLine.CTPL, PolicyLine.COMMERCIAL]
    assert terms.tax_fen == 600_00


def test_a_list_is_issued_with_its_refused_rows_kept(world: World, now: datetime) -> None:
    kept = upload(
        world,
        now,
        xlsx(
            ["车牌号", "浮动等级", "起保日期"],
            ["豫A12345", "A3", None],
            ["豫AD12345", None, date(2026, 11, 1)],
            ["豫Z99999", None, None],
        ),
    )
    order = IssueRequest(
        world.account.id,
        tuple(row["vehicle_id"] for row in kept.rows),
        (LineChoice(PolicyLine.CTPL, "basic"),),
        terms=issue_lists.terms_of(kept, USUAL),
        refused=issue_lists.refused_of(kept),
    )
    batch = policies.issue_many(order, actor=world.underwriter, now=now)
    [policy] = db.session.scalars(select(Policy))
    assert (policy.plate, policy.ctpl_float) == ("豫A12345", "A3")
    rows = refused_lines(batch, world.underwriter)
    assert [(one.row_no, one.row_field, one.plate, one.code) for one in rows] == [
        (4, "plate", "豫Z99999", "row_vehicle_unknown"),
        (None, "", "豫AD12345", "start_in_the_past"),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\x89PNG\r\n", "file_unreadable"),
        ("序号,金额\n1,2\n".encode(), "issue_list_header_missing"),
        ("车牌号,险种\n".encode(), "file_empty"),
    ],
)
def test_a_file_that_is_no_list_is_refused(world: World, now: datetime, content: bytes, code: str) -> None:
    with pytest.raises(Invalid, match=code):
        upload(world, now, Upload("清单.csv", content))


def test_the_same_upload_twice_is_one_list(world: World, now: datetime) -> None:
    sent = Upload("清单.csv", "车牌号\n豫A12345\n".encode("gbk"))
    assert upload(world, now, sent, key="k").id == upload(world, now, sent, key="k").id
    assert db.session.scalar(select(func.count()).select_from(IssueList)) == 1


@pytest.mark.parametrize("name", ["claims1", "hq", "safety_gongyi", "admin"])
def test_only_underwriters_send_lists(world: World, now: datetime, name: str) -> None:
    with pytest.raises(Forbidden):
        upload(world, now, Upload("清单.csv", "车牌号\n豫A12345\n".encode()), actor=getattr(world, name))


def test_another_accounts_list_is_not_found(world: World, now: datetime) -> None:
    kept = upload(world, now, Upload("清单.csv", "车牌号\n豫A12345\n".encode()))
    with pytest.raises(NotFound):
        issue_lists.get_list(kept.id, actor=world.foreign_hq)
    with pytest.raises(NotFound):
        issue_lists.get_list(kept.id, actor=world.hq)
