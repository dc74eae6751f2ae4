"""Rows of price tables: every field that is wrong is named, overlaps name both rows, a moved edge is one change."""

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.base.errors import Invalid
from service_desk.rules import sample_rates
from service_desk.rules.ctpl_tariff import ctpl_base_lines
from service_desk.rules.fleet_list.workbook import FileError, FileKind, Sheet, Workbook
from service_desk.rules.price_sheet import (
    CoverSetRow,
    PriceRow,
    differences,
    judge,
    read_book,
    read_floats,
    read_row,
    values_of,
)
from service_desk.rules.price_sheet.layout import CODES, code_of, fields_of, name_of
from service_desk.rules.rating import (
    CoverLimit,
    CtplFloat,
    LimitPer,
    Measure,
    RateLine,
    VehicleFacts,
    premium_for,
    table_problems,
)
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass

SETS = [
    CoverSetRow(1, None, "tpl_1m", "三者险 100 万元", "Third party ¥1,000,000"),
    CoverSetRow(2, None, "tpl_1m_od", "三者险 100 万元＋车损险", "Third party and own damage"),
]
KNOWN = {"tpl_1m": "tpl_1m", "tpl_1m_od": "tpl_1m_od"}
COACH = {
    "cover_set": "tpl_1m",
    "use_class": "公路客运",
    "measure": "座",
    "band_from": "36",
    "band_to": "",
    "premium": "6,540",
    "per_seat": "否",
    "tpl_limit": "100万",
}


def read(**changes: str) -> RateLine | list[tuple[str, str]]:
    answer = read_row(PolicyLine.COMMERCIAL, {**COACH, **changes}, KNOWN)
    return answer if isinstance(answer, RateLine) else [(one.field, one.code) for one in answer]


def test_a_row_in_chinese_words_is_the_line_it_says() -> None:
    assert read() == RateLine(
        PolicyLine.COMMERCIAL,
        "tpl_1m",
        UseClass.COACH,
        Measure.SEATS,
        Decimal(36),
        None,
        6_540_00,
        limits=(CoverLimit(CoverCode.TPL, 100_000_000),),
    )


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"premium": "-5"}, [("premium", "price_not_positive")]),
        ({"premium": "0"}, [("premium", "price_not_positive")]),
        ({"premium": ""}, [("premium", "price_field_missing")]),
        ({"premium": "12.345"}, [("premium", "price_no_amount")]),
        ({"premium": "#N/A"}, [("premium", "price_no_amount")]),
        ({"premium": "9" * 30}, [("premium", "price_no_amount")]),
        ({"band_from": "36", "band_to": "36"}, [("band_to", "price_band_ends_first")]),
        ({"band_from": "36", "band_to": "20"}, [("band_to", "price_band_ends_first")]),
        ({"band_from": "-1"}, [("band_from", "price_not_whole")]),
        ({"band_from": "6.5"}, [("band_from", "price_not_whole")]),
        ({"band_from": "NaN"}, [("band_from", "price_not_whole")]),
        ({"band_from": "1e99"}, [("band_from", "price_not_whole")]),
        ({"use_class": "飞船"}, [("use_class", "price_word_unknown")]),
        ({"measure": ""}, [("measure", "price_field_missing")]),
        ({"measure": "吨"}, [("measure", "price_measure_wrong")]),
        ({"use_class": "营业货车"}, [("measure", "price_measure_wrong")]),
        ({"cover_set": "vip"}, [("cover_set", "price_cover_set_unknown")]),
        ({"tpl_limit": ""}, [("tpl_limit", "price_no_cover")]),
        ({"tpl_limit": "", "tpl_deductible": "500"}, [("tpl_limit", "price_limit_missing")]),
        ({"own_damage_absolute": "5"}, [("own_damage_limit", "price_limit_missing")]),
        ({"own_damage_per": "每车"}, [("own_damage_limit", "price_limit_missing")]),
        ({"tpl_limit": "0"}, [("tpl_limit", "price_not_positive")]),
        ({"tpl_deductible": "-1"}, [("tpl_deductible", "price_negative")]),
        ({"tpl_absolute": "100"}, [("tpl_absolute", "price_not_whole")]),
        ({"tpl_per": "每人"}, [("tpl_per", "price_word_unknown")]),
        (
            {"premium": "many", "band_to": "5", "use_class": ""},
            [
                ("use_class", "price_field_missing"),
                ("band_to", "price_band_ends_first"),
                ("premium", "price_no_amount"),
            ],
        ),
    ],
)
def test_every_wrong_field_is_named_once(changes: dict[str, str], problems: list[tuple[str, str]]) -> None:
    assert read(**changes) == problems


def test_a_cover_may_have_no_stated_limit_and_its_deductibles() -> None:
    answer = read(own_damage_limit="不限", own_damage_deductible="500", own_damage_absolute="5%")
    assert isinstance(answer, RateLine)
    assert answer.limits[1] == CoverLimit(CoverCode.OWN_DAMAGE, None, LimitPer.VEHICLE, 500_00, 5)


@pytest.mark.parametrize(
    "lines", [ctpl_base_lines(), sample_rates.commercial_lines(), sample_rates.carrier_liability_lines()]
)
def test_what_is_written_is_read_back_alike(lines: list[RateLine]) -> None:
    known = {line.cover_set: line.cover_set for line in lines}
    assert [read_row(line.line, values_of(line), known) for line in lines] == lines


def test_every_word_is_understood_in_both_languages_and_no_two_fields_are_called_alike() -> None:
    for kind, codes in CODES.items():
        for code, words in codes.items():
            assert {code_of(kind, word) for word in (code, *words)} == {code}
    for line in PolicyLine:
        for language in ("zh", "en"):
            assert len({name_of(field, language) for field in fields_of(line)}) == len(fields_of(line))


def rows(*lines: RateLine) -> list[PriceRow]:
    return [PriceRow(index, 4 + index, values_of(line)) for index, line in enumerate(lines, start=1)]


def band(start: int, end: int | None, **changes: object) -> RateLine:
    line = read()
    assert isinstance(line, RateLine)
    top = None if end is None else Decimal(end)
    return replace(line, band_from=Decimal(start), band_to=top, **changes)  # type: ignore[arg-type]


def test_an_overlap_names_both_rows() -> None:
    judged = judge(PolicyLine.COMMERCIAL, rows(band(6, 20), band(19, None)), SETS)
    assert [(first, second) for first, second, _ in judged.overlaps] == [(1, 2)]
    assert (judged.overlaps[0][2].band_from, judged.overlaps[0][2].band_to) == (19, 20)
    assert not judged.is_sound


def test_two_lines_that_tie_overlap_even_when_they_are_alike() -> None:
    judged = judge(PolicyLine.COMMERCIAL, rows(band(6, None), band(6, None)), SETS)
    assert [(first, second) for first, second, _ in judged.overlaps] == [(1, 2)]


def test_a_hole_is_told_and_does_not_make_a_table_unsound() -> None:
    judged = judge(PolicyLine.COMMERCIAL, rows(band(6, 10), band(20, None)), SETS)
    assert [(hole.band_from, hole.band_to) for hole in judged.holes] == [(10, 20)]
    assert judged.is_sound


def test_a_table_without_lines_is_not_sound() -> None:
    assert not judge(PolicyLine.COMMERCIAL, [], SETS).is_sound


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        (CoverSetRow(3, 9, "", "甲", "A"), [("code", "cover_set_code_invalid")]),
        (CoverSetRow(3, 9, "a b", "甲", "A"), [("code", "cover_set_code_invalid")]),
        (CoverSetRow(3, 9, "vip", "", "A"), [("zh", "price_field_missing")]),
        (CoverSetRow(3, 9, "vip", "甲", "x" * 61), [("en", "cover_set_name_long")]),
        (CoverSetRow(3, 9, "TPL_1M", "甲", "A"), [("code", "cover_set_twice")]),
    ],
)
def test_wrong_cover_sets_are_named(row: CoverSetRow, problems: list[tuple[str, str]]) -> None:
    judged = judge(PolicyLine.COMMERCIAL, rows(band(6, None)), [*SETS, row])
    assert [(one.field, one.code) for one in judged.cover_set_problems[3]] == problems
    assert not judged.is_sound


def test_a_row_may_call_a_cover_set_by_its_name() -> None:
    called = PriceRow(1, 5, {**COACH, "cover_set": "三者险100万元"})
    assert judge(PolicyLine.COMMERCIAL, [called], SETS).rates[1].cover_set == "tpl_1m"


def test_a_moved_edge_is_one_change_of_each_line_it_touches() -> None:
    old = [band(6, 20), band(20, 36), band(36, None, premium_fen=1)]
    new = [band(6, 24), band(24, 36), band(36, None, premium_fen=2)]
    assert [(change.kind, change.before, change.after) for change in differences(old, new)] == [
        ("changed", old[0], new[0]),
        ("changed", old[1], new[1]),
        ("changed", old[2], new[2]),
    ]


def test_lines_added_and_removed_are_told() -> None:
    old, new = [band(6, None), band(6, None, use_class=UseClass.CITY_BUS)], [band(6, 36), band(36, None)]
    assert [change.kind for change in differences(old, new)] == ["changed", "added", "removed"]


def test_equal_tables_do_not_differ() -> None:
    assert differences(ctpl_base_lines(), list(reversed(ctpl_base_lines()))) == []


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8, unique=True), st.integers(0, 80))
def test_where_bands_adjoin_every_number_has_one_price_or_lies_below(edges: list[int], seats: int) -> None:
    """For any edges a table without overlap or hole gives each vehicle one price: the band that holds it."""
    ordered = sorted(edges)
    lines = [
        band(start, end, premium_fen=start + 1) for start, end in [*pairwise(ordered), (ordered[-1], None)]
    ]
    assert table_problems(lines) == []
    facts = VehicleFacts(UseClass.COACH, seats=seats)
    below = [edge for edge in ordered if edge <= seats]
    if not seats or not below:
        with pytest.raises(Invalid):
            premium_for(lines, facts, line=PolicyLine.COMMERCIAL, cover_set="tpl_1m")
    else:
        premium = premium_for(lines, facts, line=PolicyLine.COMMERCIAL, cover_set="tpl_1m")
        assert premium.total_fen == below[-1] + 1


def both_sides() -> list[tuple[RateLine, Decimal, bool]]:
    """Each edge of each band of the base tariff with the last number outside and the first inside, both ways."""
    cases = []
    for rate in ctpl_base_lines():
        step = Decimal(1) if rate.measure is Measure.SEATS else Decimal("0.001")
        cases += [(rate, rate.band_from - step, False), (rate, rate.band_from, True)]
        if rate.band_to is not None:
            cases += [(rate, rate.band_to - step, True), (rate, rate.band_to, False)]
    return cases


@pytest.mark.parametrize(("rate", "value", "is_inside"), both_sides())
def test_both_sides_of_every_edge_of_the_base_tariff(rate: RateLine, value: Decimal, is_inside: bool) -> None:
    if value <= 0:
        assert rate.holds(value) is (is_inside and value == 0)
        return
    by_seats = rate.measure is Measure.SEATS
    facts = VehicleFacts(
        rate.use_class,
        seats=int(value) if by_seats else 3,
        load_kg=None if by_seats else int(value * 1000),
    )
    assert (rate_of(facts) == rate) is is_inside


def rate_of(facts: VehicleFacts) -> RateLine | None:
    """The line of the base tariff that prices a vehicle; None below the lowest band."""
    with suppress(Invalid):
        return premium_for(ctpl_base_lines(), facts, line=PolicyLine.CTPL, cover_set="basic").rate
    return None


def book(*cells: list[object], name: str = "表") -> Workbook:
    sheet = Sheet(name, cells, range(1, len(cells) + 1))  # type: ignore[arg-type]
    return Workbook(FileKind.XLSX, (sheet,))


HEAD = [name_of(field, "en") for field in fields_of(PolicyLine.COMMERCIAL)]


def test_rows_are_found_under_titles_with_the_workbooks_numbers() -> None:
    found, cover_sets = read_book(
        book(["Prices"], [], HEAD, ["tpl_1m", "Intercity coach", "seats", 36.0, None, 6540.0], [], ["x"]),
        PolicyLine.COMMERCIAL,
    )
    assert [(row.row_no, row.values["band_from"], row.values["band_to"]) for row in found] == [
        (4, "36", ""),
        (6, "", ""),
    ]
    assert cover_sets == []


@pytest.mark.parametrize(
    ("workbook", "code"),
    [
        (Workbook(None, file_error=FileError.UNREADABLE), "file_unreadable"),
        (Workbook(None, file_error=FileError.EMPTY), "file_empty"),
        (book(["车牌号", "车架号"], ["豫A12345", ""]), "price_columns_missing"),
        (book(HEAD[1:], ["coach"]), "price_columns_missing"),
        (book(HEAD[:-1], ["tpl_1m"]), "price_column_missing"),
        (book([*HEAD[:-1], "Deductable"], ["tpl_1m"]), "price_column_missing"),
        (book(HEAD), "price_file_no_rows"),
        (book(HEAD, *([["tpl_1m"]] * 2001)), "price_file_long"),
    ],
)
def test_a_file_that_is_no_price_table_is_refused(workbook: Workbook, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_book(workbook, PolicyLine.COMMERCIAL)
    assert (refusal.value.code, refusal.value.field) == (code, "file")


def test_floats_and_taxes_are_read_by_plate_or_vin() -> None:
    found = read_floats(
        book(
            ["车牌号", "VIN", "交强险费率浮动", "车船税（元）"],
            ["豫A·12345", "", "a3", 480.0],
            ["", "LZYTBTE61N1001850", "", ""],
            ["", "", "A9", "-1"],
        )
    )
    assert [(row.row_no, row.plate, row.vin, row.ctpl_float, row.tax_fen) for row in found] == [
        (2, "豫A12345", "", CtplFloat.A3, 480_00),
        (3, "", "LZYTBTE61N1001850", None, None),
        (4, "", "", None, None),
    ]
    assert [code for code, _ in found[2].problems] == [
        "float_vehicle_missing",
        "float_unknown",
        "float_tax_invalid",
    ]


def test_a_list_without_the_columns_is_refused() -> None:
    with pytest.raises(Invalid, match="float_columns_missing"):
        read_floats(book(["车牌号"], ["豫A12345"]))
