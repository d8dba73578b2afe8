// The tenant dies at random moments under mixed writes: what it acknowledged is there, and it is ready again by itself.
// GATEHOUSE_SEED=N repeats a run; GATEHOUSE_KILLS=N sets how many times it dies.
import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gatehouse, temporary, until } from './harness.mjs';

const seed = Number(process.env.GATEHOUSE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const kills = Number(process.env.GATEHOUSE_KILLS ?? 50);
const writers = 4;

// mulberry32: the moments of death repeat with the seed.
let state = seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const dir = temporary();
const socketPath = path.join(dir, 'tenant.sock');
const config = path.join(dir, 'gatehouse.conf');
let tenant, first, token;

// One request over the socket; rejects when the tenant dies under it.
function call(method, target, { body, headers = {} } = {}) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method, path: target, agent: false,
      headers: { host: 'localhost', ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(text ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {}), ...headers } }, (response) => {
      let data = '';
      response.on('data', (chunk) => (data += chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, body: data ? JSON.parse(data) : undefined }));
    });
    request.on('error', reject);
    request.end(text);
  });
}

async function start() {
  const began = process.hrtime.bigint();
  const child = spawn(gatehouse, ['serve', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const t = { child, log: '', ended: new Promise((resolve) => child.once('exit', resolve)) };
  child.stderr.on('data', (data) => (t.log += data));
  await until('the tenant to be ready', async () => {
    if (child.exitCode !== null) throw new Error(`the tenant ended at its start:\n${t.log}`);
    return (await call('GET', '/readyz').catch(() => ({}))).status === 200;
  });
  t.readyMs = Number(process.hrtime.bigint() - began) / 1e6;
  return t;
}

async function takeToken() {
  token = undefined;
  const answer = await call('POST', '/oauth/token', { body: { grant_type: 'client_credentials', client_id: first.AUTH0_CLIENT_ID,
    client_secret: first.AUTH0_CLIENT_SECRET, audience: 'https://localhost/api/v2/' } });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  token = answer.body.access_token;
}

before(async () => {
  fs.writeFileSync(config, ['origin = https://localhost', `database = ${dir}/tenant.db`, `socket = ${socketPath}`, `feed = ${dir}/feed`,
    `key-encryption-key = ${dir}/kek`].join('\n'));
  const began = process.hrtime.bigint();
  const printed = execFileSync(gatehouse, ['init', '--config', config], { encoding: 'utf8' });
  console.log(`seed ${seed}; a new tenant was made in ${(Number(process.hrtime.bigint() - began) / 1e6).toFixed(0)} ms`);
  first = Object.fromEntries(printed.trim().split('\n').map((line) => line.split('=')));
  tenant = await start();
  await takeToken();
});

after(async () => {
  tenant?.child.kill('SIGKILL');
  await tenant?.ended;
  fs.rmSync(dir, { recursive: true, force: true });
});

test('the first client is printed once, and a second init changes nothing', () => {
  assert.throws(() => execFileSync(gatehouse, ['init', '--config', config], { stdio: 'pipe' }), /exists already/);
});

test('it starts fast on existing data and rests in little memory', async () => {
  tenant.child.kill('SIGTERM');
  assert.equal(await tenant.ended, 0);
  const times = [];
  for (let i = 0; i < 5; i++) {
    tenant = await start();
    times.push(tenant.readyMs);
    if (i < 4) {
      tenant.child.kill('SIGTERM');
      assert.equal(await tenant.ended, 0);
    }
  }
  await sleep(1500); // the next signing key is made by now
  const rss = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${tenant.child.pid}/status`, 'utf8'))[1]) / 1024;
  console.log(`ready in ${times.map((t) => t.toFixed(0)).join(', ')} ms; at rest ${rss.toFixed(1)} MiB`);
  assert.ok(Math.min(...times) <= 300, 'ready within 300 ms');
  assert.ok(rss <= 20, 'at rest within 20 MiB');
});

// What was answered with success, by path; an unanswered write may or may not have happened.
const stored = new Map();
const unsure = new Set();

async function writeOnce(writer, n) {
  const name = `w${writer}-${n}`;
  const mine = [...stored.keys()].filter((p) => p.startsWith('/api/v2/roles/') && stored.get(p).writer === writer);
  const kind = Math.floor(n % 4);
  if (kind < 2 || mine.length === 0) {
    const answer = await call('POST', '/api/v2/roles', { body: { name, description: 'new' } });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    stored.set(`/api/v2/roles/${answer.body.id}`, { writer, name, description: 'new' });
    return;
  }
  const target = mine[n % mine.length];
  unsure.add(target);
  if (kind === 2) {
    const answer = await call('PATCH', target, { body: { description: `changed ${n}` } });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    stored.get(target).description = `changed ${n}`;
  } else {
    const answer = await call('DELETE', target, { body: {} });
    assert.ok(answer.status < 300, JSON.stringify(answer.body));
    stored.delete(target);
    stored.set(target.replace('roles', 'gone'), { writer, gone: target });
  }
  unsure.delete(target);
}

async function check() {
  for (const [target, wanted] of stored) {
    if (unsure.has(target)) continue;
    const answer = await call('GET', wanted.gone ?? target);
    if (wanted.gone) {
      assert.equal(answer.status, 404, `${wanted.gone} was deleted`);
      continue;
    }
    assert.equal(answer.status, 200, `${target} was acknowledged`);
    assert.equal(answer.body.name, wanted.name);
    assert.equal(answer.body.description, wanted.description);
  }
}

test(`killed ${kills} times under load, no acknowledged write is lost`, { timeout: 240000 }, async () => {
  let n = 0, acknowledged = 0;
  const slowest = [];
  for (let round = 0; round < kills; round++) {
    let dead = false;
    const work = Array.from({ length: writers }, async (_, writer) => {
      while (!dead) {
        try {
          await writeOnce(writer, n++);
          acknowledged++;
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          return; // the connection died with the tenant
        }
      }
    });
    await sleep(5 + random() * 60);
    tenant.child.kill('SIGKILL');
    await tenant.ended;
    dead = true;
    await Promise.all(work);
    tenant = await start(); // on what is there: nothing is repaired by hand
    slowest.push(tenant.readyMs);
    // What was on its way at the end is decided now: take it as it is.
    for (const target of unsure) {
      const answer = await call('GET', target);
      if (answer.status === 404) stored.delete(target);
      else stored.get(target).description = answer.body.description;
    }
    unsure.clear();
    if (round % 10 === 9 || round === kills - 1) await check();
  }
  await check();
  console.log(`seed ${seed}: ${acknowledged} writes acknowledged, none lost; ready again after ${Math.max(...slowest).toFixed(0)} ms at most`);
  assert.ok(acknowledged > kills, 'there was load');
});

test('a token from before the deaths still opens the Management API, and keys stay the same', async () => {
  const keys = await call('GET', '/.well-known/jwks.json');
  assert.equal(keys.status, 200);
  assert.ok(keys.body.keys.length >= 2, 'a current and a next key');
  assert.equal((await call('GET', '/api/v2/roles?per_page=1')).status, 200);
});
