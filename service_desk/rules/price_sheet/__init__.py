"""Price tables as rows of text: read from a page or a workbook, judged row by row, compared with another table."""

from service_desk.rules.price_sheet.comparing import LineChange, differences
from service_desk.rules.price_sheet.floats import FloatRow, read_floats
from service_desk.rules.price_sheet.judging import (
    CoverSetRow,
    Judged,
    PriceRow,
    judge,
    known_cover_sets,
)
from service_desk.rules.price_sheet.layout import (
    COVERS,
    cover_field,
    fields_of,
    is_code,
    name_of,
    values_of,
)
from service_desk.rules.price_sheet.reading import MOST_ROWS, read_book
from service_desk.rules.price_sheet.row import RowProblem, problems_of, read_row

__all__ = [
    "COVERS",
    "MOST_ROWS",
    "CoverSetRow",
    "FloatRow",
    "Judged",
    "LineChange",
    "PriceRow",
    "RowProblem",
    "cover_field",
    "differences",
    "fields_of",
    "is_code",
    "judge",
    "known_cover_sets",
    "name_of",
    "problems_of",
    "read_book",
    "read_floats",
    "read_row",
    "values_of",
]
