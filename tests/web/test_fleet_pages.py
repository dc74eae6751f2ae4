"""The fleet's pages: what is on them, who may not, and a list's way from upload to undo."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from service_desk.base.clock import utc_now
from service_desk.models.accounts import BranchAlias
from service_desk.models.db import db
from service_desk.models.fleet import FleetImport, ImportState, Vehicle, VehicleState
from service_desk.rules.permissions import Role
from service_desk.services import accounts
from tests.factories import UserFactory, make_vin
from tests.world import World

SignIn = Callable[[str], FlaskClient]

LIST = "车牌号,车架号,座位数,单位\n豫A12345,{coach},50,巩义客运分公司\n豫AO1111,{new},49,巩义客运分公司\n豫A22222,{other},49,老公司\n豫A33333,{third},49,巩义客运分公司\n"


def fleet_list(world: World) -> bytes:
    text = LIST.format(coach=world.coach.vin, new=make_vin(1), other=make_vin(2), third=make_vin(3))
    return text.encode("gb18030")


def send(client: FlaskClient, content: bytes, name: str = "清单.csv", key: str = "k1") -> TestResponse:
    data = {"file": (io.BytesIO(content), name), "idempotency_key": key}
    return client.post("/vehicles/imports/new", data=data, content_type="multipart/form-data")


def only_import() -> FleetImport:
    db.session.expire_all()
    return db.session.scalars(select(FleetImport).order_by(FleetImport.id.desc())).first()


def test_the_list_shows_cover_and_counts(world: World, sign_in: SignIn) -> None:
    page = sign_in("underwriter").get("/vehicles").text

    assert "豫A·12345" in page
    assert "豫C·88661" not in page
    assert "营运而今日无交强险" in page
    assert page.count("无保障") >= 3


def test_filters_stand_in_the_address_and_nonsense_is_no_filter(world: World, sign_in: SignIn) -> None:
    client = sign_in("underwriter")

    filtered = client.get(f"/vehicles?branch={world.zhongmu.id}&use_class=city_bus&state=operating&q=AD").text
    nonsense = client.get("/vehicles?branch=abc&use_class=ship&state=0&cover=none&page=-1&sort=xx")

    assert "豫A·D12345" in filtered
    assert "豫A·67890" not in filtered
    assert nonsense.status_code == 200
    assert "豫A·67890" in nonsense.text


def test_the_export_holds_exactly_what_is_filtered(world: World, sign_in: SignIn) -> None:
    answer = sign_in("underwriter").get("/vehicles/export?q=67890")

    rows = list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.values)
    plates = [row[0] for row in rows if str(row[0]).startswith("豫")]
    assert plates == ["豫A67890"]


def test_a_vehicles_page_shows_its_histories_and_gaps(world: World, sign_in: SignIn) -> None:
    page = sign_in("claims1").get(f"/vehicles/{world.coach.id}").text

    for words in ("豫A12345", world.coach.vin, "巩义客运分公司", "今日缺：交强险", "中断", "公路客运"):
        assert words in page
    assert "停驶、复驶或退出" not in page


@pytest.mark.parametrize("address", ["/vehicles/{0}", "/vehicles/{0}/edit"])
def test_another_accounts_vehicle_is_404(world: World, sign_in: SignIn, address: str) -> None:
    answer = sign_in("underwriter").get(address.format(world.foreign_vehicle.id))

    assert answer.status_code == 404


def test_another_branchs_vehicle_is_404(world: World, sign_in: SignIn) -> None:
    assert sign_in("safety-gongyi").get(f"/vehicles/{world.bus.id}").status_code == 404
    assert sign_in("safety-gongyi").get(f"/vehicles/{world.coach.id}").status_code == 200


@pytest.mark.parametrize("username", ["safety-gongyi", "hq", "claims1"])
@pytest.mark.parametrize(
    "address", ["/vehicles/new", "/vehicles/imports", "/vehicles/imports/new", "/vehicles/1/edit"]
)
def test_who_may_not_change_the_fleet_is_refused(
    world: World, sign_in: SignIn, username: str, address: str
) -> None:
    assert sign_in(username).get(address).status_code == 403


def test_a_branch_user_cannot_send_a_list(world: World, sign_in: SignIn) -> None:
    assert send(sign_in("safety-gongyi"), fleet_list(world)).status_code == 403
    assert db.session.scalar(select(func.count(FleetImport.id))) == 0


def test_a_vehicle_is_added_and_changed(world: World, sign_in: SignIn) -> None:
    client = sign_in("underwriter")
    typed = {
        "plate": "豫a·88888",
        "vin": make_vin(8),
        "branch_id": world.gongyi.id,
        "use_class": "coach",
        "seats": "45",
    }

    added = client.post("/vehicles/new", data={**typed, "idempotency_key": "v1"})
    again = client.post("/vehicles/new", data={**typed, "idempotency_key": "v1"})
    changed = client.post(f"{added.location}/edit", data={**typed, "seats": "47", "version": "1"})

    assert added.status_code == again.status_code == changed.status_code == 303
    assert added.location == again.location
    vehicle = db.session.scalars(select(Vehicle).where(Vehicle.plate == "豫A88888")).one()
    assert vehicle.seats == 47


def test_a_stale_edit_is_409_and_keeps_what_was_typed(world: World, sign_in: SignIn) -> None:
    client = sign_in("underwriter")
    typed = {
        "plate": "豫A12345",
        "vin": world.coach.vin,
        "branch_id": world.gongyi.id,
        "use_class": "coach",
        "version": "1",
    }
    client.post(f"/vehicles/{world.coach.id}/edit", data={**typed, "seats": "46"})

    stale = client.post(f"/vehicles/{world.coach.id}/edit", data={**typed, "seats": "51"})

    assert stale.status_code == 409
    assert 'value="51"' in stale.text
    db.session.refresh(world.coach)
    assert world.coach.seats == 46


def test_a_wrong_plate_is_said_beside_its_field(world: World, sign_in: SignIn) -> None:
    typed = {"plate": "豫AO8888", "vin": make_vin(8), "branch_id": world.gongyi.id, "use_class": ""}

    answer = sign_in("underwriter").post("/vehicles/new", data=typed)

    assert answer.status_code == 422
    assert "可能是 豫A08888" in answer.text
    assert 'value="豫AO8888"' in answer.text


def test_a_vehicle_is_suspended_with_a_reason(world: World, sign_in: SignIn) -> None:
    client, address = sign_in("underwriter"), f"/vehicles/{world.coach.id}/state"

    without = client.post(address, data={"state": "suspended", "reason": "", "version": "1"})
    done = client.post(address, data={"state": "suspended", "reason": "大修", "version": "1"})

    assert (without.status_code, done.status_code) == (422, 303)
    db.session.refresh(world.coach)
    assert world.coach.state is VehicleState.SUSPENDED


def test_suggestions_are_the_persons_own(world: World, sign_in: SignIn) -> None:
    found = sign_in("safety-gongyi").get("/api/vehicles/suggest?q=12345").json

    assert found == [{"value": "豫A12345", "label": "豫A12345", "detail": "宇通 ZK6119H · 巩义客运分公司"}]


def test_a_name_that_is_refused_keeps_the_others_from_being_learnt(world: World, sign_in: SignIn) -> None:
    client = sign_in("underwriter")
    send(client, fleet_list(world))
    accounts.add_alias(world.account.id, world.gongyi.id, "新公司", actor=world.underwriter, now=utc_now())
    db.session.commit()

    both = {
        "name-0": "老公司",
        "name-1": "新公司",
        "branch-0": world.zhongmu.id,
        "branch-1": world.zhongmu.id,
    }
    refused = client.post(f"/vehicles/imports/{only_import().id}/branches", data=both)

    assert refused.status_code == 422
    assert "新公司" in refused.text
    assert 'value="老公司"' in refused.text
    assert db.session.scalar(select(func.count(BranchAlias.id))) == 1


def test_a_list_goes_from_upload_to_undo(world: World, sign_in: SignIn) -> None:
    client = sign_in("underwriter")

    sent = send(client, fleet_list(world))
    imported = only_import()
    address = f"/vehicles/imports/{imported.id}"
    refused = client.get(sent.location).text
    assert "可能是 豫A01111" in refused
    assert "老公司" in refused
    assert "45 → <b>50</b>" in client.get(f"{address}?rows=changed").text

    named = {"name-0": "老公司", "branch-0": world.zhongmu.id}
    for _click in range(2):
        assert client.post(f"{address}/branches", data=named).status_code == 303
    assert only_import().counts["new"] == 2

    version = only_import().version
    for _click in range(2):
        assert client.post(f"{address}/commit", data={"version": version}).status_code == 303
    assert only_import().state is ImportState.COMMITTED
    assert (
        db.session.scalar(select(func.count(Vehicle.id)).where(Vehicle.account_id == world.account.id)) == 5
    )

    back = client.get(f"{address}/checked")
    lines = back.data.decode("utf-8-sig").splitlines()
    assert lines[0].endswith("导入结果 / Import result,原因或变更 / Reason or change")
    assert "变更 / Changed" in lines[1]
    assert "退回 / Refused" in lines[2]
    assert client.get(f"{address}/original").data == fleet_list(world)

    assert client.post(f"{address}/undo", data={"reason": ""}).status_code == 422
    assert client.post(f"{address}/undo", data={"reason": "发错"}).status_code == 303
    assert only_import().state is ImportState.UNDONE
    assert "发错" not in client.get("/vehicles/imports").text


def test_the_same_list_again_shows_the_first_import(world: World, sign_in: SignIn) -> None:
    client = sign_in("underwriter")
    first = send(client, fleet_list(world))
    client.post(f"{first.location}/commit", data={"version": only_import().version})

    second = send(client, fleet_list(world), key="k2")

    assert second.location == first.location
    assert "此前已导入" in client.get(second.location).text


def test_a_list_checked_before_a_change_is_409(world: World, sign_in: SignIn) -> None:
    client = sign_in("underwriter")
    sent = send(client, fleet_list(world))
    version = only_import().version
    world.coach.seats = 47
    db.session.commit()

    answer = client.post(f"{sent.location}/commit", data={"version": version})

    assert answer.status_code == 409
    assert "请重新核对" in answer.text
    assert client.post(f"{sent.location}/columns").status_code == 303


def test_two_columns_cannot_be_one_field(world: World, sign_in: SignIn) -> None:
    client = sign_in("underwriter")
    sent = send(client, fleet_list(world))

    answer = client.post(f"{sent.location}/columns", data={"column-0-2": "vin"})

    assert answer.status_code == 422
    assert "车架号" in answer.text


def test_a_column_can_be_left_unread(world: World, sign_in: SignIn) -> None:
    client = sign_in("underwriter")
    sent = send(client, fleet_list(world))

    client.post(f"{sent.location}/columns", data={"column-0-2": ""})

    assert "seats" not in only_import().mapping[0]["columns"]


def test_a_checked_list_is_put_away(world: World, sign_in: SignIn) -> None:
    client = sign_in("underwriter")
    sent = send(client, fleet_list(world))

    client.post(f"{sent.location}/put-away")

    assert only_import().state is ImportState.ABANDONED
    assert client.post(f"{sent.location}/commit", data={"version": "9"}).status_code == 409


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 a photo", b"a,b\n1,2\n"])
def test_what_is_no_list_is_said_beside_the_field(world: World, sign_in: SignIn, content: bytes) -> None:
    answer = send(sign_in("underwriter"), content, "照片.xlsx")

    assert answer.status_code == 422
    assert 'id="file-error"' in answer.text


def test_another_accounts_list_is_404(world: World, sign_in: SignIn) -> None:
    sent = send(sign_in("underwriter"), fleet_list(world))
    UserFactory(username="stranger", role=Role.UNDERWRITER, accounts=[world.foreign_account])
    client = sign_in("stranger")

    for address in ("", "/checked", "/original"):
        assert client.get(sent.location + address).status_code == 404
    assert client.post(f"{sent.location}/commit").status_code == 404


@pytest.mark.parametrize("address", ["/vehicles", "/vehicles/1", "/vehicles/new", "/vehicles/imports/new"])
def test_pages_speak_english_too(world: World, sign_in: SignIn, address: str) -> None:
    world.underwriter.language = "en"
    db.session.flush()

    page = sign_in("underwriter").get(address.replace("1", str(world.coach.id)))

    assert page.status_code == 200
    assert "Fleet" in page.text


def test_the_command_line_imports_a_list(app: Flask, world: World, tmp_path: Path) -> None:
    path = tmp_path / "清单.csv"
    path.write_bytes(fleet_list(world))
    db.session.commit()
    run = app.test_cli_runner().invoke

    dry = run(args=["fleet", "import", str(path), "--account", "zzly", "--dry-run"])
    assert db.session.scalar(select(func.count(FleetImport.id))) == 0
    db.session.rollback()
    wet = run(args=["fleet", "import", str(path), "--account", "ZZLY"])
    again = run(args=["fleet", "import", str(path), "--account", "ZZLY"])

    assert dry.exit_code == wet.exit_code == again.exit_code == 0, wet.output
    assert re.search(r"Refused: 2|退回: 2", dry.output)
    assert dry.output == wet.output
    assert "Nothing was changed" in again.output
    assert only_import().state is ImportState.COMMITTED


@pytest.mark.parametrize(("name", "account"), [("photo.xlsx", "ZZLY"), ("list.csv", "NONE")])
def test_the_command_line_says_what_it_cannot_do(
    app: Flask, world: World, tmp_path: Path, name: str, account: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"\xff\xd8\xff\xe0 a photo")
    db.session.commit()

    result = app.test_cli_runner().invoke(args=["fleet", "import", str(path), "--account", account])

    assert result.exit_code in (1, 2)
    assert json.dumps(result.output)
    assert "Traceback" not in result.output
