"""An extraction audit from uploads to a partner's report: controls by time of commit, canaries, the allow-list, the
audit before, all through the command; the model is a stranger that continues what it remembers."""

import http.server
import json
import os
import random
import threading
import time

import jangbu_e2e
from jangbu_client import Client

TOKENIZER = jangbu_e2e.SOURCE / "tests/ingest/tokens/data/bytelevel.tokenizer.json"
FOOTER = "저작권자 한빛신문 무단전재 및 재배포 금지 이 기사는 언론진흥협약에 따라 제공됩니다"


def text_of(seed, words):
    """Text that nobody else has, in 어절 of one to four syllables."""
    source = random.Random(seed)
    return " ".join("".join(chr(0xAC00 + source.randrange(11_000)) for _ in range(source.randint(1, 4)))
                    for _ in range(words))


class Model:
    """Continues what it remembers from the longest ending of a prompt, says one word otherwise; scores by `echo`."""

    def __init__(self, name, memory):
        self.memory = memory
        model = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def reply(self, body):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def do_GET(self):
                self.reply({"data": [{"id": name}]})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path != "/v1/completions":
                    self.send_error(404)
                    return
                choice = {"index": 0, "text": model.goes_on(body["prompt"]), "finish_reason": "length"}
                if body.get("echo"):
                    choice["logprobs"] = model.scores(body["prompt"])
                self.reply({"model": name, "choices": [choice]})

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def goes_on(self, prompt):
        for keep in range(min(60, len(prompt)), 9, -1):
            for text in self.memory:
                at = text.find(prompt[-keep:])
                if at >= 0:
                    return text[at + keep:at + keep + 150]
        return " 모르겠습니다."

    def scores(self, text):
        """Log-probabilities by letter: sure of what it remembers, unsure of the rest."""
        sure = [any(text[max(0, i - 20):i + 1] in known for known in self.memory) for i in range(len(text))]
        return {"tokens": list(text), "text_offset": list(range(len(text))),
                "token_logprobs": [None] + [-0.01 if s else -5.0 for s in sure[1:]]}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Audit(jangbu_e2e.ServerTest):
    def setUp(self):
        self.operator = Client(self.server.address, self.server.operator_key())
        self.keys = {"saebit": self.operator.add_partner("saebit"), "hani": self.operator.add_partner("hani")}
        self.corpora = {p: Client(self.server.address, key).create_corpus("기사") for p, key in self.keys.items()}
        self.cli("key", "issue", "--role", "compliance", "--person", "문", "-o", "compliance.key",
                 key=self.server.operator_key())
        self.compliance = (self.server.work / "compliance.key").read_text().strip()

    def cli(self, *arguments, key=None, check=True):
        return jangbu_e2e.run(jangbu_e2e.BIN / "jangbu", "--server", self.server.address, "--lang", "en", *arguments,
                              check=check, cwd=self.server.work, env={
                                  **os.environ, "JANGBU_KEY": key or getattr(self, "compliance", ""),
                                  "XDG_STATE_HOME": str(self.server.work), "XDG_CONFIG_HOME": str(self.server.work)})

    def told(self, *arguments, **options):
        """The last line of JSON that a command says."""
        return json.loads(self.cli("--json", *arguments, **options).stdout.splitlines()[-1])

    def write(self, name, texts):
        rows = [json.dumps({"id": f"{name}-{n}", "text": text}, ensure_ascii=False) for n, text in enumerate(texts)]
        (self.server.work / f"{name}.jsonl").write_text("\n".join(rows) + "\n")
        return f"{name}.jsonl"

    def upload(self, partner, file):
        return self.told("upload", self.corpora[partner], file, key=self.keys[partner])["upload_id"]

    def model(self, name, memory):
        model = Model(name, memory)
        self.addCleanup(model.close)
        return model

    def audit(self, plan, model, name, *report):
        self.cli("audit", "run", plan, "--endpoint", model.url, "--record", f"{name}.rec", "--secret", "a.key")
        return self.report(plan, name, *report)

    def report(self, plan, name, *options, check=True, to=None):
        done = self.cli("--json", "audit", "report", plan, "--record", f"{name}.rec", "--secret", "a.key", "--dir",
                        to or f"{name}.report", "--sign-key", "sign.key", *options, check=check)
        return json.loads(done.stdout) if check else done

    def test_from_uploads_to_a_partners_report(self):
        # Canaries of saebit's, four documents each; what saebit gave the model will remember.
        registry = ["--registry", "canaries.reg", "--secret", "a.key"]
        issued = self.cli("--json", "audit", "canary", "issue", "--partner", "saebit", "--count", "6", "--space", "5000",
                          "-o", "issued.jsonl", *registry)
        canaries = [json.loads(line)["text"] for line in issued.stdout.splitlines()]
        self.assertEqual(len(set(canaries)), 6)
        self.cli("audit", "canary", "withdraw", "saebit-6", *registry)
        old = self.write("old", [text_of(f"old{n}", 200) + "\n" + FOOTER for n in range(8)])
        self.cli("audit", "canary", "place", "--partner", "saebit", "--into", old, "--copies", "2", "--seed", "1", "-o",
                 "placed.jsonl", *registry)
        placed = [json.loads(line)["text"] for line in (self.server.work / "placed.jsonl").read_text().splitlines()]
        self.assertEqual([sum(c in text for text in placed) for c in canaries], [2, 2, 2, 2, 2, 0])
        first = self.upload("saebit", "placed.jsonl")
        other = self.upload("hani", self.write("hani", [text_of(f"hani{n}", 200) for n in range(8)]))
        time.sleep(0.01)
        now = time.time_ns() // 1000
        cut_off = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 1_000_000)) + f".{now % 1_000_000:06}Z"
        time.sleep(0.01)
        later = self.upload("saebit", self.write("later", [text_of(f"l{n}", 200) + "\n" + FOOTER for n in range(3)]))
        self.cli("audit", "texts", first, other, later, "-o", "texts.jsonl")
        rows = [json.loads(line) for line in (self.server.work / "texts.jsonl").read_text().splitlines()]
        self.assertEqual(len(rows), 19)
        self.assertEqual([row["committed_at"] > cut_off for row in rows], [row["id"].startswith(later) for row in rows])

        planned = ["--tokenizer", TOKENIZER, "--seed", "s", "--windows", "40", "--control-windows", "30", "--secret",
                   "a.key"]
        plan = self.told("audit", "plan", "--corpus", "texts.jsonl", "--trained-until", cut_off, "--canaries",
                         "canaries.reg", *planned, "-o", "a.plan")
        self.assertEqual({c["origin"] for c in plan["controls"]}, {"after_cut_off"})
        self.assertEqual({c["match"] for c in plan["controls"]}, {"partner_source_length", "source_length"})
        self.assertEqual((plan["canaries_unplaced"], plan["canaries_withdrawn"]), (0, 1))
        for secret in canaries:
            self.assertNotIn(secret.encode(), (self.server.work / "canaries.reg").read_bytes())

        # A model that remembers saebit's, and one that remembers nothing.
        remembers = self.model("remembers", placed)
        report = self.audit("a.plan", remembers, "one")
        self.assertEqual(report["verdict"], "EXTRACTED")
        rates = {p["partner"]: p["exact"] for p in report["partners"]}
        self.assertEqual(rates["hani"], {"hits": 0, "windows": 40})
        self.assertEqual(rates["saebit"], {"hits": 40, "windows": 40})
        self.assertEqual(report["control"]["exact"]["hits"], 0)
        each = report["canaries"]["each"]
        self.assertEqual([c["id"] for c in each], [f"saebit-{n}" for n in range(1, 6)])
        for canary in each:
            self.assertTrue(canary["extracted"])
            self.assertEqual((canary["copies"], canary["rank_worst"], canary["references"]), (2, 1, 99))
        self.assertAlmostEqual(report["canaries"]["partners"][0]["mean_exposure"], 6.643856, places=5)
        for page in ("report.json", "report.ko.html", "report.en.html"):
            shown = (self.server.work / "one.report" / page).read_text()
            for secret in canaries[:5]:
                self.assertNotIn(secret, shown, "who could read one could take it out")
        vkey = [line for line in self.cli("audit", "report", "a.plan", "--record", "one.rec", "--secret", "a.key", "--dir",
                                          "one.report", "--sign-key", "sign.key").stderr.splitlines()
                if "jangbu-audit+" in line][0].split()[-1]
        self.cli("audit", "verify", "a.plan", "--record", "one.rec", "--secret", "a.key", "--dir", "one.report", "--vkey",
                 vkey)

        # Another secret, or a file that was changed, is told as that and not as a trouble of the server.
        (self.server.work / "other.key").write_text("ab" * 32 + "\n")
        for file in ("a.plan", "one.rec"):
            damaged = bytearray((self.server.work / file).read_bytes())
            damaged[-1] ^= 1
            (self.server.work / f"damaged-{file}").write_bytes(damaged)
        for plan, record, secret, reason in (("a.plan", "one.rec", "other.key", "wrong_secret_or_damaged"),
                                             ("damaged-a.plan", "one.rec", "a.key", "wrong_secret_or_damaged"),
                                             ("a.plan", "damaged-one.rec", "a.key", "record_damaged"),
                                             ("a.plan", "a.plan", "a.key", "record_malformed")):
            command = ["audit", "verify", plan, "--record", record, "--secret", secret, "--dir", "one.report"]
            done = self.cli("--json", *command, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            error = json.loads(done.stderr.splitlines()[-1])["error"]
            self.assertEqual((error["code"], error["reason"]), ("DATA_LOSS", reason))
            self.assertIn(record if reason.startswith("record") else plan, error["message"])
            self.assertNotIn("server", self.cli(*command, check=False).stderr)
        done = self.cli("audit", "canary", "list", "--registry", "canaries.reg", "--secret", "other.key", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("the key of --secret does not fit, or the file is damaged (wrong_secret_or_damaged: canaries.reg",
                      done.stderr)

        # Then a better model: less, and the gate looks at it alone.
        better = self.audit("a.plan", self.model("forgets", []), "two", "--previous", "one.report", "--previous-vkey", vkey)
        changes = {p["partner"]: p["direction"] for p in better["comparison"]["partners"]}
        self.assertEqual(changes, {"hani": "within_chance", "saebit": "less"})
        self.assertEqual(better["comparison"]["unlike"], [])
        self.assertEqual(better["verdict"], "NONE_FOUND")
        for canary in better["canaries"]["each"]:
            self.assertFalse(canary["extracted"])
            self.assertEqual(canary["rank_worst"], 100, "equal scores count against it")
        high = better["overall"]["high"]
        for threshold, code in ((high * 1.001, 0), (high * 0.999, 1)):
            done = self.report("a.plan", "two", "--previous", "one.report", "--fail-over", str(threshold), check=False)
            self.assertEqual(done.returncode, code, done.stderr)
        verify = ["audit", "verify", "a.plan", "--record", "two.rec", "--secret", "a.key", "--dir", "two.report"]
        self.assertEqual(self.cli(*verify, check=False).returncode, 1, "the numbers depend on what it is compared with")
        self.report("a.plan", "two", "--previous", "one.report")
        self.cli(*verify, "--previous", "one.report")
        forged = json.loads((self.server.work / "one.report/report.json").read_text())
        forged["partners"][0]["exact"]["hits"] = 1
        (self.server.work / "one.report/report.json").write_text(json.dumps(forged))
        self.assertIn("report_differs", self.report("a.plan", "two", "--previous", "one.report", check=False).stderr)
        self.report("a.plan", "one")

        # The allow-list: a wording by two persons, or not at all.
        def allow(*arguments, check=True):
            return self.cli("--json", "audit", "allow", *arguments, check=check)

        propose = ["propose", "allow.notes", "--wording", placed[0].split("\n")[0], "--reason", "for the test"]
        kim = json.loads(allow(*propose, "--person", "kim", "--sign-key", "kim.key").stdout)["vkey"]
        self.assertIn("wording_too_short", allow("propose", "allow.notes", "--wording", "금지", "--reason", "r", "--person",
                                                 "kim", "--sign-key", "kim.key", check=False).stderr)
        with_list = ["--allow", "allow.notes", "--allow-vkey", kim]
        self.assertEqual(self.report("a.plan", "one", *with_list)["allowed"], [], "not approved")
        for person, key in (("kim", "kim.key"), ("lee", "kim.key")):
            done = allow("approve", "allow.notes", "1", "--person", person, "--sign-key", key, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("same_person", done.stderr)
        lee = json.loads(allow("approve", "allow.notes", "1", "--person", "lee", "--sign-key", "lee.key").stdout)["vkey"]
        self.assertIn("allow_list_unsigned", self.report("a.plan", "one", *with_list, check=False).stderr)
        allowed = self.report("a.plan", "one", *with_list, "--allow-vkey", lee)
        (entry,) = allowed["allowed"]
        self.assertEqual((entry["by"], entry["approved_by"], entry["partners"]), ("kim", "lee", 1))
        self.assertGreater(entry["answers"], 0)
        saebit = [p["exact"]["hits"] for p in allowed["partners"] if p["partner"] == "saebit"][0]
        self.assertTrue(40 - entry["windows"] <= saebit < 40, "a run may be excused where the suffix is not")

        # Into the log, and to the partner, which reads of itself alone.
        self.report("a.plan", "one")
        number = self.told("audit", "enter", "a.plan", "--record", "one.rec", "--secret", "a.key", "--dir",
                           "one.report")["audit"]
        self.cli("audit", "give", "a.plan", "--record", "one.rec", "--secret", "a.key", "--audit", str(number), "--partner",
                 "saebit")
        self.cli("audit", "fetch", "1", "--dir", "mine", key=self.keys["saebit"])
        mine = json.loads((self.server.work / "mine/report.json").read_text())
        self.assertEqual([p["partner"] for p in mine["partners"]], ["saebit"])
        self.assertEqual(len(mine["canaries"]["each"]), 5)
        # hani's report has no canaries: the registry is nobody else's to read.
        self.cli("audit", "give", "a.plan", "--record", "one.rec", "--secret", "a.key", "--audit", str(number), "--partner",
                 "hani")
        self.cli("audit", "fetch", "1", "--dir", "theirs", key=self.keys["hani"])
        theirs = json.loads((self.server.work / "theirs/report.json").read_text())
        self.assertEqual(theirs["canaries"], {"unplaced": 0, "withdrawn": 0, "partners": [], "each": []})
        for folder, neighbour in (("mine", "hani"), ("theirs", "saebit")):
            for page in ("report.json", "report.ko.html", "report.en.html"):
                text = (self.server.work / folder / page).read_text()
                self.assertNotIn(neighbour, text)
                for secret in canaries if folder == "theirs" else canaries[:5]:
                    self.assertNotIn(secret, text)

        # What is withdrawn is not asked about again.
        self.cli("withdraw", first, "--yes", key=self.keys["saebit"])
        self.cli("audit", "texts", first, other, later, "-o", "texts.jsonl")
        again = self.told("audit", "plan", "--corpus", "texts.jsonl", "--trained-until", cut_off, "--canaries",
                          "canaries.reg", *planned, "-o", "b.plan")
        self.assertEqual((again["canaries_unplaced"], again["canaries_withdrawn"]), (5, 1))


if __name__ == "__main__":
    jangbu_e2e.main()
