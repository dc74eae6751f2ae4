"""Account numbers and payees before money goes out."""

import pytest

from service_desk.rules.payee import is_account_number, is_doubtful_card, is_known_payee


@pytest.mark.parametrize(
    ("digits", "expected"),
    [("12345678", True), ("1234567", False), ("1" * 30, True), ("1" * 31, False), ("1234-5678", False), ("１２３４５６７８", False)],
)  # fmt: skip
def test_an_account_number_is_8_to_30_digits(digits: str, expected: bool) -> None:
    assert is_account_number(digits) is expected


@pytest.mark.parametrize(
    ("digits", "doubtful"),
    [
        ("4111111111111111", False),
        ("4111111111111112", True),
        ("6222021234567894", False),
        ("6222021234567890", True),
        ("6222020000000000004", True),
        ("6222020000000000000", False),
        # An account of a company has no check digit.
        ("41003710008801234567", False),
        ("411111111111111", False),
    ],
)
def test_a_card_of_16_or_19_digits_has_a_check_digit(digits: str, doubtful: bool) -> None:
    assert is_doubtful_card(digits) is doubtful


@pytest.mark.parametrize(
    ("payee", "expected"),
    [
        ("郑州联运集团有限公司", True),
        (" 郑州联运集团 ", True),
        ("Zhengzhou United Transport Co., Ltd.", True),
        ("李建国", True),
        ("李建", False),
        ("郑州联运", False),
        ("有限公司", False),
        ("巩义修理厂", False),
    ],
)
def test_a_payee_is_known_however_the_company_is_written(payee: str, expected: bool) -> None:
    known = ["郑州联运集团", "Zhengzhou United Transport", "豫VD2035 李建国", ""]

    assert is_known_payee(payee, known) is expected
