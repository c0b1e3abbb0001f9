"""buf: the wire keeps its rules, and `buf curl` needs nothing but the server's reflection."""

import base64
import hashlib
import json
import os
import pathlib
import sys
import unittest

import jangbu_e2e

VERSION = (jangbu_e2e.SOURCE / "tests/e2e/buf.version").read_text().strip()
CACHE = pathlib.Path(os.environ.get("JANGBU_CACHE")
                     or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "jangbu")
BUF = CACHE / f"buf-{VERSION}/node_modules/.bin/buf"
SKIPPED = 77  # as CMakeLists.txt says


class Lint(unittest.TestCase):
    def test_the_wire_keeps_its_rules(self):
        jangbu_e2e.run(BUF, "lint", jangbu_e2e.SOURCE / "proto")

    def test_the_wire_is_formatted_and_builds(self):
        jangbu_e2e.run(BUF, "build", jangbu_e2e.SOURCE / "proto", "-o", "/dev/null")


class Curl(jangbu_e2e.ServerTest):
    def curl(self, key, method, *messages, check=True):
        """Calls a method with JSON messages; the JSON answers."""
        done = jangbu_e2e.run(
            BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--emit-defaults",
            "-H", f"authorization: Bearer {key}", "--data", "\n".join(json.dumps(message) for message in messages),
            f"http://{self.server.address}/jangbu.v1.{method}", check=check)
        if done.returncode != 0:
            return done
        answers = []
        decoder = json.JSONDecoder()
        text = done.stdout.strip()
        while text:
            answer, end = decoder.raw_decode(text)
            answers.append(answer)
            text = text[end:].lstrip()
        return answers

    def test_upload_and_read(self):
        operator = self.server.operator_key()
        self.curl(operator, "AdminService/AddPartner", {"partnerId": "hanbit", "name": "한빛 신문"})
        key = self.curl(operator, "AdminService/IssueKey",
                        {"partnerId": "hanbit", "role": "ROLE_PARTNER", "person": "김하나"})[0]["secret"]
        corpus = self.curl(key, "ContributeService/CreateCorpus",
                           {"title": "기사", "sourceType": "SOURCE_TYPE_ARTICLE", "rights": "own"})[0]["corpus"]
        self.assertEqual(corpus["corpusId"], "hanbit/1")
        upload_id = self.curl(key, "ContributeService/CreateUpload",
                              {"corpusId": corpus["corpusId"], "requestId": "r"})[0]["upload"]["uploadId"]
        data = jangbu_e2e.json_lines("buf", 20)
        half = len(data) // 2
        acks = self.curl(
            key, "ContributeService/UploadFiles",
            {"uploadId": upload_id, "path": "a.jsonl", "data": base64.b64encode(data[:half]).decode()},
            {"offset": str(half), "data": base64.b64encode(data[half:]).decode(), "last": True,
             "sha256": base64.b64encode(hashlib.sha256(data).digest()).decode()})
        self.assertTrue(acks[-1]["complete"])
        self.assertEqual(int(acks[-1]["acknowledged"]), len(data))
        self.curl(key, "ContributeService/SealUpload", {"uploadId": upload_id, "fileCount": 1})
        told = self.curl(key, "ContributeService/WatchUpload", {"uploadId": upload_id})
        self.assertEqual(told[-1]["upload"]["state"], "UPLOAD_STATE_DONE")
        self.assertEqual(told[-1]["upload"]["counts"]["accepted"], "20")
        rows = self.curl(key, "ContributeService/ListVerdicts", {"uploadId": upload_id, "limit": "3"})
        self.assertEqual([row["verdict"]["verdict"] for row in rows], ["VERDICT_ACCEPTED"] * 3)
        balance = self.curl(key, "LedgerService/GetBalance", {})[0]["balance"]
        self.assertGreater(int(balance["provisionalKoreanTokens"]), 0)
        receipt = self.curl(key, "ContributeService/GetReceipt", {"uploadId": upload_id})[0]["receipt"]
        self.assertGreater(len(base64.b64decode(receipt)), 100)

        fed = self.curl(key, "ContributeService/Contribute",
                        {"corpusId": corpus["corpusId"], "streamId": "s", "documentId": "d1",
                         "text": jangbu_e2e.sentences("buf feed", 1)[0]},
                        {"documentId": "d2", "text": jangbu_e2e.sentences("buf feed 2", 1)[0]})
        self.assertEqual([answer["documentId"] for answer in fed], ["d1", "d2"])

        refused = self.curl(key, "ContributeService/GetUpload", {"uploadId": "hanbit/u99"}, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("no_such_upload", refused.stderr)

    def test_methods_can_be_listed(self):
        done = jangbu_e2e.run(BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--list-methods",
                              f"http://{self.server.address}")
        self.assertIn("jangbu.v1.ContributeService/UploadFiles", done.stdout)
        self.assertIn("grpc.health.v1.Health/Check", done.stdout)


if __name__ == "__main__":
    if not BUF.exists():
        print(f"skipped: {BUF} is not there; tests/e2e/setup.sh installs it")
        sys.exit(SKIPPED)
    jangbu_e2e.main()
