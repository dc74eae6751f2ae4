"""The forms of money and letters on claims: payments, advances, denials, letters, recoveries, authority."""

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from service_desk.forms.claims import MAX_PROSE, StepForm
from service_desk.forms.fields import (
    CheckboxesField,
    DayField,
    Form,
    MomentField,
    RadioField,
    SelectField,
    YuanField,
    member,
    optional_id,
)
from service_desk.models.claim_money import AdvanceBasis, RecoveryKind
from service_desk.rules.claim_letters import RefusalClause
from service_desk.rules.permissions import Role
from service_desk.services.claims.advances import ProposeAdvance
from service_desk.services.claims.authority import TierHolder, TierTerms
from service_desk.services.claims.exits import Denial
from service_desk.services.claims.letters import SendLetter, WriteLetter
from service_desk.services.claims.paying import Pay, ReturnPayment
from service_desk.services.claims.recoveries import NewRecovery, Receive


class PayForm(StepForm):
    """A payment. The ticks are shown when the account number or the payee gives cause."""

    amount = YuanField(_l("Amount (yuan)"), [InputRequired()])
    payee = StringField(_l("Payee"), [InputRequired(), Length(max=120)])
    account_number = StringField(_l("Account number"), [InputRequired(), Length(max=40)])
    bank = StringField(_l("Bank"), [Length(max=120)])
    reference = StringField(_l("Reference"), [Length(max=120)])
    account_confirmed = BooleanField(_l("I compared the number with the card"))
    payee_confirmed = BooleanField(_l("The insured's payment authority is on file"))
    is_another = BooleanField(_l("This is another one"))

    def command(self) -> Pay:
        return Pay(
            self.amount.fen or 0,
            self.payee.data,
            self.account_number.data,
            self.bank.data or "",
            self.reference.data or "",
            confirms_account=bool(self.account_confirmed.data),
            confirms_payee=bool(self.payee_confirmed.data),
            is_another=bool(self.is_another.data),
        )


class ReturnForm(StepForm):
    reason = StringField(_l("Why the bank sent it back"), [InputRequired(), Length(max=200)])

    def command(self, payment_id: int) -> ReturnPayment:
        return ReturnPayment(payment_id, self.reason.data)


class AdvanceForm(StepForm):
    basis = RadioField(_l("Why before the decision"), [InputRequired()], choices=[])
    amount = YuanField(_l("Amount (yuan)"), [InputRequired()])
    reason = StringField(_l("Why it is certain"), [InputRequired(), Length(max=200)])
    is_another = BooleanField(_l("This is another one"))

    def command(self) -> ProposeAdvance:
        basis = AdvanceBasis(self.basis.data)
        return ProposeAdvance(basis, self.amount.fen or 0, self.reason.data, bool(self.is_another.data))


class DecisionForm(StepForm):
    """An approval or a refusal, by the button pressed."""

    note = StringField(_l("Note; the reason of a refusal"), [Length(max=200)])


class DenyForm(StepForm):
    clauses = CheckboxesField(_l("Clauses it stands on"))
    clause_text = StringField(_l("Clause as in this policy"), [Length(max=200)])
    reason = TextAreaField(_l("Reason"), [InputRequired(), Length(max=MAX_PROSE)])
    facts = TextAreaField(_l("Facts found"), [Length(max=MAX_PROSE)])

    def command(self) -> Denial:
        return Denial(
            _clauses(self.clauses), self.reason.data, self.clause_text.data or "", self.facts.data or ""
        )


class WriteLetterForm(StepForm):
    """`clauses` and `clause_text` are taken out by the page where the denial has them."""

    addressee = StringField(_l("To"), [InputRequired(), Length(max=120)])
    clauses = CheckboxesField(_l("Clauses it stands on"))
    clause_text = StringField(_l("Clause as in this policy"), [Length(max=200)])
    facts = TextAreaField(_l("Facts and remarks"), [Length(max=MAX_PROSE)])

    def command(self) -> WriteLetter:
        return WriteLetter(
            self.addressee.data,
            self.facts.data or "",
            _clauses(self.clauses) if "clauses" in self else (),
            (self.clause_text.data or "") if "clause_text" in self else "",
        )


def _clauses(field: Any) -> tuple[RefusalClause, ...]:
    return tuple(RefusalClause(code) for code in field.data or ())


class SendLetterForm(StepForm):
    at = MomentField(_l("Sent"), [InputRequired()])
    sent_to = StringField(_l("Sent to"), [InputRequired(), Length(max=120)])
    means = StringField(_l("How, and its number"), [Length(max=120)])

    def command(self) -> SendLetter:
        at: datetime | None = self.at.at
        if at is None:
            raise ValueError("validated without a moment")
        return SendLetter(at, self.sent_to.data, self.means.data or "")


class RecoveryForm(Form):
    kind = SelectField(_l("Kind"), [InputRequired()], choices=[])
    owed_by = StringField(_l("From whom"), [InputRequired(), Length(max=200)])
    amount = YuanField(_l("Amount to get back (yuan)"), [InputRequired()])
    note = StringField(_l("Note"), [Length(max=200)])
    is_another = BooleanField(_l("This is another one"))

    def command(self) -> NewRecovery:
        return NewRecovery(
            RecoveryKind(self.kind.data),
            self.owed_by.data,
            self.amount.fen or 0,
            self.note.data or "",
            bool(self.is_another.data),
        )


class ReceiveRecoveryForm(StepForm):
    amount = YuanField(_l("Amount received (yuan)"), [InputRequired()])
    received_on = DayField(_l("Received on"), [InputRequired()])
    reference = StringField(_l("Voucher or reference"), [Length(max=200)])
    is_another = BooleanField(_l("This is another one"))

    def command(self) -> Receive:
        reference, is_another = self.reference.data or "", bool(self.is_another.data)
        return Receive(self.amount.fen or 0, self.received_on.data, reference, is_another)


class WriteOffForm(StepForm):
    amount = YuanField(_l("Amount to write off (yuan)"), [InputRequired()])
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])
    is_another = BooleanField(_l("This is another one"))


class CorrectRecoveryForm(StepForm):
    amount = YuanField(_l("Amount to get back (yuan)"), [InputRequired()])
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])


class StrikeForm(StepForm):
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])


class TierTermsForm(Form):
    """Up to which amount, from which day on."""

    limit = YuanField(_l("Up to (yuan)"))
    effective_on = DayField(_l("In force from"), [InputRequired()])
    version = IntegerField(widget=HiddenInput(), default=0)

    def terms(self) -> TierTerms:
        return TierTerms(self.limit.fen, self.effective_on.data)


class TierForm(TierTermsForm):
    """A new tier with whom it is for."""

    FIRST = ("role", "user_id", "account_id")

    role = SelectField(_l("Role"), choices=[], default="")
    user_id = SelectField(_l("Person"), choices=[], coerce=optional_id)
    account_id = SelectField(_l("Account"), choices=[], coerce=optional_id)

    def holder(self) -> TierHolder:
        return TierHolder(self.account_id.data, member(Role, self.role.data), self.user_id.data)


class EndTierForm(Form):
    ends_on = DayField(_l("Ends on"), [InputRequired()])
    version = IntegerField(widget=HiddenInput(), default=0)


class PhoneForm(Form):
    phone = StringField(_l("Telephone of the supervisory authority"), [InputRequired(), Length(max=40)])
