// X-Gatehouse-Identity: what the gateway signs for the upstream, checked by npm jose.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { until } from './harness.mjs';
import { Lab, audience, header, issuer, json, now, policy, raw } from './gateway_lab.mjs';

const signer = 'https://gateway.example/';
const pem = (curve = 'P-256', type = 'ec', options = { namedCurve: curve }) => crypto.generateKeyPairSync(type, options);
const privatePem = (pair) => pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
const strict = { issuer: signer, audience, typ: 'gatehouse-identity+jwt', algorithms: ['ES256'] };
const first = pem(), second = pem();
const seed = Number(process.env.GATEHOUSE_SEED ?? Math.floor(Math.random() * 2 ** 31));

let lab;
const write = (name, content, mode = 0o600) => { const file = path.join(lab.dir, name); fs.writeFileSync(file, content); fs.chmodSync(file, mode); };
const configure = (keyDirective) => lab.write(`gatehouse on; ${policy} ${keyDirective} gatehouse_forward_auth_from unix:;
  location = /ask { gatehouse_forward_auth nginx; }
  location = /jwks { gatehouse public; gatehouse_identity_jwks on; }
  location /public/ { gatehouse public; proxy_pass http://api; }
  location /second/ { gatehouse_audience https://second.example/; gatehouse_permission none; proxy_pass http://api; }
  location / { gatehouse_organization any; gatehouse_permission read:models; proxy_pass http://api; }`,
`server { listen unix:mixed.sock; ${policy} ${keyDirective} location /copied/ { gatehouse on; gatehouse_permission none; mirror /leak; proxy_pass http://api; } location /leak { proxy_pass http://api; } }`);
before(async () => {
  lab = await Lab.start({ server: 'location / { return 204; }' });
  write('first.pem', privatePem(first));
  write('second.pem', privatePem(second));
  write('second.pub', second.publicKey.export({ type: 'spki', format: 'pem' }));
  configure(`gatehouse_identity_key first.pem ${signer};`);
  await lab.reload();
});
after(() => lab?.stop());
beforeEach(() => { lab.upstream.hits.length = 0; lab.upstream.answer = () => ({}); });

const jwks = async () => json(await lab.get('/jwks'));
async function identity(target, options) {
  lab.upstream.hits.length = 0;
  const got = await lab.get(target, options);
  assert.equal(got.status, 200, got.body);
  return lab.upstream.hits[0].headers['x-gatehouse-identity'];
}
const check = async (token, more) => (await jwtVerify(token, createLocalJWKSet(await jwks()), { ...strict, ...more })).payload;

test('the key set is public, holds no private part, and only that', async () => {
  const got = await lab.get('/jwks');
  assert.equal(header(got, 'content-type'), 'application/jwk-set+json');
  assert.equal(header(got, 'cache-control'), 'public, max-age=300');
  const { keys } = json(got);
  const { x, y } = first.publicKey.export({ format: 'jwk' });
  assert.deepEqual(keys.map(({ kid, ...key }) => key), [{ use: 'sig', alg: 'ES256', kty: 'EC', crv: 'P-256', x, y }]);
  assert.equal(keys[0].kid.length, 43);
  for (const method of ['POST', 'DELETE']) assert.equal((await lab.get('/jwks', { method })).status, 405);
});

test('says who calls, for at most a minute', async () => {
  const token = await identity('/x', { token: lab.key.token({ permissions: ['read:models', 'a:b'] }) });
  const { iat, exp, ...claims } = await check(token);
  assert.deepEqual(claims, { iss: signer, aud: audience, sub: 'auth0|u1', org_id: 'org_acme', client_id: 'client_A', permissions: ['read:models', 'a:b'] });
  assert.ok(Math.abs(iat - now()) <= 2 && exp - iat === 60);
  const [{ kid }] = (await jwks()).keys;
  assert.deepEqual(decodeProtectedHeader(token), { alg: 'ES256', typ: 'gatehouse-identity+jwt', kid });
});

test('never for longer than the caller\'s own token, and absent claims stay absent', async () => {
  const exp = now() - 30; // within the leeway of 60 s
  const claims = await check(await identity('/x', { token: lab.key.token({ exp, azp: undefined }) }));
  assert.equal(claims.exp, exp + 60);
  assert.ok(!('client_id' in claims));
});

test('what an issuer writes into claims stays a claim', async () => {
  for (const sub of ['a"b', 'a\\', 'a\r\nX-Admin: 1', '","sub":"root', 'schlüssel 🔑', '\u2028', '\u0001', '%00']) {
    const claims = await check(await identity('/x', { token: lab.key.token({ sub, permissions: ['read:models', sub] }) }));
    assert.equal(claims.sub, sub);
    assert.deepEqual(claims.permissions, ['read:models', sub]);
  }
});

test(`signed once a token, and never told to another caller (seed ${seed})`, async () => {
  const tokens = Array.from({ length: 200 }, (_, i) => [`auth0|${i}`, lab.key.token({ sub: `auth0|${i}` })]);
  const keys = createLocalJWKSet(await jwks());
  const seen = new Map();
  let random = seed, again = 0;
  for (let i = 0; i < 600; i++) {
    random = (random * 1103515245 + 12345) % 2147483648;
    const [sub, token] = tokens[random % tokens.length];
    const got = await identity('/x', { token });
    if (seen.get(sub) === got) { again++; continue; }
    assert.equal((await jwtVerify(got, keys, strict)).payload.sub, sub);
    seen.set(sub, got);
  }
  assert.ok(again > 300, `${again} of 600 were known`); // 200 tokens in 1,024 places: a few share one
});

test('another audience, another token', async () => {
  const token = lab.key.token({ aud: [audience, 'https://second.example/'] });
  const [a, b] = [await identity('/x', { token }), await identity('/second/x', { token })];
  await check(a);
  await check(b, { audience: 'https://second.example/' });
  await assert.rejects(check(b), /aud/);
  assert.equal(await identity('/x', { token }), a);
});

describe('refused', () => {
  test('by the upstream: changed, of another key, of another type', async () => {
    const token = await identity('/x', { token: lab.key.token() });
    const [h, p, s] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(p, 'base64url')), sub: 'root' })).toString('base64url');
    await assert.rejects(check(`${h}.${forged}.${s}`), /signature/);
    const input = `${h}.${forged}`;
    await assert.rejects(check(`${input}.${crypto.sign('sha256', Buffer.from(input), { key: second.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`), /signature/);
    await assert.rejects(check(token, { typ: 'at+jwt' }), /typ/);
    await assert.rejects(check(token, { issuer }), /iss/);
  });
  test('by the gateway: it is no access token', async () => {
    const token = await identity('/x', { token: lab.key.token() });
    lab.upstream.hits.length = 0;
    assert.equal((await lab.get('/x', { token })).status, 401);
    assert.equal(lab.upstream.hits.length, 0);
  });
});

test('what a caller sends under that name goes away, in every spelling', async () => {
  const names = ['X-Gatehouse-Identity', 'x-gatehouse-identity', 'X-GATEHOUSE-IDENTITY', 'X_Gatehouse_Identity', 'X-Gatehouse_Identity', 'X-Gatehouse.Identity', 'X-Gatehouse-Identity2'];
  for (const name of names)
    for (const target of ['/x', '/public/x']) {
      lab.upstream.hits.length = 0;
      await lab.get(target, { token: lab.key.token(), headers: [`${name}: forged`, `${name}: forged`] });
      const seen = lab.upstream.hits[0].raw.filter((_, i, all) => i % 2 === 1 && /gatehouse.identity/i.test(all[i - 1]));
      assert.ok(!seen.includes('forged'), name);
      assert.equal(seen.length, target === '/x' ? 1 : 0, `${name} ${target}`);
    }
});

test('not on answers, not to where a mirror leads, not in the log; but by forward-auth', async () => {
  const token = lab.key.token();
  lab.upstream.answer = () => ({ 'x-gatehouse-identity': 'from upstream' });
  assert.equal(header(await lab.get('/x', { token }), 'x-gatehouse-identity'), undefined);
  lab.upstream.hits.length = 0;
  await raw(path.join(lab.dir, 'mixed.sock'), Buffer.from(`GET /copied/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`));
  const copy = await until('the copy', () => lab.upstream.hits.find((hit) => hit.target.startsWith('/leak')));
  assert.equal(copy.headers['x-gatehouse-identity'], undefined);
  const known = lab.upstream.hits.find((hit) => hit.target === '/copied/x').headers['x-gatehouse-identity'];
  await check(known);
  const asked = await lab.get('/ask', { token, headers: ['X-Original-URI: /x', 'X-Original-Method: GET', 'X-Gatehouse-Identity: forged'] });
  assert.equal(asked.status, 200);
  assert.equal((await check(header(asked, 'x-gatehouse-identity'))).sub, 'auth0|u1');
  assert.ok(!lab.log.includes(known.split('.')[2]));
});

test('a change of keys: the old one is published as long as it is named', async () => {
  const old = await identity('/x', { token: lab.key.token() });
  configure(`gatehouse_identity_key second.pem ${signer} first.pem;`);
  await lab.reload();
  const fresh = await identity('/x', { token: lab.key.token() });
  await check(old);
  await check(fresh);
  assert.equal((await jwks()).keys.length, 2);
  configure(`gatehouse_identity_key first.pem ${signer} second.pub;`);
  await lab.reload();
  await check(fresh);
  configure(`gatehouse_identity_key first.pem ${signer};`);
  await lab.reload();
  await assert.rejects(check(fresh), /no applicable key/);
});

describe('what does not start', () => {
  const rows = [
    ['no file', 'gone.pem', undefined, /cannot be opened/],
    ['readable by others', 'loose.pem', () => [privatePem(first), 0o644], /must be a file of root/],
    ['P-384', 'p384.pem', () => [privatePem(pem('P-384'))], /must be a P-256 key/],
    ['secp256k1', 'k1.pem', () => [privatePem(pem('secp256k1'))], /must be a P-256 key/],
    ['RSA', 'rsa.pem', () => [privatePem(pem('', 'rsa', { modulusLength: 2048 }))], /must be a P-256 key/],
    ['Ed25519', 'ed.pem', () => [privatePem(pem('', 'ed25519', {}))], /must be a P-256 key/],
    ['behind a passphrase', 'locked.pem', () => [first.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })], /without a passphrase/],
    ['a public key to sign with', 'second.pub', undefined, /must be a P-256 key/],
    ['no key at all', 'text.pem', () => ['hello'], /must be a P-256 key/],
    ['empty', 'empty.pem', () => [''], /must be a P-256 key/],
    ['far too long', 'long.pem', () => [`${privatePem(first)}${'x'.repeat(20000)}`], /must be a P-256 key/],
  ];
  for (const [what, file, make, message] of rows)
    test(`the key: ${what}`, () => {
      if (make) write(file, ...make());
      configure(`gatehouse_identity_key ${file} ${signer};`);
      const { ok, text } = lab.check();
      assert.ok(!ok, 'it started');
      assert.match(text, message);
    });
  for (const [what, config, message] of [
    ['the issuer of the tenant', `gatehouse on; ${policy} gatehouse_identity_key first.pem ${issuer};`, /needs an issuer of its own/],
    ['no issuer', 'gatehouse_identity_key first.pem;', /number of arguments/],
    ['an issuer with a quote', `gatehouse_identity_key first.pem 'a"b';`, /visible ASCII/],
    ['twice', `gatehouse_identity_key first.pem ${signer}; gatehouse_identity_key first.pem ${signer};`, /duplicate/],
    ['a key set without a key', 'location /j { gatehouse_identity_jwks on; }', /needs "gatehouse_identity_key"/],
    ['a bad old key', `gatehouse_identity_key first.pem ${signer} text.pem;`, /must be a P-256 key/],
  ])
    test(what, () => {
      lab.write(config);
      const { ok, text } = lab.check();
      assert.ok(!ok, 'it started');
      assert.match(text, message);
    });
});
