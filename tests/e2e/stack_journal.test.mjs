// tests/e2e/stack_journal.test.mjs - `gatehouse up` killed before and after lines of its journal: the next up converges, nothing is made twice and
// nothing is left behind, also with encrypted secrets and with several calls under way. GATEHOUSE_CAMPAIGN=1: every line of a stack of 200 resources.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { management, randomFrom, root, startGatehouse, temporary } from './harness.mjs';
import { assertSame, dump, must, password, project, runStack } from './stack_lab.mjs';

const campaign = !!process.env.GATEHOUSE_CAMPAIGN;
const seed = Number(process.env.GATEHOUSE_SEED ?? Math.floor(Math.random() * 2 ** 31)), random = randomFrom(seed);
const step = Number(process.env.GATEHOUSE_STEP ?? 1); // every line, or every so many
const many = campaign ? 17 : 2; // organizations; eleven resources each, and some for all
let g, api, shim, empty, expected;

const forAll = `resources:
  api: { type: auth0:ResourceServer, properties: { identifier: urn:journal, name: api, signingSecret: { fn::secret: a-long-signing-secret } } }
  scopes: { type: auth0:ResourceServerScopes, properties: { resourceServerIdentifier: "\${api.identifier}", scopes: [{ name: a }, { name: b }] } }
  db: { type: auth0:Connection, properties: { name: journal-db, strategy: auth0 } }
  app: { type: auth0:Client, properties: { name: journal } }
  enabled: { type: auth0:ConnectionClients, properties: { connectionId: "\${db.id}", enabledClients: ["\${app.id}"] } }
  user: { type: auth0:User, properties: { connectionName: "\${db.name}", email: journal@people.example, password: { fn::secret: ${password} } } }
`;
const forEach = (i) => `  org${i}: { type: auth0:Organization, properties: { name: journal-${i}, displayName: Journal, metadata: { i: "${i}" } } }
  orgdb${i}: { type: auth0:OrganizationConnection, properties: { organizationId: "\${org${i}.id}", connectionId: "\${db.id}" } }
  role${i}: { type: auth0:Role, properties: { name: journal-${i} } }
  permissions${i}: { type: auth0:RolePermissions, properties: { roleId: "\${role${i}.id}", permissions: [{ name: a, resourceServerIdentifier: "\${api.identifier}" }] }, options: { dependsOn: ["\${scopes}"] } }
  member${i}: { type: auth0:OrganizationMember, properties: { organizationId: "\${org${i}.id}", userId: "\${user.id}" } }
  roles${i}: { type: auth0:OrganizationMemberRoles, properties: { organizationId: "\${org${i}.id}", userId: "\${member${i}.userId}", roles: ["\${role${i}.id}"] } }
  twin${i}: { type: auth0:Client, properties: { name: journal twin } }
  worker${i}: { type: auth0:Client, properties: { name: journal-${i}, appType: non_interactive } }
  credentials${i}: { type: auth0:ClientCredentials, properties: { clientId: "\${worker${i}.id}", authenticationMethod: client_secret_post } }
  grant${i}: { type: auth0:ClientGrant, properties: { clientId: "\${worker${i}.id}", audience: "\${api.identifier}", scopes: [a], organizationUsage: allow }, options: { dependsOn: ["\${scopes}"] } }
  orggrant${i}: { type: auth0:OrganizationClientGrant, properties: { organizationId: "\${org${i}.id}", grantId: "\${grant${i}.id}" } }
`;
const program = forAll + Array.from({ length: many }, (_, i) => forEach(i)).join('');
const env = (more = {}) => ({ ...g.childEnv, ...more });

before(async () => {
  g = await startGatehouse();
  api = await management(g);
  shim = path.join(temporary('gatehouse-shim-'), 'journal_kill.so');
  execFileSync('cc', ['-shared', '-fPIC', '-D_GNU_SOURCE', '-o', shim, path.join(root, 'tests/e2e/journal_kill.c'), '-ldl']);
  empty = await dump(api);
  const dir = project(program);
  must(await runStack(env(), dir, ['up', '-y']));
  expected = await dump(api);
  must(await runStack(env(), dir, ['destroy', '-y']));
  assertSame(await dump(api), empty);
});
after(async () => { await g?.stop(); });

async function killAt(where, n) {
  const dir = project(program), label = `${where} line ${n}, seed ${seed}`;
  const killed = await runStack(env({ LD_PRELOAD: shim, [where]: `${n}` }), dir, ['up', '-y', '--skip-preview']);
  if (killed.code === 0) { // there are not so many lines
    must(await runStack(env(), dir, ['destroy', '-y']));
    return false;
  }
  assert.equal(killed.signal, 'SIGKILL', label + killed.err.slice(0, 500));
  const next = must(await runStack(env(), dir, ['up', '-y']));
  try {
    assertSame(await dump(api), expected);
    assert.doesNotMatch(next.out, /adopted/);
    must(await runStack(env(), dir, ['preview', '--expect-no-changes']));
    must(await runStack(env(), dir, ['destroy', '-y']));
    assertSame(await dump(api), empty);
  } catch (error) { error.message = `${label}: ${error.message}\n${next.out}`; throw error; }
  fs.rmSync(dir, { recursive: true, force: true });
  return true;
}

test('killed at lines of the journal: the next up converges', { timeout: 7200000 }, async () => {
  let runs = 0;
  for (const where of ['KILL_BEFORE_LINE', 'KILL_AFTER_LINE'])
    for (let n = campaign ? 1 : 1 + Math.floor(random() * 30); await killAt(where, n); n += step) {
      runs++;
      if (!campaign) break;
    }
  console.log(`seed ${seed}: a stack of ${6 + 11 * many} resources killed at ${runs} places of its journal; each next up converged, 0 duplicates, 0 left after destroy`);
  assert.ok(runs > 1);
});
