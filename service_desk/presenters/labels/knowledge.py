"""Words of guides, safety cases and bulletins."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "article_kind": {
        "claim_guide": _l("Claim guide"),
        "safety_case": _l("Safety case"),
        "notice": _l("Notice of the desk"),
    },
    "help_moment": {
        "reporting": _l("when reporting"),
        "survey": _l("at the survey"),
        "documents": _l("when collecting documents"),
        "payment": _l("until payment"),
        "prevention": _l("for prevention"),
    },
    "article_state": {
        "published": _l("published"),
        "draft": _l("draft"),
        "in_review": _l("to be reviewed"),
        "withdrawn": _l("withdrawn"),
        "replaced": _l("replaced"),
    },
    "article_audience": {
        "account": _l("this account only"),
        "all": _l("all accounts"),
    },
    "audit_action": {
        "article_begun": _l("Article begun"),
        "article_changed": _l("Draft of an article changed"),
        "article_dropped": _l("Draft of an article given up"),
        "article_published": _l("Article published"),
        "article_returned": _l("Article returned from review"),
        "article_submitted": _l("Article given to review"),
        "article_supplied": _l("Supplied article added"),
        "article_version_begun": _l("Next version of an article begun"),
        "article_withdrawn": _l("Article withdrawn"),
        "bulletin_changed": _l("Bulletin changed"),
        "bulletin_sent": _l("Bulletin sent"),
        "bulletin_written": _l("Bulletin written"),
    },
    "audit_field": {
        "body": _l("Text"),
        "body_en": _l("Text, in English"),
        "dated_on": _l("Date"),
        "file": _l("File"),
        "intro": _l("Introduction"),
        "intro_en": _l("Introduction, in English"),
        "recipients": _l("Recipients"),
        "returned_reason": _l("Why it was returned"),
        "sent_at": _l("Sent at"),
        "sent_by_id": _l("Sent by"),
        "submitted_at": _l("Given to review at"),
        "summary": _l("In one sentence"),
        "summary_en": _l("In one sentence, in English"),
        "withdrawn_at": _l("Withdrawn at"),
        "withdrawn_by_id": _l("Withdrawn by"),
        "withdrawn_reason": _l("Why it was withdrawn"),
    },
}
