"""What the client's people thought of the service in the period, by theme."""

from service_desk.rules.opinions import Figures
from service_desk.rules.report_document import CellKind, Column, Table, Value
from service_desk.services.measures import Span
from service_desk.services.opinions.figures import read_themes

_COLUMNS = (
    Column("opinion_theme", CellKind.LABEL, "opinion_theme"),
    Column("opinion_count", CellKind.COUNT),
    Column("opinion_score", CellKind.MEAN),
    Column("opinion_replied", CellKind.RATIO),
    Column("opinion_settled", CellKind.RATIO),
)


def opinions_by_theme(span: Span) -> Table:
    """Counts and marks of each theme somebody spoke of, and what became of them, as it stands when the report is made."""
    until = min(span.instants[1], span.now)
    found = read_themes(span.account_id, span.period, zone=span.zone, until=until)
    rows = [(theme.value, *_values(figures)) for theme, figures in found.items()]
    total = (None, *_values(sum(found.values(), Figures())))
    return Table("opinions", _COLUMNS, rows, total if rows else None)


def _values(figures: Figures) -> tuple[Value, ...]:
    return figures.opinions, figures.scores, figures.replied, figures.settled
