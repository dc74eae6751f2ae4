"""Pages of lists beyond their last."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from flask import Flask, abort, has_request_context, redirect, request, url_for

from service_desk.base.paging import Page
from service_desk.forms.fields import small_number


def lead_to_last_page(_app: Flask, context: dict[str, Any], **_rest: Any) -> None:
    """Who asks for a page beyond the last of a list, as a kept address may, is led to the last.

    Here, where every list passes with its count: the page would say that there is nothing.
    """
    is_asked = has_request_context() and request.method == "GET"
    wanted = small_number(request.args.get("page")) if is_asked else None
    lengths = [page.pages for page in _pages(context) if page.number == wanted]
    if wanted and lengths and wanted > max(lengths):
        asked = request.args.to_dict(flat=False) | (request.view_args or {})
        last = max(lengths)
        there = url_for(str(request.endpoint), **asked | {"page": last if last > 1 else None})
        abort(redirect(there))


def _pages(context: dict[str, Any]) -> Iterator[Page[Any]]:
    """The pages of lists that a template is given, by themselves or as a part of what it shows."""
    for value in context.values():
        is_of_parts = is_dataclass(value) and not isinstance(value, type)
        parts = [getattr(value, part.name) for part in fields(value)] if is_of_parts else []
        yield from (one for one in (value, *parts) if isinstance(one, Page))
