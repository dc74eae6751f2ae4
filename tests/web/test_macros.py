"""The shared macros: fields tied to their errors, addresses that keep the query, clocks with words."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired

from service_desk.base.paging import Page
from service_desk.forms.fields import RadioField
from service_desk.presenters.languages import in_language


class ReportForm(FlaskForm):
    key = HiddenField()
    plate = StringField("Plate", [InputRequired("Give the plate.")])
    injured = RadioField(
        "Injured?", [InputRequired("Say whether anyone is hurt.")], choices=[("no", "No"), ("yes", "Yes")]
    )


def render(app: Flask, source: str, address: str = "/sign-in", **context: Any) -> str:
    with app.test_request_context(address):
        return app.jinja_env.from_string(source).render(**context)


def refused_form(app: Flask) -> ReportForm:
    with app.test_request_context("/sign-in", method="POST"):
        form = ReportForm(MultiDict({"plate": ""}), meta={"csrf": False})
        form.validate()
        return form


def test_a_refused_field_is_tied_to_its_error(app: Flask) -> None:
    page = render(
        app,
        '{% from "macros/field.html" import field %}{{ field(form.plate, hint="As on the licence.") }}',
        form=refused_form(app),
    )
    assert 'aria-describedby="plate-hint plate-error"' in page
    assert 'aria-invalid="true"' in page
    assert 'id="plate-error"' in page
    assert "Give the plate." in page


def test_a_field_without_refusal_claims_none(app: Flask) -> None:
    with app.test_request_context("/sign-in"):
        form = ReportForm(meta={"csrf": False})
    page = render(app, '{% from "macros/field.html" import field %}{{ field(form.plate) }}', form=form)
    assert "aria-invalid" not in page
    assert "aria-describedby" not in page


def test_the_sum_of_errors_links_to_the_first_choice_of_a_group(app: Flask) -> None:
    page = render(
        app,
        '{% from "macros/field.html" import form_errors %}{{ form_errors(form) }}',
        form=refused_form(app),
    )
    assert 'href="#plate"' in page
    assert 'href="#injured-0"' in page


def test_the_sum_of_errors_names_a_field_once(app: Flask) -> None:
    form = refused_form(app)
    form.plate.errors = ["Enter “Plate”."]
    page = render(app, '{% from "macros/field.html" import form_errors %}{{ form_errors(form) }}', form=form)
    assert '<li><a href="#plate">Enter “Plate”.</a></li>' in page
    assert '<a href="#injured-0">Injured?</a>' in page


def test_other_attributes_reach_the_input_with_dashes(app: Flask) -> None:
    page = render(
        app,
        '{% from "macros/field.html" import field %}{{ field(form.plate, data_suggest="/fleet/suggest", rows=4) }}',
        form=refused_form(app),
    )
    assert 'data-suggest="/fleet/suggest"' in page
    assert 'rows="4"' in page


def test_hidden_fields_bring_a_token_also_for_a_form_without_one(app: Flask) -> None:
    page = render(
        app,
        '{% from "macros/field.html" import hidden_fields %}{{ hidden_fields(form) }}',
        form=refused_form(app),
    )
    assert page.count('name="csrf_token"') == 1
    assert 'name="key"' in page


def test_the_pager_keeps_the_query(app: Flask) -> None:
    page = render(
        app,
        '{% from "macros/table.html" import pager %}{{ pager(page) }}',
        "/sign-in?branch=gongyi&tag=a&tag=b&page=2",
        page=Page([1], 130, 2, 50),
    )
    assert 'href="/sign-in?branch=gongyi&amp;tag=a&amp;tag=b&amp;page=3"' in page
    assert 'href="/sign-in?branch=gongyi&amp;tag=a&amp;tag=b"' in page


def test_a_sorted_column_offers_the_other_direction(app: Flask) -> None:
    source = '{% from "macros/table.html" import table_head %}{{ table_head([{"label": "Due", "key": "due"}], sort) }}'
    assert 'href="/sign-in?sort=-due"' in render(app, source, sort="due")
    assert 'href="/sign-in?sort=due"' in render(app, source, sort="-due")
    assert 'aria-sort="descending"' in render(app, source, sort="-due")


def test_a_clock_says_its_state_in_words_and_its_details_in_a_tip(app: Flask) -> None:
    pill = SimpleNamespace(
        tone="bad", icon="over", text="over by 35 min", title='Due 11-23 17:40 "office" calendar'
    )
    page = render(app, '{% from "macros/clock.html" import clock %}{{ clock(pill) }}', pill=pill)
    assert "pill-bad" in page
    assert "icon-over" in page
    assert "over by 35 min" in page
    assert 'data-tip="Due 11-23 17:40 &#34;office&#34; calendar"' in page


def test_what_people_typed_is_escaped(app: Flask) -> None:
    person = SimpleNamespace(name="<b>王磊", staff_no="1017", phone="138 0371 2260")
    page = render(app, '{% from "macros/person.html" import person %}{{ person(p) }}', p=person)
    assert "&lt;b&gt;王磊" in page
    assert 'href="tel:13803712260"' in page


def test_time_bar_parts_fill_the_whole_width(app: Flask) -> None:
    segments = [
        SimpleNamespace(seconds=600, text="周鹏 0:10", state="running", holder=0),
        SimpleNamespace(seconds=200, text="待客户", state="paused", holder=0),
        SimpleNamespace(seconds=200, text="超 0:03", state="over", holder=0),
    ]
    page = render(app, '{% from "macros/bars.html" import time_bar %}{{ time_bar(s, [], "T") }}', s=segments)
    assert 'x="0.0%" width="60.0%"' in page
    assert 'x="60.0%" width="20.0%"' in page
    assert 'x="80.0%" width="20.0%"' in page
    assert 'fill="url(#time-bar-hatch)"' in page


@pytest.mark.parametrize(("address", "is_offered"), [("/claims", True), ("/claims?view=all", False)])
def test_an_empty_list_offers_no_way_to_itself(app: Flask, address: str, is_offered: bool) -> None:
    page = render(
        app,
        '{% from "macros/table.html" import empty %}{{ empty("None.", "/claims?view=all", "All") }}',
        address,
    )
    assert ('href="/claims?view=all"' in page) is is_offered


def test_an_empty_chart_is_drawn(app: Flask) -> None:
    source = """{% from "macros/charts.html" import bar_chart, grouped_chart, line_chart, sparkline, stacked_chart %}
    {% from "macros/bars.html" import time_bar %}
    {{ bar_chart([], "A") }}{{ line_chart([("x", [])], [], "B") }}{{ sparkline([], "C") }}{{ time_bar([], [], "D") }}
    {{ grouped_chart([], [], "E", "e") }}{{ stacked_chart([], [], "F", "f") }}"""
    page = render(app, source)
    assert 'aria-label="B"' in page
    assert 'aria-label="F"' in page


def test_series_are_told_apart_without_colour_and_a_loss_goes_to_the_left(app: Flask) -> None:
    source = """{% from "macros/charts.html" import bar_chart, grouped_chart, line_chart, stacked_chart %}
    {{ bar_chart([("gain", 30, "30"), ("loss", -10, "-10")], "A") }}
    {{ grouped_chart([("<b>", [(4, "4 now"), (2, "2 then")])], ["now", "then"], "B", "pair") }}
    {{ stacked_chart([("Gongyi", [(1, "1 open"), (3, "3 closed")], "4 in all")], ["open", "closed"], "C", "pile") }}
    {{ line_chart([("rate", [90, None, 95], ["90%", "", "95%"])], ["a", "b", "c"], "D", low=80, high=100, desc="a 90%, c 95%") }}
    """
    page = render(app, source)

    assert 'x="25.0%" width="75.0%"' in page
    assert 'x="0.0%" width="25.0%"' in page
    assert '<pattern id="pair-1"' in page
    assert 'x="0.0%" width="50.0%" fill="url(#pair-1)"' in page
    assert '<span class="visually-hidden">then: </span>2 then' in page
    assert "&lt;b&gt;" in page
    assert 'x="25.0%" width="75.0%" fill="url(#pile-1)"><title>closed: 3 closed</title>' in page
    assert "<desc>a 90%, c 95%</desc>" in page
    assert "<title>rate · a: 90%</title>" in page


def test_a_label_of_a_fixed_code_is_said_in_each_readers_language(app: Flask) -> None:
    with app.test_request_context("/sign-in"), in_language("en"):
        template = app.jinja_env.from_string('{{ "survey"|label("claim_step") }}')
    said = []
    for language in ("en", "zh"):
        with app.test_request_context("/sign-in"), in_language(language):
            said.append(template.render())
    assert said == ["survey", "查勘"]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("豫A12345", "豫A·12345"),
        ("豫V08816D", "豫V·08816D"),
        ("豫A0917挂", "豫A·0917挂"),
        ("LZYTBTE29A1234567", "LZYTBTE29A1234567"),
        ("未上牌（车架号尾号 910004）", "未上牌（车架号尾号 910004）"),
    ],
)
def test_a_plate_is_shown_with_its_dot_and_nothing_else_is(app: Flask, stored: str, shown: str) -> None:
    assert render(app, "{{ value|plate }}", value=stored) == shown
