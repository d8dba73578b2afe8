// tests/e2e/stack.test.mjs - the stack engine against the running tenant.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gatehouse, management, root, sleep, startGatehouse, temporary } from './harness.mjs';

const canary = 'Canary-Horse-Battery-2026';
let g, api;
before(async () => { g = await startGatehouse(); api = await management(g); });
after(() => g?.stop());

function run(dir, args, { killAfter } = {}) {
  return new Promise((resolve) => {
    const child = spawn(gatehouse, [args[0], '-C', dir, ...args.slice(1)], { env: { ...g.childEnv, PULUMI_CONFIG_PASSPHRASE: 'open sesame' } });
    let out = '', err = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    if (killAfter !== undefined) sleep(killAfter).then(() => child.kill('SIGKILL'));
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

function program(text) {
  const dir = temporary('gatehouse-stack-');
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${text}`);
  return dir;
}

const role = (name, description = 'd') => `resources:\n  r:\n    type: auth0:Role\n    properties: { name: ${name}, description: ${description} }\n`;
const roles = async (name) => (await api.get('roles?per_page=100')).body.filter((r) => r.name === name);
const must = (result, code = 0) => { assert.equal(result.code, code, result.out + result.err); return result; };

test('the example goes up, stays unchanged, is repaired and leaves nothing', async () => {
  const dir = temporary('gatehouse-stack-');
  fs.copyFileSync(path.join(root, 'examples/secure-ai-api/Pulumi.yaml'), path.join(dir, 'Pulumi.yaml'));
  const first = must(await run(dir, ['up', '-y', '-c', `memberPassword=${canary}`]));
  assert.match(first.out, /\+ 17 created/);
  assert.match(must(await run(dir, ['up', '-y'])).out, /^ {4}17 unchanged$/m);
  must(await run(dir, ['preview', '--expect-no-changes']));
  const [made] = await roles('ai-user');
  assert.equal((await api.patch(`roles/${made.id}`, { description: 'somebody else' })).status, 200);
  const drift = must(await run(dir, ['preview']));
  assert.match(drift.out, /role-ai-user update \[diff: ~description\] \(drift\)/);
  must(await run(dir, ['preview', '--expect-no-changes']), 7);
  assert.match(must(await run(dir, ['up', '-y'])).out, /~ 1 updated/);
  assert.equal((await api.get(`roles/${made.id}`)).body.description, 'May call the AI API');
  const masked = JSON.parse(must(await run(dir, ['stack', 'output', '--json'])).out);
  const shown = JSON.parse(must(await run(dir, ['stack', 'output', '--json', '--show-secrets'])).out);
  assert.equal(masked.client_secret, '[secret]');
  assert.ok(shown.client_secret.length >= 48);
  const ledger = fs.readFileSync(path.join(dir, '.gatehouse/dev.json'), 'utf8');
  for (const secret of [canary, shown.client_secret]) for (const text of [ledger, first.out, first.err, drift.out]) assert.ok(!text.includes(secret));
  assert.equal(fs.statSync(path.join(dir, '.gatehouse/dev.json')).mode & 0o777, 0o600);
  must(await run(dir, ['destroy', '-y', '--ignore-protect']));
  assert.deepEqual(await roles('ai-user'), []);
  assert.equal((await api.get('organizations')).body.length, 0);
});

test('an object that exists is adopted and given back as it was', async () => {
  const { body: theirs } = await api.post('roles', { name: 'adopted', description: 'before' });
  const dir = program(role('adopted', 'ours'));
  assert.match(must(await run(dir, ['up', '-y'])).out, /= +auth0:index:Role r adopted/);
  assert.equal((await api.get(`roles/${theirs.id}`)).body.description, 'ours');
  assert.match(must(await run(dir, ['destroy', '-y'])).out, /< 1 released/);
  assert.equal((await api.get(`roles/${theirs.id}`)).body.description, 'before');
});

test('a protected resource is neither deleted nor forgotten', async () => {
  const dir = program(`${role('guarded')}    options: { protect: true }\n`);
  must(await run(dir, ['up', '-y']));
  const refused = must(await run(dir, ['destroy', '-y']), 1);
  assert.match(refused.err, /protected/);
  assert.equal((await roles('guarded')).length, 1);
  must(await run(dir, ['destroy', '-y', '--ignore-protect']));
  assert.equal((await roles('guarded')).length, 0);
});

test('ignored changes stay as somebody made them', async () => {
  const dir = program(`${role('ignoring')}    options: { ignoreChanges: [description] }\n`);
  must(await run(dir, ['up', '-y']));
  const [made] = await roles('ignoring');
  await api.patch(`roles/${made.id}`, { description: 'theirs' });
  must(await run(dir, ['up', '-y', '--expect-no-changes']));
  assert.equal((await api.get(`roles/${made.id}`)).body.description, 'theirs');
  must(await run(dir, ['destroy', '-y']));
});

test('what failed is finished by the next run', async () => {
  const dir = program(`resources:
  good: { type: auth0:Role, properties: { name: partial } }
  bad: { type: auth0:Organization, properties: { name: "Not A Name!" } }
`);
  const failed = must(await run(dir, ['up', '-y']), 4);
  assert.match(failed.err, /Pulumi\.yaml:5,3: could not create Organization bad: the tenant answered 400/);
  assert.equal((await roles('partial')).length, 1);
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), fs.readFileSync(path.join(dir, 'Pulumi.yaml'), 'utf8').replace('Not A Name!', 'a-name'));
  assert.match(must(await run(dir, ['up', '-y'])).out, /\+ 1 created\n {4}1 unchanged/);
  must(await run(dir, ['destroy', '-y']));
});

test('killed at any moment, the next up converges without duplicates', async () => {
  const seed = Number(process.env.SEED || Date.now() % 100000);
  console.log(`seed ${seed}`);
  let state = seed;
  const random = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const names = Array.from({ length: 20 }, (_, i) => `killed-${i}`);
  const dir = program(`resources:\n${names.map((n) => `  ${n}: { type: auth0:Client, properties: { name: ${n} } }\n`).join('')}`);
  for (let round = 0; round < 10; round++) {
    await run(dir, ['up', '-y'], { killAfter: 20 + random() * 120 });
    must(await run(dir, ['up', '-y']));
    const clients = (await api.get('clients?per_page=100')).body.map((c) => c.name).filter((n) => n.startsWith('killed-')).sort();
    assert.deepEqual(clients, [...names].sort(), `round ${round}`);
    must(await run(dir, ['up', '-y', '--expect-no-changes']));
    must(await run(dir, ['destroy', '-y']));
  }
  assert.equal((await api.get('clients?per_page=100')).body.filter((c) => c.name.startsWith('killed-')).length, 0);
});

test('nobody is asked where nobody can answer', async () => {
  const dir = program(role('asked'));
  assert.match(must(await run(dir, ['up']), 2).err, /--yes/);
  assert.equal((await roles('asked')).length, 0);
  must(await run(dir, ['stack', 'output', '-s', 'absent']), 6);
});
