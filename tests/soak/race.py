#!/usr/bin/env python3
"""Two partners give the same documents at the same time, each over several streams.

After confirmation each document's item belongs to exactly one of the two, everything sums to zero (`jangbud verify`), and
what each partner saw before is byte for byte what it sees when the other is not there.

    race.py BIN_DIR [--documents 50000] [--streams 8]
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kill_soak import World  # noqa: E402


def write_corpora(folder, documents, streams):
    """`streams` folders of JSON Lines; no two documents share a segment, so that novelty depends on no order."""
    for stream in range(streams):
        place = os.path.join(folder, str(stream))
        os.makedirs(place)
        with open(os.path.join(place, f"part-{stream}.jsonl"), "w", encoding="utf-8") as f:
            for i in range(stream, documents, streams):
                text = (f"{i}번 기사의 첫째 문단은 강물이 {i * 7919 % 100003}번 흘렀다는 이야기이다.\n"
                        f"{i}번 기사의 둘째 문단은 산이 {i * 104729 % 1000003}번 울렸다는 소식으로 끝난다.")
                f.write(json.dumps({"id": f"d{i}", "text": text}, ensure_ascii=False) + "\n")


def seen(world, key):
    """Everything a partner can ask for, without times and without upload numbers (streams race for those)."""
    uploads = [json.loads(line) for line in world.run("upload", "list", "--json", key=key).splitlines()]
    rows = []
    totals = []
    for upload in uploads:
        rows.append(world.run("verdicts", upload["upload_id"], "--json", key=key))
        shown = json.loads(world.run("upload", "show", upload["upload_id"], "--json", key=key))
        totals.append(json.dumps({k: v for k, v in shown.items() if k != "upload_id" and not k.endswith("_at") and "micros" not in k},
                                 sort_keys=True))
    balance = json.loads(world.run("balance", "--json", key=key))
    balance = {k: v for k, v in balance.items() if "as_of" not in k}
    return "".join(sorted(rows)) + "\n".join(sorted(totals)) + json.dumps(balance, sort_keys=True), [u["upload_id"] for u in uploads]


def story(bin_dir, root, corpora, partners, streams, log):
    os.makedirs(root)
    world = World(bin_dir, root, log)
    world.start()
    try:
        world.wait_ready()
        operator = world.operator_key()
        keys = {}
        for partner in ("hani", "book"):
            world.run("partner", "add", partner, key=operator)
            keys[partner] = json.loads(world.run("key", "issue", "--partner", partner, "--role", "partner", "--person", "t",
                                                 "--json", key=operator))["secret"]
            world.run("corpus", "add", "--partner", partner, "--title", "t", "--source-type", "article", "--rights", "r",
                      key=operator)
        clients = []
        for stream in range(streams):
            for partner in partners:
                command, env = world.command("upload", f"{partner}/1", os.path.join(corpora, str(stream)), key=keys[partner])
                clients.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
        for client in clients:
            if client.wait() != 0:
                raise SystemExit(f"an upload ended with {client.returncode}; see {log.name}")
        before = {partner: seen(world, keys[partner]) for partner in partners}
        world.run("confirm", "--now", key=operator)
        items = {}
        for partner in partners:
            for upload in before[partner][1]:
                names = [json.loads(line) for line in world.run("verdicts", upload, "--json", key=keys[partner]).splitlines()]
                decided = [json.loads(line) for line in world.run("items", upload, "--json", key=operator).splitlines()]
                if len(names) != len(decided):
                    raise SystemExit(f"{upload}: {len(names)} verdicts, {len(decided)} items")
                for name, item in zip(names, decided):
                    items.setdefault(name["document_id"], []).append(int(item["item_korean_tokens"]))
        return {partner: before[partner][0] for partner in partners}, items, world
    finally:
        world.server.terminate()
        world.server.wait(timeout=60)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin_dir")
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--streams", type=int, default=8)
    args = parser.parse_args()
    root = tempfile.mkdtemp(prefix="jangbu-race-")
    try:
        corpora = os.path.join(root, "corpora")
        os.makedirs(corpora)
        write_corpora(corpora, args.documents, args.streams)
        with open(os.path.join(root, "log"), "w") as log:
            both, items, world = story(args.bin_dir, os.path.join(root, "both"), corpora, ("hani", "book"), args.streams, log)
            world.verify(deep=True)
            if len(items) != args.documents:
                raise SystemExit(f"{len(items)} documents came back, {args.documents} were given")
            wrong = [name for name, credited in items.items() if len(credited) != 2 or sum(1 for c in credited if c > 0) != 1]
            if wrong:
                raise SystemExit(f"{len(wrong)} documents are not credited to exactly one partner, first {wrong[0]}: {items[wrong[0]]}")
            print(f"{args.documents} documents, {args.streams} streams a partner: each credited to exactly one")
            for partner in ("hani", "book"):
                alone, _, world = story(args.bin_dir, os.path.join(root, partner), corpora, (partner,), args.streams, log)
                if alone[partner] != both[partner]:
                    raise SystemExit(f"{partner} sees something else when the other is not there")
                print(f"{partner}: {len(both[partner])} bytes seen before confirmation, equal without the other")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
