"""Refusals about guides, cases and bulletins."""

from flask_babel import lazy_gettext as _l

MESSAGES = {
    "knowledge_language": _l("Both languages must be there before somebody reviews it: write this one too."),
    "knowledge_in_review": _l("It is being reviewed. Take it back first, with a word why."),
    "knowledge_not_in_review": _l("Only what was given to review can be published or returned."),
    "knowledge_own": _l("You wrote on this version. Somebody else has to publish it."),
    "knowledge_too_long": _l("A text has at most %(most)s characters."),
    "knowledge_files_full": _l("A version has at most %(most)s files."),
    "bulletin_articles": _l("Choose at least one published article."),
    "bulletin_too_many": _l("A bulletin tells of at most %(most)s articles."),
    "bulletin_sent": _l("The bulletin was sent and is not changed any more."),
    "bulletin_withdrawn": _l("One of its articles was withdrawn since; write a new bulletin without it."),
    "bulletin_nobody": _l(
        "No branch of this account has a safety officer with a sign-in or a contact person with an e-mail address."
    ),
}
