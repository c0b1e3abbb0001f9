"""Asks jangbu-extract for the records of one file, as the server does (ingest/extract/record_frame.h)."""

import collections
import struct
import subprocess

import jangbu_e2e

# ingest/extract/format.h
FORMATS = {"json": 3, "table": 4, "markdown": 5, "html": 6, "xml": 7, "rtf": 8, "zip": 9, "tar": 10, "ole": 11, "pdf": 12,
           "parquet": 13}

Record = collections.namedtuple("Record", "record place id title source_type published_at author read_as text")
Refusal = collections.namedtuple("Refusal", "record place reason detail")


def varint(number):
    out = b""
    while number >= 128:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def string(data):
    return varint(len(data)) + data


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def string(self):
        size = self.varint()
        self.at += size
        return self.data[self.at - size:self.at].decode()


def extract(data, file_format, name="a", text_column="text"):
    """The records of a file, in order; the worker must end well."""
    body = (bytes([FORMATS[file_format], 0]) + string(text_column.encode()) + string(b"") + string(name.encode())
            + varint(256 << 20) + varint(64 << 20))
    request = b"jxq1" + struct.pack("<I", len(body)) + body + data
    done = subprocess.run([jangbu_e2e.BIN / "jangbu-extract", "768", "120"], input=request, stdout=subprocess.PIPE,
                          check=True)
    records = []
    at = 0
    while at < len(done.stdout):
        size, = struct.unpack_from("<I", done.stdout, at)
        reader = Reader(done.stdout[at + 4:at + 4 + size])
        at += 4 + size
        kind = reader.byte()
        if kind == 1:
            records.append(Record(reader.varint(), *(reader.string() for _ in range(8))))
        elif kind == 2:
            records.append(Refusal(reader.varint(), reader.string(), reader.byte(), reader.string()))
    return records
