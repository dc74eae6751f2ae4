"""Personal data in what leaves the desk: which role takes it out whole, which masked, which not at all.

Pages show one matter to who works on it; a file holds thousands and is passed on. So a file is never less masked than
the page it was made from. Plates, VINs and numbers of papers belong to companies' vehicles and are not personal.
"""

import re
from enum import StrEnum

from service_desk.base.text import mask_account_number
from service_desk.rules.claim_parties import mask_id_number, mask_name, mask_phone
from service_desk.rules.permissions import Role, Side, side_of


class Personal(StrEnum):
    """What a value says of a person."""

    NAME = "name"
    PHONE = "phone"
    MAIL = "mail"
    ID_NUMBER = "id_number"
    ACCOUNT_NUMBER = "account_number"


class Whose(StrEnum):
    """Whom a value speaks of, seen from the desk."""

    STAFF = "staff"  # of the insurer or the client: named on every page, for that is whom one calls
    INSURED = "insured"  # the client's drivers and who reported for it
    THIRD = "third"  # injured, owners of other vehicles, payees, callers from outside


class Sight(StrEnum):
    """How much of a value a role takes out."""

    WHOLE = "whole"
    MASKED = "masked"
    HIDDEN = "hidden"


_HANDLERS = frozenset({Role.CLAIMS, Role.MANAGER})
# Proof of who somebody is, and the way to their money: no list needs them, a single matter's page has them.
_NEVER_WHOLE = frozenset({Personal.ID_NUMBER, Personal.ACCOUNT_NUMBER})
HIDDEN = "***"


def sight(role: Role, what: Personal, whose: Whose) -> Sight:
    """How much of such a value the role takes out in a file."""
    if what in _NEVER_WHOLE:
        return Sight.MASKED if role in _HANDLERS else Sight.HIDDEN
    if whose is Whose.STAFF or role in _HANDLERS:
        return Sight.WHOLE
    if whose is Whose.INSURED and side_of(role) is Side.CLIENT:
        return Sight.WHOLE
    return Sight.MASKED


def as_seen(value: str, role: Role, what: Personal, whose: Whose) -> str:
    """The value as the role may take it out."""
    found = sight(role, what, whose)
    if not value or found is Sight.WHOLE:
        return value
    return HIDDEN if found is Sight.HIDDEN else mask(value, what)


def mask(value: str, what: Personal) -> str:
    """`139****5678`, `张*`, `4****************1`, `************5678`, `w***@example.cn`."""
    if what is Personal.MAIL:
        name, _at, host = value.partition("@")
        return f"{name[:1]}***@{host}" if host else HIDDEN
    if what is Personal.NAME:
        return mask_name(value)
    if what is Personal.PHONE:
        return mask_phone(value)
    return mask_id_number(value) if what is Personal.ID_NUMBER else mask_account_number(value)


# Codes, numbers of rows, days and months: the values that filters offer. What somebody typed may name a person.
_OFFERED = re.compile(r"-?[a-z][a-z_.-]{0,39}|\d{1,6}|\d{4}-\d{2}(-\d{2})?")


def filter_as_kept(value: str) -> str:
    """A value of a filter as the audit trail keeps it: what was chosen as it is, what was typed as `***`."""
    return value if not value or _OFFERED.fullmatch(value) else HIDDEN


# How the fields of the audit trail's changes are called; the trail's own file is masked for everybody.
_FIELDS = {
    "account_number": Personal.ACCOUNT_NUMBER,
    "callback_phone": Personal.PHONE,
    "caller_name": Personal.NAME,
    "caller_phone": Personal.PHONE,
    "driver_name": Personal.NAME,
    "driver_phone": Personal.PHONE,
    "email": Personal.MAIL,
    "id_number": Personal.ID_NUMBER,
    "payee": Personal.NAME,
    "phone": Personal.PHONE,
    "reporter_name": Personal.NAME,
    "reporter_phone": Personal.PHONE,
}
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)\d{17}[\dXx](?![\dXx])")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")


def trail_value(field: str, value: str) -> str:
    """A value of the audit trail, masked by the name of its field, and inside free text by its shape."""
    what = _FIELDS.get(field)
    return mask(value, what) if what else mask_in_text(value)


def mask_in_text(text: str) -> str:
    """Free text with the mobile numbers, identity numbers and mail addresses in it masked."""
    text = _IDENTITY.sub(lambda found: mask_id_number(found[0]), text)
    text = _MOBILE.sub(lambda found: mask_phone(found[0]), text)
    return _ADDRESS.sub(lambda found: mask(found[0], Personal.MAIL), text)
