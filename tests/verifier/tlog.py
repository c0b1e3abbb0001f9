"""Checks transparency-log proofs. Python 3 standard library only; shares no code with the log it checks.

Written from these texts alone:
  RFC 8032             Ed25519 verification
  RFC 6962 section 2.1 Merkle trees, audit paths, consistency proofs
  c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature, c2sp.org/tlog-proof,
  c2sp.org/tlog-tiles, c2sp.org/tlog-witness
and, for what a receipt means, from the layout of a leaf:
  own_commitment = SHA-256("jangbu/leaf/own/v1\\n" || own_salt[32] || own part)
  leaf data      = SHA-256(version[2, little-endian] || own_commitment || sealed_commitment)
  opening        = version[2] || own_salt[32] || sealed_commitment[32] || own part      (version is 1)

Nothing here trusts its input. Every failure is a Refused, with a short reason and a sentence.
"""

import base64
import binascii
import hashlib


class Refused(Exception):
    """The input proves nothing. `reason` is one of a few words, `str(self)` says what was wrong."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


def sha256(*parts):
    h = hashlib.sha256()
    for part in parts:
        h.update(part)
    return h.digest()


# ---------------------------------------------------------------------------------------------------------------------
# RFC 8032, section 5.1: Ed25519 with extended homogeneous coordinates (X, Y, Z, T), x = X/Z, y = Y/Z, x*y = T/Z.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_multiply(s, point):
    result = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        s >>= 1
    return result


def point_decode(data):
    """The point of 32 bytes, or None (section 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P != 0:
        x = x * SQRT_MINUS_1 % P
    if (x * x - x2) % P != 0:
        return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def point_encode(point):
    z_inverse = pow(point[2], P - 2, P)
    x = point[0] * z_inverse % P
    y = point[1] * z_inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point_decode(bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666"))


def ed25519_verify(public_key, message, signature):
    """Section 5.1.7, with the group equation without cofactor: encode([S]B - [k]A) = R."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    a = point_decode(public_key)
    if a is None:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % L
    minus_a = (P - a[0], a[1], a[2], P - a[3])
    return point_encode(point_add(point_multiply(s, BASE), point_multiply(k, minus_a))) == signature[:32]


# ---------------------------------------------------------------------------------------------------------------------
# RFC 6962, section 2.1. The checks undo the recursive definitions of PATH and SUBPROOF.


def leaf_hash(entry):
    return sha256(b"\x00", entry)


def node_hash(left, right):
    return sha256(b"\x01", left, right)


EMPTY_ROOT = sha256(b"")


def split(n):
    """The largest power of two smaller than n."""
    return 1 << (n - 1).bit_length() - 1


def root_of_path(leaf, m, n, path):
    """The root that PATH(m, D[n]) leads to from a leaf hash."""
    if not 0 <= m < n:
        raise Refused("index", f"entry {m} of a log of {n} entries")
    if n == 1:
        if path:
            raise Refused("inclusion", "the path has too many hashes")
        return leaf
    if not path:
        raise Refused("inclusion", "the path has too few hashes")
    k = split(n)
    if m < k:
        return node_hash(root_of_path(leaf, m, k, path[:-1]), path[-1])
    return node_hash(path[-1], root_of_path(leaf, m - k, n - k, path[:-1]))


def roots_of_subproof(m, n, proof, whole, old_root):
    """The old and the new root that SUBPROOF(m, D[n], whole) leads to."""
    if m == n:
        if len(proof) != (0 if whole else 1):
            raise Refused("consistency", "the proof has too many or too few hashes")
        return (old_root, old_root) if whole else (proof[0], proof[0])
    if not proof:
        raise Refused("consistency", "the proof has too few hashes")
    k = split(n)
    if m <= k:
        old, new = roots_of_subproof(m, k, proof[:-1], whole, old_root)
        return (old, node_hash(new, proof[-1]))
    old, new = roots_of_subproof(m - k, n - k, proof[:-1], False, old_root)
    return (node_hash(proof[-1], old), node_hash(proof[-1], new))


def check_consistency(old_size, old_root, new_size, new_root, proof):
    if old_size > new_size:
        raise Refused("consistency", "the old tree is larger than the new one")
    if old_size == 0:
        if proof or old_root != EMPTY_ROOT:
            raise Refused("consistency", "an empty tree has its own root and needs no proof")
        return
    old, new = roots_of_subproof(old_size, new_size, proof, True, old_root)
    if old != old_root:
        raise Refused("consistency", "the proof does not contain the old tree")
    if new != new_root:
        raise Refused("consistency", "the proof does not lead to the new root")


class RunningRoot:
    """Roots of a growing tree, from its leaf hashes in order."""

    def __init__(self):
        self.size = 0
        self.stack = []  # full subtrees, largest first

    def append(self, leaf):
        self.size += 1
        size = self.size
        while size % 2 == 0:
            leaf = node_hash(self.stack.pop(), leaf)
            size //= 2
        self.stack.append(leaf)

    def root(self):
        if not self.stack:
            return EMPTY_ROOT
        root = self.stack[-1]
        for left in reversed(self.stack[:-1]):
            root = node_hash(left, root)
        return root


# ---------------------------------------------------------------------------------------------------------------------
# Text.

WHITE_SPACE = set("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}


def base64_decode(text):
    """Base64 in its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("format", "not base64") from None
    if base64.b64encode(data) != (text if isinstance(text, bytes) else text.encode()):
        raise Refused("format", "not base64 as it is encoded")
    return data


def decimal(text):
    """A decimal of 64 bits in its one spelling."""
    if not text or not all(b in b"0123456789" for b in text) or (text[:1] == b"0" and text != b"0"):
        raise Refused("format", "not a decimal number")
    if len(text) > 20 or int(text) >= 2**64:
        raise Refused("format", "a number past 64 bits")
    return int(text)


def hash_line(line):
    if len(line) > 64:
        raise Refused("format", "not a SHA-256 hash")
    value = base64_decode(line)
    if len(value) != 32:
        raise Refused("format", "not a SHA-256 hash")
    return value


def take_line(data):
    """The first line without its newline, and the rest."""
    end = data.find(b"\n")
    if end < 0:
        raise Refused("format", "cut short")
    return data[:end], data[end + 1 :]


def take_hashes(data, most):
    """Hashes, one a line, up to and with an empty line; and the rest."""
    hashes = []
    while True:
        line, data = take_line(data)
        if not line:
            return hashes, data
        if len(hashes) == most:
            raise Refused("format", "too many hashes")
        hashes.append(hash_line(line))


# ---------------------------------------------------------------------------------------------------------------------
# Signed notes, checkpoints and cosignatures.

ED25519 = 0x01
COSIGNATURE = 0x04


def is_key_name(name):
    return bool(name) and not any(c in WHITE_SPACE or c == "+" or c < " " for c in name)


class Key:
    """A verifier key: <name>+<8 hex digits of the id>+<base64 of type and public key>."""

    def __init__(self, vkey):
        parts = vkey.split("+", 2)
        if len(parts) != 3 or not is_key_name(parts[0]):
            raise Refused("vkey", "a verifier key is name+id+base64")
        try:
            key = base64_decode(parts[2])
        except Refused:
            raise Refused("vkey", "the key is not base64") from None
        if len(key) != 33 or key[0] not in (ED25519, COSIGNATURE):
            raise Refused("vkey", "not an Ed25519 or witness key")
        self.name = parts[0]
        self.type = key[0]
        self.public_key = key[1:]
        self.id = sha256(self.name.encode(), b"\n", key)[:4]
        if self.id.hex() != parts[1]:
            raise Refused("vkey", "the id is not the key's")

    def check(self, text, signature):
        """The time of a cosignature, else None; Refused when this key did not sign."""
        time = None
        message = text
        if self.type == COSIGNATURE:
            time = int.from_bytes(signature[:8], "big")
            if len(signature) != 72 or time >= 2**63:
                raise Refused("signature", f"not a cosignature of {self.name}")
            message = f"cosignature/v1\ntime {time}\n".encode() + text
            signature = signature[8:]
        if not ed25519_verify(self.public_key, message, signature):
            raise Refused("signature", f"not a signature of {self.name} over this text")
        return time


def parse_note(data):
    """The text of a note and its signatures (name, id, bytes)."""
    if len(data) > 1_000_000:
        raise Refused("format", "a note too large")
    try:
        as_text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("format", "a note is UTF-8") from None
    if any(c < " " and c != "\n" for c in as_text):
        raise Refused("format", "control characters in a note")
    divide = data.rfind(b"\n\n")
    if divide < 0:
        raise Refused("format", "no empty line before the signatures")
    text, rest = data[: divide + 1], data[divide + 2 :]
    signatures = []
    while rest:
        line, rest = take_line(rest)
        words = line.decode("utf-8").split(" ")
        if len(words) != 3 or words[0] != "\u2014" or not is_key_name(words[1]):
            raise Refused("format", "not a signature line")
        value = base64_decode(words[2])
        if len(value) < 5:
            raise Refused("format", "a signature too short")
        signatures.append((words[1], value[:4], value[4:]))
    if not signatures:
        raise Refused("format", "no signatures")
    if len(signatures) > 100:
        raise Refused("format", "too many signatures")
    return text, signatures


def open_note(data, keys):
    """The text of a note signed by one of `keys`, and who signed: {name: time or None}."""
    text, signatures = parse_note(data)
    signers = {}
    for name, key_id, value in signatures:
        for key in keys:
            if key.name == name and key.id == key_id:
                signers.setdefault(name, key.check(text, value))
    if not signers:
        raise Refused("unknown_key", "no signature of a key that was asked for")
    return text, signers


class Checkpoint:
    def __init__(self, text):
        lines = text.split(b"\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise Refused("format", "a checkpoint is origin, size and root")
        self.origin = lines[0].decode("utf-8")
        self.size = decimal(lines[1])
        self.root = hash_line(lines[2])
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise Refused("format", "not the root of an empty tree")

    def as_json(self):
        return {"origin": self.origin, "size": self.size, "root": base64.b64encode(self.root).decode()}


def check_checkpoint(data, log_key, witness_keys=()):
    """The checkpoint, and {witness: time}, when the log has signed it."""
    text, _ = open_note(data, [log_key])
    checkpoint = Checkpoint(text)
    if checkpoint.origin != log_key.name:
        raise Refused("origin", f"a checkpoint of {checkpoint.origin}, not of {log_key.name}")
    try:
        _, seen = open_note(data, witness_keys)
    except Refused as refused:
        if refused.reason != "unknown_key":
            raise
        seen = {}
    return checkpoint, seen


# ---------------------------------------------------------------------------------------------------------------------
# Proofs of inclusion and receipts.


class Proof:
    """c2sp.org/tlog-proof@v1"""

    def __init__(self, data):
        line, data = take_line(data)
        if line != b"c2sp.org/tlog-proof@v1":
            raise Refused("format", "not a tlog-proof")
        line, data = take_line(data)
        self.extra = b""
        if line.startswith(b"extra "):
            self.extra = base64_decode(line[len(b"extra ") :])
            if not self.extra:
                raise Refused("format", "an extra line without data")
            line, data = take_line(data)
        if not line.startswith(b"index "):
            raise Refused("format", "no index line")
        self.index = decimal(line[len(b"index ") :])
        self.path, self.checkpoint = take_hashes(data, 64)

    def check(self, entry, log_key, witness_keys=()):
        """The checkpoint and its witnesses, when the log has this entry at the index."""
        checkpoint, seen = check_checkpoint(self.checkpoint, log_key, witness_keys)
        if root_of_path(leaf_hash(entry), self.index, checkpoint.size, self.path) != checkpoint.root:
            raise Refused("inclusion", "what is said to be logged is not in the tree of this checkpoint")
        return checkpoint, seen


def check_receipt(data, log_key, witness_keys=()):
    """What a receipt proves, as a dictionary."""
    proof = Proof(data)
    opening = proof.extra
    if len(opening) < 66:
        raise Refused("format", "no opening in the proof")
    version, salt, sealed, own_part = opening[:2], opening[2:34], opening[34:66], opening[66:]
    if version != b"\x01\x00":
        raise Refused("version", "a leaf of a version unknown here")
    own = sha256(b"jangbu/leaf/own/v1\n", salt, own_part)
    leaf_data = sha256(version, own, sealed)
    checkpoint, seen = proof.check(leaf_data, log_key, witness_keys)
    out = {
        "index": proof.index,
        "checkpoint": checkpoint.as_json(),
        "witnesses": seen,
        "leaf_data": leaf_data.hex(),
        "own_part": base64.b64encode(own_part).decode(),
    }
    try:
        out["own_part_text"] = own_part.decode("utf-8")
    except UnicodeDecodeError:
        pass
    return out


BUNDLE = b"jangbu/receipts@v1\n"


def split_receipts(data):
    """The receipts of a file, which is one tlog-proof or a bundle of them."""
    if not data.startswith(BUNDLE):
        return [data]

    def number(name, rest):
        line, rest = take_line(rest)
        if not line.startswith(name):
            raise Refused("format", "a bundle with a line missing")
        return decimal(line[len(name) :]), rest

    count, data = number(b"count ", data[len(BUNDLE) :])
    receipts = []
    while data:
        size, data = number(b"receipt ", data)
        if size > len(data):
            raise Refused("format", "a bundle cut short")
        receipts.append(data[:size])
        data = data[size:]
    if not receipts or len(receipts) != count:
        raise Refused("format", "a bundle with another number of receipts than it says")
    return receipts


def check_consistency_file(old_checkpoint, data, log_key, witness_keys=()):
    """Both checkpoints, when the file (the request of c2sp.org/tlog-witness) proves that the new one continues the old."""
    line, rest = take_line(data)
    if not line.startswith(b"old "):
        raise Refused("format", "no line with the old size")
    old_size = decimal(line[len(b"old ") :])
    proof, new_checkpoint = take_hashes(rest, 63)
    old, _ = check_checkpoint(old_checkpoint, log_key, witness_keys)
    new, _ = check_checkpoint(new_checkpoint, log_key, witness_keys)
    if old.size != old_size:
        raise Refused("consistency", "the proof begins at another size than the old checkpoint")
    check_consistency(old.size, old.root, new.size, new.root, proof)
    return old, new


# ---------------------------------------------------------------------------------------------------------------------
# c2sp.org/tlog-tiles


def tile_path(level, index, width=256):
    """level is a number or "entries"."""
    groups = []
    while True:
        index, low = divmod(index, 1000)
        groups.insert(0, f"{low:03d}" if not groups else f"x{low:03d}")
        if index == 0:
            break
    return f"tile/{level}/" + "/".join(groups) + ("" if width == 256 else f".p/{width}")


def fetch_tile(fetch, level, index, width):
    """The bytes of a tile and its width; a full tile serves when the partial one asked for is gone."""
    data = fetch(tile_path(level, index, width))
    if data is None and width < 256:
        width = 256
        data = fetch(tile_path(level, index))
    if data is None:
        raise Refused("tiles", f"{tile_path(level, index, width)} is missing")
    return data, width


def fetch_hashes(fetch, level, index, width):
    data, served = fetch_tile(fetch, level, index, width)
    if len(data) != 32 * served:
        raise Refused("tiles", f"{tile_path(level, index, served)} has {len(data)} bytes")
    return [data[i * 32 : i * 32 + 32] for i in range(width)]


def fetch_entries(fetch, index, width):
    data, served = fetch_tile(fetch, "entries", index, width)
    entries = []
    while data:
        size = int.from_bytes(data[:2], "big")
        if len(data) < 2 + size:
            raise Refused("tiles", "an entry bundle cut short")
        entries.append(data[2 : 2 + size])
        data = data[2 + size :]
    if len(entries) != served:
        raise Refused("tiles", f"{tile_path('entries', index, served)} has {len(entries)} entries")
    return entries[:width]


def check_tiles(fetch, log_key, with_entries=True, old_checkpoint=None):
    """Reads a whole log through fetch(path) -> bytes or None, and checks every tile and entry against its checkpoint.

    With an old checkpoint, checks too that the log continues it.
    """
    data = fetch("checkpoint")
    if data is None:
        raise Refused("tiles", "the checkpoint is missing")
    checkpoint, _ = check_checkpoint(data, log_key)
    old = check_checkpoint(old_checkpoint, log_key)[0] if old_checkpoint is not None else None
    if old is not None and old.size > checkpoint.size:
        raise Refused("consistency", "the log is shorter than it was")
    counts = {"tiles": 0, "entries": 0}
    running = RunningRoot()
    expected = None  # hashes of the level, from the full tiles below
    level = 0
    hashes = checkpoint.size
    while hashes > 0:
        above = []
        for index in range((hashes + 255) // 256):
            width = min(256, hashes - index * 256)
            here = fetch_hashes(fetch, level, index, width)
            counts["tiles"] += 1
            if level > 0 and here != expected[index * 256 : index * 256 + width]:
                raise Refused("tiles", f"{tile_path(level, index, width)} is not made of the tiles below it")
            if level == 0:
                for value in here:
                    running.append(value)
                    if old is not None and running.size == old.size and running.root() != old.root:
                        raise Refused("consistency", "the log does not continue the old checkpoint")
            if level == 0 and with_entries:
                for i, entry in enumerate(fetch_entries(fetch, index, width)):
                    if leaf_hash(entry) != here[i]:
                        raise Refused("tiles", f"entry {index * 256 + i} is not the one that was hashed")
                counts["entries"] += width
            if width == 256:
                subtree = RunningRoot()
                for value in here:
                    subtree.append(value)
                above.append(subtree.root())
        expected = above
        hashes //= 256
        level += 1
    if running.root() != checkpoint.root:
        raise Refused("tiles", "the tiles do not hash to the root of the checkpoint")
    return checkpoint, counts
