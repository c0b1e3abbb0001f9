#!/usr/bin/env python3
"""Acceptance: uploads a directory whose truth is known and compares what was counted with it.

Layout of the directory: partners/NAME/… (one partner a folder), truth.json, truth/messy.jsonl. Starts a server of its
own on a fresh data directory. Prints one line a check with its figure; ends non-zero on any miss. Standard library only.

  JSON Lines and text files   documents, words (어절) and syllables equal truth.json exactly. Counted before screening:
                              a document refused only because it holds no letter and no digit (no_text, but with words)
                              counts with its words
  words of nothing visible    truth counts a run of invisible characters alone (soft hyphens, zero width) between two
                              spaces as a word; canonical text has removed it. Where a line holds such runs they are
                              counted here from the file and told apart: "+ 4 invisible"
  irregular lines             each gets the verdict that truth/messy.jsonl expects of it
  odd files                   reported as rejected, by name
  labelled pairs              with neardup/pairs.jsonl: runs shared by each pair, and by 100,000 random ones, as the run
                              index and as the definition say; recall and false positives by kind of edit
  docx, hwpx, epub, html, pdf  syllables within 1 % (PDF 2 %), words within 2 %; words of a PDF set by syllables within
                              15 %, for its lines break inside them. Navigation and footers of HTML are in the truth and
                              not in the text: they are counted here from the page and taken off
  other formats               rejected by name
  personal data               where the directory has pii/: what is found in pii/uploads against pii/pii.jsonl and
                              pii/pii_negatives.jsonl, by kind. A label is found when a finding of its kind covers every
                              letter and digit of it; a finding that touches no label is false, unless it touches a
                              negative marked ambiguous. Overall recall of 0.98 and precision of 0.97 are asked for

Corpora of partners/ keep personal data, so that counts are those before screening; those of pii/ mask it.
"""

import argparse
import collections
import gzip
import html.parser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ports import free_port  # noqa: E402


class Checks:
    """Prints a line a check and remembers the misses."""

    def __init__(self, only_misses):
        self.done = 0
        self.missed = []
        self.only_misses = only_misses

    def check(self, good, what, figure):
        self.done += 1
        line = f"{'ok  ' if good else 'MISS'}  {what}  {figure}"
        if not good:
            self.missed.append(line)
        if not (good and self.only_misses):
            print(line, flush=True)
        return good


def fail(message):
    print(f"accept: {message}", file=sys.stderr)
    sys.exit(1)


class Server:
    def __init__(self, options, work):
        self.options = options
        self.data = os.path.join(work, "data")
        self.log = open(os.path.join(work, "server.log"), "ab")
        self.address = f"127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        self.process = None
        self.environment = dict(os.environ)
        for name in ("JANGBU_KEY", "JANGBU_KEY_FILE", "JANGBU_SERVER"):
            self.environment.pop(name, None)
        self.environment["XDG_CONFIG_HOME"] = os.path.join(work, "config")
        self.environment["XDG_STATE_HOME"] = os.path.join(work, "state")

    def start(self):
        self.process = subprocess.Popen(
            [self.options.jangbud, "serve", "--data", self.data, "--listen", self.address, "--http", self.http],
            stdout=self.log, stderr=self.log)
        key = os.path.join(self.data, "operator.key")
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                fail(f"the server ended with {self.process.returncode}; see {self.log.name}")
            if os.path.exists(key):
                answer = self.run(["--timeout", "2s", "server", "info"], key, check=False)
                if answer.returncode == 0:
                    return
            time.sleep(0.2)
        fail("the server does not answer")

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def run(self, arguments, key=None, check=True, cwd=None, show=False):
        command = [self.options.jangbu, "--lang", "en", "--json", "--server", self.address, "--key-file",
                   key or self.operator_key()]
        answer = subprocess.run(command + arguments, cwd=cwd, env=self.environment, stdout=subprocess.PIPE,
                                stderr=None if show else subprocess.PIPE, text=True, encoding="utf-8", check=False)
        if check and answer.returncode != 0:
            fail(f"jangbu {' '.join(arguments)} ended with {answer.returncode}: {(answer.stderr or '').strip()}")
        return answer

    def operator_key(self):
        return os.path.join(self.data, "operator.key")

    def ask(self, arguments, key=None, **more):
        return json.loads(self.run(arguments, key, **more).stdout)

    def verdicts(self, upload, key):
        command = [self.options.jangbu, "--lang", "en", "--json", "--server", self.address, "--key-file", key,
                   "verdicts", upload]
        with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True,
                              encoding="utf-8") as process:
            for line in process.stdout:
                yield json.loads(line)
        if process.returncode != 0:
            fail(f"jangbu verdicts {upload} ended with {process.returncode}")


def partner_id(name, taken):
    plain = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:36]
    if len(plain) < 2:
        plain = f"partner-{len(taken) + 1}"
    while plain in taken:
        plain += "x"
    return plain


SUMMED = ("documents", "words", "syllables")

# What canonical text removes (docs/counting.md).
INVISIBLE = {0xAD, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF}


def counts(row):
    """True when the document was read, whatever screening said of it."""
    return row["verdict"] != "REJECTED" or (row["reason"] == "no_text" and row["words"] > 0)


def invisible_words(text):
    """How many words of a text are made of nothing but characters that canonical text removes."""
    return sum(all(ord(c) in INVISIBLE or (unicodedata.category(c) == "Cc") for c in word) for word in text.split())


def texts_of(path, truth):
    """(record, text) of the documents of a file, read the plain way."""
    if truth.get("compression") == "gz":
        with gzip.open(path, "rb") as file:
            data = file.read()
    elif truth.get("compression") == "zst":
        data = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout
    else:
        with open(path, "rb") as file:
            data = file.read()
    encoding = "utf-16" if truth["encoding"].startswith("utf-16") else truth["encoding"]
    if truth["format"] == "txt":
        yield 1, data.decode(encoding, errors="replace")
        return
    for number, line in enumerate(data.split(b"\n"), start=1):
        try:
            text = json.loads(line.decode("utf-8-sig")).get("text")
        except (ValueError, AttributeError):
            continue
        if isinstance(text, str):
            yield number, text


class FileFigures:
    """What the verdicts say of one file."""

    def __init__(self):
        self.rows = {}       # record → verdict row
        self.rejected = collections.Counter()
        self.invisible = {}  # record → words of invisible characters only

    def add(self, row):
        self.rows[row["record"]] = row
        if row["verdict"] == "REJECTED":
            self.rejected[row["reason"]] += 1

    def sums(self, leave_out=()):
        sums = dict.fromkeys(SUMMED, 0)
        for record, row in self.rows.items():
            screened = row["reason"] == "no_text" and row["words"] > 0
            if (row["verdict"] == "REJECTED" and not screened) or record in leave_out:
                continue
            sums["documents"] += 1
            sums["words"] += row["words"]
            sums["syllables"] += row["syllables"]
        return sums


def read_messy(directory):
    lines = collections.defaultdict(dict)
    path = os.path.join(directory, "truth", "messy.jsonl")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for text in file:
                entry = json.loads(text)
                lines[entry["file"]][entry["line"]] = entry
    return lines


def check_exact(checks, directory, path, truth, figures, messy):
    either = {line for line, entry in messy.items() if entry["expect"] == "either"}
    sums = figures.sums(either)
    expected = {"documents": truth["docs"], "words": truth["eojeol"], "syllables": truth["hangul_syllables"]}
    unseen = 0
    if sums["words"] != expected["words"]:
        for record, text in texts_of(os.path.join(directory, path), truth):
            if record not in either and record in figures.rows and counts(figures.rows[record]):
                figures.invisible[record] = invisible_words(text)
        unseen = sum(figures.invisible.values())
        sums["words"] += unseen
    parts = [f"{name} {sums[name]:,}" + ("" if sums[name] == expected[name] else f" != {expected[name]:,}")
             for name in SUMMED]
    rejected = ", ".join(f"{reason} {count}" for reason, count in sorted(figures.rejected.items()))
    checks.check(sums == expected, path, ", ".join(parts) + (f" (of them {unseen} invisible words)" if unseen else "")
                 + (f" (rejected: {rejected})" if rejected else ""))


def check_line(checks, path, line, entry, row, unseen):
    got = "no verdict" if row is None else row["verdict"] + (f" {row['reason']}" if row["reason"] else "")
    expect = entry["expect"]
    if expect == "skip":
        good = row is None
    elif row is None:
        good = False
    elif expect == "accept":
        good = row["verdict"] != "REJECTED"
        if good and "eojeol" in entry:
            good = (row["words"] + unseen, row["syllables"]) == (entry["eojeol"], entry["hangul_syllables"])
            if good and unseen:
                got += f", words {row['words']:,} + {unseen} invisible"
            if not good:
                got += (f", words {row['words']:,} syllables {row['syllables']:,} != {entry['eojeol']:,}"
                        f" {entry['hangul_syllables']:,}")
    elif expect == "reject":
        good = row["verdict"] == "REJECTED" and row["reason"] != ""
    else:  # either: accepted, or rejected with a reason
        good = row["verdict"] != "REJECTED" or row["reason"] != ""
    checks.check(good, f"{path}:{line}", f"{entry['kind']}: {expect} -> {got}")


class PageFrame(html.parser.HTMLParser):
    """The words of a page that are its frame, not its text: navigation, footer, asides."""

    FRAME = ("nav", "footer", "aside")
    UNREAD = ("script", "style")

    def __init__(self):
        super().__init__()
        self.depth = 0
        self.unread = 0
        self.text = []

    def handle_starttag(self, tag, attrs):
        self.depth += tag in self.FRAME
        self.unread += tag in self.UNREAD
        self.text.append(" ")

    def handle_endtag(self, tag):
        self.depth -= tag in self.FRAME and self.depth > 0
        self.unread -= tag in self.UNREAD and self.unread > 0
        self.text.append(" ")

    def handle_data(self, data):
        if self.depth and not self.unread:
            self.text.append(data)


def frame_of(path, truth):
    """(words, syllables) of a page that its truth counts and the reader leaves out."""
    with open(path, "rb") as file:
        page = file.read().decode(truth["encoding"], errors="replace")
    frame = PageFrame()
    frame.feed(page)
    text = unicodedata.normalize("NFC", "".join(frame.text))
    return len(text.split()), sum("\uac00" <= c <= "\ud7a3" for c in text)


# Of the formats that are read: how far syllables and words may be off, in per cent.
TOLERANCE = {"docx": (1, 2), "hwpx": (1, 2), "epub": (1, 2), "html": (1, 2), "pdf": (2, 2)}


def check_other(checks, directory, path, truth, figures):
    if truth["format"] == "odd":
        rejected_only = bool(figures.rows) and all(r["verdict"] == "REJECTED" for r in figures.rows.values())
        checks.check(rejected_only, path, "odd: " + (", ".join(sorted(figures.rejected)) or "not reported"))
        return
    whole = figures.rows.get(0)
    if truth["format"] not in TOLERANCE:
        checks.check(whole is not None and whole["reason"] != "", path,
                     f"{truth['format']}: " + (f"REJECTED {whole['reason']}" if whole else "not reported"))
        return
    if whole is not None:
        checks.check(False, path, f"{truth['format']}: REJECTED {whole['reason']} {whole.get('detail', '')}")
        return
    sums = figures.sums()
    syllables, words = truth["hangul_syllables"], truth["eojeol"]
    if truth["format"] == "html":
        frame_words, frame_syllables = frame_of(os.path.join(directory, path), truth)
        words -= frame_words
        syllables -= frame_syllables
    syllables_off, words_off = TOLERANCE[truth["format"]]
    # Lines that break inside words: what a word was is a guess.
    if truth.get("pdf_wrap") == "syllable":
        words_off = 15

    def off(have, want):
        return abs(have - want) * 100 / max(want, 1)

    good = (bool(figures.rows) and off(sums["syllables"], syllables) <= syllables_off
            and off(sums["words"], words) <= words_off)
    checks.check(good, path,
                 f"{truth['format']}: documents {sums['documents']:,} (truth {truth['docs']:,}), syllables"
                 f" {sums['syllables']:,} (truth {syllables:,}, {off(sums['syllables'], syllables):.2f} % off), words"
                 f" {sums['words']:,} (truth {words:,}, {off(sums['words'], words):.2f} % off)")


def documents_of(folder):
    """(id, text) of every document below a folder of JSON Lines (plain, gzip, zstd) and text files named by their ids."""
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                data = file.read()
            if name.endswith(".txt"):
                for encoding in ("utf-8-sig", "cp949", "utf-16"):
                    try:
                        yield name[:-4], data.decode(encoding)
                        break
                    except UnicodeDecodeError:
                        continue
                continue
            if name.endswith(".gz"):
                data = gzip.decompress(data)
            elif name.endswith(".zst"):
                data = subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout
            for line in data.decode("utf-8-sig", "replace").splitlines():
                try:
                    record = json.loads(line)
                    yield record["id"], record["text"]
                except (ValueError, KeyError, TypeError):
                    continue


def check_pairs(checks, program, directory, work):
    """Labelled pairs: index against definition, recall and false positives by kind of edit."""
    pairs = os.path.join(directory, "neardup", "pairs.jsonl")
    if not os.path.exists(pairs) or not os.path.exists(program):
        return
    documents = os.path.join(work, "pairs-documents.jsonl")
    with open(documents, "w", encoding="utf-8") as out:
        for name, text in documents_of(os.path.join(directory, "neardup", "uploads")):
            out.write(json.dumps({"id": name, "text": text}, ensure_ascii=False) + "\n")
    with open(documents, "rb") as source:
        done = subprocess.run([program, pairs], stdin=source, stdout=subprocess.PIPE, text=True, check=False)
    os.remove(documents)
    lines = done.stdout.strip().splitlines() or ["it said nothing"]
    print("\n".join(lines[:-1]))
    checks.check(done.returncode == 0, "neardup/pairs.jsonl", lines[-1])


# How pii/pii.jsonl names the kinds.
PII_KINDS = {
    "resident_number": "rrn", "foreigner_number": "frn", "mobile": "phone_mobile", "landline": "phone_landline",
    "email": "email", "bank_account": "bank_account", "card": "card", "business_number": "brn", "passport": "passport",
    "driver_licence": "driver_license", "address": "address",
}

BREAKS = set("\r\x0b\x0c\x85\u2028\u2029\n")


def canonical_places(text):
    """For every code point of the canonical text (docs/counting.md), where in `text` it comes from."""
    mapped = []  # (character, place)
    for place, c in enumerate(text):
        if c == "\r" and text[place + 1:place + 2] == "\n":
            continue
        if c in BREAKS:
            mapped.append(("\n", place))
        elif c == "\t" or "\x1c" <= c <= "\x1f" or unicodedata.category(c) == "Zs":
            mapped.append((" ", place))
        elif unicodedata.category(c) != "Cc" and ord(c) not in INVISIBLE:
            mapped.append((c, place))
    composed, start = [], 0
    while start < len(mapped):  # NFC, a starter and what may join it at a time
        end = start + 1
        while end < len(mapped) and (unicodedata.combining(mapped[end][0]) or 0x1161 <= ord(mapped[end][0]) <= 0x11FF):
            end += 1
        for c in unicodedata.normalize("NFC", "".join(c for c, _ in mapped[start:end])):
            composed.append((c, mapped[start][1]))
        start = end
    lines, line = [], []
    for c, place in composed + [("\n", len(text))]:
        if c != "\n":
            if c != " " or (line and line[-1][0] != " "):
                line.append((c, place))
            continue
        while line and line[-1][0] == " ":
            line.pop()
        if line or (lines and lines[-1]):
            lines.append(line)
        line = []
    while lines and not lines[-1]:
        lines.pop()
    out = []
    for number, characters in enumerate(lines):
        if number:
            out.append(None)
        out.extend(place for _, place in characters)
    return out


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


class PersonalDataFigures:
    """Labels of pii/ against what the verdicts say."""

    def __init__(self, directory):
        self.labels = collections.defaultdict(list)
        for label in read_lines(os.path.join(directory, "pii", "pii.jsonl")):
            self.labels[label["doc"]].append(label)
        self.ambiguous = collections.defaultdict(list)
        for label in read_lines(os.path.join(directory, "pii", "pii_negatives.jsonl")):
            if label.get("ambiguous"):
                self.ambiguous[label["doc"]].append(label)
        self.found, self.missed, self.false = collections.Counter(), collections.Counter(), collections.Counter()
        self.masked_chars = 0

    def add(self, document, text, spans):
        places = canonical_places(text)
        findings = []
        for span in spans:
            inside = {p for p in places[span["begin"]:span["begin"] + span["length"]] if p is not None}
            findings.append((PII_KINDS[span["kind"]], inside))
            self.masked_chars += span["length"]
        touched = [False] * len(findings)
        for label in self.labels[document]:
            place = set(range(label["start"], label["end"]))
            wanted = {i for i in place if text[i].isalnum()}
            hit = False
            for i, (kind, inside) in enumerate(findings):
                if inside & place:
                    touched[i] = True
                    hit = hit or (kind == label["kind"] and wanted <= inside)
            (self.found if hit else self.missed)[label["kind"]] += 1
        for i, (kind, inside) in enumerate(findings):
            if not touched[i] and not any(inside & set(range(a["start"], a["end"])) for a in self.ambiguous[document]):
                self.false[kind] += 1

    def report(self, checks):
        def line(found, missed, false):
            recall = found / (found + missed) if found + missed else 1.0
            precision = found / (found + false) if found + false else 1.0
            return recall, precision, f"recall {recall:.4f} ({missed} missed), precision {precision:.4f} ({false} false)"
        for kind in sorted(set(self.found) | set(self.missed) | set(self.false)):
            print(f"      personal data, {kind:<15} {self.found[kind] + self.missed[kind]:>5} labels  "
                  + line(self.found[kind], self.missed[kind], self.false[kind])[2])
        recall, precision, words = line(self.found.total(), self.missed.total(), self.false.total())
        checks.check(recall >= 0.98 and precision >= 0.97, "personal data, overall", words)


def check_personal_data(checks, directory, server, work, taken):
    figures = PersonalDataFigures(directory)
    parent = os.path.join(directory, "pii", "uploads")
    for name in sorted(os.listdir(parent)):
        partner = partner_id("pii-" + name, taken)
        taken.add(partner)
        key = os.path.join(work, partner + ".key")
        server.ask(["partner", "add", partner, "--id", partner])
        server.run(["key", "issue", "--partner", partner, "--role", "partner", "--person", "accept", "--out", key])
        corpus = server.ask(["corpus", "add", "--title", name, "--source-type", "text", "--rights", "acceptance"],
                            key)["corpus_id"]
        folder = os.path.join("pii", "uploads", name)
        upload = server.ask(["-q", "upload", corpus, folder], key, cwd=directory, show=True)
        texts = {}
        for row in server.verdicts(upload["upload_id"], key):
            if row["file"] not in texts:
                path = os.path.join(directory, row["file"])
                compression = {".gz": "gz", ".zst": "zst"}.get(os.path.splitext(path)[1])
                texts[row["file"]] = dict(texts_of(path, {"format": "jsonl", "encoding": "utf-8",
                                                          "compression": compression}))
            if row["verdict"] == "REJECTED":
                checks.check(False, f"{row['file']}:{row['record']}", f"REJECTED {row['reason']}")
                continue
            figures.add(row["document_id"], texts[row["file"]][row["record"]], row["personal_data"])
    figures.report(checks)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--jangbu", required=True, help="the client")
    parser.add_argument("--jangbud", required=True, help="the server")
    parser.add_argument("--all", action="store_true", help="neardup/uploads and pii/uploads too")
    parser.add_argument("--misses", action="store_true", help="print misses and the summary only")
    parser.add_argument("--keep", action="store_true", help="keep the data directory")
    options = parser.parse_args()
    directory = os.path.abspath(options.directory)
    try:
        with open(os.path.join(directory, "truth.json"), encoding="utf-8") as file:
            truth = json.load(file)["files"]
    except OSError as error:
        fail(f"{directory} is not laid out for acceptance: {error}")
    messy = read_messy(directory)
    folders = []
    for parent in ("partners",) + (("neardup/uploads", "pii/uploads") if options.all else ()):
        path = os.path.join(directory, parent)
        if os.path.isdir(path):
            folders += [f"{parent}/{name}" for name in sorted(os.listdir(path)) if os.path.isdir(os.path.join(path, name))]
    if not folders:
        fail(f"{directory} has no folder partners/")

    checks = Checks(options.misses)
    work = tempfile.mkdtemp(prefix="jangbu-accept.")
    server = Server(options, work)
    code = 1
    try:
        server.start()
        taken = set()
        total_bytes, total_seconds = 0, 0.0
        for folder in folders:
            name = os.path.basename(folder)
            partner = partner_id(name, taken)
            taken.add(partner)
            key = os.path.join(work, partner + ".key")
            server.ask(["partner", "add", name, "--id", partner])
            server.run(["key", "issue", "--partner", partner, "--role", "partner", "--person", "accept", "--out", key])
            corpus = server.ask(["corpus", "add", "--title", name, "--source-type", "text", "--rights", "acceptance",
                                 "--personal-data", "keep", "--legal-basis", "acceptance: counts before screening"],
                                key)["corpus_id"]
            started = time.monotonic()
            upload = server.ask(["-q", "upload", corpus, folder], key, cwd=directory, show=True)
            seconds = time.monotonic() - started
            total_seconds += seconds
            total_bytes += upload["bytes"]
            checks.check(upload["state"] == "done", folder,
                         f"upload {upload['upload_id']} {upload['state']}: {upload['files']:,} files,"
                         f" {upload['bytes']:,} bytes in {seconds:.1f} s")
            again = server.ask(["-q", "upload", corpus, folder], key, cwd=directory, show=True)
            checks.check(again["upload_id"] == upload["upload_id"], folder, "the same command again: the same upload")

            figures = collections.defaultdict(FileFigures)
            sums = collections.Counter()
            for row in server.verdicts(upload["upload_id"], key):
                figures[row["file"]].add(row)
                sums["documents"] += 1
                if row["verdict"] != "REJECTED":
                    for field in ("words", "syllables", "tokens"):
                        sums[field] += row[field]
                sums[row["verdict"].lower()] += 1
            fields = ("documents", "accepted", "exact_duplicate", "near_duplicate", "rejected", "words", "syllables",
                      "tokens")
            checks.check(all(sums[f] == upload[f] for f in fields), folder,
                         "upload show = sum of verdicts: " + ", ".join(f"{f} {upload[f]:,}" for f in fields))

            expected = {path: entry for path, entry in truth.items() if path.startswith(folder + "/")}
            for path in sorted(expected):
                entry, found = expected[path], figures[path]
                if not os.path.exists(os.path.join(directory, path)):
                    continue
                if entry["format"] in ("jsonl", "txt"):
                    odd_lines = messy.get(path, {})
                    check_exact(checks, directory, path, entry, found, odd_lines)
                    for line, line_entry in sorted(odd_lines.items()):
                        check_line(checks, path, line, line_entry, found.rows.get(line), found.invisible.get(line, 0))
                else:
                    check_other(checks, directory, path, entry, found)
            for path in sorted(set(figures) - set(expected)):
                if any(r["verdict"] != "REJECTED" for r in figures[path].rows.values()):
                    checks.check(False, path, "counted, but truth.json does not know it")
        if os.path.exists(os.path.join(directory, "pii", "pii.jsonl")):
            check_personal_data(checks, directory, server, work, taken)
        server.stop()
        started = time.monotonic()
        verified = subprocess.run([options.jangbud, "verify", "--data", server.data], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
        last = (verified.stdout.strip().splitlines() or [""])[-1]
        checks.check(verified.returncode == 0, "jangbud verify", f"{last} in {time.monotonic() - started:.1f} s")
        check_pairs(checks, os.path.join(os.path.dirname(options.jangbu), "jangbu-accept-pairs"), directory, work)
        rate = total_bytes / 1e6 / total_seconds if total_seconds else 0.0
        print(f"{total_bytes:,} bytes uploaded and judged in {total_seconds:.1f} s ({rate:.1f} MB/s as received)")
        for line in checks.missed:
            print(line)
        print(f"{checks.done:,} checks, {len(checks.missed):,} missed")
        code = 1 if checks.missed else 0
    finally:
        server.stop()
        if options.keep:
            print(f"data kept in {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
