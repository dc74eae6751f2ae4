"""Plates, VINs, credit codes, report and claim numbers, use classes: their usual form, and whether they can be right."""

import re
from enum import StrEnum
from functools import lru_cache
from operator import mul

from service_desk.base.text import fold
from service_desk.rules.rating import USE_CLASS_WORDS
from service_desk.rules.vocabulary import UseClass

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PREFIX = f"[{_PROVINCES}][A-HJ-NP-Z]"
_DOTS_AND_DASHES = str.maketrans("", "", "·.-、•‧∙⋅・‐‑‒–—−")


class PlateKind(StrEnum):
    """The layouts of civil plates: seven characters, or eight on a green new-energy plate."""

    ORDINARY = "ordinary"
    NEW_ENERGY_SMALL = "new_energy_small"
    NEW_ENERGY_LARGE = "new_energy_large"


_PLATE_LAYOUTS = {
    PlateKind.ORDINARY: re.compile(_PREFIX + "[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]"),
    PlateKind.NEW_ENERGY_SMALL: re.compile(_PREFIX + "[A-HJK][A-HJ-NP-Z0-9][0-9]{4}"),
    PlateKind.NEW_ENERGY_LARGE: re.compile(_PREFIX + "[0-9]{5}[A-HJK]"),
}

_ANY_PLATE = re.compile("|".join(layout.pattern for layout in _PLATE_LAYOUTS.values()))


def _compact(text: str) -> str:
    """NFKC, upper case, without blanks and invisible characters."""
    if text.isascii() and text.isalnum():
        return text.upper()
    return "".join(fold(text).upper().split())


def normalise_plate(text: str) -> str:
    """The plate as it is stored: NFKC, upper case, no blanks, no dots or dashes (豫A·12345 is 豫A12345)."""
    return _compact(text).translate(_DOTS_AND_DASHES)


def plate_kind(plate: str) -> PlateKind | None:
    """The layout of a normalised plate, None when it fits none (GA 36; the letters I and O do not occur)."""
    return next((kind for kind, layout in _PLATE_LAYOUTS.items() if layout.fullmatch(plate)), None)


def is_plate(plate: str) -> bool:
    """Whether a normalised plate fits a layout."""
    return _ANY_PLATE.fullmatch(plate) is not None


def suggest_plate(plate: str) -> str | None:
    """What a wrong plate may have been meant to be (O for 0, I for 1); None when that does not help.

    Only ever a suggestion: it is shown to a person and never put in place of what was written.
    """
    likely = plate[:2] + plate[2:].replace("O", "0").replace("I", "1")
    return likely if likely != plate and is_plate(likely) else None


VIN_LENGTH = 17
_VIN_VALUES = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True)
)
_VIN_VALUES |= {digit: int(digit) for digit in "0123456789"}
_VIN_LAYOUT = re.compile(f"[{''.join(_VIN_VALUES)}]{{{VIN_LENGTH}}}")
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_CHECK_POSITION = 8


def normalise_vin(text: str) -> str:
    """The VIN as it is stored: NFKC, upper case, no blanks."""
    return _compact(text)


def is_vin(vin: str) -> bool:
    """Whether a normalised VIN has 17 characters without I, O and Q (GB 16735). The check digit is not asked."""
    return _VIN_LAYOUT.fullmatch(vin) is not None


def vin_check_digit(vin: str) -> str:
    """The check digit that position 9 of a well-formed VIN should hold: 0 to 9 or X (GB 16735)."""
    remainder = sum(map(mul, map(_VIN_VALUES.__getitem__, vin), _VIN_WEIGHTS)) % 11
    return "X" if remainder == 10 else str(remainder)


def has_right_check_digit(vin: str) -> bool:
    """Whether position 9 holds what it should. A wrong one is a warning: old and imported vehicles have it."""
    return vin[_VIN_CHECK_POSITION] == vin_check_digit(vin)


def suggest_vin(vin: str) -> str | None:
    """What a VIN with I, O or Q may have been meant to be; None when that does not make it well-formed."""
    likely = vin.replace("O", "0").replace("Q", "0").replace("I", "1")
    return likely if likely != vin and is_vin(likely) else None


_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_LENGTH = 18


def normalise_uscc(text: str) -> str:
    """The credit code as it is stored: NFKC, upper case, no blanks, no dashes."""
    return _compact(text).replace("-", "")


def is_uscc(code: str) -> bool:
    """Whether a normalised code is a unified social credit code with the right check character (GB 32100)."""
    if len(code) != _USCC_LENGTH or any(c not in _USCC_ALPHABET for c in code):
        return False
    total = sum(_USCC_ALPHABET.index(c) * pow(3, place, 31) for place, c in enumerate(code[:-1]))
    return _USCC_ALPHABET[-total % 31] == code[-1]


_DASHES = str.maketrans("", "", "-‐‑‒–—−")
_REPORT_NO = re.compile("(?=.*[0-9])[A-Z0-9]{6,40}")


def normalise_report_no(text: str) -> str:
    """The insurer's report number (报案号) as it is stored: NFKC, upper case, no blanks, no dashes.

    It is text whatever it looks like: figures at its front may be noughts (domain.md §9).
    """
    return _compact(text).translate(_DASHES)


def is_report_no(number: str) -> bool:
    """Whether a normalised report number can be one. Every insurer has its own layout: letters and figures, 6 to 40.

    1.23457E+20, what a spreadsheet makes of a long number, is none; nor is one of our own numbers.
    """
    return _REPORT_NO.fullmatch(number) is not None and not our_number(number)


_ALIKE = str.maketrans({"O": "0", "Q": "0", "I": "1", "L": "1"})
_OUR_NUMBER = re.compile(r"(C1M|EN0)(\d{4})(\d{6,})")
_PREFIXES = {"C1M": "CLM", "EN0": "ENQ"}


@lru_cache(maxsize=65_536)
def number_key(text: str) -> str:
    """A number without separators, in one case, letters and figures that are taken for one another made alike."""
    plain = text.replace("-", "")
    if not (plain.isascii() and plain.isalnum()):
        plain = "".join(c for c in fold(text) if c.isalnum())
    return plain.upper().translate(_ALIKE)


def our_number(text: str) -> str:
    """A number as we write ours, from however it was typed; empty when it has not that form."""
    match = _OUR_NUMBER.fullmatch(number_key(text))
    return f"{_PREFIXES[match[1]]}-{match[2]}-{match[3]}" if match else ""


def use_class_of(text: str | None) -> UseClass | None:
    """The use class meant by a list's or a licence's word (公路客运, 营业公路客运, 非营业货车); None if unknown."""
    word = _compact(text or "")
    if word.startswith(("非营业", "非营运")):
        return UseClass.NON_OPERATING
    found = USE_CLASS_WORDS.get(word) or USE_CLASS_WORDS.get(word.removeprefix("营业"))
    return UseClass(found) if found else None
