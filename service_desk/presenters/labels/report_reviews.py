"""Words of the quarterly review and of the annual service record."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "report_table": {
        "results": _l("Premium and losses"),
        "service": _l("Service"),
        "cover": _l("Cover and renewal"),
        "gaps_by_branch": _l("Branches with gaps in cover"),
        "receivables": _l("Premium receivable"),
        "receivables_by_branch": _l("Branches that owe premium"),
        "causes": _l("Causes of breaches as reviewed"),
        "open_corrections": _l("Corrections still to be made"),
        "disputes_by_topic": _l("Disputes by subject"),
        "disputes": _l("Disputes"),
        "large_losses": _l("Large losses reported in the period"),
        "answers_by_theme": _l("Follow-up answers of the period by question"),
        "bad_answers": _l("Dissatisfied answers"),
        "meeting_proposals": _l("Proposals for the meeting"),
        "promise_needs": _l("What promise would have been kept how often"),
        "what_if": _l("What stricter promises would have given"),
    },
    "report_chart": {
        "loss_by_branch": _l("Earned loss ratio by branch"),
        "loss_by_year": _l("Earned loss ratio by year"),
    },
    "report_heading": {
        "compared_period": _l("Period"),
        "year": _l("Calendar year"),
        "kept_now": _l("Kept this quarter"),
        "kept_before": _l("Kept last quarter"),
        "kept_year_before": _l("Kept in the same quarter last year"),
        "kept_this_year": _l("Kept this year"),
        "kept_last_year": _l("Kept the year before"),
        "kept_two_years_ago": _l("Kept two years before"),
        "breaches": _l("Number of breaches"),
        "breaches_open": _l("of them not done yet"),
        "matter_no": _l("Matter no."),
        "responsible": _l("Responsible"),
        "correction": _l("Correction"),
        "corrected_at": _l("Corrected at"),
        "correction_owner": _l("Correction by"),
        "correction_due_on": _l("Correction due on"),
        "is_late": _l("Past its day"),
        "dispute_no": _l("Dispute no."),
        "dispute_topic": _l("Subject"),
        "disputes_raised": _l("Disputes raised"),
        "disputes_decided": _l("Disputes decided"),
        "in_favour": _l("in the client's favour, wholly or in part"),
        "not_right": _l("not in the client's favour"),
        "disputes_withdrawn": _l("withdrawn by the client"),
        "decided_elsewhere": _l("to mediation or court"),
        "disputes_open": _l("Disputes open at the end"),
        "raised_at": _l("Raised at"),
        "claimed": _l("Claimed"),
        "decided_at": _l("Decided at"),
        "outcome": _l("Decision"),
        "awarded": _l("Awarded"),
        "theme": _l("Asked about"),
        "bad_answers": _l("Scores below 3, or a call wished"),
        "answered_at": _l("Answered at"),
        "score_overall": _l("Overall"),
        "score_speed": _l("Speed"),
        "score_attitude": _l("Attitude"),
        "score_result": _l("Result"),
        "wants_call_back": _l("Wishes a call"),
        "comment": _l("Comment"),
        "proposal": _l("Proposal"),
        "rests_on_share": _l("Rests on (share)"),
        "rests_on_count": _l("Rests on (number)"),
        "rests_on_amount": _l("Rests on (amount)"),
        "is_urban": _l("Urban"),
        "amount_to": _l("Amount up to"),
        "promise_value": _l("Promise"),
        "promise_unit": _l("Unit"),
        "kept_as_promised": _l("Kept as promised"),
        "stricter_value": _l("Stricter promise"),
        "stricter_unit": _l("Its unit"),
        "would_be_kept": _l("Would have been kept"),
        "time_for_90": _l("Time kept by 90%"),
        "time_for_95": _l("Time kept by 95%"),
        "time_for_99": _l("Time kept by 99%"),
        "days_for_90": _l("Days kept by 90%"),
        "days_for_95": _l("Days kept by 95%"),
        "days_for_99": _l("Days kept by 99%"),
    },
    "report_period": {
        "this_quarter": _l("This quarter"),
        "quarter_before": _l("Last quarter"),
        "year_before": _l("Same quarter last year"),
    },
    "report_theme": {
        "overall": _l("Overall"),
        "speed": _l("Speed"),
        "attitude": _l("Attitude"),
        "result": _l("Result"),
        "call_back": _l("Wishes a call"),
    },
    "report_proposal": {
        "strengthen_step": _l("Strengthen this step: more people at its busy hours, or an earlier warning."),
        "remove_cause": _l("Remove this cause of breaches, which reviews name again and again."),
        "finish_corrections": _l("Finish the corrections that are past their day."),
        "review_breaches": _l("Review the breaches that nobody has reviewed."),
        "tighten_promise": _l("Promise more in this step: it was kept nearly always."),
        "review_calculation": _l(
            "Look into how claims are calculated: several disputes ended in the client's favour."
        ),
        "improve_speed": _l("Find out where clients waited, and shorten it."),
        "improve_attitude": _l("Talk through how clients are spoken to, with examples from the answers."),
        "explain_result": _l("Explain results to clients before payment, where they expected another."),
        "call_back": _l("Call the clients who wished a call, and tell the meeting what came of it."),
        "insure_vehicles": _l("Insure the vehicles that were on the road without full cover."),
        "renew_earlier": _l("Begin renewals earlier: vehicles lost cover at its end."),
        "prevent_losses": _l(
            "Agree on loss prevention: the loss ratio is above the line at which prices are reviewed."
        ),
        "train_drivers": _l(
            "Train drivers: there were clearly more accidents than in the same quarter last year."
        ),
        "settle_premium": _l("Settle the premium that is overdue, or agree on instalments."),
    },
    "report_note": {
        "claims_by_report": _l(
            "A claim counts in the period it was reported in, with what it came to by the end of that period."
        ),
        "reviews_as_made": _l(
            "Causes, responsible people and corrections are as reviews had found them when this report was made."
        ),
        "proposals_weighed": _l(
            "Proposals follow from the figures by fixed rules; the meeting decides what comes of them."
        ),
        "what_if_meaning": _l(
            "The same clocks are judged by a stricter promise, each by its own calendar and pauses."
        ),
    },
}
