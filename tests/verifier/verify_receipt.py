#!/usr/bin/env python3
"""Verifies receipts: verify_receipt.py --vkey KEY RECEIPT...

Prints one JSON object a file; exit code 0 when every receipt of every file is proved, else 1.
"""

import cli
import tlog


def check(path, log_key, witness_keys):
    receipts = tlog.split_receipts(cli.read(path))
    return {"receipts": [tlog.check_receipt(receipt, log_key, witness_keys) for receipt in receipts]}


def main():
    parser = cli.parser("Verifies receipts, offline.")
    parser.add_argument("receipt", nargs="+")
    arguments = parser.parse_args()
    ok = True
    for path in arguments.receipt:
        ok &= cli.report(lambda: check(path, *cli.keys(arguments)), file=path)
    cli.finish(ok)


if __name__ == "__main__":
    main()
