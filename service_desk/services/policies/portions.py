"""Long lists of ids, cut for statements: both databases bound the number of parameters."""

from collections.abc import Collection, Iterator

_IDS_A_QUERY = 5000


def portions(ids: Collection[int]) -> Iterator[list[int]]:
    """The ids in order, a statement's worth at a time."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _IDS_A_QUERY):
        yield ordered[start : start + _IDS_A_QUERY]
