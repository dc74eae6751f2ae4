"""Contacts closed before are counted after the migration too, and phones are compared as the rules do."""

from datetime import datetime

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import MetaData, create_engine

from service_desk.rules.first_contact import phone_key
from tests.house.test_migrations import Pair, filler, migrating, pair, rows_of

__all__ = ["migrating", "pair"]

CLOSED = datetime(2026, 11, 20, 9)


@pytest.mark.parametrize("pair", ["sqlite"], indirect=True)
def test_old_contacts_have_their_closing_and_their_phone(pair: Pair, migrating: Flask) -> None:
    upgrade(revision="0026")
    contacts_of_a_desk_in_use(pair.migrated_url)

    upgrade(revision="0027")

    with rows_of(pair.migrated_url) as read:
        closings = read(
            "SELECT enquiry_id, owner_id, is_first_contact FROM enquiry_closings ORDER BY enquiry_id"
        )
        phones = read("SELECT caller_phone, phone_key FROM enquiries ORDER BY id")
    # 2 was handed over and accepted, 3 has another owner, 4 is a claim's own, 5 is open.
    assert [(row["enquiry_id"], row["owner_id"], bool(row["is_first_contact"])) for row in closings] == [
        (1, 1, True),
        (2, 1, False),
        (3, 2, False),
    ]
    assert [row["phone_key"] for row in phones] == [phone_key(row["caller_phone"]) for row in phones]


def contacts_of_a_desk_in_use(url: str) -> None:
    """Five contacts in the tables of the migration before."""
    engine = create_engine(url)
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:

        def insert(table: str, **values: object) -> None:
            columns = metadata.tables[table].columns
            asked = [column for column in columns if not column.nullable and not column.primary_key]
            fillers = {column.name: filler(column) for column in asked}
            connection.execute(metadata.tables[table].insert(), {**fillers, **values})

        insert("key_accounts", id=1, code="ZZ")
        for user_id in (1, 2):
            insert("users", id=user_id, role="claims", username=f"u{user_id}", staff_no=str(user_id))
        phones = ("+86 139 3710 8891", "0371-68125524", "", "139 3710 8892", "无")
        for number, phone in enumerate(phones, 1):
            is_open = number == 5
            insert(
                "enquiries",
                id=number,
                number=f"ENQ-{number}",
                account_id=1,
                channel="claim_report" if number == 4 else "call",
                kind="question",
                state="open" if is_open else "closed",
                closed_at=None if is_open else CLOSED,
                caller_phone=phone,
                owner_id=2 if number == 3 else 1,
                first_owner_id=1,
                opened_by_id=1,
            )
        insert(
            "handovers",
            id=1,
            account_id=1,
            matter_kind="enquiry",
            matter_id=2,
            from_id=1,
            to_id=2,
            state="accepted",
        )
    engine.dispose()
