#!/usr/bin/env python3
"""Turns pulumi-auth0.json into the const tables behind stack/schema.h: generate.py IN.json OUT.c"""
import json
import re
import sys

FLAGS = (("required", "required"), ("replaceOnChanges", "replace_on_changes"),
         ("secret", "secret"), ("deprecated", "deprecated"))


def quote(text):
    """A C string literal of ASCII text."""
    if not text.isascii() or any(ord(c) < 32 for c in text):
        raise ValueError(f"not plain ASCII: {text!r}")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def snake(name):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


class Tables:
    """The pieces of the C file; equal lists of enum values are written once."""

    def __init__(self):
        self.lines = []
        self.enums = {}
        self.count = 0

    def enum(self, values):
        if not values:
            return "NULL"
        key = tuple(values)
        if key not in self.enums:
            self.enums[key] = f"enum_{len(self.enums)}"
            rows = ", ".join(quote(v) for v in values)
            self.lines.append(f"static const char *const {self.enums[key]}[] = {{ {rows}, NULL }};")
        return self.enums[key]

    def properties(self, rows):
        """Writes an array of gh_property; returns its name and length as C text."""
        if not rows:
            return "NULL", "0"
        body = []
        for row in sorted(rows, key=lambda r: r["name"]):
            fields = [f".name = {quote(row['name'])}", f".api = {quote(row.get('api', snake(row['name'])))}",
                      f".type = {quote(row['type'])}"]
            if "enum" in row:
                fields.append(f".enum_values = {self.enum(row['enum'])}")
            if "default" in row:
                fields.append(f".default_value = {quote(json.dumps(row['default']))}")
            fields += [f".{c} = true" for name, c in FLAGS if row.get(name)]
            body.append("    { " + ", ".join(fields) + " },")
        name = f"properties_{self.count}"
        self.count += 1
        self.lines += [f"static const struct gh_property {name}[] = {{", *body, "};"]
        return name, str(len(rows))

    def types(self, name, rows):
        self.lines += [f"const struct gh_resource_type {name}[] = {{", *rows, "};",
                       f"const size_t {name}_count = GH_COUNT({name});"]


def resource_row(tables, token, parts):
    inputs, input_count = tables.properties(parts["in"])
    outputs, output_count = tables.properties(parts["out"])
    return (f"    {{ .token = {quote(token)}, .inputs = {inputs}, .input_count = {input_count}, "
            f".outputs = {outputs}, .output_count = {output_count} }},")


def main(source, target):
    with open(source, encoding="utf-8") as f:
        data = json.load(f)
    tables = Tables()
    resources = [resource_row(tables, t, p) for t, p in sorted(data["resources"].items())]
    functions = [resource_row(tables, t, p) for t, p in sorted(data["functions"].items())]
    objects = []
    for name, rows in sorted(data["types"].items()):
        array, count = tables.properties([] if isinstance(rows, dict) else rows)
        objects.append(f"    {{ .name = {quote(name)}, .properties = {array}, .property_count = {count} }},")
    tables.types("gh_schema_resources", resources)
    tables.types("gh_schema_functions", functions)
    tables.lines += ["const struct gh_object_type gh_schema_objects[] = {", *objects, "};",
                     "const size_t gh_schema_objects_count = GH_COUNT(gh_schema_objects);"]
    with open(target, "w", encoding="utf-8") as f:
        f.write("/* Made by stack/contract/generate.py; do not edit. */\n#include \"stack/schema_tables.h\"\n\n")
        f.write("\n".join(tables.lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
