"""Every hostile kind of file, one upload each, through the whole server: its own clear reason, the good record beside it
taken, another partner served all the while, and the memory of server and workers bounded.

JANGBU_HOSTILE_SOAK=1 adds what takes minutes: a record of 3 GiB, and the largest documents that are accepted;
JANGBU_HOSTILE_ONLY=WORDS leaves out all whose name is without them."""

import gzip
import hashlib
import io
import json
import os
import pathlib
import struct
import tarfile
import threading
import time
import zipfile

import jangbu_client
import jangbu_e2e
from jangbu.v1 import common_pb2, contribute_pb2
from jangbu_client import Client

MIB = 1 << 20
MEMORY_MAX = 1024 * MIB
SOAK = bool(os.environ.get("JANGBU_HOSTILE_SOAK"))
ONLY = os.environ.get("JANGBU_HOSTILE_ONLY", "")
if SOAK:
    jangbu_client.DEADLINE_S = 1800


def good(seed):
    """Text that nobody sent yet."""
    return "\n".join(jangbu_e2e.sentences(f"good {seed}", 4))


def zip_of(*files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def tar_of(*members):
    """Members are (name, bytes) or a tarfile.TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def docx(xml):
    return zip_of(("[Content_Types].xml", "<Types/>"), ("word/document.xml", xml))


def line(text):
    return json.dumps({"text": text}, ensure_ascii=False).encode()


def raw(before, after=b""):
    """A record whose text is `before`, good text and `after`, all as they are."""
    return b'{"text":"' + before + " ".join(jangbu_e2e.sentences("raw", 4)).encode() + after + b'"}'


def beside(seed, bad):
    """A JSON Lines file: a bad record between two good ones."""
    return b"\n".join([line(good(f"{seed} before")), bad, line(good(f"{seed} after"))]) + b"\n"


def pdf(content, *more, catalog=b"", page=b"", font=b""):
    """A PDF of one page with one Type 0 font without an embedded program, unless `more` objects (from number 8) say so."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
               b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
               b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
               b" /Resources << /Font << /F1 5 0 R >> >> " + page + b" >>",
               b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
               b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /UniKS-UCS2-H /DescendantFonts [6 0 R] >>",
               b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (Korea1)"
               b" /Supplement 2 >> /FontDescriptor 7 0 R >>",
               b"<< /Type /FontDescriptor /FontName /X /Flags 4 /FontBBox [0 0 1000 1000] /ItalicAngle 0 /Ascent 800"
               b" /Descent -200 /CapHeight 700 /StemV 80 " + font + b" >>", *more]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def pdf_text(text):
    lines = b"".join(b"<%s> Tj 0 -20 Td\n" % part.encode("utf-16-be").hex().encode() for part in text.split("\n"))
    return b"BT /F1 9 Tf 40 800 Td\n" + lines + b"ET"


def endless_gz(size):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as archive:
        archive.write(b'{"text":"')
        for _ in range(size // MIB):
            archive.write(b"x" * MIB)
    return out.getvalue()


def ole(sectors):
    """An OLE file whose allocation table leads in a circle."""
    header = bytearray(512)
    header[0:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<HHHHH", header, 24, 0x3e, 3, 0xfffe, 9, 6)
    struct.pack_into("<IIIIIIIII", header, 40, 0, 1, 1, 0, 4096, 0, 1, 0, 0)
    struct.pack_into("<I", header, 76, 0)
    table = b"".join(struct.pack("<I", (n + 1) % sectors) for n in range(128))
    return bytes(header) + table + bytes(512) * sectors


ENTITY_BOMB = ('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "하하하하하하하하하하">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi")) + "]>")
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY o SYSTEM "file:///etc/passwd">]>'


def cases():
    """(what, name, bytes, what its verdicts are: {(verdict, reason): how many})"""
    taken, refused = ("ACCEPTED", ""), "REJECTED"
    zeros = bytes(80 * MIB)
    inner = zip_of(("a.txt", zeros))
    yield "zip bomb", "a.zip", zip_of(*((f"{n}.txt", zeros) for n in range(3))),\
        {(refused, "unsupported_format"): 1, (refused, "container_limit"): 2}
    yield "nested zip bomb", "a.zip", zip_of(*((f"{n}.zip", inner) for n in range(4))), {(refused, "container_limit"): 4}
    yield "gzip bomb", "a.jsonl.gz", endless_gz(1024 * MIB), {(refused, "compression_limit"): 1}
    yield ("zstd frame with a window of 2 GiB", "a.jsonl.zst", bytes.fromhex("28b52ffd00a8") + bytes(64),
           {(refused, "compression_limit"): 1})
    yield ("zip names that lead out", "a.zip",
           zip_of(("../../escape.txt", "글"), ("/etc/cron.d/x.txt", "글"), ("안/좋은 글.txt", good("slip"))),
           {(refused, "unsafe_name"): 2, taken: 1})
    yield ("links and devices in a tar", "a.tar",
           tar_of(link("글.txt", "/etc/passwd"), link("둘.txt", "글.txt", tarfile.LNKTYPE),
                  link("장치", "", tarfile.CHRTYPE), ("좋은 글.txt", good("tar").encode())),
           {(refused, "unsafe_name"): 3, taken: 1})
    yield ("entity bomb", "a.docx", docx(ENTITY_BOMB + '<w:document xmlns:w="urn:w">&i;</w:document>'),
           {(refused, "unsafe_markup"): 1})
    yield ("external entity", "a.docx", docx(OUTSIDE + '<w:document xmlns:w="urn:w">&o;</w:document>'),
           {(refused, "unsafe_markup"): 1})
    yield ("external entity in HWPX", "a.hwpx", zip_of(("mimetype", "application/hwp+zip"), (
        "Contents/section0.xml", OUTSIDE + "<hs:sec>&o;</hs:sec>")), {(refused, "unsafe_markup"): 1})
    yield ("overlong UTF-8", "a.jsonl", beside("overlong", raw(b"\xc0\x80\xe0\x80\x80 ")),
           {taken: 2, (refused, "invalid_utf8"): 1})
    yield ("truncated UTF-8", "a.jsonl", beside("truncated", raw(b"", b"\xea\xb0")),
           {taken: 2, (refused, "invalid_utf8"): 1})
    yield ("surrogates in UTF-8", "a.jsonl", beside("cesu", raw(b"", b"\xed\xa0\x80\xed\xb0\x80")),
           {taken: 2, (refused, "invalid_utf8"): 1})
    yield ("half a surrogate", "a.jsonl", beside("half", raw(b"\\ud800 ")),
           {taken: 2, (refused, "lone_surrogate"): 1})
    yield ("U+0000 and bidi controls", "a.jsonl",
           beside("nul", line("\0" + "\u202e".join(jangbu_e2e.sentences("nul", 4)) + "\u2066\0")), {taken: 3})
    yield ("nothing but controls", "a.jsonl", beside("controls", line("\0\0\u202e\u2066\u200b\ufeff")),
           {taken: 2, (refused, "no_text"): 1})
    yield ("JSON a million deep", "a.jsonl", beside("deep", b'{"text":"x","m":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"),
           {taken: 2, (refused, "too_deep"): 1})
    yield ("a JSON string of 120 MiB", "a.jsonl", beside("long", b'{"text":"' + b"x" * (120 * MIB) + b'"}'),
           {taken: 2, (refused, "record_too_large"): 1})
    yield ("a JSON string of 12 MiB of escapes", "a.jsonl", beside("escapes", b'{"text":"' + b"\\uac00" * (2 * MIB) + b'"}'),
           {taken: 3})
    yield ("a cell of 120 MiB", "a.csv", b'text\n"' + b"x" * (120 * MIB) + b'"\n', {(refused, "record_too_large"): 1})
    yield ("garbage after gzip", "a.jsonl.gz", gzip.compress(beside("trailing", line(good("trailing")))) + b"garbage" * 100,
           {taken: 3, (refused, "bad_compression"): 1})
    yield ("gzip cut short", "a.jsonl.gz", gzip.compress(beside("cut", line(good("cut"))))[:-9],
           {taken: 3, (refused, "bad_compression"): 1})
    yield ("HTML of a million nested tags", "a.html", b"<html>" + b"<div>" * 1_000_000 + "글".encode(),
           {(refused, "too_deep"): 1})
    yield "RTF of a million groups", "a.rtf", b"{\\rtf1" + b"{" * 1_000_000 + b"x", {(refused, "too_deep"): 1}
    yield ("PDF with a script, an attachment and a broken font", "a.pdf",
           pdf(pdf_text(good("pdf") + "\n문서 끝에서 스크립트는 돌지 않는다."),
               b"<< /Length 64 >>\nstream\n" + bytes(range(64)) + b"\nendstream",
               b"<< /S /JavaScript /JS (app.launchURL\\(\"http://127.0.0.1:9/\"\\); while\\(1\\){}) >>",
               catalog=b"/OpenAction 9 0 R /AA << /WC 9 0 R >>", font=b"/FontFile2 8 0 R"), {taken: 1})
    yield ("PDF that draws itself for ever", "a.pdf",
           pdf(b"/F0 Do", b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F0 8 0 R >> >>"
               b" /Length 24 >>\nstream\n/F0 Do /F0 Do /F0 Do    \nendstream",
               page=b"/Resources << /XObject << /F0 8 0 R >> >>"), {(refused, "no_text_layer"): 1})
    yield "PDF of garbage", "a.pdf", b"%PDF-1.4\n" + bytes(range(256)) * 4000, {(refused, "damaged_document"): 1}
    yield "OLE in a circle", "a.hwp", ole(4), {(refused, "damaged_document"): 1}
    yield ("Parquet whose footer has 2 GiB", "a.parquet", b"PAR1" + bytes(64) + struct.pack("<I", 0x7fffffff) + b"PAR1",
           {(refused, "damaged_document"): 1})
    yield ("XLSX of twenty million empty cells", "a.xlsx", zip_of(
        ("[Content_Types].xml", "<Types/>"), ("xl/workbook.xml", "<workbook/>"),
        ("xl/worksheets/sheet1.xml", "<worksheet><sheetData>" + "<row>" + "<c/>" * (20 * MIB) + "</row></sheetData></worksheet>")),
           {(refused, "no_text"): 1})
    if SOAK:
        yield "a record of 3 GiB", "a.jsonl", Long(3 << 30), {taken: 1, (refused, "record_too_large"): 1}
        yield ("one word of 13 million syllables, as escapes", "a.jsonl",
               beside("million", b'{"text":"' + b"\\uac00" * (80 * MIB // 6) + b'"}'), {taken: 3})
        yield ("a document of nearly 64 MiB", "a.jsonl", line("\n".join(jangbu_e2e.sentences("book", 800_000))[:22_000_000]),
               {taken: 1})


class Long:
    """{"text":"xxx…"} and a good record, never whole in memory."""

    def __init__(self, size):
        self.size = size

    def parts(self):
        yield b'{"text":"'
        for _ in range(self.size // MIB):
            yield b"x" * MIB
        yield b'"}\n' + line(good("gib")) + b"\n"


def memory_of_tree(root):
    """Bytes that a process and all below it keep in memory, what they share counted once (PSS)."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                pass
    total, front = 0, [root]
    while front:
        pid = front.pop()
        front += [child for child, parent in parents.items() if parent == pid]
        try:
            rows = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next(int(row.split()[1]) << 10 for row in rows if row.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    return total


class Watch(threading.Thread):
    """The peak of a server's memory with its workers', sampled."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0, threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            self.peak = max(self.peak, memory_of_tree(self.pid))

    def take(self):
        peak, self.peak = self.peak, 0
        return peak


class Neighbour(threading.Thread):
    """Another partner who goes on uploading; every document must be accepted."""

    def __init__(self, client, corpus):
        super().__init__(daemon=True)
        self.client, self.corpus, self.ended = client, corpus, threading.Event()
        self.served, self.longest, self.failure = 0, 0.0, None

    def run(self):
        try:
            while not self.ended.is_set():
                begun = time.monotonic()
                upload = self.client.upload(self.corpus, f"r{self.served}", [
                    ("a.jsonl", jangbu_e2e.json_lines(f"neighbour {self.served}", 20))])
                assert upload.counts.accepted == 20, upload
                self.longest = max(self.longest, time.monotonic() - begun)
                self.served += 1
                self.ended.wait(0.1)
        except Exception as failure:  # told by the test's own thread
            self.failure = failure


class HostileFiles(jangbu_e2e.ServerTest):
    def partner(self, name):
        operator = Client(self.server.address, self.server.operator_key())
        client = Client(self.server.address, operator.add_partner(name))
        return client, client.create_corpus("문서")

    def send(self, client, corpus, number, name, data):
        if isinstance(data, bytes):
            return client.upload(corpus, f"r{number}", [(name, data)])
        upload = client.create_upload(corpus, f"r{number}")

        def pieces():
            digest, offset, before = hashlib.sha256(), 0, None
            for part in data.parts():
                if before is not None:
                    yield contribute_pb2.UploadFilesRequest(upload_id=upload, path=name if offset == 0 else "",
                                                            offset=offset, data=before)
                    offset += len(before)
                digest.update(part)
                before = part
            yield contribute_pb2.UploadFilesRequest(upload_id=upload, offset=offset, data=before, last=True,
                                                    sha256=digest.digest())

        list(client.contribute.UploadFiles(pieces(), metadata=client.metadata))
        client.call(client.contribute.SealUpload, contribute_pb2.SealUploadRequest(upload_id=upload, file_count=1))
        for told in client.contribute.WatchUpload(contribute_pb2.WatchUploadRequest(upload_id=upload),
                                                  metadata=client.metadata):
            last = told.upload
        return last

    def test_each_costs_itself_and_nobody_else(self):
        client, corpus = self.partner("mool")
        neighbour = Neighbour(*self.partner("byeol"))
        watch = Watch(self.server.process.pid)
        neighbour.start()
        watch.start()
        worst = 0
        for number, (what, name, data, expected) in enumerate(cases()):
            if ONLY not in what:
                continue
            with self.subTest(what):
                begun = time.monotonic()
                watch.take()
                upload = self.send(client, corpus, number, name, data)
                seconds, peak = time.monotonic() - begun, watch.take()
                found = {}
                for verdict in client.verdicts(upload.upload_id):
                    kind = common_pb2.Verdict.Name(verdict.verdict).removeprefix("VERDICT_")
                    found[kind, verdict.reason] = found.get((kind, verdict.reason), 0) + 1
                if os.environ.get("JANGBU_HOSTILE_SHOW"):
                    for v in client.verdicts(upload.upload_id):
                        print("   ", str(v).replace("\n", " ")[:600])
                print(f"{what}: {', '.join(f'{n} {k} {r}'.strip() for (k, r), n in found.items())};"
                      f" {seconds:.1f} s, {peak // MIB} MiB", flush=True)
                worst = max(worst, peak)
                self.assertEqual(found, expected)
                self.assertIsNone(self.server.process.poll(), "the server is gone")
        watch.ended.set()
        neighbour.ended.set()
        neighbour.join()
        watch.join()
        print(f"peak of server and workers {worst // MIB} MiB{' (sanitized)' if jangbu_e2e.SANITIZED else ''}; the neighbour had"
              f" {neighbour.served} uploads, the longest took {neighbour.longest:.1f} s")
        self.assertIsNone(neighbour.failure)
        self.assertGreater(neighbour.served, 3)
        if not jangbu_e2e.SANITIZED:
            self.assertLess(worst, MEMORY_MAX)
        log = self.server.log_text()
        for word in ("AddressSanitizer", "runtime error:", "LeakSanitizer"):
            self.assertNotIn(word, log)

    def test_bytes_that_changed_before_the_upload_went_on(self):
        client, corpus = self.partner("namu")
        first, second = (jangbu_e2e.json_lines(seed, 40) for seed in ("one", "two"))
        half = len(first) // 2
        upload = client.create_upload(corpus, "r")
        piece = contribute_pb2.UploadFilesRequest
        list(client.call(client.contribute.UploadFiles, iter([piece(upload_id=upload, path="a.jsonl", data=first[:half])])))
        *_, told = client.call(client.contribute.UploadFiles, iter([piece(
            upload_id=upload, path="a.jsonl", offset=half, data=second[half:], last=True,
            sha256=hashlib.sha256(second).digest())]))
        self.assertEqual((told.error_reason, told.complete), ("file_changed", False))
        # Sent whole it is taken, and nothing of the other bytes is left.
        answers = client.send(upload, [("a.jsonl", second)])
        self.assertTrue(answers[0].complete)
        client.call(client.contribute.SealUpload, contribute_pb2.SealUploadRequest(upload_id=upload, file_count=1))
        for told in client.call(client.contribute.WatchUpload, contribute_pb2.WatchUploadRequest(upload_id=upload)):
            last = told.upload
        self.assertEqual(last.counts.accepted, 40)
        self.assertEqual([v.document_id for v in client.verdicts(upload)], [f"문서-two-{n}" for n in range(40)])


if __name__ == "__main__":
    jangbu_e2e.main()
