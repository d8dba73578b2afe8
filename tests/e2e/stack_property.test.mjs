// tests/e2e/stack_property.test.mjs - random programs over random live states: the preview says what `up` then does, the tenant holds what the
// program declares, a second `up` does nothing, and after `destroy` all is as it was found.
// GATEHOUSE_SEED=N repeats a run; GATEHOUSE_CAMPAIGN=1 makes it 1,000 stacks, GATEHOUSE_STACKS=N any number.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { management, randomFrom, startGatehouse } from './harness.mjs';
import { project, runStack } from './stack_lab.mjs';

const seed = Number(process.env.GATEHOUSE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const stacks = Number(process.env.GATEHOUSE_STACKS ?? (process.env.GATEHOUSE_CAMPAIGN ? 1000 : 3));
let g, api;
before(async () => { g = await startGatehouse(); api = await management(g); });
after(async () => { await g?.stop(); });
const env = () => ({ ...g.childEnv, PULUMI_CONFIG_PASSPHRASE: undefined });
const good = (reply) => { assert.ok(reply.status < 300, reply.text); return reply.body; };
const fail = (result) => `${result.out.slice(-300)}\n${result.err.slice(-1500)}`;

// ---- random programs ----

// { name: { type, properties, options? } }; names, and so the objects' own names, come again in other programs of the same prefix.
function randomProgram(random, prefix) {
  const chance = (p) => random() < p, pick = (list) => list[Math.floor(random() * list.length)];
  const some = (list, least = 0) => { const kept = list.filter(() => chance(0.6)); return kept.length >= least ? kept : list.slice(0, least); };
  const maybe = (p, properties) => (chance(p) ? properties() : {});
  const resources = {}, put = (name, type, properties, options) => { resources[name] = { type: `auth0:${type}`, properties, ...(options ? { options } : {}) }; };
  const text = () => pick(['one', 'two', 'Größe "3"', 'four: {4}']);
  const scopes = ['a', 'b:c', 'd', 'e'];
  if (chance(0.8)) {
    put('api', 'ResourceServer', { identifier: `urn:${prefix}`, name: text(), ...maybe(0.5, () => ({ tokenLifetime: pick([600, 7200]) })),
      ...maybe(0.5, () => ({ allowOfflineAccess: chance(0.5) })), ...maybe(0.5, () => ({ enforcePolicies: chance(0.5), tokenDialect: 'access_token_authz' })) });
    put('scopes', 'ResourceServerScopes', { resourceServerIdentifier: '${api.identifier}', scopes: scopes.map((name) => ({ name, ...maybe(0.3, () => ({ description: text() })) })) });
  }
  for (const i of [0, 1]) {
    if (chance(0.8)) put(`role${i}`, 'Role', { name: `${prefix}-role${i}${i ? pick(['', '', '-renamed']) : ''}`, ...maybe(0.6, () => ({ description: text() })) });
    if (resources[`role${i}`] && resources.api && chance(0.7))
      put(`permissions${i}`, 'RolePermissions', { roleId: `\${role${i}.id}`, permissions: some(scopes, 1).map((name) => ({ name, resourceServerIdentifier: '${api.identifier}' })) }, { dependsOn: ['${scopes}'] });
    if (chance(0.7)) put(`org${i}`, 'Organization', { name: `${prefix}-org${i}`, displayName: text(), ...maybe(0.5, () => ({ metadata: Object.fromEntries(some(['x', 'y', 'z']).map((key) => [key, text()])) })),
      ...maybe(0.3, () => ({ branding: { colors: { primary: pick(['#000000', '#ff00aa']), page_background: '#ffffff' } } })) });
    if (chance(0.7)) put(`app${i}`, 'Client', { name: `${prefix} app${i}`, ...maybe(0.5, () => ({ description: text() })), ...maybe(0.5, () => ({ callbacks: some(['https://a.example/cb', 'https://b.example/cb']) })),
      ...maybe(0.4, () => ({ clientMetadata: Object.fromEntries(some(['k', 'l']).map((key) => [key, text()])) })), ...maybe(0.4, () => ({ oidcConformant: chance(0.5) })) });
  }
  const apps = [0, 1].filter((i) => resources[`app${i}`]);
  if (chance(0.7)) {
    put('db', 'Connection', { name: `${prefix}-db`, strategy: 'auth0', ...maybe(0.6, () => ({ options: { passwordPolicy: pick(['low', 'good']), ...maybe(0.5, () => ({ bruteForceProtection: chance(0.5) })), ...maybe(0.3, () => ({ disableSignup: true })) } })) });
    put('enabled', 'ConnectionClients', { connectionId: '${db.id}', enabledClients: some(apps.map((i) => `\${app${i}.id}`)) });
    for (const i of [0, 1]) if (resources[`org${i}`] && chance(0.6)) put(`org${i}db`, 'OrganizationConnection', { organizationId: `\${org${i}.id}`, connectionId: '${db.id}', ...maybe(0.6, () => ({ assignMembershipOnLogin: chance(0.5) })), ...maybe(0.4, () => ({ showAsButton: chance(0.5) })) });
    if (resources.enabled.properties.enabledClients.length && chance(0.25)) {
      put('user', 'User', { connectionName: '${db.name}', email: `${prefix}@people.example`, password: 'Canary-Horse-Battery-2026', ...maybe(0.6, () => ({ nickname: text() })), ...maybe(0.4, () => ({ userMetadata: { 'fn::toJSON': { t: text() } } })) }, { ignoreChanges: ['password'] });
      if (resources.org0) {
        put('member', 'OrganizationMember', { organizationId: '${org0.id}', userId: '${user.id}' });
        put('memberRoles', 'OrganizationMemberRoles', { organizationId: '${org0.id}', userId: '${member.userId}', roles: some([0, 1].filter((i) => resources[`role${i}`]).map((i) => `\${role${i}.id}`)) });
        if (!resources.memberRoles.properties.roles.length) delete resources.memberRoles;
      }
    }
  }
  for (const i of apps) if (resources.api && chance(0.5)) {
    put(`grant${i}`, 'ClientGrant', { clientId: `\${app${i}.id}`, audience: '${api.identifier}', scopes: some(scopes) , organizationUsage: 'allow' }, { dependsOn: ['${scopes}'] });
    if (resources.org0 && chance(0.5)) put(`orgGrant${i}`, 'OrganizationClientGrant', { organizationId: '${org0.id}', grantId: `\${grant${i}.id}` });
  }
  const names = Object.keys(resources).map((name) => [random(), name]).sort(([a], [b]) => a - b); // the file's order means nothing
  return Object.fromEntries(names.map(([, name]) => [name, resources[name]]));
}

const write = (dir, resources) => fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), JSON.stringify({ name: 'p', runtime: 'yaml', resources }));

// ---- what the tenant holds of a prefix ----

const collections = { organizations: 'id', connections: 'id', roles: 'id', clients: 'client_id', 'resource-servers': 'id', users: 'user_id' };
const children = { organizations: ['enabled_connections', 'members', 'client-grants'], connections: ['clients'], roles: ['permissions'] };
const rows = (body) => (Array.isArray(body) ? body : Object.values(body).find(Array.isArray) ?? []);
const volatile = new Set(['updated_at', 'signing_keys', 'client_secret', 'last_password_reset']);
async function holdings(prefix) {
  const all = {};
  for (const [kind, id] of Object.entries(collections)) {
    const where = kind === 'users' ? `users?search_engine=v3&q=${encodeURIComponent(`email:"${prefix}@people.example"`)}` : `${kind}?per_page=100`;
    all[kind] = rows(good(await api.get(where))).filter((object) => `${object.name} ${object.identifier} ${object.email}`.includes(prefix));
    for (const object of all[kind]) for (const part of children[kind] ?? []) {
      object[part] = rows(good(await api.get(`${kind}/${object[id]}/${part}`)));
      if (part === 'members') for (const member of object[part]) member.roles = rows(good(await api.get(`organizations/${object.id}/members/${encodeURIComponent(member.user_id)}/roles`)));
    }
  }
  all.grants = rows(good(await api.get(`client-grants?audience=urn:${prefix}`)));
  return all;
}
// Absent, null, false and empty are the same, and so is what the API takes an absent field for: it may say so once it was set.
const empty = (value) => value === null || value === false || value === '' || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0);
const plain = (value, key) => {
  if (volatile.has(key) || (key === 'token_dialect' && value === 'access_token')) return undefined;
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (!value || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member, name)]).filter(([, member]) => !empty(member)));
};

// ---- the program's word, checked without the engine ----

const snake = (name) => (name === 'passwordPolicy' ? name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
const verbatim = new Set(['metadata', 'colors', 'clientMetadata']);
const toApi = (value, key) => (Array.isArray(value) ? value.map((item) => toApi(item)) : value && typeof value === 'object'
  ? Object.fromEntries(Object.entries(value).map(([name, member]) => [verbatim.has(key) ? name : snake(name), toApi(member, name)])) : value);
function satisfies(wanted, is, where) {
  if (Array.isArray(wanted)) return assert.deepEqual([...(is ?? [])].sort(), [...wanted].sort(), where);
  if (wanted && typeof wanted === 'object') { for (const [key, value] of Object.entries(wanted)) satisfies(value, is?.[key], `${where}.${key}`); return undefined; }
  return assert.deepEqual(is ?? (wanted === false ? false : is), wanted, where);
}

async function checkDeclared(resources, prefix) {
  const held = await holdings(prefix), of = (kind, test) => held[kind].find(test);
  const has = (name) => resources[name]?.properties, counts = {};
  const object = (name, kind, test, leave = []) => {
    const properties = has(name);
    if (!properties) return undefined;
    const is = of(kind, test);
    assert.ok(is, `${name} is not there`);
    const wanted = toApi(Object.fromEntries(Object.entries(properties).filter(([key]) => !leave.includes(key))));
    satisfies(wanted, is, name);
    counts[kind] = (counts[kind] ?? 0) + 1;
    return is;
  };
  const server = object('api', 'resource-servers', () => true);
  if (server) assert.deepEqual(server.scopes.map(({ value, description }) => [value, description || undefined]).sort(), has('scopes').scopes.map(({ name, description }) => [name, description]).sort());
  const role = {}, org = {}, app = {};
  for (const i of [0, 1]) {
    role[i] = object(`role${i}`, 'roles', ({ name }) => name === has(`role${i}`).name);
    org[i] = object(`org${i}`, 'organizations', ({ name }) => name === has(`org${i}`).name);
    app[i] = object(`app${i}`, 'clients', ({ name }) => name === has(`app${i}`).name);
    if (has(`permissions${i}`)) assert.deepEqual(role[i].permissions.map((p) => p.permission_name).sort(), has(`permissions${i}`).permissions.map((p) => p.name).sort());
  }
  const id = (reference) => { const [, kind, i] = /\$\{(app|role)(\d)\.id\}/.exec(reference); return kind === 'app' ? app[i].client_id : role[i].id; };
  const db = object('db', 'connections', () => true);
  if (db) assert.deepEqual(db.clients.map((c) => c.client_id).sort(), has('enabled').enabledClients.map(id).sort());
  for (const i of [0, 1]) if (has(`org${i}db`)) satisfies(toApi({ ...has(`org${i}db`), organizationId: undefined, connectionId: db.id }), { ...org[i].enabled_connections.find((c) => c.connection_id === db.id), organization_id: undefined }, `org${i}db`);
  const user = object('user', 'users', () => true, ['connectionName', 'password', 'userMetadata']);
  if (has('member')) assert.deepEqual(org[0].members.map((m) => m.user_id), [user.user_id]);
  if (has('memberRoles')) assert.deepEqual(org[0].members[0].roles.map((r) => r.id).sort(), has('memberRoles').roles.map(id).sort());
  for (const i of [0, 1]) {
    const grant = app[i] && held.grants.find((one) => one.client_id === app[i].client_id);
    assert.equal(!!grant, !!has(`grant${i}`), `grant${i}`);
    if (grant) satisfies({ scope: has(`grant${i}`).scopes, organization_usage: 'allow' }, grant, `grant${i}`);
    if (has(`orgGrant${i}`)) assert.ok(org[0]['client-grants'].some((one) => one.id === grant.id), `orgGrant${i}`);
  }
  return { held, counts };
}

// ---- preview and up ----

const eventsOf = (text) => text.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
const unknown = /04da6b54-80e4-46f7-96ec-b56ff0331ba9|\[unknown\]|"kind":"unknown"/;
const steps = (events, kind) => {
  const map = {};
  for (const event of events) if (event[kind] && event[kind].metadata.type !== 'pulumi:pulumi:Stack') (map[event[kind].metadata.urn] ??= []).push(event[kind].metadata);
  return map;
};
const shape = (changes) => changes.map(({ path: where, kind, element }) => JSON.stringify([where, kind, element])).sort();

async function upAsPreviewed(dir, tally) {
  const preview = await runStack(env(), dir, ['preview', '--json']);
  assert.equal(preview.code, 0, fail(preview));
  const up = await runStack(env(), dir, ['up', '-y', '--json', '--skip-preview']);
  assert.equal(up.code, 0, fail(up));
  const planned = steps(eventsOf(preview.out), 'resourcePreEvent'), done = steps(eventsOf(up.out), 'resOutputsEvent');
  assert.deepEqual(Object.keys(done).sort(), Object.keys(planned).sort());
  for (const [urn, before] of Object.entries(planned)) {
    const ops = before.map(({ op }) => op), really = done[urn].map(({ op }) => op).filter((op) => op !== 'delete-replaced'); // the end of a replacement
    const open = unknown.test(JSON.stringify(before.map(({ gatehouse }) => gatehouse.changes))) || unknown.test(JSON.stringify(before.map((one) => one.new)));
    if (open && ops[0] === 'update' && really[0] === 'same') continue; // what was not known turned out to be there
    assert.deepEqual(really, ops, urn);
    assert.deepEqual(Object.keys(done[urn][0].new?.inputs ?? {}).sort(), Object.keys(before[0].new?.inputs ?? {}).sort(), urn);
    if (!open && ops[0] !== 'create') assert.deepEqual(shape(done[urn][0].gatehouse.changes), shape(before[0].gatehouse.changes), urn);
    tally.steps += ops.length;
    for (const op of ops) tally.ops[op] = (tally.ops[op] ?? 0) + 1;
  }
}

// What was there before: some of it under names that the program wants, too.
async function randomLife(random, prefix) {
  if (random() < 0.4) good(await api.post('roles', { name: `${prefix}-role0`, description: 'theirs' }));
  if (random() < 0.4) good(await api.post('organizations', { name: `${prefix}-org0`, display_name: 'theirs', metadata: { theirs: 'kept', x: 'theirs' } }));
  if (random() < 0.3) good(await api.post('connections', { name: `${prefix}-db`, strategy: 'auth0', options: { passwordPolicy: 'fair' } }));
  if (random() < 0.3) good(await api.post('resource-servers', { identifier: `urn:${prefix}`, name: 'theirs', token_lifetime: 1234 }));
  if (random() < 0.3) good(await api.post('clients', { name: `${prefix} app0`, description: 'theirs', client_metadata: { theirs: 'kept' } }));
}

// Somebody at the console.
async function randomDrift(random, prefix) {
  const held = await holdings(prefix);
  for (const role of held.roles) if (random() < 0.3) good(await api.patch(`roles/${role.id}`, { description: 'drifted' }));
  for (const org of held.organizations) if (random() < 0.3) good(await api.patch(`organizations/${org.id}`, { display_name: 'drifted', metadata: { ...org.metadata, y: 'drifted' } }));
  for (const client of held.clients) if (random() < 0.3) good(await api.patch(`clients/${client.client_id}`, { description: 'drifted', callbacks: ['https://drift.example/'] }));
  for (const grant of held.grants) if (random() < 0.2) good(await api.delete(`client-grants/${grant.id}`));
  for (const org of held.organizations) for (const link of org.enabled_connections) if (random() < 0.2) good(await api.delete(`organizations/${org.id}/enabled_connections/${link.connection_id}`));
}

async function live(world, tally) {
  const random = randomFrom(seed + world * 7919), prefix = `w${seed.toString(36)}x${world}`;
  await randomLife(random, prefix);
  const found = await holdings(prefix), drifts = world % 2 === 1, dir = project('resources: {}\n');
  let step = '';
  try {
    for (const round of ['first', 'changed', drifts ? 'drifted' : 'third']) {
      const resources = randomProgram(random, prefix);
      if (round === 'drifted') await randomDrift(random, prefix);
      write(dir, resources);
      step = `${round} up`;
      await upAsPreviewed(dir, tally);
      step = `${round} state`;
      const { held } = await checkDeclared(resources, prefix);
      step = `${round} up again`;
      const again = await runStack(env(), dir, ['up', '-y', '--expect-no-changes']);
      assert.equal(again.code, 0, fail(again));
      assert.deepEqual(plain(await holdings(prefix)), plain(held));
    }
    step = 'destroy';
    const gone = await runStack(env(), dir, ['destroy', '-y']);
    assert.equal(gone.code, 0, fail(gone));
    // What somebody did to adopted objects since stays; the objects are the same.
    const left = await holdings(prefix), ids = (tree) => Object.entries(tree).map(([kind, list]) => [kind, list.map((object) => object.id ?? object.client_id)]);
    if (drifts) assert.deepEqual(ids(left), ids(found));
    else assert.deepEqual(plain(left), plain(found));
  } catch (error) {
    error.message = `seed ${seed}, stack ${world}, ${step}: ${error.message}\n${fs.readFileSync(path.join(dir, 'Pulumi.yaml'), 'utf8')}`;
    throw error;
  }
  fs.rmSync(dir, { recursive: true, force: true });
  for (const { id } of found.roles) await api.delete(`roles/${id}`);
  for (const { id } of found.organizations) await api.delete(`organizations/${id}`);
  for (const { id } of found.connections) await api.delete(`connections/${id}`);
  for (const { id } of found['resource-servers']) await api.delete(`resource-servers/${id}`);
  for (const { client_id: id } of found.clients) await api.delete(`clients/${id}`);
}

test(`${stacks} random stacks: previewed as done, declared as held, nothing twice, nothing left`, { timeout: 7200000 }, async () => {
  const tally = { steps: 0, ops: {} };
  let next = 0;
  await Promise.all([1, 2].map(async () => { while (next < stacks) { await live(next++, tally); if (next % 100 === 0) console.log(`seed ${seed}: ${next} stacks`); } }));
  assert.ok(tally.steps > stacks, `seed ${seed}: only ${tally.steps} steps were compared`);
  console.log(`seed ${seed}: ${stacks} stacks, ${3 * stacks} previews equal to the up after them, ${tally.steps} steps: ${Object.entries(tally.ops).map(([op, n]) => `${op} ${n}`).join(', ')}`);
});
