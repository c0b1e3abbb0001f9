"""What the commands of this folder share: arguments, one JSON line a result, exit codes (0 proved, 1 refused)."""

import argparse
import json
import sys

import tlog


def parser(description):
    out = argparse.ArgumentParser(description=description)
    out.add_argument("--vkey", required=True, metavar="KEY|@FILE", help="the log's verifier key, name+id+base64")
    out.add_argument("--witness", action="append", default=[], metavar="KEY", help="a witness's verifier key; may repeat")
    return out


def keys(arguments):
    vkey = arguments.vkey
    if vkey.startswith("@"):
        with open(vkey[1:], encoding="utf-8") as file:
            vkey = file.read().strip()
    return tlog.Key(vkey), [tlog.Key(witness) for witness in arguments.witness]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def report(check, **about):
    """Runs check() -> dict and prints its result; True when it was not refused."""
    try:
        result = {"ok": True, **about, **check()}
    except tlog.Refused as refused:
        result = {"ok": False, **about, "reason": refused.reason, "message": str(refused)}
    except OSError as error:
        result = {"ok": False, **about, "reason": "unreadable", "message": str(error)}
    print(json.dumps(result, ensure_ascii=False))
    return result["ok"]


def finish(ok):
    sys.stdout.flush()
    sys.exit(0 if ok else 1)
