// tests/e2e/host_node.test.mjs - programs in JavaScript, with the published SDKs, against the running tenant.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { temporary } from './harness.mjs';
import { copyOf, installNode, must, programFolder, proveTheHostedStack, startLab } from './host_lab.mjs';

const { folder: node, missing: nodeMissing } = installNode();

let lab;
before(async () => { lab = await startLab(); });
after(() => lab?.stop());

function nodeProgram(files = {}) {
  const dir = programFolder({ 'package.json': '{"private":true}', 'Pulumi.yaml': 'name: p\nruntime: nodejs\n', ...files });
  fs.symlinkSync(path.join(node, 'node_modules'), path.join(dir, 'node_modules'));
  return dir;
}
const head = "const pulumi = require('@pulumi/pulumi'); const auth0 = require('@pulumi/auth0');\n";

describe('JavaScript', { skip: nodeMissing }, () => {
  test('a program with a loop, a component, a secret, a lookup and dependsOn', () => proveTheHostedStack(lab, copyOf('nodejs', nodeProgram())));

  test('what failed keeps what depends on it waiting, and nothing else', async () => {
    const dir = nodeProgram({ 'index.js': `${head}
const bad = new auth0.Organization('bad', { name: 'Not A Name!' });
new auth0.OrganizationConnection('after', { organizationId: bad.id, connectionId: 'con_1234567890123456' });
new auth0.Role('good', { name: 'host-partial' });` });
    const failed = must(await lab.run(dir, ['up', '-y']), 4);
    assert.match(failed.err, /could not create Organization bad: the tenant answered 400/);
    assert.doesNotMatch(failed.err, /OrganizationConnection after/);
    assert.ok((await lab.api.get('roles')).body.some((role) => role.name === 'host-partial'));
    must(await lab.run(dir, ['destroy', '-y']));
  });

  test('options of a resource reach the engine', async () => {
    const dir = nodeProgram({ 'index.js': `${head}new auth0.Role('guarded', { name: 'host-guarded', description: 'd' }, { protect: true, ignoreChanges: ['description'] });` });
    must(await lab.run(dir, ['up', '-y']));
    const [made] = (await lab.api.get('roles')).body.filter((role) => role.name === 'host-guarded');
    await lab.api.patch(`roles/${made.id}`, { description: 'theirs' });
    must(await lab.run(dir, ['up', '-y', '--expect-no-changes']));
    assert.match(must(await lab.run(dir, ['destroy', '-y']), 1).err, /protected/);
    must(await lab.run(dir, ['destroy', '-y', '--ignore-protect']));
  });

  test('a resource under a new name goes on, and what is only read is left alone', async () => {
    const dir = nodeProgram({ 'index.js': `${head}new auth0.Role('older', { name: 'host-alias' });` });
    const { id } = (await lab.api.post('roles', { name: 'host-theirs', description: 'read me' })).body;
    must(await lab.run(dir, ['up', '-y']));
    const read = (id) => `${head}new auth0.Role('newer', { name: 'host-alias' }, { aliases: [{ name: 'older' }] });
const theirs = auth0.Role.get('theirs', '${id}'); exports.description = theirs.description;`;
    fs.writeFileSync(path.join(dir, 'index.js'), read(id));
    const up = must(await lab.run(dir, ['up', '-y']));
    assert.doesNotMatch(up.out, /created|deleted|replaced/);
    assert.match(up.out, /description: "read me"/);
    fs.writeFileSync(path.join(dir, 'index.js'), read('rol_0000000000000000'));
    assert.match(must(await lab.run(dir, ['preview']), 1).err, /get of Role theirs: there is no object with this id/);
    must(await lab.run(dir, ['destroy', '-y']));
    assert.deepEqual((await lab.api.get('roles')).body.map((role) => role.name).filter((name) => name.startsWith('host-')), ['host-theirs']);
  });

  test('an exception at the top of a program is told at once', async () => {
    const started = Date.now(), result = must(await lab.run(nodeProgram({ 'index.js': `${head}throw new Error('the reason');` }), ['preview']), 1);
    assert.match(result.err, /failed with an unhandled exception:\nError: the reason\n {4}at Object\.<anonymous> \(.*index\.js:2:7\)/);
    assert.ok(Date.now() - started < 10000, `${Date.now() - started} ms`);
  });

  test('a program that ends badly deletes nothing', async () => {
    const dir = nodeProgram({ 'index.js': `${head}new auth0.Role('kept', { name: 'host-kept' });` });
    must(await lab.run(dir, ['up', '-y']));
    for (const [text, told] of [
      ['process.exit(3);', /ended with status 3/],
      ["process.kill(process.pid, 'SIGKILL');", /ended by SIGKILL/],
      ['process.kill(process.ppid, "SIGKILL");', /ended early/],
    ]) {
      fs.writeFileSync(path.join(dir, 'index.js'), head + text);
      assert.match(must(await lab.run(dir, ['up', '-y']), 1).err, told);
      assert.ok((await lab.api.get('roles')).body.some((role) => role.name === 'host-kept'), text);
    }
    must(await lab.run(dir, ['destroy', '-y']));
  });

  test('what Gatehouse cannot do is refused in words', async () => {
    const refused = [
      ["new pulumi.CustomResource('random:index/randomId:RandomId', 'a', {});", /random:index\/randomId:RandomId a: there is no such resource type/],
      ["new pulumi.CustomResource('auth0:index/organizationMember:OrganizationMember', 'b', { userId: 'u', organizationId: 'o', roles: ['r'] });", /Property roles does not exist on OrganizationMember; Roles of a member are a resource of their own/],
      ["new pulumi.CustomResource('auth0:index/role:Role', 'c', { name: ['a'] });", /property name of Role must be string/],
      ["new pulumi.CustomResource('auth0:index/organizationMember:OrganizationMember', 'd', { userId: 'u' });", /Missing required property 'organizationId'/],
      ["new pulumi.ComponentResource('other:index:Thing', 'e', {}, {}, true);", /other:index:Thing e: components of other packages are not in Gatehouse/],
      ["new auth0.Role('f', { name: 'x' }, { provider: new auth0.Provider('p', { domain: 'elsewhere.example.com' }) });", /a provider with other settings is not in Gatehouse/],
    ];
    const result = must(await lab.run(nodeProgram({ 'index.js': head + refused.map(([text]) => text).join('\n') }), ['preview']), 1);
    for (const [, told] of refused) assert.match(result.err, told);
  });

  test('a missing SDK is one sentence', async () => {
    const dir = temporary('gatehouse-host-');
    fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), 'name: p\nruntime: nodejs\n');
    assert.match(must(await lab.run(dir, ['preview']), 1).err, /^error: @pulumi\/pulumi and @pulumi\/auth0 cannot be found from .*: run npm install @pulumi\/pulumi @pulumi\/auth0 there\n$/);
    assert.match(must(await lab.run(dir, ['preview'], { PATH: '/nonexistent' }), 1).err, /node cannot be started: there is no such program/);
  });
});
