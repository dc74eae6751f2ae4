"""Reading and judging lists of policies that exist already, row by row (domain.md section 11)."""

from service_desk.rules.policy_list.checking import PolicyListResult, check
from service_desk.rules.policy_list.facts import Field, Refusal, Statement
from service_desk.rules.policy_list.header import POLICY_WORDS
from service_desk.rules.policy_list.totals import FileTotal, Sum, TotalRow, reconcile

__all__ = [
    "POLICY_WORDS",
    "Field",
    "FileTotal",
    "PolicyListResult",
    "Refusal",
    "Statement",
    "Sum",
    "TotalRow",
    "check",
    "reconcile",
]
