"""Messages: queued with what caused them, read in the app, delivered by mail, bots and webhooks, and logged."""

from service_desk.services.notices.inbox import get_inbox_notice, list_inbox, mark_read, unread_count
from service_desk.services.notices.outbox import (
    RETRY_MINUTES,
    TAKEN_FOR,
    claim_companions,
    claim_due_notice,
    hold_channel,
    record_bounce,
    record_failed,
    record_not_tried,
    record_sent,
    send_again,
    set_aside,
)
from service_desk.services.notices.queueing import (
    CHANNELS,
    Matter,
    Message,
    Recipient,
    contact_recipient,
    queue,
    queue_many,
    take_back,
    user_recipient,
)

__all__ = [
    "CHANNELS",
    "RETRY_MINUTES",
    "TAKEN_FOR",
    "Matter",
    "Message",
    "Recipient",
    "claim_companions",
    "claim_due_notice",
    "contact_recipient",
    "get_inbox_notice",
    "hold_channel",
    "list_inbox",
    "mark_read",
    "queue",
    "queue_many",
    "record_bounce",
    "record_failed",
    "record_not_tried",
    "record_sent",
    "send_again",
    "set_aside",
    "take_back",
    "unread_count",
    "user_recipient",
]
