"""The scopes of the Management API as a C table, with the words that people see: scopes.json -> scopes.gen.h."""
import json
import sys


def words(scope):
    action, _, subject = scope.partition(":")
    return " ".join(part.capitalize() for part in [action, *subject.split("_")])


def main(source, target):
    with open(source, encoding="utf-8") as f:
        scopes = json.load(f)
    with open(target, "w", encoding="utf-8") as out:
        out.write("static const struct {\n    const char *value, *description;\n} management_scopes[] = {\n")
        for scope in scopes:
            assert all(c.isalnum() or c in ":_-" for c in scope), scope
            out.write(f'    {{ "{scope}", "{words(scope)}" }},\n')
        out.write("};\n")


main(*sys.argv[1:])
