"""The form of a published figure."""

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DecimalField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from service_desk.forms.fields import Form, SelectField
from service_desk.models.market import MarketFigure
from service_desk.rules.metrics import COMPARABLE, MEASURES, MeasureCode
from service_desk.services.market import MarketLine, value_of

COMPARABLE_CODES = [code.value for code in MEASURES if code in COMPARABLE]
"""In the order of the page of measures."""


class MarketForm(Form):
    """The page fills the choices of `measure`."""

    measure = SelectField(_l("Measure"), [InputRequired()], choices=[])
    value = DecimalField(
        _l("Value"), [InputRequired(), NumberRange(min=Decimal(0), max=Decimal(1_000_000))], places=2
    )
    scope = StringField(_l("Of which claims"), [InputRequired(), Length(max=200)])
    scope_en = StringField(_l("Of which claims, in English"), [Length(max=200)])
    published_for = StringField(_l("Published for"), [InputRequired(), Length(max=64)])
    source = StringField(_l("Published by"), [InputRequired(), Length(max=200)])
    source_en = StringField(_l("Published by, in English"), [Length(max=200)])
    version = IntegerField(widget=HiddenInput(), default=0)

    @staticmethod
    def values_of(row: MarketFigure) -> dict[str, Any]:
        """What the form shows of a line."""
        names = ("measure", "scope", "scope_en", "published_for", "source", "source_en", "version")
        return {"value": value_of(row), **{name: getattr(row, name) for name in names}}

    def line(self) -> MarketLine:
        """What was typed."""
        return MarketLine(
            measure=MeasureCode(self.measure.data),
            scope=self.scope.data or "",
            scope_en=self.scope_en.data or "",
            value=self.value.data if self.value.data is not None else Decimal(-1),
            published_for=self.published_for.data or "",
            source=self.source.data or "",
            source_en=self.source_en.data or "",
        )


class ShowForm(Form):
    """Hide or show a line."""

    version = IntegerField(widget=HiddenInput(), default=0)
