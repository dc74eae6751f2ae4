"""Forms of the premium ledger: receipts and their money, refunds, instalments, terms, dunning, releases, statements."""

import json
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, HiddenField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, Optional, ValidationError
from wtforms.widgets import HiddenInput

from service_desk.forms.fields import (
    BaseForm,
    DayField,
    Form,
    RadioField,
    SelectField,
    SelectMultipleField,
    YuanField,
    optional_id,
    small_number,
)
from service_desk.rules.premium import MOST_INSTALMENTS, WHOLE, Instalment, PlanPart, Terms
from service_desk.services.premiums import AllocateCommand, Payout, PlanScope, ReceiptCommand

_SEPARATORS = re.compile(r"[,，;；、/\s]+")


def _ids(field: Any) -> tuple[int, ...]:
    return tuple(dict.fromkeys(one for one in field.data or () if one))


class ReceiptForm(Form):
    """Money received; what it is for is ticked in the list above."""

    receivable_ids = SelectMultipleField(_l("Policies"), coerce=optional_id, validate_choice=False)
    amount = YuanField(_l("Amount received"))
    keeps_rest = BooleanField(_l("Keep what goes beyond the lines ticked as unallocated money"))
    received_on = DayField(_l("Received on"), [InputRequired()])
    method = RadioField(_l("Method of payment"), choices=[], default="transfer")
    payer = StringField(_l("Received from"), [InputRequired(), Length(max=200)])
    reference = StringField(_l("Bank reference"), [Length(max=200)])
    is_another = BooleanField(_l("This is another payment"))

    def command(self, branch_id: int) -> ReceiptCommand:
        """What was received, for `services.premiums`."""
        return ReceiptCommand(
            branch_id=branch_id,
            receivable_ids=_ids(self.receivable_ids),
            amount_fen=self.amount.fen,
            received_on=self.received_on.data,
            method=self.method.data or "",
            payer=self.payer.data or "",
            reference=self.reference.data or "",
            keeps_rest=bool(self.keeps_rest.data),
            is_another=bool(self.is_another.data),
        )


class AllocateForm(Form):
    """Premium to settle with money of a receipt, ticked in the list."""

    receivable_ids = SelectMultipleField(_l("Policies"), coerce=optional_id, validate_choice=False)
    amount = YuanField(_l("Amount to allocate"))
    is_another = BooleanField(_l("This is another one"))

    def command(self) -> AllocateCommand:
        """What to settle, for `services.premiums`."""
        return AllocateCommand(_ids(self.receivable_ids), self.amount.fen, bool(self.is_another.data))


class ReasonForm(Form):
    """An act that needs a reason and nothing else."""

    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])


class PayBackForm(ReasonForm):
    FIRST = ("amount",)

    amount = YuanField(_l("Amount to pay back"))
    is_another = BooleanField(_l("This is another one"))


class PayoutForm(Form):
    """How a refund was paid out."""

    paid_on = DayField(_l("Paid on"), [InputRequired()])
    method = RadioField(_l("How it was paid out"), choices=[], default="transfer")
    payee = StringField(_l("Paid to"), [InputRequired(), Length(max=200)])
    reference = StringField(_l("Bank reference"), [Length(max=200)])

    def command(self) -> Payout:
        """What was paid, for `services.premiums`."""
        return Payout(
            self.paid_on.data, self.method.data or "", self.payee.data or "", self.reference.data or ""
        )


class PercentField(StringField):
    """A share of a whole in percent as typed, `33.33` or `33.33 %`; `percent` is what it means, None when empty."""

    percent: Decimal | None = None

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data, self.percent = text or None, None
        if not text:
            return
        try:
            percent = Decimal(text.replace("％", "%").removesuffix("%").strip())
        except InvalidOperation:
            raise ValidationError(_("Enter a number of percent, such as 33.33.")) from None
        if not percent.is_finite() or abs(percent) > 100:
            raise ValidationError(_("Enter a number of percent, such as 33.33."))
        self.percent = percent

    def process_data(self, value: Decimal | None) -> None:
        """Show a stored share as one would type it."""
        super().process_data(None if value is None else f"{value.normalize():f}")
        self.percent = value


class _PlanForm(Form):
    """What to split and why; the instalments' fields are added below."""

    receivable_ids = HiddenField()
    batch = HiddenField()
    branch = HiddenField()
    expected_fen = HiddenField()
    count = SelectField(_l("Number of instalments"), choices=[], coerce=int)
    reason = StringField(_l("Reason"), [Length(max=200)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count.choices = [(n, str(n)) for n in range(1, MOST_INSTALMENTS + 1)]

    def scope(self, account_id: int) -> PlanScope:
        """What to split, for `services.premiums`."""
        ids = (small_number(part) for part in (self.receivable_ids.data or "").split(","))
        return PlanScope(
            account_id,
            tuple(one for one in ids if one),
            self.batch.data or None,
            small_number(self.branch.data),
        )

    def instalment_fields(self) -> list[tuple[Any, Any]]:
        """The fields of each instalment: its day and its percent."""
        wanted = self.count.data if self.count.data in range(1, MOST_INSTALMENTS + 1) else 1
        return [(self[f"due_on_{n}"], self[f"percent_{n}"]) for n in range(1, wanted + 1)]

    def plan(self) -> list[Instalment]:
        """The plan as typed."""
        return [Instalment(day.data, share.percent) for day, share in self.instalment_fields()]

    def fill(self, plan: Sequence[Instalment]) -> None:
        """Show a plan."""
        self.count.data = len(plan)
        for one, (day, share) in zip(plan, self.instalment_fields(), strict=True):
            day.data = one.due_on
            share.process_data(one.percent)


# One pair of fields for each instalment a plan may have, so that a refusal finds its field by name.
PlanForm: type[_PlanForm] = type(
    "PlanForm",
    (_PlanForm,),
    {
        name: field
        for n in range(1, MOST_INSTALMENTS + 1)
        for name, field in (
            (f"due_on_{n}", DayField(_l("Due on"), [Optional()])),
            (f"percent_{n}", PercentField(_l("Percent"))),
        )
    },
)


class NumbersField(StringField):
    """Whole numbers as typed, `-7, 1, 31`; `numbers` is what they mean."""

    numbers: tuple[int, ...] = ()

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]) if valuelist else ""
        self.data = text
        words = [word for word in _SEPARATORS.split(text) if word]
        found = [small_number(word.removeprefix("-"), digits=5) for word in words]
        if any(number is None for number in found):
            raise ValidationError(_("Enter whole numbers with commas between them."))
        self.numbers = tuple(
            -(number or 0) if word.startswith("-") else number or 0
            for word, number in zip(words, found, strict=True)
        )

    def process_data(self, value: Any) -> None:
        """Show numbers as one would type them."""
        super().process_data(", ".join(map(str, value)) if isinstance(value, list | tuple) else value)


class PercentsField(StringField):
    """Shares in percent as typed, `40, 30, 30`; `weights` are what they mean, in hundredths of a percent."""

    weights: tuple[int, ...] = ()

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]) if valuelist else ""
        self.data = text
        try:
            shares = [Decimal(word.removesuffix("%")) * 100 for word in _SEPARATORS.split(text) if word]
            self.weights = tuple(int(share) for share in shares if share == int(share))
        except (ArithmeticError, ValueError):
            raise ValidationError(_("Enter a number of percent, such as 33.33.")) from None
        if len(self.weights) != len(shares):
            raise ValidationError(_("Enter a number of percent, such as 33.33."))

    def process_data(self, value: Any) -> None:
        """Show weights as percents."""
        words = [f"{(Decimal(weight) / 100).normalize():f}" for weight in value or ()]
        super().process_data(", ".join(words))


class TermsForm(Form):
    """What an account agreed on paying."""

    age_days = NumbersField(_l("Ageing columns end at, days overdue"), [InputRequired(), Length(max=60)])
    dunning_days = NumbersField(
        _l("Levels of dunning begin at, days overdue"), [InputRequired(), Length(max=60)]
    )
    plan_days = NumbersField(_l("Usual plan: days after it is asked for"), [Length(max=100)])
    plan_percents = PercentsField(_l("Usual plan: percent of each instalment"), [Length(max=100)])
    is_dunned_daily = BooleanField(_l("Send notices every day by themselves"))
    reason = StringField(_l("Reason"), [Length(max=200)])
    version = IntegerField(widget=HiddenInput(), default=0)

    @classmethod
    def of(cls, terms: Terms, version: int) -> "TermsForm":
        """The form with the terms in force."""
        return cls(
            data={
                "age_days": terms.age_days,
                "dunning_days": terms.dunning_days,
                "is_dunned_daily": terms.is_dunned_daily,
                "plan_days": [part.days for part in terms.plan_parts],
                "plan_percents": [part.weight for part in terms.plan_parts],
                "version": version,
            }
        )

    def terms(self) -> Terms:
        """The terms as typed. Days without percents: equal parts. Too few or too many percents are a fault."""
        days, weights = self.plan_days.numbers, self.plan_percents.weights
        if days and not weights:
            weights = _equal(len(days))
        # A missing share weighs nothing, a share without a day comes on day 0: the rule names the fault.
        length = max(len(days), len(weights))
        parts = [
            PlanPart(
                days[n] if n < len(days) else 0,
                weights[n] if n < len(weights) else 0,
            )
            for n in range(length)
        ]
        return Terms(
            self.age_days.numbers, self.dunning_days.numbers, bool(self.is_dunned_daily.data), tuple(parts)
        )


def _equal(count: int) -> tuple[int, ...]:
    return tuple(WHOLE // count + (1 if n < WHOLE % count else 0) for n in range(count))


class AskForm(ReasonForm):
    """A request for a release. `order` is the order's form as the preview sent it, as JSON."""

    order = HiddenField(validators=[Length(max=200_000)])

    def posted_order(self) -> MultiDict[str, str]:
        """The order's fields; none when what was sent is no order."""
        try:
            fields = json.loads(self.order.data or "{}")
            return MultiDict([(str(name), str(value)) for name, values in fields.items() for value in values])
        except (ValueError, AttributeError, TypeError):
            return MultiDict()


class ReleaseForm(ReasonForm):
    """A manager's decision."""

    FIRST = ("amount", "valid_until")

    amount = YuanField(_l("May go beyond the limit by"))
    valid_until = DayField(_l("Valid until"), [InputRequired()])


class DunningForm(Form):
    """Branches and levels to send notices for: `branch:level`."""

    cases = SelectMultipleField(_l("Notices"), validate_choice=False)

    def chosen(self) -> set[tuple[int, int]]:
        """The branches and levels ticked."""
        found = set()
        for text in self.cases.data or ():
            branch, _, level = str(text).partition(":")
            days = small_number(level.removeprefix("-"), digits=5)
            branch_id = small_number(branch)
            if branch_id is not None and days is not None:
                found.add((branch_id, -days if level.startswith("-") else days))
        return found


class _AddressForm(BaseForm):
    """A GET form: what is wanted stands in the address."""

    class Meta:
        csrf = False


class LedgerForm(_AddressForm):
    """The day of an ageing."""

    on = DayField(_l("At the end of"), [Optional()])


class StatementForm(_AddressForm):
    """Whose statement, and for which days."""

    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    start = DayField(_l("From day"), [Optional()])
    end = DayField(_l("To day"), [Optional()])

    def period(self, today: date) -> tuple[date, date]:
        """The days asked for; without them the month before this one."""
        month_end = date.fromordinal(today.replace(day=1).toordinal() - 1)
        return self.start.data or month_end.replace(day=1), self.end.data or month_end
