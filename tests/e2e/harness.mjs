// tests/e2e/harness.mjs - a running Gatehouse for a test file: its own data, its own free ports, stopped when the file ends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const gatehouse = path.join(root, 'build/gatehouse');
export const shared = process.env.GATEHOUSE_SHARED || '';
export const artefacts = path.join(root, 'artefacts');
export const noShared = shared ? false : 'skipped: ../shared is not here';

// Trust a CA made after this process started (NODE_EXTRA_CA_CERTS is read once, at start): fetch and every SDK of this process go through here.
const trusted = new Set();
const createSecureContext = tls.createSecureContext;
tls.createSecureContext = (options) => {
  const context = createSecureContext(options);
  if (!options?.ca) for (const pem of trusted) context.context.addCACert(pem);
  return context;
};
export const trust = (pem) => trusted.add(pem);

// What a file did not stop, because an error came first, ends with it; and its folders are gone then.
const servers = new Map(), temporaries = [];
process.on('exit', () => {
  for (const [child, signal] of servers) child.kill(signal);
  for (const dir of temporaries) fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});
// Ends `child` with this file at the latest. A master process that would leave its workers behind needs SIGTERM.
export function endWithUs(child, signal = 'SIGKILL') {
  servers.set(child, signal);
  child.once('exit', () => servers.delete(child));
  return child;
}

// A new folder below the system's temporary one; gone, with all that is in it, when this test file has ended.
export function temporary(prefix = 'gatehouse-') {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), prefix));
  temporaries.push(dir);
  return dir;
}

// A port of loopback that nobody listens on, for a server that cannot take one by itself.
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// Pseudo-random numbers that repeat with their seed (mulberry32).
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// `export NAME='VALUE'` lines, as a shell reads them.
export function readEnvironment(file) {
  const env = {};
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const match = /^export (\w+)='(.*)'$/.exec(line);
    if (match) env[match[1]] = match[2].replaceAll("'\\''", "'");
  }
  return env;
}

export async function until(what, condition, ms = 10000) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(5)) {
    const value = await condition();
    if (value) return value;
  }
  throw new Error(`timed out waiting for ${what}`);
}

// Starts `gatehouse dev`. Options: dir (kept afterwards when given), args, env. `log` collects stderr.
export async function startGatehouse({ dir, args = [], env = {} } = {}) {
  const own = !dir;
  dir ??= temporary();
  const envFile = path.join(dir, 'test-env');
  fs.rmSync(envFile, { force: true });
  const started = process.hrtime.bigint();
  const child = endWithUs(spawn(gatehouse, ['dev', '--data', dir, '--port', '0', '--gateway-port', '0', '--env-file', envFile, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  }));
  const g = { dir, child, log: '', out: '', exited: false };
  child.stderr.on('data', (data) => (g.log += data));
  child.stdout.on('data', (data) => (g.out += data));
  const exit = new Promise((resolve) => child.once('exit', (code, signal) => { g.exited = true; resolve({ code, signal }); }));
  try {
    await until('gatehouse dev to be ready', () => {
      if (g.exited) throw new Error(`gatehouse dev ended before it was ready:\n${g.log}`);
      return fs.existsSync(envFile);
    }, 20000);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  g.readyMs = Number(process.hrtime.bigint() - started) / 1e6;
  g.env = readEnvironment(envFile);
  g.domain = g.env.AUTH0_DOMAIN;
  g.origin = `https://${g.domain}`;
  g.issuer = `${g.origin}/`;
  g.gateway = g.env.GATEHOUSE_GATEWAY;
  g.audience = 'https://ai.example.com/v1';
  g.ca = fs.readFileSync(g.env.NODE_EXTRA_CA_CERTS, 'utf8');
  trust(g.ca);
  g.childEnv = { ...process.env, ...g.env };
  g.pid = (name) => Number(fs.readFileSync(path.join(dir, 'run', `${name}.pid`), 'utf8'));
  g.stop = async (signal = 'SIGTERM') => {
    if (!g.exited) child.kill(signal);
    const result = await exit;
    if (own) fs.rmSync(dir, { recursive: true, force: true });
    return result;
  };
  return g;
}

// A Management API client over fetch. `api.post('roles', {name})` gives { status, body, headers }.
export async function management(g, { clientId = g.env.AUTH0_CLIENT_ID, clientSecret = g.env.AUTH0_CLIENT_SECRET } = {}) {
  const token = await machineToken(g, { clientId, clientSecret, audience: `${g.origin}/api/v2/` });
  const call = (method) => async (where, body, headers = {}) => {
    const response = await fetch(`${g.origin}/api/v2/${where}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      redirect: 'manual',
    });
    return readReply(response);
  };
  return { token, get: call('GET'), post: call('POST'), patch: call('PATCH'), put: call('PUT'), delete: call('DELETE') };
}

export async function readReply(response) {
  const text = await response.text();
  let body = text;
  try { body = JSON.parse(text); } catch { /* not JSON: the text itself */ }
  return { status: response.status, body, text, headers: response.headers };
}

// The body of a reply that is no refusal.
export function ok(reply) {
  assert.ok(reply.status < 300, `${reply.status} ${reply.text}`);
  return reply.body;
}

export async function postForm(url, form, headers = {}) {
  return readReply(await fetch(url, { method: 'POST', headers, body: new URLSearchParams(form), redirect: 'manual' }));
}

export async function machineToken(g, { clientId, clientSecret, audience = g.audience, ...more }) {
  const reply = await postForm(`${g.origin}/oauth/token`, {
    grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, audience, ...more,
  });
  if (reply.status !== 200) throw new Error(`no machine token: ${reply.status} ${reply.text}`);
  return reply.body.access_token;
}

export function decodeToken(token) {
  const [header, payload] = token.split('.').map((part) => { try { return JSON.parse(Buffer.from(part, 'base64url')); } catch { return null; } });
  return { header, payload };
}

// A browser without JavaScript: keeps cookies, follows nothing by itself.
export class Browser {
  constructor() { this.cookies = new Map(); }
  async request(url, { method = 'GET', form, headers = {} } = {}) {
    const response = await fetch(url, {
      method, redirect: 'manual',
      headers: { ...headers, ...(this.cookies.size ? { cookie: [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ') } : {}) },
      body: form ? new URLSearchParams(form) : undefined,
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (attributes.some((a) => /^\s*max-age=0$/i.test(a)) || value === '') this.cookies.delete(name); else this.cookies.set(name, value);
    }
    const reply = await readReply(response);
    reply.url = url;
    reply.location = response.headers.get('location') && new URL(response.headers.get('location'), url).href;
    return reply;
  }
  // Follows redirects while they stay on `origin`; the reply that leaves it, or the page that is shown.
  async follow(reply, origin) {
    for (let hops = 0; reply.location && reply.location.startsWith(`${origin}/`) && hops < 10; hops++) reply = await this.request(reply.location);
    return reply;
  }
}

// The one POST form of a page: its action and its hidden fields, and what is filled in.
export function fillForm(reply, fields) {
  const form = /<form[^>]*method="post"[^>]*>([\s\S]*?)<\/form>/i.exec(reply.text);
  if (!form) throw new Error(`no POST form on the page (${reply.status}): ${reply.text.slice(0, 400)}`);
  const unescape = (text) => text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&#x27;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  const action = /action="([^"]*)"/i.exec(form[0]);
  const values = {};
  for (const [input] of form[1].matchAll(/<input[^>]*>/gi)) {
    const name = /name="([^"]*)"/i.exec(input), value = /value="([^"]*)"/i.exec(input);
    if (name) values[name[1]] = value ? unescape(value[1]) : '';
  }
  return { url: new URL(action ? unescape(action[1]) : reply.url, reply.url).href, form: { ...values, ...fields } };
}

export function pkce() {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

// Signs a person in through the page: gives { code, state, url } of the redirect to redirectUri, or the last page.
export async function signIn(g, { browser = new Browser(), clientId, redirectUri, username, password, ...parameters }) {
  const url = new URL(`${g.origin}/authorize`);
  for (const [name, value] of Object.entries({ response_type: 'code', client_id: clientId, redirect_uri: redirectUri, ...parameters }))
    if (value !== undefined) url.searchParams.set(name, value);
  let reply = await browser.follow(await browser.request(url.href), g.origin);
  if (!reply.location && reply.status === 200) {
    const { url: action, form } = fillForm(reply, { username, password });
    reply = await browser.follow(await browser.request(action, { method: 'POST', form }), g.origin);
  }
  const back = reply.location ? new URL(reply.location) : null;
  return { reply, browser, url: back, code: back?.searchParams.get('code'), error: back?.searchParams.get('error'), description: back?.searchParams.get('error_description'), state: back?.searchParams.get('state') };
}

export { sleep };
