"""Photos made safe, and bytes that only look like a photo."""

import io
import zlib
from datetime import UTC, datetime

import pytest
from PIL import ExifTags, Image

from service_desk.adapters.pictures import (
    HeifPicture,
    NotAPicture,
    TooManyPixels,
    extension_of,
    make_safe,
)

ORIENTATION, MAKER = 0x0112, 0x010F


def test_a_photo_is_turned_upright_and_loses_its_metadata() -> None:
    shown = make_safe(_photo())

    assert (shown.width, shown.height) == (6, 8)
    with Image.open(io.BytesIO(shown.content)) as opened:
        assert opened.format == "JPEG"
        assert not opened.getexif()


@pytest.mark.parametrize(
    "broken", [b"", b"no picture", b"\xff\xd8\xff\xe0", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_what_is_no_picture_is_refused(broken: bytes) -> None:
    with pytest.raises(NotAPicture):
        make_safe(broken)


def test_a_photo_whose_notes_are_damaged_is_refused_and_not_a_fault() -> None:
    damaged = bytearray(_photo())
    # The first entry's tag: the maker's name now stands where a number is expected.
    damaged[damaged.index(b"Exif") + 17] = 0

    with pytest.raises(NotAPicture):
        make_safe(bytes(damaged))


def test_time_and_place_are_read_before_they_are_dropped() -> None:
    shown = make_safe(_photo_taken("2026:11:23 08:50:12"))

    assert shown.taken_at == datetime(2026, 11, 23, 0, 50, 12, tzinfo=UTC)
    assert (shown.latitude, shown.longitude) == (34.7575, 113.0225)
    with Image.open(io.BytesIO(shown.content)) as opened:
        assert not opened.getexif()


def test_a_stated_zone_counts_and_nonsense_is_as_if_nothing_was_said() -> None:
    zoned = make_safe(_photo_taken("2026:11:23 08:50:12", zone="+09:00"))
    assert zoned.taken_at == datetime(2026, 11, 22, 23, 50, 12, tzinfo=UTC)

    for words in ("0000:00:00 00:00:00", "yesterday"):
        assert make_safe(_photo_taken(words)).taken_at is None
    assert make_safe(_photo_taken("2026:11:23 08:50:12", degrees=(191.0, 0.0, 0.0))).latitude is None
    assert make_safe(_photo_taken("2026:11:23 08:50:12", degrees=(0.0, 0.0, 0.0))).latitude is not None


def test_a_list_shows_a_small_copy() -> None:
    out = io.BytesIO()
    Image.effect_noise((2400, 1800), 60).save(out, "JPEG")

    shown = make_safe(out.getvalue())

    assert (shown.width, shown.height) == (1920, 1440)
    with Image.open(io.BytesIO(shown.thumb)) as small:
        assert small.size == (320, 240)
    assert len(shown.thumb) < 40_000


def test_a_drawing_without_ground_is_drawn_on_paper() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(out, "PNG")

    with Image.open(io.BytesIO(make_safe(out.getvalue()).content)) as opened:
        assert opened.getpixel((10, 10)) == (255, 255, 255)


def test_a_photo_that_carries_a_script_or_an_archive_is_shown_without_it() -> None:
    for cargo in (b"<script>alert(1)</script>", b"PK\x03\x04 evil.exe PK\x05\x06"):
        shown = make_safe(_photo() + cargo)
        assert cargo not in shown.content
        assert cargo not in shown.thumb
    gif = b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)"
    with pytest.raises(NotAPicture):
        make_safe(gif)


def test_a_picture_that_would_unpack_beyond_measure_is_not_unpacked() -> None:
    with pytest.raises(TooManyPixels):
        make_safe(_png_that_claims(30_000, 30_000))
    with pytest.raises(TooManyPixels):
        make_safe(_png_that_claims(8_000, 8_000))


def test_a_photo_cut_off_on_the_way_and_one_of_a_kind_we_cannot_open_are_refused() -> None:
    out = io.BytesIO()
    Image.effect_noise((400, 300), 60).save(out, "JPEG")
    with pytest.raises(NotAPicture):
        make_safe(out.getvalue()[: len(out.getvalue()) // 2])
    with pytest.raises(HeifPicture):
        make_safe(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64)


def test_an_original_is_named_by_what_it_is() -> None:
    png = io.BytesIO()
    Image.new("RGB", (2, 2)).save(png, "PNG")

    assert [extension_of(one) for one in (_photo(), png.getvalue(), b"MZ")] == [".jpg", ".png", ".bin"]


def _png_that_claims(width: int, height: int) -> bytes:
    """A small file whose head says it is a huge picture, as a decompression bomb's does."""
    head = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    rows = zlib.compress(bytes(10_000))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _photo_taken(
    words: str, *, zone: str = "", degrees: tuple[float, float, float] = (34.0, 45.0, 27.0)
) -> bytes:
    notes = Image.Exif()
    details = notes.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = words
    if zone:
        details[ExifTags.Base.OffsetTimeOriginal] = zone
    gps = notes.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", degrees
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", (113.0, 1.0, 21.0)
    out = io.BytesIO()
    Image.new("RGB", (8, 6)).save(out, "JPEG", exif=notes.tobytes())
    return out.getvalue()


def _photo() -> bytes:
    notes = Image.Exif()
    notes[ORIENTATION], notes[MAKER] = 6, "maker"
    out = io.BytesIO()
    Image.new("RGB", (8, 6)).save(out, "JPEG", exif=notes.tobytes())
    return out.getvalue()
