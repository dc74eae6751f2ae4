"""Answers given often: words with places in braces, which the facts of a contact fill."""

import re
from collections.abc import Mapping
from enum import StrEnum

_PLACE = re.compile(r"\{([^{}\n]*)\}")


class Place(StrEnum):
    """What a template may leave open."""

    CALLER = "caller"
    CLAIM_NO = "claim_no"
    POLICY_NO = "policy_no"
    PLATE = "plate"
    OWNER_NAME = "owner_name"
    OWNER_PHONE = "owner_phone"
    MISSING_DOCUMENTS = "missing_documents"


def unknown_places(body: str) -> list[str]:
    """The places of a text that nothing would ever fill, in their order."""
    found = [one.strip() for one in _PLACE.findall(body)]
    return list(dict.fromkeys(one for one in found if one not in set(Place)))


def filled(body: str, facts: Mapping[Place, str]) -> str:
    """The text with its places filled. What is not known stays in braces, so that whoever answers sees it."""

    def put(match: re.Match[str]) -> str:
        name = match[1].strip()
        known = facts.get(Place(name), "") if name in set(Place) else ""
        return known or match[0]

    return _PLACE.sub(put, body)
