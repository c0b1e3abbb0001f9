"""What a share proof and the openings of a close say, checked from docs/close-proof.md alone."""

import base64

import ristretto
import tlog

CLOSE_POSTED = 58


class Reader:
    """The fields of an own part; DataLoss is Refused("format")."""

    def __init__(self, data):
        self.data = data

    def take(self, size):
        if len(self.data) < size:
            raise tlog.Refused("format", "the entry is cut off")
        out, self.data = self.data[:size], self.data[size:]
        return out

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if (byte == 0 and shift > 7) or value >= 2**64:
            raise tlog.Refused("format", "a number is not in its shortest form")
        return value

    def string(self):
        return self.take(self.varint())


class Published:
    """The own part of a close_posted entry."""

    def __init__(self, own_part):
        r = Reader(own_part)
        if r.take(1) != b"\x01" or r.take(1)[0] != CLOSE_POSTED:
            raise tlog.Refused("format", "the entry is not a posted close")
        r.take(16)  # position and time
        if r.string():
            raise tlog.Refused("format", "a close names no partner")
        self.period = r.varint()
        self.partners = r.varint()
        points = r.string()
        self.total = r.take(1)
        self.pool = r.varint()
        self.weight = r.varint()
        self.blinding = int.from_bytes(r.take(32), "little")
        self.threshold = r.varint()
        self.tied = [r.varint() for _ in range(r.varint())]
        if r.data or self.total not in (b"\0", b"\1") or len(points) != 32 * self.partners:
            raise tlog.Refused("format", "the close is not one that could be written")
        self.total = self.total == b"\1"
        if self.blinding >= ristretto.L:
            raise tlog.Refused("format", "the blinding is not reduced")
        self.commitments = [points[32 * i : 32 * i + 32] for i in range(self.partners)]
        self.points = [ristretto.decode(point) for point in self.commitments]
        if any(point is None for point in self.points):
            raise tlog.Refused("format", "a commitment is no point")

    def check_total(self):
        """The commitments add up to the published total."""
        if not self.total:
            raise tlog.Refused("no_total", "fewer than three partners had weight: no total is published")
        whole = ristretto.ZERO
        for point in self.points:
            whole = whole + point
        if whole.encode() != ristretto.commitment(self.weight, self.blinding).encode():
            raise tlog.Refused("total", "the commitments do not add up to the published total")

    def check_opening(self, place, weight, blinding):
        if place >= self.partners:
            raise tlog.Refused("place", "there is no such commitment")
        if not 0 <= weight < 2**63:
            raise tlog.Refused("weight", "a weight is not negative")
        if not 0 <= blinding < ristretto.L:
            raise tlog.Refused("blinding", "the blinding is not reduced")
        if ristretto.commitment(weight, blinding).encode() != self.commitments[place]:
            raise tlog.Refused("opening", "the commitment does not open to this weight")

    def share(self, place, weight):
        if self.weight == 0:
            return 0
        floor, remainder = divmod(self.pool * weight, self.weight)
        if self.tied:
            extra = remainder > self.threshold or (remainder == self.threshold and place in self.tied)
            if place in self.tied and remainder != self.threshold:
                raise tlog.Refused("share", "listed as tied, but it is not")
        else:
            extra = remainder >= self.threshold
        return floor + extra


def fields(data, first, *names):
    """The lines of a proof: its first, then one for each name; and what follows."""
    line, data = tlog.take_line(data)
    if line != first:
        raise tlog.Refused("format", "not a " + first.decode())
    out = {}
    for name in names:
        line, data = tlog.take_line(data)
        key, _, value = line.partition(b" ")
        if key.decode("ascii", "replace") != name:
            raise tlog.Refused("format", "a line should say " + name)
        out[name] = value
    return out, data


def period_number(text):
    if len(text) != 7 or text[4:5] != b"-":
        raise tlog.Refused("format", "not a period")
    return tlog.decimal(text[:4]) * 100 + int(text[5:])


def receipt_of(size, data, log_key, witness_keys):
    if tlog.decimal(size) != len(data):
        raise tlog.Refused("format", "the receipt has another length")
    receipt = tlog.check_receipt(data, log_key, witness_keys)
    return receipt, Published(base64.b64decode(receipt["own_part"]))


def check_share_proof(data, log_key, witness_keys=(), used_places=None):
    """What a share proof proves, as a dictionary. `used_places`: of other proofs of the same close, to find one
    commitment that is shown to two partners."""
    names = ("period", "partner", "place", "weight", "blinding", "share", "held", "payout", "receipt")
    lines, rest = fields(data, b"jangbu/share-proof@v1", *names)
    receipt, published = receipt_of(lines["receipt"], rest, log_key, witness_keys)
    if period_number(lines["period"]) != published.period:
        raise tlog.Refused("period", "the log's close is of another period")
    place, weight = tlog.decimal(lines["place"]), tlog.decimal(lines["weight"])
    try:
        blinding = bytes.fromhex(lines["blinding"].decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        raise tlog.Refused("format", "the blinding is not hexadecimal") from None
    if len(blinding) != 32:
        raise tlog.Refused("format", "the blinding has 32 bytes")
    published.check_opening(place, weight, int.from_bytes(blinding, "little"))
    if used_places is not None:
        if (published.period, place) in used_places:
            raise tlog.Refused("double", "this commitment was shown to somebody else too")
        used_places.add((published.period, place))
    published.check_total()
    share = published.share(place, weight)
    if share != tlog.decimal(lines["share"]):
        raise tlog.Refused("share", f"the share is {share} won, not {lines['share'].decode()}")
    return {
        "period": lines["period"].decode(),
        "partner": lines["partner"].decode(),
        "weight": weight,
        "share_won": share,
        "pool_won": published.pool,
        "total_weight": published.weight,
        "index": receipt["index"],
        "checkpoint": receipt["checkpoint"],
    }


def check_openings(data, log_key, witness_keys=()):
    """What an auditor checks: every commitment is one partner's, opens to a weight that is not negative, and the
    shares are those of the pool."""
    lines, rest = fields(data, b"jangbu/close-openings@v1", "period", "pool", "total", "partners")
    opened = []
    for _ in range(tlog.decimal(lines["partners"])):
        line, rest = tlog.take_line(rest)
        word, *parts = line.split(b" ")
        if word != b"open" or len(parts) != 5:
            raise tlog.Refused("format", "a line should open a commitment")
        opened.append(parts)
    line, rest = tlog.take_line(rest)
    if not line.startswith(b"receipt "):
        raise tlog.Refused("format", "no receipt line")
    _, published = receipt_of(line[8:], rest, log_key, witness_keys)
    if published.period != period_number(lines["period"]) or published.partners != len(opened):
        raise tlog.Refused("period", "the log's close is another one")
    if sorted(tlog.decimal(parts[0]) for parts in opened) != list(range(published.partners)):
        raise tlog.Refused("double", "a commitment is nobody's, or two partners'")
    if len({parts[1] for parts in opened}) != len(opened):
        raise tlog.Refused("double", "a partner is opened twice")
    pool, total = tlog.decimal(lines["pool"]), tlog.decimal(lines["total"])
    rows = []
    for place, partner, weight, blinding, share in opened:
        published.check_opening(tlog.decimal(place), tlog.decimal(weight),
                                int.from_bytes(bytes.fromhex(blinding.decode("ascii")), "little"))
        rows.append((partner, tlog.decimal(weight), tlog.decimal(share)))
    if sum(weight for _, weight, _ in rows) != total:
        raise tlog.Refused("total", "the weights do not add up")
    if published.total:
        published.check_total()
        if (published.pool, published.weight) != (pool, total):
            raise tlog.Refused("total", "the published numbers are others")
    if total:
        floors = {partner: divmod(pool * weight, total) for partner, weight, _ in rows}
        left = pool - sum(floor for floor, _ in floors.values())
        first = sorted(floors, key=lambda partner: (-floors[partner][1], partner))[:left]
        for partner, _, share in rows:
            if share != floors[partner][0] + (partner in first):
                raise tlog.Refused("share", "a share is not that of the largest remainders: " + partner.decode())
    return {"period": lines["period"].decode(), "partners": len(rows), "pool_won": pool, "total_weight": total}
