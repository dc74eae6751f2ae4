"""Cover that ends soon or has ended: the board, the vehicles without cover, and the notices about both."""

from service_desk.services.renewals.board import (
    BoardRow,
    board_counts,
    count_board,
    count_vehicles,
    list_expiries,
    page_of_expiries,
    vehicle_ids,
)
from service_desk.services.renewals.covers import Expiry, ExpiryFilter
from service_desk.services.renewals.notifying import list_reminders, send_reminders, send_uninsured_notices
from service_desk.services.renewals.uninsured import MissedCover, list_uninsured
from service_desk.services.renewals.watching import watch

__all__ = [
    "BoardRow",
    "Expiry",
    "ExpiryFilter",
    "MissedCover",
    "board_counts",
    "count_board",
    "count_vehicles",
    "list_expiries",
    "list_reminders",
    "list_uninsured",
    "page_of_expiries",
    "send_reminders",
    "send_uninsured_notices",
    "vehicle_ids",
    "watch",
]
