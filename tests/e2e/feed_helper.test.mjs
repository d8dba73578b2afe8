// `gatehouse feed`: keys come by discovery and go into the feed; an unknown key is asked for at most once in 30 seconds however many come; an
// issuer that is away or hostile changes nothing; restart, reload and stop lose nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gatehouse, sleep, temporary, until } from './harness.mjs';
import { Key, Lab, audience, code } from './gateway_lab.mjs';
import { Helper, Issuer, feedOf } from './issuer_lab.mjs';

const campaign = process.env.GATEHOUSE_CAMPAIGN === '1';
const stranger = new Key('o', 'ES256');
const day = 24 * 3600, many = campaign ? 10000 : 500;

const policyOf = (...issuers) => `gatehouse on; gatehouse_audience ${audience}; gatehouse_organization any; gatehouse_permission read:models;
  ${issuers.map(([issuer, feed]) => `gatehouse_issuer ${issuer.url}; gatehouse_feed ${feed};`).join('\n')} location / { proxy_pass http://api; }`;

describe('an issuer, its helper and a gateway', () => {
  let issuer, helper, lab, dir;
  before(async () => {
    dir = temporary();
    issuer = await Issuer.start();
    helper = await Helper.start(dir, ['--issuer', issuer.url, '--ca-file', issuer.ca]);
    await helper.says('event=feed.keys');
    lab = await Lab.start({ server: policyOf([issuer, feedOf(dir, issuer)]), feed: false, workers: 2 });
  });
  after(async () => { await lab.stop(); await helper.stop(); issuer.close(); });
  const ask = (token) => code(lab.get('/x', { token }));

  test('its tokens pass, those of others do not', async () => {
    assert.deepEqual(issuer.hits, ['/.well-known/openid-configuration', '/jwks']);
    assert.equal(await ask(issuer.token(issuer.keys[0])), 'ok');
    assert.equal(await ask(issuer.token(new Key('k1'))), '401 bad_signature');
    assert.equal(await ask(issuer.keys[0].token({ iss: 'https://elsewhere.example/' })), '401 wrong_issuer');
  });

  test(`${many} unknown keys cause no more than one fetch in 30 seconds, and then find the new key`, async (t) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 32 }), some = new Key('k1');
    const flood = (count) => Promise.all(Array.from({ length: 32 }, async (_, n) => {
      for (let i = n; i < count; i += 32) {
        // the signature is never looked at: each has a kid, and so a hash, of its own
        const token = `${Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'JWT', kid: `x${i}-${Math.random()}` })).toString('base64url')}.${flooding}`;
        const status = await new Promise((resolve, reject) => http.get({ socketPath: lab.socket, path: '/x', agent, headers: { authorization: `Bearer ${token}` } },
          (response) => response.resume().on('end', () => resolve(response.statusCode))).on('error', reject));
        assert.equal(status, 401);
      }
    }));
    const flooding = issuer.token(some).split('.').slice(1).join('.');
    try {
      issuer.keys.push(new Key('k2', 'ES256'));
      const before = issuer.fetches();
      await flood(many);
      await sleep(250); // more than two looks at the bell
      assert.equal(issuer.fetches(), before, 'fetched within 30 s of the last time');
      assert.equal(await ask(issuer.token(issuer.keys[1])), '401 unknown_key');
      helper.later(31);
      await helper.says('event=feed.keys');
      await flood(many / 10);
      await sleep(250);
      assert.equal(issuer.fetches(), before + 1);
      await until('the new key', async () => (await ask(issuer.token(issuer.keys[1]))) === 'ok');
      t.diagnostic(`${many * 1.1} unknown keys over 31 s: ${issuer.fetches() - before} fetch`);
      helper.later(31); // and of the last thousand
      await helper.says('event=feed.keys');
      assert.equal(issuer.fetches(), before + 2);
    } finally { agent.destroy(); }
  });

  test('a key that is taken out of the set is refused after the next refresh', async () => {
    const [gone] = issuer.keys.splice(0, 1);
    helper.later(3601);
    await helper.says('keys=1');
    await until('the refusal', async () => (await ask(issuer.token(gone))) === '401 unknown_key');
    assert.equal(await ask(issuer.token(issuer.keys[0])), 'ok');
  });

  const jwk = () => issuer.keys[0].jwk;
  const oct = { kty: 'oct', kid: 'o', alg: 'HS256', k: 'c2VjcmV0' };
  const discovery = (changes) => ({ '/.well-known/openid-configuration': issuer.json({ issuer: issuer.url, jwks_uri: `${issuer.url}jwks`, ...changes }) });
  const jwks = (body, status) => ({ '/jwks': issuer.json(body, status) });
  const rows = [
    ['a private key in the set', () => jwks({ keys: [jwk(), { ...issuer.keys[0].privateKey.export({ format: 'jwk' }), kid: 'p', alg: 'ES256' }] }), /shows a private or symmetric key/],
    ['a symmetric key in the set', () => jwks({ keys: [jwk(), oct] }), /shows a private or symmetric key/],
    ['one kid twice', () => jwks({ keys: [jwk(), { ...new Key('x', 'ES256').jwk, kid: jwk().kid }] }), /is not well formed/],
    ['a page', () => ({ '/jwks': (request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>') }), /is not well formed/],
    ['nothing', () => jwks(''), /is not well formed/],
    ['no set', () => jwks({ jwks: [jwk()] }), /is not well formed/],
    ['a member twice', () => jwks(`{"keys":[${JSON.stringify(jwk())}],"keys":[]}`), /is not well formed/],
    ['101 keys', () => jwks({ keys: Array.from({ length: 101 }, (_, n) => ({ ...jwk(), kid: `n${n}` })) }), /is larger/],
    ['300 KB', () => jwks({ keys: [jwk()], pad: 'x'.repeat(300000) }), /error=too_large/],
    ['levels without end', () => jwks(`{"keys":${'['.repeat(100000)}`), /error=(too_large|malformed)/],
    ['500', () => jwks({ keys: [jwk()] }, 500), /answered 500/],
    ['404', () => jwks({ keys: [jwk()] }, 404), /answered 404/],
    ['a redirect to a good set', () => ({ '/good': issuer.json(issuer.jwks), '/jwks': (request, response) => response.writeHead(302, { location: '/good' }).end() }), /answered 302/],
    ['half an answer', () => ({ '/jwks': (request, response) => { response.writeHead(200, { 'content-length': 5000 }); response.write('{"keys":['); setTimeout(() => response.destroy(), 20); } }), /error=io/],
    ['compressed bytes that nobody asked for', () => ({ '/jwks': (request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.from('1f8b0800', 'hex')) }), /is not well formed/],
    ['discovery that speaks for another issuer', () => discovery({ issuer: 'https://other.example/' }), /speaks for another issuer/],
    ['discovery without the final slash', () => discovery({ issuer: issuer.url.slice(0, -1) }), /speaks for another issuer/],
    ['keys over http', () => discovery({ jwks_uri: `http://localhost:${issuer.port}/jwks` }), /jwks_uri is not https/],
    ['keys in a file', () => discovery({ jwks_uri: 'file:///etc/passwd' }), /jwks_uri is not https/],
    ['keys at another service of this machine', () => discovery({ jwks_uri: `https://127.0.0.1:${issuer.port}/jwks` }), /error=forbidden_address/],
    ['keys at the metadata service of a cloud', () => discovery({ jwks_uri: 'https://169.254.169.254/jwks' }), /error=forbidden_address/],
  ];
  if (campaign) rows.push(['one byte a second', () => ({ '/jwks': (request, response) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write(' '), 1000);
    response.on('close', () => clearInterval(drip));
  } }), /error=timeout/]);

  for (const [what, answers, message] of rows)
    test(`${what}: refused, the last good keys stay`, async () => {
      const token = issuer.token(issuer.keys[0]), good = issuer.answer;
      assert.equal(await ask(token), 'ok');
      issuer.answer = { ...good, ...answers() };
      helper.later(3700);
      const line = await helper.says('event=feed.fetch_failed', 15000);
      assert.match(line, message);
      assert.match(line, /level=warn/);
      assert.equal(issuer.hits.includes('/good'), false);
      assert.equal(await ask(token), 'ok');
      assert.equal(await ask(issuer.token(stranger)), '401 unknown_key');
      issuer.answer = good;
    });

  test('weak and broken keys beside a good one are left out, and said', async () => {
    const weak = crypto.generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const off = { ...new Key('off', 'ES256').jwk, y: jwk().y };
    helper.later(3700);
    await helper.says('event=feed.keys');
    const good = issuer.answer;
    issuer.answer = { ...good, ...jwks({ keys: [{ ...weak, kid: 'weak', alg: 'RS256' }, off, jwk(), { kty: 'AKP', kid: 'pq', alg: 'ML-DSA-44' }] }) };
    helper.later(3700);
    assert.match(await helper.says('event=feed.keys'), /keys=1 left_out=2/);
    assert.equal(await ask(issuer.token(issuer.keys[0])), 'ok');
    issuer.answer = good;
  });

  test('the issuer is away for a day: its keys are served, an alarm is logged, once an hour', async () => {
    const token = issuer.token(issuer.keys[0]);
    await issuer.down();
    helper.later(day);
    assert.match(await helper.says('event=feed.keys_stale'), /level=error .*age_s=8\d{4}/);
    for (let i = 0; i < 5; i++) assert.equal(await ask(token), 'ok');
    helper.later(600);
    await helper.says('event=feed.fetch_failed');
    await sleep(250);
    assert.equal(helper.log.split('event=feed.keys_stale').length, 2, 'alarmed again within the hour');
    helper.later(3600);
    await helper.says('event=feed.keys_stale');
    assert.equal(await ask(token), 'ok');
  });

  test('started again while the issuer is away: the feed is as it was; lost with its file, the keys come from the other one', async () => {
    const token = issuer.token(issuer.keys[0]);
    assert.equal((await helper.stop('SIGKILL')).signal, 'SIGKILL');
    helper = await Helper.start(dir, ['--issuer', issuer.url, '--ca-file', issuer.ca]);
    assert.equal(await ask(token), 'ok');
    await helper.stop();
    fs.rmSync(feedOf(dir, issuer));
    await until('503', async () => (await ask(token)) === '503 feed', 3000);
    helper = await Helper.start(dir, ['--issuer', issuer.url, '--ca-file', issuer.ca]);
    await until('an answer', async () => (await ask(token)) === 'ok', 3000);
    await issuer.up();
    helper.later(400);
    await helper.says('event=feed.keys');
  });

  test('a second helper on the same folder is refused', async () => {
    const second = spawnSync(gatehouse, ['feed', '--data', path.join(dir, 'feeds'), '--issuer', issuer.url], { encoding: 'utf8' });
    assert.equal(second.status, 1);
    assert.match(second.stderr, /another process writes its feed/);
  });
});

test('RFC 8414 where there is no OpenID document; the keys of the operator\'s own address; reload and stop', async () => {
  const dir = temporary(), [one, two] = [await Issuer.start(), await Issuer.start()];
  const file = path.join(dir, 'feed.conf');
  const write = (text) => fs.writeFileSync(file, `# who is followed\nca-file = ${one.ca}\n${text}`);
  one.answer = { '/.well-known/oauth-authorization-server': one.answer['/.well-known/openid-configuration'], '/jwks': one.answer['/jwks'] };
  two.answer = { '/elsewhere/keys': two.answer['/jwks'] };
  write(`issuer = ${one.url}\n`);
  const helper = await Helper.start(dir, ['--config', file]);
  const lab = await Lab.start({ server: policyOf([one, feedOf(dir, one)], [two, feedOf(dir, two)]), feed: false });
  const ask = (issuer) => code(lab.get('/x', { token: issuer.token(issuer.keys[0]) }));
  try {
    await helper.says('event=feed.keys');
    assert.equal(await ask(one), '503 feed'); // of two files one is missing
    write('issuer = nonsense\n');
    helper.child.kill('SIGHUP');
    assert.match(await helper.says('event=feed.reload_failed'), /as before/);
    write(`issuer = ${one.url}\nissuer = ${two.url}\njwks = ${two.url}elsewhere/keys\n`);
    helper.child.kill('SIGHUP');
    await helper.says('event=feed.ready');
    await until('both', async () => (await ask(one)) === 'ok' && (await ask(two)) === 'ok');
    assert.deepEqual(two.hits, ['/elsewhere/keys']);
    two.answer = { '/elsewhere/keys': () => {} }; // never answers
    helper.later(3700);
    await until('the call', () => two.fetches('/elsewhere/keys') === 2);
    const began = Date.now();
    assert.deepEqual(await helper.stop(), { code: 0, signal: null });
    assert.ok(Date.now() - began < 1000);
    assert.equal(await ask(two), 'ok');
  } finally {
    await helper.stop();
    await lab.stop();
    one.close();
    two.close();
  }
});

test('what is not understood does not start', () => {
  const dir = temporary(), file = path.join(dir, 'c');
  const run = (...args) => spawnSync(gatehouse, ['feed', ...args], { encoding: 'utf8', timeout: 5000 });
  const rows = [
    [['--issuer', 'https://a.example/'], /--data: is needed/],
    [['--data', dir], /--issuer: is needed/],
    [['--data', dir, '--issuer', 'http://a.example/'], /an issuer is https:/],
    [['--data', dir, '--issuer', 'https://a.example/?x=1'], /an issuer is https:/],
    [['--data', dir, '--issuer', 'https://u:p@a.example/'], /an issuer is https:/],
    [['--data', dir, '--issuer', 'https://a.example/x', '--issuer', 'https://a.example_x/'], /same feed file/],
    [['--data', dir, '--issuer', 'https://a.example/', '--issuer', 'https://a.example/'], /same feed file/],
    [['--config', path.join(dir, 'absent')], /was not found/],
    ...[
      ['issuer', /c:1: expected name = value/],
      ['organizations = 60', /c:1: belongs behind the line of its issuer/],
      ['issuer = https://a.example/\norganizations = 5', /c:2: takes seconds/],
      [`data = ${dir}\nissuer = https://a.example/\norganizations = 60`, /client-id is missing/],
      [`data = ${dir}\nissuer = https://a.example/\nsilence = 60`, /client-id is missing/],
      ['issuer = https://a.example/\nsilence = 60\nsilence = 60', /c:3: is set twice/],
      [`data = ${dir}\nissuer = https://a.example/\nclient-id = x`, /belong together/],
      [`data = ${dir}\nissuer = https://a.example/\nclient-id = x\nclient-secret-file = /etc/hostname`, /others may read it/],
      ['jwks = https://a.example/', /c:1: belongs behind the line of its issuer/],
      ['\n# x\nissuers = https://a.example/', /c:3: is not a setting/],
      [`data = ${dir}\ndata = ${dir}`, /c:2: is set twice/],
      [`data = ${dir}\nissuer = https://a.example/\njwks = http://a.example/jwks`, /fetched over https only/],
    ].map(([text, message]) => [text, message]),
  ];
  for (const [args, message] of rows) {
    if (typeof args === 'string') fs.writeFileSync(file, args);
    const { status, stderr } = typeof args === 'string' ? run('--config', file) : run(...args);
    assert.equal(status, 2, `${args}: ${stderr}`);
    assert.match(stderr, message);
  }
});
