#!/usr/bin/env python3
"""Turns the page templates into one C table, in the order given; {% include "x" %} is the text of that file."""
import pathlib
import re
import sys

out, folder, *names = sys.argv[1:]
folder = pathlib.Path(folder)


def text(name):
    return re.sub(r'\{% include "([a-z_.]+)" %\}\n?', lambda m: text(m.group(1)), (folder / name).read_text(encoding="utf-8"))


def literal(value):
    lines = value.encode("utf-8").splitlines(keepends=True)
    quoted = ("".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in line) for line in lines)
    return "\n    ".join(f'"{line}"' for line in quoted)


rows = "".join(f"    GH_STR( /* {name} */\n    {literal(text(name))}),\n" for name in names)
pathlib.Path(out).write_text("/* Generated from tenant/login/templates/ by tenant/login/embed.py. */\n#pragma once\n"
                             f"#include \"core/str.h\"\n\nstatic const struct gh_str gh_page_texts[] = {{\n{rows}}};\n")
