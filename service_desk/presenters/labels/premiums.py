"""Words of the premium ledger."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "receipt_method": {
        "transfer": _l("Bank transfer"),
        "card": _l("Card"),
        "cash": _l("Cash"),
        "cheque": _l("Cheque"),
    },
    # A receipt made of a refund has a method nobody chooses.
    "money_method": {
        "transfer": _l("Bank transfer"),
        "card": _l("Card"),
        "cash": _l("Cash"),
        "cheque": _l("Cheque"),
        "credit": _l("Credited refund"),
    },
    "refund_state": {
        "owed": _l("Owed to the client"),
        "paid": _l("Paid to the client"),
        "credited": _l("Credited"),
    },
    "release_state": {
        "asked": _l("To be decided"),
        "released": _l("Released"),
        "refused": _l("Release refused"),
        "used": _l("Used by an order"),
    },
    "money_kind": {
        "received": _l("Money received"),
        "reversed": _l("Receipt reversed"),
        "refunded": _l("Refund paid out"),
    },
    "audit_action": {
        "premium_received": _l("Premium received"),
        "money_allocated": _l("Unallocated money allocated"),
        "allocation_taken_back": _l("What a receipt settled taken back"),
        "receipt_reversed": _l("Receipt reversed"),
        "money_owed_back": _l("Unallocated money to be paid back"),
        "refund_paid": _l("Refund paid out"),
        "refund_credited": _l("Refund credited"),
        "instalments_planned": _l("Premium split into instalments"),
        "premium_terms_changed": _l("Terms of payment changed"),
        "dunning_sent": _l("Dunning notice sent"),
        "credit_release_asked": _l("Release from the credit limit asked for"),
        "credit_release_decided": _l("Release from the credit limit decided"),
    },
}
