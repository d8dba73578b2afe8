// The tenant dies at random moments under mixed writes: what it acknowledged is there, and it is ready again by itself.
// GATEHOUSE_SEED=N repeats a run; GATEHOUSE_KILLS=N sets how many times it dies.
import assert from 'node:assert/strict';
import { spawn, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Browser, gatehouse, signIn, temporary, until } from './harness.mjs';

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
function call(method, target, { body, form, headers = {} } = {}) {
  const text = form ? new URLSearchParams(form).toString() : body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, method, path: target, agent: false,
      headers: { host: 'localhost', ...(token && target.startsWith('/api/') ? { authorization: `Bearer ${token}` } : {}),
        ...(text ? { 'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json', 'content-length': Buffer.byteLength(text) } : {}), ...headers } }, (response) => {
      let data = '';
      response.on('data', (chunk) => (data += chunk));
      response.on('error', reject);
      response.on('end', () => {
        const json = /json/.test(response.headers['content-type'] ?? '') && data;
        resolve({ status: response.statusCode, headers: response.headers, text: data, body: json ? JSON.parse(data) : undefined });
      });
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

// A browser whose every request goes to the socket.
class SocketBrowser extends Browser {
  async request(url, { method = 'GET', form } = {}) {
    const { pathname, search } = new URL(url);
    const cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
    const answer = await call(method, pathname + search, { form, headers: cookie ? { cookie } : {} });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const pair = line.split(';')[0], name = pair.slice(0, pair.indexOf('='));
      if (/max-age=0(;|$)/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, pair.slice(name.length + 1));
    }
    const location = answer.headers.location && new URL(answer.headers.location, url).href;
    return { ...answer, url, location };
  }
}

const origin = 'https://localhost', redirectUri = 'https://app.example/callback';

async function api(method, target, body, expected) {
  const answer = await call(method, target, { body });
  assert.equal(answer.status, expected, `${method} ${target}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function makePerson() {
  const [connection] = await api('GET', '/api/v2/connections?name=Username-Password-Authentication', undefined, 200);
  await api('POST', '/api/v2/resource-servers', { identifier: 'https://ai.example.com/v1', allow_offline_access: true }, 201);
  const client = await api('POST', '/api/v2/clients', { name: 'app', app_type: 'regular_web', callbacks: [redirectUri], oidc_conformant: true,
    token_endpoint_auth_method: 'client_secret_post', grant_types: ['authorization_code', 'refresh_token'],
    refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring', leeway: 0, token_lifetime: 3600 } }, 201);
  await api('PATCH', `/api/v2/connections/${connection.id}/clients`, [{ client_id: client.client_id, status: true }], 204);
  const person = { email: 'a@example.com', password: 'Correct-Horse-Battery-9' };
  await api('POST', '/api/v2/users', { connection: connection.name, ...person }, 201);
  return { client, person };
}

// Spends something three times at once and lets the tenant die meanwhile; then spends it again. How often it was accepted.
async function spendAndDie(form) {
  const spend = () => call('POST', '/oauth/token', { form }).catch(() => ({ status: 0 }));
  const during = [spend(), spend(), spend()];
  await sleep(random() * 12);
  tenant.child.kill('SIGKILL');
  await tenant.ended;
  const answers = await Promise.all(during);
  tenant = await start();
  answers.push(await spend(), await spend());
  for (const answer of answers) assert.ok(answer.status === 0 || answer.status < 500, `storage trouble is no answer here: ${answer.status}`);
  return answers.filter((answer) => answer.status === 200);
}

test('no code and no refresh token is accepted twice, whenever the tenant dies', { timeout: 120000 }, async () => {
  const { client, person } = await makePerson();
  const browser = new SocketBrowser();
  const credentials = { client_id: client.client_id, client_secret: client.client_secret };
  let codes = 0, refreshes = 0;
  const sign = async () => {
    const { code, reply } = await signIn({ origin }, { browser, clientId: client.client_id, redirectUri, username: person.email,
      password: person.password, scope: 'openid offline_access', audience: 'https://ai.example.com/v1' });
    assert.ok(code, `no code: ${reply.status} ${reply.location} ${reply.text?.slice(0, 300)}`);
    return { grant_type: 'authorization_code', code, redirect_uri: redirectUri, ...credentials };
  };
  for (let round = 0; round < 15; round++) {
    const accepted = await spendAndDie(await sign());
    assert.ok(accepted.length <= 1, `a code was accepted ${accepted.length} times (seed ${seed})`);
    codes += accepted.length;

    const fresh = await call('POST', '/oauth/token', { form: await sign() });
    assert.equal(fresh.status, 200, JSON.stringify(fresh.body));
    const renewed = await spendAndDie({ grant_type: 'refresh_token', refresh_token: fresh.body.refresh_token, ...credentials });
    assert.ok(renewed.length <= 1, `a refresh token was accepted ${renewed.length} times (seed ${seed})`);
    refreshes += renewed.length;
  }
  console.log(`seed ${seed}: 15 codes and 15 refresh tokens spent across 30 deaths; ${codes} and ${refreshes} accepted, each once`);
  assert.ok(codes > 0 && refreshes > 0, 'some were accepted');
});

test('a token from before the deaths still opens the Management API, and keys stay the same', async () => {
  const keys = await call('GET', '/.well-known/jwks.json');
  assert.equal(keys.status, 200);
  assert.ok(keys.body.keys.length >= 2, 'a current and a next key');
  assert.equal((await call('GET', '/api/v2/roles?per_page=1')).status, 200);
});
