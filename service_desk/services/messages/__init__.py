"""Messages: client and owner talk on the page of their matter, every answer has a clock, and who read what is known."""

from service_desk.services.messages.lists import (
    ThreadFilter,
    ThreadListView,
    ThreadRow,
    count_views,
    list_threads,
)
from service_desk.services.messages.matters import Talked, get_talked, has_thread, of_claim, of_enquiry
from service_desk.services.messages.reading import (
    SHOWN,
    MessageView,
    Reading,
    ThreadView,
    days_of,
    find_file,
    mark_read,
    read_thread,
    read_whole,
)
from service_desk.services.messages.writing import MAX_REASON, NewMessage, need_no_answer, write

__all__ = [
    "MAX_REASON",
    "SHOWN",
    "MessageView",
    "NewMessage",
    "Reading",
    "Talked",
    "ThreadFilter",
    "ThreadListView",
    "ThreadRow",
    "ThreadView",
    "count_views",
    "days_of",
    "find_file",
    "get_talked",
    "has_thread",
    "list_threads",
    "mark_read",
    "need_no_answer",
    "of_claim",
    "of_enquiry",
    "read_thread",
    "read_whole",
    "write",
]
