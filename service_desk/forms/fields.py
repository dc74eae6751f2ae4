"""The base form and the fields of the trade: amounts, instants in the account's zone, required text."""

import secrets
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField, HiddenField, StringField
from wtforms.validators import ValidationError

from service_desk.base.clock import CHINA
from service_desk.base.money import format_yuan, parse_yuan, to_fen


class Form(FlaskForm):
    """A form with its own idempotency key: a double click or a resend carries the same one."""

    idempotency_key = HiddenField(default=lambda: secrets.token_urlsafe(16))


class YuanField(StringField):
    """An amount in yuan as typed (`1,200`, `1.2万`); `fen` is what it means."""

    fen: int | None = None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return format_yuan(int(self.data)) if self.data is not None else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.fen = None
        self.data = text or None
        if not text:
            return
        try:
            amount: Decimal = parse_yuan(text)
        except ValueError:
            raise ValidationError(_("Enter an amount in yuan, such as 1,200.00.")) from None
        if amount != amount.quantize(Decimal("0.01")):
            raise ValidationError(_("An amount has at most two decimals."))
        if abs(amount) >= Decimal(10) ** 12:
            raise ValidationError(_("This amount is too large to be right."))
        self.fen = to_fen(amount)

    def process_data(self, value: int | None) -> None:
        """Take stored fen for showing."""
        super().process_data(value)
        self.fen = value


class MomentField(DateTimeLocalField):
    """A local date and time of the account's zone; `at` is the aware instant."""

    def __init__(
        self, label: Any = None, validators: Any = None, *, zone: ZoneInfo = CHINA, **kwargs: Any
    ) -> None:
        super().__init__(
            label, validators, format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **kwargs
        )
        self.zone = zone

    @property
    def at(self) -> datetime | None:
        return self.data.replace(tzinfo=self.zone) if self.data else None

    def process_data(self, value: datetime | None) -> None:
        """Show a stored instant in the zone."""
        super().process_data(value.astimezone(self.zone).replace(tzinfo=None) if value else None)
