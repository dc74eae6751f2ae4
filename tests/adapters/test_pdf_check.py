"""PDFs that only show pages are taken; those that run, carry, hide or are something else are not."""

import zlib

import pytest

from service_desk.adapters.pdf import render
from service_desk.adapters.pdf_check import PdfFault, fault_of
from tests.adapters import papers

HEAD = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def pdf(*objects: bytes, trailer: bytes = b"<< /Root 1 0 R >>") -> bytes:
    """A file of these objects, numbered from 1."""
    numbered = [b"%d 0 obj\n%s\nendobj\n" % (number, one) for number, one in enumerate(objects, 1)]
    return HEAD + b"".join(numbered) + b"trailer\n" + trailer + b"\nstartxref\n0\n%%EOF\n"


def stream(data: bytes, entries: bytes = b"", *, length: int | None = None) -> bytes:
    count = len(data) if length is None else length
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, count, data)


CATALOG = b"<< /Type /Catalog /Pages 2 0 R /OpenAction [3 0 R /Fit] >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>"
RUNS = b"<< /Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >>"


def test_pages_with_pictures_and_packed_objects_are_taken() -> None:
    packed = zlib.compress(b"5 0 6 20 << /Type /Font >> << /Type /Font >>")
    noise = bytes(range(256)) * 40 + b"/JS endobj 7 /XFA"

    plain = pdf(
        CATALOG,
        PAGE,
        stream(noise, b"/Subtype /Image /Filter /DCTDecode"),
        stream(packed, b"/Type /ObjStm /N 2 /First 9 /Filter /FlateDecode"),
    )

    assert fault_of(plain) is None
    assert fault_of(plain + b"\r\n" * 20) is None


def test_our_own_papers_are_taken() -> None:
    assert fault_of(render("policy", papers.policies("zh"))) is None


@pytest.mark.parametrize(
    "action",
    [
        RUNS,
        b"<< /Type /Catalog /OpenAction << /S /J#61va#53cript /J#53 (x) >> >>",
        b"<< /Type /Catalog /AA << /O << /S /Launch /F (cmd.exe) >> >> >>",
        b"<< /Type /Catalog /Names << /EmbeddedFiles 9 0 R >> >>",
        b"<< /Type /Catalog /AcroForm << /XFA 9 0 R >> >>",
        b"<< /Type /Catalog /OpenAction << /S /GoToE >> >>",
        stream(zlib.compress(b"5 0 " + RUNS), b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode"),
        stream(zlib.compress(b"5 0 " + RUNS), b"/Type /Obj#53tm /N 1 /First 4 /Filter [/FlateDecode]"),
        stream(b"MZ\x90", b"/Type /EmbeddedFile"),
        # Hidden behind what this reader takes for a stream and another for a string.
        b"(<< >>\nstream\n) endobj 9 0 obj " + RUNS + b" endobj 10 0 obj (endstream)",
    ],
)
def test_what_runs_or_carries_is_found_wherever_it_hides(action: bytes) -> None:
    assert fault_of(pdf(action, PAGE)) is PdfFault.ACTIVE


def test_an_encrypted_one_is_named_as_such() -> None:
    assert fault_of(pdf(CATALOG, PAGE, trailer=b"<< /Root 1 0 R /Encrypt 9 0 R >>")) is PdfFault.ENCRYPTED
    packed = stream(zlib.compress(b"\0" * 40), b"/Type /XRef /Encrypt 9 0 R /Filter /FlateDecode")
    assert fault_of(pdf(CATALOG, packed)) is PdfFault.ENCRYPTED


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7 cut off",
        pdf(CATALOG) + b"PK\x03\x04 within PK\x05\x06" + b"\0" * 18,
        pdf(CATALOG) + b"<script>" * 400,
        pdf(stream(b"cannot be unpacked", b"/Type /ObjStm /Filter /FlateDecode")),
        pdf(stream(b"unknown packing", b"/Type /ObjStm /Filter /LZWDecode")),
        pdf(stream(zlib.compress(bytes(80 * 2**20)), b"/Type /ObjStm /Filter /FlateDecode")),
        HEAD + b"1 0 obj << /Length 9 >>\nstream\nno end %%EOF",
        # A packed object that a wrong length hides from this reader.
        pdf(b"(<< >>\nstream\n) endobj 9 0 obj << /Type /ObjStm >> (endstream)"),
    ],
)
def test_what_cannot_be_read_for_certain_is_refused(content: bytes) -> None:
    assert fault_of(content) is PdfFault.UNREADABLE
