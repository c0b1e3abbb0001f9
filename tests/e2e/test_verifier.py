"""The independent verifier (tests/verifier, written from the RFC and the C2SP texts alone) against a real server."""

import base64
import json
import sys
import urllib.request

import jangbu_e2e
from jangbu_client import Client

VERIFIER = jangbu_e2e.SOURCE / "tests/verifier"


def verify(script, *arguments, check=True):
    return jangbu_e2e.run(sys.executable, VERIFIER / script, *arguments, check=check)


class Verifier(jangbu_e2e.ServerTest):
    def test_receipts_checkpoints_and_tiles(self):
        operator = Client(self.server.address, self.server.operator_key())
        partner = Client(self.server.address, operator.add_partner("hanbit"))
        corpus = partner.create_corpus("기사")
        upload = partner.upload(corpus, "r1", [("a.jsonl", jangbu_e2e.json_lines("v", 50))])
        vkey = partner.checkpoint().verifier_key
        work = self.server.work

        receipt = work / "receipt"
        receipt.write_bytes(partner.receipt(upload.upload_id))
        done = verify("verify_receipt.py", "--vkey", vkey, receipt)
        receipts = json.loads(done.stdout)["receipts"]
        self.assertGreaterEqual(len(receipts), 3)
        for proved in receipts:
            self.assertIn(b"hanbit", base64.b64decode(proved["own_part"]))
        # Every changed byte of the proof is refused; a sample of them here.
        good = receipt.read_bytes()
        for position in range(0, len(good), max(1, len(good) // 40)):
            forged = bytearray(good)
            forged[position] ^= 1
            path = work / "forged"
            path.write_bytes(forged)
            self.assertNotEqual(verify("verify_receipt.py", "--vkey", vkey, path, check=False).returncode, 0,
                                f"byte {position}")

        old = work / "old.checkpoint"
        with urllib.request.urlopen(self.server.http + "/checkpoint", timeout=60) as answer:
            old.write_bytes(answer.read())
            self.assertEqual(answer.headers["Cache-Control"], "no-cache")
        verify("verify_checkpoint.py", "--vkey", vkey, old)

        # The log grows past a tile's width; the old head stays a part of it.
        for number in range(70):
            partner.create_upload(corpus, f"filler-{number}")
        for number in range(4):
            partner.upload(corpus, f"more-{number}",
                           [(f"{number}-{file}.txt", "\n".join(jangbu_e2e.sentences(f"{number}/{file}", 2)).encode())
                            for file in range(20)])
        for number in range(150):
            operator.add_partner(f"p{number}")
        partner.checkpoint(fresh=True)
        tiles = verify("verify_tiles.py", "--vkey", vkey, self.server.http, "--old", old)
        self.assertGreater(json.loads(tiles.stdout)["checkpoint"]["size"], 256)

        # Another log's key proves nothing.
        name, _, _ = vkey.partition("+")
        self.assertNotEqual(verify("verify_tiles.py", "--vkey", name + "+00000000+" + vkey.rsplit("+", 1)[1],
                                   self.server.http, check=False).returncode, 0)

    def test_full_tiles_may_be_kept_for_ever(self):
        operator = Client(self.server.address, self.server.operator_key())
        for number in range(130):
            operator.add_partner(f"q{number}")
        operator.checkpoint(fresh=True)
        with urllib.request.urlopen(self.server.http + "/tile/0/000", timeout=60) as answer:
            self.assertEqual(len(answer.read()), 256 * 32)
            self.assertIn("immutable", answer.headers["Cache-Control"])


if __name__ == "__main__":
    jangbu_e2e.main()
