// tests/e2e/stack_display.test.mjs - what people and scripts see of a run: lines, events, the tree.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { refusal, startFaultProxy } from './fault_proxy.mjs';
import { gatehouse, management, root, sleep, startGatehouse } from './harness.mjs';
import { eventsOf, exampleProject, must, password, project, runStack, stepsOf } from './stack_lab.mjs';

let g, api;
before(async () => { g = await startGatehouse(); api = await management(g); });
after(() => g?.stop());
const run = (dir, args) => runStack(g.childEnv, dir, args);
const write = (dir, text) => fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${text}`);
const kinds = (events) => events.map((e) => e.kind);
const brief = (steps) => steps.map((s) => [s.op, s.urn, s.diffs, s.keys, s.detailedDiff]);

test('events: the plan is what up does, and the counts are those of the steps', async () => {
  const dir = exampleProject();
  const args = ['--json', '-c', `memberPassword=${password}`];
  const preview = eventsOf(must(await run(dir, ['preview', ...args])).out);
  const up = eventsOf(must(await run(dir, ['up', '-y', ...args])).out);
  const planned = stepsOf(preview, true);
  assert.equal(planned.length, 17);
  assert.ok(planned.every((s) => s.op === 'create' && s.old === null && s.new.urn === s.urn && s.urn.startsWith('urn:pulumi:dev::secure-ai-api::auth0:index/')));
  assert.deepEqual(brief(stepsOf(up, true)), brief(planned));
  assert.deepEqual(brief(stepsOf(up, false)), brief(planned));
  assert.equal(stepsOf(preview, false).length, 0);
  assert.deepEqual([preview[0].kind, preview.at(-1).kind, up.at(-1).kind], ['preludeEvent', 'cancelEvent', 'cancelEvent']);
  assert.deepEqual(up[0].config, { 'secure-ai-api:memberPassword': '[secret]' });
  assert.deepEqual(up.filter((e) => e.kind === 'summaryEvent').map((e) => [e.isPreview, e.resourceChanges]), [[true, { create: 17 }], [false, { create: 17 }]]);
  const done = up.filter((e) => e.kind === 'resOutputsEvent' && !e.planning);
  assert.equal(done.length, 18); // and the outputs
  const outputs = done.find((e) => e.metadata.type === 'pulumi:pulumi:Stack').metadata.new.outputs;
  assert.equal(outputs.client_secret, '[secret]');
  assert.equal(done[0].metadata.new.id.length > 0 && done[0].metadata.new.outputs.name, 'AI API');
  assert.ok(!JSON.stringify([preview, up]).includes(password));
  const shown = must(await run(dir, ['up', '-y', '--json', '--show-secrets', '--skip-preview']));
  assert.ok(shown.out.includes(password) && stepsOf(eventsOf(shown.out), true).length === 0);
  assert.ok(stepsOf(eventsOf(shown.out), false).every((s) => s.op === 'same' && s.gatehouse.changes.length === 0));
  const gone = eventsOf(must(await run(dir, ['destroy', '-y', '--json', '--ignore-protect'])).out);
  assert.deepEqual(gone.filter((e) => e.kind === 'summaryEvent').at(-1).resourceChanges, { delete: 17 });
  assert.ok(stepsOf(gone, true).every((s) => s.op === 'delete' && s.new === null) && stepsOf(gone, true).some((s) => s.gatehouse.withParent));
});

const changing = (description, organization, permissions) => `resources:
  api: { type: auth0:ResourceServer, properties: { identifier: "https://events.example", name: events, enforcePolicies: true } }
  scopes: { type: auth0:ResourceServerScopes, properties: { resourceServerIdentifier: "\${api.identifier}", scopes: [{ name: a }, { name: b }, { name: c }] } }
  r: { type: auth0:Role, properties: { name: events, description: ${description} } }
  rp:
    type: auth0:RolePermissions
    properties: { roleId: "\${r.id}", permissions: [${permissions.map((p) => `{ name: ${p}, resourceServerIdentifier: "\${api.identifier}" }`)}] }
    options: { dependsOn: ["\${scopes}"] }
  o: { type: auth0:Organization, properties: { name: events, displayName: Events, ${organization} } }
  c: { type: auth0:Connection, properties: { strategy: auth0, name: ${description === 'one' ? 'events-one' : 'events-two'} } }
`;

test('events and --diff: each property and each element, in the program\'s names', async () => {
  const dir = project(changing('one', 'metadata: { keep: k, old: o, "a.b": x }', ['a', 'b']));
  must(await run(dir, ['up', '-y']));
  const role = (await api.get('roles')).body.find((r) => r.name === 'events');
  assert.equal((await api.post(`roles/${role.id}/permissions`, { permissions: [{ permission_name: 'c', resource_server_identifier: 'https://events.example' }] })).status, 201);
  write(dir, changing('two', 'metadata: { keep: k, "a.b": y, new: "\\u001b[31mred\\u0085" }', ['b']));
  const steps = Object.fromEntries(stepsOf(eventsOf(must(await run(dir, ['preview', '--json'])).out), true).map((s) => [s.urn.split('::').at(-1), s]));
  assert.deepEqual(Object.fromEntries(Object.entries(steps).map(([name, s]) => [name, s.op])), { api: 'same', scopes: 'same', r: 'update', rp: 'update', o: 'update', c: 'replace' });
  assert.deepEqual(steps.r.detailedDiff, { description: { diffKind: 'update', inputDiff: false } });
  assert.deepEqual(steps.r.gatehouse, { changes: [{ path: 'description', kind: 'update', from: 'one', to: 'two' }] });
  assert.deepEqual(Object.entries(steps.o.detailedDiff).map(([p, d]) => [p, d.diffKind]).sort(), [['metadata.new', 'add'], ['metadata.old', 'delete'], ['metadata["a.b"]', 'update']]);
  assert.deepEqual([steps.c.keys, steps.c.detailedDiff], [['name'], { name: { diffKind: 'update-replace', inputDiff: false } }]);
  const element = (name) => ({ name, resourceServerIdentifier: 'https://events.example' });
  assert.deepEqual(steps.rp.gatehouse, { drift: true, changes: [
    { path: 'permissions', kind: 'delete', from: element('a'), element: true },
    { path: 'permissions', kind: 'delete', from: element('c'), element: true, foreign: true }] });
  const text = must(await run(dir, ['preview', '--diff'])).out;
  for (const block of [
    /^ ~ {2}auth0:index\/role:Role: \(update\)\n {8}\[id=rol_\w+\]\n {8}\[urn=urn:pulumi:dev::p::auth0:index\/role:Role::r\]\n {6}~ description: "one" => "two"$/m,
    /^ {6}~ metadata: \{\n(?: {10}[+~-] .*\n){3} {8}\}$/m, /^ {10}~ a\.b: "x" => "y"$/m, /^ {10}- old: "o" => \(default\)$/m,
    /^ {10}\+ new: "\\u001B\[31mred\\u0085"$/m,
    /^ {6}~ permissions: \[\n {10}- \{\n {14}- name: "a"\n {14}- resourceServerIdentifier: "https:\/\/events\.example"\n {12}\}\n {10}- \{ {2}\(not put there by the stack\)\n/m,
    /^ \+- auth0:index\/connection:Connection: \(replace\)\n(?: {8}\[.*\n){2} {6}~ name: "events-one" => "events-two" {2}\(replaces\)$/m]) assert.match(text, block);
  const up = eventsOf(must(await run(dir, ['up', '-y', '--json'])).out);
  assert.deepEqual(up.filter((e) => e.kind === 'resOutputsEvent' && e.metadata.op === 'delete-replaced').map((e) => e.metadata.urn.split('::').at(-1)), ['c']);
  must(await run(dir, ['preview', '--expect-no-changes']));
  must(await run(dir, ['destroy', '-y']));
});

test('events: what is wrong is said in the stream, and the exit status stays', async () => {
  const dir = project('resources:\n  o: { type: auth0:Organization, properties: { name: "Not A Name!" } }\n');
  const failed = eventsOf(must(await run(dir, ['up', '-y', '--json']), 4).out);
  const at = kinds(failed).indexOf('resOpFailedEvent');
  assert.ok(at > 0 && failed[at].metadata.op === 'create', kinds(failed).join());
  assert.match(failed.find((e) => e.kind === 'diagnosticEvent').message, /^\S*Pulumi\.yaml:4,3: could not create Organization o: /);
  assert.deepEqual(failed.filter((e) => e.kind === 'summaryEvent').at(-1).resourceChanges, {});
  write(dir, 'resources:\n  o: { type: auth0:Organisation }\n');
  const wrong = must(await run(dir, ['preview', '--json']), 1);
  assert.deepEqual(kinds(eventsOf(wrong.out)), ['diagnosticEvent', 'cancelEvent']);
  assert.match(wrong.err, /Organisation/);
  assert.match(must(await run(dir, ['up', '--json']), 2).err, /--yes/);
  write(dir, 'resources:\n  r: { type: auth0:Role, properties: { name: expected } }\n');
  assert.equal(eventsOf(must(await run(dir, ['preview', '--json', '--expect-no-changes']), 7).out).at(-1).kind, 'cancelEvent');
});

// What a person sees of a run on a terminal of this size (terminal.py).
function watch(env, [columns, rows], dir, args, more = []) {
  return new Promise((resolve, reject) => {
    const child = spawn('python3', [path.join(root, 'tests/e2e/terminal.py'), columns, rows, ...more, gatehouse, args[0], '-C', dir, ...args.slice(1)],
      { env: { PULUMI_CONFIG_PASSPHRASE: 'open sesame', ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (data) => (out += data));
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error(out))));
  });
}
const roles = (n, description = 'd') => `resources:\n${Array.from({ length: n }, (_, i) => `  role-${i}: { type: auth0:Role, properties: { name: tree-${i}, description: ${description} } }\n`).join('')}`;
const count = (lines, pattern) => lines.filter((line) => pattern.test(line)).length;

test('the tree: each row once, in its columns, whatever the size of the terminal', async () => {
  const dir = project(roles(12));
  const wide = await watch(g.childEnv, [100, 40], dir, ['up', '-y']);
  assert.deepEqual([wide.status, wide.cursor], [0, true]);
  assert.equal(count(wide.lines, /^ \+ {2}[├└]─ auth0:index:Role +role-\d+ {2,3}create$/), 12, wide.lines.join('\n'));
  assert.equal(count(wide.lines, /^ \+ {2}[├└]─ auth0:index:Role +role-\d+ {2,3}created \(\d\.\d\ds\)$/), 12);
  assert.equal(count(wide.lines, /^ {4}Type +Name +Status$/), 2);
  assert.equal(count(wide.lines, /^ {4}pulumi:pulumi:Stack +p-dev +(compared|done) \(\d\.\d\ds\)$/), 2);
  assert.match(wide.raw, /\x1b\[32m/);
  const low = await watch({ ...g.childEnv, NO_COLOR: '1' }, [30, 7], dir, ['destroy', '-y']);
  assert.equal(count(low.lines, /^ - {2}[├└]─ .*role.*\d* +delete$/), 12, low.lines.join('\n'));
  assert.equal(count(low.lines, /^ - {2}[├└]─ .*deleted/), 12);
  assert.ok(low.lines.every((line) => [...line].length < 30) && !/\x1b\[\d*m/.test(low.raw) && low.cursor);
  const plain = await watch(g.childEnv, [100, 40], dir, ['preview', '--suppress-progress', '--color', 'never']);
  assert.ok(!plain.raw.includes('\x1b') && count(plain.lines, /^ \+ {2}auth0:index:Role role-\d+ create$/) === 12);
  must(await run(dir, ['preview', '--color', 'mauve']), 2);
});

test('the tree: time goes on in a row that waits, and an interrupted one gives the cursor back', async () => {
  const proxy = await startFaultProxy(g);
  const env = { ...g.childEnv, ...proxy.env };
  try {
    const dir = project(roles(2));
    proxy.before = async ({ method }) => { if (method === 'POST' && proxy.requests.length > 2) await sleep(600); };
    const slow = await watch(env, [80, 24], dir, ['up', '-y']);
    assert.equal(slow.status, 0, slow.raw);
    assert.match(slow.raw, /creating \(0s\)\.[\s\S]*creating \(0s\)\.\./);
    assert.match(slow.raw, /role-0[^\n]*creating \(0s\)[^\n]*\n[^\n]*role-1[^\n]*creating \(0s\)/); // side by side
    assert.equal(count(slow.lines, /creating/), 0, slow.lines.join('\n'));
    const seconds = [...slow.lines.join('\n').matchAll(/created \((\d\.\d\d)s\)/g)].map((match) => Number(match[1]));
    assert.ok(seconds.length === 2 && seconds.every((s) => s >= 0.55), slow.lines.join('\n'));
    proxy.reset();
    let refused = 0;
    proxy.before = ({ method }) => (method === 'GET' && refused++ === 0 ? refusal(429, { 'retry-after': '1' }) : undefined);
    const waited = await watch(env, [80, 24], dir, ['preview']);
    assert.equal(waited.status, 0, waited.raw);
    assert.deepEqual(waited.lines.slice(0, 3).map((line) => line.slice(0, 12)), ['Previewing u', 'waiting 1 s:', '    Type    '], waited.lines.join('\n'));
    assert.equal(count(waited.lines, /^ {4}Type/), 1, waited.lines.join('\n'));
    proxy.reset();
    proxy.before = async ({ method }) => { if (method === 'DELETE') await sleep(3000); };
    const cut = await watch(env, [80, 24], dir, ['destroy', '-y'], ['--interrupt', 'deleting']);
    assert.deepEqual([cut.status, cut.cursor], [-2, true]);
    assert.ok(cut.raw.lastIndexOf('\x1b[?25h') > cut.raw.lastIndexOf('\x1b[?25l'));
    proxy.reset();
    must(await run(dir, ['destroy', '-y']));
  } finally { await proxy.stop(); }
});

test('sames are shown when asked for, and no changes are expected in words of the exit status', async () => {
  const dir = project(roles(1));
  must(await run(dir, ['preview', '--expect-no-changes']), 7);
  const refused = must(await run(dir, ['up', '-y', '--expect-no-changes']), 7);
  assert.match(refused.err, /no changes were expected, but there are 1/);
  assert.equal((await api.get('roles')).body.filter((r) => r.name === 'tree-0').length, 0);
  must(await run(dir, ['up', '-y']));
  assert.ok(!/role-0/.test(must(await run(dir, ['up', '-y', '--expect-no-changes'])).out));
  assert.match(must(await run(dir, ['up', '-y', '--expect-no-changes', '--show-sames'])).out, /^ {4}auth0:index:Role role-0 same$[\s\S]*^ {4}auth0:index:Role role-0 same \(/m);
  must(await run(dir, ['destroy', '-y']));
});
