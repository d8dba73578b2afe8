// What the gateway must know now: revocation is effective with the next request, key rotation too; a feed that is missing or damaged
// is 503 and never a yes; reloads lose nothing.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from './harness.mjs';
import { Feed, Key, Lab, code, header, issuer, json, now, policy } from './gateway_lab.mjs';

const server = `gatehouse on; ${policy} gatehouse_organization any; location / { gatehouse_permission read:models; proxy_pass http://api; }`.replace('gatehouse_organization org_acme;', '');

describe('revocation', () => {
  let lab;
  before(async () => { lab = await Lab.start({ server, workers: 2 }); });
  after(() => lab.stop());

  const t = now() - 30;
  const claims = (more) => ({ iat: t, ...more });
  const rows = [
    ['a user', ['user', 'auth0|gone', ''], { sub: 'auth0|gone' }, { sub: 'auth0|stays' }],
    ['an organization', ['organization', 'org_gone', ''], { org_id: 'org_gone' }, { org_id: 'org_stays' }],
    ['a client', ['client', 'client_gone', ''], { azp: 'client_gone' }, { azp: 'client_stays' }],
    ['a member', ['member', 'org_acme', 'auth0|left'], { sub: 'auth0|left' }, { sub: 'auth0|left', org_id: 'org_b' }],
    ['a grant of one client', ['grant', 'client_gone2', 'auth0|granted'], { sub: 'auth0|granted', azp: 'client_gone2' }, { sub: 'auth0|granted', azp: 'client_other' }],
    ['one token', ['token', 'jti-1', ''], { jti: 'jti-1' }, { jti: 'jti-2' }],
  ];
  for (const [what, key, gone, stays] of rows)
    test(`${what}: the next request is refused, others and newer tokens are not`, async () => {
      const old = lab.key.token(claims(gone)), other = lab.key.token(claims(stays)), newer = lab.key.token(claims({ ...gone, iat: t + 1 }));
      for (const token of [old, other, newer]) assert.equal(await code(lab.get('/x', { token })), 'ok');
      await lab.feed.epoch(...key, t);
      lab.upstream.hits.length = 0;
      for (let i = 0; i < 20; i++) assert.equal(await code(lab.get('/x', { token: old })), '401 revoked');
      assert.equal(lab.upstream.hits.length, 0);
      for (const token of [other, newer]) assert.equal(await code(lab.get('/x', { token })), 'ok');
    });

  test('store, then request: never a stale yes', async () => {
    for (let i = 0; i < 200; i++) {
      const token = lab.key.token(claims({ sub: `auth0|n${i}` }));
      await lab.feed.epoch('user', `auth0|n${i}`, '', t);
      assert.equal(await code(lab.get('/x', { token })), '401 revoked', `round ${i}`);
    }
  });

  test('a suspended organization is shut out and comes back', async () => {
    const token = lab.key.token(claims({ org_id: 'org_s' }));
    await lab.feed.epoch('suspended', 'org_s', '', 1);
    assert.match(await code(lab.get('/x', { token })), /^40[13] /);
    await lab.feed.epoch('suspended', 'org_s', '', 0);
    assert.equal(await code(lab.get('/x', { token })), 'ok');
  });

  test('keys are exchanged without a reload', async () => {
    const next = new Key('k2'), token = lab.key.token(), newer = next.token();
    assert.equal(await code(lab.get('/x', { token: newer })), '401 unknown_key');
    await lab.feed.keys(issuer, [lab.key, next]);
    for (let i = 0; i < 8; i++) for (const one of [token, newer]) assert.equal(await code(lab.get('/x', { token: one })), 'ok');
    await lab.feed.keys(issuer, [next]);
    for (let i = 0; i < 8; i++) assert.equal(await code(lab.get('/x', { token })), '401 unknown_key');
    await lab.feed.put('keys', issuer, '{"keys":[{"kty":"oct","k":"AAAA","kid":"k1"}]}');
    for (const one of [token, newer]) assert.equal(await code(lab.get('/x', { token: one })), '503 feed');
    await lab.feed.keys(issuer, [lab.key]);
    assert.equal(await code(lab.get('/x', { token })), 'ok');
  });

  test('the keys of another issuer in the same feed are not tried', async () => {
    const foreign = new Key('k1');
    await lab.feed.keys('https://other.example/', [foreign]);
    assert.equal(await code(lab.get('/x', { token: foreign.token() })), '401 bad_signature');
    assert.equal(await code(lab.get('/x', { token: foreign.token({ iss: 'https://other.example/' }) })), '401 wrong_issuer');
  });

  test('the global epoch ends everything before it', async () => {
    await lab.feed.epoch('global', '', '', now());
    assert.equal(await code(lab.get('/x', { token: lab.key.token({ iat: now() - 1 }) })), '401 revoked');
  });
});

// The word behind the magic.
function setVersion(file, version) {
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, Buffer.from([version, 0, 0, 0]), 0, 4, 8);
  fs.closeSync(fd);
}

describe('a feed that cannot be trusted', () => {
  const cases = {
    'is missing': (file) => fs.rmSync(file),
    'is empty': (file) => fs.writeFileSync(file, ''),
    'holds noise': (file) => fs.writeFileSync(file, Buffer.alloc(1 << 20, 'noise')),
    'was cut before the start': (file) => fs.truncateSync(file, 4096),
    'is of another version': (file) => setVersion(file, 2),
    'is a folder': (file) => { fs.rmSync(file); fs.mkdirSync(file); },
  };
  for (const [what, damage] of Object.entries(cases))
    test(`${what}: 503 with Retry-After, and nginx starts`, async () => {
      const lab = await Lab.start({ server: 'location / { return 204; }' });
      try {
        await lab.feed.close();
        damage(path.join(lab.dir, 'feed'));
        lab.write(server);
        await lab.reload();
        for (const token of [lab.key.token(), 'x', undefined]) {
          const got = await lab.get('/x', { token });
          assert.equal(got.status, 503);
          assert.equal(header(got, 'retry-after'), '1');
          assert.equal(json(got).error.type, 'server_error');
        }
        assert.equal(lab.upstream.hits.length, 0);
        await until('the log line', () => lab.log.includes('status=503 rule=feed'));
      } finally { await lab.stop(); }
    });

  for (const [what, damage] of [
    ['zeroed', (file, size) => fs.writeFileSync(fs.openSync(file, 'r+'), Buffer.alloc(size))],
    ['cut to nothing', (file) => fs.truncateSync(file, 0)],
    ['cut to a page', (file) => fs.truncateSync(file, 4096)],
    ['cut in the middle', (file, size) => fs.truncateSync(file, Math.floor(size / 2))],
  ])
    test(`${what} while it is used: 503, no worker dies`, async () => {
      const lab = await Lab.start({ server });
      try {
        const token = lab.key.token(), file = path.join(lab.dir, 'feed');
        assert.equal(await code(lab.get('/x', { token })), 'ok');
        const workers = lab.workers.join();
        await lab.feed.close();
        damage(file, fs.statSync(file).size);
        // what a request needs may lie in the part that is left: then the cut is found within a second
        await until('503', async () => (await code(lab.get('/x', { token }))) === '503 feed', 2500);
        lab.upstream.hits.length = 0;
        for (let i = 0; i < 5; i++) assert.equal(await code(lab.get('/x', { token })), '503 feed');
        assert.equal(lab.upstream.hits.length, 0);
        assert.equal(lab.workers.join(), workers, `a worker died:\n${lab.log}`);
      } finally { await lab.stop(); }
    });

  for (const [what, replace] of [
    ['renamed over', (file) => { fs.copyFileSync(file, `${file}.new`); fs.renameSync(`${file}.new`, file); }],
    ['deleted and made anew', (file) => fs.rmSync(file)],
  ])
    test(`${what} while it is used: the new one counts within two seconds, never the old one for ever`, async () => {
      const lab = await Lab.start({ server });
      try {
        const token = lab.key.token({ iat: now() - 10 }), file = path.join(lab.dir, 'feed');
        assert.equal(await code(lab.get('/x', { token })), 'ok');
        await lab.feed.close();
        replace(file);
        lab.feed = new Feed(file);
        await lab.feed.keys(issuer, [lab.key]);
        await lab.feed.epoch('user', 'auth0|u1', '', now());
        await until('the revocation in the new file', async () => (await code(lab.get('/x', { token }))) === '401 revoked', 3000);
      } finally { await lab.stop(); }
    });

  test('replaced by one of another version while it is used: 503 within two seconds, no worker dies', async () => {
    const lab = await Lab.start({ server });
    try {
      const token = lab.key.token(), file = path.join(lab.dir, 'feed');
      assert.equal(await code(lab.get('/x', { token })), 'ok');
      const workers = lab.workers.join();
      await lab.feed.close();
      fs.copyFileSync(file, `${file}.new`);
      setVersion(`${file}.new`, 2);
      fs.renameSync(`${file}.new`, file);
      await until('503', async () => (await code(lab.get('/x', { token }))) === '503 feed', 3000);
      assert.equal(lab.workers.join(), workers);
    } finally { await lab.stop(); }
  });

  test('deleted while it is used: 503 within two seconds', async () => {
    const lab = await Lab.start({ server });
    try {
      const token = lab.key.token();
      assert.equal(await code(lab.get('/x', { token })), 'ok');
      await lab.feed.close();
      fs.rmSync(path.join(lab.dir, 'feed'));
      await until('503', async () => (await code(lab.get('/x', { token }))) === '503 feed', 3000);
    } finally { await lab.stop(); }
  });

  test('a feed that appears later is taken up within a second or two', async () => {
    const lab = await Lab.start({ server, feed: false });
    try {
      const token = lab.key.token();
      assert.equal(await code(lab.get('/x', { token })), '503 feed');
      lab.feed = new Feed(path.join(lab.dir, 'feed'));
      await lab.feed.keys(issuer, [lab.key]);
      await until('the feed to be used', async () => (await code(lab.get('/x', { token }))) === 'ok');
    } finally { await lab.stop(); }
  });
});

test('20 reloads under load: no request fails, no decision is wrong', async (t) => {
  const lab = await Lab.start({ server, workers: 2 });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const good = lab.key.token(), bad = lab.key.token({ permissions: [] });
  let stop = false, count = 0;
  // a worker that ends closes the connections on which it has seen no request; one that meets such a close is sent again, as clients do
  const once = (token) => new Promise((resolve, reject) => {
    const request = http.get({ socketPath: lab.socket, path: '/x', agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    request.on('error', (error) => (/^(ECONNRESET|EPIPE)$/.test(error.code) ? resolve(once(token)) : reject(error)));
  });
  try {
    const load = Array.from({ length: 8 }, async (_, n) => {
      while (!stop) {
        assert.equal(await once(n % 2 ? good : bad), n % 2 ? 200 : 403);
        count++;
      }
    });
    await Promise.all([...load, (async () => { for (let i = 0; i < 20; i++) await lab.reload(); stop = true; })()]);
    t.diagnostic(`${count} requests over 20 reloads`);
    assert.ok(count > 200);
  } finally {
    agent.destroy();
    await lab.stop();
  }
});
