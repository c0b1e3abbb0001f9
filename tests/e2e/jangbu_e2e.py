"""What the end-to-end tests share: a server of their own, on free ports, over a new data directory.

The tests run the built programs (JANGBU_BIN) and talk to them as strangers would: with stubs that protoc generated, with
buf, with urllib. Nothing here shares code with the server.
"""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["JANGBU_BIN"])
SOURCE = pathlib.Path(os.environ["JANGBU_SOURCE"])
sys.path.insert(0, str(SOURCE / "tools"))
# With sanitizers everything takes longer and more memory.
SANITIZED = b"__asan_init" in (BIN / "jangbud").read_bytes()
PATIENCE_S = 240


class Server:
    """A running jangbud."""

    def __init__(self, *options, work=None, data=None, environment=None, listen="127.0.0.1:0"):
        self.listen = listen
        self.own_work = work is None
        self.work = pathlib.Path(work or tempfile.mkdtemp(prefix="jangbu-e2e."))
        self.data = pathlib.Path(data or self.work / "data")
        self.options = list(options)
        self.environment = environment
        self.log = self.work / "server.log"
        self.process = None
        self.start()

    def start(self):
        facts = self.data / "server.json"
        with contextlib.suppress(FileNotFoundError):
            facts.unlink()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "jangbud", "serve", "--data", self.data, "--listen", self.listen, "--http", "127.0.0.1:0",
                 *self.options], stdout=log, stderr=log, env=self.environment)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                self.facts = json.loads(facts.read_text())
                if self.facts["pid"] == self.process.pid:
                    break
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log_text()}")
            time.sleep(0.05)
        self.address = self.facts["listen"]
        self.http = "http://" + self.facts["http"]

    def log_text(self):
        return self.log.read_text(errors="replace")

    def operator_key(self):
        return (self.data / "operator.key").read_text().strip()

    def stop(self, how=signal.SIGTERM):
        """Stops the server; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=PATIENCE_S)

    def close(self):
        try:
            self.stop(signal.SIGKILL)
        finally:
            if self.own_work:
                shutil.rmtree(self.work, ignore_errors=True)


class ServerTest(unittest.TestCase):
    """A test case whose tests share one server."""

    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.OPTIONS)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()


WORDS = ["바다", "산길", "도서관", "아침", "신문", "기록", "마을", "학교", "강물", "겨울", "노래", "이야기", "사람",
         "시간", "하늘", "바람", "편지", "시장", "농부", "어부", "기차", "정거장", "골목", "언덕", "등대", "우체국"]


def sentences(seed, count):
    """Korean-looking sentences that are different for each seed."""
    source = random.Random(seed)
    return [" ".join(source.choice(WORDS) + source.choice(["이", "를", "에서", "의", "과"]) for _ in range(12)) + "."
            for _ in range(count)]


def json_lines(seed, documents, per_document=5):
    """The bytes of a JSON Lines file."""
    rows = []
    for number in range(documents):
        text = "\n".join(sentences(f"{seed}/{number}", per_document))
        rows.append(json.dumps({"id": f"문서-{seed}-{number}", "title": f"제목 {number}", "text": text},
                               ensure_ascii=False))
    return ("\n".join(rows) + "\n").encode()


def run(*command, check=True, **options):
    """Runs a program; its completed process, with text in stdout and stderr."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=PATIENCE_S,
                          **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def main():
    print(f"programs in {BIN}", file=sys.stderr)
    unittest.main(verbosity=2)
