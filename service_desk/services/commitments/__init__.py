"""Service commitments: published in versions, each promise beside the month's figure of what measures it."""

from service_desk.services.commitments.board import Board, BoardRow, kept_months, read_board
from service_desk.services.commitments.drafting import (
    DraftTerms,
    Move,
    PromiseTerms,
    add_promise,
    change_draft,
    change_promise,
    drop_draft,
    drop_promise,
    find_draft,
    get_draft,
    list_told,
    move_promise,
    publish,
    start_draft,
)
from service_desk.services.commitments.lists import (
    PublishedVersion,
    find_current,
    get_version,
    list_versions,
    target_of,
    tie_of_promise,
)

__all__ = [
    "Board",
    "BoardRow",
    "DraftTerms",
    "Move",
    "PromiseTerms",
    "PublishedVersion",
    "add_promise",
    "change_draft",
    "change_promise",
    "drop_draft",
    "drop_promise",
    "find_current",
    "find_draft",
    "get_draft",
    "get_version",
    "kept_months",
    "list_told",
    "list_versions",
    "move_promise",
    "publish",
    "read_board",
    "start_draft",
    "target_of",
    "tie_of_promise",
]
