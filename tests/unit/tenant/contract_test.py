"""The generator refuses what the validator does not implement, and corrections without proof."""
import copy
import importlib.util
import json
import sys
import unittest

generator_path, contract_path, corrections_path, formats_path = sys.argv[1:5]
spec = importlib.util.spec_from_file_location('generate', generator_path)
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


class Generator(unittest.TestCase):
    def setUp(self):
        with open(contract_path, encoding='utf-8') as file:
            self.contract = json.load(file)
        self.schema = self.contract['schemas']['CreateRoleRequestContent']

    def build(self, corrections=()):
        return generate.build(self.contract, list(corrections), formats_path)

    def test_the_contract_builds_with_its_corrections(self):
        with open(corrections_path, encoding='utf-8') as file:
            corrections = json.load(file)
        tables = self.build(corrections)
        self.assertEqual(len(tables.operations), len(self.contract['served']) + len(self.contract['known']))

    def test_an_unknown_keyword_stops_the_build(self):
        self.schema['uniqueItems'] = True
        with self.assertRaises(generate.Trouble):
            self.build()

    def test_an_unknown_format_stops_the_build(self):
        self.schema['properties']['name']['format'] = 'no-such-format'
        with self.assertRaises(generate.Trouble):
            self.build()

    def test_an_unknown_pattern_stops_the_build(self):
        self.schema['properties']['name']['pattern'] = '^nothing$'
        with self.assertRaises(generate.Trouble):
            self.build()

    def test_a_correction_needs_a_proof_and_an_effect(self):
        row = {'operation': 'get_roles', 'at': ['success'], 'value': [200]}
        with self.assertRaises(generate.Trouble):
            self.build([row])
        with self.assertRaises(generate.Trouble):
            self.build([row | {'proof': 'a recording'}])
        self.build([row | {'proof': 'a recording', 'value': [201]}])

    def test_literals_stand_before_the_parameter_in_the_tree(self):
        tables = self.build()
        for segment, node, first, count in tables.nodes:
            names = [n[0] for n in tables.nodes[first:first + count]]
            literals = [n for n in names if n]
            self.assertEqual(literals, sorted(literals, key=lambda k: k.encode()))
            self.assertTrue('' not in names[:-1])


unittest.main(argv=['contract_test'])
