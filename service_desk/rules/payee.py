"""What is looked at before money goes to an account: its number, and whose it is."""

from collections.abc import Iterable
from enum import StrEnum

MIN_ACCOUNT_DIGITS, MAX_ACCOUNT_DIGITS = 8, 30
# Bank cards end in a check digit; accounts of companies have none.
_CARD_LENGTHS = frozenset({16, 19})
_FORMS_OF_COMPANY = (
    "股份有限公司",
    "有限责任公司",
    "有限公司",
    "公司",
    "co.,ltd.",
    "co., ltd.",
    "ltd.",
    "ltd",
)
_SHORTEST_NAME = 2


class Doubt(StrEnum):
    """What a clerk has to confirm with a tick before a payment is taken."""

    CARD_CHECK_DIGIT = "card_check_digit"
    OTHER_PAYEE = "other_payee"


def is_account_number(digits: str) -> bool:
    """Whether this can be a bank account: 8 to 30 digits."""
    return digits.isascii() and digits.isdigit() and MIN_ACCOUNT_DIGITS <= len(digits) <= MAX_ACCOUNT_DIGITS


def is_doubtful_card(digits: str) -> bool:
    """Whether a number as long as a bank card's fails the check digit (Luhn, ISO/IEC 7812-1)."""
    if len(digits) not in _CARD_LENGTHS:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 != 0


def is_known_payee(payee: str, known: Iterable[str]) -> bool:
    """Whether a payee is one of the parties, whatever the form of the company is written like.

    A party may be told in a longer text, such as `豫VD2035 李建国`.
    """
    name = _bare(payee)
    if len(name) < _SHORTEST_NAME:
        return False
    return any(name == _bare(one) or name in one.casefold().split() for one in known if one)


def _bare(name: str) -> str:
    bare = "".join(name.casefold().split())
    for form in _FORMS_OF_COMPANY:
        bare = bare.removesuffix("".join(form.split()))
    return bare
