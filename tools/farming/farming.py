#!/usr/bin/env python3
"""What farming earns: tricks that make old text look new, through a running server, in whole credits.

For each trick a partner uploads an original and then copies made with the trick, each an upload of its own, and a
confirmation run settles them. The table says what the second and the n-th copy earn, in per cent of the Korean words
that the original earned. A figure is a balance, not a count of this script. Each trick is played three times: over
reports of short paragraphs, over papers of longer ones, and over the reports into a corpus that refuses what no text of
people comes near (STRICT). Beside that stands how many of the copy's documents carry a flag of quality that their
originals do not.

    farming.py BIN_DIR [--documents 60] [--copies 3] [--seed 1] [--json FILE] [--markdown FILE] [--only TRICK,..]

Originals are generated (jangbu-gen-corpus). The same seed makes the same copies.
"""
import argparse
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unicodedata

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from ports import free_port  # noqa: E402

LEADS = 0xAC00
HANGUL = re.compile("[가-힣]")


def syllable(rng):
    return chr(LEADS + rng.randrange(11172))


def noise(share):
    def trick(text, rng, n):
        return "".join(syllable(rng) if HANGUL.match(c) and rng.random() < share else c for c in text)
    return trick


def own_noise(share):
    """Noise that looks like Korean: syllables of the text itself."""
    def trick(text, rng, n):
        pool = HANGUL.findall(text)
        return "".join(rng.choice(pool) if HANGUL.match(c) and rng.random() < share else c for c in text)
    return trick


def every(step):
    """One syllable in `step`, at even distances: where random noise leaves runs, this leaves none."""
    def trick(text, rng, n):
        out, k = [], n
        for c in text:
            if c.isalnum():
                k += 1
                if k % step == 0 and HANGUL.match(c):
                    c = syllable(rng)
            out.append(c)
        return "".join(out)
    return trick


def respace(text, rng, n):
    words = []
    for line in text.split("\n"):
        letters = [c for c in line if c != " "]
        words.append("".join(c + (" " if rng.random() < 0.3 else "") for c in letters).strip())
    return "\n".join(words)


def spread(text, rng, n):
    return "\n".join(" ".join(c for c in line if c != " ") for line in text.split("\n"))


def jamo(text, rng, n):
    return unicodedata.normalize("NFD", text)


COMPAT = [list("ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"), list("ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"),
          [""] + list("ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")]


def compat_jamo(text, rng, n):
    out = []
    for c in text:
        if HANGUL.match(c):
            i = ord(c) - LEADS
            out.append(COMPAT[0][i // 588] + COMPAT[1][i % 588 // 28] + COMPAT[2][i % 28])
        else:
            out.append(c)
    return "".join(out)


HOMOGLYPHS = {"이": "ㅇl", "a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "0": "О", "1": "l"}


def homoglyph(text, rng, n):
    return "".join(HOMOGLYPHS.get(c, c) for c in text)


def full_width(text, rng, n):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def invisible(text, rng, n):
    marks = ["\u200b", "\u2060", "\u00ad", "\u200c", "\u3164", "\ufe0f"]
    return "".join(c + (rng.choice(marks) if rng.random() < 0.3 else "") for c in text)


def arae_a(text, rng, n):
    return "".join(c + ("ㆍ" if rng.random() < 0.2 else "") for c in text)


def shuffle_sentences(text, rng, n):
    sentences = re.split(r"(?<=[.!?])\s+", text)
    rng.shuffle(sentences)
    return "\n".join(" ".join(sentences[i:i + 4]) for i in range(0, len(sentences), 4))


def rewrap(width):
    def trick(text, rng, n):
        lines, line = [], ""
        for word in text.split():
            if line and len(line) + len(word) > width:
                lines.append(line)
                line = ""
            line += (" " if line else "") + word
        return "\n".join(lines + [line])
    return trick


FILLER = ["그리고", "한편", "이와 관련해", "이런 가운데", "무엇보다", "덧붙여 말하면", "다시 말해", "특히"]


def interleave(text, rng, n):
    """A word of filler after every fifth 어절."""
    out = []
    for i, word in enumerate(re.split(r"( |\n)", text)):
        out.append(word)
        if i % 10 == 8:
            out.append(" " + rng.choice(FILLER))
    return "".join(out)


def digit_padding(text, rng, n):
    return re.sub(r"([가-힣]{3})( )", lambda m: m[1] + str(rng.randrange(10, 99)) + m[2], text)


def hanja_padding(text, rng, n):
    return re.sub(r"([가-힣]{3})( )", lambda m: m[1] + chr(0x4E00 + rng.randrange(5000)) + m[2], text)


SYNONYMS = {"했다": "하였다", "말했다": "밝혔다", "밝혔다": "전했다", "지난": "앞선", "올해": "금년", "오늘": "금일", "이번": "금번", "매우": "몹시",
            "많은": "숱한", "크게": "대폭", "새로운": "신규", "모든": "온갖", "그러나": "하지만", "또한": "아울러", "위해": "목적으로",
            "따라": "의해", "통해": "거쳐", "대한": "관한", "함께": "같이", "계획": "방침", "결과": "성과", "문제": "사안"}


def synonyms(text, rng, n):
    return re.sub("|".join(sorted(SYNONYMS, key=len, reverse=True)), lambda m: SYNONYMS[m[0]], text)


def honorific(text, rng, n):
    """하다체 ↔ 합니다체 at the ends of sentences."""
    text = re.sub(r"습니다\.", "다.", text) if n % 2 == 0 else text
    return re.sub(r"([가-힣])다\.", r"\1답니다.", text)


NORTH = {"노동": "로동", "역사": "력사", "여성": "녀성", "연구": "련구", "요리": "료리", "이론": "리론", "내일": "래일", "여자": "녀자", "이용": "리용",
         "역할": "력할", "연구원": "연구사", "냉장": "랭장", "양국": "량국", "예산": "례산", "논의": "론의", "이사": "리사", "노력": "로력", "영향": "령향",
         "연도": "년도", "유지": "류지", "이상": "리상", "연합": "련합"}


def north(text, rng, n):
    return re.sub("|".join(sorted(NORTH, key=len, reverse=True)), lambda m: NORTH[m[0]], text)


HANJA = {"정부": "政府", "경제": "經濟", "사회": "社會", "시장": "市場", "기술": "技術", "연구": "硏究", "지역": "地域", "국가": "國家", "문화": "文化", "회사": "會社",
         "시민": "市民", "대학": "大學", "교육": "敎育", "산업": "産業", "정책": "政策", "계획": "計劃", "결과": "結果", "문제": "問題", "사업": "事業", "기업": "企業",
         "조사": "調査", "발표": "發表", "관계": "關係", "예산": "豫算", "위원": "委員", "제도": "制度", "방안": "方案", "자료": "資料", "환경": "環境"}


def hanja(text, rng, n):
    return re.sub("|".join(HANJA), lambda m: HANJA[m[0]], text)


def word_order(text, rng, n):
    """What a translation there and back does, at its crudest: neighbouring 어절 change places, some are lost, some doubled."""
    lines = []
    for line in text.split("\n"):
        words, i, out = line.split(), 0, []
        while i < len(words):
            if i + 1 < len(words) and rng.random() < 0.25:
                out += [words[i + 1], words[i]]
                i += 2
                continue
            if rng.random() > 0.05:
                out.append(words[i])
            i += 1
        lines.append(" ".join(out))
    return "\n".join(lines)


def one(trick):
    """A trick on each text by itself."""
    return lambda texts, rng, n: [trick(t, rng, n) for t in texts]


def split_paragraphs(texts, rng, n):
    return [p for t in texts for p in t.split("\n") if p.strip()]


def split_sentences(texts, rng, n):
    return [s for t in texts for s in re.split(r"(?<=[.!?])\s+", t) if s.strip()]


def concatenate(texts, rng, n):
    texts = texts[:]
    rng.shuffle(texts)
    return ["\n".join(texts[i:i + 10]) for i in range(0, len(texts), 10)]


def templates(texts, rng, n):
    """One form letter, filled in again and again with numbers and names of the originals' words."""
    words = HANGUL.findall("".join(texts))
    out = []
    for i, t in enumerate(texts):
        name = "".join(rng.choice(words) for _ in range(3))
        first = t.split("\n")[0]
        out.append(f"{first} 담당자는 {name}이며 접수 번호는 {rng.randrange(10**6)}번입니다.")
    return out


def letters_only(text):
    return [c for c in text if c.isalnum()]


def zipper(texts, rng, n):
    """Two originals cut into pieces of 23 letters, one less than a run, and dealt alternately. Nobody named this one."""
    out = []
    order = texts[:]
    rng.shuffle(order)
    for a, b in zip(order[::2], order[1::2]):
        a, b = letters_only(a), letters_only(b)
        pieces = []
        for i in range(0, min(len(a), len(b)), 23):
            pieces.append("".join(a[i:i + 23]))
            pieces.append("".join(b[i:i + 23]))
        out.append("\n".join(" ".join(p[k:k + 4] for k in range(0, len(p), 4)) for p in pieces))
    return out


def short_lines(texts, rng, n):
    """Lines shorter than a run, so that each is judged as a whole, in another order. Nobody named this one either."""
    out = []
    for t in texts:
        lines = rewrap(18)(t, rng, n).split("\n")
        rng.shuffle(lines)
        out.append("\n".join(lines))
    return out


TRICKS = [
    ("the same again", lambda texts, rng, n: texts),
    ("noise 1 %", one(noise(0.01))), ("noise 2 %", one(noise(0.02))), ("noise 3 %", one(noise(0.03))),
    ("noise 5 %", one(noise(0.05))), ("noise 10 %", one(noise(0.10))),
    ("noise 3 %, the text's own syllables", one(own_noise(0.03))), ("noise 5 %, the text's own syllables", one(own_noise(0.05))),
    ("spaces moved", one(respace)), ("a space after every syllable", one(spread)),
    ("jamo (NFD)", one(jamo)), ("jamo (compatibility letters)", one(compat_jamo)), ("homoglyphs", one(homoglyph)),
    ("full width", one(full_width)), ("invisible characters", one(invisible)), ("ㆍ between letters", one(arae_a)),
    ("sentences shuffled", one(shuffle_sentences)), ("a document a paragraph", split_paragraphs),
    ("a document a sentence", split_sentences), ("ten documents in one, other order", concatenate),
    ("wrapped at 40", one(rewrap(40))), ("wrapped at 15", one(rewrap(15))), ("templates filled in", templates),
    ("filler after every fifth 어절", one(interleave)), ("digits in between", one(digit_padding)),
    ("Hanja in between", one(hanja_padding)), ("synonyms", one(synonyms)), ("하다체 to 합니다체", one(honorific)),
    ("North spelling", one(north)), ("Hanja for Hangul", one(hanja)), ("word order (a crude round trip)", one(word_order)),
    ("one syllable in 24, evenly", one(every(24))), ("zipper of two, 23 letters each", zipper),
    ("short lines, shuffled", short_lines),
]


# Thresholds from which on a corpus may refuse: docs/personal-data.md says what real text has.
STRICT = ("spaced_out=50:60,character_noise=5:12,rare_syllables=4:8,common_syllables=25:20,shuffled_words=60:80,"
          "long_words=30:60")

# Lots of any size, to the token: what a trick earns is seen document by document.
EVERY_TOKEN = ("lot_documents_min=1", "lot_document_share_percent_max=100", "grain=1")


class Server:
    def __init__(self, bin_dir, root, policy=EVERY_TOKEN):
        self.bin = bin_dir
        self.root = root
        self.port, http = free_port(), free_port()
        self.env = dict(os.environ, LC_ALL="C.UTF-8", HOME=root, JANGBU_SERVER=f"127.0.0.1:{self.port}")
        self.env.pop("JANGBU_MASTER_KEY", None)
        self.log = open(os.path.join(root, "log"), "w")
        self.process = subprocess.Popen(
            [os.path.join(bin_dir, "jangbud"), "serve", "--data", os.path.join(root, "data"), "--listen",
             f"127.0.0.1:{self.port}", "--http", f"127.0.0.1:{http}", "--confirm-at", "off",
             *(["--policy", *policy] if policy else [])],
            stdout=self.log, stderr=self.log, env=self.env)
        deadline = time.time() + 60
        while time.time() < deadline:
            with socket.socket() as s:
                s.settimeout(0.2)
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.02)
        else:
            raise SystemExit("the server did not become ready; see " + self.log.name)
        with open(os.path.join(root, "data", "operator.key")) as f:
            self.operator = f.read().strip()

    def run(self, *words, key=None):
        env = dict(self.env, JANGBU_KEY=key or self.operator)
        done = subprocess.run([os.path.join(self.bin, "jangbu"), *words], env=env, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(words)} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


def write(path, texts, tag):
    with open(path, "w", encoding="utf-8") as f:
        for i, text in enumerate(texts):
            f.write(json.dumps({"id": f"{tag}-{i}", "text": text}, ensure_ascii=False) + "\n")


def originals(bin_dir, root, documents, seed, style="report", megabytes=1):
    folder = os.path.join(root, "originals")
    subprocess.run([os.path.join(bin_dir, "jangbu-gen-corpus"), "--out", folder, "--size", str(megabytes), "--seed",
                    str(seed), "--style", style], check=True, stdout=subprocess.DEVNULL)
    texts = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            texts += [json.loads(line)["text"] for line in f if line.strip()]
    return texts[:documents]


def flags_of(server, upload, key):
    """For each document of an upload the rules of quality that flag or refuse it."""
    rows = [json.loads(line) for line in server.run("verdicts", upload, "--json", key=key).splitlines()]
    return [{flag["rule"] for flag in row["flags"]} for row in rows]


def play(server, root, number, trick, texts, copies, seed, quality=None):
    """Confirmed Korean words of the original and of each copy; per cent of the first copy's documents that carry a flag
    that no original carries."""
    partner = f"farm{number}"
    server.run("partner", "add", partner)
    secret = json.loads(server.run("key", "issue", "--partner", partner, "--role", "partner", "--person", "tester",
                                   "--json"))["secret"]
    server.run("corpus", "add", "--partner", partner, "--title", "t", "--source-type", "text", "--rights", "r",
               *(["--quality", quality] if quality else []))
    earned, before, flags = [], 0, []
    for n in range(copies + 1):
        rng = random.Random(seed * 1000 + number * 10 + n)
        path = os.path.join(root, f"{partner}-{n}.jsonl")
        write(path, texts if n == 0 else trick(texts, rng, n), f"c{n}")
        upload = json.loads(server.run("upload", f"{partner}/1", path, "--json", key=secret))["upload_id"]
        flags.append(flags_of(server, upload, secret) if n < 2 else [])
        server.run("confirm")
        balance = json.loads(server.run("balance", "--json", key=secret))
        earned.append(balance["confirmed_korean_words"] - before)
        before = balance["confirmed_korean_words"]
        os.remove(path)
    usual = set().union(*flags[0])
    return earned, 100 * sum(1 for rules in flags[1] if rules - usual) / max(1, len(flags[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--copies", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", default="")
    parser.add_argument("--markdown", default="")
    args = parser.parse_args()
    root = tempfile.mkdtemp(prefix="jangbu-farming-")
    rows = []
    reports = originals(args.bin_dir, root, args.documents, args.seed)
    papers = originals(args.bin_dir, root, args.documents, args.seed, style="paper")
    wanted = set(filter(None, args.only.split(",")))
    for number, (name, trick) in enumerate(TRICKS):
        if wanted and name not in wanted:
            continue
        row = {"trick": name}
        for kind, texts, quality in (("reports", reports, None), ("papers", papers, None), ("strict", reports, STRICT)):
            # A server of its own for each: nobody else's text stands in the way.
            place = os.path.join(root, f"{number}-{kind}")
            os.makedirs(place)
            server = Server(args.bin_dir, place)
            try:
                earned, flagged = play(server, place, number, trick, texts, args.copies if kind == "reports" else 1,
                                       args.seed, quality)
            finally:
                server.stop()
            row[kind] = {"original_words": earned[0], "copies_words": earned[1:], "flagged_percent": round(flagged, 1),
                         "second_percent": round(100 * earned[1] / earned[0], 2),
                         "last_percent": round(100 * earned[-1] / earned[0], 2)}
        rows.append(row)
        print(f"{name:36s} copy {row['reports']['second_percent']:6.2f} %   copy {args.copies} "
              f"{row['reports']['last_percent']:6.2f} %   papers {row['papers']['second_percent']:6.2f} %   flagged "
              f"{row['reports']['flagged_percent']:5.1f} %   strict {row['strict']['second_percent']:6.2f} %", flush=True)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f, ensure_ascii=False, indent=1)
    if args.markdown:
        with open(args.markdown, "w", encoding="utf-8") as f:
            f.write(f"| trick | copy | copy {args.copies} | copy, long paragraphs | flagged | copy, strict corpus |\n"
                    "|---|---:|---:|---:|---:|---:|\n")
            for row in rows:
                f.write(f"| {row['trick']} | {row['reports']['second_percent']:.1f} % | "
                        f"{row['reports']['last_percent']:.1f} % | {row['papers']['second_percent']:.1f} % | "
                        f"{row['reports']['flagged_percent']:.0f} % | {row['strict']['second_percent']:.1f} % |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
