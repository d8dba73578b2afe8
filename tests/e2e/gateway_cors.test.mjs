// Browsers of other origins: preflights are answered by the gateway and never reach the upstream; answers say who may read them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Lab, header, json, policy } from './gateway_lab.mjs';

const server = `gatehouse on; ${policy}
  location / { gatehouse_permission read:models; gatehouse_cors https://app.example.com http://localhost:3000; proxy_pass http://api; }
  location /any { gatehouse_permission read:models; gatehouse_cors *; proxy_pass http://api; }
  location /cookies { gatehouse_permission read:models; gatehouse_cookies keep; gatehouse_cors https://app.example.com credentials; proxy_pass http://api; }
  location /none { gatehouse_permission read:models; proxy_pass http://api; }`;
let lab, token;
before(async () => {
  lab = await Lab.start({ server });
  token = lab.key.token();
  lab.upstream.answer = () => ({ 'access-control-allow-origin': '*', 'Access-Control-Allow-Credentials': 'true' });
});
after(() => lab.stop());

const app = 'https://app.example.com';
const preflight = (target, origin, more = []) => lab.get(target, { method: 'OPTIONS', headers: [`Origin: ${origin}`, 'Access-Control-Request-Method: POST', ...more] });
const access = (reply) => Object.fromEntries(reply.headers.filter(([name]) => name.startsWith('access-control-')));

test('a preflight of a known origin is answered here', async () => {
  lab.upstream.hits.length = 0;
  const reply = await preflight('/v1/chat/completions', app, ['Access-Control-Request-Headers: authorization,content-type, x-stainless-os']);
  assert.equal(reply.status, 204);
  assert.deepEqual(access(reply), {
    'access-control-allow-headers': 'authorization,content-type, x-stainless-os', 'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'access-control-max-age': '600', 'access-control-allow-origin': app, 'access-control-expose-headers': 'X-Request-Id, WWW-Authenticate, Retry-After',
  });
  assert.equal(header(reply, 'vary'), 'Origin');
  assert.equal((await preflight('/x', 'http://localhost:3000')).status, 204);
  assert.equal(access(await preflight('/any/x', 'https://else.example'))['access-control-allow-origin'], '*');
  assert.equal(access(await preflight('/any/x', 'null'))['access-control-allow-origin'], '*');
  assert.equal(access(await preflight('/cookies', app))['access-control-allow-credentials'], 'true');
  assert.equal(lab.upstream.hits.length, 0);
});

test('others are refused, and told nothing', async () => {
  lab.upstream.hits.length = 0;
  const rows = [
    ['/x', 'https://evil.example'], ['/x', 'https://app.example.com.evil.example'], ['/x', 'https://APP.example.com'], ['/x', 'http://app.example.com'],
    ['/x', 'https://app.example.com:444'], ['/x', 'https://app.example.com/'], ['/x', 'null'], ['/x', `${app}, https://evil.example`],
    ['/x', app, [`Origin: ${app}`]], ['/x', app, ['Access-Control-Request-Method: GET']],
    ['/x', app, ['Access-Control-Request-Headers: x-gatehouse-subject']], ['/x', app, ['Access-Control-Request-Headers: a b']],
    ['/x', app, ['Access-Control-Request-Headers: ']], ['/x', app, [`Access-Control-Request-Headers: ${'x'.repeat(2049)}`]],
    ['/x', app, ['Access-Control-Request-Headers: a', 'Access-Control-Request-Headers: b']], ['/cookies', 'https://evil.example'],
  ];
  for (const [target, origin, more] of rows) {
    const reply = await preflight(target, origin, more);
    assert.equal(`${reply.status} ${json(reply)?.error.code}`, '403 wrong_origin', `${origin} ${more}`);
    if (origin !== app) assert.equal(access(reply)['access-control-allow-origin'], undefined);
  }
  assert.equal((await preflight('//x', app)).status, 400);
  assert.equal(lab.upstream.hits.length, 0);
});

test('what is no preflight needs a token', async () => {
  lab.upstream.hits.length = 0;
  const rows = [
    ['/x', []], ['/x', [`Origin: ${app}`]], ['/x', ['Access-Control-Request-Method: POST']],
    ['/none', [`Origin: ${app}`, 'Access-Control-Request-Method: POST']],
  ];
  for (const [target, headers] of rows) assert.equal((await lab.get(target, { method: 'OPTIONS', headers })).status, 401);
  assert.equal((await lab.get('/x', { method: 'GET', headers: [`Origin: ${app}`, 'Access-Control-Request-Method: POST'] })).status, 401);
  assert.equal(lab.upstream.hits.length, 0);
});

test('answers and refusals may be read by those origins, whatever the upstream says', async () => {
  for (const as of [token, 'x.y.z', undefined]) {
    const get = async (target, origin) => access(await lab.get(target, { token: as, headers: origin ? [`Origin: ${origin}`] : [] }));
    assert.deepEqual(await get('/x', app), { 'access-control-allow-origin': app, 'access-control-expose-headers': 'X-Request-Id, WWW-Authenticate, Retry-After' });
    assert.deepEqual(await get('/x', 'https://evil.example'), {});
    assert.deepEqual(await get('/x'), {});
    assert.equal((await get('/any', 'https://evil.example'))['access-control-allow-origin'], '*');
    assert.equal((await get('/any', 'https://evil.example'))['access-control-allow-credentials'], undefined);
    assert.equal((await get('/cookies', app))['access-control-allow-credentials'], 'true');
    assert.deepEqual(await get('/cookies', 'https://evil.example'), {});
  }
  assert.equal(header(await lab.get('/x', { token }), 'vary'), 'Origin');
  assert.equal(access(await lab.get('/none', { token, headers: [`Origin: ${app}`] }))['access-control-allow-origin'], '*'); // not ours to say
});

test('configurations that mean nothing do not start', () => {
  const file = path.join(lab.dir, 'nginx.conf'), before = fs.readFileSync(file);
  try {
    for (const line of ['* credentials', `* ${app}`, `${app} *`, 'app.example.com', `${app}/`, 'null', 'https://', 'https://App.example.com', 'credentials', `"${app} https://b"`]) {
      lab.write(`gatehouse on; ${policy} gatehouse_cors ${line}; location / { proxy_pass http://api; }`);
      assert.ok(!lab.check().ok, line);
    }
  } finally { fs.writeFileSync(file, before); }
});
