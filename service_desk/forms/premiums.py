"""Forms of the premium ledger."""

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import DayField, Form, YuanField, optional_id
from service_desk.services.premiums import ReceiptCommand


class ReceiptForm(Form):
    """Money received; what it is for is ticked in the list above."""

    receivable_ids = SelectMultipleField(_l("Policies"), coerce=optional_id, validate_choice=False)
    amount = YuanField(_l("Amount received"))
    received_on = DayField(_l("Received on"), [InputRequired()])
    method = RadioField(_l("Method of payment"), choices=[], default="transfer")
    payer = StringField(_l("Received from"), [InputRequired(), Length(max=200)])
    reference = StringField(_l("Bank reference"), [Length(max=200)])

    def command(self, branch_id: int) -> ReceiptCommand:
        """What was received, for `services.premiums`."""
        return ReceiptCommand(
            branch_id=branch_id,
            receivable_ids=tuple(dict.fromkeys(one for one in self.receivable_ids.data or () if one)),
            amount_fen=self.amount.fen,
            received_on=self.received_on.data,
            method=self.method.data or "",
            payer=self.payer.data or "",
            reference=self.reference.data or "",
        )
