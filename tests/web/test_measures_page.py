"""The page of measures: complete in both languages, with an anchor each, for whoever signs in."""

import re

import pytest
from flask import Flask

from service_desk.presenters.labels import LABELS
from service_desk.presenters.languages import in_language
from service_desk.presenters.measures import glossary
from service_desk.rules.metrics import MEASURES, MeasureCode, MeasureGroup, MeasureSource, Unit
from tests.world import World


def test_every_measure_has_all_its_words_in_both_languages(app: Flask) -> None:
    kinds = {
        "measure": MeasureCode,
        "measure_definition": MeasureCode,
        "measure_formula": MeasureCode,
        "measure_unit": Unit,
        "measure_group": MeasureGroup,
        "measure_source": MeasureSource,
    }
    for kind, codes in kinds.items():
        assert set(LABELS[kind]) >= {code.value for code in codes}, kind
    assert set(MEASURES) == set(MeasureCode)

    with app.test_request_context():
        with in_language("en"):
            english = glossary()
        with in_language("zh"):
            chinese = glossary()
    units = {one.code: one.unit for group in chinese for one in group.measures}
    assert (units["closing_cycle"], units["follow_up_score"]) == ("平均天数", "平均值")
    names = [one.name for group in english for one in group.measures]
    assert len(set(names)) == len(names) == len(MeasureCode)
    for group_en, group_zh in zip(english, chinese, strict=True):
        for en, zh in zip(group_en.measures, group_zh.measures, strict=True):
            for words in ("name", "definition", "formula", "source"):
                assert getattr(en, words) != getattr(zh, words), (en.code, words)


def test_every_definition_can_be_read_by_itself(app: Flask) -> None:
    """In a spreadsheet it stands beside other measures than on the page."""
    leaning = re.compile(
        r"^The same\b|\bthe same (claims|clients)\b|\bof it whose\b|同上|同一批|口径同|^其中"
    )
    with app.test_request_context():
        for language in ("en", "zh"):
            with in_language(language):
                found = [str(LABELS["measure_definition"][code.value]) for code in MeasureCode]
            assert [words for words in found if leaning.search(words)] == []


@pytest.mark.parametrize("username", ["admin", "claims1", "hq", "safety-gongyi"])
def test_both_sides_read_how_figures_are_counted(sign_in, world: World, username: str) -> None:
    page = sign_in(username).get("/measures")

    assert page.status_code == 200
    for code in MeasureCode:
        assert f'id="{code.value}"' in page.text
    assert "满期赔付率" in page.text


def test_reports_lead_to_the_definitions(sign_in, world: World) -> None:
    assert 'href="/measures"' in sign_in("hq").get("/reports").text
