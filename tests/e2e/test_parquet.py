"""Parquet as DuckDB writes it: every record comes out as it went in."""

import ctypes
import os
import pathlib
import sys
import tempfile
import unittest

import extract_client
import jangbu_e2e

VERSION = (jangbu_e2e.SOURCE / "tests/e2e/duckdb.version").read_text().strip()
CACHE = pathlib.Path(os.environ.get("JANGBU_CACHE")
                     or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "jangbu")
LIBRARY = next(iter((CACHE / f"duckdb-{VERSION}").glob("node_modules/@duckdb/*/libduckdb.so")), None)
SKIPPED = 77  # as CMakeLists.txt says

# 5,000 rows: a text of some words that differ from row to row, every seventh null, every eleventh one of five.
ROWS = 5000
SELECT = """SELECT i AS id, CASE WHEN i % 7 = 0 THEN NULL
                    WHEN i % 11 = 0 THEN '되풀이되는 글 ' || (i % 5)
                    ELSE '제' || i || '호 기사입니다. ' || repeat('가나다라 ', (i % 37)::INT) END AS text,
               '제목 ' || (i % 3) AS title, i * 1.5 AS score, [i, i + 1] AS numbers
            FROM range(1, 5001) t(i)"""


def expected(i):
    if i % 7 == 0:
        return None
    if i % 11 == 0:
        return f"되풀이되는 글 {i % 5}"
    return f"제{i}호 기사입니다. " + "가나다라 " * (i % 37)


class Duck:
    def __init__(self):
        self.lib = ctypes.CDLL(str(LIBRARY))
        self.database = ctypes.c_void_p()
        self.connection = ctypes.c_void_p()
        assert self.lib.duckdb_open(None, ctypes.byref(self.database)) == 0
        assert self.lib.duckdb_connect(self.database, ctypes.byref(self.connection)) == 0

    def run(self, sql):
        if self.lib.duckdb_query(self.connection, sql.encode(), None) != 0:
            raise RuntimeError(sql)


class Parquet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.duck = Duck()
        cls.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def write(self, options, select=SELECT):
        path = os.path.join(self.folder.name, "a.parquet")
        self.duck.run(f"COPY ({select}) TO '{path}' (FORMAT parquet, {options})")
        with open(path, "rb") as file:
            return file.read()

    def test_codecs_versions_and_row_groups(self):
        for options in ("CODEC 'uncompressed'", "CODEC 'snappy'", "CODEC 'gzip'", "CODEC 'zstd'",
                        "CODEC 'zstd', ROW_GROUP_SIZE 2048", "CODEC 'snappy', DICTIONARY_SIZE_LIMIT 1"):
            with self.subTest(options):
                records = extract_client.extract(self.write(options), "parquet")
                self.assertEqual(len(records), ROWS)
                for i, record in enumerate(records, start=1):
                    self.assertEqual(record.record, i)
                    text = expected(i)
                    if text is None:
                        self.assertIsInstance(record, extract_client.Refusal)
                    else:
                        self.assertEqual((record.text, record.id, record.title), (text, str(i), f"제목 {i % 3}"))

    def test_all_from_a_dictionary(self):
        records = extract_client.extract(
            self.write("CODEC 'zstd'", "SELECT '글 ' || (i % 9) AS text FROM range(20000) t(i)"), "parquet")
        self.assertEqual([r.text for r in records], [f"글 {i % 9}" for i in range(20000)])

    def test_what_is_not_there_or_not_read(self):
        for select, word in (("SELECT 1 AS body", "columns"), ("SELECT 1 AS text", "physical type"),
                             ("SELECT ['가'] AS text", "nested"), ("SELECT {'a': '가'} AS text", "nested")):
            with self.subTest(select):
                records = extract_client.extract(self.write("CODEC 'snappy'", select), "parquet")
                self.assertEqual([r.record for r in records], [0])
                self.assertIn(word, records[0].detail)

    def test_every_cut_and_every_flip_is_survived(self):
        data = self.write("CODEC 'snappy'", "SELECT '글 ' || i AS text FROM range(50) t(i)")
        for cut in range(0, len(data), 97):
            extract_client.extract(data[:cut], "parquet")
        for at in range(4, len(data), 61):
            extract_client.extract(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1:], "parquet")


if __name__ == "__main__":
    if LIBRARY is None:
        print("DuckDB is not in the cache: tests/e2e/setup.sh puts it there", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()
