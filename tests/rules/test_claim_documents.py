"""The checklist of documents by what a claim is about."""

import pytest

from service_desk.rules.claim_documents import (
    ALWAYS,
    BY_FEATURE,
    DOCUMENT_CODES,
    ClaimFeature,
    concerns_others,
    likely_features,
    wanted_documents,
)
from service_desk.rules.claim_losses import Losses, LossItem, LossKind, losses_of

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
