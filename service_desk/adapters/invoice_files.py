"""Whether a file is what an electronic invoice is kept as: XML or OFD that nothing can be started from."""

import io
import re
import zipfile
from pathlib import PurePosixPath
from typing import Any
from xml.parsers import expat

XML, OFD = ".xml", ".ofd"
# XBRL is XML: the vouchers of the accounting standard (财会〔2023〕7 号) are named so.
SUFFIXES = (XML, ".xbrl", OFD)

_DECLARED = re.compile(rb"""<\?xml[^>]*encoding=["'](gb[\w-]+)["']""", re.IGNORECASE)
_PAGES_OF_BROWSERS = ("http://www.w3.org/1999/xhtml ", "http://www.w3.org/2000/svg ")
_MOST_PARTS = 2000
# What an OFD is made of: its pages, pictures, fonts, seals and signatures.
_PARTS = frozenset(
    {"", ".xml", ".xbrl", ".ofd", ".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".jb2", ".gbig2"}
    | {".ttf", ".otf", ".ttc", ".cff", ".esl", ".dat"}
)


def kind_of(content: bytes) -> str:
    """`.xml` or `.ofd` for what is certainly one of them; empty for everything else."""
    if content.startswith(b"PK\x03\x04"):
        return OFD if _is_ofd(content) else ""
    return XML if _is_xml(content) else ""


def _is_ofd(content: bytes) -> bool:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    known = all(PurePosixPath(name).suffix.lower() in _PARTS for name in names)
    return "OFD.xml" in names and len(names) <= _MOST_PARTS and known


class _NotPlain(Exception):
    pass


def _refuse(*_args: Any) -> None:
    raise _NotPlain


def _begin(name: str, _attributes: dict[str, str]) -> None:
    if name.startswith(_PAGES_OF_BROWSERS):
        raise _NotPlain


def _is_xml(content: bytes) -> bool:
    """Well-formed, without entities of its own, and nothing that a browser would run as a page or by a style sheet."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    parser.StartElementHandler = _begin
    declared = _DECLARED.match(content[:200])
    try:
        # The parser knows no Chinese encoding; told as text it does not look at what is declared.
        parser.Parse(content.decode("gb18030") if declared else content, True)
    except (expat.ExpatError, _NotPlain, ValueError, LookupError):
        return False
    return True
