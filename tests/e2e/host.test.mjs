// tests/e2e/host.test.mjs - programs in other languages, with the published SDKs, against the running tenant.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { artefacts, gatehouse, management, root, startGatehouse, temporary } from './harness.mjs';

const canary = 'Canary-Horse-Battery-2026';
let g, api;
before(async () => { g = await startGatehouse(); api = await management(g); });
after(() => g?.stop());

function run(dir, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(gatehouse, [...args, '-C', dir], { env: { ...g.childEnv, PULUMI_CONFIG_PASSPHRASE: 'open sesame', ...env } });
    let out = '', err = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('close', (code) => resolve({ code, out, err }));
  });
}
const must = (result, code = 0) => { assert.equal(result.code, code, result.out + result.err); return result; };
const lines = (files) => Object.entries(files);

// A folder with the SDKs, made once and kept; or why there is none.
function install(folder, done, command, args) {
  fs.mkdirSync(folder, { recursive: true });
  if (fs.existsSync(path.join(folder, done))) return false;
  const { status } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', timeout: 300000 });
  if (status === 0) fs.writeFileSync(path.join(folder, done), '');
  return status === 0 ? false : `skipped: ${command} could not install the SDKs; is the registry out of reach?`;
}

const node = path.join(artefacts, 'sdk/nodejs');
const nodeMissing = install(node, '.done-3.248.0-3.49.0', 'npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', node, '@pulumi/pulumi@3.248.0', '@pulumi/auth0@3.49.0']);

function nodeProgram(files = {}) {
  const dir = temporary('gatehouse-host-');
  fs.symlinkSync(path.join(node, 'node_modules'), path.join(dir, 'node_modules'));
  for (const [name, text] of lines({ 'package.json': '{"private":true}', 'Pulumi.yaml': 'name: p\nruntime: nodejs\n', ...files })) fs.writeFileSync(path.join(dir, name), text);
  return dir;
}
const copyOf = (language, dir) => { fs.cpSync(path.join(root, 'tests/data/host', language), dir, { recursive: true }); return dir; };
const head = "const pulumi = require('@pulumi/pulumi'); const auth0 = require('@pulumi/auth0');\n";

async function proveTheHostedStack(dir) {
  const seen = must(await run(dir, ['preview', '-c', `password=${canary}`]));
  assert.match(seen.out, /\+ 13 to create/);
  assert.match(seen.out, /organizationId: +\[unknown\]/);
  assert.match(seen.err, /asked for a preview/);
  assert.equal((await api.get('organizations')).body.length, 0);

  const up = must(await run(dir, ['up', '-y']));
  assert.match(up.out, /\+ 13 created/);
  assert.match(up.err, /asked for an update/);
  const [organization] = (await api.get('organizations')).body;
  assert.deepEqual([organization.name, organization.display_name, organization.branding.colors],
    ['hosted-acme', 'Acme for https://hosted-api.example.com/v1', { primary: '#0000FF', page_background: '#FFFFFF' }]);
  const [member] = (await api.get(`organizations/${organization.id}/members`)).body;
  assert.equal(member.email, 'ada@example.com');
  const roles = (await api.get(`organizations/${organization.id}/members/${member.user_id}/roles`)).body.map((role) => role.name).sort();
  assert.deepEqual(roles, ['hosted-sales', 'hosted-support']);
  const server = (await api.get('resource-servers')).body.find((one) => one.name === 'hosted-api');
  assert.equal(server.token_lifetime, 7200);

  const outputs = JSON.parse(must(await run(dir, ['stack', 'output', '--json'])).out);
  assert.deepEqual(outputs, { organizationId: organization.id, roleCount: 2, password: '[secret]', domain: g.domain });
  assert.equal(JSON.parse(must(await run(dir, ['stack', 'output', '--json', '--show-secrets'])).out).password, canary);
  for (const text of [seen.out, seen.err, up.out, up.err, fs.readFileSync(path.join(dir, '.gatehouse/dev.json'), 'utf8'), fs.readFileSync(path.join(dir, 'Pulumi.dev.yaml'), 'utf8')])
    assert.ok(!text.includes(canary));

  assert.match(must(await run(dir, ['up', '-y', '--expect-no-changes'])).out, /^ {4}13 unchanged$/m);
  // One department less: its role and permissions go, at the end.
  const less = must(await run(dir, ['up', '-y', '-c', 'departments=["sales"]']));
  assert.match(less.out, /- 2 deleted/);
  assert.deepEqual((await api.get('roles')).body.map((role) => role.name).filter((name) => name.startsWith('hosted-')), ['hosted-sales']);
  must(await run(dir, ['destroy', '-y']));
  assert.deepEqual([(await api.get('organizations')).body, (await api.get('roles')).body.filter((role) => role.name.startsWith('hosted-'))], [[], []]);
}

describe('JavaScript', { skip: nodeMissing }, () => {
  test('a program with a loop, a component, a secret, a lookup and dependsOn', () => proveTheHostedStack(copyOf('nodejs', nodeProgram())));

  test('what failed keeps what depends on it waiting, and nothing else', async () => {
    const dir = nodeProgram({ 'index.js': `${head}
const bad = new auth0.Organization('bad', { name: 'Not A Name!' });
new auth0.OrganizationConnection('after', { organizationId: bad.id, connectionId: 'con_1234567890123456' });
new auth0.Role('good', { name: 'host-partial' });` });
    const failed = must(await run(dir, ['up', '-y']), 4);
    assert.match(failed.err, /could not create Organization bad: the tenant answered 400/);
    assert.doesNotMatch(failed.err, /OrganizationConnection after/);
    assert.ok((await api.get('roles')).body.some((role) => role.name === 'host-partial'));
    must(await run(dir, ['destroy', '-y']));
  });

  test('options of a resource reach the engine', async () => {
    const dir = nodeProgram({ 'index.js': `${head}new auth0.Role('guarded', { name: 'host-guarded', description: 'd' }, { protect: true, ignoreChanges: ['description'] });` });
    must(await run(dir, ['up', '-y']));
    const [made] = (await api.get('roles')).body.filter((role) => role.name === 'host-guarded');
    await api.patch(`roles/${made.id}`, { description: 'theirs' });
    must(await run(dir, ['up', '-y', '--expect-no-changes']));
    assert.match(must(await run(dir, ['destroy', '-y']), 1).err, /protected/);
    must(await run(dir, ['destroy', '-y', '--ignore-protect']));
  });

  test('a program that ends badly deletes nothing', async () => {
    const dir = nodeProgram({ 'index.js': `${head}new auth0.Role('kept', { name: 'host-kept' });` });
    must(await run(dir, ['up', '-y']));
    for (const [text, told] of [
      ['process.exit(3);', /ended with status 3/],
      ["process.kill(process.pid, 'SIGKILL');", /ended by SIGKILL/],
      ['process.kill(process.ppid, "SIGKILL");', /ended early/],
    ]) {
      fs.writeFileSync(path.join(dir, 'index.js'), head + text);
      assert.match(must(await run(dir, ['up', '-y']), 1).err, told);
      assert.ok((await api.get('roles')).body.some((role) => role.name === 'host-kept'), text);
    }
    must(await run(dir, ['destroy', '-y']));
  });

  test('what Gatehouse cannot do is refused in words', async () => {
    const refused = [
      ["new pulumi.CustomResource('random:index/randomId:RandomId', 'a', {});", /random:index\/randomId:RandomId a: there is no such resource type/],
      ["new pulumi.CustomResource('auth0:index/organizationMember:OrganizationMember', 'b', { userId: 'u', organizationId: 'o', roles: ['r'] });", /Property roles does not exist on OrganizationMember; Roles of a member are a resource of their own/],
      ["new pulumi.CustomResource('auth0:index/role:Role', 'c', { name: ['a'] });", /property name of Role must be string/],
      ["new pulumi.CustomResource('auth0:index/organizationMember:OrganizationMember', 'd', { userId: 'u' });", /Missing required property 'organizationId'/],
      ["new auth0.Role('e', { name: 'x' }, { aliases: [{ name: 'older' }] });", /'aliases' with another name is not in Gatehouse/],
      ["new auth0.Role('f', { name: 'x' }, { provider: new auth0.Provider('p', { domain: 'elsewhere.example.com' }) });", /a provider with other settings is not in Gatehouse/],
    ];
    const result = must(await run(nodeProgram({ 'index.js': head + refused.map(([text]) => text).join('\n') }), ['preview']), 1);
    for (const [, told] of refused) assert.match(result.err, told);
  });

  test('a missing SDK is one sentence', async () => {
    const dir = temporary('gatehouse-host-');
    fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), 'name: p\nruntime: nodejs\n');
    assert.match(must(await run(dir, ['preview']), 1).err, /^error: @pulumi\/pulumi and @pulumi\/auth0 cannot be found from .*: run npm install @pulumi\/pulumi @pulumi\/auth0 there\n$/);
    assert.match(must(await run(dir, ['preview'], { PATH: '/nonexistent' }), 1).err, /node cannot be started: there is no such program/);
  });
});
