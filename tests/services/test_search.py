"""The search box: what is found, and by whom."""

import pytest

from service_desk.services import search


@pytest.mark.parametrize("text", ["豫A·12345", "豫a12345", "12345", "豫Ａ１２３４５"])
def test_a_plate_is_found_however_it_is_typed(session, world, text):
    found = search.search(text, actor=world.hq)
    assert world.coach in found.vehicles


def test_a_vin_a_branch_and_a_phone_are_found(session, world):
    assert search.search(world.truck.vin[-8:], actor=world.manager).vehicles == [world.truck]
    assert search.search("中牟", actor=world.manager).branches == [world.zhongmu]
    world.insurance_department.phone = "13937106001"
    assert search.search("3710-6001", actor=world.manager).contacts == [world.insurance_department]


def test_too_little_text_and_wildcards_find_nothing(session, world):
    assert search.search("豫", actor=world.manager).total == 0
    assert search.search("%%", actor=world.manager).total == 0
    assert search.search("__", actor=world.manager).total == 0


def test_a_branch_finds_its_own_only_and_a_stranger_nothing(session, world):
    assert search.search("豫A", actor=world.safety_gongyi).vehicles == [world.truck, world.coach]
    assert search.search("豫A", actor=world.foreign_hq).total == 0
    assert search.search("豫C88661", actor=world.manager).total == 0
