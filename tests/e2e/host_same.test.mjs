// tests/e2e/host_same.test.mjs - the example in YAML, Python and TypeScript: one stack, so one tenant, and one ledger that fits all three.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root, temporary } from './harness.mjs';
import { canary, installNode, installPython, must, startLab } from './host_lab.mjs';
import { assertSame, census, dump } from './stack_lab.mjs';

const node = installNode(), python = installPython(), example = path.join(root, 'examples/secure-ai-api');
let lab, run, empty, made, outputs;
before(async () => {
  lab = await startLab();
  // The SDK's compiler takes three seconds a pass to check the types of TypeScript: only in the long run.
  const types = process.env.GATEHOUSE_CAMPAIGN ? {} : { PULUMI_NODEJS_TRANSPILE_ONLY: 'true' };
  run = (dir, args) => lab.run(dir, args, { VIRTUAL_ENV: python.folder, ...types });
  empty = await dump(lab.api);
  const dir = folder('');
  const result = await make(dir);
  ({ made, outputs } = result);
  must(await run(dir, ['destroy', '-y']));
});
after(() => lab?.stop());

function folder(language) {
  const dir = temporary('gatehouse-same-');
  for (const name of fs.readdirSync(path.join(example, language))) {
    const file = path.join(example, language, name);
    if (fs.statSync(file).isFile()) fs.copyFileSync(file, path.join(dir, name));
  }
  return dir;
}

async function make(dir) {
  must(await run(dir, ['up', '-y', '-c', `memberPassword=${canary}`]));
  return { made: await dump(lab.api), outputs: JSON.parse(must(await run(dir, ['stack', 'output', '--json'])).out) };
}

// Ids differ from one tenant's life to the next; names, secrecy and the rest do not.
const shapeOf = (outputs) => Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, value.replace(/org_\w{16}/, '<organization>').replace(/^\w{32}$/, '<client>')]));

async function proveTheSame(dir) {
  const result = await make(dir);
  assertSame(result.made, made);
  assert.deepEqual(shapeOf(result.outputs), shapeOf(outputs));
  // The ledger of one language is that of the others: the YAML takes the stack over and has nothing to do.
  fs.copyFileSync(path.join(example, 'Pulumi.yaml'), path.join(dir, 'Pulumi.yaml'));
  must(await run(dir, ['up', '-y', '--expect-no-changes']));
  must(await run(dir, ['destroy', '-y']));
  assertSame(await dump(lab.api), empty);
}

test('the YAML makes one of everything', () => {
  const before = census(empty), after = census(made);
  assert.deepEqual(Object.keys(after).filter((kind) => after[kind] === before[kind]), []);
});

describe('the same tenant', () => {
  test('by Python', { skip: python.missing }, () => proveTheSame(folder('python')));
  test('by TypeScript', { skip: node.missing }, () => {
    const dir = folder('typescript');
    fs.symlinkSync(path.join(node.folder, 'node_modules'), path.join(dir, 'node_modules'));
    return proveTheSame(dir);
  });
});
