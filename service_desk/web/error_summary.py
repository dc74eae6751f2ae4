"""The order in which a refused form sums up what is wrong: that of its page, which forms do not know."""

import re

from flask import Response

_SUMMARY = re.compile(r'(<div class="form-errors".*?<ul>)(.*?)(</ul>)', re.DOTALL)
_SENTENCE = re.compile(r"<li>.*?</li>", re.DOTALL)
_FIELD = re.compile(r'<a href="#([^"]+)">')


def sort_summaries(response: Response) -> None:
    """Put what `form_errors` of macros/field.html wrote above a form into the order of the fields below it."""
    if response.status_code >= 400 and response.mimetype == "text/html" and not response.is_streamed:
        page = response.get_data(as_text=True)
        if 'class="form-errors"' in page:
            response.set_data(in_order_of_page(page))


def in_order_of_page(page: str) -> str:
    """A page with its summaries sorted. What is of no field in sight stays in front."""

    def place(sentence: str) -> int:
        field = _FIELD.search(sentence)
        return page.find(f' id="{field[1]}"') if field else -1

    def ordered(summary: re.Match[str]) -> str:
        return summary[1] + "".join(sorted(_SENTENCE.findall(summary[2]), key=place)) + summary[3]

    return _SUMMARY.sub(ordered, page)
