"""Lists of policies in the browser: sent, asked about, taken over with a reason, handed back; and who may not."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service_desk.models.db import db
from service_desk.models.fleet import FleetImport, FleetImportRow, ImportState
from service_desk.models.policies import Policy
from tests.world import World

SignIn = Callable[[str], FlaskClient]
LISTS = Path(__file__).resolve().parents[1] / "data" / "policy_lists"


def send(client: FlaskClient, name: str) -> str:
    """Send a list and return the address of its page."""
    content = io.BytesIO((LISTS / name).read_bytes())
    answer = client.post(
        "/policies/lists/new",
        data={"file": (content, name), "idempotency_key": name},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 303
    return str(answer.location)


def policies() -> int:
    return db.session.scalar(select(func.count()).select_from(Policy)) or 0


def version() -> int:
    return db.session.scalars(select(FleetImport.version)).one()


def test_a_list_with_a_difference_is_taken_over_with_its_reason(sign_in: SignIn, world: World) -> None:
    clerk = sign_in("underwriter")
    address = send(clerk, "01-ledger-subtotals.xlsx")

    # Nobody has told the desk yet what the insurer is called.
    clerk.post(f"{address}/answers", data={"ours": "中州联合财险"})
    page = clerk.get(address).get_data(as_text=True)
    assert "人保财险" in page
    assert "46,770.00" in page
    assert "清单自带合计" in page
    refused = clerk.post(f"{address}/commit", data={"version": version(), "reason": ""})
    assert refused.status_code == 422
    assert policies() == 0
    done = clerk.post(f"{address}/commit", data={"version": version(), "reason": "三行另行补录"})

    assert done.status_code == 303
    assert policies() == 4
    assert "三行另行补录" in clerk.get(address).get_data(as_text=True)
    assert clerk.get("/policies/lists").get_data(as_text=True).count("01-ledger-subtotals.xlsx") == 1
    assert send(clerk, "01-ledger-subtotals.xlsx") == address
    back = clerk.get(f"{address}/checked")
    assert back.headers["Content-Disposition"].startswith("attachment")
    assert clerk.get(f"{address}/original").data == (LISTS / "01-ledger-subtotals.xlsx").read_bytes()
    clerk.post(f"{address}/undo", data={"reason": "错传"})
    assert policies() == 0


def test_questions_are_answered_and_vehicles_added_on_the_page(sign_in: SignIn, world: World) -> None:
    clerk = sign_in("manager")
    address = send(clerk, "02-side-by-side-gbk.csv")
    page = clerk.get(f"{address}?rows=question").get_data(as_text=True)
    assert "是，就是该车" in page
    row = db.session.scalars(select(FleetImportRow).where(FleetImportRow.code == "which_vehicle")).one()
    vin = (
        db.session.scalars(select(FleetImportRow).where(FleetImportRow.code == "vehicle_may_be_added"))
        .one()
        .params["vin"]
    )

    assert clerk.post(f"{address}/answers", data={}).status_code == 422
    answered = clerk.post(f"{address}/answers", data={f"is-{row.id}": "yes", "is-x": "yes", "add": vin})

    assert answered.status_code == 303
    left = db.session.scalars(select(FleetImportRow.code).where(FleetImportRow.code != "")).all()
    assert sorted(left) == ["limit_unlikely", "number_precision_lost"]


def test_columns_can_be_read_otherwise_and_the_list_put_away(sign_in: SignIn, world: World) -> None:
    clerk = sign_in("underwriter")
    address = send(clerk, "03-sheet-a-line.xlsx")

    twice = clerk.post(f"{address}/columns", data={"column-0-5": "unpaid", "column-0-6": "unpaid"})
    once = clerk.post(f"{address}/columns", data={"column-0-6": ""})
    away = clerk.post(f"{address}/put-away")

    assert (twice.status_code, once.status_code, away.status_code) == (422, 303, 303)
    assert db.session.scalars(select(FleetImport.state)).one() is ImportState.ABANDONED
    assert clerk.post(f"{address}/put-away").status_code == 409


@pytest.mark.parametrize("username", ["claims1", "hq", "safety-gongyi", "admin"])
def test_who_does_not_issue_may_not_take_over(sign_in: SignIn, world: World, username: str) -> None:
    address = send(sign_in("underwriter"), "03-sheet-a-line.xlsx")
    visitor = sign_in(username)

    for method, place in (
        ("GET", "/policies/lists"),
        ("GET", "/policies/lists/new"),
        ("GET", address),
        ("POST", f"{address}/commit"),
        ("POST", f"{address}/answers"),
        ("GET", f"{address}/original"),
    ):
        assert visitor.open(place, method=method).status_code == 403, place


def test_a_list_of_another_account_is_not_there(sign_in: SignIn, world: World) -> None:
    clerk = sign_in("underwriter")
    address = send(clerk, "03-sheet-a-line.xlsx")
    db.session.scalars(select(FleetImport)).one().account_id = world.foreign_account.id
    db.session.commit()

    assert clerk.get(address).status_code == 404
    assert clerk.post(f"{address}/commit", data={"version": 1}).status_code == 404
    assert clerk.get(address.replace("/policies/lists/", "/vehicles/imports/")).status_code == 404
