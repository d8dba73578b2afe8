// Random request bodies: what the gateway's scanner lets pass, Python, Node and jansson all read as naming no model that it did not find.
// GATEHOUSE_CAMPAIGN=1 for 100,000 of them; GATEHOUSE_SEED repeats a run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { randomFrom, root } from './harness.mjs';

const count = process.env.GATEHOUSE_CAMPAIGN ? 100000 : 3000;
const seed = Number(process.env.GATEHOUSE_SEED) || Math.floor(Math.random() * 2 ** 32);
const tool = path.resolve(root, process.env.GATEHOUSE_BUILD || 'build', 'tests/unit/core/model_scan');

const random = randomFrom(seed);
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

const names = ['model', 'model', 'model', 'models', 'fallbacks', 'tools', 'engine', 'extra_body', 'messages', 'x', 'y', 'Model', 'model\u017f', 'mod\\u0065l', 'm\\u006fdels', 'stream', 'model_list'];
const texts = ['gpt-5', 'gpt-5', 'gpt-4o', 'o1', '', 'a\\/b', 'g\\u0070t-5', 'é', '😀', '\\ud83d\\ude00', '\\ud83d', '\\u0000', 'x\\"y'];
const scalars = ['null', 'true', 'false', '0', '-1', '1.5e3', '12345678901234567890', '1e400', '9223372036854775807', '0.1', '01', 'NaN'];
const blank = () => pick(['', '', '', ' ', '\n', '\t']);
const string = () => `"${pick(texts)}"`;
function value(depth) {
  const kind = below(depth > 4 ? 4 : 10);
  if (kind < 3) return string();
  if (kind < 4) return pick(scalars);
  if (kind < 7) return `[${Array.from({ length: below(3) }, () => blank() + value(depth + 1) + blank()).join(',')}]`;
  return object(depth + 1);
}
function object(depth) {
  return `{${Array.from({ length: below(depth ? 3 : 5) }, () => `${blank()}"${pick(names)}"${blank()}:${blank()}${value(depth + 1)}${blank()}`).join(',')}}`;
}
function body() {
  const rest = object(0).slice(1);
  const text = random() < 0.7 ? `{"model":"gpt-5"${rest.trim() === '}' ? '' : ','}${rest}` : `{${rest}`;
  const bytes = [...Buffer.from(text)];
  if (random() < 0.4)
    for (let n = 1 + below(3); n > 0; n--) {
      const at = below(bytes.length + 1), how = below(4);
      if (how === 0) bytes.splice(at, 1);
      else if (how === 1) bytes.splice(at, 0, pick([...Buffer.from('{}[]",:\\u0\0\xef\xbb\xbf', 'latin1')]));
      else if (how === 2) bytes[at] = below(256);
      else bytes.splice(at, 0, ...bytes.slice(below(bytes.length), below(bytes.length)));
    }
  return Buffer.from(bytes);
}

// Every model that one of the readers of such a body may take.
function taken(read) {
  const found = [];
  const of = (o) => {
    if (o === null || typeof o !== 'object' || Array.isArray(o)) return;
    for (const name of ['model', 'engine']) if (typeof o[name] === 'string') found.push(o[name]);
    for (const name of ['models', 'fallbacks']) for (const one of Array.isArray(o[name]) ? o[name] : [o[name]]) if (typeof one === 'string') found.push(one); else of(one);
    for (const tool of Array.isArray(o.tools) ? o.tools : []) of(tool);
    of(o.extra_body);
  };
  of(read);
  return found;
}

const python = `
import sys, json, base64
for line in sys.stdin:
    try: print(json.dumps(json.loads(base64.b64decode(line))))
    except Exception as e: print("no")
`;

test(`what passes is read alike by all (${count} bodies, seed ${seed})`, () => {
  const bodies = Array.from({ length: count }, body);
  const input = bodies.map((one) => `${one.toString('base64')}\n`).join('');
  const run = (command, args) => {
    const { status, stdout, stderr } = spawnSync(command, args, { input, encoding: 'utf8', maxBuffer: 1 << 30 });
    assert.equal(status, 0, stderr);
    return stdout.split('\n');
  };
  const ours = run(tool, []), theirs = run('python3', ['-c', python]);
  let passed = 0, several = 0;
  bodies.forEach((one, i) => {
    if (ours[i] === 'no') return;
    const where = `body ${i}: ${one}`;
    const [list, jansson] = ours[i].split('\t'), found = JSON.parse(list);
    const readings = { python: theirs[i], jansson, node: JSON.stringify(JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(one))) };
    passed++;
    several += found.length > 1;
    for (const [reader, text] of Object.entries(readings)) {
      assert.notEqual(text, 'no', `${reader} does not read ${where}`);
      for (const name of taken(JSON.parse(text))) assert.ok(found.includes(name), `${reader} takes ${name}, we found ${list} in ${where}`);
      assert.ok(typeof JSON.parse(text).model !== 'object', where);
    }
  });
  assert.ok(passed > count / 20 && several > count / 300, `only ${passed} passed, ${several} with more than one model`);
  console.log(`# ${passed} of ${count} passed, ${several} of them with more than one model`);
});
