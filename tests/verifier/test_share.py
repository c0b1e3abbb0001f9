#!/usr/bin/env python3
"""The verifier of shares against RFC 9496, against a close made here from docs/close-proof.md, and against forgeries: one
test a kind. Each forgery is made by somebody who can sign the log, or cannot; what it changes is its name."""

import base64
import hashlib
import itertools
import unittest

import ristretto
import share
import tlog
from test_tlog import sign

SEED = bytes(range(32))
ORIGIN = b"example.org/log"
NAMES = [b"hanbit", b"dolsan", b"saebit", b"narae", b"gaon"]
WEIGHTS = {b"hanbit": 123_000, b"dolsan": 45_000, b"saebit": 45_000, b"narae": 0, b"gaon": 987_000}
POOL = 1_000_003
SECRET = hashlib.sha256(b"the close's seed").digest()


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def string(data):
    return varint(len(data)) + data


def blinding(name):
    return int.from_bytes(hashlib.sha512(b"jangbu close blinding v1\n" + SECRET + name).digest(), "little") % ristretto.L


def split(weights, pool):
    total = sum(weights.values())
    quotas = {name: divmod(pool * weight, total) for name, weight in weights.items()}
    left = pool - sum(floor for floor, _ in quotas.values())
    winners = sorted(quotas, key=lambda name: (-quotas[name][1], name))[:left]
    return {name: quotas[name][0] + (name in winners) for name in weights}, quotas, winners


class Close:
    """A posted close in a log of one entry."""

    def __init__(self, weights=None, pool=POOL, **wrong):
        self.weights = dict(weights or WEIGHTS)
        self.places = {name: i for i, name in enumerate(
            sorted(self.weights, key=lambda name: hashlib.sha256(b"jangbu close order v1\n" + SECRET + name).digest()))}
        points = [b""] * len(self.weights)
        for name, weight in self.weights.items():
            points[self.places[name]] = ristretto.commitment(weight, blinding(name)).encode()
        self.shares, quotas, winners = split(self.weights, pool)
        losing = max(quotas[name][1] for name in quotas if name not in winners)
        winning = min((quotas[name][1] for name in winners), default=None)
        tied = []
        if winning is None:
            threshold = sum(self.weights.values())
        elif losing < winning:
            threshold = losing + 1
        else:
            threshold = winning
            tied = sorted(self.places[name] for name in winners if quotas[name][1] == winning)
        self.period = 202610
        total = sum(1 for weight in self.weights.values() if weight) >= 3
        self.own = self.own_part(points=wrong.get("points", points), total=wrong.get("total", total),
                                 pool=wrong.get("pool", pool), weight=wrong.get("weight", sum(self.weights.values())),
                                 r=wrong.get("r", sum(map(blinding, self.weights)) % ristretto.L),
                                 threshold=wrong.get("threshold", threshold), tied=wrong.get("tied", tied))
        self.receipt = self.log(self.own)

    def own_part(self, points, total, pool, weight, r, threshold, tied):
        head = b"\x01" + bytes([58]) + (7).to_bytes(8, "little") + (1).to_bytes(8, "little") + string(b"")
        numbers = (pool, weight, r, threshold, tied) if total else (0, 0, 0, 0, [])
        return (head + varint(self.period) + varint(len(points)) + string(b"".join(points)) + bytes([total])
                + varint(numbers[0]) + varint(numbers[1]) + numbers[2].to_bytes(32, "little") + varint(numbers[3])
                + varint(len(numbers[4])) + b"".join(map(varint, numbers[4])))

    @staticmethod
    def log(own, seed=SEED):
        salt, sealed = hashlib.sha256(b"salt").digest(), hashlib.sha256(b"sealed").digest()
        leaf = tlog.sha256(b"\x01\x00", tlog.sha256(b"jangbu/leaf/own/v1\n", salt, own), sealed)
        text = ORIGIN + b"\n1\n" + base64.b64encode(tlog.leaf_hash(leaf)) + b"\n"
        public, signature = sign(seed, text)
        key_id = hashlib.sha256(ORIGIN + b"\n\x01" + public).digest()[:4]
        note = text + b"\n\xe2\x80\x94 " + ORIGIN + b" " + base64.b64encode(key_id + signature) + b"\n"
        extra = base64.b64encode(b"\x01\x00" + salt + sealed + own)
        return b"c2sp.org/tlog-proof@v1\nextra " + extra + b"\nindex 0\n\n" + note

    def proof(self, name, **wrong):
        lines = {"period": b"2026-10", "partner": name, "place": self.places[name], "weight": self.weights[name],
                 "blinding": blinding(name).to_bytes(32, "little").hex().encode(), "share": self.shares[name],
                 "held": 0, "payout": 0, "receipt": len(self.receipt), **wrong}
        out = b"jangbu/share-proof@v1\n"
        for key, value in lines.items():
            out += key.encode() + b" " + (value if isinstance(value, bytes) else str(value).encode()) + b"\n"
        return out + self.receipt

    def openings(self, **wrong):
        rows = wrong.get("rows") or [(self.places[name], name, self.weights[name], blinding(name), self.shares[name])
                                     for name in sorted(self.weights)]
        out = b"jangbu/close-openings@v1\nperiod 2026-10\npool %d\ntotal %d\npartners %d\n" % (
            POOL, sum(self.weights.values()), len(rows))
        for place, name, weight, r, won in rows:
            out += b"open %d %s %d %s %d\n" % (place, name, weight, r.to_bytes(32, "little").hex().encode(), won)
        return out + b"receipt %d\n" % len(self.receipt) + self.receipt


def log_key():
    public, _ = sign(SEED, b"")
    key_id = hashlib.sha256(ORIGIN + b"\n\x01" + public).digest()[:4]
    return tlog.Key(ORIGIN.decode() + "+" + key_id.hex() + "+" + base64.b64encode(b"\x01" + public).decode())


class Ristretto(unittest.TestCase):
    def test_small_multiples_of_rfc_9496(self):
        known = ["00" * 32, "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
                 "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919"]
        for n, point in enumerate(known):
            self.assertEqual((n * ristretto.BASE).encode().hex(), point)
            self.assertEqual(ristretto.decode(bytes.fromhex(point)), n * ristretto.BASE)

    def test_the_constants_are_what_they_are_called(self):
        p, d = ristretto.P, ristretto.D
        self.assertEqual(pow(ristretto.SQRT_M1, 2, p), p - 1)
        self.assertEqual(pow(ristretto.SQRT_AD_MINUS_ONE, 2, p), (-d - 1) % p)
        self.assertEqual(pow(ristretto.INVSQRT_A_MINUS_D, 2, p) * (-1 - d) % p, 1)
        self.assertEqual(ristretto.ONE_MINUS_D_SQ, (1 - d * d) % p)
        self.assertEqual(ristretto.D_MINUS_ONE_SQ, (d - 1) ** 2 % p)

    def test_laws(self):
        g = ristretto.BASE
        self.assertEqual((ristretto.L * g).encode(), bytes(32))
        for a, b in itertools.product((1, 2, 77, ristretto.L - 1), repeat=2):
            self.assertEqual((a * g + b * g).encode(), ((a + b) * g).encode())
        for n in (3, 5, 1000):
            self.assertEqual(ristretto.decode((n * g).encode()).encode(), (n * g).encode())

    def test_what_encodes_nothing(self):
        for bad in (b"\x01" + bytes(31), b"\xff" * 32, bytes(31), ristretto.P.to_bytes(32, "little"),
                    (ristretto.P - 1).to_bytes(32, "little")):
            self.assertIsNone(ristretto.decode(bad))

    def test_agrees_with_libsodium(self):
        # crypto_core_ristretto255_from_hash and …_add, libsodium 1.0.18.
        self.assertEqual(ristretto.H.encode().hex(), "9896d81eb1f46fad82669f48e1895c562ea6d25df8dbffde6767a61e94e5594e")
        self.assertEqual(ristretto.commitment(123_000, 5).encode().hex(),
                         "3284c664ff0a000ec50c39f3c2be7545821b99601d54508c002b519a142a833f")


class Shares(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.key = log_key()
        cls.close = Close()

    def refused(self, data, reason, check=share.check_share_proof, **more):
        with self.assertRaises(tlog.Refused) as caught:
            check(data, self.key, **more)
        self.assertEqual(caught.exception.reason, reason, str(caught.exception))

    def test_every_true_proof(self):
        places = set()
        paid = 0
        for name in NAMES:
            told = share.check_share_proof(self.close.proof(name), self.key, used_places=places)
            self.assertEqual(told["share_won"], self.close.shares[name])
            paid += told["share_won"]
        self.assertEqual(paid, POOL)

    def test_ties_and_an_even_split(self):
        for weights, pool in (({name: 1_000 for name in NAMES}, 7), ({name: 1_000 for name in NAMES}, 10)):
            close = Close(weights, pool)
            self.assertEqual(sum(share.check_share_proof(close.proof(name), self.key)["share_won"] for name in NAMES), pool)

    def test_forged_weight(self):
        self.refused(self.close.proof(b"hanbit", weight=124_000), "opening")

    def test_forged_share(self):
        self.refused(self.close.proof(b"hanbit", share=self.close.shares[b"hanbit"] + 1), "share")

    def test_forged_total(self):
        # The log's signer publishes a larger total, to pay everybody less.
        forged = Close(weight=2_000_000)
        self.refused(forged.proof(b"hanbit"), "total")

    def test_negative_weight_hidden_among_the_commitments(self):
        # A partner that is none, with a negative weight, would lower the total: an auditor sees it.
        close = Close()
        rows = [(close.places[n], n, close.weights[n], blinding(n), close.shares[n]) for n in sorted(close.weights)]
        rows[0] = (rows[0][0], rows[0][1], -1, rows[0][3], rows[0][4])
        with self.assertRaises(tlog.Refused):
            share.check_openings(close.openings(rows=rows), self.key)

    def test_truncated(self):
        whole = self.close.proof(b"hanbit")
        for size in range(0, len(whole), 97):
            with self.assertRaises(tlog.Refused):
                share.check_share_proof(whole[:size], self.key)
        short = Close(points=[ristretto.commitment(w, blinding(n)).encode() for n, w in list(WEIGHTS.items())[:-1]])
        with self.assertRaises(tlog.Refused):
            share.check_share_proof(short.proof(b"hanbit"), self.key)

    def test_swapped(self):
        # Another partner's place or opening.
        self.refused(self.close.proof(b"hanbit", place=self.close.places[b"gaon"]), "opening")
        other = blinding(b"gaon").to_bytes(32, "little").hex().encode()
        self.refused(self.close.proof(b"hanbit", blinding=other), "opening")

    def test_double_counted(self):
        # One commitment shown to two partners of equal weight: each believes it alone, together they find it.
        close = self.close
        places = set()
        share.check_share_proof(close.proof(b"dolsan"), self.key, used_places=places)
        r = blinding(b"dolsan").to_bytes(32, "little").hex().encode()
        twice = close.proof(b"saebit", place=close.places[b"dolsan"], blinding=r, share=close.shares[b"dolsan"])
        self.refused(twice, "double", used_places=places)

    def test_another_log(self):
        close = Close()
        close.receipt = Close.log(close.own, seed=bytes(32))
        with self.assertRaises(tlog.Refused):
            share.check_share_proof(close.proof(b"hanbit"), self.key)

    def test_another_period(self):
        self.refused(self.close.proof(b"hanbit", period=b"2026-09"), "period")

    def test_changed_bytes(self):
        whole = self.close.proof(b"hanbit")
        start = whole.index(b"weight")
        for position in range(start, len(whole), 53):
            forged = bytearray(whole)
            forged[position] ^= 1
            try:
                told = share.check_share_proof(bytes(forged), self.key)
            except tlog.Refused:
                continue
            self.assertEqual(told["share_won"], self.close.shares[b"hanbit"], position)

    def test_fewer_than_three_publish_no_total(self):
        two = Close({b"hanbit": 5_000, b"dolsan": 3_000, b"gaon": 0})
        self.refused(two.proof(b"hanbit"), "no_total")
        self.assertEqual(share.Published(two.own).pool, 0)

    def test_openings(self):
        told = share.check_openings(self.close.openings(), self.key)
        self.assertEqual(told["total_weight"], sum(WEIGHTS.values()))
        rows = [(self.close.places[n], n, WEIGHTS[n], blinding(n), self.close.shares[n]) for n in sorted(WEIGHTS)]
        swapped = [rows[1][:1] + rows[0][1:]] + [rows[0][:1] + rows[1][1:]] + rows[2:]
        self.refused(self.close.openings(rows=swapped), "opening", share.check_openings)
        moved = [rows[0][:4] + (rows[0][4] + 1,), rows[1][:4] + (rows[1][4] - 1,)] + rows[2:]
        self.refused(self.close.openings(rows=moved), "share", share.check_openings)
        self.refused(self.close.openings(rows=rows[:-1]), "period", share.check_openings)

    def test_a_dictionary_of_names_and_weights_recovers_nothing(self):
        """What was tried on the published entry, knowing every name and a list of plausible weights that holds the true
        ones: commitments without blinding; with the blinding derived from the name, the period, the log's own salts and
        the published total instead of the secret; the published blinding shared out; sums of two; equal commitments of
        equal weights; the order of the places; the threshold as somebody's remainder."""
        published = share.Published(self.close.own)
        seen = set(published.commitments)
        weights = sorted(set(WEIGHTS.values()) | set(range(0, 1_000_001, 50_000)))
        guesses = [0, published.blinding, published.blinding * pow(5, -1, ristretto.L) % ristretto.L]
        for name in NAMES:
            for salt in (b"", b"2026-10", (202610).to_bytes(4, "little"), hashlib.sha256(b"salt").digest(),
                         bytes(str(published.weight), "ascii"), published.blinding.to_bytes(32, "little")):
                guesses.append(int.from_bytes(
                    hashlib.sha512(b"jangbu close blinding v1\n" + salt + name).digest(), "little") % ristretto.L)
        by_weight = {weight: weight * ristretto.BASE for weight in weights}
        for r in guesses:
            base = r * ristretto.H
            for weight in weights:
                self.assertNotIn((by_weight[weight] + base).encode(), seen)
        # Two partners have equal weights: nothing of their commitments is equal, nor is their difference a small one.
        self.assertEqual(len(seen), len(NAMES))
        for a, b in itertools.permutations(published.points, 2):
            self.assertNotIn((a + (ristretto.L - 1) * b).encode(), {p.encode() for p in by_weight.values()})
        # The threshold is nobody's remainder: pool × weight mod total would give the weight away.
        remainders = {POOL * weight % published.weight for weight in WEIGHTS.values() if weight}
        self.assertNotIn(published.threshold, remainders)


if __name__ == "__main__":
    unittest.main()
