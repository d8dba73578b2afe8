#!/usr/bin/env python3
"""The generator refuses what it must: catalogue_test.py CATALOGUE_PY."""
import pathlib
import subprocess
import sys
import tempfile

GENERATOR = sys.argv[1]
VERSION = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);\n"

# catalogue text, and what the refusal must say (None: accepted)
STATEMENTS = (
    ("-- name: a\nSELECT 1;\n", None),
    ("-- about the file\n\n-- name: a\n-- why\nSELECT 1 -- $no parameter\n;\n-- name: b\nSELECT '; $x ? ->';", None),
    ("-- name: a\nSELECT doc FROM t WHERE id = $id;", None),
    ("SELECT 1;\n", "without"),
    ("-- name: A\nSELECT 1;\n", "lower case"),
    ("-- name: a b\nSELECT 1;\n", "lower case"),
    ("-- name: a\n", "no statement"),
    ("-- name: a\n-- only this\n-- name: b\nSELECT 1;", "no statement"),
    ("-- name: a\nSELECT 1; SELECT 2;\n", "more than one"),
    ("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;\n", "also in"),
    ("-- name: a\nSELECT ?;\n", "write $name"),
    ("-- name: a\nSELECT $1;\n", "not a parameter"),
    ("-- name: a\nSELECT $Id;\n", "not a parameter"),
    ("-- name: a\nSELECT $id::text;\n", "CAST"),
    ("-- name: a\nSELECT doc->>'x' FROM t;\n", "JSON"),
    ("-- name: a\nSELECT json_extract(doc, '$.x') FROM t;\n", "JSON"),
    ("-- name: a\nINSERT OR IGNORE INTO t VALUES (1);\n", "ON CONFLICT"),
    ("-- name: a\nSELECT 1 WHERE $x IS NULL;\n", "CAST"),
    ("-- name: a\nSELECT rowid FROM t;\n", "only one database"),
    ("-- name: a\nSELECT [x] FROM t;\n", "plain"),
    ("-- name: a\nSELECT 'ä';\n", "ascii"),
)
# names of migration files, and what the refusal must say
MIGRATIONS = (
    (("0000_version.sql",), None),
    (("0000_version.sql", "0002_b.sql"), "without a gap"),
    (("0001_b.sql",), "without a gap"),
    (("0000_version.sql", "1_b.sql"), "without a gap"),
    (("0000_version.sql", "0001_a.sql", "0001_b.sql"), "without a gap"),
)


def run(folder, catalogue, migrations):
    path = pathlib.Path(folder, "t.sql")
    path.write_text(catalogue)
    for name in migrations:
        pathlib.Path(folder, name).write_text(VERSION)
    return subprocess.run([sys.executable, GENERATOR, "--out", folder, "--catalogue", str(path), "--migrations",
                           *(str(pathlib.Path(folder, name)) for name in migrations)], capture_output=True, text=True)


def check(row, catalogue, migrations, refusal):
    with tempfile.TemporaryDirectory() as folder:
        done = run(folder, catalogue, migrations)
        good = done.returncode == 0 if refusal is None else done.returncode != 0 and refusal in done.stderr
        if not good:
            print(f"{row!r}: wanted {refusal!r}, got {done.returncode}: {done.stderr}", file=sys.stderr)
        return good


def forms():
    """Each database gets its spelling; a parameter named twice is one."""
    with tempfile.TemporaryDirectory() as folder:
        run(folder, "-- name: a\nSELECT id\n  FROM t -- c\n WHERE a = $x AND b = $y AND c = $x AND d = '$x';", ("0000_version.sql",))
        c = pathlib.Path(folder, "catalogue.gen.c").read_text()
        pg = pathlib.Path(folder, "catalogue.postgres.sql").read_text()
        return ("SELECT id FROM t WHERE a = $x AND b = $y AND c = $x AND d = '$x'" in c and '{ "x", "y" }, 2 }' in c
                and pg == "PREPARE a AS SELECT id FROM t WHERE a = $1 AND b = $2 AND c = $1 AND d = '$x';\n")


results = [check(text, text, ("0000_version.sql",), refusal) for text, refusal in STATEMENTS]
results += [check(names, "-- name: a\nSELECT 1;", names, refusal) for names, refusal in MIGRATIONS]
results.append(forms())
print(f"{sum(results)} of {len(results)} rows hold")
sys.exit(0 if all(results) else 1)
