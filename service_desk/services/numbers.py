"""Numbers without gaps: one row a scope, raised in the transaction that uses them."""

from functools import cache

from sqlalchemy import TextClause, text

from service_desk.models.db import db

# The row stays locked until the commit, so a rollback gives the numbers back and nobody skips any.
_TAKE = text(
    "INSERT INTO number_sequences (scope, last_value) VALUES (:scope, :count) "
    "ON CONFLICT (scope) DO UPDATE SET last_value = number_sequences.last_value + :count "
    "RETURNING last_value"
)


def take(scope: str, count: int = 1) -> range:
    """The next `count` numbers of a scope, 1-based."""
    last: int = db.session.execute(_TAKE, {"scope": scope, "count": count}).scalar_one()
    return range(last - count + 1, last + 1)


def next_numbers(prefixes: tuple[str, ...], year: int, digits: int = 6) -> list[str]:
    """The next number of each of several kinds, in one statement.

    The rows are locked in the order given: whoever takes the same kinds names them in the same order.
    """
    scopes = [f"{prefix}-{year}" for prefix in prefixes]
    asked = {f"scope_{place}": scope for place, scope in enumerate(scopes)}
    last = dict(db.session.execute(_take_one_of(len(scopes)), asked).tuples().all())
    return [f"{scope}-{last[scope]:0{digits}d}" for scope in scopes]


@cache
def _take_one_of(count: int) -> TextClause:
    rows = ", ".join(f"(:scope_{place}, 1)" for place in range(count))
    return text(
        f"INSERT INTO number_sequences (scope, last_value) VALUES {rows} "  # noqa: S608 - places alone
        "ON CONFLICT (scope) DO UPDATE SET last_value = number_sequences.last_value + 1 "
        "RETURNING scope, last_value"
    )


def next_number(prefix: str, year: int, digits: int = 6) -> str:
    """The next number of a kind in a year: `CLM-2026-000007`."""
    return f"{prefix}-{year}-{take(f'{prefix}-{year}')[0]:0{digits}d}"
