"""Plates, VINs, credit codes and use classes, at and beside the edges of their layouts."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.rules.identifiers import (
    PlateKind,
    has_right_check_digit,
    is_plate,
    is_report_no,
    is_uscc,
    is_vin,
    normalise_plate,
    normalise_report_no,
    normalise_uscc,
    normalise_vin,
    plate_kind,
    suggest_plate,
    suggest_vin,
    use_class_of,
    vin_check_digit,
)
from service_desk.rules.vocabulary import UseClass

DATA = Path(__file__).parents[1] / "data"
VIN_SAMPLES = list(csv.DictReader((DATA / "vin_samples.csv").open(encoding="utf-8")))
USCC_SAMPLES = (DATA / "uscc_valid.txt").read_text().split()


@pytest.mark.parametrize(
    "written",
    [
        "豫A12345",
        "豫a12345",
        " 豫A·12345 ",
        "豫A.12345",
        "豫A-12345",
        "豫A、12345",
        "豫Ａ１２３４５",
        "豫A 1 2345",
        "豫A\u300012345",
        "豫A\xa012345",
        "豫A•12345",
        "豫A\n12345",
        "豫A\u200b12345",
        "豫A－12345",
        "豫A．12345",
    ],
)
def test_every_way_to_write_a_plate_has_one_normal_form(written: str) -> None:
    assert normalise_plate(written) == "豫A12345"


@pytest.mark.parametrize(
    ("plate", "kind"),
    [
        ("豫A12345", PlateKind.ORDINARY),
        ("豫V6F87挂", PlateKind.ORDINARY),
        ("豫A1234学", PlateKind.ORDINARY),
        ("粤Z1234港", PlateKind.ORDINARY),
        ("豫AD12345", PlateKind.NEW_ENERGY_SMALL),
        ("豫AKZ2345", PlateKind.NEW_ENERGY_SMALL),
        ("豫A12345D", PlateKind.NEW_ENERGY_LARGE),
        ("豫A12345K", PlateKind.NEW_ENERGY_LARGE),
        ("豫A12345L", None),
        ("豫AL12345", None),
        ("豫A1234", None),
        ("豫A123456", None),
        ("豫A1234O", None),
        ("豫AI2345", None),
        ("豫I12345", None),
        ("预A12345", None),
        ("豫112345", None),
        ("豫A1234挂5", None),
        ("", None),
    ],
)
def test_a_plate_fits_its_layout_or_none(plate: str, kind: PlateKind | None) -> None:
    assert plate_kind(plate) is kind


@pytest.mark.parametrize(
    ("plate", "likely"),
    [
        ("豫A8OF4U", "豫A80F4U"),
        ("豫AI2345", "豫A12345"),
        ("豫A12345", None),
        ("豫O12345", None),
        ("豫A8OF", None),
    ],
)
def test_a_plate_with_o_or_i_gets_a_suggestion_only_when_it_helps(plate: str, likely: str | None) -> None:
    assert suggest_plate(plate) == likely


@given(
    plate=st.from_regex(r"[京豫粤][A-HJ-NP-Z][A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂]", fullmatch=True),
    blanks=st.lists(
        st.sampled_from(["", " ", "·", ".", "-", "、", "\u3000", "\xa0", "\n"]), min_size=7, max_size=7
    ),
)
def test_dots_dashes_and_blanks_anywhere_do_not_change_a_plate(plate: str, blanks: list[str]) -> None:
    written = "".join(character + blank for character, blank in zip(plate, blanks, strict=True)).lower()

    assert normalise_plate(written) == plate
    assert is_plate(normalise_plate(written))


@pytest.mark.parametrize("sample", VIN_SAMPLES, ids=lambda sample: sample["vin"])
def test_check_digit_agrees_with_known_vins(sample: dict[str, str]) -> None:
    vin = normalise_vin(sample["vin"])

    assert is_vin(vin)
    assert has_right_check_digit(vin) is (sample["check_digit_ok"] == "True")


def test_check_digit_of_the_buses_in_the_handbook() -> None:
    assert has_right_check_digit("LZYTBTE61N1001850")
    assert has_right_check_digit("LZYTBTBW6H1059669")
    assert not has_right_check_digit("LZYTBTE23F1234567")
    assert vin_check_digit("LZYTBTE23F1234567") == "0"


@pytest.mark.parametrize(
    "vin",
    [
        "LZYTBTE61N100185",
        "LZYTBTE61N10018500",
        "LZYTBTE61N1OO1850",
        "LZYTBTE61N100185I",
        "LZYTBTE61Q1001850",
        "LZYTBTE61-1001850",
        "豫ZYTBTE61N1001850",
        "",
        "287541",
    ],
)
def test_a_vin_of_wrong_length_or_letters_is_no_vin(vin: str) -> None:
    assert not is_vin(vin)


@pytest.mark.parametrize(
    ("vin", "likely"),
    [
        ("LZYTBTE61N1OO1850", "LZYTBTE61N1001850"),
        ("LZYTBTE6IN1001850", "LZYTBTE61N1001850"),
        ("LZYTBTE61N1Q01850", "LZYTBTE61N1001850"),
        ("LZYTBTE61N1001850", None),
        ("LZYTBTE61N1OO185", None),
    ],
)
def test_a_vin_with_forbidden_letters_gets_a_suggestion(vin: str, likely: str | None) -> None:
    assert suggest_vin(vin) == likely


def test_vins_are_compared_without_blanks_width_and_case() -> None:
    assert normalise_vin(" ＬＺＹtbte61n1001850\u3000") == "LZYTBTE61N1001850"


@pytest.mark.parametrize("code", USCC_SAMPLES)
def test_real_credit_codes_are_right(code: str) -> None:
    assert is_uscc(normalise_uscc(code))


@pytest.mark.parametrize("code", USCC_SAMPLES[:25])
def test_a_credit_code_with_one_character_changed_is_wrong(code: str) -> None:
    changed = code[:5] + ("1" if code[5] != "1" else "2") + code[6:]

    assert not is_uscc(changed)


@pytest.mark.parametrize("code", ["", "9111000", "91152201078377449I", "911522010783774490000"])
def test_what_has_not_the_form_of_a_credit_code_is_wrong(code: str) -> None:
    assert not is_uscc(code)


@pytest.mark.parametrize(
    ("word", "use_class"),
    [
        ("公路客运", UseClass.COACH),
        ("营业公路客运", UseClass.COACH),
        (" 城市 公交", UseClass.CITY_BUS),
        ("出租租赁", UseClass.TAXI_RENTAL),
        ("营业货车", UseClass.GOODS),
        ("非营业", UseClass.NON_OPERATING),
        ("非营业货车", UseClass.NON_OPERATING),
        ("教练", None),
        ("", None),
        (None, None),
    ],
)
def test_use_class_is_found_by_its_word(word: str | None, use_class: UseClass | None) -> None:
    assert use_class_of(word) is use_class


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("RDZA202641010000001234", "RDZA202641010000001234"),
        (" rdza-2026 4101－000000 1234 ", "RDZA202641010000001234"),
        ("00901234567890", "00901234567890"),
        ("ＡＺＨＺ００１２", "AZHZ0012"),
    ],
)
def test_report_numbers_are_kept_as_text_without_blanks_and_dashes(typed: str, stored: str) -> None:
    assert normalise_report_no(typed) == stored
    assert is_report_no(stored)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345",
        "A" * 22,
        "1" * 41,
        "1.23457E+20",
        "报案号123456",
        "CLM-2026-000012",
        "enq2026000012",
        "90/123456",
    ],
)
def test_what_is_no_report_number(typed: str) -> None:
    assert not is_report_no(normalise_report_no(typed))
