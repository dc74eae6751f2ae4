"""The fields of a row of a price table, and the words a workbook uses for them in either language."""

import re
from collections.abc import Mapping

from service_desk.base.money import from_fen
from service_desk.base.text import search_key
from service_desk.rules.rating import LimitPer, Measure, RateLine
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass

COVERS: dict[PolicyLine, tuple[CoverCode, ...]] = {
    PolicyLine.CTPL: (CoverCode.CTPL,),
    PolicyLine.COMMERCIAL: (CoverCode.TPL, CoverCode.OWN_DAMAGE),
    PolicyLine.CARRIER_LIABILITY: (CoverCode.CARRIER_LIABILITY,),
}
"""The covers that may stand in a cover set of each line."""

LINE_FIELDS = ("cover_set", "use_class", "measure", "band_from", "band_to", "premium", "per_seat")
COVER_PARTS = ("limit", "per", "deductible", "absolute")
USUAL_PER = {
    CoverCode.CTPL: LimitPer.ACCIDENT,
    CoverCode.TPL: LimitPer.ACCIDENT,
    CoverCode.OWN_DAMAGE: LimitPer.VEHICLE,
    CoverCode.CARRIER_LIABILITY: LimitPer.SEAT,
}
"""What a limit counts for when a row does not say."""

NAMES: Mapping[str, tuple[str, str]] = {
    "cover_set": ("承保方案", "Cover set"),
    "use_class": ("使用性质", "Use class"),
    "measure": ("计量", "Counted in"),
    "band_from": ("下限（含）", "From (included)"),
    "band_to": ("上限（不含）", "To (excluded)"),
    "premium": ("年保费（元）", "Premium a year (yuan)"),
    "per_seat": ("按座计费", "Premium by the seat"),
    "code": ("方案代码", "Code of the cover set"),
    "zh": ("中文名称", "Chinese name"),
    "en": ("英文名称", "English name"),
    "limit": ("限额", "limit"),
    "per": ("限额单位", "limit counts for each"),
    "deductible": ("免赔额", "deductible"),
    "absolute": ("绝对免赔率%", "absolute deductible %"),
    CoverCode.CTPL.value: ("交强险", "CTPL"),
    CoverCode.TPL.value: ("三者险", "Third party"),
    CoverCode.OWN_DAMAGE.value: ("车损险", "Own damage"),
    CoverCode.CARRIER_LIABILITY.value: ("承运人责任险", "Carrier's liability"),
}
"""Chinese and English of each field, as the head of its column says it and a refusal names it."""

CODES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "use_class": {
        UseClass.COACH.value: ("公路客运", "Intercity coach"),
        UseClass.CITY_BUS.value: ("城市公交", "City bus"),
        UseClass.TAXI_RENTAL.value: ("出租租赁", "Taxi or rental"),
        UseClass.GOODS.value: ("营业货车", "Commercial goods"),
        UseClass.NON_OPERATING.value: ("非营业", "Non-operating"),
    },
    "measure": {
        Measure.SEATS.value: ("座", "seats"),
        Measure.TONNES.value: ("吨", "tonnes", "t"),
    },
    "per": {
        LimitPer.ACCIDENT.value: ("每次事故", "each accident", "accident"),
        LimitPer.SEAT.value: ("每座", "each seat", "seat"),
        LimitPer.VEHICLE.value: ("每车", "each vehicle", "vehicle"),
    },
    "per_seat": {"yes": ("是", "Yes", "y", "1", "√", "true"), "no": ("否", "No", "n", "0", "", "false")},
}
"""The words understood for each code, Chinese and English first; a code itself is understood too."""

NO_LIMIT = ("不限", "no limit")
LONGEST_CODE = 40
_CODE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{LONGEST_CODE - 1}}}")


def is_code(text: str) -> bool:
    """Whether a text can be the code of a cover set: letters, digits, `_` and `-`."""
    return _CODE.fullmatch(text) is not None


def cover_field(cover: CoverCode, part: str) -> str:
    """The field of a part of a cover: `tpl_limit`."""
    return f"{cover.value}_{part}"


def fields_of(line: PolicyLine) -> tuple[str, ...]:
    """All fields of a row, in their order."""
    covers = tuple(cover_field(cover, part) for cover in COVERS[line] for part in COVER_PARTS)
    return LINE_FIELDS + covers


def name_of(field: str, language: str) -> str:
    """A field as `zh` or `en` calls it: `三者险限额`, `Third party: limit`."""
    place = 0 if language == "zh" else 1
    if field in NAMES:
        return NAMES[field][place]
    cover, _, part = field.rpartition("_")
    separator = "" if language == "zh" else ": "
    return f"{NAMES[cover][place]}{separator}{NAMES[part][place]}"


def word_of(kind: str, code: str, language: str) -> str:
    """The word of a code as a workbook in `zh` or `en` has it."""
    return CODES[kind][code][0 if language == "zh" else 1]


def code_of(kind: str, text: str) -> str | None:
    """The code a word stands for, in either language; None for a word that says nothing here."""
    key = search_key(text)
    for code, words in CODES[kind].items():
        if key == search_key(code) or key in {search_key(word) for word in words}:
            return code
    return None


def values_of(rate: RateLine) -> dict[str, str]:
    """A line of a price table as the fields of a row: codes and plain numbers in yuan."""
    values = {
        "cover_set": rate.cover_set,
        "use_class": rate.use_class.value,
        "measure": rate.measure.value,
        "band_from": f"{rate.band_from:f}",
        "band_to": "" if rate.band_to is None else f"{rate.band_to:f}",
        "premium": yuan_text(rate.premium_fen),
        "per_seat": "yes" if rate.per_seat else "no",
    }
    for limit in rate.limits:
        values |= {
            cover_field(limit.coverage, "limit"): NO_LIMIT[1]
            if limit.limit_fen is None
            else yuan_text(limit.limit_fen),
            cover_field(limit.coverage, "per"): limit.per.value,
            cover_field(limit.coverage, "deductible"): yuan_text(limit.deductible_fen),
            cover_field(limit.coverage, "absolute"): str(limit.absolute_deductible_percent),
        }
    return values


def yuan_text(fen: int) -> str:
    """An amount as a field holds it: whole yuan without decimals."""
    return f"{fen // 100}" if fen % 100 == 0 else f"{from_fen(fen):f}"
