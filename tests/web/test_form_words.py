"""What a form says of what is missing or out of bounds: the field by its name, in the reader's language."""

import pytest
from flask import Flask
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import FileField, FormField, IntegerField, StringField
from wtforms.validators import InputRequired, NumberRange

from service_desk.forms.fields import BaseForm, PlainForm, RowList, SelectField
from service_desk.presenters.languages import in_language


class SeatRow(PlainForm):
    seats = IntegerField(_l("Number"), [InputRequired(), NumberRange(min=1)])


class VehicleForm(BaseForm):
    class Meta:
        csrf = False

    plate = StringField(_l("Plate"), [InputRequired()])
    branch = SelectField(_l("Branch"), [InputRequired()], choices=[("", "—"), ("1", "一分公司")])
    paper = FileField(_l("Paper that proves it"), [InputRequired()])
    rows = RowList(FormField(SeatRow))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "zh",
            ["请填写“号牌号码”。", "请选择“分公司”。", "请选择“凭据”。", "不得小于 1。", "请填写“编号”。"],
        ),
        (
            "en",
            [
                "Enter “Plate”.",
                "Choose “Branch”.",
                "Choose “Paper that proves it”.",
                "Enter at least 1.",
                "Enter “Number”.",
            ],
        ),
    ],
)
def test_what_is_missing_is_named_in_every_kind_of_field_and_row(
    app: Flask, language: str, expected: list[str]
) -> None:
    sent = MultiDict({"branch": "", "rows-0-seats": "0", "rows-1-seats": ""})
    with app.test_request_context(), in_language(language):
        form = VehicleForm(sent)

        assert not form.validate()

        rows = [row.form.seats.errors[0] for row in form.rows]
        assert [form.plate.errors[0], form.branch.errors[0], form.paper.errors[0], *rows] == expected
