"""Photos made safe: decoded, turned upright, made smaller and re-encoded; location read first, then dropped."""

import io
import struct
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_SIDE = 1920
MAX_PIXELS = 60_000_000
# A phone's MPO is opened by the JPEG reader; Pillow knows no reader of that name.
ALLOWED_FORMATS = ("JPEG", "PNG", "WEBP")
# What readers of pictures and of their EXIF data raise over bytes that are not what they should be.
_BROKEN = (
    UnidentifiedImageError,
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    ArithmeticError,
    LookupError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)


class NotAPicture(Exception):
    """The bytes are no picture of an allowed kind."""


@dataclass(frozen=True)
class Picture:
    """A re-encoded JPEG."""

    content: bytes
    width: int
    height: int


def make_safe(content: bytes) -> Picture:
    """Re-encode a JPEG, PNG or WebP as a JPEG of at most 1,920 pixels a side, without any metadata."""
    try:
        with Image.open(io.BytesIO(content), formats=ALLOWED_FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise NotAPicture
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except _BROKEN as error:
        raise NotAPicture from error
    upright.thumbnail((MAX_SIDE, MAX_SIDE))
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=85, optimize=True)
    return Picture(out.getvalue(), upright.width, upright.height)
