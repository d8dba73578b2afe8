// tests/e2e/stack_export.test.mjs - a live tenant as a stack file: taken over as it is by the first up, and made again in another tenant.
// GATEHOUSE_CAMPAIGN=1: auth0-deploy-cli is asked whether the two are the same, too.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { refusal, startFaultProxy } from './fault_proxy.mjs';
import { gatehouse, management, root, startGatehouse, temporary } from './harness.mjs';
import { assertSame, dump, exampleProject, must, password, runStack, sorted } from './stack_lab.mjs';

let g, api, other, otherApi;
before(async () => {
  [g, other] = await Promise.all([startGatehouse(), startGatehouse()]);
  [api, otherApi] = await Promise.all([management(g), management(other)]);
});
after(() => Promise.all([g?.stop(), other?.stop()]));

const good = (reply) => { assert.ok(reply.status < 300, reply.text); return reply.body; };
// What people name things, and what Auth0 has that the example does not.
async function fill() {
  good(await api.patch('tenants/settings', { friendly_name: 'Tenant & Söhne', session_lifetime: 100, flags: { enable_client_connections: false, revoke_refresh_token_grant: true } }));
  const org = good(await api.post('organizations', { name: 'second', display_name: 'Zwei & "Söhne": {x}, ${not.ours} $$', metadata: { plan: 'yes', seats: '5', note: '#1' } }));
  good(await api.post('organizations', { name: 'ai-user' })); // as the role is called
  const [database] = good(await api.get('connections?name=my-awesome-company-users'));
  good(await api.post(`organizations/${org.id}/enabled_connections`, { connection_id: database.id, assign_membership_on_login: false, show_as_button: false }));
  good(await api.post('roles', { name: 'Reader – lesend', description: '- [x]\nsecond line' }));
  const client = good(await api.post('clients', {
    name: 'Ops: M2M', app_type: 'non_interactive', grant_types: ['client_credentials'], client_metadata: { team: 'ops', empty: '' }, jwt_configuration: { alg: 'RS256', lifetime_in_seconds: 600 },
    description: '', refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring', leeway: 5, token_lifetime: 3600, idle_token_lifetime: 600 },
  }));
  good(await api.post('client-grants', { client_id: client.client_id, audience: `${g.origin}/api/v2/`, scope: ['read:users', 'read:roles'] }));
  good(await api.post('clients', { name: 'Single page', app_type: 'spa', callbacks: ['http://localhost:1/cb'], grant_types: ['authorization_code'], token_endpoint_auth_method: 'none' }));
  good(await api.post('resource-servers', { name: 'Second API', identifier: 'urn:second', token_lifetime: 600, allow_offline_access: true, scopes: [{ value: 'read:x' }] }));
  good(await api.post('resource-servers', { name: 'Bare API', identifier: 'urn:bare' }));
  const bob = good(await api.post('users', { connection: 'my-awesome-company-users', email: 'bob@example.com', password, user_metadata: { colour: 'blue' }, app_metadata: { plan: 1 }, blocked: true }));
  good(await api.post(`organizations/${org.id}/members`, { members: [bob.user_id] }));
}

// The tenant as auth0-deploy-cli sees it, without what is of the one tenant only.
function deployed(from) {
  const dir = temporary('deploy-cli-');
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'tests/e2e/node_modules/auth0-deploy-cli/lib/index.js'), 'export', '--format', 'yaml', '--output_folder', dir], {
    env: { ...from.childEnv }, encoding: 'utf8', timeout: 240000 });
  assert.equal(status, 0, stdout + stderr);
  const { load } = createRequire(path.join(root, 'tests/e2e/node_modules/auth0-deploy-cli/lib/index.js'))('js-yaml');
  const tree = load(fs.readFileSync(path.join(dir, 'tenant.yaml'), 'utf8').replaceAll(from.domain, 'DOMAIN').replaceAll(from.env.AUTH0_CLIENT_ID, 'OWN'));
  for (const client of tree.clients) { delete client.client_id; if (client.description === '') delete client.description; }
  for (const api of tree.resourceServers) delete api.id;
  return sorted(tree);
}

// Without what is the tenant's own: its domain, and the client that asks.
async function portable(from, client) {
  const tree = { ...await dump(client), settings: [good(await client.get('tenants/settings'))] };
  tree.clients = tree.clients.filter((one) => !one.global && one.name !== 'Gatehouse Machine Client');
  tree['resource-servers'] = tree['resource-servers'].filter((one) => !one.is_system);
  tree['client-grants'] = tree['client-grants'].filter((one) => one.client_id !== '<clients Gatehouse Machine Client>');
  for (const one of tree.clients) if (one.description === '') delete one.description; // without one, a program would say "Managed by Pulumi"
  for (const one of tree.users) { one.identities = one.identities.map((identity) => identity.connection); delete one.user_id; delete one.blocked_for; }
  return sorted(JSON.parse(JSON.stringify(tree).replaceAll(from.domain, 'DOMAIN').replaceAll(from.env.AUTH0_CLIENT_ID, 'OWN').replace(/<grant <clients [^>]*> [^>]*>/g, 'GRANT')));
}

test('export writes a program that takes the tenant over as it is, and makes it again elsewhere', async () => {
  const example = exampleProject();
  must(await runStack(g.childEnv, example, ['up', '-y', '-c', `memberPassword=${password}`]));
  await fill();
  const dir = temporary('gatehouse-export-'), file = path.join(dir, 'Pulumi.yaml');
  const run = (env, at, ...args) => runStack(env, at, args);
  const result = spawnSync(gatehouse, ['export', '--users', '-o', file], { env: g.childEnv, encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  const text = fs.readFileSync(file, 'utf8');
  // Names for people, references for ids, nothing secret, nothing that goes without saying.
  for (const id of ['org_', 'con_', 'rol_', 'cgr_']) assert.ok(!new RegExp(`^(?! +import:).*${id}`, 'm').test(text), id);
  assert.ok(!/passwordOptions|refreshToken: null|Gatehouse Machine Client|All Applications/.test(text));
  for (const secret of [password, g.env.AUTH0_CLIENT_SECRET]) assert.ok(!text.includes(secret));
  assert.match(text, /initialPassword: \{ type: string, secret: true \}/);
  assert.match(text, /audience: "\$\{tenant\.managementApiIdentifier\}"/);
  assert.match(text, /^ {2}ai-user:$/m);
  assert.match(text, /^ {2}ai-user-role:$/m);
  assert.match(must(await run(g.childEnv, dir, 'check')).out, /0 errors, 0 warnings/);

  const was = await dump(api), count = /^(\d+) resources written/.exec(result.stdout)[1];
  const shown = must(await run(g.childEnv, dir, 'preview', '-c', `initialPassword=${password}`));
  assert.match(shown.out, new RegExp(`^Resources:\n    = ${count} to adopt\n`, 'm'));
  assert.ok(!/diff:/.test(shown.out), shown.out);
  must(await run(g.childEnv, dir, 'up', '-y'));
  must(await run(g.childEnv, dir, 'up', '-y', '--expect-no-changes'));
  assertSame(await dump(api), was);

  const second = temporary('gatehouse-export-');
  fs.writeFileSync(path.join(second, 'Pulumi.yaml'), text.replace(/^ +import: .*\n/gm, '').replace(/^ {4}options:\n(?! {6})/gm, ''));
  must(await run(other.childEnv, second, 'up', '-y', '-c', `initialPassword=${password}`));
  assertSame(await portable(other, otherApi), await portable(g, api));
  if (process.env.GATEHOUSE_CAMPAIGN) {
    const [theirs, ours] = [deployed(other), deployed(g)];
    assertSame(theirs, ours);
    console.log(`auth0-deploy-cli: ${JSON.stringify(ours, null, 1).split('\n').length} equal lines`);
  }
});

test('export leaves people out unless they are asked for, and refuses what it cannot do', async () => {
  const proxy = await startFaultProxy(g), dir = temporary('gatehouse-export-'), file = path.join(dir, 'x.yaml');
  const run = (args, env = g.childEnv) => new Promise((resolve) => {
    const child = spawn(gatehouse, ['export', ...args], { env });
    let stdout = '', stderr = '';
    child.stdout.on('data', (data) => (stdout += data));
    child.stderr.on('data', (data) => (stderr += data));
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
  try {
    const plain = await run([]);
    assert.equal(plain.status, 0);
    assert.ok(!/auth0:User|OrganizationMember|initialPassword/.test(plain.stdout));
    fs.writeFileSync(file, 'mine');
    const exists = await run(['-o', file]);
    assert.equal(exists.status, 1);
    assert.match(exists.stderr, /exists already; --force writes over it/);
    assert.equal(fs.readFileSync(file, 'utf8'), 'mine');
    assert.equal((await run(['-o', file, '--force'])).status, 0);
    assert.equal((await run(['-o', path.join(dir, 'absent/x.yaml')])).status, 1);
    assert.equal((await run(['everything'])).status, 2);
    assert.equal((await run([], { ...g.childEnv, AUTH0_DOMAIN: '' })).status, 2);
    assert.equal((await run([], { ...g.childEnv, AUTH0_CLIENT_SECRET: 'wrong' })).status, 3);
    proxy.before = ({ url }) => (/permissions/.test(url) ? refusal(403) : undefined); // half a tenant is none
    const half = await run(['-o', path.join(dir, 'half.yaml')], { ...g.childEnv, ...proxy.env });
    assert.equal(half.status, 1);
    assert.match(half.stderr, /could not read all of type RolePermissions: 403/);
    assert.ok(!fs.existsSync(path.join(dir, 'half.yaml')));
  } finally { await proxy.stop(); }
});

test('import takes objects into the stack, protected, and prints what the program has to say of them', async () => {
  const dir = temporary('gatehouse-import-'), file = path.join(dir, 'Pulumi.yaml'), ledger = path.join(dir, '.gatehouse/dev.json');
  const header = 'name: p\nruntime: yaml\n', run = (...args) => runStack(g.childEnv, dir, args);
  fs.writeFileSync(file, header);
  const one = async (list, name) => (await api.get(`${list}?per_page=100`)).body.find((object) => object.name === name || object.email === name);
  const [role, org, database, client, bob, apiObject] = await Promise.all([['roles', 'ai-user'], ['organizations', 'second'], ['connections', 'my-awesome-company-users'],
    ['clients', 'Ops: M2M'], ['users', 'bob@example.com'], ['resource-servers', 'AI API']].map((pair) => one(...pair)));
  const was = await dump(api);
  for (const [args, code, said] of [
    [['auth0:Rôle', 'r', role.id], 1, /no resource type 'auth0:Rôle'/],
    [['auth0:Role', 'r', 'rol_0000000000000000'], 1, /no Role with the id rol_0000000000000000/],
    [['auth0:Role', 'r', org.id], 1, /no Role with the id/],
    [['auth0:Role', 'a.b', role.id], 1, /is no name for a resource/],
    [['auth0:Role', '', role.id], 1, /is no name for a resource/],
    [['auth0:Role', 'r', ''], 1, /is no name for a resource, or the id is empty/],
    [['auth0:OrganizationConnection', 'c', org.id], 1, /is no id of a resource of type OrganizationConnection: it looks like \{organizationId\}::\{connectionId\}/],
    [['auth0:OrganizationConnection', 'c', `${org.id}::con_0000000000000000`], 1, /no OrganizationConnection with the id/],
    [['auth0:RolePermissions', 'p', 'rol_0000000000000000'], 1, /no RolePermissions with the id/],
    [['auth0:PromptCustomText', 'p', 'login::en'], 1, /cannot be applied yet|no PromptCustomText/],
    [['auth0:Role', 'r'], 2, /takes TYPE, NAME and ID/],
    [['auth0:Role', 'r', role.id, '--file', 'x'], 2, /takes TYPE, NAME and ID/],
    [['auth0:Role', 'r', role.id, '--protect', 'perhaps'], 2, /true or false/],
    [['--file', path.join(dir, 'absent.json')], 1, /no list of imports/],
  ]) assert.match(must(await run('import', '-y', ...args), code).err, said);
  assert.match(must(await run('import', 'auth0:Role', 'r', role.id), 2).err, /--yes/);
  must(await run('import', 'auth0:Role', 'r', role.id, '--preview-only'));
  assert.deepEqual(fs.existsSync(ledger) ? JSON.parse(fs.readFileSync(ledger, 'utf8')).resources : [], []);

  const printed = must(await run('import', '-y', 'auth0:index/role:Role', 'reader', role.id)).out;
  assert.match(printed, /^resources:\n {2}reader:\n {4}type: auth0:Role\n {4}properties:\n {6}name: ai-user\n/);
  assert.match(printed, / {4}options:\n {6}protect: true\n$/);
  for (const [args, said] of [[['auth0:Role', 'again', role.id], /is in this stack already: reader/], [['auth0:Client', 'reader', client.client_id], /a resource named 'reader' already/]])
    assert.match(must(await run('import', '-y', ...args), 1).err, said);
  const list = path.join(dir, 'import.json'), out = path.join(dir, 'out.yaml');
  fs.writeFileSync(list, JSON.stringify({ resources: [
    { type: 'auth0:Organization', name: 'org', id: org.id }, { type: 'auth0:Connection', name: 'people', id: database.id }, { type: 'auth0:ResourceServer', name: 'api', id: apiObject.id },
    { type: 'auth0:OrganizationConnection', name: 'link', id: `${org.id}::${database.id}` }, { type: 'auth0:Client', name: 'ops', id: client.client_id },
    { type: 'auth0:ClientCredentials', name: 'ops-credentials', id: client.client_id }, { type: 'auth0:ResourceServerScopes', name: 'scopes', id: 'https://ai.example.com/v1' },
    { type: 'auth0:RolePermissions', name: 'permissions', id: role.id }, { type: 'auth0:User', name: 'bob', id: bob.user_id }, { type: 'auth0:OrganizationMember', name: 'member', id: `${org.id}::${bob.user_id}` },
  ] }));
  must(await run('import', '-y', '--file', list, '--out', out));
  const text = fs.readFileSync(out, 'utf8');
  assert.match(text, /organizationId: "\$\{org\.id\}"\n {6}connectionId: "\$\{people\.id\}"/);
  assert.match(text, /resourceServerIdentifier: "\$\{api\.identifier\}"/);
  assert.match(text, /roleId: "\$\{reader\.id\}"/);
  fs.writeFileSync(file, header + text + printed.replace('resources:\n', ''));
  assert.match(must(await run('check')).out, /0 errors/);
  must(await run('up', '-y', '-c', `initialPassword=${password}`, '--expect-no-changes'));
  assert.match(must(await run('destroy', '-y'), 1).err, /protected/);
  // Imported is not made: people who were there before the stack are not its own.
  const lost = must(await run('destroy', '-y', '--ignore-protect'), 1).err;
  assert.match(lost, /User bob holds 1 person and/);
  assert.match(lost, /Organization org holds 1 member that/);
  assert.match(lost, /Connection people holds 2 users that/);
  assert.equal(JSON.parse(must(await run('stack', 'export')).out).deployment.resources.find(({ urn }) => urn.endsWith('::org')).importID, org.id);
  assertSame(await dump(api), was);
});
