"""PDFs that only show pages are taken; those that run, carry, hide or are something else are not."""

import io
import zipfile
import zlib

import pytest

from service_desk.adapters.pdf import render
from service_desk.adapters.pdf_check import Enclosed, PdfFault, enclosed_in, fault_of
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


INVOICE = b'<?xml version="1.0" encoding="UTF-8"?><EInvoice><EIid>26417000000123456789</EIid></EInvoice>'
OF_INVOICE = b"<< /Type /Catalog /Names << /EmbeddedFiles << /Names [(i) 3 0 R] >> >> /AF [3 0 R] >>"
FILE = (
    b"<< /Type /Filespec /F (invoice.xml) /UF <FEFF53D17968002E0078006D006C> /EF << /F 4 0 R /UF 4 0 R >> >>"
)


def invoice(
    content: bytes = INVOICE, *more: bytes, file: bytes = FILE, entries: bytes = b"/Filter /FlateDecode"
) -> bytes:
    """An electronic invoice: a page, and a file within."""
    packed = zlib.compress(content) if entries else content
    return pdf(OF_INVOICE, PAGE, file, stream(packed, b"/Type /EmbeddedFile " + entries), *more)


def archive(*names: str) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as file:
        for name in names:
            file.writestr(name, "<a/>")
    return kept.getvalue()


OFD = archive("OFD.xml", "Doc_0/Document.xml", "Doc_0/Res/1.png", "Signs/Sign_0/Seal.esl")
GBK = '<?xml version="1.0" encoding="GBK"?><电子发票>拖车费</电子发票>'.encode("gbk")


@pytest.mark.parametrize(
    ("content", "suffix"),
    [(INVOICE, ".xml"), (b"\xef\xbb\xbf" + INVOICE, ".xml"), (GBK, ".xml"), (OFD, ".ofd")],
)
def test_an_invoice_is_taken_with_its_legal_original_inside(content: bytes, suffix: str) -> None:
    paper = invoice(content)

    assert fault_of(paper) is None
    assert enclosed_in(paper) == [Enclosed(suffix, content)]
    # What is said of it may be packed among other objects, and a file may lie there as it is.
    said = stream(zlib.compress(b"3 0 " + FILE), b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode")
    packed = pdf(OF_INVOICE, PAGE, b"null", stream(content, b"/Type /EmbeddedFile"), said)
    assert enclosed_in(packed) == [Enclosed(suffix, content)]


HIDDEN = b"7 0 obj << /F (a.exe) /EF << /F 8 0 R >> >> endobj 8 0 obj << /Length 2 >>\nstream\nMZ\nendstream"


@pytest.mark.parametrize(
    "carrying",
    [
        invoice(b"MZ\x90\x00 a program"),
        invoice(b"<?xml version='1.0'?><broken>"),
        invoice(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
        invoice(b"<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>"),
        invoice(b"<?xml-stylesheet href='a.xsl'?><a/>"),
        invoice(archive("OFD.xml", "run.exe")),
        invoice(archive("word/document.xml")),
        invoice(file=FILE.replace(b"invoice.xml", b"invoice.hta")),
        invoice(file=FILE.replace(b"invoice.xml", b"invoice.exe\\000.xml")),
        invoice(INVOICE, b"(invoice.exe)", file=FILE.replace(b"(invoice.xml)", b"5 0 R")),
        # Where the file lies is said elsewhere, or in a way this reader does not know.
        invoice(file=b"<< /F (a.xml) /EF 5 0 R >>"),
        invoice(file=b"<< /F (a.xml) /E#46 << /F 99 0 R >> >>"),
        # A second file beside the invoice, attached to a page and without a type of its own.
        invoice(INVOICE, b"<< /F (b.xml) /EF << /F 6 0 R >> >>", stream(b"MZ\x90")),
        # The same object again, as something else.
        invoice().replace(b"trailer", b"4 0 obj\n<< >>\nendobj\ntrailer"),
        # Objects within what this reader takes for a stream and another for a string.
        invoice(INVOICE, b"(<< >>\nstream\n) endobj " + HIDDEN + b" endobj 9 0 obj (endstream)"),
        # A file that hangs on a page, without the list of files and without a type.
        pdf(CATALOG, PAGE, b"<< /FS << /F (a.exe) /EF << /F 4 0 R >> >> >>", stream(b"MZ\x90")),
        # Read with another packing than the one said first.
        invoice(entries=b"/Filter /FlateDecode /Filter /ASCIIHexDecode"),
        invoice(INVOICE, RUNS),
    ],
)
def test_everything_else_that_is_carried_is_refused(carrying: bytes) -> None:
    assert fault_of(carrying) is PdfFault.ACTIVE


def test_a_carried_file_that_unpacks_without_end_is_refused() -> None:
    assert fault_of(invoice(b" " * (21 * 2**20))) is PdfFault.UNREADABLE
    half = b"<a>" + b" " * (11 * 2**20) + b"</a>"
    again = b"<< /F (b.xml) /EF << /F 6 0 R >> >>", stream(zlib.compress(half), b"/Filter /FlateDecode")
    assert fault_of(invoice(half, *again)) is PdfFault.UNREADABLE
