// tests/e2e/token.test.mjs - gatehouse token --device, against a tenant whose device endpoints are played by the proxy in front of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { startFaultProxy } from './fault_proxy.mjs';
import { gatehouse, startGatehouse } from './harness.mjs';

let g;
before(async () => { g = await startGatehouse(); });
after(() => g?.stop());

const answer = (status, body) => ({ status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const code = { device_code: 'dev1ce', user_code: 'ABCD-EFGH', verification_uri: 'https://tenant.example/activate', verification_uri_complete: 'https://tenant.example/activate?user_code=ABCD-EFGH', expires_in: 60, interval: 1 };

// Runs the flow: `begin` answers /oauth/device/code, `polls` one after the other /oauth/token.
async function flow(begin, polls, args = [], env = {}) {
  const forms = [], times = [], proxy = await startFaultProxy(g);
  proxy.before = ({ url, body }) => {
    forms.push([url, Object.fromEntries(new URLSearchParams(body))]);
    times.push(Date.now());
    return url === '/oauth/device/code' ? begin : polls.length > 1 ? polls.shift() : polls[0];
  };
  return new Promise((resolve) => {
    const child = spawn(gatehouse, ['token', '--device', ...args], { env: { ...g.childEnv, AUTH0_DOMAIN: proxy.domain, AUTH0_CLIENT_ID: 'public-client', AUTH0_CLIENT_SECRET: '', ...env } });
    let out = '', err = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('close', (status) => resolve({ status, out, err, forms, gaps: times.slice(1).map((t, i) => t - times[i]) }));
  }).finally(proxy.stop);
}
const pending = answer(403, { error: 'authorization_pending', error_description: 'User has yet to authorize device code.' });

test('the person is told where and what, and the token comes alone', async () => {
  const r = await flow(answer(200, code), [pending, answer(200, { access_token: 'a.b.c', token_type: 'Bearer' })],
    ['--audience', 'https://ai.example.com/v1', '--organization', 'org_1', '--scope', 'openid chat:invoke']);
  assert.deepEqual([r.status, r.out], [0, 'a.b.c\n'], r.err);
  assert.match(r.err, /^To sign in, open https:\/\/tenant\.example\/activate and type the code ABCD-EFGH\nor open https:\/\/tenant\.example\/activate\?user_code=ABCD-EFGH and compare the code\nWaiting …\n$/);
  assert.deepEqual(r.forms[0], ['/oauth/device/code', { client_id: 'public-client', audience: 'https://ai.example.com/v1', scope: 'openid chat:invoke', organization: 'org_1' }]);
  assert.deepEqual(r.forms[2], ['/oauth/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'dev1ce', client_id: 'public-client' }]);
  assert.ok(r.gaps.every((gap) => gap >= 950), r.gaps.join());
});

test('a broken connection does not end the wait; slow_down (with GATEHOUSE_CAMPAIGN=1: 5 s) is obeyed', async () => {
  const slow = process.env.GATEHOUSE_CAMPAIGN === '1' ? [answer(429, { error: 'slow_down' })] : [];
  const r = await flow(answer(200, code), ['reset', ...slow, answer(200, { access_token: 'later' })]);
  assert.deepEqual([r.status, r.out], [0, 'later\n'], r.err);
  assert.ok(r.gaps[1] >= 1900 && !(r.gaps[2] < 6900), r.gaps.join()); // twice the second, then five more
});

test('a code that never ends is waited for as long as any', async () => {
  const r = await flow(answer(200, { ...code, expires_in: 1e300 }), [pending, answer(200, { access_token: 'later' })]);
  assert.deepEqual([r.status, r.out], [0, 'later\n'], r.err);
});

test('what is no yes is no token', async () => {
  const rows = [
    [answer(200, code), [answer(403, { error: 'access_denied', error_description: 'User cancelled the confirmation prompt.' })], 3, /no token: User cancelled/],
    [answer(200, code), [answer(403, { error: 'expired_token' })], 9, /nobody typed the code in time/],
    [answer(200, { ...code, expires_in: 1 }), [pending], 9, /nobody typed the code in time/],
    [answer(200, code), [answer(200, { token_type: 'Bearer' })], 1, /the answer holds none/],
    [answer(200, code), [answer(200, { access_token: 'with blank' })], 1, /the answer holds none/],
    [answer(404, { error: 'Not Found' }), [pending], 1, /this tenant does not serve the device flow/],
    [answer(403, { error: 'unauthorized_client', error_description: 'Grant type not allowed' }), [pending], 3, /refused to begin: Grant type not allowed/],
    [answer(403, { error: 'access_denied', error_description: 'no\u009b2J\u0008\u0007' }), [pending], 3, /refused to begin: access_denied\n$/],
    [answer(200, { ...code, user_code: '\u001b[2JABCD' }), [pending], 1, /none of the device flow/],
    [answer(200, { ...code, verification_uri: 'javascript:alert(1)' }), [pending], 1, /none of the device flow/],
    [answer(200, []), [pending], 1, /none of the device flow/],
  ];
  const results = await Promise.all(rows.map(([begin, polls]) => flow(begin, polls)));
  for (const [i, [, , status, told]] of rows.entries()) {
    assert.deepEqual([results[i].status, results[i].out], [status, ''], results[i].err);
    assert.match(results[i].err, told);
  }
  const own = await new Promise((resolve) => { // our own tenant, for a client without that grant (with it: device.test.mjs)
    const child = spawn(gatehouse, ['token', '--device'], { env: g.childEnv });
    let err = '';
    child.stderr.on('data', (data) => (err += data));
    child.on('close', (status) => resolve({ status, err }));
  });
  assert.equal(own.status, 3);
  assert.match(own.err, /^error: the tenant refused to begin: Grant type 'urn:ietf:params:oauth:grant-type:device_code' not allowed for the client\.\n$/);
  const scope = spawn(gatehouse, ['token', '--scope', 'x'], { env: g.childEnv });
  assert.equal(await new Promise((resolve) => scope.on('close', resolve)), 2);
});
