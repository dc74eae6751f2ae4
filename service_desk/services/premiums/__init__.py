"""The premium ledger: what branches owe and since when, instalments, receipts and money, refunds, dunning, releases
from the credit limit, and statements.
"""

from service_desk.rules.premium import Credit
from service_desk.services.policies.credit import usable_release
from service_desk.services.premiums.dunning import (
    DunningCase,
    NoticeView,
    get_notice,
    list_cases,
    list_notices,
    send_daily,
    send_notices,
)
from service_desk.services.premiums.ledger import (
    LedgerRow,
    OpenReceivable,
    credit_of,
    ledger,
    list_open,
    open_receivables,
    overdue_fen,
    receivables_due,
    totals,
)
from service_desk.services.premiums.money import (
    AllocateCommand,
    allocate_money,
    pay_back,
    release_money,
    reverse_receipt,
)
from service_desk.services.premiums.plans import PlanPreview, PlanScope, make_plan, preview_plan, usual_plan
from service_desk.services.premiums.receipts import (
    METHODS,
    ReceiptCommand,
    ReceiptPart,
    ReceiptView,
    get_receipt,
    list_receipts,
    receive,
    record_receipt,
)
from service_desk.services.premiums.refunds import (
    Payout,
    RefundRow,
    RefundView,
    credit_refund,
    get_refund,
    list_refunds,
    owed_by_branch,
    pay_refund,
)
from service_desk.services.premiums.releases import (
    ReleaseView,
    ask_release,
    get_release,
    list_releases,
    refuse_release,
    release_credit,
)
from service_desk.services.premiums.statements import MoneyLine, OpenPolicy, Statement, statement
from service_desk.services.premiums.terms import change_terms, get_terms, terms_of

__all__ = [
    "METHODS",
    "AllocateCommand",
    "Credit",
    "DunningCase",
    "LedgerRow",
    "MoneyLine",
    "NoticeView",
    "OpenPolicy",
    "OpenReceivable",
    "Payout",
    "PlanPreview",
    "PlanScope",
    "ReceiptCommand",
    "ReceiptPart",
    "ReceiptView",
    "RefundRow",
    "RefundView",
    "ReleaseView",
    "Statement",
    "allocate_money",
    "ask_release",
    "change_terms",
    "credit_of",
    "credit_refund",
    "get_notice",
    "get_receipt",
    "get_refund",
    "get_release",
    "get_terms",
    "ledger",
    "list_cases",
    "list_notices",
    "list_open",
    "list_receipts",
    "list_refunds",
    "list_releases",
    "make_plan",
    "open_receivables",
    "overdue_fen",
    "owed_by_branch",
    "pay_back",
    "pay_refund",
    "preview_plan",
    "receivables_due",
    "receive",
    "record_receipt",
    "refuse_release",
    "release_credit",
    "release_money",
    "reverse_receipt",
    "send_daily",
    "send_notices",
    "statement",
    "terms_of",
    "totals",
    "usable_release",
    "usual_plan",
]
