"""PDF files written by hand, as small as they come."""

_AES = (
    "/Encrypt << /Filter /Standard /V 5 /R 6 /Length 256 /P -4 /StmF /StdCF /StrF /StdCF "
    "/CF << /StdCF << /CFM /AESV3 /Length 32 >> >> "
    f"/O <{'00' * 48}> /U <{'00' * 48}> /OE <{'00' * 32}> /UE <{'00' * 32}> /Perms <{'00' * 16}> >> "
    f"/ID [<{'00' * 16}> <{'00' * 16}>]"
)


def pdf(pages: list[str], title: str | None = None, kids: str | None = None, aes: bool = False) -> bytes:
    """A PDF with one block of text a page. `kids` overrides the page tree's references."""
    numbers = [4 + 2 * index for index in range(len(pages))]
    objects = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Count {len(pages)} /Kids [{kids or ' '.join(f'{n} 0 R' for n in numbers)}] >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    for number, text in zip(numbers, pages, strict=True):
        lines = " T* ".join(f"({line}) Tj" for line in text.split("\n"))
        stream = f"BT /F1 12 Tf 14 TL 72 720 Td {lines} ET" if text else ""
        objects[number] = (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {number + 1} 0 R >>"
        )
        objects[number + 1] = f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream"
    info = max(objects) + 1
    objects[info] = f"<< /Title ({title}) >>" if title else "<< >>"
    return _assembled(objects, info, _AES if aes else "")


def _assembled(objects: dict[int, str], info: int, more: str) -> bytes:
    data = "%PDF-1.4\n"
    offsets = {}
    for number, body in objects.items():
        offsets[number] = len(data)
        data += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{offsets[number]:010} 00000 n \n" for number in sorted(offsets))
    trailer = f"trailer\n<< /Size {info + 1} /Root 1 0 R /Info {info} 0 R {more} >>"
    data += f"xref\n0 {info + 1}\n0000000000 65535 f \n{table}{trailer}\nstartxref\n{len(data)}\n%%EOF\n"
    return data.encode("latin-1")
