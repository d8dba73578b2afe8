// tests/e2e/gateway_lab.mjs - the nginx module alone: keys and tokens made here, a feed written by tests/tools/feed_put, an upstream that
// tells what reached it. Everything listens on sockets below one temporary folder, so no port can be taken by somebody else.
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import readline from 'node:readline';
import { endWithUs, root, temporary, until } from './harness.mjs';

// GATEHOUSE_BUILD and GATEHOUSE_NGINX_PRELOAD: a module of another build, as one with sanitizers, whose runtime nginx must load first.
const build = path.resolve(root, process.env.GATEHOUSE_BUILD || 'build');
const nginxEnv = process.env.GATEHOUSE_NGINX_PRELOAD ? { ...process.env, LD_PRELOAD: process.env.GATEHOUSE_NGINX_PRELOAD } : process.env;
export const modulePath = path.join(build, 'gateway/ngx_http_gatehouse_module.so');

export const issuer = 'https://tenant.example/';
export const audience = 'https://api.example/';
export const now = () => Math.floor(Date.now() / 1000);

const b64 = (data) => Buffer.from(typeof data === 'string' || Buffer.isBuffer(data) ? data : JSON.stringify(data)).toString('base64url');

const kinds = { RS: ['rsa', { modulusLength: 2048 }], PS: ['rsa', { modulusLength: 2048 }], Ed: ['ed25519', {}] };

export class Key {
  constructor(kid, alg = 'RS256') {
    this.kid = kid;
    this.alg = alg;
    const [type, options] = kinds[alg.slice(0, 2)] ?? ['ec', { namedCurve: alg === 'ES384' ? 'P-384' : 'P-256' }];
    Object.assign(this, crypto.generateKeyPairSync(type, options));
  }
  get jwk() { return { ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, use: 'sig', alg: this.alg }; }
  sign(input) {
    const how = { key: this.privateKey, dsaEncoding: 'ieee-p1363' };
    if (this.alg.startsWith('PS')) Object.assign(how, { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST });
    return crypto.sign(this.alg === 'EdDSA' ? null : `sha${this.alg.slice(2)}`, Buffer.from(input, 'latin1'), how);
  }
  // A token as the tenant makes it, with `claims` changed (undefined takes one away) and `header` too.
  token(claims = {}, header = {}) {
    const t = now();
    const payload = {
      iss: issuer, sub: 'auth0|u1', aud: audience, azp: 'client_A', iat: t, exp: t + 600, org_id: 'org_acme',
      scope: 'openid read:models', permissions: ['read:models'], ...claims,
    };
    const input = `${b64({ alg: this.alg, typ: 'JWT', kid: this.kid, ...header })}.${b64(payload)}`;
    return `${input}.${this.sign(input).toString('base64url')}`;
  }
}

export class Feed {
  constructor(file) {
    this.file = file;
    this.child = spawn(path.join(build, 'tests/unit/gateway/feed_put'), [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  async put(...fields) {
    this.child.stdin.write(`${fields.join('\t')}\n`);
    const { value } = await this.lines.next();
    if (value !== 'ok') throw new Error(`feed_put ${fields[0]}: ${value}`);
  }
  keys(of, keys) { return this.put('keys', of, JSON.stringify({ keys: keys.map((key) => key.jwk) })); }
  epoch(kind, a, b, value) { return this.put('epoch', kind, a, b, value); }
  async close() {
    this.child.stdin.end();
    if (this.child.exitCode === null) await once(this.child, 'exit');
  }
}

// Sends exactly these bytes and reads until the other side closes. { status, headers: [[name, value]], body }; status 0: closed without an answer.
export function raw(socketPath, bytes, { wait = 5000 } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    const parts = [];
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(parse(Buffer.concat(parts)));
    };
    const timer = setTimeout(end, wait);
    socket.on('data', (data) => parts.push(data));
    socket.on('error', end).on('close', end);
    socket.write(bytes);
  });
}

function parse(reply) {
  const text = reply.toString('latin1');
  const at = text.indexOf('\r\n\r\n');
  if (at < 0) return { status: 0, headers: [], body: text };
  const [first, ...lines] = text.slice(0, at).split('\r\n');
  const headers = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]);
  let body = text.slice(at + 4);
  if (headers.some(([name, value]) => name === 'transfer-encoding' && value === 'chunked')) body = unchunk(body);
  return { status: Number(first.split(' ')[1]), headers, body };
}

function unchunk(text) {
  let body = '';
  for (let at = 0; ;) {
    const end = text.indexOf('\r\n', at);
    const size = parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
  }
}

export const header = (reply, name) => reply.headers.filter(([n]) => n === name).map(([, value]) => value).join(', ') || undefined;
export const json = (reply) => { try { return JSON.parse(reply.body); } catch { return undefined; } };
// What a caller is told: 'ok', or the status and the code of the refusal.
export async function code(reply) {
  const got = await reply;
  return got.status === 200 ? 'ok' : `${got.status} ${json(got)?.error.code}`;
}

// An upstream that answers 200 to everything and says what it got. `answer(request)` may add headers to the answer, and ':status'.
export async function startUpstream(socketPath) {
  const upstream = { hits: [], answer: () => ({}) };
  upstream.server = http.createServer({ keepAliveTimeout: 60000 }, (request, response) => {
    const got = { method: request.method, target: request.url, raw: request.rawHeaders, headers: request.headers };
    upstream.hits.push(got);
    request.resume();
    const { ':status': status = 200, ...more } = upstream.answer(request);
    response.writeHead(status, { 'content-type': 'application/json', ...more });
    response.end(JSON.stringify(got));
  });
  upstream.server.listen(socketPath);
  await once(upstream.server, 'listening');
  upstream.close = () => { upstream.server.closeAllConnections(); upstream.server.close(); };
  return upstream;
}

const top = (workers) => `${process.geteuid() === 0 ? 'user root;\n' : ''}daemon off;
worker_processes ${workers};
pid nginx.pid;
error_log stderr info;
load_module ${modulePath};
events { worker_connections 512; }
`;
const http_ = `access_log off; server_tokens off; client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; fastcgi_temp_path tmp/fastcgi;
uwsgi_temp_path tmp/uwsgi; scgi_temp_path tmp/scgi; large_client_header_buffers 4 32k;
upstream api { server unix:upstream.sock; keepalive 16; }
proxy_http_version 1.1; proxy_set_header Connection "";
`;
export const policy = `gatehouse_issuer ${issuer}; gatehouse_audience ${audience}; gatehouse_feed feed; gatehouse_organization org_acme;`;

export class Lab {
  static async start({ server = '', http: more = '', workers = 1, feed = true, config } = {}) {
    const lab = new Lab();
    lab.dir = temporary('gatehouse-gw-');
    fs.mkdirSync(path.join(lab.dir, 'tmp'));
    lab.socket = path.join(lab.dir, 'gate.sock');
    lab.key = new Key('k1');
    lab.log = '';
    lab.upstream = await startUpstream(path.join(lab.dir, 'upstream.sock'));
    if (feed) {
      lab.feed = new Feed(path.join(lab.dir, 'feed'));
      await lab.feed.keys(issuer, [lab.key]);
    }
    lab.write(server, more, workers, config);
    await lab.run();
    return lab;
  }
  write(server, more = '', workers = 1, config) {
    fs.writeFileSync(path.join(this.dir, 'nginx.conf'), config ?? `${top(workers)}http {\n${http_}${more}\nserver { listen unix:gate.sock; server_name gate.test;\n${server}\n}\n}\n`);
  }
  // What `nginx -t` says: { ok, text }.
  check() {
    const { status, stderr } = spawnSync('nginx', ['-t', '-e', 'stderr', '-p', this.dir, '-c', 'nginx.conf'], { cwd: this.dir, encoding: 'utf8', env: nginxEnv });
    return { ok: status === 0, text: stderr };
  }
  async run() {
    this.child = endWithUs(spawn('nginx', ['-e', 'stderr', '-p', this.dir, '-c', 'nginx.conf'], { cwd: this.dir, stdio: ['ignore', 'ignore', 'pipe'], env: nginxEnv }), 'SIGTERM');
    this.child.stderr.on('data', (data) => (this.log += data));
    await until('nginx to listen', () => {
      if (this.child.exitCode !== null) throw new Error(`nginx ended:\n${this.log}`);
      return fs.existsSync(path.join(this.dir, 'nginx.pid')) && fs.existsSync(this.socket) && this.workers.length > 0; // reload() waits for these to end
    });
  }
  get workers() { return fs.readFileSync(`/proc/${this.child.pid}/task/${this.child.pid}/children`, 'utf8').split(' ').filter(Boolean); }
  // Returns when the workers of the old configuration are gone.
  async reload() {
    const old = this.workers;
    this.child.kill('SIGHUP');
    await until('the old workers to end', () => !old.some((pid) => this.workers.includes(pid)));
  }
  // One request on a connection of its own. `headers` are whole lines; the token goes into Authorization.
  get(target, { token, method = 'GET', headers = [], body, wait } = {}) {
    const lines = [`${method} ${target} HTTP/1.1`, 'Host: gate.test', 'Connection: close', ...headers];
    if (token !== undefined) lines.push(`Authorization: Bearer ${token}`);
    if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
    return raw(this.socket, Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`, 'latin1'), { wait });
  }
  async stop() {
    this.child?.kill('SIGTERM');
    if (this.child && this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    await this.feed?.close();
    this.upstream?.close();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}
