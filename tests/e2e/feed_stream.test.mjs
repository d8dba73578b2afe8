// A gateway on another machine: `gatehouse feed` follows the tenant's changes, and what was taken away is refused there within a second; it is
// told all of it after a restart of either side, and lets nobody in before.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { machineToken, management, ok, sleep, startGatehouse, temporary, until } from './harness.mjs';
import { Lab, code } from './gateway_lab.mjs';
import { Helper } from './issuer_lab.mjs';

const rounds = process.env.GATEHOUSE_CAMPAIGN === '1' ? 100 : 8;
let g, api, dir, feed, config, helper, lab, follower, serial = 0;

const there = (token) => code(lab.get('/x', { token }));
const follow = async () => { helper = await Helper.start(dir, ['--config', config]); };

async function machine() {
  const m = {};
  const made = ok(await api.post('clients', { name: `machine-${++serial}`, app_type: 'non_interactive', grant_types: ['client_credentials'] }));
  Object.assign(m, { id: made.client_id, secret: made.client_secret });
  ok(await api.post('client-grants', { client_id: m.id, audience: g.audience, scope: ['models:list'] }));
  m.token = () => machineToken(g, { clientId: m.id, clientSecret: m.secret });
  return m;
}

before(async () => {
  g = await startGatehouse();
  api = await management(g);
  ok(await api.post('resource-servers', { identifier: g.audience, name: 'AI API', enforce_policies: true, token_dialect: 'access_token_authz', scopes: [{ value: 'models:list' }] }));
  follower = ok(await api.post('clients', { name: 'gateway 2', app_type: 'non_interactive', grant_types: ['client_credentials'] }));
  dir = temporary();
  fs.writeFileSync(path.join(dir, 'secret'), `${follower.client_secret}\n`, { mode: 0o600 });
  config = path.join(dir, 'feed.conf');
  fs.writeFileSync(config, `ca-file = ${g.env.SSL_CERT_FILE}\nissuer = ${g.issuer}\nclient-id = ${follower.client_id}\nclient-secret-file = ${path.join(dir, 'secret')}\n`);
  feed = path.join(dir, 'feeds', `${new URL(g.issuer).host.replace(':', '_')}.feed`);
});
after(async () => { await lab?.stop(); await helper?.stop(); await g?.stop(); });

const poll = async (query, token) => {
  const response = await fetch(`${g.origin}/gatehouse/changes${query}`, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  return { status: response.status, body: await response.json() };
};

test('who may not be told is told nothing', async () => {
  const other = await machine();
  ok(await api.post('client-grants', { client_id: other.id, audience: `${g.origin}/api/v2/`, scope: ['read:users'] }));
  const few = await machineToken(g, { clientId: other.id, clientSecret: other.secret, audience: `${g.origin}/api/v2/` });
  const rows = [
    ['no token', '', undefined, 401], ['noise', '', 'x.y.z', 400], ['a bad signature', '', `${api.token.slice(0, -8)}AAAAAAAA`, 401], ['a token for another API', '', await other.token(), 401], ['a token without the scope', '', few, 403],
    ['a number that is none', '?since=-1', api.token, 400], ['another', '?since=1e3', api.token, 400], ['a wait without end', '?wait=21', api.token, 400],
  ];
  for (const [what, query, token, status] of rows) {
    const reply = await poll(query, token);
    assert.equal(reply.status, status, what);
    assert.equal(reply.body.changes, undefined, what);
  }
  assert.equal((await fetch(`${g.origin}/gatehouse/changes`, { method: 'POST' })).status, 405);
});

test('changes come in order, once at their last place, and at once to who waits', async () => {
  const first = await poll('', api.token);
  assert.equal(first.status, 200);
  const { log, sequence } = first.body;
  const waiting = poll(`?since=${sequence}&log=${log}&wait=20`, api.token).then((reply) => ({ ...reply, at: Date.now() }));
  await sleep(200);
  const user = ok(await api.post('users', { connection: 'Username-Password-Authentication', email: 'a@example.com', password: 'Correct-Horse-Battery-9' })).user_id;
  ok(await api.patch(`users/${encodeURIComponent(user)}`, { blocked: true }));
  const told = Date.now(), news = await waiting;
  assert.ok(news.at - told < 1000);
  assert.deepEqual(news.body.changes.map(({ kind, a }) => [kind, a]), [['user', user]]);
  assert.ok(news.body.sequence > sequence);
  ok(await api.patch(`users/${encodeURIComponent(user)}`, { blocked: false }));
  ok(await api.patch(`users/${encodeURIComponent(user)}`, { blocked: true }));
  const all = (await poll(`?since=0&log=${log}`, api.token)).body;
  assert.equal(all.changes.filter(({ a }) => a === user).length, 1);
  assert.deepEqual((await poll(`?since=${all.sequence}&log=${log}&wait=0`, api.token)).body.changes, []);
  assert.deepEqual((await poll(`?since=${all.sequence}&log=1&wait=20`, api.token)).body.changes, all.changes, 'of another log everything is told');
  assert.deepEqual((await poll(`?since=999999&log=${log}&wait=20`, api.token)).body.changes, all.changes, 'a number from the future too');
});

test('without the right to be told there are no keys: nobody passes', async () => {
  await follow();
  assert.match(await helper.says('event=feed.changes_failed'), /error=no_permission/);
  lab = await Lab.start({
    feed: false, server: `gatehouse on; gatehouse_issuer ${g.issuer}; gatehouse_audience ${g.audience}; gatehouse_organization none; gatehouse_feed ${feed};
      gatehouse_permission models:list; location / { proxy_pass http://api; }`,
  });
  const m = await machine(), token = await m.token();
  await sleep(300);
  assert.equal(await there(token), '503 feed');
  ok(await api.post('client-grants', { client_id: follower.client_id, audience: `${g.origin}/api/v2/`, scope: ['read:gatehouse_changes'] }));
  await helper.says('event=feed.keys', 10000);
  await until('an answer', async () => (await there(token)) === 'ok');
});

test(`${rounds} revocations are refused on the other machine within a second`, async (t) => {
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const m = await machine(), bystander = i ? null : await machine(), token = await m.token(), other = bystander && (await bystander.token());
    assert.equal(await there(token), 'ok');
    const began = Date.now();
    ok(await api.delete(`clients/${m.id}`));
    const answered = Date.now();
    await until('the refusal', async () => (await there(token)) === '401 revoked', 2000);
    times.push(Date.now() - answered);
    assert.ok(Date.now() - began < 2000);
    if (other) assert.equal(await there(other), 'ok');
  }
  times.sort((a, b) => a - b);
  t.diagnostic(`ms after the call returned: median ${times[times.length >> 1]}, worst ${times.at(-1)}`);
  assert.ok(times.at(-1) < 1000, times.join());
});

test('what changed while the helper, or the tenant, was away is told when it is back', async () => {
  const [one, two, three] = [await machine(), await machine(), await machine()], tokens = await Promise.all([one, two, three].map((m) => m.token()));
  for (const token of tokens) assert.equal(await there(token), 'ok');
  await helper.stop('SIGKILL');
  ok(await api.delete(`clients/${one.id}`));
  await follow();
  await until('the first', async () => (await there(tokens[0])) === '401 revoked', 2000);
  assert.equal(await there(tokens[1]), 'ok');

  const tenant = g.pid('tenant');
  process.kill(tenant, 'SIGKILL');
  await until('the tenant to be back', async () => g.pid('tenant') !== tenant && (await fetch(`${g.origin}/readyz`)).status === 200);
  assert.equal(await there(tokens[1]), 'ok');
  ok(await api.delete(`clients/${two.id}`));
  await until('the second', async () => (await there(tokens[1])) === '401 revoked', 3000);

  await helper.stop();
  fs.rmSync(path.join(dir, 'feeds'), { recursive: true });
  await until('503', async () => (await there(tokens[2])) === '503 feed', 3000);
  await follow(); // a new feed has forgotten everybody: it is told of all before it has keys
  await until('an answer', async () => (await there(tokens[2])) !== '503 feed', 5000);
  assert.deepEqual(await Promise.all(tokens.map(there)), ['401 revoked', '401 revoked', 'ok']);
});

test('a tenant that cannot be heard: the gateway goes on, or not, as the configuration says', async () => {
  const m = await machine(), missed = await machine(), tokens = await Promise.all([m.token(), missed.token()]);
  for (const token of tokens) assert.equal(await there(token), 'ok');
  const management = `${g.origin}/api/v2/`;
  const grants = ok(await api.get(`client-grants?client_id=${follower.client_id}&audience=${encodeURIComponent(management)}`));
  const mute = () => api.delete(`client-grants/${grants[0].id}`);
  const heard = () => api.post('client-grants', { client_id: follower.client_id, audience: management, scope: ['read:gatehouse_changes'] });
  ok(await mute());
  await helper.says('level=warn event=feed.changes_failed');
  helper.later(3000);
  assert.match(await helper.says('level=error event=feed.changes_failed'), /error=no_permission/);
  for (const token of tokens) assert.equal(await there(token), 'ok');
  ok(await heard());
  await helper.stop();
  fs.appendFileSync(config, 'silence = 60\n');
  await follow();
  await helper.says('event=feed.keys');
  grants[0] = ok(await api.get(`client-grants?client_id=${follower.client_id}&audience=${encodeURIComponent(management)}`))[0];
  ok(await mute());
  await helper.says('event=feed.changes_failed', 25000);
  assert.equal(await there(tokens[0]), 'ok');
  helper.later(61);
  await helper.says('event=feed.keys_withdrawn');
  assert.equal(await there(tokens[0]), '503 feed');
  ok(await api.delete(`clients/${missed.id}`));
  ok(await heard());
  await until('an answer', async () => (await there(tokens[0])) === 'ok');
  assert.equal(await there(tokens[1]), '401 revoked');
});

test('the models of organizations and APIs are told too', async () => {
  const organization = ok(await api.post('organizations', { name: `o-${++serial}`, metadata: { ai_models: 'gpt-5' } })).id;
  const find = async () => (await poll('', api.token)).body.changes.find(({ kind, a }) => kind === 'models' && a === organization);
  assert.equal((await find()).text, 'gpt-5');
  ok(await api.patch(`organizations/${organization}`, { metadata: { ai_models: null } }));
  assert.equal((await find()).text, undefined);
});

test('of a tenant that tells no changes, as Auth0, organizations and APIs are read', async () => {
  const reader = ok(await api.post('clients', { name: 'reader', app_type: 'non_interactive', grant_types: ['client_credentials'] }));
  const place = temporary(), file = path.join(place, 'feed.conf');
  fs.writeFileSync(path.join(place, 'secret'), reader.client_secret, { mode: 0o600 });
  fs.writeFileSync(file, `ca-file = ${g.env.SSL_CERT_FILE}\nissuer = ${g.issuer}\norganizations = 10\nclient-id = ${reader.client_id}\nclient-secret-file = ${path.join(place, 'secret')}\n`);
  const chat = 'https://chat.example/';
  ok(await api.post('resource-servers', { identifier: chat, name: 'Chat', enforce_policies: true, token_dialect: 'access_token_authz', scopes: ['chat:invoke', 'model:*'].map((value) => ({ value })) }));
  const organizations = [];
  for (let i = 0; i < 103; i++) organizations.push(ok(await api.post('organizations', { name: `many-${i}`, metadata: i === 101 ? { ai_models: 'gpt-5' } : {} })).id);
  const m = await machine();
  const grant = ok(await api.post('client-grants', { client_id: m.id, audience: chat, scope: ['chat:invoke', 'model:*'], organization_usage: 'require' })).id;
  for (const at of [101, 102]) ok(await api.post(`organizations/${organizations[at]}/client-grants`, { grant_id: grant }));
  const [limited, free] = await Promise.all([101, 102].map((at) => machineToken(g, { clientId: m.id, clientSecret: m.secret, audience: chat, organization: organizations[at] })));
  const second = await Helper.start(place, ['--config', file]);
  const gate = await Lab.start({
    feed: false, server: `gatehouse on; gatehouse_issuer ${g.issuer}; gatehouse_audience ${chat}; gatehouse_organization any;
      gatehouse_feed ${path.join(place, 'feeds', path.basename(feed))}; gatehouse_routes openai; location /v1/ { proxy_pass http://api; }`,
  });
  const ask = (token, model) => code(gate.get('/v1/chat/completions', { token, method: 'POST', headers: ['Content-Type: application/json'], body: JSON.stringify({ model, messages: [] }) }));
  try {
    assert.match(await second.says('event=feed.changes_failed'), /error=no_permission/);
    assert.equal(await ask(free, 'gpt-4'), '503 feed');
    ok(await api.post('client-grants', { client_id: reader.client_id, audience: `${g.origin}/api/v2/`, scope: ['read:organizations', 'read:resource_servers'] }));
    await second.says('event=feed.keys', 10000);
    assert.deepEqual(await Promise.all([ask(free, 'gpt-4'), ask(limited, 'gpt-5')]), ['ok', 'ok']);
    assert.match(await ask(limited, 'gpt-4'), /^403 /);
    ok(await api.delete(`organizations/${organizations[102]}`));
    assert.equal(await ask(free, 'gpt-4'), 'ok', 'nobody has told yet');
    second.child.kill('SIGHUP'); // reads at once: also across this the organizations of before are known
    await until('the refusal', async () => (await ask(free, 'gpt-4')) === '401 revoked', 5000);
    assert.equal(await ask(limited, 'gpt-5'), 'ok');
  } finally {
    await second.stop();
    await gate.stop();
  }
});
