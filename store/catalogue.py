#!/usr/bin/env python3
"""Turns store/catalogue/*.sql and store/migrations/*.sql into C tables.

    catalogue.py --out DIR --catalogue FILE... --migrations FILE...

Writes catalogue.gen.h (enum gh_sql), catalogue.gen.c (gh_catalogue, gh_migrations) and catalogue.postgres.sql (one
PREPARE a statement, for the test that proves that PostgreSQL understands each of them).

A catalogue file is a row of statements, each introduced by `-- name: organization_by_id`; further comment lines may
follow. Parameters are written `$name`. What only one of the two databases understands is refused here, with file and line.
"""
import argparse
import pathlib
import re
import sys

NAME = re.compile(r"--\s*name:\s*([a-z][a-z0-9_]*)\s*$")
# A quoted text, a quoted name, a comment, a parameter, or one other character.
TOKEN = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|\$[A-Za-z0-9_]+|[A-Za-z0-9_]+|\s+|.", re.S)
PARAMETER = re.compile(r"\$[a-z][a-z0-9_]*$")
# What is not in the common subset, and what to write instead.
FOREIGN = (
    (re.compile(r"::"), "write CAST(x AS type)"),
    (re.compile(r"\?"), "write $name"),
    (re.compile(r"->|@>|<@|\bjson\w*\s*\(", re.I), "no JSON in SQL: give it a column"),
    (re.compile(r"\bOR\s+(REPLACE|IGNORE|ABORT|FAIL|ROLLBACK)\b", re.I), "write ON CONFLICT"),
    (re.compile(r"\b(rowid|AUTOINCREMENT|GLOB|IIF|IFNULL|PRAGMA|COLLATE|ILIKE|SERIAL)\b", re.I), "only one database has it"),
    (re.compile(r"\$\w+\s+IS\s+(NOT\s+)?NULL", re.I), "write CAST($x AS TEXT) IS NULL: PostgreSQL cannot guess the type"),
    (re.compile(r"`|\["), "names are plain"),
)


class Wrong(Exception):
    pass


def squeeze(text):
    """The statement on one line, without comments; quoted texts stay as they are."""
    parts = []
    for token in TOKEN.findall(text):
        if token.startswith("--") or token.isspace():
            if parts and parts[-1] != " ":
                parts.append(" ")
        else:
            parts.append(token)
    return "".join(parts).strip()


def bare(sql):
    """The statement with its quoted texts emptied: what the rules look at."""
    return "".join("''" if t.startswith("'") else t for t in TOKEN.findall(sql))


def statement(name, text, where):
    sql = squeeze(text)
    if sql.endswith(";"):
        sql = sql[:-1].rstrip()
    if not sql:
        raise Wrong(f"{where}: {name} has no statement")
    code = bare(sql)
    if ";" in code:
        raise Wrong(f"{where}: {name} has more than one statement")
    for pattern, remedy in FOREIGN:
        found = pattern.search(code)
        if found:
            raise Wrong(f"{where}: {name} uses {found.group(0)!r}: {remedy}")
    parameters, postgres = [], []
    for token in TOKEN.findall(sql):
        if token.startswith("$"):
            if not PARAMETER.match(token):
                raise Wrong(f"{where}: {name}: {token!r} is not a parameter ($lower_case)")
            if token[1:] not in parameters:
                parameters.append(token[1:])
            token = f"${parameters.index(token[1:]) + 1}"
        postgres.append(token)
    return {"name": name, "sql": sql, "postgres": "".join(postgres), "parameters": parameters, "where": where}


def read_catalogue(path):
    found, name, start, lines = [], None, 0, []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        match = NAME.match(line)
        if not match:
            if line.strip().lower().startswith("-- name"):
                raise Wrong(f"{path.name}:{number}: a name is lower case letters, digits and _")
            if name is None and line.strip() and not line.startswith("--"):
                raise Wrong(f"{path.name}:{number}: a statement without `-- name: …` before it")
            lines.append(line)
            continue
        if name:
            found.append(statement(name, "\n".join(lines), f"{path.name}:{start}"))
        name, start, lines = match.group(1), number, []
    if name:
        found.append(statement(name, "\n".join(lines), f"{path.name}:{start}"))
    return found


def read_migrations(paths):
    found = []
    for path in sorted(paths, key=lambda p: p.name):
        match = re.match(r"(\d{4})_[a-z0-9_]+\.sql$", path.name)
        if not match or int(match.group(1)) != len(found):
            raise Wrong(f"{path.name}: migrations are 0000_name.sql, 0001_name.sql, … without a gap")
        found.append({"version": len(found), "name": path.stem, "sql": path.read_text(encoding="ascii")})
    return found


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("?", "\\?") + '"'


def c_text(text, indent):
    return ("\n" + indent).join(c_string(line) for line in text.splitlines(keepends=True))


def header(statements):
    rows = "".join(f"    GH_SQL_{s['name'].upper()}, /* {s['where']} */\n" for s in statements)
    return f"/* Generated from store/catalogue/ by store/catalogue.py. */\n#pragma once\n\nenum gh_sql {{\n{rows}    GH_SQL_COUNT\n}};\n"


def source(statements, migrations):
    out = ['/* Generated from store/catalogue/ and store/migrations/ by store/catalogue.py. */\n#include "store/catalogue.h"\n\n']
    out.append("const struct gh_statement gh_catalogue[GH_SQL_COUNT] = {\n")
    for s in statements:
        names = ", ".join(c_string(p) for p in s["parameters"]) or "NULL"
        out.append(f"    [GH_SQL_{s['name'].upper()}] = {{ {c_string(s['name'])},\n        {c_string(s['sql'])},\n"
                   f"        (const char *const[]){{ {names} }}, {len(s['parameters'])} }},\n")
    out.append("};\n\nconst struct gh_migration gh_migrations[] = {\n")
    for m in migrations:
        out.append(f"    {{ {m['version']}, {c_string(m['name'])},\n        {c_text(m['sql'], '        ')} }},\n")
    out.append("};\nconst size_t gh_migration_count = sizeof gh_migrations / sizeof gh_migrations[0];\n")
    return "".join(out)


def postgres(statements):
    return "".join(f"PREPARE {s['name']} AS {s['postgres']};\n" for s in statements)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--catalogue", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--migrations", type=pathlib.Path, nargs="+", required=True)
    args = parser.parse_args()
    statements = [s for path in args.catalogue for s in read_catalogue(path)]
    first = {}
    for s in statements:
        if s["name"] in first:
            raise Wrong(f"{s['where']}: {s['name']} is also in {first[s['name']]}")
        first[s["name"]] = s["where"]
    migrations = read_migrations(args.migrations)
    (args.out / "catalogue.gen.h").write_text(header(statements))
    (args.out / "catalogue.gen.c").write_text(source(statements, migrations))
    (args.out / "catalogue.postgres.sql").write_text(postgres(statements))


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.exit(f"catalogue: {wrong}")
