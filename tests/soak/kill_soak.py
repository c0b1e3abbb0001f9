#!/usr/bin/env python3
"""Kills server and client at random instants of uploads and confirmation runs; the books must end as if nothing happened.

One undisturbed run is the reference. Then scenario after scenario, each with a fresh data directory, the same corpora are
uploaded and confirmed while server or client are killed (SIGKILL) and started again. After every server kill `jangbud
verify` runs on what the kill left. At the end of a scenario verdicts, uploads, balances and books root must equal the
reference, and `jangbud verify --deep` must pass.

    kill_soak.py BIN_DIR --kills 200 [--seed 1] [--mb 6] [--keep]

Prints the seed; the same seed kills at the same delays.
"""
import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from ports import free_port  # noqa: E402


class World:
    """One data directory, its server, and the commands against it."""

    def __init__(self, bin_dir, root, log):
        self.bin = bin_dir
        self.root = root
        self.data = os.path.join(root, "data")
        self.port = free_port()
        self.http = free_port()
        self.server = None
        self.log = log
        self.env = dict(os.environ, LC_ALL="C.UTF-8", HOME=root, JANGBU_SERVER=f"127.0.0.1:{self.port}")
        self.env.pop("JANGBU_MASTER_KEY", None)

    def start(self):
        self.server = subprocess.Popen(
            [os.path.join(self.bin, "jangbud"), "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
             "--http", f"127.0.0.1:{self.http}", "--confirm-at", "off",
             "--policy", "lot_documents_min=100", "lot_document_share_percent_max=100"],
            stdout=self.log, stderr=self.log, env=self.env)

    def wait_ready(self):
        deadline = time.time() + 60
        while time.time() < deadline:
            if self.server.poll() is not None:
                raise SystemExit(f"the server ended by itself with {self.server.returncode}; see {self.log.name}")
            with socket.socket() as s:
                s.settimeout(0.2)
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise SystemExit("the server did not become ready")

    def kill_server(self):
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()

    def verify(self, deep=False):
        command = [os.path.join(self.bin, "jangbud"), "verify", "--data", self.data] + (["--deep"] if deep else [])
        done = subprocess.run(command, env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit("verify failed after a kill:\n" + done.stdout + done.stderr)

    def command(self, *words, key=None):
        env = dict(self.env)
        if key:
            env["JANGBU_KEY"] = key
        return [os.path.join(self.bin, "jangbu"), *words], env

    def run(self, *words, key=None, check=True):
        command, env = self.command(*words, key=key)
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise SystemExit(f"{' '.join(words)} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def operator_key(self):
        with open(os.path.join(self.data, "operator.key")) as f:
            return f.read().strip()


class Killer:
    def __init__(self, rng, wanted):
        self.rng = rng
        self.left = wanted
        self.server_kills = 0
        self.client_kills = 0

    def disturb(self, world, words, key, longest):
        """Runs a command to its success, killing server or client at random while kills are left."""
        while True:
            command, env = world.command(*words, key=key)
            client = subprocess.Popen(command, env=env, stdout=world.log, stderr=world.log)
            killed = False
            while client.poll() is None and self.left > 0:
                delay = self.rng.uniform(0.0, longest) if self.rng.random() < 0.7 else self.rng.uniform(0.0, 0.15)
                try:
                    client.wait(timeout=delay)
                    break
                except subprocess.TimeoutExpired:
                    pass
                self.left -= 1
                if self.rng.random() < 0.7:
                    self.server_kills += 1
                    world.kill_server()
                    world.verify()
                    world.start()
                    if self.rng.random() < 0.3 and self.left > 0:  # again, while it recovers
                        time.sleep(self.rng.uniform(0.0, 0.25))
                        self.left -= 1
                        self.server_kills += 1
                        world.kill_server()
                        world.verify()
                        world.start()
                    world.wait_ready()
                else:
                    self.client_kills += 1
                    client.send_signal(signal.SIGKILL)
                    client.wait()
                    killed = True
                    break
            if killed:
                continue
            if client.wait() == 0:
                return
            if self.left <= 0 and client.returncode != 0:
                # The last kill may have hit it; without further kills it must succeed.
                world.run(*words, key=key)
                return


def story(world, corpora, disturb):
    """Two partners with overlapping corpora, three uploads, two confirmation runs."""
    world.start()
    world.wait_ready()
    operator = world.operator_key()
    keys = {}
    for partner in ("hani", "book"):
        world.run("partner", "add", partner, key=operator)
        keys[partner] = json.loads(world.run("key", "issue", "--partner", partner, "--role", "partner", "--person", "tester",
                                             "--json", key=operator))["secret"]
        world.run("corpus", "add", "--partner", partner, "--title", "t", "--source-type", "article", "--rights", "r",
                  key=operator)
    disturb(world, ["upload", "hani/1", os.path.join(corpora, "hani")], keys["hani"], 1.2)
    disturb(world, ["upload", "book/1", os.path.join(corpora, "book")], keys["book"], 1.2)
    disturb(world, ["confirm", "--now"], operator, 0.6)
    disturb(world, ["upload", "hani/1", os.path.join(corpora, "more")], keys["hani"], 0.8)
    disturb(world, ["confirm", "--now"], operator, 0.6)
    result = {}
    for partner in ("hani", "book"):
        uploads = [json.loads(line) for line in world.run("upload", "list", "--json", key=keys[partner]).splitlines()]
        for upload in uploads:
            shown = json.loads(world.run("upload", "show", upload["upload_id"], "--json", key=keys[partner]))
            result[upload["upload_id"]] = {k: v for k, v in shown.items() if not k.endswith("_at") and "micros" not in k}
            result["verdicts " + upload["upload_id"]] = world.run("verdicts", upload["upload_id"], "--json",
                                                                  key=keys[partner])
        balance = json.loads(world.run("balance", "--json", key=keys[partner]))
        result["balance " + partner] = {k: v for k, v in balance.items() if "as_of" not in k}
    result["books root"] = world.run("books-root", "--json", key=operator)
    world.server.send_signal(signal.SIGTERM)
    world.server.wait(timeout=30)
    world.verify(deep=True)
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin_dir")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--per-scenario", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mb", type=int, default=6)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    rng = random.Random(args.seed)
    root = tempfile.mkdtemp(prefix="jangbu-kill-")
    corpora = os.path.join(root, "corpora")
    gen = os.path.join(args.bin_dir, "jangbu-gen-corpus")
    for name, seed, size in (("hani", 1, args.mb), ("book", 2, args.mb), ("more", 3, max(1, args.mb // 3))):
        os.makedirs(os.path.join(corpora, name))
        subprocess.run([gen, "--out", os.path.join(corpora, name), "--size", str(size), "--seed", str(seed), "--files", "5",
                        "--exact", "5", "--near", "5", "--wire", "30", "--wire-seed", "9", "--bad-every", "97"],
                       check=True, stdout=subprocess.DEVNULL)
    ok = False
    try:
        with open(os.path.join(root, "log"), "w") as log:
            def calm(world, words, key, longest):
                world.run(*words, key=key)
            os.makedirs(os.path.join(root, "reference"))
            reference = story(World(args.bin_dir, os.path.join(root, "reference"), log), corpora, calm)
            kills = scenario = server_kills = client_kills = 0
            while kills < args.kills:
                scenario += 1
                place = os.path.join(root, f"scenario-{scenario}")
                os.makedirs(place)
                killer = Killer(rng, min(args.per_scenario, args.kills - kills))
                world = World(args.bin_dir, place, log)
                try:
                    result = story(world, corpora, killer.disturb)
                finally:
                    if world.server and world.server.poll() is None:
                        world.kill_server()
                done = killer.server_kills + killer.client_kills
                kills += done
                server_kills += killer.server_kills
                client_kills += killer.client_kills
                for name in reference:
                    if result.get(name) != reference[name]:
                        raise SystemExit(f"scenario {scenario} (seed {args.seed}): {name} differs from the undisturbed run\n"
                                         f"expected {str(reference[name])[:2000]}\n     got {str(result.get(name))[:2000]}")
                if set(result) != set(reference):
                    raise SystemExit(f"scenario {scenario}: other uploads than in the undisturbed run")
                print(f"scenario {scenario}: {done} kills, same verdicts, counts, balances and books root", flush=True)
                shutil.rmtree(place)
                if done == 0:
                    break
            print(f"{kills} kills ({server_kills} server, {client_kills} client) in {scenario} scenarios; books root "
                  f"{json.loads(reference['books root'])['books_root'][:16]}… every time")
            ok = kills > 0
    finally:
        if ok and not args.keep:
            shutil.rmtree(root)
        else:
            print(f"left at {root}", file=sys.stderr)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
