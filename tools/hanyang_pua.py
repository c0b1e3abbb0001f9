#!/usr/bin/env python3
"""Makes ingest/text/hanyang_pua.inc from the table of Debian's texlive-lang-korean.

    apt-get download texlive-lang-korean && dpkg-deb -x texlive-lang-korean_*.deb x
    tools/hanyang_pua.py x/usr/share/texlive/texmf-dist/scripts/kotex-utils/jamo-normalize.pl > ingest/text/hanyang_pua.inc

The table is that of the Korean TeX Users Group's Hanyang PUA Table Project, put into the public domain by its authors.
"""
import re
import sys

A_LINE = 16


def runs(table):
    at = sorted(table)
    start = 0
    for i in range(1, len(at) + 1):
        if i == len(at) or at[i] != at[i - 1] + 1:
            yield at[start], [table[c] for c in at[start:i]]
            start = i


def main():
    text = open(sys.argv[1], encoding="utf-8").read()
    syllables = text[text.index("sub arr_hypua2jamo"):]
    letters = text[text.index("sub hypuasingle2jamo"):text.index("sub arr_hypua2jamo")]
    table = {}
    for code, jamo in re.findall(r"\[ 0x([0-9A-F]{4}), ([0-9A-Fx,]+) \]", syllables):
        table[int(code, 16)] = "".join(chr(int(j, 16)) for j in jamo.split(","))
    for code, jamo in re.findall(r"s/\\x\{([0-9A-F]{4})\}/((?:\\x\{[0-9A-F]{4}\})*)/g", letters):
        table[int(code, 16)] = "".join(chr(int(j, 16)) for j in re.findall(r"[0-9A-F]{4}", jamo))
    assert len(table) == 5299 + 362, len(table)
    print("// Made by tools/hanyang_pua.py from the table of the Korean TeX Users Group (public domain): for each run of code")
    print("// points its first and what each stands for, separated by spaces.")
    for first, values in runs(table):
        print(f"{{0x{first:04X}, {len(values)},")
        for i in range(0, len(values), A_LINE):
            end = " " if i + A_LINE < len(values) else ""
            print(f' "{" ".join(values[i:i + A_LINE])}{end}"')
        print("},")


main()
