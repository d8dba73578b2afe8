#!/usr/bin/env python3
"""Proves that PostgreSQL understands the schema and every statement of the catalogue.

    postgres_prepare.py CATALOGUE.postgres.sql MIGRATION...

Starts a PostgreSQL of its own on a unix socket in a temporary folder, applies the migrations as the tenant does, PREPAREs
each statement and stops it. Where PostgreSQL is not installed it says so in one line and exits with 77 (skipped).
"""
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time


def server_programs():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True) + os.environ["PATH"].split(":")
    for folder in folders:
        if all(os.access(os.path.join(folder, name), os.X_OK) for name in ("initdb", "postgres")):
            return folder
    return None


def ordinary_user():
    """PostgreSQL refuses to run as root: the arguments that make subprocess run somebody else, and who that is."""
    if os.geteuid() != 0:
        return {}, None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}, found
    sys.exit("no ordinary user to run PostgreSQL as")


class Server:
    def __init__(self, programs):
        self.programs = programs
        self.identity, user = ordinary_user()
        self.folder = tempfile.mkdtemp(prefix="gh-pg-", dir="/tmp")  # short: a socket's path has 108 bytes
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.process = None

    def __enter__(self):
        data = os.path.join(self.folder, "data")
        subprocess.run([f"{self.programs}/initdb", "-D", data, "-A", "trust", "-U", "gatehouse", "--locale=C", "-E", "UTF8",
                        "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.identity)
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(
            [f"{self.programs}/postgres", "-D", data, "-k", self.folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            stdout=self.log, stderr=self.log, cwd=self.folder, **self.identity)
        for _ in range(150):
            if self.psql("SELECT 1").returncode == 0:
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit("PostgreSQL did not start:\n" + pathlib.Path(self.folder, "log").read_text(errors="replace"))

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # "fast": ends connections and itself
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def psql(self, sql):
        return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "gatehouse", "-d", "postgres"],
                              input=sql, text=True, capture_output=True, cwd="/", env={"PATH": os.environ["PATH"]})


def main():
    statements = pathlib.Path(sys.argv[1]).read_text()
    migrations = sorted((pathlib.Path(p) for p in sys.argv[2:]), key=lambda p: p.name)
    programs = server_programs()
    if not programs or not shutil.which("psql"):
        print("skipped: PostgreSQL is not installed")
        sys.exit(77)
    with Server(programs) as server:
        for migration in [*migrations, migrations[0]]:  # the version table's runs at every start
            done = server.psql("BEGIN;\n" + migration.read_text() + "\nCOMMIT;\n")
            if done.returncode:
                sys.exit(f"{migration.name}: {done.stderr}")
        lines = statements.splitlines()
        together = server.psql(statements)
        bad = [line for line in lines if server.psql(line).returncode] if together.returncode else []
        for line in bad:
            print(f"{line}\n{server.psql(line).stderr}", file=sys.stderr)
        if together.returncode and not bad:
            sys.exit(together.stderr)
        print(f"{len(lines) - len(bad)} of {len(lines)} statements prepared")
        sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
