"""Reading a list of CTPL floats and vehicle taxes: a vehicle a row, named by its plate or VIN."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from service_desk.base.errors import Invalid
from service_desk.base.money import parse_yuan, to_fen
from service_desk.base.text import search_key
from service_desk.rules.fleet_list.workbook import Workbook, is_blank, text_of
from service_desk.rules.identifiers import normalise_plate
from service_desk.rules.rating import CtplFloat

HEADS: dict[str, tuple[str, ...]] = {
    "plate": ("车牌号", "号牌号码", "Plate"),
    "vin": ("车架号", "车辆识别代号", "VIN"),
    "float": ("交强险费率浮动", "费率浮动", "CTPL float"),
    "tax": ("车船税（元）", "车船税", "Vehicle tax (yuan)", "Vehicle tax"),
}
MOST_TAX_YUAN = Decimal(1_000_000)
_HEADER_WITHIN = 20


@dataclass(frozen=True)
class FloatRow:
    """A row: the vehicle by `plate` or `vin`, and what it says of it; None: it says nothing, leave it.

    `problems` are `(code, params)`; the params hold the row's number and what the cell says.
    """

    row_no: int
    plate: str
    vin: str
    ctpl_float: CtplFloat | None
    tax_fen: int | None
    problems: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def read_floats(workbook: Workbook) -> list[FloatRow]:
    """The rows of the first sheet that has the columns.

    Invalid on `file`: the workbook's own fault, `float_columns_missing`.
    """
    if workbook.file_error:
        raise Invalid(workbook.file_error.value, field="file")
    heads = {search_key(word): name for name, words in HEADS.items() for word in words}
    for sheet in workbook.sheets:
        for index, row in enumerate(sheet.rows[:_HEADER_WITHIN]):
            columns = {heads.get(search_key(text_of(cell))): column for column, cell in enumerate(row)}
            if {"plate", "vin"} & columns.keys() and {"float", "tax"} & columns.keys():
                below = zip(sheet.numbers[index + 1 :], sheet.rows[index + 1 :], strict=True)
                texts = (
                    (
                        number,
                        {
                            name: text_of(cells[column])
                            if column < len(cells) and not is_blank(cells[column])
                            else ""
                            for name, column in columns.items()
                            if name
                        },
                    )
                    for number, cells in below
                )
                return [_row(number, said) for number, said in texts if any(said.values())]
    raise Invalid("float_columns_missing", field="file")


def _row(number: int, said: dict[str, str]) -> FloatRow:
    problems: list[tuple[str, dict[str, Any]]] = []
    plate, vin = (normalise_plate(said.get(name, "")) for name in ("plate", "vin"))
    if not plate and not vin:
        problems.append(("float_vehicle_missing", {"row": number}))
    return FloatRow(
        number,
        plate,
        vin,
        _float(number, said.get("float", ""), problems),
        _tax(number, said.get("tax", ""), problems),
        problems,
    )


def _float(number: int, text: str, problems: list[tuple[str, dict[str, Any]]]) -> CtplFloat | None:
    code = text.upper()
    if code in set(CtplFloat):
        return CtplFloat(code)
    if text:
        problems.append(("float_unknown", {"row": number, "value": text}))
    return None


def _tax(number: int, text: str, problems: list[tuple[str, dict[str, Any]]]) -> int | None:
    if not text:
        return None
    try:
        amount = parse_yuan(text)
    except ValueError:
        amount = Decimal(-1)
    if not 0 <= amount < MOST_TAX_YUAN or amount != amount.quantize(Decimal("0.01")):
        problems.append(("float_tax_invalid", {"row": number, "value": text}))
        return None
    return to_fen(amount)
