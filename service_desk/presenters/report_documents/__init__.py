"""Any report of `rules.report_document` in the reader's language: on a page, in a mail, as a spreadsheet, on paper.

One set of words and drawings feeds all four, so that they say the same.
"""

from service_desk.presenters.report_documents.as_mail import chat_parts, mail_parts
from service_desk.presenters.report_documents.as_page import Document, document, page_context
from service_desk.presenters.report_documents.as_pdf import pdf
from service_desk.presenters.report_documents.as_workbook import sheets, workbook
from service_desk.presenters.report_documents.words import filename, period_words, title

__all__ = [
    "Document",
    "chat_parts",
    "document",
    "filename",
    "mail_parts",
    "page_context",
    "pdf",
    "period_words",
    "sheets",
    "title",
    "workbook",
]
