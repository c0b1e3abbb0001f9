"""A dry run says what an upload then comes to, keeps nothing, and is nobody else's business."""

import json
import os
import pathlib

import grpc

import jangbu_e2e
from jangbu.v1 import contribute_pb2
from jangbu_client import Client


class DryRun(jangbu_e2e.ServerTest):
    def setUp(self):
        operator = Client(self.server.address, self.server.operator_key())
        self.name = f"saebit{self.id().rsplit('_', 1)[-1]}"
        self.key = operator.add_partner(self.name)
        self.corpus = Client(self.server.address, self.key).create_corpus("기사")

    def cli(self, *arguments, lang="en", check=True):
        return jangbu_e2e.run(jangbu_e2e.BIN / "jangbu", "--server", self.server.address, "--lang", lang, *arguments,
                              check=check, cwd=self.folder, env={
                                  **os.environ, "JANGBU_KEY": self.key, "XDG_STATE_HOME": str(self.server.work),
                                  "XDG_CONFIG_HOME": str(self.server.work)})

    def make_files(self):
        self.folder = self.server.work / self.name
        (self.folder / "기사").mkdir(parents=True)
        for number in range(3):
            lines = jangbu_e2e.json_lines(number % 2, 40)  # the third says what the first said
            (self.folder / f"기사/{number}.jsonl").write_bytes(lines + b"{broken\n")
        (self.folder / "기사/그림.png").write_bytes(b"\x89PNG\r\n\x1a\n....")
        (self.folder / "기사/큰.txt").write_text("\n".join(jangbu_e2e.sentences("big", 20_000)))
        return pathlib.Path("기사")

    def told(self, *arguments):
        return [json.loads(line) for line in self.cli("--json", *arguments).stdout.splitlines()]

    def test_says_what_the_upload_says_1(self):
        files = self.make_files()
        *rows, outcome = self.told("upload", self.corpus, files, "--dry-run")
        self.assertTrue(outcome["dry_run"])
        self.assertEqual(self.told("upload", "list"), [], "no upload was made")
        upload, = self.told("upload", self.corpus, files)
        verdicts = self.told("verdicts", upload["upload_id"])
        prefix = upload["upload_id"] + "#"
        for row in verdicts:
            row["duplicate_of"] = row["duplicate_of"].removeprefix(prefix)
        self.assertEqual(rows, verdicts)
        for field in ("files", "bytes", "documents", "accepted", "exact_duplicate", "rejected", "words", "tokens",
                      "novel_korean_words", "novel_korean_tokens", "tokenizer_sha256"):
            self.assertEqual(outcome[field], upload[field], field)
        self.assertEqual(outcome["api_tokens"], upload["novel_korean_words"])
        self.assertFalse(outcome["member"])
        # Now it is all known: nothing would be credited again.
        *_, again = self.told("upload", self.corpus, files, "--dry-run")
        self.assertEqual((again["accepted"], again["novel_korean_words"], again["api_tokens"]), (0, 0, 0))

    def test_tables_and_exit_codes_2(self):
        files = self.make_files()
        shown = self.cli("upload", self.corpus, files, "--dry-run")
        for words in ("dry run", "invalid_json", "unsupported_format", "API tokens (pending until membership)"):
            self.assertIn(words, shown.stdout)
        self.assertIn("the server kept nothing", shown.stderr)
        self.assertIn("시험 계산", self.cli("upload", self.corpus, files, "--dry-run", lang="ko").stdout)
        strict = self.cli("upload", self.corpus, files, "--dry-run", "--strict", check=False)
        self.assertEqual(strict.returncode, 6)
        (self.folder / "없음.txt").write_text("글")
        (self.folder / "없음.txt").unlink()
        self.assertEqual(self.cli("upload", self.corpus, "없음.txt", "--dry-run", check=False).returncode, 2)

    def test_another_partners_corpus_is_not_there_3(self):
        files = self.make_files()
        other = Client(self.server.address, self.server.operator_key()).add_partner("byeol")
        corpus = Client(self.server.address, other).create_corpus("남의 것")
        for name in (corpus, "byeol/2", "nobody/1"):
            done = self.cli("upload", name, files, "--dry-run", check=False)
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn("no_such_corpus", done.stderr)

    def refusal(self, messages):
        stub = Client(self.server.address, self.key)
        call = stub.contribute.TryFiles(iter(messages), metadata=stub.metadata)
        with self.assertRaises(grpc.RpcError) as refused:
            for _ in call:
                pass
        return refused.exception.details().split(":")[0]

    def test_streams_that_are_none_4(self):
        message = contribute_pb2.TryFilesRequest
        corpus = self.corpus
        for messages, reason in (
                ([], "corpus_id_missing"),
                ([message(path="a.txt", last=True)], "corpus_id_missing"),
                ([message(corpus_id="x")], "bad_corpus_id"),
                ([message(corpus_id=corpus, data=b"x", last=True)], "path_missing"),
                ([message(corpus_id=corpus, path="a.txt", data=b"x")], "file_cut_short"),
                ([message(corpus_id=corpus, path="a" * 5000, data=b"x", last=True)], "bad_path"),
                ([message(corpus_id=corpus, path="a.txt", data=b"x" * ((1 << 20) + 1), last=True)],
                 "message_too_large")):
            self.assertEqual(self.refusal(messages), reason)
        # And after all that one that is.
        self.make_files()
        *_, outcome = self.told("upload", self.corpus, "기사", "--dry-run")
        self.assertGreater(outcome["accepted"], 0)


if __name__ == "__main__":
    jangbu_e2e.main()
