// The cache of opened tokens: it spares the signature and never the decision, nobody gets another's entry, garbage displaces nothing.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Key, Lab, header, issuer, json, now } from './gateway_lab.mjs';

const policy = (more = '') => `gatehouse on; gatehouse_issuer ${issuer}; gatehouse_audience https://api.example/; gatehouse_feed feed;
  gatehouse_leeway 0; add_header X-Cache $gatehouse_cache_status always; ${more}`;
const server = `${policy()} location / { gatehouse_permission read:models; proxy_pass http://api; }
  location /chat { gatehouse_permission chat:invoke; proxy_pass http://api; }
  location /other { gatehouse_audience https://other.example/; gatehouse_permission none; proxy_pass http://api; }
  location /org { gatehouse_organization org_b; gatehouse_permission none; proxy_pass http://api; }`;

// "200 HIT", "401 expired MISS"
async function said(lab, token, target = '/x') {
  const got = await lab.get(target, { token });
  return [got.status, json(got)?.error?.code, header(got, 'x-cache')].filter(Boolean).join(' ');
}

// Sends each token on one connection, many at a time, and counts the answers by their status line.
async function flood(lab, tokens, inFlight = 64) {
  const socket = net.connect(lab.socket), counts = {};
  let sent = 0, answered = 0, rest = '';
  await new Promise((resolve, reject) => {
    const more = () => {
      while (sent < tokens.length && sent - answered < inFlight) socket.write(`GET /x HTTP/1.1\r\nHost: gate.test\r\nAuthorization: Bearer ${tokens[sent++]}\r\n\r\n`);
    };
    socket.on('error', reject).on('close', resolve).on('data', (data) => {
      const text = rest + data.toString('latin1');
      const seen = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)];
      for (const [, status] of seen) counts[status] = (counts[status] ?? 0) + 1;
      rest = seen.length ? text.slice(Math.max(seen.at(-1).index + 13, text.length - 12)) : text.slice(-12);
      answered += seen.length;
      if (answered === tokens.length) return resolve();
      more();
    });
    more();
  });
  socket.destroy();
  return counts;
}

describe('the cache of opened tokens', () => {
  let lab;
  before(async () => { lab = await Lab.start({ server, workers: 2, http: 'keepalive_requests 1000000;' }); });
  after(() => lab.stop());

  test('a token is opened once, for all workers and routes; each route decides for itself', async () => {
    const token = lab.key.token();
    assert.equal(await said(lab, token), '200 MISS');
    for (let i = 0; i < 10; i++) assert.equal(await said(lab, token), '200 HIT');
    assert.equal(await said(lab, token, '/chat'), '403 no_permission HIT');
    assert.equal(await said(lab, token, '/other'), '401 wrong_audience HIT');
    assert.equal(await said(lab, token, '/org'), '403 wrong_organization HIT');
    assert.equal(await said(lab, token), '200 HIT');
  });

  test('the upstream learns the same from a hit', async () => {
    const token = lab.key.token({ sub: 'auth0|ü%', permissions: ['read:models', 'a b'] });
    const seen = [];
    for (let i = 0; i < 2; i++) {
      const got = json(await lab.get('/x', { token }));
      seen.push(Object.entries(got.headers).filter(([name]) => name.startsWith('x-gatehouse') && name !== 'x-gatehouse-request-id'));
    }
    assert.deepEqual(seen[1], seen[0]);
    assert.equal(seen[0].length, 4);
  });

  // what other gateways keyed by the first bytes of a token let in (CVE-2026-35030)
  for (const equal of [20, 64, 1000])
    test(`two tokens equal in their first ${equal} bytes and more are two`, async () => {
      const pad = 'p'.repeat(equal);
      const one = lab.key.token({ iss: issuer, 0: pad, sub: 'auth0|one' }), two = lab.key.token({ iss: issuer, 0: pad, sub: 'auth0|two' });
      assert.equal(one.slice(0, equal), two.slice(0, equal));
      assert.equal(await said(lab, one), '200 MISS');
      assert.equal(json(await lab.get('/x', { token: two })).headers['x-gatehouse-subject'], 'auth0|two');
      const forged = `${one.slice(0, -2)}${one.at(-2) === 'A' ? 'B' : 'A'}${one.at(-1)}`;
      assert.match(await said(lab, forged), /^401 bad_signature MISS$/);
      assert.match(await said(lab, forged), /^401 bad_signature REFUSED$/);
      for (const [token, sub] of [[one, 'auth0|one'], [two, 'auth0|two']])
        assert.equal(json(await lab.get('/x', { token })).headers['x-gatehouse-subject'], sub);
    });

  test('a token that expires while it is cached is refused in that second', async () => {
    const exp = now() + 3, token = lab.key.token({ exp });
    assert.equal(await said(lab, token), '200 MISS');
    while (Date.now() < exp * 1000 - 300) assert.equal(await said(lab, token), '200 HIT');
    await sleep(exp * 1000 + 20 - Date.now()); // nginx takes the time when it wakes
    for (let i = 0; i < 50; i++) assert.equal(await said(lab, token), '401 expired HIT');
  });

  test('a token that is not valid yet becomes valid', async () => {
    const nbf = now() + 2, token = lab.key.token({ nbf });
    assert.match(await said(lab, token), /^401 not_yet MISS$/);
    assert.match(await said(lab, token), /^401 not_yet HIT$/);
    await sleep(nbf * 1000 + 50 - Date.now());
    assert.equal(await said(lab, token), '200 HIT');
  });

  test('an expired token takes no place', async () => {
    const token = lab.key.token({ exp: now() - 5 });
    for (let i = 0; i < 3; i++) assert.equal(await said(lab, token), '401 expired MISS');
  });

  test('revocation with a hot cache: of 1,000 requests after the call none is admitted', async () => {
    const token = lab.key.token({ sub: 'auth0|hot', iat: now() - 10 });
    await said(lab, token);
    assert.equal(await said(lab, token), '200 HIT');
    await lab.feed.epoch('user', 'auth0|hot', '', now() - 10);
    assert.equal(await said(lab, token), '401 revoked HIT');
    assert.deepEqual(await flood(lab, Array(1000).fill(token)), { 401: 1000 });
  });

  test('other keys under the same kid: nothing opened with the old ones counts', async () => {
    const token = lab.key.token({ sub: 'auth0|keys' }), twin = new Key('k1');
    await said(lab, token);
    assert.equal(await said(lab, token), '200 HIT');
    await lab.feed.keys(issuer, [twin]);
    for (let i = 0; i < 10; i++) assert.match(await said(lab, token), /^401 bad_signature /);
    const unknown = new Key('k9'), early = unknown.token();
    assert.equal(await said(lab, early), '401 unknown_key MISS');
    assert.equal(await said(lab, early), '401 unknown_key REFUSED');
    await lab.feed.keys(issuer, [lab.key, unknown]);
    assert.equal(await said(lab, early), '200 MISS', 'a refusal outlived the keys');
    assert.equal(await said(lab, token), '200 MISS');
  });

  test('100,000 forged tokens displace no good one', { timeout: 120000 }, async (t) => {
    const good = Array.from({ length: 100 }, (_, i) => lab.key.token({ sub: `auth0|good${i}` }));
    for (const token of good) await said(lab, token);
    const [head, body] = lab.key.token({ sub: 'auth0|forged' }).split('.');
    const forged = Array.from({ length: 100000 }, (_, i) => `${head}.${body}.${Buffer.from(String(i).padStart(256, '0')).toString('base64url')}`);
    const start = Date.now();
    assert.deepEqual(await flood(lab, forged), { 401: 100000 });
    const seen = {};
    for (const token of good) { const what = await said(lab, token); seen[what] = (seen[what] ?? 0) + 1; }
    t.diagnostic(`${Math.round(1e8 / (Date.now() - start))} forged tokens a second`);
    assert.deepEqual(seen, { '200 HIT': 100 });
  });
});

test('two servers with other issuers and other feeds share no entry', async () => {
  const other = 'https://other.example/', lines = 'location / { gatehouse_permission read:models; proxy_pass http://api; }';
  const lab = await Lab.start({
    server: `${policy()} ${lines}`,
    http: `server { listen unix:other.sock; server_name other.test; ${policy().replace(issuer, other)} ${lines} }`,
  });
  try {
    await lab.feed.keys(other, [lab.key]);
    const token = lab.key.token(), at = (host) => said({ get: (target, how) => Lab.prototype.get.call({ socket: host }, target, how) }, token);
    assert.equal(await at(lab.socket), '200 MISS');
    assert.equal(await at(lab.socket), '200 HIT');
    const there = lab.socket.replace('gate.sock', 'other.sock');
    assert.equal(await at(there), '401 wrong_issuer MISS');
    assert.equal(await at(there), '401 wrong_issuer REFUSED');
    assert.equal(await at(lab.socket), '200 HIT');
  } finally { await lab.stop(); }
});

for (const [what, directive] of [['off', 'gatehouse_token_cache off;'], ['too small for what comes', 'gatehouse_token_cache 256k;']])
  test(`a cache that is ${what}: every answer is right, only later`, async () => {
    const lab = await Lab.start({ server, http: `${directive} keepalive_requests 100000;` });
    try {
      const tokens = Array.from({ length: 2500 }, (_, i) => lab.key.token({ sub: `auth0|many${i}`, ...(i % 2 ? {} : { permissions: [] }) }));
      for (let round = 0; round < 2; round++) assert.deepEqual(await flood(lab, tokens), { 200: 1250, 403: 1250 });
      assert.equal(await said(lab, tokens.at(-1)), what === 'off' ? '200' : '200 HIT');
    } finally { await lab.stop(); }
  });

describe('every algorithm, cold and warm, each key for its own only', () => {
  const names = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA'];
  let lab;
  const keys = names.map((alg) => new Key(`kid-${alg}`, alg));
  before(async () => { lab = await Lab.start({ server }); await lab.feed.keys(issuer, keys); });
  after(() => lab.stop());

  for (const [i, alg] of names.entries())
    test(alg, async () => {
      const token = keys[i].token();
      assert.equal(await said(lab, token), '200 MISS');
      assert.equal(await said(lab, token), '200 HIT');
      const [head, , signature] = token.split('.'), claims = keys[i].token({ sub: 'auth0|x' }).split('.')[1];
      assert.equal(await said(lab, `${head}.${claims}.${signature}`), '401 bad_signature MISS');
      for (const other of names.filter((name) => name !== alg)) assert.match(await said(lab, keys[i].token({}, { alg: other })), /^401 wrong_alg MISS$/, other);
      const stranger = new Key(keys[i].kid, alg);
      assert.equal(await said(lab, stranger.token()), '401 bad_signature MISS');
    });
});
