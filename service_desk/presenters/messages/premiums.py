"""Refusals about premium: receipts and their money, refunds, instalments, dunning, the credit limit."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "received_in_future": _l("The money cannot have been received in the future."),
    "no_receivable_chosen": _l("Choose what the money is for: tick at least one line."),
    "receipt_exceeds_debt": _l(
        "%(amount)s is more than the %(owed)s owed for the lines chosen. Choose more lines, a smaller amount, or tick"
        " that the rest is kept as unallocated money."
    ),
    "receipt_alike": _l(
        "Receipt %(number)s of the same day, amount and payer was recorded just now. Tick if this is another payment."
    ),
    "receivable_settled": _l("One of the lines chosen was settled meanwhile. Look at the list again."),
    "more_than_unallocated": _l("Only %(unallocated)s of this receipt is unallocated."),
    "more_than_owed": _l("Only %(owed)s is owed for the lines chosen."),
    "nothing_unallocated": _l("Nothing of this receipt is unallocated any more."),
    "settles_nothing": _l("This receipt settles nothing that could be taken back."),
    "receipt_reversed": _l("This receipt was reversed already."),
    "receipt_paid_back": _l("Money of this receipt is paid back; it cannot be reversed any more."),
    "receipt_of_refund": _l("This receipt was made of a refund. Pay its money back instead of reversing it."),
    "refund_settled": _l("This refund was paid out or credited already."),
    "paid_in_future": _l("The money cannot have been paid out in the future."),
    "paid_before_owed": _l("The refund is owed since %(day)s; it cannot have been paid out before."),
    "plan_length": _l("A plan has 1 to %(most)s instalments."),
    "plan_day_past": _l("An instalment cannot have fallen due before today."),
    "plan_days_out_of_order": _l("Each instalment falls due after the one before it."),
    "plan_percent_missing": _l("Give every instalment its percent, or none for equal parts."),
    "plan_percent_wrong": _l("A percent is more than 0 and has at most two decimals."),
    "plan_percents_not_100": _l("The percents add up to %(total)s, not to 100."),
    "plan_offsets_wrong": _l("Give 1 to %(most)s days from 0 to 366, each later than the one before."),
    "plan_sum_changed": _l("What is open has changed since it was shown. Look at the plan again."),
    "nothing_open": _l("Nothing of what was chosen is open."),
    "age_days_wrong": _l("Give 1 to %(most)s days from 1 on, each later than the one before."),
    "dunning_days_wrong": _l("Give 1 to %(most)s days from -90 on, each later than the one before."),
    "nothing_to_dun": _l("Tick at least one branch and level that has open premium."),
    "dunned_today": _l("Notices for what was ticked were sent today already."),
    "credit_exceeded": _l(
        "The account's credit limit is %(limit)s and %(used)s of it is used. This order of %(order)s goes %(exceeded)s"
        " beyond it; a manager must release it first."
    ),
    "credit_not_exceeded": _l("This order does not go beyond the credit limit any more; issue it."),
    "release_own_order": _l("Nobody releases an order of their own; another person must decide."),
    "release_decided": _l("This request was decided already."),
    "release_too_small": _l("A smaller sum than the order goes beyond the limit would not let it through."),
    "release_day_past": _l("A release cannot end before today."),
    "period_backwards": _l("The last day cannot come before the first."),
    "period_in_future": _l("The last day cannot lie in the future."),
}
