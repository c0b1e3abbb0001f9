"""The server program: its options, exit codes, files, signals, TLS, and the offline commands."""

import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import grpc

import jangbu_e2e
from jangbu.v1 import contribute_pb2
from jangbu_client import Client

JANGBUD = jangbu_e2e.BIN / "jangbud"


class CommandLine(unittest.TestCase):
    def test_version_and_help(self):
        self.assertRegex(jangbu_e2e.run(JANGBUD, "--version").stdout, r"^jangbud \d+\.\d+\.\d+\n$")
        self.assertIn("Exit codes", jangbu_e2e.run(JANGBUD, "--help").stdout)
        self.assertIn("--tls-cert", jangbu_e2e.run(JANGBUD, "serve", "--help").stdout)

    def test_wrong_usage_is_2(self):
        with tempfile.TemporaryDirectory() as work:
            for arguments in ([], ["sing"], ["serve"], ["serve", "--data"], ["serve", "--data", work, "--workers", "many"],
                              ["serve", "--data", work, "--listen", "0.0.0.0:0"],
                              ["serve", "--data", work, "--policy", "grain=0"],
                              ["serve", "--data", work, "--confirm-at", "25:00"],
                              ["serve", "--data", work, "--config", work + "/none.yaml"],
                              ["verify"], ["backup", "--data", work], ["restore", "--data", work]):
                self.assertEqual(jangbu_e2e.run(JANGBUD, *arguments, check=False).returncode, 2, arguments)
            self.assertEqual(os.listdir(work), [])

    def test_what_cannot_be_served_is_3(self):
        with tempfile.TemporaryDirectory() as work:
            for arguments in (["--listen", "192.0.2.1:0", "--insecure", "--http", "off"], ["--http", "192.0.2.1:0"],
                              ["--tokenizer", work + "/none.json"],
                              ["--tls-cert", work + "/none.pem", "--tls-key", work + "/none.key"],
                              ["--access-log", "/dev/null/x"]):
                data = tempfile.mkdtemp(dir=work)
                addresses = [] if "--listen" in arguments else ["--listen", "127.0.0.1:0"]
                addresses += [] if "--http" in arguments else ["--http", "127.0.0.1:0"]
                done = jangbu_e2e.run(JANGBUD, "serve", "--data", data, *addresses, *arguments, check=False)
                self.assertEqual(done.returncode, 3, (arguments, done.stderr))


class Life(unittest.TestCase):
    def setUp(self):
        self.servers = []

    def tearDown(self):
        for server in self.servers:
            server.close()

    def serve(self, *options, **fields):
        server = jangbu_e2e.Server(*options, **fields)
        self.servers.append(server)
        return server

    def test_first_start_says_where_the_key_is_and_never_the_key(self):
        server = self.serve()
        key_file = server.data / "operator.key"
        self.assertEqual(stat.S_IMODE(key_file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE((server.work / "data.master-key").stat().st_mode), 0o600)
        log = server.log_text()
        self.assertIn(str(key_file), log)
        self.assertNotIn(server.operator_key(), log)
        self.assertNotIn((server.work / "data.master-key").read_text().strip(), log)
        self.assertIn("ready", log)
        self.assertEqual(server.facts["pid"], server.process.pid)
        self.assertFalse(server.facts["tls"])
        # Stopping is clean and quick, and takes the address file away.
        self.assertEqual(server.stop(), 0)
        self.assertFalse((server.data / "server.json").exists())
        self.assertIn("stopped", server.log_text())
        # The second start says nothing of a first one.
        before = len(server.log_text())
        server.start()
        self.assertNotIn("operator.key", server.log_text()[before:])
        self.assertEqual(server.stop(signal.SIGINT), 0)

    def test_one_server_a_directory(self):
        server = self.serve()
        done = jangbu_e2e.run(JANGBUD, "serve", "--data", server.data, "--listen", "127.0.0.1:0", "--http", "off",
                              check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("data_dir_locked", done.stderr)
        for command in (["verify", "--data", server.data], ["backup", "--data", server.data, "--to", server.work / "b"]):
            done = jangbu_e2e.run(JANGBUD, *command, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("data_dir_locked", done.stderr)
        # It goes on, and its address file is still its own.
        self.assertEqual(json.loads((server.data / "server.json").read_text())["pid"], server.process.pid)
        Client(server.address, server.operator_key()).checkpoint()

    def test_an_address_that_is_taken(self):
        server = self.serve()
        with tempfile.TemporaryDirectory() as work:
            done = jangbu_e2e.run(JANGBUD, "serve", "--data", work + "/d", "--listen", server.address, "--http", "off",
                                  check=False)
            self.assertEqual(done.returncode, 3)
            self.assertIn("address_in_use", done.stderr)
            done = jangbu_e2e.run(JANGBUD, "serve", "--data", work + "/d", "--listen", "127.0.0.1:0", "--http",
                                  server.facts["http"], check=False)
            self.assertEqual(done.returncode, 3)
            self.assertIn("address_in_use", done.stderr)

    def test_a_configuration_file_and_an_access_log(self):
        work = pathlib.Path(tempfile.mkdtemp(prefix="jangbu-e2e."))
        self.addCleanup(shutil.rmtree, work, ignore_errors=True)
        (work / "jangbud.yaml").write_text(
            f"access_log: {work}/access.log\nconfirm_at: off\nlog_origin: log.example/e2e\nworkers: 1\n"
            "policy:\n  membership_threshold_words: 5\n")
        server = self.serve("--config", work / "jangbud.yaml", work=work)
        operator = Client(server.address, server.operator_key())
        partner = Client(server.address, operator.add_partner("hanbit"))
        self.assertTrue(partner.checkpoint().verifier_key.startswith("log.example/e2e+"))
        self.assertEqual(partner.balance().membership_threshold_words, 5)
        with self.assertRaises(grpc.RpcError):
            partner.create_upload("hanbit/9", "r")
        self.assertEqual(server.stop(), 0)
        rows = [json.loads(line) for line in (work / "access.log").read_text().splitlines()]
        row = rows[-1]
        self.assertEqual((row["method"], row["code"], row["reason"], row["partner"], row["role"]),
                         ("jangbu.v1.ContributeService/CreateUpload", "NOT_FOUND", "no_such_corpus", "hanbit", "partner"))
        self.assertGreaterEqual(row["duration_us"], 0)
        self.assertTrue(row["peer"].startswith("ipv4:127.0.0.1:"))
        self.assertTrue(row["key"] and row["key"] not in partner.metadata[0][1].split("_")[-2:])
        self.assertNotIn("jangbu.v1", server.log_text())

    def test_stopping_ends_streams_and_loses_nothing(self):
        server = self.serve()
        key = Client(server.address, server.operator_key()).add_partner("hanbit")
        partner = Client(server.address, key)
        corpus = partner.create_corpus("말뭉치")
        upload_id = partner.create_upload(corpus, "r")
        data = jangbu_e2e.json_lines("stop", 100)
        half = len(data) // 2

        def first_half():
            yield contribute_pb2.UploadFilesRequest(upload_id=upload_id, path="a.jsonl", data=data[:half])
            time.sleep(3600)  # a client that says no more

        stream = partner.call(partner.contribute.UploadFiles, first_half())
        self.assertEqual(next(stream).acknowledged, half)
        began = time.monotonic()
        server.process.terminate()
        with self.assertRaises(grpc.RpcError) as raised:
            next(stream)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(server.process.wait(timeout=jangbu_e2e.PATIENCE_S), 0)
        self.assertLess(time.monotonic() - began, jangbu_e2e.PATIENCE_S)
        server.start()
        partner = Client(server.address, key)
        staged = list(partner.call(partner.contribute.ListStagedFiles,
                                   contribute_pb2.ListStagedFilesRequest(upload_id=upload_id)))
        self.assertEqual([(file.path, file.acknowledged, file.complete) for file in staged], [("a.jsonl", half, False)])

    def test_verify_backup_restore(self):
        server = self.serve()
        operator = Client(server.address, server.operator_key())
        partner = Client(server.address, operator.add_partner("hanbit"))
        corpus = partner.create_corpus("말뭉치")
        upload = partner.upload(corpus, "r", [("a.jsonl", jangbu_e2e.json_lines("backup", 50))])
        operator.confirm("hanbit")
        balance = partner.balance(as_of_micros=0)
        self.assertEqual(server.stop(), 0)
        report = json.loads(jangbu_e2e.run(JANGBUD, "verify", "--data", server.data, "--deep", "--json").stdout)
        self.assertTrue(report["ok"])
        self.assertEqual(report["documents"], 50)
        self.assertGreater(report["texts_recounted"], 0)

        backup = server.work / "backup"
        jangbu_e2e.run(JANGBUD, "backup", "--data", server.data, "--to", backup)
        self.assertEqual(jangbu_e2e.run(JANGBUD, "backup", "--data", server.data, "--to", backup, check=False).returncode, 1)
        # Restored to another place, with the keys that were kept apart, it is the same installation.
        copy = server.work / "copy"
        options = ("--master-key-file", server.work / "data.master-key", "--anchor", server.work / "data.anchor")
        jangbu_e2e.run(JANGBUD, "restore", "--from", backup, "--data", copy, *options)
        again = json.loads(jangbu_e2e.run(JANGBUD, "verify", "--data", copy, "--json", *options).stdout)
        self.assertEqual(again["root"], report["root"])
        self.assertEqual(again["books_root"], report["books_root"])

        # The original goes on; its old backup would now sign a fork, and is refused.
        server.start()
        partner = Client(server.address, partner.metadata[0][1].split()[1])
        self.assertEqual(partner.balance().confirmed_korean_tokens, balance.confirmed_korean_tokens)
        self.assertEqual(len(partner.verdicts(upload.upload_id)), 50)
        partner.create_corpus("둘째")
        partner.checkpoint(fresh=True)
        self.assertEqual(server.stop(), 0)
        refused = jangbu_e2e.run(JANGBUD, "restore", "--from", backup, "--data", server.work / "fork", *options,
                                 check=False)
        self.assertIn(refused.returncode, (1, 4), refused.stderr)
        self.assertFalse((server.work / "fork").exists() and any((server.work / "fork").iterdir()))

        # A changed byte of the mark is noticed by both.
        mark = server.data / "mark"
        damaged = bytearray(mark.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        mark.write_bytes(damaged)
        done = jangbu_e2e.run(JANGBUD, "verify", "--data", server.data, "--json", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertFalse(json.loads(done.stdout)["ok"])
        done = jangbu_e2e.run(JANGBUD, "serve", "--data", server.data, "--listen", "127.0.0.1:0", "--http", "off",
                              check=False)
        self.assertEqual(done.returncode, 4, done.stderr)

    def test_metrics_and_health(self):
        server = self.serve()
        operator = Client(server.address, server.operator_key())
        operator.checkpoint()
        with urllib.request.urlopen(server.http + "/healthz", timeout=60) as answer:
            self.assertEqual(answer.read(), b"ok\n")
        with urllib.request.urlopen(server.http + "/metrics", timeout=60) as answer:
            text = answer.read().decode()
        self.assertIn('jangbu_rpc_calls_total{code="OK",method="jangbu.v1.LogService/GetCheckpoint"} 1', text)
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(urllib.request.Request(server.http + "/metrics", headers={"Via": "x"}), timeout=60)
        self.assertEqual(raised.exception.code, 404)

    @unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificates")
    def test_tls_and_client_certificates(self):
        work = pathlib.Path(tempfile.mkdtemp(prefix="jangbu-e2e."))
        self.addCleanup(shutil.rmtree, work, ignore_errors=True)

        def certificate(name, *extra):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", work / f"{name}.key",
                            "-out", work / f"{name}.pem", *extra], check=True, capture_output=True)

        certificate("authority", "-addext", "basicConstraints=critical,CA:TRUE")
        for name, extra in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "subjectAltName=DNS:hanbit.example")):
            certificate(name, "-addext", extra, "-addext", "basicConstraints=critical,CA:FALSE",
                        "-CA", work / "authority.pem", "-CAkey", work / "authority.key")
        server = self.serve("--tls-cert", work / "server.pem", "--tls-key", work / "server.key",
                            "--tls-client-ca", work / "authority.pem")
        self.assertTrue(server.facts["tls"])

        def read(name):
            return (work / name).read_bytes()

        key = server.operator_key()
        with_client = grpc.ssl_channel_credentials(read("authority.pem"), read("client.key"), read("client.pem"))
        self.assertTrue(Client(server.address, key, with_client).checkpoint().checkpoint)
        for credentials in (grpc.ssl_channel_credentials(read("authority.pem")), None):
            with self.assertRaises(grpc.RpcError) as raised:
                Client(server.address, key, credentials).checkpoint()
            self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)


if __name__ == "__main__":
    jangbu_e2e.main()
