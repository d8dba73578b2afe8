// What operators see: counters as Prometheus reads them, and one log line for each refusal that never shows what is secret.
import assert from 'node:assert/strict';
import os from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { freePort, until } from './harness.mjs';
import { Key, Lab, header, issuer, json, policy, raw } from './gateway_lab.mjs';

const outside = Object.values(os.networkInterfaces()).flat().find((one) => !one.internal && one.family === 'IPv4')?.address;
let lab, port;
before(async () => {
  port = await freePort();
  lab = await Lab.start({
    workers: 2,
    server: `gatehouse on; ${policy}
      location = /v1/models { gatehouse_permission read:models; gatehouse_methods GET; proxy_pass http://api; }
      location = /admin { gatehouse_permission admin; proxy_pass http://api; }
      location /public { gatehouse public; proxy_pass http://api; }
      location = /stream { gatehouse_permission none; gatehouse_leeway 0; gatehouse_stream_check 200ms; proxy_buffering off; proxy_pass http://api; }
      location = /early { gatehouse_permission none; return 200 secret; }
      location = /metrics { gatehouse_metrics local; }
      location / { }`,
    http: `server { listen unix:metrics.sock; location = /metrics { gatehouse_metrics local; } location / { proxy_pass http://api; } }
      server { listen ${port}; set_real_ip_from 0.0.0.0/0; real_ip_header X-Real-IP; location = /metrics { gatehouse_metrics local; } location = /any { gatehouse_metrics any; } }
      server { listen unix:lost.sock; gatehouse on; ${policy.replace('gatehouse_feed feed', 'gatehouse_feed lost')} location / { gatehouse_permission none; proxy_pass http://api; } }`,
  });
});
after(() => lab?.stop());

const send = (where, target, lines = [], method = 'GET') => raw(typeof where === 'string' && where.endsWith('.sock') ? path.join(lab.dir, where) : where,
  Buffer.from(`${[`${method} ${target} HTTP/1.1`, 'Host: gate.test', 'Connection: close', ...lines].join('\r\n')}\r\n\r\n`, 'latin1'));

// The text format 0.0.4, strictly: HELP and TYPE before the samples of a name, all samples of a name together, none twice.
function parse(text) {
  const samples = new Map(), types = new Map(), done = new Set();
  let current;
  assert.ok(text.endsWith('\n'));
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (comment) {
      if (comment[2] !== current) { done.add(current); current = comment[2]; assert.ok(!done.has(current), line); }
      if (comment[1] === 'TYPE') { assert.match(comment[3], /^(counter|gauge)$/); types.set(current, comment[3]); }
      continue;
    }
    const [, name, labels, value] = /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\d+)$/.exec(line) ?? assert.fail(line);
    assert.equal(name, current, line);
    assert.ok(types.has(name), line);
    if (types.get(name) === 'counter') assert.match(name, /_total$/);
    assert.ok(!samples.has(`${name}{${labels ?? ''}}`), line);
    samples.set(`${name}{${labels ?? ''}}`, Number(value));
  }
  return samples;
}
async function metrics() {
  const got = await send('metrics.sock', '/metrics');
  assert.equal(got.status, 200);
  assert.equal(header(got, 'content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  return { text: got.body, samples: parse(got.body) };
}
const refused = (rule) => `gatehouse_decisions_total{result="refused",rule="${rule}"}`;
const result = (name) => `gatehouse_decisions_total{result="${name}",rule=""}`;
const cache = (name) => `gatehouse_token_lookups_total{cache="${name}"}`;
const grown = (from, to) => Object.fromEntries([...to].map(([name, value]) => [name, value - (from.get(name) ?? 0)]).filter(([name, value]) => value !== 0 && name.includes('_total')));

test('each decision is counted once, with its rule, over all workers', async () => {
  const { samples: from } = await metrics();
  const token = lab.key.token();
  for (let i = 0; i < 5; i++) assert.equal((await lab.get('/v1/models', { token })).status, 200);
  for (let i = 0; i < 3; i++) await lab.get('/v1/models');
  for (let i = 0; i < 2; i++) await lab.get('/admin', { token });
  await lab.get('/public/a');
  await lab.get('/v1/models', { token: lab.key.token({ exp: 1000, iat: 1 }) });
  await lab.get('/v1/models', { token: `${token}x` });
  await lab.get('/v1/models', { token: `${token}x` });
  await lab.get('/nowhere', { token });
  await lab.get('/a/../b', { token });
  assert.equal((await lab.get('/early', { token })).status, 403);
  await send('lost.sock', '/x', [`Authorization: Bearer ${token}`]);
  await send('metrics.sock', '/unguarded');
  const { samples: to } = await metrics();
  assert.deepEqual(grown(from, to), {
    [result('admitted')]: 5, [result('public')]: 1, [result('withheld')]: 1,
    [refused('no_token')]: 3, [refused('no_permission')]: 2, [refused('expired')]: 1, [refused('malformed')]: 2,
    [refused('no_route')]: 1, [refused('ambiguous_target')]: 1, [refused('feed')]: 1,
    [cache('hit')]: 7, [cache('miss')]: 3, [cache('refused')]: 1, [cache('none')]: 5,
  });
});

test('a stream that is ended is counted, with its rule', async () => {
  const { samples: from } = await metrics();
  const listeners = lab.upstream.server.listeners('request');
  lab.upstream.server.removeAllListeners('request');
  lab.upstream.server.on('request', (_, response) => { response.writeHead(200, { 'content-type': 'text/event-stream' }); response.write('data: 1\n\n'); });
  const t = Math.floor(Date.now() / 1000);
  const got = await lab.get('/stream', { token: lab.key.token({ iat: t - 10, exp: t + 2 }) });
  lab.upstream.server.removeAllListeners('request');
  for (const one of listeners) lab.upstream.server.on('request', one);
  assert.equal(got.status, 200);
  const { samples: to } = await metrics();
  assert.deepEqual(grown(from, to), { [result('admitted')]: 1, [cache('miss')]: 1, 'gatehouse_decisions_total{result="ended",rule="expired"}': 1 });
});

test('the feeds: generation, age, and which is not there', async () => {
  const at = (file) => `{feed="${path.join(lab.dir, file)}"}`;
  const { samples: from } = await metrics();
  assert.equal(from.get(`gatehouse_feed_up${at('feed')}`), 1);
  assert.equal(from.get(`gatehouse_feed_up${at('lost')}`), 0);
  assert.equal(from.get(`gatehouse_feed_generation${at('lost')}`), undefined);
  assert.ok(Math.abs(Date.now() / 1000 - from.get(`gatehouse_feed_modified_timestamp_seconds${at('feed')}`)) < 120);
  await lab.feed.keys(issuer, [lab.key, new Key('k2', 'ES256')]);
  const { samples: to } = await metrics();
  assert.notEqual(to.get(`gatehouse_feed_generation${at('feed')}`), from.get(`gatehouse_feed_generation${at('feed')}`));
});

test('they live on over a reload', async () => {
  const { samples: from } = await metrics();
  await lab.reload();
  await lab.get('/v1/models');
  const { samples: to } = await metrics();
  assert.deepEqual(grown(from, to), { [refused('no_token')]: 1, [cache('none')]: 1 });
});

test('promtool has nothing to say', { skip: spawnSync('promtool', ['--version']).status !== 0 && 'there is no promtool' }, async () => {
  const { text } = await metrics();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  assert.equal(stdout + stderr, '');
});

describe('who may read them', () => {
  test('local callers', async () => {
    assert.equal((await send({ port, host: '127.0.0.1' }, '/metrics')).status, 200);
    assert.equal((await send({ port, host: '127.0.0.1' }, '/metrics', ['X-Real-IP: 192.0.2.1'])).status, 200); // the connection counts
  });
  test('nobody from outside, whatever a header says', { skip: !outside && 'this machine has no other address' }, async () => {
    for (const lines of [[], ['X-Real-IP: 127.0.0.1'], ['X-Forwarded-For: 127.0.0.1'], ['X-Real-IP: ::1']]) {
      const got = await send({ port, host: outside }, '/metrics', lines);
      assert.equal(got.status, 403, `${lines}`);
      assert.ok(!got.body.includes('gatehouse_'));
    }
    assert.equal((await send({ port, host: '127.0.0.1', localAddress: '127.0.0.1' }, '/metrics')).status, 200);
    assert.equal((await send({ port, host: outside }, '/any')).status, 200);
  });
  test('in a guarded server: nobody without a rule', async () => {
    assert.equal((await lab.get('/metrics')).status, 401);
    assert.equal((await lab.get('/metrics', { token: lab.key.token() })).status, 403);
  });
  test('only by GET', async () => {
    for (const method of ['POST', 'PUT', 'DELETE']) assert.equal((await send('metrics.sock', '/metrics', [], method)).status, 405);
    const head = await send('metrics.sock', '/metrics', [], 'HEAD');
    assert.deepEqual([head.status, head.body], [200, '']);
  });
  for (const [what, config, message] of [['a misspelt word', 'location /m { gatehouse_metrics on; }', /takes "local" or "any"/], ['twice', 'location /m { gatehouse_metrics any; gatehouse_metrics local; }', /duplicate/], ['for a server', 'gatehouse_metrics local;', /not allowed here/]])
    test(`does not start: ${what}`, async () => {
      const other = await Lab.start({ server: 'location / { return 204; }', feed: false });
      try {
        other.write(config);
        const { ok, text } = other.check();
        assert.ok(!ok);
        assert.match(text, message);
      } finally { await other.stop(); }
    });
});

test('every refusal is one line with its rule, and no secret is in any line or metric', async () => {
  const canary = 'c4n4ry';
  const good = lab.key.token({ jti: canary, note: canary });
  const signature = good.split('.')[2];
  const secrets = [`Cookie: s=${canary}`, `Proxy-Authorization: Basic ${canary}`, `X-Gatehouse-Subject: ${canary}`, `OpenAI-Organization: ${canary}`, `X-Api-Key: ${canary}`];
  const tries = [
    ['no_token', '/v1/models', []],
    ['no_token', `/v1/models?access_token=${good}`, []],
    ['no_token', '/v1/models', [`Authorization: Basic ${canary}`]],
    ['malformed', '/v1/models', [`Authorization: Bearer ${canary}`]],
    ['malformed', '/v1/models', [`Authorization: Bearer ${good} ${canary}`]],
    ['bad_signature', '/v1/models', [`Authorization: Bearer ${good.slice(0, -8)}AAAAAAAA`]],
    ['no_permission', `/admin?prompt=${canary}`, [`Authorization: Bearer ${good}`]],
    ['no_route', `/nowhere?prompt=${canary}`, [`Authorization: Bearer ${good}`]],
    ['unknown_key', '/v1/models', [`Authorization: Bearer ${lab.key.token({}, { kid: canary })}`]],
    ['wrong_issuer', '/v1/models', [`Authorization: Bearer ${lab.key.token({ iss: `https://${canary}/` })}`]],
    ['wrong_audience', '/v1/models', [`Authorization: Bearer ${lab.key.token({ aud: canary })}`]],
    ['expired', '/v1/models', [`Authorization: Bearer ${lab.key.token({ exp: 1000, iat: 1, scope: canary })}`]],
    ['wrong_organization', '/v1/models', [`Authorization: Bearer ${lab.key.token({ org_id: 'org_other', org_name: canary })}`]],
    ['ambiguous_target', `/x/../y?q=${canary}`, [`Authorization: Bearer ${good}`]],
  ];
  const at = lab.log.length;
  for (const [i, [rule, target, lines]] of tries.entries()) {
    const got = await send('gate.sock', target, [...lines, ...secrets, `X-Request-Id: try-${i}`]);
    if (!['malformed', 'bad_signature'].includes(rule)) assert.equal(json(got).error.code, rule, target);
    assert.ok(!got.body.includes(canary), got.body);
  }
  await until('the last line', () => lab.log.includes(`request_id=try-${tries.length - 1} `));
  const lines = lab.log.slice(at).split('\n').filter((line) => line.includes('gatehouse:'));
  assert.equal(lines.length, tries.length, lines.join('\n'));
  for (const [i, [rule]] of tries.entries()) {
    const mine = lines.filter((line) => line.includes(`request_id=try-${i} `));
    assert.equal(mine.length, 1, `try-${i}`);
    assert.match(mine[0], new RegExp(`gatehouse: refused status=4\\d\\d rule=${rule} .*location=/\\S* peer=\\S+ method=GET path=/\\S* request_id=try-${i} why="[a-z ]+"$`));
  }
  const { text } = await metrics();
  for (const seen of [lab.log, text]) for (const secret of [canary, signature, good.split('.')[1].slice(0, 40)]) assert.ok(!seen.includes(secret), secret);
});
