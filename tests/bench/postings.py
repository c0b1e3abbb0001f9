#!/usr/bin/env python3
"""Postings a second, beside PostgreSQL 15 on the same disk: the same batches, durable, double entry.

    postings.py --bin build/bin [--batches 60] [--rounds 3] [--dir DIR] [--postgres /usr/lib/postgresql/15/bin]

PostgreSQL gets what favours it: the batch by COPY over a socket, one INSERT and one aggregated UPDATE of the accounts that it
touches, one COMMIT a batch (synchronous_commit=on, as it comes), ids that ascend, no limits to check, no Merkle tree, no
signature. Rounds alternate, so that both see the same machine. Needs the package postgresql-15; as root it runs the
server as the user postgres.
"""

import argparse
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import time

SCHEMA = """
create table accounts (id bigint primary key, debits bigint not null, credits bigint not null) with (fillfactor = 50);
create table transfers (id bigint primary key, debit bigint not null, credit bigint not null, amount bigint not null check (amount > 0),
                        code smallint not null, at timestamptz not null default now());
insert into accounts select i, 0, 0 from generate_series(1, 10000) as i;
create function post() returns void language sql as $$
  insert into transfers (id, debit, credit, amount, code) select id, debit, credit, amount, code from batch;
  update accounts a set debits = a.debits + m.d, credits = a.credits + m.c
    from (select account, sum(d)::bigint as d, sum(c)::bigint as c
            from (select debit as account, amount as d, 0 as c from batch
                  union all select credit, 0, amount from batch) as both_sides
           group by account) as m
   where a.id = m.account;
$$;
"""
TEMPORARY = ("create temporary table batch (id bigint, debit bigint, credit bigint, amount bigint, code smallint) "
             "on commit delete rows;\n")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bin", required=True)
    options.add_argument("--batches", type=int, default=60)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--dir", default=None)
    options.add_argument("--postgres", default="/usr/lib/postgresql/15/bin")
    given = options.parse_args()

    work = pathlib.Path(tempfile.mkdtemp(prefix="jangbu-bench.", dir=given.dir))
    work.chmod(0o755)
    user = {}
    if os.getuid() == 0:
        entry = pwd.getpwnam("postgres")
        user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    data = work / "postgres"
    data.mkdir()
    sockets = work / "sockets"
    sockets.mkdir()
    if user:
        for folder in (data, sockets):
            os.chown(folder, user["user"], user["group"])

    def tool(name, *arguments, **more):
        done = subprocess.run([f"{given.postgres}/{name}", *map(str, arguments)], capture_output=True, text=True,
                              cwd=work, **user, **more)
        if done.returncode != 0:
            raise SystemExit(f"{name}: {done.stdout}{done.stderr}")
        return done.stdout

    def psql(*arguments):
        return tool("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", sockets, "-U", "bench", "-d", "postgres", "-At",
                    *arguments)

    tool("initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale")
    server = subprocess.Popen([f"{given.postgres}/postgres", "-D", str(data), "-k", str(sockets), "-c", "listen_addresses=",
                               "-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB", "-c", "synchronous_commit=on"],
                              stderr=open(work / "postgres.log", "wb"), cwd=work, **user)
    try:
        for _ in range(600):
            ready = subprocess.run([f"{given.postgres}/pg_isready", "-h", str(sockets), "-q"], cwd=work)
            if ready.returncode == 0:
                break
            time.sleep(0.1)
        ratios = []
        for round_number in range(given.rounds):
            folder = work / f"jangbu{round_number}"
            folder.mkdir()
            script = work / "batches.sql"
            ours = json.loads(subprocess.run(
                [f"{given.bin}/jangbu-bench-postings", folder, str(given.batches), script], check=True,
                capture_output=True, text=True).stdout)
            script.chmod(0o644)
            with open(script, "r+", encoding="ascii") as file:
                batches = file.read()
                file.seek(0)
                file.write(TEMPORARY + batches)
            psql("-c", "drop table if exists accounts, transfers cascade")
            psql("-c", "drop function if exists post")
            # The function is bound to the session's table when it runs.
            psql("-c", "set check_function_bodies = off; " + SCHEMA)
            psql("-c", "vacuum analyze accounts", "-c", "checkpoint")
            began = time.monotonic()
            psql("-o", os.devnull, "-f", script)
            wall = time.monotonic() - began
            count, sums = psql("-c", "select count(*) from transfers", "-c",
                               "select sum(debits), sum(credits) from accounts").split()
            assert int(count) == ours["transfers"] and sums == f"{ours['debits']}|{ours['debits']}", (count, sums, ours)
            theirs = ours["transfers"] / wall
            ratios.append(ours["per_s"] / theirs)
            print(f"round {round_number + 1}: jangbu {ours['per_s']:,.0f} transfers/s ({ours['per_cpu_s']:,.0f} per CPU second), "
                  f"PostgreSQL {theirs:,.0f} transfers/s, {ratios[-1]:.1f} times", flush=True)
        print(f"median: {sorted(ratios)[len(ratios) // 2]:.1f} times")
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
