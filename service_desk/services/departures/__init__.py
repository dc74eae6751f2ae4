"""Somebody leaves: all that is theirs is offered, accepted or assigned, and only then is the login closed."""

from service_desk.services.departures.closing import change_login, close_by_command, close_login
from service_desk.services.departures.giving import assign, offer, take_back
from service_desk.services.departures.reading import (
    Departure,
    Key,
    Line,
    count_left,
    list_people,
    read_departure,
)

__all__ = [
    "Departure",
    "Key",
    "Line",
    "assign",
    "change_login",
    "close_by_command",
    "close_login",
    "count_left",
    "list_people",
    "offer",
    "read_departure",
    "take_back",
]
