"""Whether a PDF only shows pages: nothing in it runs, starts a program, carries programs or hides what it says.

A small reader of the format's objects (ISO 32000), not of its pages. It walks the file object by object, jumps over
the content of streams (where any bytes may stand by chance) and unpacks the streams that hold objects, so that what
is wanted is found behind compression and behind names written in hexadecimal. What it cannot read for certain is
refused as well. Files are only ever served as a download in a sandbox; this is the second wall.

Fully digital e-invoices (数电票) carry their legal original, an XML or OFD, inside. A PDF that carries such files passes
where it is certain that they are, that they are named so, and that there are no others.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from service_desk.adapters import invoice_files

MAX_UNPACKED = 64 * 1024 * 1024
MAX_CARRIED = 20 * 1024 * 1024

# Long enough that no picture's bytes hold one by chance: looked for everywhere, wherever streams seem to begin and end.
_LONG = (b"JavaScript", b"Launch", b"RichMedia", b"GoToE", b"ImportData", b"SubmitForm")
_ACTIVE = {*_LONG, b"JS", b"XFA", b"Movie", b"Sound"}
_LONG_CARRYING = (b"EmbeddedFile", b"FileAttachment")
_CARRYING = {*_LONG_CARRYING, b"EmbeddedFiles", b"EF"}
_NAME = re.compile(rb"/([^\x00\t\n\f\r ()<>\[\]{}/%]+)")
_HEX = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb"stream\r?\n")
_LENGTH = re.compile(rb"/Length\s+(\d+)(?!\s+\d+\s+R)")
_FILTER = re.compile(rb"/Filter\s*(\[[^\]]*\]|/[^\x00\t\n\f\r ()<>\[\]{}/%]+)")
_ARCHIVE = b"PK\x05\x06"


def _written(name: bytes) -> bytes:
    """A pattern for a name with any of its letters as it is or in hexadecimal."""
    return b"/" + b"".join(b"(?:%c|#(?i:%02x))" % (letter, letter) for letter in name)


_LONG_ANYWHERE = re.compile(b"|".join(_written(name) for name in _LONG))
_CARRYING_ANYWHERE = re.compile(b"|".join(_written(name) for name in _LONG_CARRYING))
_OBJECTS_ANYWHERE = re.compile(_written(b"ObjStm"))


class PdfFault(StrEnum):
    """Why a PDF is not taken."""

    ACTIVE = "active"
    ENCRYPTED = "encrypted"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Enclosed:
    """A file within a PDF, and the ending of what it is: one of `invoice_files`."""

    suffix: str
    content: bytes


def fault_of(content: bytes) -> PdfFault | None:
    """What speaks against a PDF; None when it only shows pages."""
    try:
        enclosed_in(content)
    except _Refused as refused:
        return refused.fault
    return None


class _Refused(Exception):
    def __init__(self, fault: PdfFault = PdfFault.UNREADABLE) -> None:
        self.fault = fault


def enclosed_in(content: bytes) -> list[Enclosed]:
    """The files that a PDF carries, each once. Of one that `fault_of` has passed."""
    end = content.rfind(b"%%EOF")
    # What stands behind the end is another file: a zip that opens as one, a page of script.
    if end < 0 or _ARCHIVE in content[end:] or len(content) - end > 2048:
        raise _Refused
    parts = _split(content)
    # One that was passed over stands where this reader saw something else than another would.
    if len(_OBJECTS_ANYWHERE.findall(content)) != len(parts.packed):
        raise _Refused
    names = _names(parts.outside)
    for one in parts.packed:
        names |= _names(one)
    if b"Encrypt" in names:
        raise _Refused(PdfFault.ENCRYPTED)
    if names & _ACTIVE or _LONG_ANYWHERE.search(content):
        raise _Refused(PdfFault.ACTIVE)
    if not (names & _CARRYING or _CARRYING_ANYWHERE.search(content)):
        return []
    contents = _unpack_carried(_carried(content, parts))
    files = [Enclosed(invoice_files.kind_of(one), one) for one in contents]
    if not all(file.suffix for file in files):
        raise _Refused(PdfFault.ACTIVE)
    return files


@dataclass(frozen=True)
class _Stream:
    """The number of a stream's object, what is said of it, and its bytes as they lie there."""

    number: int
    header: bytes
    data: bytes


@dataclass(frozen=True)
class _Parts:
    """What stands outside of streams, the unpacked streams that hold objects, and all others."""

    outside: bytes
    packed: list[bytes]
    streams: list[_Stream]


# How an object begins. In a picture's bytes it stands by chance once in gigabytes.
_BEGIN = re.compile(rb"[\x00\s]obj(?=[\x00\s<\[(/%+\-\d])")
_NUMBERED = re.compile(rb"(?<!\d)(\d{1,10})[\x00\s]{1,9}\d{1,5}[\x00\s]{1,9}obj(?=[\x00\s<\[(/%+\-\d])")
_NUMBER_BEFORE = re.compile(rb"(?<!\d)(\d{1,10})[\x00\s]{1,9}\d{1,5}[\x00\s]{1,9}$")
# Where the bytes of a carried file lie, and what it is called: as text, as hexadecimal, or somewhere else.
_KEY = rb"/(?:F|UF|DOS|Mac|Unix)"
_LIES = re.compile(rb"/EF\s*<<((?:\s*" + _KEY + rb"\s+\d+\s+\d+\s+R)+)\s*>>")
_LIES_SOMEHOW = re.compile(rb"/EF(?![^\x00\s()<>\[\]{}/%])")
_REFERENCE = re.compile(rb"(\d+)\s+\d+\s+R")
_CALLED = re.compile(
    _KEY + rb"\s*(?:\(((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*)\)|<([0-9A-Fa-f\s]+)>)", re.DOTALL
)
_CALLED_SOMEHOW = re.compile(_KEY + rb"[\x00\s]*(?:[(<%]|\d+\s+\d+\s+R)")
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)


def _carried(content: bytes, parts: _Parts) -> list[_Stream]:
    """The streams of the carried files. Refused unless all of them are certain to be found, and well named."""
    numbers = Counter(int(number) for number in _NUMBERED.findall(parts.outside))
    # An object within what this reader takes for a stream, or with a number it cannot read, may be another file.
    if not numbers.total() == len(_BEGIN.findall(parts.outside)) == len(_BEGIN.findall(content)):
        raise _Refused(PdfFault.ACTIVE)
    wanted = {number for text in (parts.outside, *parts.packed) for number in _lying(_unescaped(text))}
    streams = [one for one in parts.streams if one.number in wanted or b"/EmbeddedFile" in one.header]
    # One that is something else in another part of the file may be that for another reader.
    lying = Counter(one.number for one in streams)
    if not wanted or any(not numbers[number] == lying[number] > 0 for number in wanted):
        raise _Refused(PdfFault.ACTIVE)
    return streams


def _lying(objects: bytes) -> Iterator[int]:
    """The numbers of the objects where carried files lie. Refused when one is not named as what is harmless."""
    if len(_LIES.findall(objects)) != len(_LIES_SOMEHOW.findall(objects)):
        raise _Refused(PdfFault.ACTIVE)
    elsewhere = _LIES.sub(b" ", objects)
    called = _CALLED.findall(elsewhere)
    if len(called) != len(_CALLED_SOMEHOW.findall(elsewhere)):
        raise _Refused(PdfFault.ACTIVE)
    for text, digits in called:
        if not _is_harmless(_name(text, digits)):
            raise _Refused(PdfFault.ACTIVE)
    for lies in _LIES.findall(objects):
        yield from (int(number) for number in _REFERENCE.findall(lies))


# A zero ends a name for some, a colon begins another file's for Windows.
_ODD_IN_NAMES = re.compile(r"[\x00-\x1f:]")


def _is_harmless(name: str) -> bool:
    return name.lower().endswith(invoice_files.SUFFIXES) and not _ODD_IN_NAMES.search(name)


def _name(text: bytes, digits: bytes) -> str:
    """A file's name, written as text or in hexadecimal. What is cut off by an odd digit is not harmless."""
    if digits:
        plain = b"".join(digits.split())
        name = bytes.fromhex(plain.decode()) if len(plain) % 2 == 0 else b""
    else:
        name = _ESCAPED.sub(_meant, text)
    if name.startswith(b"\xfe\xff"):
        return name[2:].decode("utf-16-be", "replace")
    return name.decode("utf-8", "replace")


def _meant(escaped: re.Match[bytes]) -> bytes:
    code = escaped[1]
    if code.isdigit():
        return bytes([int(code, 8) & 255])
    # Breaks and tabs have no place in a name; the zero makes it one that is refused.
    return b"\0" if code in (b"n", b"r", b"t", b"b", b"f") or code.isspace() else code


def _unpack_carried(streams: list[_Stream]) -> list[bytes]:
    """The contents, each once. All of them together may unpack to so much and no more."""
    contents, room = [], MAX_CARRIED
    for one in streams:
        if one.header.count(b"/Filter") > 1 or b"/DecodeParms" in one.header:
            raise _Refused(PdfFault.ACTIVE)
        contents.append(_unpack(one.data, one.header, room))
        room -= len(contents[-1])
    return list(dict.fromkeys(contents))


def _split(content: bytes) -> _Parts:
    """Take a file apart, jumping over the content of streams."""
    outside, packed, streams, at, room = [], [], [], 0, MAX_UNPACKED
    while found := _STREAM.search(content, at):
        before = content[at : found.start()]
        outside.append(before)
        # `endstream` closes one; a stray word within text is no stream.
        if before.endswith(b"end") or not before.rstrip().endswith(b">>"):
            at = found.end()
            continue
        begin = max(before.rfind(b"obj"), 0)
        header = _unescaped(before[begin:])
        end = _end_of(content, found.end(), header)
        data = content[found.end() : end]
        if b"/ObjStm" in header:
            unpacked = _unpack(data, header, room)
            packed.append(unpacked)
            room -= len(unpacked)
        elif number := _NUMBER_BEFORE.search(before[max(begin - 40, 0) : begin]):
            streams.append(_Stream(int(number[1]), header, data))
        at = end
    outside.append(content[at:])
    return _Parts(b" ".join(outside), packed, streams)


def _end_of(content: bytes, start: int, header: bytes) -> int:
    """Where a stream's content ends: where its length says if that is so, else at the next `endstream`."""
    length = _LENGTH.search(header)
    if length:
        end = start + int(length[1])
        if content[end : end + 11].lstrip(b"\r\n ").startswith(b"endstream"):
            return end
    end = content.find(b"endstream", start)
    if end < 0:
        raise _Refused
    return end


def _unpack(data: bytes, header: bytes, room: int) -> bytes:
    """A stream of objects as it is read; a packing that is not understood, or too large, is refused."""
    wanted = _FILTER.search(header)
    filters = _NAME.findall(wanted[1]) if wanted else []
    if filters and (filters not in ([b"FlateDecode"], [b"Fl"]) or b"/Predictor" in header):
        raise _Refused
    try:
        # One byte more than there is room for: none at all would mean no limit.
        unpacked = zlib.decompressobj().decompress(data, room + 1) if filters else data
    except zlib.error:
        raise _Refused from None
    if len(unpacked) > room:
        raise _Refused
    return unpacked


def _unescaped(objects: bytes) -> bytes:
    """Names as they are meant: `/J#61vaScript` is `/JavaScript`."""
    return _NAME.sub(lambda name: b"/" + _HEX.sub(lambda code: bytes([int(code[1], 16)]), name[1]), objects)


def _names(objects: bytes) -> set[bytes]:
    return {_HEX.sub(lambda code: bytes([int(code[1], 16)]), name) for name in _NAME.findall(objects)}
