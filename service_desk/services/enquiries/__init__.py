"""First contact owns it: every call, visit and message has an owner until it is closed or accepted by another."""

from service_desk.services.enquiries.answering import answer, close, close_for_claim, may_work_on
from service_desk.services.enquiries.contacts import (
    MATTER_KIND,
    ContactDetails,
    get_enquiry,
    log_contact,
    matter_of,
    open_for_claim,
    write_for_claim,
)
from service_desk.services.enquiries.files import ContactFile, read_contact
from service_desk.services.enquiries.handovers import (
    accept,
    ask_handover,
    get_offer,
    history,
    list_offered,
    open_offers,
    possible_takers,
    refuse,
    withdraw,
)
from service_desk.services.enquiries.lists import (
    ContactFilter,
    ContactRow,
    ContactView,
    count_views,
    list_enquiries,
    list_owned,
)
from service_desk.services.enquiries.many import accept_many, ask_many

__all__ = [
    "MATTER_KIND",
    "ContactDetails",
    "ContactFile",
    "ContactFilter",
    "ContactRow",
    "ContactView",
    "accept",
    "accept_many",
    "answer",
    "ask_handover",
    "ask_many",
    "close",
    "close_for_claim",
    "count_views",
    "get_enquiry",
    "get_offer",
    "history",
    "list_enquiries",
    "list_offered",
    "list_owned",
    "log_contact",
    "matter_of",
    "may_work_on",
    "open_for_claim",
    "open_offers",
    "possible_takers",
    "read_contact",
    "refuse",
    "withdraw",
    "write_for_claim",
]
