// tests/e2e/host_scale.test.mjs - a program with many members in JavaScript and in Python: what arrives together is read and written together.
// GATEHOUSE_CAMPAIGN=1: 1,000 members, and JavaScript, too.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fs from 'node:fs';
import path from 'node:path';
import { startFaultProxy } from './fault_proxy.mjs';
import { installNode, installPython, must, programFolder, startLab } from './host_lab.mjs';

const members = process.env.GATEHOUSE_CAMPAIGN ? 1000 : 20;
const node = installNode(), python = installPython();
let lab, proxy;
before(async () => { lab = await startLab(); proxy = await startFaultProxy(lab.g); });
after(async () => { await proxy?.stop(); await lab?.stop(); });

const inJavaScript = `const auth0 = require('@pulumi/auth0');
const organization = new auth0.Organization('org', { name: 'many' }), role = new auth0.Role('role', { name: 'many' });
const database = new auth0.Connection('db', { name: 'many-db', strategy: 'auth0' }), app = new auth0.Client('app', { name: 'many-app' });
const on = new auth0.ConnectionClients('on', { connectionId: database.id, enabledClients: [app.id] });
for (let i = 0; i < ${members}; i++) {
  const user = new auth0.User('u' + i, { connectionName: database.name, email: 'u' + i + '@many.example', password: 'Canary-Horse-' + (10000 + i) }, { dependsOn: [on] });
  const member = new auth0.OrganizationMember('m' + i, { organizationId: organization.id, userId: user.id });
  new auth0.OrganizationMemberRoles('m' + i, { organizationId: organization.id, userId: member.userId, roles: [role.id] });
}`;
const inPython = `import pulumi
import pulumi_auth0 as auth0
organization, role = auth0.Organization("org", name="many"), auth0.Role("role", name="many")
database, app = auth0.Connection("db", name="many-db", strategy="auth0"), auth0.Client("app", name="many-app")
on = auth0.ConnectionClients("on", connection_id=database.id, enabled_clients=[app.id])
for i in range(${members}):
    user = auth0.User(f"u{i}", connection_name=database.name, email=f"u{i}@many.example", password=f"Canary-Horse-{10000 + i}", opts=pulumi.ResourceOptions(depends_on=[on]))
    member = auth0.OrganizationMember(f"m{i}", organization_id=organization.id, user_id=user.id)
    auth0.OrganizationMemberRoles(f"m{i}", organization_id=organization.id, user_id=member.user_id, roles=[role.id])
`;

async function counted(dir, args) {
  proxy.reset();
  const began = Date.now(), result = await lab.run(dir, args, { ...proxy.env, VIRTUAL_ENV: python.folder }), count = (want) => proxy.requests.filter(want).length;
  const reads = count(({ method }) => method === 'GET'), adds = count(({ method, url }) => method === 'POST' && /\/members$/.test(url));
  console.log(`${args[0]} of ${members} members: ${proxy.requests.length} requests, ${reads} of them reads, ${adds} calls add members, ${Date.now() - began} ms`);
  return { ...must(result), reads, adds };
}

async function prove(dir) {
  const up = await counted(dir, ['up', '-y']);
  assert.ok(up.reads <= members / 3 + 12, `${up.reads} reads`);
  assert.match(up.out, new RegExp(`\\+ ${3 * members + 5} created`));
  assert.ok(up.adds <= members / 2, `${up.adds} calls add members`);
  const same = await counted(dir, ['preview', '--expect-no-changes']);
  assert.ok(same.reads <= members / 3 + 12, `${same.reads} reads`);
  await counted(dir, ['destroy', '-y']);
}

describe('many members', () => {
  test('in JavaScript', { skip: node.missing || (process.env.GATEHOUSE_CAMPAIGN ? false : 'only with GATEHOUSE_CAMPAIGN=1'), timeout: 600000 }, () => {
    const dir = programFolder({ 'package.json': '{"private":true}', 'Pulumi.yaml': 'name: p\nruntime: nodejs\n', 'index.js': inJavaScript });
    fs.symlinkSync(path.join(node.folder, 'node_modules'), path.join(dir, 'node_modules'));
    return prove(dir);
  });
  test('in Python', { skip: python.missing, timeout: 600000 }, () => prove(programFolder({ 'Pulumi.yaml': 'name: p\nruntime: python\n', '__main__.py': inPython })));
});
