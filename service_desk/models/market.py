"""What the market publishes, to stand beside an account's own figures."""

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Line, Short, Versioned


class MarketFigure(Versioned, Base):
    """A published line: whose, of which claims, for when, and by whom it was published.

    `measure` is a code of the registry and says the unit; `value_cents` are hundredths of it (9307 is 93.07 %). Of the
    lines of a measure the first shown one, by `ordinal`, stands beside the figure itself.
    """

    __tablename__ = "market_figures"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("value_cents >= 0", name="value"),
        Index(None, "measure", "ordinal"),
    )

    id: Mapped[Id]
    measure: Mapped[Short]
    scope: Mapped[Line]
    scope_en: Mapped[Line]
    value_cents: Mapped[int]
    published_for: Mapped[Short]
    source: Mapped[Line]
    source_en: Mapped[Line]
    ordinal: Mapped[int]
    is_shown: Mapped[bool] = mapped_column(default=True)
