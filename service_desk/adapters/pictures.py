"""Photos made safe: decoded, turned upright, made smaller and re-encoded; time and place read first, then dropped."""

import io
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from typing import Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from service_desk.base.clock import CHINA

MAX_SIDE = 1920
THUMB_SIDE = 320
MAX_PIXELS = 60_000_000
# A phone's MPO is opened by the JPEG reader; Pillow knows no reader of that name.
ALLOWED_FORMATS = ("JPEG", "PNG", "WEBP")
EXTENSIONS = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp"}
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
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"}


class NotAPicture(Exception):
    """The bytes are no whole picture of an allowed kind."""


class TooManyPixels(NotAPicture):
    """A picture that would unpack to more than MAX_PIXELS; it was not unpacked."""


class HeifPicture(NotAPicture):
    """A HEIC or AVIF picture: a real photo, of a kind that this desk cannot open."""


@dataclass(frozen=True)
class Picture:
    """A re-encoded JPEG with its thumbnail, and what the original said of when and where it was taken."""

    content: bytes
    width: int
    height: int
    thumb: bytes
    taken_at: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None


def make_safe(content: bytes) -> Picture:
    """Re-encode a JPEG, PNG or WebP as a JPEG of at most 1,920 pixels a side, without any metadata.

    NotAPicture (or one of its kinds) for anything else, a file that was cut off on the way among them.
    """
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS:
        raise HeifPicture
    try:
        with Image.open(io.BytesIO(content), formats=ALLOWED_FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise TooManyPixels
            notes = opened.getexif()
            taken_at, place = _taken_at(notes), _place(notes)
            # A JPEG is unpacked no larger than it will be shown, which spares most of the time and the memory.
            opened.draft("RGB", (MAX_SIDE, MAX_SIDE))
            upright = _flat(ImageOps.exif_transpose(opened))
    except Image.DecompressionBombError as error:
        raise TooManyPixels from error
    except _BROKEN as error:
        raise NotAPicture from error
    upright.thumbnail((MAX_SIDE, MAX_SIDE))
    small = upright.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE))
    width, height = upright.size
    return Picture(_jpeg(upright, 85), width, height, _jpeg(small, 75), taken_at, *place)


def extension_of(content: bytes) -> str:
    """The ending that fits a kept original: `.jpg`, `.png`, `.webp`, else `.bin`."""
    try:
        with Image.open(io.BytesIO(content), formats=ALLOWED_FORMATS) as opened:
            return EXTENSIONS.get(opened.format or "", ".bin")
    except _BROKEN:
        return ".bin"


def _flat(picture: Image.Image) -> Image.Image:
    """Without transparency: what is see-through is paper, as in a drawing, and not black."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    paper = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(paper, layered).convert("RGB")


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _taken_at(notes: Image.Exif) -> datetime | None:
    """When the camera says it was taken. A camera that names no zone is one of here."""
    details = notes.get_ifd(ExifTags.IFD.Exif)
    written = _text(details.get(ExifTags.Base.DateTimeOriginal) or notes.get(ExifTags.Base.DateTime))
    zone = _text(details.get(ExifTags.Base.OffsetTimeOriginal))
    try:
        taken = datetime.strptime(written, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the zone comes next
    except ValueError:
        return None
    try:
        return datetime.strptime(f"{written} {zone}", "%Y:%m:%d %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return taken.replace(tzinfo=CHINA).astimezone(UTC)
    except OverflowError:
        return None


def _text(value: Any) -> str:
    return value.replace("\0", "").strip() if isinstance(value, str) else ""


def _place(notes: Image.Exif) -> tuple[float | None, float | None]:
    """Where the camera says it was taken, in degrees; (None, None) when it does not say, or says what cannot be."""
    gps = notes.get_ifd(ExifTags.IFD.GPSInfo)
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef) == "S")
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef) == "W")
    # Cameras without a fix write nought for both.
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        return None, None
    is_on_earth = abs(latitude) <= 90 and abs(longitude) <= 180
    return (latitude, longitude) if is_on_earth else (None, None)


def _degrees(parts: Any, is_negative: bool) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = round(degrees + minutes / 60 + seconds / 3600, 6)
    # A fraction over nought is no number.
    return None if isnan(value) else -value if is_negative else value
