"""Turns the contract (management.json with the rows of corrections.json) into const C tables that refer to each
other by index, so that they need no relocation and live in read-only pages.

    generate.py management.json corrections.json formats.def OUT.h OUT.c

It refuses what the validator does not implement: an unknown keyword, format or pattern stops the build.
"""
import json
import re
import sys

METHODS = {'GET': 'GH_GET', 'POST': 'GH_POST', 'PATCH': 'GH_PATCH', 'PUT': 'GH_PUT', 'DELETE': 'GH_DELETE'}
TYPES = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object']
KEYWORDS = {'type', '$ref', 'properties', 'required', 'additionalProperties', 'items', 'enum', 'format', 'pattern',
            'minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties', 'minimum', 'maximum',
            'anyOf', 'oneOf', 'default'}
PARAMETER_KEYWORDS = {'name', 'type', 'min', 'max', 'default', 'enum', 'format', 'array', 'required', 'source'}
PAGING = {'none': 'GH_PAGING_NONE', 'page': 'GH_PAGING_PAGE', 'checkpoint': 'GH_PAGING_CHECKPOINT',
          'both': 'GH_PAGING_BOTH'}


class Trouble(Exception):
    """The contract says something that the tables cannot."""


def symbol(text):
    return re.sub(r'[^0-9A-Z]+', '_', text.upper())


def quote(text):
    return json.dumps(text, ensure_ascii=True)


def correct(contract, corrections):
    """Applies the overlay; every row must change something and name its proof."""
    by_id = {o['id']: o for o in contract['served'] + contract['known']}
    for row in corrections:
        if not row.get('proof'):
            raise Trouble(f'a correction without proof: {row}')
        target = by_id[row['operation']] if 'operation' in row else contract['schemas'][row['schema']]
        *way, last = row['at']
        for step in way:
            target = next(item for item in target[step[0]] if item.get('name') == step[1]) \
                if isinstance(step, list) else target[step]
        if isinstance(target, list):
            target.append(row['value'])
        elif 'value' in row:
            if target.get(last) == row['value']:
                raise Trouble(f'a correction that corrects nothing: {row}')
            target[last] = row['value']
        else:
            del target[last]


def read_formats(path):
    formats, patterns = {}, {}
    with open(path, encoding='utf-8') as file:
        for kind, text in re.findall(r'^(FORMAT|PATTERN)\(("(?:[^"\\]|\\.)*")', file.read(), re.M):
            table = formats if kind == 'FORMAT' else patterns
            table[json.loads(text)] = len(table) + 1
    return formats, patterns


class Tables:
    def __init__(self, contract, formats, patterns):
        self.contract, self.formats, self.patterns = contract, formats, patterns
        self.schemas, self.named, self.properties, self.names, self.enums, self.refs = [], {}, [], [], [], []
        self.operations, self.parameters, self.nodes = [], [], []

    # --- schemas

    def schema(self, s):
        """The index of a schema's row."""
        if '$ref' in s:
            name = s['$ref'].rpartition('/')[2]
            if name not in self.named:
                self.named[name] = self.reserve()
                self.fill(self.named[name], self.contract['schemas'][name], name)
            return self.named[name]
        index = self.reserve()
        self.fill(index, s, '')
        return index

    def reserve(self):
        self.schemas.append(None)
        return len(self.schemas) - 1

    def fill(self, index, s, name):
        if unknown := set(s) - KEYWORDS:
            raise Trouble(f'schema {name}: unknown keywords {sorted(unknown)}')
        types = s.get('type', [])
        row = {'types': sum(1 << TYPES.index(t) for t in ([types] if isinstance(types, str) else types)),
               'items': -1, 'additional': -1}
        if 'items' in s and s['items']:
            row['items'] = self.schema(s['items'])
        extra = s.get('additionalProperties')
        if extra is False:
            row['additional'] = -2
        elif isinstance(extra, dict) and extra:
            row['additional'] = self.schema(extra)
        members = sorted((key.encode(), key, self.schema(value)) for key, value in s.get('properties', {}).items())
        row |= self.run('properties', self.properties, [(key, at) for _, key, at in members])
        row |= self.run('required', self.names, s.get('required', []))
        row |= self.run('enums', self.enums, s.get('enum', []))
        row |= self.run('any', self.refs, [self.schema(x) for x in s.get('anyOf', [])])
        row |= self.run('one', self.refs, [self.schema(x) for x in s.get('oneOf', [])])
        row |= self.checks(s, name)
        self.schemas[index] = (row, name)

    def checks(self, s, where):
        row = {}
        for key, table in (('format', self.formats), ('pattern', self.patterns)):
            if key in s:
                if s[key] not in table:
                    raise Trouble(f'{where}: no function for {key} {s[key]!r} in formats.def')
                row[key] = table[s[key]]
        for key, field in (('minLength', 'min_length'), ('maxLength', 'max_length'), ('minItems', 'min_items'),
                           ('maxItems', 'max_items'), ('minProperties', 'min_properties'),
                           ('maxProperties', 'max_properties')):
            if key in s:
                row[field] = s[key] + 1
        for key in ('minimum', 'maximum'):
            if key in s:
                row |= {f'has_{key}': 1, key: s[key]}
        return row

    @staticmethod
    def run(field, table, rows):
        if not rows:
            return {}
        at = len(table)
        table.extend(rows)
        return {field: at, f'{field}_count': len(rows)}

    # --- operations

    def operation(self, o, served):
        scopes = o['scopes']
        row = {'id': quote(o['id']), 'path': quote(o['path']), 'method': METHODS[o['method']], 'served': int(served),
               'body': -1}
        row |= self.run('any', self.names, scopes.get('any', []))
        row |= self.run('all', self.names, scopes.get('all', []))
        if served:
            row['success'] = o['success'][0]
            row['paging'] = PAGING[o['paging']]
            row['body_required'] = int(o.get('bodyRequired', False))
            if 'body' in o:
                row['body'] = self.schema(o['body'])
            declared = {p['name']: p for p in o.get('pathParams', [])}
            inside = re.findall(r'\{([^}]+)\}', o['path'])
            row |= self.run('path_parameters', self.parameters,
                            [self.parameter(declared.get(n, {'name': n, 'type': 'string'})) for n in inside])
            row |= self.run('query', self.parameters,
                            [self.parameter(p) for p in sorted(o.get('query', []), key=lambda p: p['name'])])
        self.operations.append((row, o))

    def parameter(self, p):
        if unknown := set(p) - PARAMETER_KEYWORDS:
            raise Trouble(f'parameter {p["name"]}: unknown keywords {sorted(unknown)}')
        s = {'type': p['type']} | {k: p[k] for k in ('enum', 'format') if k in p}
        low, high = ('minLength', 'maxLength') if p['type'] == 'string' else ('minimum', 'maximum')
        s |= {low: p['min']} if 'min' in p else {}
        s |= {high: p['max']} if 'max' in p else {}
        return p['name'], self.schema(s), int(p.get('array', False)), int(p.get('required', False))

    # --- the tree of path segments

    def tree(self):
        root = {}
        for index, (_, o) in enumerate(self.operations):
            node = root
            for segment in o['path'].strip('/').split('/'):
                node = node.setdefault('' if segment.startswith('{') else segment, {})
            node.setdefault(None, {})[o['method']] = index
        self.place(root, '')

    def place(self, node, segment):
        """Lays a node's children side by side: literals sorted, the parameter (empty segment) last."""
        todo, self.nodes = [(node, 0)], [[segment, node, 0, 0]]
        while todo:
            node, index = todo.pop(0)
            children = sorted((k for k in node if k), key=lambda k: k.encode()) + ([''] if '' in node else [])
            self.nodes[index][2:] = [len(self.nodes), len(children)]
            for key in children:
                todo.append((node[key], len(self.nodes)))
                self.nodes.append([key, node[key], 0, 0])


def fields(row):
    return '{ ' + ', '.join(f'.{key} = {value}' for key, value in row.items() if value != 0 or key == 'body') + ' }'


def write_header(t, out):
    ids = ',\n'.join(f'    GH_OP_{symbol(o["id"])} = {i}' for i, (_, o) in enumerate(t.operations))
    out.write('/* Generated by tenant/contract/generate.py. */\n#pragma once\n\nenum gh_op {\n' + ids +
              ',\n    GH_OP_COUNT\n};\n')


def write_tables(t, out):
    def table(kind, name, rows):
        out.write(f'const {kind} gh_contract_{name}[] = {{\n' + ''.join(f'    {r},\n' for r in rows) + '};\n\n')

    def value(v):
        if v is None:
            return '{ .type = GH_TYPE_NULL }'
        if isinstance(v, bool):
            return f'{{ .type = GH_TYPE_BOOLEAN, .number = {int(v)} }}'
        if isinstance(v, int):
            return f'{{ .type = GH_TYPE_INTEGER, .number = {v} }}'
        if isinstance(v, str):
            return f'{{ .type = GH_TYPE_STRING, .text = {quote(v)} }}'
        raise Trouble(f'enum value {v!r}')

    def node(n):
        methods = ''.join(f', .operations[{METHODS[m]}] = {i + 1}' for m, i in n[1].get(None, {}).items())
        return f'{{ .segment = {quote(n[0])}, .first = {n[2]}, .count = {n[3]}{methods} }}'

    out.write('/* Generated by tenant/contract/generate.py. */\n#include "tenant/contract/contract.h"\n\n')
    table('struct gh_schema', 'schemas', [fields(r) + (f' /* {n} */' if n else '') for r, n in t.schemas])
    table('struct gh_property', 'properties', [f'{{ {quote(k)}, {i} }}' for k, i in t.properties])
    table('char *const', 'names', [quote(n) for n in t.names])
    table('struct gh_enum_value', 'enums', [value(v) for v in t.enums])
    table('unsigned short', 'refs', t.refs)
    table('struct gh_parameter', 'parameters', [f'{{ {quote(n)}, {i}, {a}, {r} }}' for n, i, a, r in t.parameters])
    table('struct gh_operation', 'operations', [fields(r) for r, _ in t.operations])
    table('struct gh_path_node', 'nodes', [node(n) for n in t.nodes])


def build(contract, corrections, formats_path):
    correct(contract, corrections)
    tables = Tables(contract, *read_formats(formats_path))
    for o in contract['served']:
        tables.operation(o, True)
    for o in contract['known']:
        tables.operation(o, False)
    tables.tree()
    if len(tables.schemas) > 32767:
        raise Trouble('more schemas than a short can count')
    return tables


def main(contract_path, corrections_path, formats_path, header_path, tables_path):
    with open(contract_path, encoding='utf-8') as file:
        contract = json.load(file)
    with open(corrections_path, encoding='utf-8') as file:
        corrections = json.load(file)
    tables = build(contract, corrections, formats_path)
    with open(header_path, 'w', encoding='ascii') as out:
        write_header(tables, out)
    with open(tables_path, 'w', encoding='ascii') as out:
        write_tables(tables, out)


if __name__ == '__main__':
    try:
        main(*sys.argv[1:])
    except (Trouble, KeyError, StopIteration) as trouble:
        sys.exit(f'generate.py: {trouble!r}')
