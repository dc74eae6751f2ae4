"""Numbers without gaps: one row a scope, raised in the transaction that uses them."""

from sqlalchemy import text

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


def next_number(prefix: str, year: int, digits: int = 6) -> str:
    """The next number of a kind in a year: `CLM-2026-000007`."""
    return f"{prefix}-{year}-{take(f'{prefix}-{year}')[0]:0{digits}d}"
