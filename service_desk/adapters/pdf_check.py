"""Whether a PDF only shows pages: nothing in it runs, starts a program, carries other files or hides what it says.

A small reader of the format's objects (ISO 32000), not of its pages. It walks the file object by object, jumps over
the content of streams (where any bytes may stand by chance) and unpacks the streams that hold objects, so that what
is wanted is found behind compression and behind names written in hexadecimal. What it cannot read for certain is
refused as well. Files are only ever served as a download in a sandbox; this is the second wall.
"""

import re
import zlib
from enum import StrEnum

MAX_UNPACKED = 64 * 1024 * 1024

# Long enough that no picture's bytes hold one by chance: looked for everywhere, wherever streams seem to begin and end.
_LONG = (b"JavaScript", b"Launch", b"EmbeddedFile", b"RichMedia", b"GoToE", b"ImportData", b"SubmitForm")
_ACTIVE = {*_LONG, b"EmbeddedFiles", b"JS", b"XFA", b"Movie", b"Sound"}
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
_OBJECTS_ANYWHERE = re.compile(_written(b"ObjStm"))


class PdfFault(StrEnum):
    """Why a PDF is not taken."""

    ACTIVE = "active"
    ENCRYPTED = "encrypted"
    UNREADABLE = "unreadable"


def fault_of(content: bytes) -> PdfFault | None:
    """What speaks against a PDF; None when it only shows pages."""
    end = content.rfind(b"%%EOF")
    # What stands behind the end is another file: a zip that opens as one, a page of script.
    if end < 0 or _ARCHIVE in content[end:] or len(content) - end > 2048:
        return PdfFault.UNREADABLE
    try:
        objects, packed = _split(content)
        # One that was passed over stands where this reader saw something else than another would.
        if len(_OBJECTS_ANYWHERE.findall(content)) != len(packed):
            return PdfFault.UNREADABLE
        names = _names(objects)
        for one in packed:
            names |= _names(one)
    except (_Unreadable, zlib.error):
        return PdfFault.UNREADABLE
    if b"Encrypt" in names:
        return PdfFault.ENCRYPTED
    is_active = names & _ACTIVE or _LONG_ANYWHERE.search(content)
    return PdfFault.ACTIVE if is_active else None


class _Unreadable(Exception):
    pass


def _split(content: bytes) -> tuple[bytes, list[bytes]]:
    """What stands outside of streams, and the unpacked streams that hold objects."""
    outside, packed, at, room = [], [], 0, MAX_UNPACKED
    while found := _STREAM.search(content, at):
        before = content[at : found.start()]
        outside.append(before)
        # `endstream` closes one; a stray word within text is no stream.
        if before.endswith(b"end") or not before.rstrip().endswith(b">>"):
            at = found.end()
            continue
        header = _unescaped(before[max(before.rfind(b"obj"), 0) :])
        end = _end_of(content, found.end(), header)
        if b"/ObjStm" in header:
            unpacked = _unpack(content[found.end() : end], header, room)
            packed.append(unpacked)
            room -= len(unpacked)
        at = end
    outside.append(content[at:])
    return b" ".join(outside), packed


def _end_of(content: bytes, start: int, header: bytes) -> int:
    """Where a stream's content ends: where its length says if that is so, else at the next `endstream`."""
    length = _LENGTH.search(header)
    if length:
        end = start + int(length[1])
        if content[end : end + 11].lstrip(b"\r\n ").startswith(b"endstream"):
            return end
    end = content.find(b"endstream", start)
    if end < 0:
        raise _Unreadable
    return end


def _unpack(data: bytes, header: bytes, room: int) -> bytes:
    """A stream of objects as it is read; a packing that is not understood, or too large, is refused."""
    wanted = _FILTER.search(header)
    filters = _NAME.findall(wanted[1]) if wanted else []
    if not filters:
        return data
    if filters not in ([b"FlateDecode"], [b"Fl"]) or b"/Predictor" in header:
        raise _Unreadable
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(data, room)
    if unpacker.unconsumed_tail:
        raise _Unreadable
    return unpacked


def _unescaped(objects: bytes) -> bytes:
    """Names as they are meant: `/J#61vaScript` is `/JavaScript`."""
    return _NAME.sub(lambda name: b"/" + _HEX.sub(lambda code: bytes([int(code[1], 16)]), name[1]), objects)


def _names(objects: bytes) -> set[bytes]:
    return {_HEX.sub(lambda code: bytes([int(code[1], 16)]), name) for name in _NAME.findall(objects)}
