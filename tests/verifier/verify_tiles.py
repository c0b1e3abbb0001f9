#!/usr/bin/env python3
"""Verifies a whole log served as tiles: verify_tiles.py --vkey KEY PREFIX

PREFIX is a directory or an http(s) URL under which checkpoint and tile/... are (c2sp.org/tlog-tiles). Reads every tile
and entry and checks them against the signed checkpoint, and with --old also that the log continues an old checkpoint.
Prints one JSON object; exit code 0 or 1.
"""

import gzip
import os
import urllib.error
import urllib.request

import cli
import tlog


def directory(prefix):
    def fetch(path):
        try:
            return cli.read(os.path.join(prefix, path))
        except FileNotFoundError:
            return None

    return fetch


def web(prefix):
    def fetch(path):
        request = urllib.request.Request(f"{prefix.rstrip('/')}/{path}", headers={"Accept-Encoding": "identity, gzip"})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                data = response.read(1 << 25)
                zipped = response.headers.get("Content-Encoding") == "gzip"
                return gzip.decompress(data) if zipped else data
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return None
            raise

    return fetch


def check(arguments):
    log_key, _ = cli.keys(arguments)
    prefix = arguments.prefix
    fetch = web(prefix) if prefix.startswith(("http://", "https://")) else directory(prefix)
    old = cli.read(arguments.old) if arguments.old else None
    checkpoint, counts = tlog.check_tiles(fetch, log_key, not arguments.no_entries, old)
    return {"checkpoint": checkpoint.as_json(), **counts}


def main():
    parser = cli.parser("Verifies a whole log served as tiles.")
    parser.add_argument("prefix", help="directory or URL")
    parser.add_argument("--old", metavar="CHECKPOINT", help="an old checkpoint that the log has to continue")
    parser.add_argument("--no-entries", action="store_true", help="check the hash tiles alone")
    arguments = parser.parse_args()
    cli.finish(cli.report(lambda: check(arguments), prefix=arguments.prefix))


if __name__ == "__main__":
    main()
