// What the tenant tells the gateway about models: in the feed when the call that changed it returns, and again after a restart.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { after, before, test } from 'node:test';

import { management, ok, root, startGatehouse, temporary, until } from './harness.mjs';

const tool = path.resolve(root, process.env.GATEHOUSE_BUILD || 'build', 'tests/unit/gateway/feed_read');
const dir = temporary();
let g, api, reader;

class Reader {
  constructor(file) {
    this.child = spawn(tool, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  async ask(...fields) {
    this.child.stdin.write(`${fields.join('\t')}\n`);
    return (await this.lines.next()).value;
  }
  models(id) { return this.ask('models', g.issuer, id); }
  binds(audience = g.audience) { return this.ask('binds', g.issuer, audience); }
  close() { this.child.stdin.end(); }
}

const start = async () => {
  g = await startGatehouse({ dir });
  api = await management(g);
};

before(async () => {
  await start();
  reader = new Reader(path.join(dir, 'feed', 'tenant.feed'));
});
after(async () => {
  reader?.close();
  await g?.stop();
});

test('an organization\'s ai_models are told when the call returns', async () => {
  const { id } = ok(await api.post('organizations', { name: 'listed', metadata: { ai_models: 'gpt-5*, claude-4', other: 'x' } }));
  assert.equal(await reader.models(id), 'ok gpt-5*, claude-4');
  for (let i = 0; i < 20; i++) {
    ok(await api.patch(`organizations/${id}`, { metadata: { ai_models: `m-${i}` } }));
    assert.equal(await reader.models(id), `ok m-${i}`);
  }
  ok(await api.patch(`organizations/${id}`, { display_name: 'Listed' }));
  assert.equal(await reader.models(id), 'ok m-19');
  assert.equal((await api.patch(`organizations/${id}`, { metadata: { ai_models: 'm'.repeat(256) } })).status, 400);
  assert.equal(await reader.models(id), 'ok m-19');
  ok(await api.patch(`organizations/${id}`, { metadata: { ai_models: '' } }));
  assert.equal(await reader.models(id), 'ok '); // a list without names is a list
  ok(await api.patch(`organizations/${id}`, { metadata: { ai_models: null, other: 'x' } }));
  assert.equal(await reader.models(id), 'not_found');
  ok(await api.patch(`organizations/${id}`, { metadata: { ai_models: 'back' } }));
  await api.delete(`organizations/${id}`);
  assert.equal(await reader.models(id), 'not_found');
  assert.equal(await reader.models('org_never'), 'not_found');
});

test('an API is bound from its first model permission to its last', async () => {
  const scopes = (...values) => ({ scopes: values.map((value) => ({ value })) });
  const made = ok(await api.post('resource-servers', { identifier: g.audience, name: 'AI', ...scopes('chat:invoke', 'models:list', 'my:model:x') }));
  assert.equal(await reader.binds(), 'not_found');
  ok(await api.patch(`resource-servers/${made.id}`, scopes('chat:invoke', 'model:gpt-5')));
  assert.equal(await reader.binds(), 'ok ');
  assert.equal(await reader.binds('https://other.example/'), 'not_found');
  ok(await api.patch(`resource-servers/${made.id}`, { name: 'AI again' }));
  assert.equal(await reader.binds(), 'ok ');
  ok(await api.patch(`resource-servers/${made.id}`, scopes('chat:invoke')));
  assert.equal(await reader.binds(), 'not_found');
  ok(await api.patch(`resource-servers/${made.id}`, scopes('model:*')));
  await api.delete(`resource-servers/${made.id}`);
  assert.equal(await reader.binds(), 'ok '); // tokens of before are not freed by its end
  ok(await api.post('resource-servers', { identifier: g.audience, name: 'AI', ...scopes('chat:invoke') }));
  assert.equal(await reader.binds(), 'not_found');
});

test('all of it is told again after a crash that damaged the feed', async () => {
  const { id } = ok(await api.post('organizations', { name: 'kept', metadata: { ai_models: 'gpt-5*' } }));
  ok(await api.post('resource-servers', { identifier: 'https://kept.example/', name: 'Kept', scopes: [{ value: 'model:a' }] }));
  const pids = ['tenant', 'nginx'].map((name) => g.pid(name));
  await g.stop('SIGKILL');
  await until('its children to end', () => pids.every((pid) => !fs.existsSync(`/proc/${pid}`)));
  const feed = reader.child.spawnargs[1];
  const file = fs.openSync(feed, 'r+');
  fs.writeSync(file, Buffer.alloc(8), 0, 8, 96); // the word that leads to the facts
  fs.closeSync(file);
  assert.equal(await reader.models(id), 'feed');
  await start();
  assert.equal(await reader.models(id), 'ok gpt-5*');
  assert.equal(await reader.binds('https://kept.example/'), 'ok ');
  assert.equal(await reader.binds(), 'not_found');
});
