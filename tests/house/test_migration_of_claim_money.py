"""A desk in use gets authority with the migration, and its payments survive the way there and back."""

from flask import Flask
from flask_migrate import downgrade, upgrade

from tests.house.test_migrations import Pair, clocks_of_the_first_desk, migrating, pair, rows_of

__all__ = ["migrating", "pair"]


def test_a_desk_in_use_gets_the_tiers_a_new_one_begins_with(pair: Pair, migrating: Flask) -> None:
    upgrade(revision="0001")
    clocks_of_the_first_desk(pair.migrated_url)

    upgrade(revision="0014")

    with rows_of(pair.migrated_url) as read:
        tiers = read("SELECT role, limit_fen, version FROM authority_tiers ORDER BY id")
        assert [tuple(tier.values()) for tier in tiers] == [("claims", 1_000_000, 1), ("manager", None, 1)]
    downgrade(revision="0012")
    with rows_of(pair.migrated_url) as read:
        assert read("SELECT count(*) AS n FROM claims")[0]["n"] == 1


def test_an_empty_desk_gets_its_tiers_when_it_starts(pair: Pair, migrating: Flask) -> None:
    upgrade()

    with rows_of(pair.migrated_url) as read:
        assert read("SELECT count(*) AS n FROM authority_tiers")[0]["n"] == 0
