// tests/e2e/stack_foreign.test.mjs - somebody edits the tenant after the plan was read and before it is applied: their edit is never lost.
// GATEHOUSE_SEED=N repeats a run.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startFaultProxy } from './fault_proxy.mjs';
import { management, randomFrom, startGatehouse } from './harness.mjs';
import { must, project, runStack } from './stack_lab.mjs';

const seed = Number(process.env.GATEHOUSE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = randomFrom(seed);
let g, api, proxy;
const env = () => ({ ...g.childEnv, ...proxy.env });
before(async () => { g = await startGatehouse(); api = await management(g); proxy = await startFaultProxy(g); });
after(async () => { await proxy?.stop(); await g?.stop(); });

const program = (word, more = '') => `resources:
  api: { type: auth0:ResourceServer, properties: { identifier: urn:foreign, name: api } }
  scopes: { type: auth0:ResourceServerScopes, properties: { resourceServerIdentifier: "\${api.identifier}", scopes: [{ name: a }, { name: b }, { name: c }] } }
  role: { type: auth0:Role, properties: { name: foreign-role, description: ${word} } }
  permissions:
    type: auth0:RolePermissions
    properties: { roleId: "\${role.id}", permissions: [{ name: ${word === 'one' ? 'a' : 'b'}, resourceServerIdentifier: "\${api.identifier}" }] }
    options: { dependsOn: ["\${scopes}"] }
  org: { type: auth0:Organization, properties: { name: foreign-org, displayName: ${word}, metadata: { ours: ${word} } } }
${more}`;
const one = async (list, name) => (await api.get(`${list}?per_page=100`)).body.find((object) => object.name === name);
const good = (reply) => assert.ok(reply.status < 300, reply.text);

// Each: what somebody does, what the program changes at the same time, and the look that proves that it is still there.
const edits = {
  'a field that the update would overwrite': {
    async make() { good(await api.patch(`roles/${(await one('roles', 'foreign-role')).id}`, { description: 'theirs' })); },
    async kept() { assert.equal((await one('roles', 'foreign-role')).description, 'theirs'); }, refused: true,
  },
  'an element of a set that the update would remove': {
    async make() { good(await api.post(`roles/${(await one('roles', 'foreign-role')).id}/permissions`, { permissions: [{ resource_server_identifier: 'urn:foreign', permission_name: 'c' }] })); },
    async kept() { assert.ok((await api.get(`roles/${(await one('roles', 'foreign-role')).id}/permissions`)).body.some((p) => p.permission_name === 'c')); }, refused: true,
  },
  'a metadata key beside ours': {
    async make() { good(await api.patch(`organizations/${(await one('organizations', 'foreign-org')).id}`, { metadata: { ours: 'one', theirs: 'kept' } })); },
    async kept() { assert.equal((await one('organizations', 'foreign-org')).metadata.theirs, 'kept'); }, refused: false,
  },
  'a deletion of what would be updated': {
    async make() { good(await api.delete(`organizations/${(await one('organizations', 'foreign-org')).id}`)); },
    async kept() { assert.equal(await one('organizations', 'foreign-org'), undefined); }, refused: true,
  },
  'an object with the name of one to be made': {
    more: '  late: { type: auth0:Role, properties: { name: foreign-late, description: ours } }\n',
    async make() { good(await api.post('roles', { name: 'foreign-late', description: 'theirs' })); },
    async kept() { assert.equal((await one('roles', 'foreign-late')).description, 'theirs'); }, refused: true,
  },
};

async function editBetween(edit) {
  const dir = project(program('one'));
  must(await runStack(env(), dir, ['up', '-y']));
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${program('two', edit.more)}`);
  proxy.reset();
  must(await runStack(env(), dir, ['preview']));
  const planned = proxy.requests.length; // `up` reads the same before it applies
  proxy.reset();
  let edited;
  proxy.before = async ({ n }) => { if (n > planned) await (edited ??= edit.make()); }; // calls come several at a time
  const up = await runStack(env(), dir, ['up', '-y']);
  const made = proxy.requests.length > planned;
  proxy.reset();
  assert.ok(made, up.out + up.err);
  await edit.kept();
  must(up, edit.refused ? 4 : 0);
  if (edit.refused) assert.match(up.err, /was changed since the preview|is not as it was at the preview|409 Conflict/);
  return dir;
}

async function cleanUp(dir) {
  await runStack(env(), dir, ['up', '-y']);
  must(await runStack(env(), dir, ['destroy', '-y']));
  for (const name of ['foreign-late', 'foreign-role']) { const left = await one('roles', name); if (left) good(await api.delete(`roles/${left.id}`)); }
}

test('edits between the plan and its application are kept, and said', { timeout: 60000 }, async () => {
  console.log(`seed ${seed}`);
  const names = Object.keys(edits).map((name) => [random(), name]).sort(([a], [b]) => a - b).map(([, name]) => name);
  for (const name of names) {
    try { await cleanUp(await editBetween(edits[name])); } catch (error) { error.message = `${name}: ${error.message}`; throw error; }
  }
});
