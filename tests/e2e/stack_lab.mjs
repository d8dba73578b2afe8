// tests/e2e/stack_lab.mjs - what the stack engine's test files share: running it, and what a tenant holds, written so that two can be compared.
import { spawn } from 'node:child_process';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { gatehouse, root, temporary } from './harness.mjs';

export const password = 'Canary-Horse-Battery-2026';

// Runs `gatehouse VERB -C dir …`, of GATEHOUSE_STACK if that names another build; gives { code, signal, out, err }. `onStart` gets the process.
export function runStack(env, dir, [verb, ...args], onStart) {
  return new Promise((resolve) => {
    const child = spawn(process.env.GATEHOUSE_STACK ?? gatehouse, [verb, '-C', dir, ...args], { env: { PULUMI_CONFIG_PASSPHRASE: 'open sesame', ...env } });
    let out = '', err = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    onStart?.(child);
    child.on('close', (code, signal) => resolve({ code, signal, out, err }));
  });
}

export const must = (result, code = 0) => { assert.equal(result.code, code, result.out + result.err); return result; };

// The events of `--json` (docs/stack-events.md): each { kind, …the member of that name }. Every line must be one.
export function eventsOf(out) {
  return out.trimEnd().split('\n').map((line, i) => {
    const { sequence, timestamp, ...rest } = JSON.parse(line), [kind, ...more] = Object.keys(rest);
    assert.ok(sequence === i && Number.isInteger(timestamp) && kind && more.length === 0, line);
    return { kind, ...rest[kind] };
  });
}

// The steps of one pass: of the plan, or those that were begun.
export const stepsOf = (events, planned) => events.filter((e) => e.kind === 'resourcePreEvent' && Boolean(e.planning) === planned).map((e) => e.metadata);

export function project(text) {
  const dir = temporary('gatehouse-stack-');
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${text}`);
  return dir;
}

// The example; `edit` may change its text.
export function exampleProject(edit = (text) => text) {
  const dir = temporary('gatehouse-stack-');
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), edit(fs.readFileSync(path.join(root, 'examples/secure-ai-api/Pulumi.yaml'), 'utf8')));
  return dir;
}

const collections = {
  organizations: ['id', 'name'], connections: ['id', 'name'], roles: ['id', 'name'], clients: ['client_id', 'name'],
  'resource-servers': ['id', 'identifier'], 'client-grants': ['id', 'audience'], users: ['user_id', 'email'],
};
const children = {
  organizations: ['enabled_connections', 'members', 'client-grants'], connections: ['clients'], roles: ['permissions'],
};
const volatile = new Set(['created_at', 'updated_at', 'client_secret', 'signing_secret', 'signing_keys', 'last_password_reset']);

async function get(api, where) {
  const reply = await api.get(where);
  assert.equal(reply.status, 200, `${where}: ${reply.text}`);
  return reply.body;
}
const rows = (body) => (Array.isArray(body) ? body : Object.values(body).find(Array.isArray) ?? []);

// All that a tenant holds: { kind: [object …] }, ids replaced by kind and name, times and secrets left out.
export async function dump(api) {
  const all = {}, names = [];
  for (const [kind, [id, name]] of Object.entries(collections)) {
    all[kind] = rows(await get(api, `${kind}?per_page=100`));
    for (const object of all[kind]) if (kind !== 'client-grants') names.push([object[id].replace(/^auth0\|/, ''), `<${kind} ${object[name]}>`]);
  }
  for (const [kind, parts] of Object.entries(children))
    for (const object of all[kind])
      for (const part of parts) {
        object[part] = rows(await get(api, `${kind}/${object.id}/${part}`));
        if (part === 'members') for (const member of object[part]) member.roles = rows(await get(api, `organizations/${object.id}/members/${encodeURIComponent(member.user_id)}/roles`));
      }
  for (const grant of all['client-grants']) names.push([grant.id, `<grant ${grant.client_id} ${grant.audience}>`]);
  let text = JSON.stringify(all, (key, value) => (volatile.has(key) ? undefined : value));
  for (const [id, name] of names) text = text.replaceAll(JSON.stringify(id).slice(1, -1), JSON.stringify(name).slice(1, -1));
  for (const [id, name] of names) text = text.replaceAll(JSON.stringify(id).slice(1, -1), JSON.stringify(name).slice(1, -1)); // ids within names
  return sorted(JSON.parse(text));
}

// Equal, or the lines that differ: a whole tenant is no message.
export function assertSame(actual, expected) {
  const [is, should] = [actual, expected].map((tree) => JSON.stringify(tree, null, 1).split('\n'));
  const extra = is.filter((line) => !should.includes(line)), missing = should.filter((line) => !is.includes(line));
  assert.ok(is.join() === should.join(), `the tenant is another one\n+ ${extra.join('\n+ ')}\n- ${missing.join('\n- ')}`);
}

export const sorted = (value) => (Array.isArray(value) ? value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)])) : value);

// How many objects a dump holds, links among them.
export const census = (tree) => Object.fromEntries(Object.entries(tree).map(([kind, list]) => [kind, list.length]));
