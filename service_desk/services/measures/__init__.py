"""Every measure of the registry, read from the database: what dashboard, reports, exports and API all take.

No actor: whoever shows a figure checks who asks. A read costs a fixed number of queries, whatever is grouped.
"""

from service_desk.services.measures.enquiries import OwnerFigures, by_owner
from service_desk.services.measures.months import Months, read_months
from service_desk.services.measures.reading import read
from service_desk.services.measures.span import AnySpan, By, Key, Reading, Span, Value

__all__ = [
    "AnySpan",
    "By",
    "Key",
    "Months",
    "OwnerFigures",
    "Reading",
    "Span",
    "Value",
    "by_owner",
    "read",
    "read_months",
]
