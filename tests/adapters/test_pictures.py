"""Photos made safe, and bytes that only look like a photo."""

import io

import pytest
from PIL import Image

from service_desk.adapters.pictures import NotAPicture, make_safe

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


def _photo() -> bytes:
    notes = Image.Exif()
    notes[ORIENTATION], notes[MAKER] = 6, "maker"
    out = io.BytesIO()
    Image.new("RGB", (8, 6)).save(out, "JPEG", exif=notes.tobytes())
    return out.getvalue()
