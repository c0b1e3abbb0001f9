#!/usr/bin/env python3
"""Runs tools/accept/accept.py on a small made-up directory: all checks pass on its truth, and a wrong truth is missed.

usage: accept_test.py ACCEPT_PY JANGBU JANGBUD
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import unicodedata

ACCEPT, JANGBU, JANGBUD = sys.argv[1:4]


def measures(texts):
    texts = [unicodedata.normalize("NFC", text) for text in texts]
    return {"docs": len(texts), "eojeol": sum(len(text.split()) for text in texts),
            "hangul_syllables": sum(1 for text in texts for c in text if "\uac00" <= c <= "\ud7a3")}


def sentence(n):
    return f"제{n}호 기사입니다. 오늘 낮 기온은 {n}도까지 오르고 밤에는 비가 내리겠습니다.\n둘째 문단도 있습니다."


def line(number, text):
    return json.dumps({"id": f"d-{number}", "text": text}, ensure_ascii=False)


class Directory:
    def __init__(self, root):
        self.root = root
        self.truth = {"files": {}}

    def write(self, path, data, **truth):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(data)
        if truth:
            self.truth["files"][path] = {"encoding": "utf-8", "compression": None, **truth}

    def finish(self):
        self.write("truth.json", json.dumps(self.truth).encode())


def fill(directory):
    texts = [sentence(n) for n in range(1, 40)]
    directory.write("partners/alpha/가.jsonl", "\n".join(line(i, t) for i, t in enumerate(texts)).encode(),
                    format="jsonl", **measures(texts))
    more = [sentence(n) for n in range(30, 60)] + ["…!!", "ㅋㅋ", "한 \u200b 글"]
    directory.write("partners/alpha/나.jsonl.gz", gzip.compress(("\n".join(line(i, t) for i, t in enumerate(more))).encode()),
                    format="jsonl", **{**measures(more), "compression": "gz"})
    directory.write("partners/beta/old/" + unicodedata.normalize("NFD", "옛글") + ".txt", sentence(7).encode("cp949"),
                    format="txt", **{**measures([sentence(7)]), "encoding": "cp949"})
    directory.write("partners/beta/unicode.txt", sentence(8).encode("utf-16"), format="txt",
                    **{**measures([sentence(8)]), "encoding": "utf-16le"})
    directory.write("partners/beta/page.html", b"<!DOCTYPE html><html><body>" + sentence(9).encode() + b"</body></html>",
                    format="html", **measures([sentence(9)]))
    directory.write("partners/_odd/empty.txt", b"", format="odd", docs=0)
    directory.write("partners/_odd/binary.bin", bytes(range(256)) * 8, format="odd", docs=0)
    good = [sentence(n) for n in range(100, 104)]
    lines = [line(0, good[0]), '{"id":"cut","text":"끝이', line(2, good[1]), "", '{"id":"no-text"}', line(5, good[1]),
             json.dumps({"text": good[2]}), line(7, good[3])]
    directory.write("partners/alpha/messy.jsonl", "\n".join(lines).encode(), format="jsonl",
                    messy=True, **measures([good[0], good[1], good[1], good[3]]))
    expected = [(2, "truncated", "reject"), (4, "blank", "skip"), (5, "no_text", "reject"), (6, "dup_same", "accept"),
                (7, "no_id", "either")]
    directory.write("truth/messy.jsonl", "\n".join(
        json.dumps({"file": "partners/alpha/messy.jsonl", "line": number, "kind": kind, "expect": expect})
        for number, kind, expect in expected).encode())
    # Personal data: two labels, a look-alike, and white space before them, so that offsets differ from canonical ones.
    text = "  문의는\r\n\r\n\r\n전화 010-1234-5678, 메일 hong@example.com 입니다. 제2015-123호\n"
    directory.write("pii/uploads/desk/a.jsonl", line(0, text).encode())
    directory.write("pii/pii.jsonl", "\n".join(
        json.dumps({"doc": "d-0", "start": text.index(value), "end": text.index(value) + len(value), "kind": kind,
                    "text": value}) for value, kind in (("010-1234-5678", "phone_mobile"), ("hong@example.com", "email"))
    ).encode())
    directory.write("pii/pii_negatives.jsonl", b"")
    directory.finish()


def run(root):
    return subprocess.run([sys.executable, ACCEPT, "--jangbu", JANGBU, "--jangbud", JANGBUD, root],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def main():
    with tempfile.TemporaryDirectory() as root:
        directory = Directory(root)
        fill(directory)
        passed = run(root)
        print(passed.stdout)
        assert passed.returncode == 0, "the truth was missed"
        assert "MISS" not in passed.stdout
        assert "(of them 1 invisible words)" in passed.stdout
        assert "personal data, overall  recall 1.0000 (0 missed), precision 1.0000 (0 false)" in passed.stdout
        assert "truncated: reject -> REJECTED invalid_json" in passed.stdout

        directory.truth["files"]["partners/beta/unicode.txt"]["eojeol"] += 1
        directory.truth["files"]["partners/alpha/가.jsonl"]["docs"] -= 1
        directory.finish()
        missed = run(root)
        print(missed.stdout)
        assert missed.returncode == 1, "a wrong truth was not noticed"
        assert missed.stdout.count("\nMISS") >= 2 and " 2 missed" in missed.stdout


main()
