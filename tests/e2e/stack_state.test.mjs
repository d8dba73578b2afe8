// tests/e2e/stack_state.test.mjs - what changes the ledger alone: refresh, and later the commands below `state` and `stack import`.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startFaultProxy } from './fault_proxy.mjs';
import { gatehouse, management, startGatehouse } from './harness.mjs';
import { assertSame, dump, must, project, runStack } from './stack_lab.mjs';

let g, api, proxy, count = 0;
const env = () => ({ ...g.childEnv, ...proxy.env });
before(async () => { g = await startGatehouse(); api = await management(g); proxy = await startFaultProxy(g); });
after(async () => { await proxy?.stop(); await g?.stop(); });

const good = (reply) => { assert.ok(reply.status < 300, reply.text); return reply.body; };
const program = (n) => `resources:
  org: { type: auth0:Organization, properties: { name: state-${n}, displayName: ours, metadata: { plan: team, tier: one } } }
  api: { type: auth0:ResourceServer, properties: { identifier: "urn:state-${n}", name: api } }
  scopes: { type: auth0:ResourceServerScopes, properties: { resourceServerIdentifier: "\${api.identifier}", scopes: [{ name: a }, { name: b }, { name: c }] } }
  role: { type: auth0:Role, properties: { name: state-${n}, description: ours } }
  permissions:
    type: auth0:RolePermissions
    properties: { roleId: "\${role.id}", permissions: [{ name: a, resourceServerIdentifier: "\${api.identifier}" }, { name: b, resourceServerIdentifier: "\${api.identifier}" }] }
    options: { dependsOn: ["\${scopes}"] }
  lost: { type: auth0:Role, properties: { name: lost-${n} } }
`;

async function lab() {
  const n = ++count, dir = project(program(n));
  proxy.reset();
  must(await runStack(env(), dir, ['up', '-y']));
  const file = path.join(dir, '.gatehouse/dev.json');
  const l = {
    n, dir, file, run: (...args) => runStack(env(), dir, args),
    ledger: () => Object.fromEntries(JSON.parse(fs.readFileSync(file, 'utf8')).resources.map((entry) => [entry.name, entry])),
    text: () => fs.readFileSync(file, 'utf8'),
    write: (text) => fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${text}`),
    finish: async () => { proxy.reset(); must(await l.run('destroy', '-y', '--ignore-protect')); },
  };
  return l;
}

// What somebody else does to the tenant: a field, a nested one, one beside ours, elements of a set, an object.
async function meddle(l) {
  const made = l.ledger();
  good(await api.patch(`roles/${made.role.id}`, { description: 'theirs' }));
  good(await api.patch(`organizations/${made.org.id}`, { display_name: 'theirs', metadata: { plan: 'enterprise', seats: '5' } }));
  good(await api.delete(`roles/${made.role.id}/permissions`, { permissions: [{ permission_name: 'b', resource_server_identifier: `urn:state-${l.n}` }] }));
  good(await api.post(`roles/${made.role.id}/permissions`, { permissions: [{ permission_name: 'c', resource_server_identifier: `urn:state-${l.n}` }] }));
  good(await api.delete(`roles/${made.lost.id}`));
}

test('refresh takes what is live into the ledger, and touches nothing else', async () => {
  const l = await lab();
  must(await l.run('refresh', '-y', '--expect-no-changes'));
  await meddle(l);
  const was = await dump(api), text = l.text();
  proxy.requests = [];
  const shown = must(await l.run('refresh', '--preview-only'));
  assert.match(shown.out, /^ {4}~ 3 to update\n {4}- 1 to delete$/m);
  assert.match(shown.out, /lost delete.*\(is gone from the tenant\)/);
  must(await l.run('refresh', '-y', '--expect-no-changes'), 7);
  assert.equal(l.text(), text);
  assert.match(must(await l.run('refresh', '-y')).out, /^ {4}~ 3 updated\n {4}- 1 deleted$/m);
  assert.deepEqual([...new Set(proxy.requests.map(({ method }) => method))].sort(), ['GET', 'POST']); // the token
  assert.equal(proxy.requests.filter(({ method, url }) => method === 'POST' && url !== '/oauth/token').length, 0);
  assertSame(await dump(api), was);
  const now = l.ledger();
  assert.equal(now.role.inputs.description, 'theirs');
  assert.deepEqual(now.org.inputs, { name: `state-${l.n}`, displayName: 'theirs', metadata: { plan: 'enterprise' } }); // neither seats, which is theirs, nor tier, which is gone
  assert.deepEqual(now.permissions.inputs.permissions.map((p) => p.name), ['a']);
  assert.equal(now.lost, undefined);
  assert.deepEqual(Object.keys(now), ['org', 'api', 'role', 'scopes', 'permissions'].sort((a, b) => Object.keys(now).indexOf(a) - Object.keys(now).indexOf(b)));
  must(await l.run('refresh', '-y', '--expect-no-changes'));
  // The program wins with the next up, and it is no drift any more.
  const repaired = must(await l.run('up', '-y'));
  assert.match(repaired.out, /role update \[diff: ~description\]$/m);
  assert.match(repaired.out, /\+ 1 created/);
  must(await l.run('preview', '--expect-no-changes'));
  await l.finish();
});

test('--refresh comes before the plan, and only up and destroy keep what it found', async () => {
  const l = await lab();
  await meddle(l);
  const text = l.text();
  assert.match(must(await l.run('preview', '--refresh')).out, /role update \[diff: ~description\]$/m);
  assert.match(must(await l.run('preview')).out, /role update \[diff: ~description\] \(drift\)$/m);
  assert.equal(l.text(), text);
  proxy.reset();
  const gone = must(await l.run('destroy', '-y', '--refresh'));
  assert.match(gone.out, /- 5 deleted/);
  assert.equal(proxy.requests.filter(({ method, url, status }) => method === 'DELETE' && status === 404 && /roles/.test(url)).length, 0);
  assert.deepEqual(l.ledger(), {});
});

test('refresh refuses what it cannot do', async () => {
  const l = await lab();
  const text = l.text();
  must(await l.run('refresh'), 2); // nobody can be asked
  must(await l.run('refresh', 'role', '-y'), 2);
  must(await l.run('refresh', '-y', '--nonsense'), 2);
  for (const option of [['--adopt'], ['--refresh'], ['--allow-data-loss', 'role'], ['--placeholder', '<A>=b'], ['--ignore-protect']])
    assert.match(must(await l.run('refresh', '-y', ...option), 2).err, /is not an option/);
  proxy.before = ({ url }) => (/\/roles\?/.test(url) ? { status: 403, headers: {}, body: '{}' } : undefined);
  assert.match(must(await l.run('refresh', '-y'), 1).err, /could not read Role role/); // an object that cannot be read is not gone
  must(await l.run('destroy', '-y', '--refresh'), 1);
  must(await runStack({ ...env(), AUTH0_CLIENT_SECRET: 'wrong' }, l.dir, ['refresh', '-y']), 3);
  assert.equal(l.text(), text);
  await l.finish();
});

test('state delete, protect, unprotect and rename change the ledger alone', async () => {
  const l = await lab();
  const was = await dump(api), urn = (type, name) => `urn:pulumi:dev::p::auth0:index/${type}::${name}`;
  const state = async (args, code = 0) => must(await runStack(env(), l.dir, ['state', ...args]), code);
  proxy.requests = [];
  const untouched = l.text();
  for (const [args, code, said] of [
    [['delete', 'role', '-y'], 1, /permissions depends on what is to be deleted/],
    [['delete', 'nobody', '-y'], 1, /no resource named 'nobody' found in stack 'dev'/],
    [['delete', 'lost', 'nobody', '-y'], 1, /nobody/],
    [['delete', urn('client:Client', 'lost'), '-y'], 1, /no resource named/],
    [['delete', urn('role:Role', 'lost').replace('::p::', '::q::'), '-y'], 1, /no resource named/],
    [['delete', 'lost'], 2, /--yes/],
    [['delete', '-y'], 2, /NAME is missing/],
    [['delete', 'lost', '-y', '-s', 'absent'], 6, /no stack named 'absent'/],
    [['protect', '-y'], 2, /NAME is missing/],
    [['unprotect', 'nobody', '-y'], 1, /nobody/],
    [['protect', 'lost', '-y', '--force'], 2, /--force/],
    [['rename', 'lost', '-y'], 2, /NEWNAME/],
    [['rename', 'lost', 'role', '-y'], 1, /there is a resource named 'role' already/],
    [['rename', 'nobody', 'x', '-y'], 1, /nobody/],
    [['rename', 'lost', 'a::b', '-y'], 2, /is no name/],
    [['rename', 'lost', '', '-y'], 2, /is no name/],
    [['forget', 'lost'], 2, /no command/],
    [[], 2, /delete/],
  ]) {
    assert.match((await state(args, code)).err, said);
    assert.equal(l.text(), untouched);
  }
  for (const args of [['protect', 'lost'], ['delete', 'lost'], ['rename', 'lost', 'found']]) { // what cannot be saved is not told as done
    const full = spawnSync('sh', ['-c', 'trap "" XFSZ; ulimit -f 1; exec "$0" state "$@"', gatehouse, ...args, '-y', '-C', l.dir], { encoding: 'utf8' });
    assert.deepEqual([full.status, full.stdout], [1, '']);
    assert.match(full.stderr, /dev\.json/);
    assert.equal(l.text(), untouched);
  }
  await state(['protect', 'lost', '-y']);
  assert.match((await state(['delete', 'lost', '-y'], 1)).err, /lost is protected; gatehouse state unprotect lost/);
  assert.match((must(await l.run('destroy', '-y'), 1)).err, /Role lost is protected/);
  await state(['unprotect', '--all', '-y']);
  assert.equal(l.ledger().lost.protect, undefined);
  await state(['protect', 'lost', '-y']);
  await state(['rename', urn('role:Role', 'role'), 'title', '-y']);
  assert.ok(l.ledger().permissions.dependsOn.includes('title') && !l.ledger().permissions.dependsOn.includes('role'));
  l.write(program(l.n).replace('  role:', '  title:').replaceAll('role.id', 'title.id'));
  must(await l.run('preview', '--expect-no-changes'));
  await state(['delete', 'lost', '--force', '-y']);
  await state(['delete', 'title', '--target-dependents', '-y']);
  assert.deepEqual(Object.keys(l.ledger()).sort(), ['api', 'org', 'scopes']);
  assert.equal(proxy.requests.filter(({ method }) => method !== 'GET' && method !== 'POST').length, 0);
  assertSame(await dump(api), was);
  assert.match(must(await l.run('up', '-y')).out, /= 2 adopted/); // the roles; the set of permissions is made anew
  await l.finish();
  await Promise.all((await api.get('roles?per_page=100')).body.map(({ id }) => api.delete(`roles/${id}`)));
});
