#!/usr/bin/env python3
"""Verifies that a log has only grown: verify_consistency.py --vkey KEY OLD_CHECKPOINT PROOF

PROOF has the form of a request to a witness (c2sp.org/tlog-witness): the old size, hashes, an empty line and the new
checkpoint. Prints one JSON object; exit code 0 when the new checkpoint continues the old one, else 1.
"""

import cli
import tlog


def check(arguments):
    old, new = tlog.check_consistency_file(cli.read(arguments.old), cli.read(arguments.proof), *cli.keys(arguments))
    return {"old": old.as_json(), "new": new.as_json()}


def main():
    parser = cli.parser("Verifies that one checkpoint continues another.")
    parser.add_argument("old", help="the old checkpoint")
    parser.add_argument("proof", help="the consistency proof with the new checkpoint")
    arguments = parser.parse_args()
    cli.finish(cli.report(lambda: check(arguments)))


if __name__ == "__main__":
    main()
