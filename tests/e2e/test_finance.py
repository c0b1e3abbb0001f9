"""Finance by the command line, as its people use it: keys that two persons make, policy, entitlement, withdrawal, and what
no key may do alone. Closes need a month to pass: they are in finance_flow_test and finance_sim_test."""

import datetime
import json
import os

import jangbu_e2e


class Finance(jangbu_e2e.ServerTest):
    @classmethod
    def setUpClass(cls):
        work = jangbu_e2e.pathlib.Path(jangbu_e2e.tempfile.mkdtemp(prefix="jangbu-e2e."))
        cls.access_log = work / "access.log"
        cls.server = jangbu_e2e.Server("--access-log", str(cls.access_log), work=work)
        cls.server.own_work = True
        cls.keys = {"o1": cls.server.operator_key()}

    def cli(self, key, *arguments, check=True):
        done = jangbu_e2e.run(jangbu_e2e.BIN / "jangbu", "--server", self.server.address, "--lang", "en", "--json",
                              *arguments, check=False,
                              env={**os.environ, "JANGBU_KEY": self.keys[key],
                                   "XDG_STATE_HOME": str(self.server.work), "XDG_CONFIG_HOME": str(self.server.work)})
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def told(self, key, *arguments):
        return [json.loads(line) for line in self.cli(key, *arguments).stdout.splitlines()]

    def refused(self, reason, key, *arguments):
        done = self.cli(key, *arguments, check=False)
        self.assertNotEqual(done.returncode, 0, arguments)
        self.assertIn(f'"reason":"{reason}"', done.stderr.replace('": "', '":"'))

    def test_the_story(self):
        # The first operator makes the second; a finance key takes both, and neither knows it.
        self.keys["o2"] = self.told("o1", "key", "issue", "--role", "operator", "--person", "Lee")[0]["secret"]
        for name, person in (("f1", "Park"), ("f2", "Choi")):
            asked = self.told("o1", "key", "issue", "--role", "finance", "--person", person)[0]
            self.assertTrue(asked["secret"].startswith("jb_half1_"))
            self.refused("same_person", "o1", "key", "approve", asked["key_id"])
            half = self.told("o2", "key", "approve", asked["key_id"])[0]["secret"]
            self.keys[name] = self.cli("o1", "key", "join", half, asked["secret"]).stdout.strip()
        self.assertEqual({row["state"] for row in self.told("o1", "key", "requests")}, {"approved"})
        self.keys["gw"] = self.told("o1", "key", "issue", "--role", "gateway", "--person", "API")[0]["secret"]
        self.cli("o1", "partner", "add", "hanbit")
        self.keys["p"] = self.told("o1", "key", "issue", "--role", "partner", "--partner", "hanbit", "--person",
                                   "Min")[0]["secret"]

        # Policy: proposed by one, approved by another, in force later.
        later = (datetime.datetime.now() + datetime.timedelta(days=40)).strftime("%Y-%m-%d")
        proposed = self.told("f1", "policy", "set", "pool_share_basis_points=1500", "price_won=3", "--from", later)[0]
        self.assertEqual((proposed["version"], proposed["state"]), (2, "proposed"))
        self.refused("same_person", "f1", "policy", "approve", "2")
        self.refused("role_not_allowed", "p", "policy", "approve", "2")
        self.assertEqual(self.told("f2", "policy", "approve", "2")[0]["state"], "approved")
        changes = {row["name"]: (row["from"], row["to"]) for row in self.told("f1", "policy", "diff", "1", "2")}
        self.assertEqual(changes["pool_share_basis_points"], ("1000", "1500"))
        self.assertEqual(self.told("p", "policy", "show")[0]["version"], 1)
        self.refused("policy_retroactive", "f1", "policy", "set", "price_won=5", "--from", "2020-01-01")
        self.refused("bad_policy_field", "f1", "policy", "set", "grain=0", "--from", later)

        # Entitlement: nothing is free yet, so all of it is billable, once.
        use = ("--partner", "hanbit", "--id", "call-1", "--amount", "2500")
        first = self.told("gw", "use", "consume", *use)[0]
        self.assertEqual((first["outcome"], first["free"], first["billable"], first["won"]), ("ok", 0, 2500, 2))
        again = self.told("gw", "use", "consume", *use)[0]
        self.assertEqual((again["outcome"], again["billable"], again["won"]), ("exists", 2500, 2))
        done = self.cli("gw", "use", "consume", "--partner", "hanbit", "--id", "call-1", "--amount", "2501",
                        check=False)
        self.assertIn("exists_with_different_amount", done.stdout)
        done = self.cli("gw", "use", "reserve", "--partner", "hanbit", "--id", "r", "--amount", "5", "--only-free",
                        check=False)
        self.assertIn("exceeds_available", done.stdout)
        self.refused("role_not_allowed", "f1", "use", "consume", *use)
        self.assertEqual(self.told("p", "meter")[0]["billed_won"], 2)
        self.assertEqual(self.told("gw", "meter", "--partner", "hanbit")[0]["billed_won"], 0)

        # Closes: not of a month that is not over, not by anybody but finance.
        month = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=9))).strftime("%Y-%m")
        self.refused("period_not_over", "f1", "close", "draft", month, "--revenue", "1000")
        self.refused("before_programme", "f1", "close", "draft", "2020-01", "--revenue", "1000")
        self.refused("role_not_allowed", "o1", "close", "draft", month, "--revenue", "1000")
        self.refused("no_such_close", "f2", "close", "approve", month)
        self.refused("bad_period", "f1", "close", "show", "2026-13")
        simulated = self.told("f1", "policy", "simulate", month, "pool_share_basis_points=5000", "--revenue", "1000")[0]
        self.assertEqual((simulated["now"]["pool_won"], simulated["then"]["pool_won"]), (100, 500))

        # Withdrawal: a preview first, then for good.
        corpus = self.told("p", "corpus", "add", "--title", "기사", "--source-type", "article", "--rights", "own")[0]
        folder = self.server.work / "texts"
        folder.mkdir()
        (folder / "a.jsonl").write_bytes(jangbu_e2e.json_lines("w", 5))
        upload = self.told("p", "upload", corpus["corpus_id"], str(folder))[-1]["upload_id"]
        preview = self.told("p", "withdraw", f"{upload}#0:1")[0]
        self.assertEqual((preview["withdrawal"], preview["documents"]), (0, 1))
        self.assertEqual(self.told("p", "withdrawals"), [])
        done = self.told("p", "withdraw", f"{upload}#0:1", "--yes")[0]
        self.assertEqual((done["withdrawal"], done["documents"]), (1, 1))
        self.refused("nothing_to_withdraw", "p", "withdraw", f"{upload}#0:1", "--yes")
        rows = self.told("p", "verdicts", upload)
        self.assertEqual([row["document_id"] == "" for row in rows], [True, False, False, False, False])
        self.assertEqual(self.told("p", "withdraw", upload, "--yes")[0]["documents"], 4)
        # The same text again is new: what was withdrawn is nobody's reference.
        folder = self.server.work / "texts again"
        folder.mkdir()
        (folder / "a.jsonl").write_bytes(jangbu_e2e.json_lines("w", 5))
        again = self.told("p", "upload", corpus["corpus_id"], str(folder))[-1]["upload_id"]
        self.assertEqual({row["verdict"] for row in self.told("p", "verdicts", again)}, {"ACCEPTED"})
        self.assertEqual(self.told("p", "withdraw", again, "--yes")[0]["documents"], 5)
        # Counting again: a report, a second person, nothing rewritten.
        self.refused("confirmation_first", "f1", "recount", "begin", "--min-run", "32")
        self.cli("o1", "confirm")
        recount = self.told("f1", "recount", "begin", "--min-run", "32")[0]
        self.assertEqual((recount["recount"], recount["state"]), (1, "proposed"))
        self.refused("same_person", "f1", "recount", "approve", "1")
        self.refused("role_not_allowed", "p", "recount", "list")
        self.assertEqual(self.told("f2", "recount", "approve", "1")[0]["state"], "approved")
        self.refused("nothing_to_recount", "f1", "recount", "begin", "--min-run", "32")
        self.assertEqual(self.told("o1", "recount", "show", "1")[0]["decided_by"], "Choi")

        statement = self.told("p", "statement", month)[0]
        provisional = {line["account"]: line["closing"] for line in statement["lines"] if line["asset"] == "korean_words"}
        self.assertEqual(provisional["provisional"], 0)
        self.assertFalse(statement["final"])

        # The journal as it is, added up by hledger.
        journal = self.server.work / "all.journal"
        done = self.told("f1", "ledger", "export", "-o", str(journal))[0]
        self.assertEqual((done["format"], done["transfers"] > 0), ("hledger", True))
        jangbu_e2e.run("hledger", "-f", journal, "check", "--strict", "ordereddates")
        billed = jangbu_e2e.run("hledger", "-f", journal, "balance", "partners:hanbit:billed", "--no-total").stdout
        self.assertEqual(billed.split(), ["-2", "KRW", "partners:hanbit:billed"])
        self.refused("role_not_allowed", "p", "ledger", "export")

        # Every act is in the access log, with its key and without what it said.
        self.server.stop()
        log = self.access_log.read_text()
        for method in ("AdminService/DecideKey", "FinanceService/ProposePolicy", "FinanceService/DecidePolicy",
                       "UsageService/Use", "FinanceService/DraftClose", "FinanceService/Withdraw"):
            self.assertIn(f"jangbu.v1.{method}", log)
        self.assertNotIn("pool_share", log)


if __name__ == "__main__":
    jangbu_e2e.main()
