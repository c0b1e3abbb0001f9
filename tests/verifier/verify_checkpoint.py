#!/usr/bin/env python3
"""Verifies signed checkpoints: verify_checkpoint.py --vkey KEY [--witness KEY]... CHECKPOINT...

Prints one JSON object a file; exit code 0 when all are the log's, else 1.
"""

import cli
import tlog


def check(path, log_key, witness_keys):
    checkpoint, seen = tlog.check_checkpoint(cli.read(path), log_key, witness_keys)
    return {"checkpoint": checkpoint.as_json(), "witnesses": seen}


def main():
    parser = cli.parser("Verifies signed checkpoints.")
    parser.add_argument("checkpoint", nargs="+")
    arguments = parser.parse_args()
    ok = True
    for path in arguments.checkpoint:
        ok &= cli.report(lambda: check(path, *cli.keys(arguments)), file=path)
    cli.finish(ok)


if __name__ == "__main__":
    main()
