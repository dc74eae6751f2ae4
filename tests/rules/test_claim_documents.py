"""The checklist of documents by what a claim is about."""

import pytest

from service_desk.rules.claim_documents import (
    ALWAYS,
    BY_FEATURE,
    DOCUMENT_CODES,
    RULES,
    ClaimFeature,
    Issuer,
    concerns_others,
    features_of,
    likely_features,
    wanted_documents,
)
from service_desk.rules.claim_losses import Losses, LossItem, LossKind, VictimLoss, losses_of

F = ClaimFeature


@pytest.mark.parametrize("feature", F)
def test_every_feature_has_its_list_and_every_code_its_place(feature: F) -> None:
    assert set(BY_FEATURE[feature]) <= set(DOCUMENT_CODES)
    assert len(DOCUMENT_CODES) == len(set(DOCUMENT_CODES))


def test_a_paper_wanted_by_two_features_is_wanted_once() -> None:
    codes = wanted_documents({F.THIRD_PARTY_PROPERTY, F.INJURY}, 5_000_00, is_first_scene=False)

    assert codes.count("compensation_receipt") == 1
    assert set(ALWAYS) <= set(codes)


@pytest.mark.parametrize(("is_first_scene", "wants_proof"), [(True, False), (False, True)])
def test_our_first_scene_survey_stands_in_for_the_accident_proof(
    is_first_scene: bool, wants_proof: bool
) -> None:
    codes = wanted_documents({F.SINGLE_VEHICLE, F.OWN_DAMAGE}, 0, is_first_scene=is_first_scene)

    assert ("accident_proof" in codes) == wants_proof


@pytest.mark.parametrize(("estimate_fen", "wanted"), [(10_000_00, False), (10_000_01, True)])
def test_the_business_licence_is_wanted_above_ten_thousand(estimate_fen: int, wanted: bool) -> None:
    assert (
        "business_licence" in wanted_documents({F.OWN_DAMAGE}, estimate_fen, is_first_scene=True)
    ) == wanted


def test_broken_glass_alone_needs_little_but_not_when_something_else_was_hit() -> None:
    alone = wanted_documents({F.GLASS}, 0, is_first_scene=False)
    with_others = wanted_documents({F.GLASS, F.THIRD_PARTY_PROPERTY}, 0, is_first_scene=False)

    assert "accident_proof" not in alone
    assert "accident_proof" in with_others


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({F.OWN_DAMAGE, F.SINGLE_VEHICLE}, False),
        ({F.THEFT}, False),
        ({F.FIRE, F.GLASS}, False),
        ({F.OWN_DAMAGE, F.THIRD_PARTY_PROPERTY}, True),
        ({F.INJURY}, True),
        ({F.DEATH}, True),
    ],
)
def test_a_checklist_tells_whether_others_were_hurt_or_damaged(features: set[F], expected: bool) -> None:
    assert concerns_others(wanted_documents(features, 0, is_first_scene=True)) is expected


def test_the_report_suggests_what_the_claim_is_about() -> None:
    assert likely_features(injured_count=1, has_other_party=True, has_own_damage_cover=False) == {
        F.INJURY,
        F.THIRD_PARTY_PROPERTY,
    }
    assert likely_features(injured_count=0, has_other_party=False, has_own_damage_cover=True) == {
        F.SINGLE_VEHICLE,
        F.OWN_DAMAGE,
    }


def test_an_assessment_is_added_up_by_what_it_is_paid_under() -> None:
    items = [
        LossItem("前保险杠", LossKind.OWN_VEHICLE, 100),
        LossItem("后保险杠", LossKind.THIRD_PARTY_VEHICLE, 200),
        LossItem("护栏", LossKind.PROPERTY, 30),
        LossItem("门诊", LossKind.INJURY, 4),
    ]

    assert losses_of(items) == Losses(own_damage_fen=100, property_fen=230, medical_fen=4)


def test_losses_are_told_apart_by_victim_and_passengers_are_nobodys_third_party() -> None:
    items = (
        LossItem("医疗费", LossKind.INJURY, 100, party_id=1),
        LossItem("误工费", LossKind.DEATH, 40, party_id=1),
        LossItem("电动车", LossKind.PROPERTY, 30, party_id=1),
        LossItem("护栏", LossKind.PROPERTY, 7),
        LossItem("乘客医疗费", LossKind.PASSENGER_INJURY, 20, party_id=2),
        LossItem("施救费", LossKind.RESCUE, 9),
    )

    losses = losses_of(items)

    assert losses.victims == (VictimLoss(1, medical_fen=100, death_fen=40, property_fen=30),)
    assert losses.passengers == (VictimLoss(2, medical_fen=20),)
    assert (losses.property_fen, losses.medical_fen, losses.death_fen) == (37, 100, 40)
    assert losses.rescue_fen == 9


@pytest.mark.parametrize(
    ("feature", "codes"),
    [
        (F.HOSPITAL, {"discharge_note", "itemised_list", "transport_lodging"}),
        (F.DISABILITY, {"disability_report", "dependants_proof"}),
        (F.RESCUE, {"rescue_invoice"}),
        (F.OTHER_PROPERTY, {"loss_list", "property_proof", "compensation_receipt"}),
        (F.AGENT, {"agent_letter", "agent_id"}),
        (F.DIRECT_PAYMENT, {"direct_payment_request"}),
        (F.MEDIATED, {"settlement_or_judgment"}),
    ],
)
def test_a_feature_adds_its_papers_to_those_of_every_claim(feature: F, codes: set[str]) -> None:
    assert set(wanted_documents({feature}, 0, is_first_scene=False)) == set(ALWAYS) | codes


@pytest.mark.parametrize(
    "features",
    [
        {F.OWN_DAMAGE, F.SINGLE_VEHICLE},
        {F.THIRD_PARTY_PROPERTY, F.INJURY, F.HOSPITAL},
        {F.GLASS},
        {F.THEFT, F.OWN_DAMAGE, F.SINGLE_VEHICLE},
        {F.DEATH, F.PASSENGERS, F.FIRE},
    ],
)
def test_features_are_read_back_from_an_old_checklist(features: set[F]) -> None:
    assert features_of(wanted_documents(features, 0, is_first_scene=True)) == features


def test_each_line_says_who_issues_it_and_whether_a_copy_will_do() -> None:
    by_code = {rule.code: rule for rule in RULES}

    assert by_code["medical_invoices"].original
    assert not by_code["vehicle_licence"].original
    assert by_code["disability_report"].issuer is Issuer.EXPERT
    assert by_code["business_licence"].above_fen == 10_000_00
