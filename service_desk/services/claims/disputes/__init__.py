"""Disputes: raised by the client or for them, argued on evidence by both sides, decided by somebody not involved."""

from service_desk.services.claims.disputes.deciding import Decision, decide, take_back
from service_desk.services.claims.disputes.lists import (
    DisputeFilter,
    DisputeRow,
    count_open,
    list_disputes,
)
from service_desk.services.claims.disputes.raising import RaiseDispute, Say, name_decider, raise_dispute, say
from service_desk.services.claims.disputes.reading import (
    DisputeFile,
    Money,
    of_claim,
    possible_deciders,
    read_disputes,
)

__all__ = [
    "Decision",
    "DisputeFile",
    "DisputeFilter",
    "DisputeRow",
    "Money",
    "RaiseDispute",
    "Say",
    "count_open",
    "decide",
    "list_disputes",
    "name_decider",
    "of_claim",
    "possible_deciders",
    "raise_dispute",
    "read_disputes",
    "say",
    "take_back",
]
