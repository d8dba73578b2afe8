// Shortage: each call for memory, a mapping or a file that nginx makes for a request and at its start fails once, in turn.
// Nobody is admitted by that, nobody is taken for somebody else, and no worker ends. tests/tools/fault.c counts the calls and fails one.
// A sample; GATEHOUSE_CAMPAIGN=1: all of a request, a thousand of a start.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, temporary } from './harness.mjs';

const campaign = process.env.GATEHOUSE_CAMPAIGN === '1';
const words = path.join(temporary('gatehouse-fault-'), 'words');
fs.writeFileSync(words, Buffer.alloc(32));
const build = path.resolve(root, process.env.GATEHOUSE_BUILD || 'build');
process.env.GH_FAULT = words;
process.env.GATEHOUSE_NGINX_PRELOAD = [process.env.GATEHOUSE_NGINX_PRELOAD, path.join(build, 'tests/unit/gateway/fault.so')].filter(Boolean).join(':');
const { Key, Lab, issuer, now, policy } = await import('./gateway_lab.mjs'); // reads the two above

const file = fs.openSync(words, 'r+');
const ARMED = 0, CALLS = 1, FAIL_AT = 2, FAILED = 3;
function put(index, value) {
  const word = Buffer.alloc(8);
  word.writeBigUInt64LE(BigInt(value));
  fs.writeSync(file, word, 0, 8, 8 * index);
}
function get(index) {
  const word = Buffer.alloc(8);
  fs.readSync(file, word, 0, 8, 8 * index);
  return Number(word.readBigUInt64LE());
}
const arm = (at) => { put(CALLS, 0); put(FAILED, 0); put(FAIL_AT, at); put(ARMED, 1); };
const disarm = () => { put(ARMED, 0); return { calls: get(CALLS), failed: get(FAILED) === 1 }; };

const server = `gatehouse on; ${policy}
location = /v1/models { gatehouse_permission read:models; proxy_pass http://api; }
location = /signed { gatehouse_identity_key signer.pem https://gateway.example/; gatehouse_permission read:models; proxy_pass http://api; }
location / { }`;
const other = new Key('k1'), unknown = new Key('nobody');
let lab, serial = 0;

// A token nobody has seen, so that it is opened and not found.
const token = (claims = {}, header = {}, key = lab.key) => key.token({ jti: `t${serial++}`, ...claims }, header);
const none = () => Buffer.from('{"alg":"none","kid":"k1"}').toString('base64url');
const bad = {
  'no token': () => undefined,
  'alg none': () => `${none()}.${token().split('.')[1]}.AA`,
  'signed by another key': () => token({}, {}, other),
  'of an unknown key': () => token({}, {}, unknown),
  expired: () => token({ exp: now() - 120 }),
  'not yet valid': () => token({ nbf: now() + 500 }),
  'of another issuer': () => token({ iss: 'https://other.example/' }),
  'for another audience': () => token({ aud: 'https://other.example/' }),
  'of another organization': () => token({ org_id: 'org_other' }),
  'without an organization': () => token({ org_id: undefined }),
  'without the permission': () => token({ permissions: ['write:models'] }),
  'of a revoked user': () => token({ sub: 'auth0|revoked' }),
  'of a revoked client': () => token({ azp: 'client_revoked' }),
  'revoked itself': () => token({ jti: 'revoked' }),
};

const workers = () => lab.workers.join();
async function ask(of, target = '/v1/models') {
  lab.upstream.hits.length = 0;
  const got = await lab.get(target, { token: of, wait: 3000 });
  return { ...got, hit: lab.upstream.hits[0] };
}
function refused(got, what) {
  assert.notEqual(got.status, 200, what);
  assert.equal(got.hit, undefined, `${what}: the upstream was asked`);
}
// Who is admitted is who the token says, and nobody sees the token.
function itself(got, what) {
  if (!got.hit) return assert.ok([0, 500, 503].includes(got.status), `${what}: ${got.status} ${got.body}`);
  assert.equal(got.hit.headers['x-gatehouse-subject'], 'auth0|u1', what);
  assert.equal(got.hit.headers['x-gatehouse-organization'], 'org_acme', what);
  assert.equal(got.hit.headers['x-gatehouse-permissions'], 'read:models', what);
  assert.equal(got.hit.headers.authorization, undefined, what);
  assert.equal(got.hit.headers['x-gatehouse-evil'], undefined, what);
}

// Fails the 1st, 2nd, ... call of an action until it makes no more; `stride` leaves some out. Returns how many failed.
async function inTurn(action, judge, stride) {
  let failures = 0;
  for (let at = 1; ; at += stride) {
    const prepared = await action.prepare?.();
    arm(at);
    let got;
    try { got = await action.run(prepared); } finally { var { failed } = disarm(); }
    await judge(got, `call ${at}`);
    if (!failed) return failures;
    failures++;
  }
}

describe('requests, with each call failing once', () => {
  let pids;
  before(async () => {
    lab = await Lab.start({ server: 'return 204;' });
    fs.writeFileSync(path.join(lab.dir, 'signer.pem'), new Key('s', 'ES256').privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    lab.write(server);
    await lab.reload();
    await lab.feed.epoch('user', 'auth0|revoked', '', now() + 86400);
    await lab.feed.epoch('client', 'client_revoked', '', now() + 86400);
    await lab.feed.epoch('token', 'revoked', '', now() + 86400);
    assert.equal((await ask(token())).status, 200);
    for (const [what, make] of Object.entries(bad)) refused(await ask(make()), what);
    pids = workers();
  });
  after(async () => {
    const { log } = lab;
    await lab.stop();
    assert.doesNotMatch(log, /exited on signal/);
  });

  for (const [what, make] of Object.entries(bad))
    test(`a token that is bad, ${what}: never admitted`, async (t) => {
      const failures = await inTurn({ prepare: make, run: ask }, refused, campaign ? 1 : 5);
      assert.ok(failures > 0);
      t.diagnostic(`${failures} failures`);
      assert.equal(workers(), pids);
    });

  for (const [what, make, target] of [['seen before', () => lab.known], ['new', token], ['new, and an identity to sign', token, '/signed']])
    test(`a good token, ${what}: refused or itself`, async (t) => {
      lab.known = token();
      assert.equal((await ask(lab.known)).status, 200);
      const failures = await inTurn({ prepare: make, run: (of) => ask(of, target) }, itself, campaign ? 1 : 3);
      assert.ok(failures > 0);
      t.diagnostic(`${failures} failures`);
      assert.equal(workers(), pids);
      assert.equal((await ask(lab.known)).status, 200);
    });

  // New keys are read by the first request after them; a feed that was replaced is mapped again.
  test('keys that have to be read: refused or itself, and bad ones never', async (t) => {
    let turn = 0;
    const prepare = (make) => async () => {
      await lab.feed.keys(issuer, turn++ % 2 ? [lab.key] : [lab.key, unknown]);
      return make();
    };
    const good = await inTurn({ prepare: prepare(token), run: ask }, itself, campaign ? 1 : 11);
    const refusals = await inTurn({ prepare: prepare(bad['signed by another key']), run: ask }, refused, campaign ? 1 : 11);
    assert.ok(good > 5 && refusals > 5);
    t.diagnostic(`${good + refusals} failures`);
    assert.equal(workers(), pids);
    await lab.feed.keys(issuer, [lab.key]);
    assert.equal((await ask(token())).status, 200);
  });

  test('a feed that has to be mapped: refused or itself, and bad ones never', async (t) => {
    const feed = path.join(lab.dir, 'feed');
    const prepare = (make) => async () => {
      execFileSync('cp', ['--sparse=always', feed, `${feed}.new`]); // a gibibyte of holes
      fs.renameSync(`${feed}.new`, feed);
      await sleep(1050 - (Date.now() % 1000)); // it is looked at once a second
      return make();
    };
    let failures = await inTurn({ prepare: prepare(token), run: ask }, itself, campaign ? 1 : 60);
    failures += await inTurn({ prepare: prepare(bad['of a revoked user']), run: ask }, refused, campaign ? 1 : 60);
    t.diagnostic(`${failures} failures`);
    assert.ok(failures > 1);
    assert.equal(workers(), pids);
  });
});

// nginx with one failing call: { child, ended } once it serves, ended, or did neither for a while.
async function start(at) {
  fs.rmSync(lab.socket, { force: true });
  fs.rmSync(path.join(lab.dir, 'nginx.pid'), { force: true });
  arm(at);
  lab.child = spawn('nginx', ['-e', 'stderr', '-p', lab.dir, '-c', 'nginx.conf'], { cwd: lab.dir, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LD_PRELOAD: process.env.GATEHOUSE_NGINX_PRELOAD } });
  lab.child.stderr.on('data', (data) => (lab.log += data));
  const ended = () => lab.child.exitCode !== null || lab.child.signalCode !== null;
  for (const until = Date.now() + 1500; Date.now() < until && !ended(); await sleep(5))
    if (fs.existsSync(lab.socket) && lab.workers.length > 0) return true;
  return false;
}

async function stop() {
  if (lab.child.exitCode !== null || lab.child.signalCode !== null) return;
  lab.child.kill('SIGTERM');
  await once(lab.child, 'exit');
}

test('nginx that starts with one failing call does not start, or decides as ever', async (t) => {
  lab = await Lab.start({ server: 'location / { return 204; }' });
  try {
    fs.writeFileSync(path.join(lab.dir, 'signer.pem'), new Key('s', 'ES256').privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    lab.write(server);
    await stop();
    assert.ok(await start(0));
    await ask(token());
    const { calls } = disarm();
    await stop();
    let served = 0, failures = 0;
    const stride = Math.ceil(calls / (campaign ? 1000 : 12));
    for (let at = 1 + Math.floor(Math.random() * stride); at <= calls; at += stride) {
      if (await start(at)) {
        served++;
        for (const what of ['signed by another key', 'without the permission']) refused(await ask(bad[what]()), `start, call ${at}, ${what}`);
        itself(await ask(token()), `start, call ${at}`);
      }
      failures += disarm().failed;
      await stop();
    }
    t.diagnostic(`${failures} failures of ${calls} calls, ${served} times it served`);
    assert.ok(failures > 5);
    assert.doesNotMatch(lab.log, /exited on signal/);
  } finally {
    disarm();
    await lab.stop();
  }
});

test('the worker takes less than 20 MB after all kinds of requests', async (t) => {
  lab = await Lab.start({ server: server.replace(/location = \/signed.*\n/, '') });
  try {
    for (let i = 0; i < (campaign ? 20000 : 200); i++) await ask(token({ sub: `auth0|u${i}`, permissions: ['read:models', 'x'.repeat(i % 200)] }));
    const mb = lab.workers.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024);
    t.diagnostic(`${mb.map((n) => n.toFixed(1))} MB`);
    assert.ok(Math.max(...mb) < 20, `${mb} MB`);
  } finally {
    await lab.stop();
  }
});
