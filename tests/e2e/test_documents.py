"""Documents at the door: real formats through the whole server, hostile ones beside another partner's upload."""

import io
import threading
import unittest
import zipfile

import grpc

import jangbu_e2e
from jangbu.v1 import common_pb2
from jangbu_client import Client


def make_zip(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def docx(*paragraphs):
    body = "".join(f"<w:p><w:r><w:t>{p}</w:t></w:r></w:p>" for p in paragraphs)
    return make_zip([("[Content_Types].xml", "<Types/>"),
                     ("word/document.xml", f'<w:document xmlns:w="urn:w"><w:body>{body}</w:body></w:document>')])


def text(seed):
    return jangbu_e2e.sentences(seed, 3)


class Documents(jangbu_e2e.ServerTest):
    def partner(self, name):
        operator = Client(self.server.address, self.server.operator_key())
        client = Client(self.server.address, operator.add_partner(name))
        return client, client.create_corpus("문서")

    def verdicts(self, client, upload):
        name = common_pb2.Verdict.Name
        return [(v.file_number, v.record, v.document_id, name(v.verdict).removeprefix("VERDICT_"), v.reason)
                for v in client.verdicts(upload.upload_id)]

    def test_a_folder_of_formats(self):
        client, corpus = self.partner("saebit")
        files = [("보고서.docx", docx(*text("a"))),
                 ("page.html", ("<html><body><nav>메뉴</nav><p>" + "</p><p>".join(text("b")) + "</p></body></html>").encode()),
                 ("묶음.zip", make_zip([("안/글.md", "# 제목\n\n" + "\n".join(text("c"))), ("옛글.hwp", b"HWP Document File V3.00 "),
                                      ("표.csv", "id,text\n7," + text("d")[0] + "\n")])),
                 ("scan.alz", b"ALZ\x01\x0a\x00\x00\x00"), ("broken.pdf", b"%PDF-1.7\nnothing")]
        upload = client.upload(corpus, "r1", files)
        self.assertEqual(self.verdicts(client, upload), [
            (0, 1, "", "ACCEPTED", ""),
            (1, 1, "", "ACCEPTED", ""),
            (2, 1, "안/글.md", "ACCEPTED", ""),
            (2, 2, "옛글.hwp", "REJECTED", "old_hwp"),
            (2, 3, "7", "ACCEPTED", ""),
            (3, 0, "", "REJECTED", "foreign_archive"),
            (4, 0, "", "REJECTED", "damaged_document")])
        # The same text in another form is the same document.
        again = client.upload(corpus, "r2", [("같은.html", ("<html><p>" + "</p><p>".join(text("a")) + "</p>").encode())])
        self.assertEqual(self.verdicts(client, again)[0][3], "EXACT_DUPLICATE")

    def test_a_corpus_says_how_its_files_are_read(self):
        client, _ = self.partner("namu")
        body = text("options")[0]
        table = ("번호,본문\n7," + body + "\n").encode("cp949")
        xml = f"<책><장><본문>{body}</본문><주>빼는 말</주></장></책>".encode()
        # Two letters, in CP949, are also two letters of other encodings: nobody can tell from so little.
        short = "똠방각하 펲시콜라".encode("cp949")
        # 나랏말ᄊᆞ미 as Hanyang's fonts have it, in a file whose mark says that it is UTF-8.
        old = f"\ufeff<html><p>나랏말\uebd4미 {body}</p></html>".encode()
        plain = client.create_corpus("기본")
        told = client.create_corpus("지정", encoding="cp949", text_column="본문", xml_text_path="책/장/본문", pua="hanyang")
        files = [("표.csv", table), ("책.xml", xml), ("짧은.txt", short), ("옛글.html", old)]
        first = client.upload(plain, "r", files)
        self.assertEqual([v[3:] for v in self.verdicts(client, first)][:2],
                         [("REJECTED", "no_text_column"), ("REJECTED", "no_text_path")])
        second = list(client.verdicts(client.upload(told, "r", files).upload_id))
        self.assertEqual([(v.document_id, v.words) for v in second], [("", 12), ("", 12), ("", 2), ("", 13)])
        pua = [v.read_as.split()[-2:] for v in (list(client.verdicts(first.upload_id))[-1], second[-1])]
        self.assertEqual(pua, [["pua", "1"], ["hanyang", "1"]])
        self.assertIn("cp949", second[0].read_as)
        self.assertEqual(second[1].verdict, common_pb2.VERDICT_EXACT_DUPLICATE, "the same text by another way")
        for field, value, reason in (("encoding", "ebcdic", "bad_encoding"), ("text_column", "a\nb", "bad_text_column"),
                                     ("xml_text_path", "a//b", "bad_xml_path"), ("pua", "yes", "bad_pua"), ("xml_text_path", "/".join("abcdefghijklmnopq"), "bad_xml_path")):
            with self.assertRaises(grpc.RpcError) as refused:
                client.create_corpus("틀림", **{field: value})
            self.assertTrue(refused.exception.details().startswith(reason), refused.exception.details())

    def test_hostile_files_cost_themselves(self):
        client, corpus = self.partner("mool")
        other, other_corpus = self.partner("byeol")
        zeros = b"0" * (70 << 20)
        entity = (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
                  b"<w:document>&b;</w:document>")
        inner = make_zip([("a.txt", zeros)])
        files = [("bomb.zip", make_zip([(f"{i}.zip", inner) for i in range(8)])),
                 ("slip.zip", make_zip([("../../escape.txt", "글"), ("good.txt", "\n".join(text("slip")))])),
                 ("entity.docx", make_zip([("[Content_Types].xml", "<Types/>"), ("word/document.xml", entity)])),
                 ("deep.html", b"<html>" + b"<div>" * 1_000_000 + "글".encode()),
                 ("big.html", b"<html><p>" + b"x " * (35 << 20)),
                 ("garbage.pdf", b"%PDF-1.4\n" + bytes(range(256)) * 400),
                 ("after.docx", docx(*text("after")))]
        seen = {}

        def serve_the_other():
            seen["upload"] = other.upload(other_corpus, "r", [("a.jsonl", jangbu_e2e.json_lines("byeol", 200))])

        thread = threading.Thread(target=serve_the_other)
        thread.start()
        upload = client.upload(corpus, "r", files)
        thread.join()
        self.assertEqual(seen["upload"].counts.accepted, 200)
        rows = self.verdicts(client, upload)
        by_file = {}
        for file, record, place, verdict, reason in rows:
            by_file.setdefault(file, []).append((place, verdict, reason))
        self.assertEqual({r[2] for r in by_file[0]}, {"container_limit"})
        self.assertEqual(by_file[1], [("../../escape.txt", "REJECTED", "unsafe_name"), ("good.txt", "ACCEPTED", "")])
        self.assertEqual(by_file[2], [("", "REJECTED", "unsafe_markup")])
        self.assertEqual(by_file[3], [("", "REJECTED", "too_deep")])
        self.assertEqual(by_file[4], [("", "REJECTED", "record_too_large")])
        self.assertEqual(by_file[5], [("", "REJECTED", "damaged_document")])
        self.assertEqual(by_file[6], [("", "ACCEPTED", "")])
        peak = next(int(line.split()[1]) for line in open(f"/proc/{self.server.process.pid}/status")
                    if line.startswith("VmHWM"))
        print(f"server peak {peak >> 10} MiB")
        # Of a gibibyte a worker may have three quarters.
        if not jangbu_e2e.SANITIZED:
            self.assertLess(peak >> 10, 1024 - 768)


if __name__ == "__main__":
    jangbu_e2e.main()
