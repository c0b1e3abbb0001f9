#!/usr/bin/env python3
"""Verifies share proofs or the openings of closes: verify_share.py --vkey KEY FILE...

Prints one JSON object a file; exit code 0 when every one is proved, else 1. Several proofs of one close are also
compared: no commitment may be shown to two partners.
"""

import cli
import share


def main():
    parser = cli.parser("Verifies shares of closes, offline.")
    parser.add_argument("file", nargs="+")
    arguments = parser.parse_args()
    places = set()
    ok = True

    def check(path):
        data = cli.read(path)
        keys = cli.keys(arguments)
        if data.startswith(b"jangbu/close-openings"):
            return share.check_openings(data, *keys)
        return share.check_share_proof(data, *keys, used_places=places)

    for path in arguments.file:
        ok &= cli.report(lambda: check(path), file=path)
    cli.finish(ok)


if __name__ == "__main__":
    main()
