#!/usr/bin/env python3
"""The distinguishing game: can a partner tell from what it sees whether somebody else gave a text before?

One partner gives half of a set of documents. Another then gives all of them, in an order drawn at random, and guesses for
each whether it is of that half. It may use

  - every field of every verdict, and the bytes of its row;
  - how long it took to try, to upload and to have explained each of some documents, one by one;
  - after each confirmation run the verdicts again, what its balance rose by and what the new lot says, for every document
    of that lot (the rest goes up in several uploads, a run after each; the policy is the default one: lots of 1,000
    documents or more, grains of 1,000 tokens).

For every quantity the best guess is a threshold on it, so its worth is its AUC (0.5: none); the interval is Hanley and
McNeil's, 95 %. Ends with 1 if for any quantity the AUC, taken from its better side, is above 0.52 by more than chance
explains: if the interval's near end is. (A lot's total says how much of the lot somebody else gave, which a partner may
learn: among a thousand documents it says next to nothing of one.)

    side_channel.py BIN_DIR [--documents 4000] [--timed 300] [--lots 3] [--seed 1]
"""
import argparse
import json
import math
import os
import random
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "farming"))
from farming import Server, originals, write  # noqa: E402


def auc(values, labels):
    """Area under the curve of `values` as a score for `labels`, ties counted half, and half its 95 % interval."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    ranks = [0.0] * len(values)
    i = 0
    while i < len(order):
        j = i
        while j + 1 < len(order) and values[order[j + 1]] == values[order[i]]:
            j += 1
        for k in range(i, j + 1):
            ranks[order[k]] = (i + j) / 2 + 1
        i = j + 1
    ones = sum(labels)
    zeros = len(labels) - ones
    a = (sum(r for r, y in zip(ranks, labels) if y) - ones * (ones + 1) / 2) / (ones * zeros)
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    spread = math.sqrt(max(0.0, a * (1 - a) + (ones - 1) * (q1 - a * a) + (zeros - 1) * (q2 - a * a)) / (ones * zeros))
    return a, 1.96 * spread


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--documents", type=int, default=4000)
    parser.add_argument("--timed", type=int, default=300)
    parser.add_argument("--lots", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    print(f"seed {args.seed}", flush=True)
    root = tempfile.mkdtemp(prefix="jangbu-side-")
    texts = originals(args.bin_dir, root, 10**9, args.seed, style="news", megabytes=max(4, args.documents // 250))
    texts = list(dict.fromkeys(texts))[:args.documents]
    rng.shuffle(texts)
    held = [rng.random() < 0.5 for _ in texts]
    server = Server(args.bin_dir, root, policy=())
    worst = 0.0
    try:
        keys = {}
        for partner in ("other", "guesser"):
            server.run("partner", "add", partner)
            keys[partner] = json.loads(server.run("key", "issue", "--partner", partner, "--role", "partner", "--person", "t",
                                                  "--json"))["secret"]
            server.run("corpus", "add", "--partner", partner, "--title", "t", "--source-type", "text", "--rights", "r")
        path = os.path.join(root, "other.jsonl")
        write(path, [t for t, h in zip(texts, held) if h], "o")
        server.run("-q", "upload", "other/1", path, key=keys["other"])
        server.run("confirm")

        key = keys["guesser"]
        timed = min(args.timed, len(texts))
        seconds = {"to try one": [], "of an upload of one": [], "to explain one": []}

        def take(name, *words):
            began = time.perf_counter()
            answer = server.run("-q", *words, key=key)
            seconds[name].append(time.perf_counter() - began)
            return answer

        for i in range(timed):
            path = os.path.join(root, "one.jsonl")
            write(path, [texts[i]], f"t{i}")
            take("to try one", "upload", "guesser/1", path, "--dry-run")
            shown = json.loads(take("of an upload of one", "upload", "guesser/1", path, "--json"))
            take("to explain one", "verdicts", shown["upload_id"], "--explain", json.loads(
                server.run("verdicts", shown["upload_id"], "--json", key=key))["file"] + ":1")

        # The rest in several uploads, a confirmation run after each: so many lots.
        rows, rises, shares, lots_seen = [], [], [], 0
        labels = held[timed:]
        each = -(-len(labels) // args.lots)
        for n in range(args.lots):
            part = texts[timed + n * each:timed + (n + 1) * each]
            path = os.path.join(root, f"rest-{n}.jsonl")
            write(path, part, f"g{n}")
            shown = json.loads(server.run("-q", "upload", "guesser/1", path, "--json", key=key))
            before = server.run("verdicts", shown["upload_id"], "--json", key=key)
            balance = json.loads(server.run("balance", "--json", key=key))
            server.run("confirm")
            after = server.run("verdicts", shown["upload_id"], "--json", key=key)
            if before != after:
                print("verdicts changed with a confirmation run")
                worst = 1.0
            rose = json.loads(server.run("balance", "--json", key=key))
            lots = [json.loads(line) for line in server.run("lots", "--json", key=key).splitlines()]
            # What each of these documents has to go by: the sums of the lot that it is in.
            new = lots[-1] if len(lots) > lots_seen else None
            lots_seen = len(lots)
            rises += [rose["confirmed_korean_tokens"] - balance["confirmed_korean_tokens"]] * len(part)
            shares += [new["confirmed_korean_tokens"] / max(1, new["provisional_korean_tokens"]) if new else 0.0] * len(part)
            rows += [json.loads(line) for line in after.splitlines()]
        assert len(rows) == len(labels)

        quantities = {f"seconds {name}": (values, held[:timed]) for name, values in seconds.items()}
        quantities["what the balance rose by with its lot"] = (rises, labels)
        quantities["confirmed share of its lot"] = (shares, labels)
        for field in rows[0]:
            if field in ("record", "document_id", "sha256", "file", "file_number"):
                continue  # the guesser's own
            values = [row[field] for row in rows]
            # What the text itself says is not the server's to hide: it is compared with the part that is.
            if field.startswith("novel_korean_"):
                values = [row[field] - row[field.replace("novel_", "")] for row in rows]
            elif not isinstance(values[0], (int, float)):
                values = [len(str(v)) * 1000 + sum(map(ord, str(v))) for v in values]
            quantities[field] = (values, labels)
        quantities["bytes of the row, less the names"] = (
            [len(json.dumps({k: v for k, v in row.items() if k not in ("record", "document_id", "sha256")}))
             for row in rows], labels)
        print(f"{len(rows)} documents in {args.lots} uploads, {lots_seen} lots; {timed} one by one")
        for name, (values, truth) in quantities.items():
            a, interval = auc(values, truth)
            off = max(a, 1 - a)
            print(f"  {name:40s} AUC {off:.3f} ± {interval:.3f}")
            worst = max(worst, off - interval)
    finally:
        server.stop()
    print("no better than chance" if worst <= 0.52 else "somebody else's text shows through")
    return 0 if worst <= 0.52 else 1


if __name__ == "__main__":
    sys.exit(main())
