"""Endorsements (批改) and cancellation (退保): planned, shown, and written in one act with what they do to the premium."""

from service_desk.services.policies.endorsing.commands import AgreedCover, EndorsementCommand
from service_desk.services.policies.endorsing.money import LedgerChange
from service_desk.services.policies.endorsing.planning import (
    RECORD_KINDS,
    EndorsementPlan,
    kinds_for,
)
from service_desk.services.policies.endorsing.policy_file import (
    CLOSING_KINDS,
    InsuredFacts,
    PolicyFile,
    earned_fen,
    insured_at,
    insured_without,
    open_file,
    premium_fen,
)
from service_desk.services.policies.endorsing.replacing import Replacement
from service_desk.services.policies.endorsing.writing import endorse, preview

__all__ = [
    "CLOSING_KINDS",
    "RECORD_KINDS",
    "AgreedCover",
    "EndorsementCommand",
    "EndorsementPlan",
    "InsuredFacts",
    "LedgerChange",
    "PolicyFile",
    "Replacement",
    "earned_fen",
    "endorse",
    "insured_at",
    "insured_without",
    "kinds_for",
    "open_file",
    "premium_fen",
    "preview",
]
