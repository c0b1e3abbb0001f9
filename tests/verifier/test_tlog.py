#!/usr/bin/env python3
"""The verifier against published answers, the definitions of RFC 6962, and a log served over HTTP."""

import base64
import gzip
import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest

import tlog

HERE = os.path.dirname(os.path.abspath(__file__))

# RFC 8032, section 7.1: seed, public key, message, signature.
ED25519 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]

CT_ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"

GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()


def sign(seed, message):
    """RFC 8032 section 5.1.6, to make test data with."""
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
    public_key = tlog.point_encode(tlog.point_multiply(a, tlog.BASE))
    r = int.from_bytes(hashlib.sha512(h[32:] + message).digest(), "little") % tlog.L
    big_r = tlog.point_encode(tlog.point_multiply(r, tlog.BASE))
    k = int.from_bytes(hashlib.sha512(big_r + public_key + message).digest(), "little") % tlog.L
    return public_key, big_r + ((r + k * a) % tlog.L).to_bytes(32, "little")


def mth(d):
    if not d:
        return tlog.EMPTY_ROOT
    if len(d) == 1:
        return tlog.leaf_hash(d[0])
    k = tlog.split(len(d))
    return tlog.node_hash(mth(d[:k]), mth(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = tlog.split(len(d))
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, whole):
    if m == len(d):
        return [] if whole else [mth(d)]
    k = tlog.split(len(d))
    if m <= k:
        return subproof(m, d[:k], whole) + [mth(d[k:])]
    return subproof(m - k, d[k:], False) + [mth(d[:k])]


class Ed25519(unittest.TestCase):
    def test_vectors_of_rfc_8032(self):
        for seed, public_key, message, signature in ED25519:
            seed, public_key, message, signature = map(bytes.fromhex, (seed, public_key, message, signature))
            self.assertEqual(sign(seed, message), (public_key, signature))
            self.assertTrue(tlog.ed25519_verify(public_key, message, signature))
            self.assertFalse(tlog.ed25519_verify(public_key, message + b"x", signature))
            for i in range(0, 64, 7):
                bad = bytearray(signature)
                bad[i] ^= 1
                self.assertFalse(tlog.ed25519_verify(public_key, message, bytes(bad)))

    def test_malleated_signature(self):
        _, public_key, message, signature = map(bytes.fromhex, ED25519[1])
        s = int.from_bytes(signature[32:], "little") + tlog.L
        self.assertFalse(tlog.ed25519_verify(public_key, message, signature[:32] + s.to_bytes(32, "little")))


class Merkle(unittest.TestCase):
    def test_known_root(self):
        d = [bytes.fromhex(entry) for entry in CT_ENTRIES]
        self.assertEqual(mth(d).hex(), CT_ROOT)
        running = tlog.RunningRoot()
        for n in range(len(d) + 1):
            self.assertEqual(running.root(), mth(d[:n]))
            if n < len(d):
                running.append(tlog.leaf_hash(d[n]))

    def test_proofs_of_every_small_tree(self):
        d = [b"%d" % i for i in range(20)]
        for n in range(1, 21):
            root = mth(d[:n])
            for m in range(n):
                proof = path(m, d[:n])
                self.assertEqual(tlog.root_of_path(tlog.leaf_hash(d[m]), m, n, proof), root)
                for bad in (proof[:-1] if proof else [root], proof + [root]):
                    with self.assertRaises(tlog.Refused):
                        tlog.root_of_path(tlog.leaf_hash(d[m]), m, n, bad)
            for m in range(1, n + 1):
                proof = subproof(m, d[:n], True)
                tlog.check_consistency(m, mth(d[:m]), n, root, proof)
                for bad in [proof + [root]] + ([proof[:-1], [root] + proof[1:]] if proof else []):
                    with self.assertRaises(tlog.Refused):
                        tlog.check_consistency(m, mth(d[:m]), n, root, bad)
                with self.assertRaises(tlog.Refused):
                    tlog.check_consistency(m, mth(d[1 : m + 1]), n, root, proof)


class Notes(unittest.TestCase):
    def test_published_example(self):
        text, signers = tlog.open_note(GO_NOTE, [tlog.Key(GO_VKEY)])
        self.assertEqual(list(signers), ["PeterNeumann"])
        self.assertTrue(text.endswith(b"problem is.\n"))
        for i in range(0, len(GO_NOTE), 5):
            bad = bytearray(GO_NOTE)
            bad[i] ^= 1
            with self.assertRaises(tlog.Refused):
                tlog.open_note(bytes(bad), [tlog.Key(GO_VKEY)])

    def test_only_the_whole_key(self):
        for i in range(len(GO_VKEY)):
            with self.assertRaises(tlog.Refused):
                tlog.Key(GO_VKEY[:i] + chr(ord(GO_VKEY[i]) + 1) + GO_VKEY[i + 1 :])
            with self.assertRaises(tlog.Refused):
                tlog.Key(GO_VKEY[:i])


class Tiles(unittest.TestCase):
    """A log of 66,000 entries: three levels of tiles."""

    SIZE = 66_000
    NAME = "log.example"

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = cls.folder.name
        entries = [b"entry %d" % i for i in range(cls.SIZE)]
        level, hashes = 0, [tlog.leaf_hash(entry) for entry in entries]
        running = tlog.RunningRoot()
        for i, value in enumerate(hashes):
            running.append(value)
            if i + 1 == 1000:
                cls.old = cls.checkpoint(1000, running.root())
        while hashes:
            above = []
            for index in range((len(hashes) + 255) // 256):
                here = hashes[index * 256 : index * 256 + 256]
                cls.write(tlog.tile_path(level, index, len(here)), b"".join(here))
                if level == 0:
                    bundle = b"".join(
                        len(e).to_bytes(2, "big") + e for e in entries[index * 256 : index * 256 + 256]
                    )
                    cls.write(tlog.tile_path("entries", index, len(here)), bundle)
                if len(here) == 256:
                    subtree = tlog.RunningRoot()
                    for value in here:
                        subtree.append(value)
                    above.append(subtree.root())
            hashes, level = above, level + 1
        cls.write("checkpoint", cls.checkpoint(cls.SIZE, running.root()))
        cls.write("old", cls.old)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def checkpoint(cls, size, root):
        text = f"{cls.NAME}\n{size}\n{base64.b64encode(root).decode()}\n".encode()
        public_key, signature = sign(b"\x07" * 32, text)
        key = b"\x01" + public_key
        key_id = tlog.sha256(cls.NAME.encode(), b"\n", key)[:4]
        cls.vkey = f"{cls.NAME}+{key_id.hex()}+{base64.b64encode(key).decode()}"
        return text + f"\n— {cls.NAME} {base64.b64encode(key_id + signature).decode()}\n".encode()

    @classmethod
    def write(cls, name, data):
        target = os.path.join(cls.root, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)

    def verify(self, prefix, *more):
        done = subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, "verify_tiles.py"), "--vkey", self.vkey, prefix, *more],
            capture_output=True,
            check=False,
        )
        result = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if result["ok"] else 1, done.stderr)
        return result

    def test_paths_of_the_specification(self):
        self.assertEqual(tlog.tile_path(2, 1234067), "tile/2/x001/x234/067")
        self.assertEqual(tlog.tile_path("entries", 0, 3), "tile/entries/000.p/3")

    def test_directory(self):
        result = self.verify(self.root, "--old", os.path.join(self.root, "old"))
        self.assertTrue(result["ok"], result)
        self.assertEqual(result["entries"], self.SIZE)
        self.assertEqual(result["tiles"], 258 + 2 + 1)

    def test_http_with_gzip(self):
        folder = self.root

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = os.path.join(folder, self.path.lstrip("/").removeprefix("log/"))
                if not os.path.isfile(name):
                    self.send_error(404)
                    return
                with open(name, "rb") as file:
                    data = file.read()
                self.send_response(200)
                if "entries" in self.path:
                    data = gzip.compress(data, 1)
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            result = self.verify(f"http://127.0.0.1:{server.server_port}/log/", "--no-entries")
            self.assertTrue(result["ok"], result)
            result = self.verify(f"http://127.0.0.1:{server.server_port}/log")
            self.assertTrue(result["ok"], result)
            self.assertEqual(result["entries"], self.SIZE)
            server.shutdown()

    def test_any_damage_is_found(self):
        for name in ("tile/0/005", "tile/0/257.p/208", "tile/1/000", "tile/2/000.p/1", "tile/entries/017", "checkpoint"):
            good = self.fetch(name)
            changed = bytearray(good)
            changed[len(good) // 2] ^= 1
            for bad in (bytes(changed), good[:-1], good + b"x", None):
                with self.assertRaises(tlog.Refused, msg=name):
                    tlog.check_tiles(
                        lambda n, bad=bad: bad if n == name else self.fetch(n), tlog.Key(self.vkey), "entries" in name
                    )

    def test_full_tile_serves_for_a_partial_one(self):
        full = {}

        def fetch(name):
            if ".p/" in name:
                return full.setdefault(name, None)
            data = self.fetch(name)
            if data is None and name.startswith("tile/0/"):
                data = self.fetch("tile/0/257.p/208") + bytes(32 * 48)
            elif data is None and name.startswith("tile/entries/"):
                data = self.fetch("tile/entries/257.p/208") + b"\0\1x" * 48
            elif data is None:
                part = next(p for p in ("tile/1/001.p/1", "tile/2/000.p/1") if p.startswith(name))
                data = self.fetch(part) + bytes(32 * 255)
            return data

        self.assertEqual(tlog.check_tiles(fetch, tlog.Key(self.vkey))[1]["entries"], self.SIZE)
        self.assertEqual(len(full), 4)

    def test_log_that_was_rewritten(self):
        other = self.checkpoint(1000, mth([b"%d" % i for i in range(1000)]))
        with self.assertRaises(tlog.Refused):
            tlog.check_tiles(self.fetch, tlog.Key(self.vkey), False, other)
        longer = self.checkpoint(self.SIZE + 1, tlog.sha256(b"x"))
        with self.assertRaises(tlog.Refused):
            tlog.check_tiles(self.fetch, tlog.Key(self.vkey), False, longer)

    def fetch(self, name):
        try:
            with open(os.path.join(self.root, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None


if __name__ == "__main__":
    unittest.main()
