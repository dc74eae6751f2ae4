"""Amounts as clerks type them: what is not plain is asked again, never taken for another sum."""

from decimal import Decimal

import pytest

from service_desk.base.money import parse_yuan


@pytest.mark.parametrize(
    ("typed", "yuan"),
    [
        ("1,200", "1200"),
        ("￥12,345.60", "12345.60"),
        ("１，２００", "1200"),
        ("８０００．５", "8000.5"),
        ("1.2万", "12000"),
        ("1,200 万元", "12000000"),
        ("1200 元", "1200"),
        ("-1,200", "-1200"),
    ],
)
def test_an_amount_is_read_however_it_is_typed(typed: str, yuan: str) -> None:
    assert parse_yuan(typed) == Decimal(yuan)


@pytest.mark.parametrize(
    "typed", ["1,5万", "1，5万", "12,50", "1.200,00", "1,,200", ",200", "1,20,000", "十元"]
)
def test_a_comma_that_does_not_part_thousands_is_asked_again(typed: str) -> None:
    with pytest.raises(ValueError):
        parse_yuan(typed)
