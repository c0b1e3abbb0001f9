#!/usr/bin/env python3
"""How upload, confirmation and the run index grow: curves from 0.1 GB on, through a real server.

Three partners in turn upload generated corpora with reuse: 3 % exact and 5 % edited copies, 10 % wire stories that all
draw from. The text has an open vocabulary (jangbu-gen-corpus --style wide): a dozen of its letters stand somewhere before
about as often as in real text.
At each size the table gets a row:

    GB of text · MB/s wall and per CPU second of the last leg · index bytes per byte of text · filters (kept in memory)
    per byte of text · resident memory · bytes written per byte of text since the start · confirmation MB per CPU second

    runs_scale.py BIN_DIR --work DIR [--sizes 0.1,0.3,1,3,10] [--chunk-mb 100] [--seed 1] [--out FILE]

The generated text is removed once uploaded. Needs about 1.2 times the largest size on disk.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from ports import free_port  # noqa: E402

PARTNERS = ("saebit", "daon", "gaon")


class Server:
    def __init__(self, bin_dir, root):
        self.bin = bin_dir
        self.data = os.path.join(root, "data")
        self.port, self.http = free_port(), free_port()
        self.env = dict(os.environ, LC_ALL="C.UTF-8", HOME=root, JANGBU_SERVER=f"127.0.0.1:{self.port}")
        self.log = open(os.path.join(root, "log"), "a")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [os.path.join(self.bin, "jangbud"), "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
             "--http", f"127.0.0.1:{self.http}", "--confirm-at", "off", "--policy", "lot_documents_min=100",
             "lot_document_share_percent_max=100"], stdout=self.log, stderr=self.log, env=self.env)
        while True:
            if self.process.poll() is not None:
                raise SystemExit("the server ended by itself; see " + self.log.name)
            with socket.socket() as s:
                s.settimeout(0.5)
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)

    def run(self, *words, key):
        done = subprocess.run([os.path.join(self.bin, "jangbu"), "--timeout", "36000s", *words],
                              env=dict(self.env, JANGBU_KEY=key), capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(words)} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Resident bytes: private, and of mapped files."""
        sizes = {}
        with open(f"/proc/{self.process.pid}/status") as f:
            for line in f:
                if line.startswith(("RssAnon", "RssFile")):
                    sizes[line.split(":")[0]] = int(line.split()[1]) * 1024
        return sizes["RssAnon"], sizes["RssFile"]

    def written(self):
        with open(f"/proc/{self.process.pid}/io") as f:
            return int(next(line for line in f if line.startswith("write_bytes")).split()[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=600)


def tree_bytes(path):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path) for f in files if os.path.exists(os.path.join(d, f)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--work", required=True)
    parser.add_argument("--sizes", default="0.1,0.3,1,3,10")
    parser.add_argument("--chunk-mb", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default="")
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    server = Server(args.bin_dir, args.work)
    with open(os.path.join(server.data, "operator.key")) as f:
        operator = f.read().strip()
    keys = {}
    for partner in PARTNERS:
        server.run("partner", "add", partner, key=operator)
        keys[partner] = json.loads(server.run("key", "issue", "--partner", partner, "--role", "partner", "--person", "t",
                                              "--json", key=operator))["secret"]
        server.run("corpus", "add", "--partner", partner, "--title", "t", "--source-type", "article", "--rights", "r",
                   key=operator)
    rows, text, chunk, waiting = [], 0, 0, 0
    leg_text, leg_wall, leg_cpu = 0, 0.0, 0.0
    sizes = [float(s) for s in args.sizes.split(",")]
    for size in sizes:
        while text < size * 1e9:
            partner = PARTNERS[chunk % len(PARTNERS)]
            folder = os.path.join(args.work, "chunk")
            subprocess.run([os.path.join(args.bin_dir, "jangbu-gen-corpus"), "--out", folder, "--size", str(args.chunk_mb),
                            "--seed", str(args.seed * 100003 + chunk), "--name", f"c{chunk}", "--style", "wide",
                            "--exact", "30", "--near", "50", "--wire", "100", "--wire-seed", "7",
                            "--wire-pool", "20000", "--files", "4"], check=True, stdout=subprocess.DEVNULL)
            cpu, began = server.cpu(), time.time()
            shown = json.loads(server.run("-q", "upload", f"{partner}/1", folder, "--json", key=keys[partner]))
            leg_wall += time.time() - began
            leg_cpu += server.cpu() - cpu
            leg_text += shown["bytes"]
            text += shown["bytes"]
            waiting += shown["bytes"]
            shutil.rmtree(folder)
            chunk += 1
        cpu, began = server.cpu(), time.time()
        server.run("confirm", key=operator)
        confirm_wall, confirm_cpu = time.time() - began, server.cpu() - cpu
        anon, mapped = server.memory()
        row = {"gb": round(text / 1e9, 2), "upload_mb_s": round(leg_text / 1e6 / leg_wall, 1),
               "upload_mb_cpu_s": round(leg_text / 1e6 / leg_cpu, 1),
               "confirm_mb_s": round(waiting / 1e6 / confirm_wall, 1),
               "confirm_mb_cpu_s": round(waiting / 1e6 / max(confirm_cpu, 0.01), 1),
               "index_percent": round(100 * tree_bytes(os.path.join(server.data, "index")) / text, 2),
               "anonymous_mb": round(anon / 1e6), "mapped_mb": round(mapped / 1e6),
               "anonymous_percent": round(100 * anon / text, 2),
               "written_per_byte": round(server.written() / text, 2),
               "store_percent": round(100 * tree_bytes(server.data) / text, 1)}
        rows.append(row)
        print(json.dumps(row), flush=True)
        if args.out:
            with open(args.out, "w") as f:
                json.dump(rows, f, indent=1)
        leg_text, leg_wall, leg_cpu, waiting = 0, 0.0, 0.0, 0
    began = time.time()
    server.stop()
    stopped = time.time() - began
    began = time.time()
    server.start()
    print(json.dumps({"stop_s": round(stopped, 1), "open_s": round(time.time() - began, 1)}), flush=True)
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
