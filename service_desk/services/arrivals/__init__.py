"""What comes by itself, by mail or from a chat group, and what it becomes. Nobody is signed in, so nothing else is done."""

from service_desk.services.arrivals.boxes import (
    MailboxDetails,
    MailboxView,
    add_mailbox,
    change_mailbox,
    get_mailbox,
    list_mailboxes,
    read_now,
)
from service_desk.services.arrivals.chats import Hearing, hear, keys_of
from service_desk.services.arrivals.polling import (
    TAKEN_FOR,
    claim_due_mailbox,
    keep_place,
    record_read,
    record_unread,
)
from service_desk.services.arrivals.received import (
    MailFilter,
    MailOfMatter,
    MailRow,
    assign_mail,
    dismiss_mail,
    get_mail,
    list_mails,
    mails_of_enquiry,
)
from service_desk.services.arrivals.receiving import is_known, receive, refuse_large, set_aside

__all__ = [
    "TAKEN_FOR",
    "Hearing",
    "MailFilter",
    "MailOfMatter",
    "MailRow",
    "MailboxDetails",
    "MailboxView",
    "add_mailbox",
    "assign_mail",
    "change_mailbox",
    "claim_due_mailbox",
    "dismiss_mail",
    "get_mail",
    "get_mailbox",
    "hear",
    "is_known",
    "keep_place",
    "keys_of",
    "list_mailboxes",
    "list_mails",
    "mails_of_enquiry",
    "read_now",
    "receive",
    "record_read",
    "record_unread",
    "refuse_large",
    "set_aside",
]
