// tests/e2e/stack_target.test.mjs - --target: the named resources and nothing else, with --target-dependents what depends on them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { management, startGatehouse } from './harness.mjs';
import { assertSame, dump, must, project, runStack } from './stack_lab.mjs';

let g, api;
before(async () => { g = await startGatehouse(); api = await management(g); });
after(() => g?.stop());

const program = (word, more = '') => `resources:
  api: { type: auth0:ResourceServer, properties: { identifier: urn:target, name: ${word} } }
  scopes: { type: auth0:ResourceServerScopes, properties: { resourceServerIdentifier: "\${api.identifier}", scopes: [{ name: a, description: ${word} }] } }
  role: { type: auth0:Role, properties: { name: target, description: ${word} } }
  permissions:
    type: auth0:RolePermissions
    properties: { roleId: "\${role.id}", permissions: [{ name: a, resourceServerIdentifier: "\${api.identifier}" }] }
    options: { dependsOn: ["\${scopes}"] }
  other: { type: auth0:Role, properties: { name: other, description: ${word} } }
${more}outputs: { role: "\${role.id}", other: "\${other.id}", word: ${word} }
`;
const roles = async () => Object.fromEntries((await api.get('roles?per_page=100')).body.map((role) => [role.name, role.description]));

test('a target and nothing else', async (t) => {
  const dir = project(program('one')), run = (...args) => runStack(g.childEnv, dir, args);
  const write = (text) => fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${text}`);
  const outputs = async () => JSON.parse(must(await run('stack', 'output', '--json')).out);
  const names = () => JSON.parse(fs.readFileSync(path.join(dir, '.gatehouse/dev.json'), 'utf8')).resources.map((entry) => entry.name).sort();
  const urn = (type, name) => `urn:pulumi:dev::p::auth0:index/${type}::${name}`;

  await t.test('what is new is made alone, and what needs the rest is refused', async () => {
    const before = await dump(api);
    for (const [args, said] of [
      [['--target', 'permissions'], /permissions depends on scopes, which does not exist yet|permissions depends on role/],
      [['--target', 'rôle'], /no resource named 'rôle' found/],
      [['-t', urn('client:Client', 'role')], /no resource named 'urn:pulumi:dev/],
      [['-t', urn('role:Role', 'role').replace(':dev:', ':prod:')], /no resource named/],
      [['-t', 'role', '-t', 'nobody'], /no resource named 'nobody' found/],
    ]) {
      assert.match(must(await run('preview', ...args), 1).err, said);
      assert.match(must(await run('up', '-y', ...args), 1).err, said);
    }
    assertSame(await dump(api), before);
    assert.match(must(await run('up', '-y', '--target', 'role')).out, /\+ 1 created/);
    assert.deepEqual(names(), ['role']);
    assert.deepEqual(Object.keys(await outputs()).sort(), ['role', 'word']); // nothing is known of the other
    assert.match(must(await run('up', '-y', '-t', urn('resourceServer:ResourceServer', 'api'), '--target-dependents')).out, /\+ 3 created/);
    assert.deepEqual(names(), ['api', 'permissions', 'role', 'scopes']);
    must(await run('up', '-y'));
  });

  await t.test('what is changed is changed alone', async () => {
    write(program('two', '  late: { type: auth0:Role, properties: { name: late } }\n'));
    const shown = must(await run('preview', '--target', 'role'));
    assert.match(shown.out, /~ 1 to update\n {4}4 unchanged/);
    must(await run('up', '-y', '--target', 'role'));
    assert.deepEqual(await roles(), { target: 'two', other: 'one' });
    assert.match(must(await run('preview', '--target', 'api', '--target-dependents')).out, /~ 2 to update/);
    must(await run('up', '-y', '--target', 'role', '--expect-no-changes'));
  });

  await t.test('what is no longer declared goes only when it is named', async () => {
    write(program('two').replace(/ {2}other:.*\n/, '').replace('other: "${other.id}", ', '').replace(/ {2}permissions:\n(.*\n){3}/, ''));
    must(await run('up', '-y', '--target', 'role', '--expect-no-changes'));
    assert.deepEqual(names(), ['api', 'other', 'permissions', 'role', 'scopes']);
    assert.match(must(await run('up', '-y', '--target', 'other')).out, /- 1 deleted/);
    assert.deepEqual(names(), ['api', 'permissions', 'role', 'scopes']);
  });

  await t.test('destroy takes the target, and refuses while something depends on it', async () => {
    const before = await dump(api), text = names();
    assert.match(must(await run('destroy', '-y', '--target', 'role'), 1).err, /Role role cannot be deleted alone: permissions depends on it; --target permissions too, or --target-dependents/);
    assert.match(must(await run('destroy', '-y', '-t', 'scopes', '-t', 'api'), 1).err, /permissions depends on it/);
    must(await run('destroy', '-y', '-t', 'nothing'), 1);
    must(await run('destroy', '-y', '--target'), 2);
    assertSame(await dump(api), before);
    assert.deepEqual(names(), text);
    assert.match(must(await run('destroy', '-y', '-t', 'role', '--target-dependents')).out, /- 2 deleted/);
    assert.deepEqual(names(), ['api', 'scopes']);
    assert.ok('word' in await outputs());
    must(await run('destroy', '-y'));
    assert.deepEqual(await outputs(), {});
  });

  await t.test('refresh looks at the target alone', async () => {
    write(program('one'));
    must(await run('up', '-y'));
    for (const { id } of (await api.get('roles?per_page=100')).body) await api.patch(`roles/${id}`, { description: 'theirs' });
    must(await run('refresh', '-y', '-t', 'nobody'), 1);
    assert.match(must(await run('refresh', '-y', '-t', 'other')).out, /~ 1 updated/);
    assert.match(must(await run('preview')).out, /role update \[diff: ~description\] \(drift\)/);
    must(await run('destroy', '-y'));
  });

  await t.test('what is new has nothing to refresh, and is made all the same', async () => {
    assert.match(must(await run('up', '-y', '--refresh', '-t', 'nobody'), 1).err, /no resource named 'nobody' found/);
    assert.match(must(await run('up', '-y', '--refresh', '-t', 'role')).out, /\+ 1 created/);
    must(await run('destroy', '-y'));
  });
});
