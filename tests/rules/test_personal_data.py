"""What of a person leaves the desk in a file, by role."""

import pytest

from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import (
    Personal,
    Whose,
    as_seen,
    filter_as_kept,
    mask,
    mask_in_text,
    trail_value,
)


@pytest.mark.parametrize(
    ("what", "value", "masked"),
    [
        (Personal.NAME, "张三", "张*"),
        (Personal.NAME, "欧阳小明", "欧**"),
        (Personal.PHONE, "139 1234 5678", "139****5678"),
        (Personal.ID_NUMBER, "410122199001011234", "4****************4"),
        (Personal.ACCOUNT_NUMBER, "6222 0000 1111 5678", "************5678"),
        (Personal.MAIL, "wang@example.cn", "w***@example.cn"),
        (Personal.MAIL, "no address", "***"),
    ],
)
def test_a_masked_value_keeps_what_tells_two_apart(what: Personal, value: str, masked: str) -> None:
    assert mask(value, what) == masked


@pytest.mark.parametrize(
    ("role", "third", "insured", "identity"),
    [
        (Role.CLAIMS, "李四光", "李四光", "4****************4"),
        (Role.MANAGER, "李四光", "李四光", "4****************4"),
        (Role.UNDERWRITER, "李**", "李**", "***"),
        (Role.ADMIN, "李**", "李**", "***"),
        (Role.GROUP_INSURANCE, "李**", "李四光", "***"),
        (Role.BRANCH_SAFETY, "李**", "李四光", "***"),
    ],
)
def test_who_works_on_claims_takes_names_whole_and_nobody_an_identity_number(
    role: Role, third: str, insured: str, identity: str
) -> None:
    assert as_seen("李四光", role, Personal.NAME, Whose.THIRD) == third
    assert as_seen("李四光", role, Personal.NAME, Whose.INSURED) == insured
    assert as_seen("410122199001011234", role, Personal.ID_NUMBER, Whose.INSURED) == identity
    # Whom one calls at the desk and at the client stands on every page.
    assert as_seen("李四光", role, Personal.NAME, Whose.STAFF) == "李四光"
    assert as_seen("", role, Personal.ID_NUMBER, Whose.THIRD) == ""


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("open", "open"),
        ("-due", "-due"),
        ("12", "12"),
        ("2026-11", "2026-11"),
        ("2026-11-23", "2026-11-23"),
        ("", ""),
        ("王师傅", "***"),
        ("13912345678", "***"),
        ("Wang", "***"),
        ("豫A12345", "***"),
    ],
)
def test_the_trail_keeps_what_was_chosen_and_not_what_was_typed(sent: str, kept: str) -> None:
    assert filter_as_kept(sent) == kept


def test_values_of_the_trail_are_masked_by_field_and_by_shape() -> None:
    assert trail_value("driver_name", "王大力") == "王**"
    assert trail_value("phone", "13912345678") == "139****5678"
    assert trail_value("state", "open") == "open"
    text = "电话13912345678，证件41012219900101123X，wang@example.cn，金额 12345678901234"
    assert (
        mask_in_text(text) == "电话139****5678，证件4****************X，w***@example.cn，金额 12345678901234"
    )
