"""Forms of the page of a claim's parties: who was in it, what each thing costs, how the injured are."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import FieldList, FormField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from service_desk.forms.fields import DayField, Form, PlainForm, SelectField, YuanField, member, small_number
from service_desk.rules.claim_losses import LossKind
from service_desk.rules.claim_parties import InjurySeverity, PartyKind, PersonRole, TreatmentStage
from service_desk.services.claims.injuries import FollowUpFacts
from service_desk.services.claims.parties import PartyFacts
from service_desk.services.claims.party_costs import Estimate


class PartyForm(Form):
    """What is known of a party of a kind; fields of other kinds are taken out by the page."""

    party_version = HiddenField(default="0")
    name = StringField(_l("Name"), [Length(max=64)])
    phone = StringField(_l("Phone"), [Length(max=64)])
    id_number = StringField(_l("ID number"), [Length(max=64)])
    what = StringField(_l("What it is"), [Length(max=200)])
    plate = StringField(_l("Plate"), [Length(max=64)])
    insurer = StringField(_l("Insurer"), [Length(max=200)])
    policy_number = StringField(_l("Policy number"), [Length(max=64)])
    age = IntegerField(_l("Years of age"), [Optional(), NumberRange(min=0, max=120)])
    role = SelectField(_l("Where they were"), validate_choice=False)
    severity = SelectField(_l("How badly hurt"), validate_choice=False)
    hospital = StringField(_l("Hospital"), [Length(max=200)])

    @property
    def shown_version(self) -> int:
        return small_number(str(self.party_version.data)) or 0

    def facts(self, kind: PartyKind) -> PartyFacts:
        """What the form says; a field that is not on it says nothing."""
        return PartyFacts(
            kind=kind,
            age=self.age.data if "age" in self else None,
            role=member(PersonRole, self._said("role")),
            severity=member(InjurySeverity, self._said("severity")),
            **{name: self._said(name) for name in _TEXTS},
        )

    def _said(self, name: str) -> str:
        field: Any = self._fields.get(name)
        return (field.data or "") if field is not None else ""


_TEXTS = ("name", "phone", "id_number", "what", "plate", "insurer", "policy_number", "hospital")


class EstimateForm(Form):
    item_id = HiddenField(default="0")
    label = StringField(_l("Item"), [InputRequired(), Length(max=120)])
    kind = SelectField(_l("Kind"), [InputRequired()])
    amount = YuanField(_l("Estimate (yuan)"), [InputRequired()])

    def command(self, party_id: int) -> Estimate:
        return Estimate(
            party_id=party_id,
            kind=LossKind(self.kind.data),
            label=self.label.data or "",
            amount_fen=self.amount.fen or 0,
            item_id=small_number(str(self.item_id.data)) or None,
        )


class FollowUpEntryForm(Form):
    on_day = DayField(_l("Day"), [InputRequired()])
    stage = SelectField(_l("Stage of treatment"), [InputRequired()])
    hospital = StringField(_l("Hospital"), [Length(max=200)])
    next_on = DayField(_l("Ask again on"), [Optional()])
    cost = YuanField(_l("Cost so far (yuan)"), [InputRequired()])
    forecast = YuanField(_l("Forecast in all (yuan)"), [InputRequired()])
    condition = TextAreaField(_l("Condition"), [InputRequired(), Length(max=2000)])

    def command(self, party_id: int) -> FollowUpFacts:
        return FollowUpFacts(
            party_id=party_id,
            on_day=self.on_day.data,
            condition=self.condition.data or "",
            stage=TreatmentStage(self.stage.data),
            cost_fen=self.cost.fen or 0,
            forecast_fen=self.forecast.fen or 0,
            hospital=self.hospital.data or "",
            next_on=self.next_on.data,
        )


class RemoveForm(Form):
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])


class ReviewRowForm(PlainForm):
    amount = YuanField(_l("Reviewed (yuan)"), [InputRequired()])


class ReviewForm(Form):
    """The second look at an assessment: each amount as it should be."""

    assessment_id = HiddenField(default="0")
    rows = FieldList(FormField(ReviewRowForm), max_entries=60)
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])

    @property
    def assessment(self) -> int:
        return small_number(str(self.assessment_id.data)) or 0

    def amounts(self) -> dict[int, int]:
        """The amounts by the place of their item, in fen."""
        return {
            place: row.form.amount.fen
            for place, row in enumerate(self.rows)
            if row.form.amount.fen is not None
        }
