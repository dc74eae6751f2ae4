"""First contact owns it: every call, visit and message has an owner until it is closed or accepted by another."""

from service_desk.services.enquiries.answering import answer, close, close_for_claim, may_work_on
from service_desk.services.enquiries.client_word import Word, may_say, record_word, say_word
from service_desk.services.enquiries.clients import client_of
from service_desk.services.enquiries.contacts import (
    MATTER_KIND,
    ContactDetails,
    Sender,
    get_enquiry,
    log_complaint,
    log_contact,
    matter_of,
    open_for_claim,
    receive_contact,
    tell_client_owner,
    write_for_claim,
)
from service_desk.services.enquiries.earlier import Earlier
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
    takers_of,
    withdraw,
)
from service_desk.services.enquiries.linking import link
from service_desk.services.enquiries.lists import (
    ContactFilter,
    ContactRow,
    ContactView,
    count_views,
    list_enquiries,
    list_of_record,
    list_owned,
)
from service_desk.services.enquiries.many import accept_many, ask_many
from service_desk.services.enquiries.overtaken import take_back_former
from service_desk.services.enquiries.owners import may_be_complained_about
from service_desk.services.enquiries.repeats import (
    FurtherCall,
    RepeatAnswer,
    add_repeat,
    may_add,
    receive_repeat,
    take_contact,
)
from service_desk.services.enquiries.templates import (
    TemplateRow,
    TemplateText,
    get_template,
    list_templates,
    missing_documents,
    offered,
    save_template,
)

__all__ = [
    "MATTER_KIND",
    "ContactDetails",
    "ContactFile",
    "ContactFilter",
    "ContactRow",
    "ContactView",
    "Earlier",
    "FurtherCall",
    "RepeatAnswer",
    "Sender",
    "TemplateRow",
    "TemplateText",
    "Word",
    "accept",
    "accept_many",
    "add_repeat",
    "answer",
    "ask_handover",
    "ask_many",
    "client_of",
    "close",
    "close_for_claim",
    "count_views",
    "get_enquiry",
    "get_offer",
    "get_template",
    "history",
    "link",
    "list_enquiries",
    "list_of_record",
    "list_offered",
    "list_owned",
    "list_templates",
    "log_complaint",
    "log_contact",
    "matter_of",
    "may_add",
    "may_be_complained_about",
    "may_say",
    "may_work_on",
    "missing_documents",
    "offered",
    "open_for_claim",
    "open_offers",
    "possible_takers",
    "read_contact",
    "receive_contact",
    "receive_repeat",
    "record_word",
    "refuse",
    "save_template",
    "say_word",
    "take_back_former",
    "take_contact",
    "takers_of",
    "tell_client_owner",
    "withdraw",
    "write_for_claim",
]
