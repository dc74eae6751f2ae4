"""What the desk's messages are about: each kind has a subject, by which people and channels choose what they get."""

from enum import StrEnum


class NoticeSubject(StrEnum):
    LARGE_LOSSES = "large_losses"
    CLOCKS = "clocks"
    REPORTS = "reports"
    COVER = "cover"
    CLAIMS = "claims"
    ENQUIRIES = "enquiries"
    RELATIONS = "relations"
    SYSTEM = "system"


class MailChoice(StrEnum):
    """How a person gets the mails of a subject. In the app they always are."""

    AT_ONCE = "at_once"
    DIGEST = "digest"
    IN_APP = "in_app"


# Told the same hour or not worth telling: no quiet hours and no digest hold these back.
URGENT = frozenset({NoticeSubject.LARGE_LOSSES, NoticeSubject.CLOCKS})

CLOCK_DIGEST = "clock_digest"
DIGEST = "notice_digest"
CHANNEL_TEST = "channel_test"
MAIL_UNDELIVERED = "mail_undelivered"
CHANNEL_UNDELIVERED = "channel_undelivered"
REPORT_NOT_MADE = "report_not_made"
MAILBOX_ATTENTION = "mailbox_attention"
CHAT_TAKEN = "chat_taken"

SUBJECTS: dict[str, NoticeSubject] = {
    kind: subject
    for subject, kinds in {
        NoticeSubject.LARGE_LOSSES: ("large_loss",),
        NoticeSubject.CLOCKS: (
            "clock_breach",
            CLOCK_DIGEST,
            "clock_escalation",
            "clock_warning",
            "correction_asked",
            "correction_due",
            "correction_overdue",
            "objection_decided",
            "pause_ended",
            "pause_objected",
            "time_corrected",
        ),
        NoticeSubject.REPORTS: (REPORT_NOT_MADE, "weekly_claim_report"),
        NoticeSubject.COVER: (
            "credit_release_asked",
            "credit_release_decided",
            "missed_cover_assigned",
            "missed_cover_word",
            "premium_dunning",
            "premium_dunning_group",
            "renewal_reminder",
            "uninsured_vehicles",
            "vehicle_operating",
            "vehicle_request_decided",
            "vehicle_requested",
            "vehicle_to_insure",
        ),
        NoticeSubject.CLAIMS: (
            "advance_asked",
            "approval_asked",
            "claim_assigned",
            "claim_denied",
            "claim_letter_sent",
            "claim_paid",
            "claim_payment_returned",
            "claim_received",
            "claim_reopened",
            "claim_report_repeated",
            "claim_reported",
            "dispute_decided",
            "dispute_raised",
            "dispute_to_decide",
            "dispute_word",
            "documents_wanted",
            "follow_up_form",
            "outstanding_answered",
            "outstanding_handed_in",
        ),
        NoticeSubject.ENQUIRIES: (
            CHAT_TAKEN,
            "client_dissatisfied",
            "complaint_assigned",
            "enquiry_answered",
            "enquiry_assigned",
            "enquiry_owner",
            "enquiry_repeated",
            "handover_accepted",
            "handover_asked",
            "handover_refused",
            "message_answered",
            "message_written",
            "handover_unanswered",
            "handovers_accepted",
            "handovers_asked",
            "handovers_assigned",
            "owner_changed",
        ),
        NoticeSubject.RELATIONS: (
            "card_answered",
            "card_final_word",
            "card_given",
            "cards_proposed",
            "item_due",
            "item_ended",
            "item_opened",
            "item_overdue",
            "opinion_asked",
            "opinion_due",
            "opinion_received",
            "opinion_reminded",
            "opinion_replied",
            "knowledge_bulletin",
            "promises_published",
            "relation_cancelled",
            "relation_changed",
            "relation_invited",
            "relation_minutes",
            "relations_due",
        ),
        NoticeSubject.SYSTEM: (
            "absence_cancelled",
            "absence_changed",
            "absence_planned",
            CHANNEL_TEST,
            CHANNEL_UNDELIVERED,
            "clocks_returned",
            "duty_shift",
            "duty_swap",
            MAILBOX_ATTENTION,
            MAIL_UNDELIVERED,
            DIGEST,
            "standing_in",
        ),
    }.items()
    for kind in kinds
}

# Written to one person: a link that is itself a key, a branch's part of what the group gets whole, or a
# gathering of messages that each went their own way.
_PERSONAL = frozenset(
    {
        "card_answered",
        "card_final_word",
        "card_given",
        "cards_proposed",
        CLOCK_DIGEST,
        "enquiry_owner",
        "follow_up_form",
        # Behind one's own link, of one's own words, or of what an anonymous giver said.
        "opinion_asked",
        "opinion_due",
        "opinion_received",
        "opinion_reminded",
        "opinion_replied",
        "premium_dunning",
        CHANNEL_TEST,
        CHANNEL_UNDELIVERED,
        MAIL_UNDELIVERED,
        REPORT_NOT_MADE,
        DIGEST,
        # Said in the group where it was asked, and to nobody else.
        CHAT_TAKEN,
        MAILBOX_ATTENTION,
        # What two people write to each other is no news for a group.
        "message_answered",
        "message_written",
    }
)


def subject_of(kind: str) -> NoticeSubject:
    """The subject of a kind; every kind of report is one. What nobody has sorted yet counts as the system's."""
    if kind.startswith("report_"):
        return NoticeSubject.REPORTS
    return SUBJECTS.get(kind, NoticeSubject.SYSTEM)


def kinds_of(subject: NoticeSubject) -> list[str]:
    """The kinds sorted under a subject."""
    return [kind for kind, own in SUBJECTS.items() if own is subject]


def is_for_channels(kind: str) -> bool:
    """Whether a message of this kind may be read by a whole group."""
    return kind not in _PERSONAL and (kind in SUBJECTS or kind.startswith("report_"))


def choices_of(subject: NoticeSubject) -> tuple[MailChoice, ...]:
    """The ways a person may choose for a subject."""
    if subject in URGENT:
        return (MailChoice.AT_ONCE, MailChoice.IN_APP)
    return tuple(MailChoice)
