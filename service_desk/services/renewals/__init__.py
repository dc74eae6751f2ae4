"""Cover that ends soon or has ended: the board, the vehicles without cover, and the notices about both."""

from service_desk.services.renewals.board import (
    BoardRow,
    Expiry,
    ExpiryFilter,
    board_counts,
    board_of,
    list_expiries,
)
from service_desk.services.renewals.notifying import list_reminders, send_reminders, send_uninsured_notices
from service_desk.services.renewals.uninsured import MissedCover, list_uninsured

__all__ = [
    "BoardRow",
    "Expiry",
    "ExpiryFilter",
    "MissedCover",
    "board_counts",
    "board_of",
    "list_expiries",
    "list_reminders",
    "list_uninsured",
    "send_reminders",
    "send_uninsured_notices",
]
