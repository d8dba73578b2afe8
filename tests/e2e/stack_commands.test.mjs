// tests/e2e/stack_commands.test.mjs - the commands around a stack that need no tenant: config and stack.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gatehouse, temporary } from './harness.mjs';

const canary = 'Canary-Horse-Battery-2026';

function project(config = '') {
  const dir = temporary('gatehouse-stack-');
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${config}`);
  return dir;
}

function run(dir, args, { input = '', passphrase = 'open sesame', code = 0 } = {}) {
  const env = { ...process.env, PULUMI_CONFIG_PASSPHRASE: passphrase };
  delete env.PULUMI_STACK;
  if (passphrase === null) delete env.PULUMI_CONFIG_PASSPHRASE;
  const result = spawnSync(gatehouse, [...args, '-C', dir], { env, input, encoding: 'utf8' });
  assert.equal(result.status, code, `${args.join(' ')}\n${result.stdout}${result.stderr}`);
  return result;
}

test('a value is set, read, listed and taken out', () => {
  const dir = project('config:\n  email: { type: string }\n  seats: 5\n  pw: { type: string, secret: true }\n');
  const file = () => fs.readFileSync(path.join(dir, 'Pulumi.dev.yaml'), 'utf8');
  run(dir, ['config', 'set', 'email', 'ada@example.com']);
  run(dir, ['config', 'set', 'pw'], { input: `${canary}\n` });
  run(dir, ['config', 'set', 'auth0:debug', 'true', '--secret']);
  assert.ok(!file().includes(canary) && file().includes('p:email: ada@example.com'));
  assert.equal(run(dir, ['config', 'get', 'pw']).stdout, `${canary}\n`);
  assert.equal(run(dir, ['config', 'get', 'p:email']).stdout, 'ada@example.com\n');
  assert.equal(run(dir, ['config', 'get', 'seats']).stdout, '5\n');
  assert.deepEqual(JSON.parse(run(dir, ['config', 'get', 'pw', '--json']).stdout), { secret: true, value: canary });
  const list = run(dir, ['config']).stdout;
  assert.match(list, /^email +ada@example.com$/m);
  assert.match(list, /^pw +\[secret\]$/m);
  assert.ok(!list.includes(canary));
  assert.deepEqual(JSON.parse(run(dir, ['config', '--json'], { passphrase: null }).stdout), {
    'p:email': { secret: false, value: 'ada@example.com' }, 'p:pw': { secret: true }, 'auth0:debug': { secret: true },
  });
  assert.ok(run(dir, ['config', '--show-secrets']).stdout.includes(canary));
  run(dir, ['config', 'rm', 'email']);
  run(dir, ['config', 'rm', 'email'], { code: 1 });
  run(dir, ['config', 'get', 'email'], { code: 1 });
  assert.ok(!file().includes('email'));
});

test('config refuses what is wrong', () => {
  const dir = project('config:\n  pw: { type: string, secret: true }\n  n: { type: integer }\n');
  for (const args of [['set'], ['get'], ['rm'], ['set', 'n', '1', '--secret', '--plaintext'], ['set', 'n', 'many'], ['set', 'nn', '1'], ['change']])
    run(dir, ['config', ...args], { code: 2 });
  assert.match(run(dir, ['config', 'set', 'pw', 'x'], { code: 2, passphrase: null }).stderr, /PULUMI_CONFIG_PASSPHRASE/);
  run(dir, ['config', 'set', 'pw', 'x']);
  run(dir, ['config', 'get', 'pw'], { code: 1, passphrase: null });
  run(dir, ['config', '--show-secrets'], { code: 2, passphrase: null });
  run(dir, ['config'], { code: 2, passphrase: 'another' });
  assert.match(run(dir, ['config', 'set', '--help']).stdout, /--secret/);
});

test('stacks are made, selected, listed and removed', () => {
  const dir = project();
  const current = () => JSON.parse(run(dir, ['stack', 'ls', '--json']).stdout).filter((s) => s.current).map((s) => s.name);
  run(dir, ['stack', 'init', 'one']);
  run(dir, ['stack', 'init', 'two', '--no-select']);
  assert.deepEqual(current(), ['one']);
  assert.match(fs.readFileSync(path.join(dir, 'Pulumi.one.yaml'), 'utf8'), /^encryptionsalt: /);
  run(dir, ['stack', 'init', 'two'], { code: 1 });
  run(dir, ['stack', 'select', 'three'], { code: 6 });
  run(dir, ['stack', 'select', 'two']);
  assert.deepEqual(current(), ['two']);
  assert.match(run(dir, ['stack', 'ls']).stdout, /^one +0\ntwo\* +0\n/m);
  run(dir, ['stack', 'output']);
  run(dir, ['stack', 'rm'], { code: 2 });
  run(dir, ['stack', 'rm', '-y']);
  assert.deepEqual(current(), ['one']);
  run(dir, ['stack', 'select', 'two'], { code: 6 });
  const ledger = path.join(dir, '.gatehouse/one.json');
  const full = JSON.parse(fs.readFileSync(ledger, 'utf8'));
  full.resources.push({ name: 'r', type: 'auth0:index/role:Role', id: 'rol_1', inputs: {}, dependsOn: [] });
  fs.writeFileSync(ledger, JSON.stringify(full));
  assert.match(run(dir, ['stack', 'rm', 'one', '-y'], { code: 1 }).stderr, /still has 1 resource;/);
  run(dir, ['stack', 'rm', 'one', '-y', '--force', '--preserve-config']);
  assert.ok(!fs.existsSync(ledger) && fs.existsSync(path.join(dir, 'Pulumi.one.yaml')));
  for (const args of [['init'], ['select'], ['init', '.x'], ['init', 'a b'], ['nothing'], []]) run(dir, ['stack', ...args], { code: 2 });
});

test('the state is exported as Pulumi imports it', () => {
  const dir = project('config:\n  pw: { type: string, secret: true }\n');
  run(dir, ['stack', 'init', 'dev']);
  run(dir, ['config', 'set', 'pw', JSON.stringify(canary)]);
  const [, sealed] = /secure: (v1:\S+)/.exec(fs.readFileSync(path.join(dir, 'Pulumi.dev.yaml'), 'utf8'));
  const ledger = path.join(dir, '.gatehouse/dev.json'), full = JSON.parse(fs.readFileSync(ledger, 'utf8'));
  const mark = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270' };
  const write = (secret) => {
    full.resources = [
      { name: 'org', type: 'auth0:index/organization:Organization', id: 'org_1', inputs: { name: 'o' }, dependsOn: [], protect: true, adopted: true },
      { name: 'con', type: 'auth0:index/connection:Connection', id: 'con_1', inputs: { name: 'c', list: [secret] }, dependsOn: ['org', 'only-read', 'con'] },
    ];
    fs.writeFileSync(ledger, JSON.stringify(full));
  };
  write({ ...mark, ciphertext: sealed });
  const { version, deployment } = JSON.parse(run(dir, ['stack', 'export'], { passphrase: null }).stdout);
  assert.equal(version, 3);
  assert.equal(deployment.manifest.magic, createHash('sha256').update(deployment.manifest.version).digest('hex'));
  assert.equal(deployment.secrets_providers.type, 'passphrase');
  assert.ok(fs.readFileSync(path.join(dir, 'Pulumi.dev.yaml'), 'utf8').includes(deployment.secrets_providers.state.salt));
  const [stack, provider, org, con] = deployment.resources;
  assert.equal(stack.urn, 'urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev');
  assert.equal(org.urn, 'urn:pulumi:dev::p::auth0:index/organization:Organization::org');
  assert.deepEqual([org.protect, org.retainOnDelete, con.protect, con.retainOnDelete], [true, true, undefined, undefined]);
  assert.deepEqual(con.dependencies, [org.urn]);
  assert.equal(con.provider, `${provider.urn}::${provider.id}`);
  assert.equal(con.parent, stack.urn);
  assert.match(provider.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(con.inputs.list, [{ ...mark, ciphertext: sealed }]);
  const open = JSON.parse(run(dir, ['stack', 'export', '--show-secrets']).stdout).deployment.resources[3];
  assert.deepEqual(open.inputs.list, [{ ...mark, plaintext: JSON.stringify(canary) }]);
  run(dir, ['stack', 'export', '--show-secrets'], { passphrase: null, code: 2 });
  write({ ...mark, digest: 'd1:00' });
  run(dir, ['stack', 'export'], { code: 2 });
  run(dir, ['stack', 'export', '-s', 'absent'], { code: 6 });
});

const recorded = path.join(path.dirname(gatehouse), '../tests/data/stack/pulumi-3.274.1-export.json');
const mark = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270' };

test('what the real Pulumi exported becomes the state, and goes out again as it came', () => {
  const dir = temporary('gatehouse-stack-'), file = path.join(dir, 'state.json'), theirs = JSON.parse(fs.readFileSync(recorded, 'utf8'));
  const { salt } = theirs.deployment.secrets_providers.state;
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), 'name: secure-ai-api\nruntime: yaml\n');
  fs.writeFileSync(path.join(dir, 'Pulumi.dev.yaml'), `encryptionsalt: ${salt}\n`);
  const entries = () => JSON.parse(fs.readFileSync(path.join(dir, '.gatehouse/dev.json'), 'utf8')).resources;
  run(dir, ['stack', 'import', '--file', recorded], { passphrase: null }); // one salt: nothing has to be opened
  assert.deepEqual(entries().map(({ name }) => name), ['my-organization', 'my-connection', 'app', 'my-connection-clients', 'member-user', 'my-org-member']);
  assert.equal(entries()[0].protect, true);
  assert.deepEqual(entries()[5].dependsOn, ['my-organization', 'member-user']);
  const told = JSON.parse(run(dir, ['stack', 'export'], { passphrase: null }).stdout);
  const shape = ({ deployment }) => deployment.resources.map(({ urn, id, inputs, dependencies = [], parent, provider, protect }) => ({ urn, id, inputs, dependencies, parent, provider, protect }));
  assert.deepEqual(shape(told), shape(theirs));
  assert.match(JSON.parse(run(dir, ['stack', 'output', '--json', '--show-secrets']).stdout).client_secret, /^[\w-]{64}$/);
  // Another stack's salt: opened by the passphrase, and sealed again.
  fs.writeFileSync(file, run(dir, ['stack', 'export']).stdout);
  const other = temporary('gatehouse-stack-');
  fs.writeFileSync(path.join(other, 'Pulumi.yaml'), 'name: secure-ai-api\nruntime: yaml\n');
  run(other, ['stack', 'init', 'dev']);
  run(other, ['stack', 'import', '--file', file], { passphrase: null, code: 2 });
  run(other, ['stack', 'import', '--file', file]);
  assert.ok(!fs.readFileSync(path.join(other, '.gatehouse/dev.json'), 'utf8').includes('"value"'));
  const [mine, yours] = [other, dir].map((at) => JSON.parse(run(at, ['stack', 'output', '--json', '--show-secrets']).stdout));
  assert.deepEqual(mine, yours);
});

test('stack import refuses what is no state of this stack, and leaves the ledger as it was', () => {
  const dir = project(), ledger = path.join(dir, '.gatehouse/dev.json'), role = 'auth0:index/role:Role';
  run(dir, ['stack', 'init', 'dev'], { passphrase: null });
  const resource = (name, more = {}) => ({ urn: `urn:pulumi:dev::p::${role}::${name}`, custom: true, id: 'rol_1', type: role, inputs: { name }, ...more });
  const deployment = (...resources) => JSON.stringify({ version: 3, deployment: { resources } });
  const refused = (input, said, { args = [], code = 1, passphrase = null } = {}) => {
    const was = fs.readFileSync(ledger, 'utf8');
    assert.match(run(dir, ['stack', 'import', ...args], { input, code, passphrase }).stderr, said);
    assert.equal(fs.readFileSync(ledger, 'utf8'), was);
  };
  refused('', /it is empty/);
  refused('{"version":3,', /is no deployment/);
  refused('{"version":3,"version":3,"deployment":{}}', /is no deployment: duplicate/);
  refused('[]', /no deployment of version 3/);
  refused('{"version":2,"deployment":{}}', /no deployment of version 3/);
  refused('{"version":4,"deployment":{}}', /no deployment of version 3/);
  refused('{"version":3,"deployment":{"resources":{}}}', /are no list/);
  refused(deployment({ ...resource('r'), urn: 'r' }), /no proper URN/);
  refused(deployment({ ...resource('r'), type: 'auth0:index/client:Client' }), /no proper URN/);
  refused(deployment(resource('r', { id: '' })), /no id or no inputs/);
  refused(deployment(resource('r', { inputs: [] })), /no id or no inputs/);
  refused(deployment(resource('r'), resource('r')), /two resources of this type and name/);
  refused(deployment({ ...resource('r'), urn: `urn:pulumi:prod::p::${role}::r` }), /another stack or project; --force/);
  refused(deployment({ ...resource('r'), urn: `urn:pulumi:dev::q::${role}::r` }), /another stack or project; --force/);
  refused(deployment({ urn: 'urn:pulumi:dev::p::aws:s3/bucket:Bucket::b', custom: true, id: 'b', type: 'aws:s3/bucket:Bucket', inputs: {} }), /cannot be managed here/);
  refused(deployment(resource('r', { inputs: { a: { '4dabf18193072939515e22adb298388d': 'c44067f5952c0a294b673a41bacd8c17', text: 'x' } } })), /no value of a stack/);
  refused(deployment(resource('r', { inputs: { a: { ...mark, plaintext: '{' } } })), /no value of a stack/);
  refused(deployment(resource('r', { inputs: { a: { ...mark, ciphertext: 'v1:x:y' } } })), /cannot be opened here/, { code: 2 });
  refused(fs.readFileSync(recorded, 'utf8'), /another passphrase/, { args: ['--force'], code: 2, passphrase: 'another' });
  refused('{}', /cannot be read/, { args: ['--file', path.join(dir, 'absent')] });
  run(dir, ['stack', 'import', '-s', 'absent'], { input: '{}', code: 6 });
  run(dir, ['stack', 'import', '--nonsense'], { code: 2 });
  // What is no resource of the tenant's is left out, and --force takes another's.
  run(dir, ['stack', 'import', '--force'], { passphrase: null, input: deployment(
    { urn: 'urn:pulumi:prod::q::my:mod:Company::c', custom: false, type: 'my:mod:Company' }, { ...resource('inner'), urn: `urn:pulumi:prod::q::my:mod:Company$${role}::inner` },
    resource('read', { external: true }), resource('old', { delete: true }), resource('old', { inputs: { __defaults: [], name: 'n' } })) });
  assert.deepEqual(JSON.parse(fs.readFileSync(ledger, 'utf8')).resources.map(({ name, replaced, inputs }) => [name, replaced, inputs]), [
    ['inner', undefined, { name: 'inner' }], ['old', true, { name: 'old' }], ['old', undefined, { name: 'n' }]]);
});
