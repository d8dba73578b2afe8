// tests/e2e/stack_types.test.mjs - every resource type that can be applied: up, up again (nothing), changed, destroy (as it was).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gatehouse, management, root, startGatehouse } from './harness.mjs';
import { assertSame, dump, eventsOf, must, password, project, runStack, stepsOf } from './stack_lab.mjs';

let g, api;
before(async () => { g = await startGatehouse(); api = await management(g); });
after(() => g?.stop());
const run = (dir, args) => runStack({ ...g.childEnv, PULUMI_CONFIG_PASSPHRASE: '' }, dir, args);

// What others need: name → one line of YAML. A row below names those that it needs.
const parts = {
  org: 'org: { type: auth0:Organization, properties: { name: types-org, displayName: Types } }',
  con: 'con: { type: auth0:Connection, properties: { strategy: auth0, name: types-con } }',
  con2: 'con2: { type: auth0:Connection, properties: { strategy: auth0, name: types-con-2 } }',
  app: 'app: { type: auth0:Client, properties: { name: types-app, appType: non_interactive, organizationUsage: allow } }',
  app2: 'app2: { type: auth0:Client, properties: { name: types-app-2, appType: spa } }',
  on: 'on: { type: auth0:ConnectionClients, properties: { connectionId: "${con.id}", enabledClients: ["${app.id}"] } }',
  user: `user: { type: auth0:User, properties: { connectionName: "\${con.name}", email: types@example.com, password: ${password} }, options: { dependsOn: ["\${on}"] } }`,
  role: 'role: { type: auth0:Role, properties: { name: types-role, description: one } }',
  role2: 'role2: { type: auth0:Role, properties: { name: types-role-2, description: two } }',
  api: 'api: { type: auth0:ResourceServer, properties: { identifier: "https://types.example", name: types } }',
  scopes: 'scopes: { type: auth0:ResourceServerScopes, properties: { resourceServerIdentifier: "${api.identifier}", scopes: [{ name: a }, { name: b }] } }',
  byRole: `byRole: { type: auth0:RolePermissions, properties: { roleId: "\${role.id}", permissions: [{ name: b, resourceServerIdentifier: "\${api.identifier}" }] }, options: { dependsOn: ["\${scopes}"] } }`,
  hasRole: 'hasRole: { type: auth0:UserRoles, properties: { userId: "${user.id}", roles: ["${role.id}"] } }',
  member: 'member: { type: auth0:OrganizationMember, properties: { organizationId: "${org.id}", userId: "${user.id}" } }',
  grant: 'grant: { type: auth0:ClientGrant, properties: { clientId: "${app.id}", audience: "${api.identifier}", scopes: [a], organizationUsage: allow }, options: { dependsOn: ["${scopes}"] } }',
};
const permission = (name) => `{ name: ${name}, resourceServerIdentifier: "\${api.identifier}" }`;
const people = ['con', 'app', 'on', 'user'];
// type → what it needs, its properties, others that an update makes of them, and what the program sees of it.
const rows = {
  Client: [[], 'name: types-x', 'name: types-x, description: other'],
  ClientCredentials: [['app'], 'clientId: "${app.id}", authenticationMethod: client_secret_post', 'clientId: "${app.id}", authenticationMethod: client_secret_basic'],
  ClientGrant: [['app', 'api', 'scopes'], 'clientId: "${app.id}", audience: "${api.identifier}", scopes: [a]', 'clientId: "${app.id}", audience: "${api.identifier}", scopes: [a, b]', {}, 'scopes'],
  Connection: [[], 'strategy: auth0, name: types-x', 'strategy: auth0, name: types-x, options: { passwordPolicy: good }'],
  ConnectionClient: [['con', 'app', 'app2'], 'connectionId: "${con.id}", clientId: "${app.id}"', 'connectionId: "${con.id}", clientId: "${app2.id}"', { name: 'types-con', strategy: 'auth0' }],
  ConnectionClients: [['con', 'app', 'app2'], 'connectionId: "${con.id}", enabledClients: ["${app.id}"]', 'connectionId: "${con.id}", enabledClients: ["${app2.id}"]', { name: 'types-con', strategy: 'auth0' }],
  Organization: [[], 'name: types-x', 'name: types-x, metadata: { a: b }'],
  OrganizationClientGrant: [['org', 'app', 'api', 'scopes', 'grant'], 'organizationId: "${org.id}", grantId: "${grant.id}"'],
  OrganizationConnection: [['org', 'con'], 'organizationId: "${org.id}", connectionId: "${con.id}"', 'organizationId: "${org.id}", connectionId: "${con.id}", assignMembershipOnLogin: true'],
  OrganizationConnections: [['org', 'con', 'con2'], 'organizationId: "${org.id}", enabledConnections: [{ connectionId: "${con.id}", assignMembershipOnLogin: true }]',
    'organizationId: "${org.id}", enabledConnections: [{ connectionId: "${con.id}", assignMembershipOnLogin: false }, { connectionId: "${con2.id}" }]'],
  OrganizationMember: [['org', ...people], 'organizationId: "${org.id}", userId: "${user.id}"'],
  OrganizationMemberRole: [['org', ...people, 'member', 'role', 'role2'], 'organizationId: "${org.id}", userId: "${member.userId}", roleId: "${role.id}"',
    'organizationId: "${org.id}", userId: "${member.userId}", roleId: "${role2.id}"', { roleName: 'types-role', roleDescription: 'one' }],
  OrganizationMemberRoles: [['org', ...people, 'member', 'role', 'role2'], 'organizationId: "${org.id}", userId: "${member.userId}", roles: ["${role.id}"]',
    'organizationId: "${org.id}", userId: "${member.userId}", roles: ["${role2.id}"]'],
  OrganizationMembers: [['org', ...people], 'organizationId: "${org.id}", members: ["${user.id}"]', 'organizationId: "${org.id}", members: []'],
  ResourceServer: [[], 'identifier: "https://types-x.example"', 'identifier: "https://types-x.example", name: other'],
  ResourceServerScope: [['api'], 'resourceServerIdentifier: "${api.identifier}", scope: one, description: before', 'resourceServerIdentifier: "${api.identifier}", scope: one, description: after'],
  ResourceServerScopes: [['api'], 'resourceServerIdentifier: "${api.identifier}", scopes: [{ name: one }]', 'resourceServerIdentifier: "${api.identifier}", scopes: [{ name: two, description: d }]'],
  Role: [[], 'name: types-x', 'name: types-x, description: other'],
  RolePermission: [['role', 'api', 'scopes'], 'roleId: "${role.id}", permission: a, resourceServerIdentifier: "${api.identifier}"',
    'roleId: "${role.id}", permission: b, resourceServerIdentifier: "${api.identifier}"', { resourceServerName: 'types' }],
  RolePermissions: [['role', 'api', 'scopes'], `roleId: "\${role.id}", permissions: [${permission('a')}]`, `roleId: "\${role.id}", permissions: [${permission('b')}]`],
  Tenant: [[], 'friendlyName: Types, sessionLifetime: 100, flags: { enableClientConnections: true }', 'friendlyName: Other'],
  User: [['con', 'app', 'on'], `connectionName: "\${con.name}", email: x@example.com, password: ${password}`, `connectionName: "\${con.name}", email: x@example.com, password: ${password}, emailVerified: true`],
  UserPermission: [[...people, 'api', 'scopes'], 'userId: "${user.id}", permission: a, resourceServerIdentifier: "${api.identifier}"',
    'userId: "${user.id}", permission: b, resourceServerIdentifier: "${api.identifier}"', { resourceServerName: 'types' }],
  UserPermissions: [[...people, 'api', 'scopes', 'role', 'byRole', 'hasRole'], `userId: "\${user.id}", permissions: [${permission('a')}]`, `userId: "\${user.id}", permissions: [${permission('b')}]`],
  UserRole: [[...people, 'role', 'role2'], 'userId: "${user.id}", roleId: "${role.id}"', 'userId: "${user.id}", roleId: "${role2.id}"', { roleName: 'types-role', roleDescription: 'one' }],
  UserRoles: [[...people, 'role', 'role2'], 'userId: "${user.id}", roles: ["${role.id}"]', 'userId: "${user.id}", roles: ["${role2.id}"]'],
};

const known = spawnSync(gatehouse, ['check', '--types'], { encoding: 'utf8' }).stdout.trim().split('\n').map((line) => /^auth0:(\w+) +(applied|not applied: needs (.+))$/.exec(line).slice(1));
const applied = known.filter(([, how]) => how === 'applied').map(([name]) => name);

test('the table, the documentation and the engine know the same types', () => {
  assert.deepEqual(Object.keys(rows).sort(), applied.filter((name) => !name.startsWith('get')).sort());
  const documented = fs.readFileSync(path.join(root, 'docs/stack-types.md'), 'utf8');
  for (const [name, how, needs] of known) assert.match(documented, how === 'applied' ? new RegExp(`^\\| ${name} \\|`, 'm') : new RegExp(`^\\| ${name} \\| ${needs.replace(/[{}().]/g, '\\$&')} \\|$`, 'm'));
  assert.equal(documented.match(/^\| (get)?[A-Z]\w+ \|/gm).length, known.length);
  const contract = JSON.parse(fs.readFileSync(path.join(root, 'tenant/contract/management.json'), 'utf8'));
  const operations = (list) => list.map((o) => `${o.method} ${o.path}`);
  for (const [name, , needs] of known) if (/^[A-Z]+ \//.test(needs)) assert.ok(operations(contract.known).includes(needs) && !operations(contract.served).includes(needs), `${name}: ${needs}`);
});

// A row with its parts under names of its own, so that all rows can stand in one program.
const own = (type, text) => text.replace(/\$\{(\w+)/g, `\${${type}_$1`).replaceAll('https://types', `https://${type.toLowerCase()}-types`)
  .replaceAll('types-', `types-${type.toLowerCase()}-`).replaceAll('types@', `types-${type.toLowerCase()}@`);
function programOf(types, changed) {
  const lines = [], outputs = [];
  for (const type of types) {
    const [needs, properties, other, seen = {}] = rows[type];
    for (const name of needs) lines.push(own(type, parts[name]).replace(/^/, `  ${type}_`));
    lines.push(`  ${type}_x: { type: auth0:${type}, properties: { ${own(type, (changed && other) || properties)} } }`);
    for (const name of ['id', ...Object.keys(seen)]) outputs.push(`  ${type}_${name}: "\${${type}_x.${name}}"`);
  }
  return `resources:\n${lines.join('\n')}\noutputs:\n${outputs.join('\n')}\n`;
}

// Together in one program; with GATEHOUSE_CAMPAIGN=1 each by itself, too.
const alone = process.env.GATEHOUSE_CAMPAIGN === '1' ? Object.keys(rows).map((type) => [type]) : [];
for (const types of [Object.keys(rows), ...alone])
  test(`${types.length > 1 ? 'all types' : types[0]}: up, up again, changed, back, destroy`, async () => {
    const settings = async () => (await api.get('tenants/settings')).body;
    const was = await dump(api), set = await settings(), dir = project(programOf(types, false));
    must(await run(dir, ['up', '-y']));
    const made = await dump(api);
    must(await run(dir, ['up', '-y', '--expect-no-changes']));
    const outputs = JSON.parse(must(await run(dir, ['stack', 'output', '--json', '--show-secrets'])).out);
    for (const type of types) {
      assert.ok(outputs[`${type}_id`], type);
      for (const [name, value] of Object.entries(rows[type][3] ?? {})) assert.equal(outputs[`${type}_${name}`], own(type, value), `${type}.${name}`);
    }
    const write = (changed) => fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${programOf(types, changed)}`);
    write(true);
    const changes = stepsOf(eventsOf(must(await run(dir, ['up', '-y', '--json'])).out), false).filter((step) => !['same', 'delete-replaced'].includes(step.op)).map((step) => step.urn.split('::').at(-1));
    assert.deepEqual(changes.filter((name) => name.endsWith('_x')).sort(), types.filter((type) => rows[type][2]).map((type) => `${type}_x`).sort());
    must(await run(dir, ['up', '-y', '--expect-no-changes']));
    write(false);
    must(await run(dir, ['up', '-y']));
    assertSame(await dump(api), made);
    must(await run(dir, ['destroy', '-y']));
    assertSame(await dump(api), was);
    assert.deepEqual(await settings(), set);
  });

test('lookups: many, by query, and what belongs to one', async () => {
  const dir = project(`resources:
${['con', 'app', 'on', 'user', 'role', 'api', 'scopes', 'org', 'member', 'grant'].map((name) => `  ${parts[name]}\n`).join('')}  rp: { type: auth0:RolePermission, properties: { roleId: "\${role.id}", permission: a, resourceServerIdentifier: "\${api.identifier}" } }
  ur: { type: auth0:UserRole, properties: { userId: "\${user.id}", roleId: "\${role.id}" } }
`);
  must(await run(dir, ['up', '-y']));
  const looked = async (invoke) => {
    const other = project(`variables: { v: { fn::invoke: ${invoke} } }\noutputs: { v: "\${v}" }\n`);
    const result = await run(other, ['up', '-y']);
    return result.code ? result : JSON.parse(must(await run(other, ['stack', 'output', '--json', '--show-secrets'])).out).v;
  };
  const clients = await looked('{ function: auth0:getClients, arguments: { nameFilter: TYPES-, appTypes: [non_interactive] } }');
  assert.deepEqual(clients.clients.map((c) => c.name), ['types-app']);
  const grants = await looked('{ function: auth0:getClientGrants, arguments: { audience: "https://types.example" } }');
  assert.deepEqual(grants.clientGrants.map((c) => [c.audience, c.scopes]), [['https://types.example', ['a']]]);
  const user = await looked(`{ function: auth0:getUser, arguments: { query: 'email:"types@example.com"' } }`);
  const role = await looked('{ function: auth0:getRole, arguments: { name: types-role } }');
  assert.deepEqual([user.email, user.roles, user.permissions.map((p) => p.name)], ['types@example.com', [role.id], ['a']]); // by the role
  assert.deepEqual([role.users, role.permissions.map((p) => [p.name, p.resourceServerIdentifier])], [[user.id], [['a', 'https://types.example']]]);
  const skipped = await looked('{ function: auth0:getRole, arguments: { name: types-role, skipUsers: true } }');
  assert.ok(!('users' in skipped) || skipped.users === null, JSON.stringify(skipped));
  const org = await looked('{ function: auth0:getOrganization, arguments: { name: types-org } }');
  assert.deepEqual([org.members, org.connections, org.clientGrants], [[user.id], [], []]);
  const con = await looked('{ function: auth0:getConnection, arguments: { name: types-con } }');
  assert.deepEqual(con.enabledClients, [clients.clients[0].clientId]);
  assert.equal(con.options[0].bruteForceProtection, true, JSON.stringify(con));
  const client = await looked('{ function: auth0:getClient, arguments: { name: types-app } }');
  assert.deepEqual([client.jwtConfigurations[0].lifetimeInSeconds, client.appType], [36000, 'non_interactive'], JSON.stringify(client));
  const tenant = await looked('{ function: auth0:getTenant, arguments: {} }');
  assert.deepEqual([tenant.sessionCookies[0].mode, tenant.domain], ['persistent', g.domain], JSON.stringify(tenant));
  for (const [invoke, told] of [[`{ function: auth0:getUser, arguments: { query: 'email:"no@example.com"' } }`, /getUser: nobody in the tenant fits the query/],
    ['{ function: auth0:getSigningKeys, arguments: {} }', /getSigningKeys: this lookup cannot be answered[\s\S]*GET \/keys\/signing/]])
    assert.match(must(await looked(invoke), 1).err, told);
  must(await run(dir, ['destroy', '-y']));
});

test('a type that is not applicable is refused by its name, with the reason', async () => {
  const dir = project('resources:\n  l: { type: auth0:LogStream, properties: { type: http, sink: { httpEndpoint: "https://example.com" } } }\n');
  const refused = must(await run(dir, ['preview']), 1);
  assert.match(refused.err, /resources of type auth0:index\/logStream:LogStream cannot be applied/);
  assert.match(refused.err, /they need POST \/log-streams, which Gatehouse's tenant does not serve/);
});

test('elements beside ours stay, and those that were there are given back', async () => {
  const text = (parts_) => `resources:\n${parts_.map((line) => `  ${line}\n`).join('')}`;
  const { body: role } = await api.post('roles', { name: 'beside' });
  const { body: server } = await api.post('resource-servers', { identifier: 'https://beside.example', name: 'beside', scopes: ['one', 'two', 'three'].map((value) => ({ value })) });
  const of = (name) => ({ permission_name: name, resource_server_identifier: server.identifier });
  await api.post(`roles/${role.id}/permissions`, { permissions: [of('one'), of('two')] });
  const element = (key, name) => `${key}: { type: auth0:RolePermission, properties: { roleId: ${role.id}, permission: ${name}, resourceServerIdentifier: "https://beside.example" } }`;
  const scope = (name) => `s-${name}: { type: auth0:ResourceServerScope, properties: { resourceServerIdentifier: "https://beside.example", scope: ${name} } }`;
  const names = async () => (await api.get(`roles/${role.id}/permissions`)).body.map((p) => p.permission_name).sort().join();
  const scopes = async () => (await api.get(`resource-servers/${server.id}`)).body.scopes.map((s) => s.value).sort().join();
  const dir = project(text([element('a', 'one'), element('b', 'three'), ...['four', 'six', 'seven', 'eight'].map(scope)]));
  const up = must(await run(dir, ['up', '-y']));
  assert.match(up.out, /^ = +auth0:index:RolePermission a adopted/m);
  assert.match(up.out, /^ \+ +auth0:index:RolePermission b created/m);
  assert.deepEqual([await names(), await scopes()], ['one,three,two', 'eight,four,one,seven,six,three,two']);
  await api.delete(`roles/${role.id}/permissions`, { permissions: [of('three')] });
  assert.match(must(await run(dir, ['preview'])).out, /RolePermission b create .*drift: was deleted outside the stack/);
  must(await run(dir, ['up', '-y']));
  must(await run(dir, ['up', '-y', '--expect-no-changes']));
  await api.patch(`resource-servers/${server.id}`, { scopes: ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'].map((value) => ({ value })) });
  must(await run(dir, ['destroy', '-y']));
  assert.deepEqual([await names(), await scopes()], ['one,two', 'five,one,three,two']);
  await api.delete(`roles/${role.id}`);
  await api.delete(`resource-servers/${server.id}`);
});

test('a user who is there under the same id or user name is adopted', async () => {
  const { body: connection } = await api.post('connections', { strategy: 'auth0', name: 'types-there', options: { requires_username: true } });
  const made = await api.post('users', { connection: 'types-there', email: 'there@example.com', username: 'there', user_id: 'there-1', password });
  assert.equal(made.status, 201, made.text);
  for (const natural of ['email: THERE@example.com', 'userId: there-1, email: other@example.com', 'username: there']) {
    const dir = project(`resources:\n  u: { type: auth0:User, properties: { connectionName: types-there, ${natural}, nickname: ours } }\n`);
    assert.match(must(await run(dir, ['up', '-y'])).out, /^ = +auth0:index:User u adopted/m, natural);
    must(await run(dir, ['up', '-y', '--expect-no-changes']));
    must(await run(dir, ['destroy', '-y']));
    const { body } = await api.get('users/auth0%7Cthere-1');
    assert.deepEqual([body.email, body.nickname], ['there@example.com', made.body.nickname], natural);
  }
  await api.delete(`connections/${connection.id}`);
});
