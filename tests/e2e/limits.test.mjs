// The limits of core/limits.h that a stranger meets in a request to the tenant: what is below passes, what is above is an error in the words of that API (docs/limits.md).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { management, ok, readReply, signIn, startGatehouse } from './harness.mjs';

const redirectUri = 'http://localhost:3000/callback';
const password = 'Correct-Horse-Battery-9';
const MB = 1 << 20;
let g, api, app;

const is = (reply, status, code) => assert.deepEqual([reply.status, reply.body.errorCode ?? reply.body.error], [status, code], reply.text.slice(0, 300));

before(async () => {
  g = await startGatehouse();
  api = await management(g);
  ok(await api.post('connections', { name: 'people', strategy: 'auth0' }));
  app = ok(await api.post('clients', { name: 'App', app_type: 'regular_web', callbacks: [redirectUri], grant_types: ['authorization_code'], oidc_conformant: true }));
  const connection = ok(await api.get('connections?name=people'))[0];
  ok(await api.patch(`connections/${connection.id}/clients`, [{ client_id: app.client_id, status: true }]));
});
after(async () => g?.stop());

const raw = async (where, options) => readReply(await fetch(`${g.origin}${where}`, { redirect: 'manual', ...options }));
const fill = (before, bytes, behind) => before + ' '.repeat(bytes - before.length - behind.length) + behind;

test('a body of 1 MiB is read, one byte more is 413', async () => {
  ok(await api.post('roles', fill('{"name":"just-fits"', MB, '}')));
  is(await api.post('roles', fill('{"name":"too-large"', MB + 1, '}')), 413, 'too_large');
  assert.equal(ok(await api.get('roles')).filter((r) => r.name === 'too-large').length, 0);
  const form = (bytes) => raw('/oauth/token', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'grant_type=x&client_id='.padEnd(bytes, 'a') });
  assert.equal((await form(MB)).status, 401); // read, and no such client
  assert.equal((await form(MB + 1)).status, 413);
  assert.equal((await form(2 * MB + 1)).status, 413); // nginx stops it
});

test('headers of 32 KiB are read, more are refused', async () => {
  const send = (bytes) => raw('/api/v2/roles', { headers: Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`x-filler-${i}`, 'a'.repeat(bytes / 4)])) });
  is(await send(31 * 1024), 401, 'Unauthorized');
  is(await send(33 * 1024), 431, 'too_large');
});

test('a request target of 8 KiB is read, a longer one is 414', async () => {
  const send = (bytes) => raw('/api/v2/roles?q='.padEnd(bytes, 'a'));
  is(await send(8192), 401, 'Unauthorized');
  is(await send(8193), 414, 'too_large');
  assert.equal((await send(40000)).status, 414); // nginx stops it
  const state = 's'.repeat(7000), back = await raw(`/authorize?response_type=token&client_id=${app.client_id}&redirect_uri=${encodeURIComponent(redirectUri)}&state=${state}`);
  assert.equal(new URL(back.headers.get('location')).searchParams.get('state'), state);
});

test('a text of 256 parameters is read, more are refused', async () => {
  const send = (n) => raw(`/authorize?${Array.from({ length: n }, (_, i) => `p${i}=1`).join('&')}`);
  assert.doesNotMatch((await send(256)).text, /too_large|larger/);
  assert.ok((await send(257)).status >= 400 && (await send(257)).status !== (await send(256)).status, `${(await send(256)).status} ${(await send(257)).status}`);
});

test('JSON is read to 32 levels', async () => {
  const nested = (levels) => `{"name":"deep-${levels}","metadata":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  const within = await api.post('organizations', nested(32)), beyond = await api.post('organizations', nested(33));
  is(within, 400, 'invalid_body'); // read, and metadata is no object
  assert.match(within.body.message, /on property metadata/);
  assert.ok([400, 413].includes(beyond.status), beyond.text);
  assert.doesNotMatch(beyond.body.message, /on property metadata/);
});

test('a bearer token of more than 16 KiB is 401, at the tenant and at the gateway', async () => {
  const token = (bytes) => `a.b.${'c'.repeat(bytes - 4)}`;
  for (const bytes of [16384, 16385]) {
    assert.equal((await raw('/api/v2/roles', { headers: { authorization: `Bearer ${token(bytes)}` } })).status, 401);
    assert.equal((await raw('/userinfo', { headers: { authorization: `Bearer ${token(bytes)}` } })).status, 401);
  }
  const gateway = async (bytes) => readReply(await fetch(`${g.gateway}/v1/models`, { headers: { authorization: `Bearer ${token(bytes)}` } }));
  assert.deepEqual([(await gateway(16384)).body.error.code, (await gateway(16385)).body.error.code], ['malformed', 'too_large']);
});

test('pages: 100 items at a time, 1,000 records by number', async () => {
  ok(await api.get('roles?per_page=100'));
  is(await api.get('roles?per_page=101'), 400, 'invalid_query_string');
  ok(await api.get('organizations?take=100'));
  is(await api.get('organizations?take=101'), 400, 'invalid_query_string');
  ok(await api.get('roles?per_page=100&page=10'));
  is(await api.get('roles?per_page=100&page=11'), 400, 'invalid_paging');
});

test('a search of 4 KiB and 32 parentheses is read, more is 400', async () => {
  const search = (q) => api.get(`users?search_engine=v3&q=${encodeURIComponent(q)}`);
  ok(await search('a'.repeat(4096)));
  ok(await search('!a'.repeat(2048)));
  is(await search('a'.repeat(4097)), 400, 'invalid_query_string');
  ok(await search(`${'('.repeat(32)}a${')'.repeat(32)}`));
  is(await search(`${'('.repeat(33)}a${')'.repeat(33)}`), 400, 'invalid_query_string');
});

test('a password of 1,024 bytes is one, a longer one is refused and never cut', async () => {
  const long = 'Aa1-'.repeat(256), create = (email, word) => api.post('users', { connection: 'people', email, password: word });
  ok(await create('long@example.com', long));
  is(await create('longer@example.com', `${long}x`), 400, 'invalid_body');
  const enter = (word) => signIn(g, { clientId: app.client_id, redirectUri, username: 'long@example.com', password: word, state: 's' });
  assert.match((await enter(`${long}x`)).reply.text, /Wrong email or password/);
  assert.match((await enter(long.slice(0, -1))).reply.text, /Wrong email or password/);
  assert.ok((await enter(long)).code);
});

test('an API has at most 1,000 permissions', async () => {
  const scopes = (n) => Array.from({ length: n }, (_, i) => ({ value: `p:${i}` }));
  ok(await api.post('resource-servers', { identifier: 'https://full.example', name: 'full', scopes: scopes(1000) }));
  const more = await api.post('resource-servers', { identifier: 'https://fuller.example', name: 'fuller', scopes: scopes(1001) });
  assert.equal(more.status, 400, more.text);
});

// Last, because what waits is left to wait: the tenant is stopped on top of it.
test('when 256 passwords wait to be hashed the next is 503 with Retry-After, and the tenant still answers', async () => {
  const abort = new AbortController(), answers = [];
  const all = Array.from({ length: 400 }, async (_, i) => {
    const reply = await readReply(await fetch(`${g.origin}/api/v2/users`, {
      method: 'POST', signal: abort.signal, headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ connection: 'people', email: `crowd${i}@example.com`, password }),
    }).catch(() => ({ text: () => '', headers: new Headers() })));
    answers.push(reply);
    return reply;
  });
  for (let i = 0; i < 1000 && !answers.some((a) => a.status === 503); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  const busy = answers.find((a) => a.status === 503);
  assert.ok(busy, `no 503 among ${answers.map((a) => a.status)}`);
  assert.equal(busy.body.statusCode, 503);
  assert.ok(Number(busy.headers.get('retry-after')) >= 1);
  ok(await api.get('roles'));
  assert.ok(answers.filter((a) => a.status === 503).length <= 400 - 256);
  abort.abort();
  await Promise.all(all);
  assert.deepEqual([...new Set(answers.map((a) => a.status).filter(Boolean))].sort(), [201, 503]);
});
