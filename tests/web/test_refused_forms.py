"""What a view that shows its page again finds: nothing of the act that was refused, and what was typed."""

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import StringField

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid
from service_desk.forms.fields import BaseForm
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.web.http import attempt
from tests.world import World


class NameForm(BaseForm):
    class Meta:
        csrf = False

    name = StringField("Name")


@pytest.mark.parametrize(
    "refusal",
    [Invalid("words_too_long", field="name", length=5), Conflict("stale"), Forbidden("own_calculation")],
)
def test_a_refused_act_leaves_nothing_for_who_reads_next(
    world: World, app: Flask, refusal: DomainError
) -> None:
    branch_id, name = world.gongyi.id, world.gongyi.name
    with app.test_request_context("/", method="POST"):
        form = NameForm(MultiDict({"name": "巩义新公司"}))

        def act() -> None:
            db.session.get_one(Branch, branch_id).name = form.name.data
            db.session.flush()
            raise refusal

        assert not attempt(form, act)
        assert db.session.get_one(Branch, branch_id).name == name
        assert form.name.data == "巩义新公司"
        assert [*form.form_errors, *form.name.errors]
