"""The calculation's page: form, preview, versions and their difference; the same lines on page, paper and command line."""

import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pdfminer.high_level import extract_text
from sqlalchemy import func, select, update

from service_desk.base.clock import utc_now
from service_desk.models.claims import Claim, ClaimCalculation, ClaimCover
from service_desk.models.db import db
from service_desk.presenters.claim_calculations import calculation_table
from service_desk.presenters.labels import LABELS
from service_desk.presenters.languages import in_language
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.settlement import Coverage, RecoveryKind, Source, Step
from service_desk.rules.vocabulary import CoverCode
from service_desk.services.claims import settlement
from tests.claim_cases import Journey, reported_claim
from tests.world import World


@pytest.fixture
def now() -> datetime:
    """Early enough for a claim to have come along before the page is opened."""
    return utc_now() - timedelta(hours=3)


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    claim = reported_claim(world, now)
    db.session.add(
        ClaimCover(
            claim_id=claim.id, code=CoverCode.CARRIER_LIABILITY.value, policy_number="C-1", per_seat_fen=300_000_00,
            deductible_fen=500_00, absolute_deductible_percent=5, ends_at=claim.loss_at.replace(year=2030),
        )
    )  # fmt: skip
    db.session.commit()
    return claim


# Two victims, a vehicle without CTPL beside ours, our own damage paid first, its towing, a passenger.
RICH = {
    "fault": "main", "driver": "fit", "payer": "ordinary",
    "victims-0-label": "李秀英", "victims-0-medical_loss": "15,000", "victims-0-property_loss": "3000",
    "victims-1-label": "王建国", "victims-1-medical_loss": "21000", "victims-1-death_loss": "26万",
    "vehicles-0-label": "豫B12345", "vehicles-0-standing": "uninsured",
    "own_damage": "14000", "other_party": "豫B12345 车主", "rescue_fee": "600", "rescue_vehicle": "240000",
    "rescue_uninsured": "60000", "passengers-0-label": "赵敏", "passengers-0-loss": "86,000", "note": "",
}  # fmt: skip


def send(client: Any, claim: Claim, do: str, **changes: Any) -> Any:
    db.session.refresh(claim)
    values = RICH | {"version": str(claim.version), "do": do} | changes
    return client.post(f"/claims/{claim.number}/calculation", data=values)


def versions() -> list[ClaimCalculation]:
    return list(db.session.scalars(select(ClaimCalculation).order_by(ClaimCalculation.calculation_version)))


def test_the_limit_of_a_policy_is_asked_for_where_it_is_not_known(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.DOCUMENTS_COMPLETE)
    client = sign_in("claims1")
    assert "tpl_limit" not in client.get(f"/claims/{claim.number}/calculation").text
    db.session.execute(
        update(ClaimCover).where(ClaimCover.code == CoverCode.TPL, ClaimCover.claim_id == claim.id),
        {"limit_fen": None},
    )
    db.session.commit()

    asked = send(client, claim, "preview")

    assert asked.status_code == 422
    assert 'name="tpl_limit"' in asked.text
    assert send(client, claim, "preview", tpl_limit="100万").status_code == 200


def test_a_preview_shows_the_working_and_keeps_nothing(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.DOCUMENTS_COMPLETE)

    page = send(sign_in("claims1"), claim, "preview")

    assert page.status_code == 200
    assert 'id="preview"' in page.text
    assert "李秀英" in page.text
    assert "max(500.00, 86,000.00 × 5%)" in page.text
    assert db.session.scalar(select(func.count(ClaimCalculation.id))) == 0


def test_page_paper_and_command_line_show_the_same_lines(
    app: Flask, sign_in: Any, world: World, claim: Claim, now: datetime, tmp_path: Path
) -> None:
    Journey(world, claim, now).to(ClaimState.DOCUMENTS_COMPLETE)
    client = sign_in("claims1")

    assert send(client, claim, "save").status_code == 303

    (kept,) = versions()
    file = tmp_path / "case.json"
    file.write_bytes(client.get(f"/claims/{claim.number}/calculation.json").data)
    redone = json.loads(app.test_cli_runner().invoke(args=["rules", "settle", str(file)]).stdout_bytes)[0]
    assert [(step["formula"], step["amount"]) for step in redone["working"]] == [
        (step["formula"], f"{step['amount_fen'] / 100:.2f}") for step in kept.working
    ]
    assert redone["expected"]["total"] == f"{kept.total_fen / 100:.2f}"
    claim.report_no = "RDZA202641010000001234"
    for language in ("zh", "en"):
        world.claims1.language = language
        db.session.commit()
        with in_language(language):
            table = calculation_table(kept)
        page = client.get(f"/claims/{claim.number}").text
        paper = client.get(f"/claims/{claim.number}/settlement.pdf?lang={language}").data
        text = "".join(extract_text(io.BytesIO(paper)).split())
        assert claim.report_no in text
        for step in table.working:
            for words in (step["step"], step["formula"], step["amount"], step["clause"]):
                assert escaped(words) in page
                assert "".join(words.split()) in text
        for line in table.lines:
            assert line["pay"] in page
            assert line["pay"] in text


def escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("'", "&#39;")


def test_the_calculation_keeps_what_is_to_be_recovered(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.DOCUMENTS_COMPLETE)
    send(sign_in("claims1"), claim, "save")

    (kept,) = versions()
    # Medical 36,000 by two limits of 18,000: nothing beyond our own share. Property 3,000: 2,000 paid, 1,500 ours.
    # Death 260,000: 180,000 paid, 130,000 ours. Own damage 14,000: 2,000 by CTPL and 30 % of the rest.
    assert kept.recoveries == [
        {"kind": "ctpl_recourse", "amount_fen": 50_500_00, "from": "豫B12345"},
        {"kind": "subrogation", "amount_fen": 5_600_00, "from": "豫B12345 车主"},
    ]


def test_versions_stay_and_their_difference_is_told(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.DOCUMENTS_COMPLETE)
    client = sign_in("claims1")
    send(client, claim, "save")
    assert (
        send(client, claim, "save", **{"own_damage": "15000", "vehicles-0-standing": "liable"}).status_code
        == 303
    )

    first, second = versions()
    assert (first.inputs["own_damage_fen"], second.inputs["own_damage_fen"]) == (14_000_00, 15_000_00)
    page = client.get(f"/claims/{claim.number}/calculation?from=1&to=2").text
    assert "¥14,000.00" in page
    assert "¥15,000.00" in page
    assert client.get(f"/claims/{claim.number}/calculation?from=1&to=9").status_code == 404
    assert client.get(f"/claims/{claim.number}/calculation?version=1").status_code == 200
    assert client.get(f"/claims/{claim.number}/settlement.pdf?version=1").status_code == 200
    assert client.get(f"/claims/{claim.number}/settlement.pdf?version=3").status_code == 404


def test_the_form_starts_from_the_assessment_and_then_from_the_last_version(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.DOCUMENTS_COMPLETE)
    client = sign_in("claims1")
    page = client.get(f"/claims/{claim.number}/calculation").text
    assert 'name="victims-0-property_loss" type="text" value="6,000.00"' in page
    assert 'name="victims-1-medical_loss" type="text" value="1,500.00"' in page

    send(client, claim, "save")

    page = client.get(f"/claims/{claim.number}/calculation").text
    for typed in ("李秀英", "21,000.00", "260,000.00", "豫B12345", "86,000.00", "240,000.00"):
        assert f'value="{typed}"' in page


def test_more_rows_come_and_nothing_typed_is_lost(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.DOCUMENTS_COMPLETE)
    page = send(sign_in("claims1"), claim, "more").text
    assert 'name="victims-9-label"' in page
    assert 'value="王建国"' in page


REFUSED = [
    ({"fault": "most"}, "Not a valid choice"),
    ({"victims-1-label": "王建国", "victims-1-medical_loss": "", "victims-1-death_loss": ""}, "Enter an amount, or empty"),
    ({"vehicles-0-standing": ""}, "choose how the vehicle stands"),
    ({"own_damage": "-5"}, "Enter an amount in yuan"),
    ({"fault_percent": "101"}, "from 0 to 100"),
    ({"rescue_cost": "900"}, "Rescue cost is advanced only"),
    ({"driver": "drunk"}, "Enter who has to pay it back"),
    ({"payer": "knock_for_knock"}, "This agreement does not reach so far"),
    ({"is_stolen": "y", "theft_sum": "100000"}, "theft already pays the whole vehicle"),
    ({"glass": "800"}, "Under the clauses of 2020 glass is own damage"),
    ({"occupants-0-label": "司机", "occupants-0-loss": "900"}, "Enter the limit of the contract"),
    ({"victims-0-medical_loss": "9" * 20}, "too large"),
]  # fmt: skip


def test_what_cannot_be_is_refused_and_stays_as_typed(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    world.claims1.language = "en"
    Journey(world, claim, now).to(ClaimState.DOCUMENTS_COMPLETE)
    client = sign_in("claims1")

    for number, (changes, words) in enumerate(REFUSED):
        page = send(client, claim, "save" if number % 2 else "preview", **changes)
        assert (page.status_code, words in page.text, "李秀英" in page.text) == (422, True, True), changes
    assert versions() == []


def test_a_double_click_keeps_one_version_and_a_stale_page_none(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.DOCUMENTS_COMPLETE)
    client = sign_in("claims1")
    shown = str(claim.version)
    for _click in range(2):
        assert send(client, claim, "save", idempotency_key="k" * 20, version=shown).status_code == 303
    assert send(client, claim, "save", version=shown).status_code == 409
    assert len(versions()) == 1


def test_clients_have_no_part_in_calculating_and_get_what_is_approved(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    journey = Journey(world, claim, now)
    journey.to(ClaimState.CALCULATED)
    client = sign_in("hq")
    assert client.get(f"/claims/{claim.number}/calculation").status_code == 403
    assert send(client, claim, "save").status_code == 403
    assert client.get(f"/claims/{claim.number}/calculation.json").status_code == 404

    journey.to(ClaimState.APPROVED)

    assert client.get(f"/claims/{claim.number}/calculation.json").status_code == 200
    stranger = sign_in(world.foreign_hq.username)
    for path in ("calculation", "calculation.json", "settlement.pdf"):
        assert stranger.get(f"/claims/{claim.number}/{path}").status_code == 404


def test_an_older_calculation_without_the_newer_questions_is_still_shown(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.CALCULATED)
    made = settlement.latest_calculation(claim.id)
    assert made is not None
    old = ("loss_on", "clause", "ctpl_limits_from", "covers", "fault", "fault_percent", "property_fen",
           "medical_fen", "death_fen", "own_damage_fen", "is_total_loss", "received_fen", "salvage_fen", "note")  # fmt: skip
    made.inputs = {name: made.inputs[name] for name in old}
    made.lines = [{k: v for k, v in line.items() if k not in {"parts", "payer"}} for line in made.lines]
    made.working = [{k: v for k, v in step.items() if k != "about"} for step in made.working]
    db.session.commit()
    client = sign_in("claims1")

    assert client.get(f"/claims/{claim.number}/calculation").status_code == 200
    assert client.get(f"/claims/{claim.number}/settlement.pdf").status_code == 200
    assert client.get(f"/claims/{claim.number}/calculation.json").status_code == 404


# Only the command line shows deadlines and figures of reports, by their codes.
FIGURES = {"advance", "balance", "term", "loss_ratio", "rate", "count", "reserve_close"}
SOURCES_OF_FIGURES = {
    "ctpl_regulation_28", "insurance_law_23", "insurance_law_24", "insurance_law_25", "service_targets_2005",
    "figure_definition",
}  # fmt: skip


def test_every_code_of_a_calculation_has_its_words() -> None:
    assert {one.value for one in Coverage} <= set(LABELS["paid_under"])
    assert {one.value for one in RecoveryKind} == set(LABELS["calculation_recovery"])
    assert {one.value for one in Step} - FIGURES <= set(LABELS["working_step"])
    assert {one.value for one in Source} - SOURCES_OF_FIGURES <= set(LABELS["working_clause"])
