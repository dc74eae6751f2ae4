"""Text as people type it, made comparable."""

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def fold(value: str) -> str:
    """NFKC (full-width to half-width), without characters that nobody sees (zero-width blanks, marks of order)."""
    return value if value.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKC", value))


def squeeze(value: str) -> str:
    """NFKC (full-width to half-width), outer blanks off, inner runs of blanks to one space."""
    return " ".join(unicodedata.normalize("NFKC", value).split())


def one_line(value: str) -> str:
    """Prose on one line: outer blanks off, inner runs to one. Unlike `squeeze` it leaves Chinese punctuation as typed."""
    return " ".join(value.split())


def within_a_line(name: str) -> str:
    """A name as it stands after other words: a small letter first, unless it begins with an abbreviation (CTPL)."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def search_key(value: str) -> str:
    """The form that search columns hold: NFKC, lower case, no blanks, no separators of plates."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    return "".join(c for c in folded if not c.isspace() and c not in "·.-、")


def mask_account_number(value: str) -> str:
    """A bank account as shown to readers: all but the last four digits hidden."""
    digits = value.replace(" ", "")
    return "*" * max(len(digits) - 4, 0) + digits[-4:]


def like_pattern(key: str) -> str:
    """A LIKE pattern that finds `key` anywhere; use with `escape="\\\\"`."""
    escaped = key.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
