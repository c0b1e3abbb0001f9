"""`jangbu guard proxy` in front of a model that recites: a server judges every answer, also after it was killed."""

import http.client
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import grpc

import jangbu_e2e
from jangbu_client import Client
from ports import free_port


def syllables(seed, count):
    """Text that nobody else has."""
    source = random.Random(seed)
    return "".join(chr(0xAC00 + source.randrange(11_000)) for _ in range(count))


class Reciter:
    """A model that has texts by heart: asked "NAME FROM COUNT", it says that piece, in threes when streamed."""

    def __init__(self, tls=None):
        self.texts = {}
        self.asked = 0
        self.pause_s = 0
        reciter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                reciter.asked += 1
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name, begin, count = body["prompt"].split()
                text = reciter.texts[name][int(begin):int(begin) + int(count)]
                self.send_response(200)
                if body.get("stream"):
                    self.send_header("Content-Type", "text/event-stream")
                    self.end_headers()
                    for at in range(0, len(text), 3):
                        self.say({"choices": [{"index": 0, "text": text[at:at + 3], "finish_reason": None}]})
                        time.sleep(reciter.pause_s)
                    self.wfile.write(b"data: [DONE]\n\n")
                else:
                    self.send_header("Content-Type", "application/json")
                    self.end_headers()
                    self.wfile.write(json.dumps(
                        {"model": "reciter", "choices": [{"index": 0, "text": text, "finish_reason": "stop"}]}).encode())

            def say(self, event):
                self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
                self.wfile.flush()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server.server_port}"
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Proxy:
    """A running `jangbu guard proxy`."""

    def __init__(self, *arguments):
        self.err = tempfile.NamedTemporaryFile(prefix="jangbu-guard.", suffix=".err")
        self.out = tempfile.NamedTemporaryFile(prefix="jangbu-guard.", suffix=".out")
        self.process = subprocess.Popen(
            [jangbu_e2e.BIN / "jangbu", "--lang", "en", *map(str, arguments), "--listen", "127.0.0.1:0"],
            stdout=self.out, stderr=self.err)
        deadline = time.monotonic() + jangbu_e2e.PATIENCE_S
        while True:
            heard = re.search(r"listens on 127\.0\.0\.1:(\d+)", self.errors())
            if heard:
                self.port = int(heard[1])
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the proxy did not start: {self.errors()}")
            time.sleep(0.05)

    def errors(self):
        return pathlib.Path(self.err.name).read_text()

    def told(self):
        return [json.loads(line) for line in pathlib.Path(self.out.name).read_text().splitlines()]

    def ask(self, prompt, key="reader", stream=False):
        """What came: the HTTP status, the text, how it ended or the error's code."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=jangbu_e2e.PATIENCE_S)
        connection.request("POST", "/v1/completions", json.dumps({"model": "m", "prompt": prompt, "stream": stream}),
                           {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
        reply = connection.getresponse()
        body = reply.read().decode()
        connection.close()
        if not stream or reply.status != 200:
            body = json.loads(body)
            if "error" in body:
                return reply.status, "", body["error"]["code"]
            return reply.status, body["choices"][0]["text"], body["choices"][0]["finish_reason"]
        text, end = "", None
        for line in filter(None, body.split("\n")):
            data = line.removeprefix("data: ")
            if data == "[DONE]":
                continue
            event = json.loads(data)
            if "error" in event:
                end = event["error"]["code"]
            else:
                text += event["choices"][0]["text"]
                end = event["choices"][0]["finish_reason"] or end
        return reply.status, text, end

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=jangbu_e2e.PATIENCE_S)
        self.err.close()
        self.out.close()


class GuardProxy(unittest.TestCase):
    def setUp(self):
        self.server = jangbu_e2e.Server(listen=f"127.0.0.1:{free_port()}")
        self.addCleanup(self.server.close)
        self.model = Reciter()
        self.addCleanup(self.model.close)
        operator = Client(self.server.address, self.server.operator_key())
        self.partner = operator.add_partner("saebit")
        self.corpus = Client(self.server.address, self.partner).create_corpus("기사")
        self.gateway = self.server.work / "gateway.key"
        self.cli("key", "issue", "--role", "gateway", "--person", "문", "-o", self.gateway,
                 key=self.server.operator_key())

    def cli(self, *arguments, key=None, check=True):
        return jangbu_e2e.run(jangbu_e2e.BIN / "jangbu", "--server", self.server.address, "--lang", "en", *arguments,
                              check=check, cwd=self.server.work, env={
                                  **os.environ, "JANGBU_KEY": key or self.partner,
                                  "XDG_STATE_HOME": str(self.server.work), "XDG_CONFIG_HOME": str(self.server.work)})

    def upload(self, name, text):
        """Contributes a text, which the model knows by heart; the upload's id."""
        self.model.texts[name] = text
        (self.server.work / f"{name}.txt").write_text(text)
        done = self.cli("--json", "upload", self.corpus, f"{name}.txt")
        return json.loads(done.stdout.splitlines()[-1])["upload_id"]

    def proxy(self, *arguments):
        proxy = Proxy("--server", self.server.address, "--key-file", self.gateway, "guard", "proxy", "--upstream",
                      self.model.url, *arguments)
        self.addCleanup(proxy.close)
        return proxy

    def test_what_the_server_takes_in_or_loses_holds_at_once(self):
        self.model.texts["late"] = syllables("late", 2000)
        proxy = self.proxy("--mode", "cut")
        for stream in (False, True):
            status, text, end = proxy.ask("late 0 120", stream=stream)
            self.assertEqual((status, text, end), (200, self.model.texts["late"][:120], "stop"), "nobody gave it")
        upload = self.upload("late", self.model.texts["late"])
        for number, stream in enumerate((False, True)):
            status, text, end = proxy.ask("late 0 120", f"reader{number}", stream)
            self.assertEqual((status, text, end), (200, self.model.texts["late"][:49], "content_filter"))
        self.cli("withdraw", upload, "--yes")
        _, text, end = proxy.ask("late 500 120", "another")
        self.assertEqual((text, end), (self.model.texts["late"][500:549], "content_filter"), "withdrawn, still guarded")
        shown = [json.loads(line) for line in self.cli("--json", "guard", "incidents").stdout.splitlines()]
        self.assertEqual([row["kind"] for row in shown], ["run", "run", "withdrawn"])
        self.assertEqual([line["incident"] for line in proxy.told()], [row["incident"] for row in shown])

    def test_what_a_key_was_shown_outlives_a_killed_server(self):
        self.upload("page", syllables("page", 800))  # a tenth: 80
        proxy = self.proxy()
        for begin in (0, 100):
            self.assertEqual(proxy.ask(f"page {begin} 40"), (200, self.model.texts["page"][begin:begin + 40], "stop"))
        self.server.stop(signal.SIGKILL)
        asked = self.model.asked
        for stream in (False, True):
            self.assertEqual(proxy.ask("page 200 40", stream=stream), (503, "", "guard_unavailable"))
        self.assertEqual(self.model.asked, asked, "no answer is made that nobody can judge")
        self.assertIn("nothing of it is let through", proxy.errors())
        self.server.start()
        deadline = time.monotonic() + jangbu_e2e.PATIENCE_S
        while proxy.ask("page 200 10")[0] == 503 and time.monotonic() < deadline:
            time.sleep(0.2)
        self.assertEqual(proxy.ask("page 200 40"), (200, "", "content_filter"), "80 were shown before it was killed")
        self.assertEqual(proxy.ask("page 200 24"), (200, self.model.texts["page"][200:224], "stop"), "less than 25")
        self.assertEqual(proxy.ask("page 200 40", "another")[2], "stop", "another key has seen nothing")
        # A second proxy in front of the same model counts in the same place.
        self.assertEqual(self.proxy().ask("page 300 40"), (200, "", "content_filter"))

    def test_a_server_that_falls_silent_lets_nothing_through(self):
        self.upload("page", syllables("page", 800))
        self.model.texts["free"] = syllables("free", 600)
        proxy = self.proxy()
        self.model.pause_s = 0.05
        timer = threading.Timer(1.0, self.server.process.send_signal, [signal.SIGSTOP])
        timer.start()
        status, text, end = proxy.ask("free 0 600", stream=True)
        self.server.process.send_signal(signal.SIGCONT)
        self.assertEqual((status, end), (200, "guard_unavailable"))
        self.assertTrue(self.model.texts["free"].startswith(text))
        self.assertLess(len(text), 600)
        self.model.pause_s = 0
        self.assertEqual(proxy.ask("free 0 60"), (200, self.model.texts["free"][:60], "stop"), "it is back")

    def test_it_does_not_start_without_a_guard(self):
        def start(*arguments):
            return jangbu_e2e.run(jangbu_e2e.BIN / "jangbu", "--lang", "en", *arguments, "guard", "proxy", "--upstream",
                                  self.model.url, "--listen", "127.0.0.1:0", check=False)

        nobody = start("--server", f"127.0.0.1:{free_port()}", "--key-file", self.gateway)
        self.assertEqual(nobody.returncode, 3)
        self.assertIn("guard_unavailable", nobody.stderr)
        wrong = start("--server", self.server.address, "--key", self.partner)
        self.assertEqual(wrong.returncode, 5)
        self.assertIn("role_not_allowed", wrong.stderr)

    def test_files_are_for_trials(self):
        self.model.texts["page"] = syllables("page", 300)
        (self.server.work / "page.txt").write_text(self.model.texts["page"])
        proxy = Proxy("guard", "proxy", "--upstream", self.model.url, "--corpus", self.server.work / "page.txt",
                      "--no-budget")
        self.addCleanup(proxy.close)
        self.assertEqual(proxy.ask("page 0 120"), (200, "", "content_filter"))
        self.assertIn("this is for trials", proxy.errors())
        self.assertEqual(proxy.told()[0]["kind"], "run")
        alone = jangbu_e2e.run(jangbu_e2e.BIN / "jangbu", "guard", "proxy", "--upstream", self.model.url, "--no-budget",
                               check=False)
        self.assertEqual(alone.returncode, 2, "budgets are the server's to keep")


@unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificates")
class GuardProxyOverTls(unittest.TestCase):
    """Both ways out of the proxy encrypted, each under an authority of its own."""

    def certificate(self, name, *extra):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", f"/CN={name}", "-keyout", self.work / f"{name}.key", "-out",
                        self.work / f"{name}.pem", *extra], check=True, capture_output=True)

    def signed(self, name, authority):
        self.certificate(authority, "-addext", "basicConstraints=critical,CA:TRUE")
        self.certificate(name, "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
                         "-CA", self.work / f"{authority}.pem", "-CAkey", self.work / f"{authority}.key")

    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="jangbu-e2e."))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.signed("server", "ours")
        self.signed("model", "theirs")
        self.server = jangbu_e2e.Server("--tls-cert", self.work / "server.pem", "--tls-key", self.work / "server.key")
        self.addCleanup(self.server.close)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.work / "model.pem", self.work / "model.key")
        self.model = Reciter(tls)
        self.addCleanup(self.model.close)

    def cli(self, *arguments, key):
        return jangbu_e2e.run(jangbu_e2e.BIN / "jangbu", "--server", self.server.address, "--ca", self.work / "ours.pem",
                              "--lang", "en", *arguments, cwd=self.work, env={
                                  **os.environ, "JANGBU_KEY": key, "XDG_STATE_HOME": str(self.work),
                                  "XDG_CONFIG_HOME": str(self.work)})

    def test_nothing_of_50_passes_and_strangers_are_not_trusted(self):
        trust = grpc.ssl_channel_credentials((self.work / "ours.pem").read_bytes())
        operator = self.server.operator_key()
        own = Client(self.server.address, operator, trust).add_partner("saebit")
        corpus = Client(self.server.address, own, trust).create_corpus("기사")
        page = syllables("page", 1200)
        self.model.texts["page"] = page
        (self.work / "page.txt").write_text(page)
        self.cli("upload", corpus, "page.txt", key=own)
        self.cli("key", "issue", "--role", "gateway", "--person", "문", "-o", "gateway.key", key=operator)

        def proxy(*arguments):
            started = Proxy("--server", self.server.address, "--key-file", self.work / "gateway.key", *arguments,
                            "guard", "proxy", "--upstream", self.model.url)
            self.addCleanup(started.close)
            return started

        trusting = Proxy("--server", self.server.address, "--key-file", self.work / "gateway.key", "--ca",
                         self.work / "ours.pem", "guard", "proxy", "--upstream", self.model.url, "--upstream-ca",
                         self.work / "theirs.pem", "--mode", "cut")
        self.addCleanup(trusting.close)
        for number, stream in enumerate((False, True)):
            self.assertEqual(trusting.ask("page 0 120", f"reader{number}", stream), (200, page[:49], "content_filter"))
            self.assertEqual(trusting.ask("page 300 24", f"reader{number}", stream), (200, page[300:324], "stop"))
        # A server whose authority is not known is none: the proxy does not start.
        with self.assertRaisesRegex(AssertionError, "guard_unavailable"):
            proxy()
        # A model whose authority is not known is not asked.
        asked = self.model.asked
        status, text, _ = proxy("--ca", self.work / "ours.pem").ask("page 0 120")
        self.assertEqual((status, text), (502, ""))
        self.assertEqual(self.model.asked, asked)


if __name__ == "__main__":
    jangbu_e2e.main()
