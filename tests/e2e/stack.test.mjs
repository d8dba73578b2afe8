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

test('a resource under a new name is the same object', async () => {
  const dir = program('resources:\n  before: { type: auth0:Connection, properties: { strategy: auth0 } }\n');
  must(await run(dir, ['up', '-y']));
  const ledger = () => JSON.parse(fs.readFileSync(path.join(dir, '.gatehouse/dev.json'), 'utf8')).resources;
  const [{ id }] = ledger();
  const after = 'name: p\nruntime: yaml\nresources:\n  after: { type: auth0:Connection, properties: { strategy: auth0 }, options: { aliases: [{ name: before }] } }\n';
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), after.replace(', options: { aliases: [{ name: before }] }', ''));
  assert.match(must(await run(dir, ['preview'])).out, /\+ 1 to create\n {4}- 1 to delete/);
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), after);
  must(await run(dir, ['preview', '--expect-no-changes']));
  assert.equal(ledger()[0].name, 'before');
  must(await run(dir, ['up', '-y', '--expect-no-changes']));
  assert.deepEqual(ledger().map((e) => [e.name, e.id]), [['after', id]]);
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), after.replace(', options: { aliases: [{ name: before }] }', ''));
  must(await run(dir, ['up', '-y', '--expect-no-changes']));
  must(await run(dir, ['destroy', '-y']));
  assert.equal((await api.get(`connections/${id}`)).status, 404);
});

test('what is only read is neither changed nor deleted', async () => {
  const { body: theirs } = await api.post('roles', { name: 'read-only', description: 'theirs' });
  const dir = program(`resources:
  r: { type: auth0:Role, get: { id: ${theirs.id} } }
  copy: { type: auth0:Role, properties: { name: read-copy, description: "\${r.description}" } }
outputs: { name: "\${r.name}", id: "\${r.id}" }
`);
  assert.match(must(await run(dir, ['up', '-y'])).out, /\+ 1 created/);
  assert.deepEqual(JSON.parse(must(await run(dir, ['stack', 'output', '--json'])).out), { name: 'read-only', id: theirs.id });
  assert.equal((await roles('read-copy'))[0].description, 'theirs');
  must(await run(dir, ['up', '-y', '--expect-no-changes']));
  must(await run(dir, ['destroy', '-y']));
  assert.equal((await api.get(`roles/${theirs.id}`)).body.description, 'theirs');
  const absent = program('resources:\n  r: { type: auth0:Role, get: { id: rol_AAAAAAAAAAAAAAAA } }\n');
  assert.match(must(await run(absent, ['up', '-y']), 1).err, /get of Role r: there is no object with this id/);
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${role('managed')}`);
  must(await run(dir, ['up', '-y']));
  const [managed] = await roles('managed');
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\nresources:\n  r: { type: auth0:Role, get: { id: ${managed.id} } }\n`);
  assert.match(must(await run(dir, ['up', '-y']), 1).err, /this stack manages it/);
  assert.equal((await roles('managed')).length, 1);
});

test('what is imported is owned, what is retained stays', async () => {
  const { body: theirs } = await api.post('roles', { name: 'imported', description: 'before' });
  const options = (text) => `${role('imported', 'ours')}    options: { ${text} }\n`;
  const dir = program(options('import: rol_AAAAAAAAAAAAAAAA'));
  assert.match(must(await run(dir, ['up', '-y']), 1).err, /there is no Role with the id rol_AAAAAAAAAAAAAAAA to import/);
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${options(`import: ${theirs.id}, retainOnDelete: true`)}`);
  must(await run(dir, ['up', '-y']));
  assert.equal((await api.get(`roles/${theirs.id}`)).body.description, 'ours');
  must(await run(dir, ['up', '-y', '--expect-no-changes']));
  must(await run(dir, ['destroy', '-y']));
  assert.equal((await roles('imported')).length, 1);
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${options(`import: ${theirs.id}`)}`);
  must(await run(dir, ['up', '-y']));
  must(await run(dir, ['destroy', '-y']));
  assert.equal((await roles('imported')).length, 0);
});

test('a change that asks for it replaces, and a secret that stays does not', async () => {
  const text = (description, password = canary) => `resources:
  c: { type: auth0:Connection, properties: { strategy: auth0, name: replacing } }
  a: { type: auth0:Client, properties: { name: replacing } }
  cc: { type: auth0:ConnectionClients, properties: { connectionId: "\${c.id}", enabledClients: ["\${a.id}"] } }
  u:
    type: auth0:User
    properties: { connectionName: "\${c.name}", email: re@example.com, password: ${password} }
    options: { replaceOnChanges: ["*"], dependsOn: ["\${cc}"] }
  r:
    type: auth0:Role
    properties: { name: replaced, description: ${description} }
    options: { replaceOnChanges: [description], deleteBeforeReplace: true, additionalSecretOutputs: [description] }
outputs: { d: "\${r.description}" }
`;
  const write = (...args) => fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${text(...args)}`);
  const dir = program(text('one'));
  must(await run(dir, ['up', '-y']));
  const [first] = await roles('replaced');
  must(await run(dir, ['up', '-y', '--expect-no-changes']));
  write('two');
  assert.match(must(await run(dir, ['up', '-y'])).out, /\+- 1 replaced\n {4}4 unchanged/);
  const [second, ...more] = await roles('replaced');
  assert.ok(second.id !== first.id && more.length === 0);
  assert.equal(JSON.parse(must(await run(dir, ['stack', 'output', '--json'])).out).d, '[secret]');
  write('two', `${canary}-2`);
  assert.match(must(await run(dir, ['preview'])).out, /\+- 1 to replace\n {4}4 unchanged/);
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

test('a renamed connection is replaced: made anew, its users follow, the old one goes', async () => {
  const text = (name) => `resources:
  c: { type: auth0:Connection, properties: { strategy: auth0, name: ${name} } }
  u: { type: auth0:User, properties: { connectionName: "\${c.name}", email: moved@example.com, password: ${canary} } }
`;
  const dir = program(text('before-users'));
  must(await run(dir, ['up', '-y']));
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${text('after-users')}`);
  assert.match(must(await run(dir, ['preview'])).out, /\+- auth0:index:Connection c replace/);
  const up = must(await run(dir, ['up', '-y']));
  assert.match(up.out, /^ - +auth0:index:Connection c deleted .*\(was replaced\)$/m);
  assert.match(up.out, /^ - +auth0:index:User u deleted .*\(was replaced\)$/m);
  const names = (await api.get('connections')).body.map((c) => c.name);
  assert.ok(names.includes('after-users') && !names.includes('before-users'), names.join());
  const people = (await api.get('users-by-email?email=moved@example.com')).body;
  assert.deepEqual(people.map((u) => u.identities[0].connection), ['after-users']);
  must(await run(dir, ['up', '-y', '--expect-no-changes']));
  must(await run(dir, ['destroy', '-y']));
  assert.deepEqual((await api.get('users-by-email?email=moved@example.com')).body, []);
});

test('a token is printed alone, or none', async () => {
  const token = (args, env = {}) => new Promise((resolve) => {
    const child = spawn(gatehouse, ['token', ...args], { env: { ...g.childEnv, ...env } });
    let out = '', err = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('close', (code) => resolve({ code, out, err }));
  });
  const good = must(await token([]));
  assert.match(good.out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  assert.equal(JSON.parse(Buffer.from(good.out.split('.')[1], 'base64url')).aud, `https://${g.env.AUTH0_DOMAIN}/api/v2/`);
  for (const [args, env, code] of [[['--audience', 'https://nobody.example'], {}, 3], [['--organization', 'org_AAAAAAAAAAAAAAAA'], {}, 3],
    [[], { AUTH0_CLIENT_SECRET: 'wrong' }, 3], [[], { AUTH0_CLIENT_SECRET: '', AUTH0_API_TOKEN: 'x' }, 2], [['--client'], {}, 2]]) {
    const refused = must(await token(args, env), code);
    assert.equal(refused.out, '');
    assert.ok(refused.err && !refused.err.includes(g.env.AUTH0_CLIENT_SECRET));
  }
});

test('nobody is asked where nobody can answer', async () => {
  const dir = program(role('asked'));
  assert.match(must(await run(dir, ['up']), 2).err, /--yes/);
  assert.equal((await roles('asked')).length, 0);
  must(await run(dir, ['stack', 'output', '-s', 'absent']), 6);
});
