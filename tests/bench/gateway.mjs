// script/bench gateway - what a guarded request costs beside nginx's bare proxy_pass and beside what people use now: the same request,
// upstream and token, slices of each in turn, medians over the rounds. The gateway has a core of its own, upstream and wrk share the other.
// A ratio is taken within a round. cpu_ratio is bare / ours in CPU per request, which other work on the machine moves less.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, root } from '../e2e/harness.mjs';
import { Key, Lab, audience, issuer, now } from '../e2e/gateway_lab.mjs';
import { apache, express, haproxy, listens, permission, portkey } from './peers.mjs';
import { report } from './report.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' }, seconds: { type: 'string', default: '2' }, json: { type: 'string' },
    docs: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, peers: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const rounds = Number(options.rounds), seconds = Number(options.seconds);

const names = ['bare', 'guarded', 'models', 'free', 'asking', 'askingExpress', 'cold', 'upstream', 'authorizer', 'ours', 'express', 'expressProxy', 'haproxy', 'apache', 'portkey', 'jwks'];
const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()])));

// ---- who stands where ----

const answer = JSON.stringify({ id: 'x', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(820) }, finish_reason: 'stop' }] });
const fixed = 'keepalive_requests 10000000; error_log stderr crit;';
const keepalive = (name, port) => `upstream ${name} { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 10000000; }`;
const proxied = `${fixed} proxy_set_header Host $http_host; client_body_buffer_size 512k; client_max_body_size 8m; ${keepalive('bench', ports.upstream)}`;
const proxy = 'proxy_pass http://bench;';
const policy = `gatehouse on; gatehouse_issuer ${issuer}; gatehouse_audience ${audience}; gatehouse_feed feed; gatehouse_organization any;`;
const guarded = (port, more = '') => `server { listen 127.0.0.1:${port}; ${policy} ${more} location / { gatehouse_permission ${permission}; ${proxy} } }`;
const asking = (port, authorizer, uri) => `server { listen 127.0.0.1:${port}; location / { auth_request /_ask; ${proxy} }
  location = /_ask { internal; proxy_pass http://${authorizer}${uri}; proxy_pass_request_body off; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header Content-Length ""; proxy_set_header X-Original-URI $request_uri; proxy_set_header X-Original-Method $request_method; } }`;

const warm = await Lab.start({
  server: 'return 204;',
  http: `${proxied} ${keepalive('free', ports.authorizer)} ${keepalive('ours', ports.ours)} ${keepalive('express', ports.express)}
    server { listen 127.0.0.1:${ports.bare}; location / { ${proxy} } }
    ${guarded(ports.guarded)}
    ${guarded(ports.models, 'gatehouse_models required;')}
    server { listen 127.0.0.1:${ports.authorizer}; return 204; }
    server { listen 127.0.0.1:${ports.ours}; ${policy} gatehouse_forward_auth_from 127.0.0.1; location = /auth { gatehouse_forward_auth nginx; } location / { gatehouse_permission ${permission}; } }
    ${asking(ports.free, 'free', '/auth')} ${asking(ports.asking, 'ours', '/auth')} ${asking(ports.askingExpress, 'express', '/auth')}`,
});
// Cold is another nginx, without a cache: its worker has the same core, and rests while the other works.
const cold = await Lab.start({ server: 'return 204;', http: `${proxied} gatehouse_token_cache off; ${guarded(ports.cold)}` });
// The upstream too, so that it never is the bottleneck.
const upstreamDir = path.join(warm.dir, 'up');
fs.mkdirSync(path.join(upstreamDir, 'tmp'), { recursive: true });
const upstream = Object.assign(Object.create(Lab.prototype), { dir: upstreamDir, socket: path.join(upstreamDir, 'gate.sock'), log: '' });
upstream.write('default_type application/json;', `${fixed} client_body_buffer_size 512k; server { listen 127.0.0.1:${ports.upstream}; default_type application/json; location / { return 200 '${answer}'; } }`);
await upstream.run();

const ec = new Key('e1', 'ES256');
for (const one of [warm, cold]) {
  one.key = warm.key;
  await one.feed.keys(issuer, [warm.key, ec]);
}
const jwks = http.createServer((request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [warm.key.jwk] }))).listen(ports.jwks, '127.0.0.1');
const pem = path.join(warm.dir, 'key.pem');
fs.writeFileSync(pem, warm.key.publicKey.export({ type: 'spki', format: 'pem' }));
fs.chmodSync(warm.dir, 0o755); // Apache's worker is nobody's friend

// ---- what is asked ----

const claims = { scope: 'openid profile', permissions: [permission, 'models:list', 'model:gpt-5', 'model:small-*', 'files:read', 'files:write'], aud: [audience, `${issuer}userinfo`], iat: now() - 60, exp: now() + 86400 };
const rsa = [warm.key.token(claims)], es = [ec.token(claims)];
const many = Array.from({ length: 1000 }, (_, i) => warm.key.token({ ...claims, sub: `auth0|user${String(i).padStart(4, '0')}` }));
const chat = (bytes) => {
  const body = { model: 'gpt-5', temperature: 0.2, messages: [{ role: 'system', content: 'You are a helpful assistant.' }, { role: 'user', content: '' }] };
  body.messages[1].content = 'lorem ipsum '.repeat(bytes / 12 + 1).slice(0, bytes - JSON.stringify(body).length);
  return JSON.stringify(body);
};
const small = chat(371), large = chat(115 * 1024);

const peers = {};
const place = (port) => ({ dir: path.join(warm.dir, 'peers'), port, upstream: ports.upstream, pem, jwks: `http://127.0.0.1:${ports.jwks}/jwks.json` });
async function startPeers() {
  fs.mkdirSync(place().dir);
  peers.haproxy = await haproxy(place(ports.haproxy));
  peers.apache = await apache(place(ports.apache));
  peers.express = await express(place(ports.express));
  peers.expressProxy = await express({ ...place(ports.expressProxy), proxy: true });
  peers.portkey = await portkey(place(ports.portkey));
}

const nginx = { pids: [Number(warm.workers[0])] }, coldNginx = { pids: [Number(cold.workers[0])] };
const row = (name, port, of, more = {}) => ({ name, port, of, tokens: rsa, body: small, against: 'bare `proxy_pass`', ...more });
const rowsToMeasure = () => [
  row('bare `proxy_pass`', ports.bare, nginx, { open: true }),
  row('guarded, 1 token', ports.guarded, nginx),
  row('bare, 1,000 tokens', ports.bare, nginx, { open: true, tokens: many }),
  row('guarded, 1,000 tokens', ports.guarded, nginx, { tokens: many, against: 'bare, 1,000 tokens' }),
  row('guarded, with the model rule', ports.models, nginx),
  row('guarded, cold, RS256', ports.cold, coldNginx),
  row('guarded, cold, ES256', ports.cold, coldNginx, { tokens: es }),
  row('bare, prompt of 115 KB', ports.bare, nginx, { open: true, body: large }),
  row('guarded, prompt of 115 KB', ports.guarded, nginx, { body: large, against: 'bare, prompt of 115 KB' }),
  row('guarded, with the model rule, prompt of 115 KB', ports.models, nginx, { body: large, against: 'bare, prompt of 115 KB' }),
  row('`auth_request` to an authorizer that asks nothing', ports.free, nginx, { open: true }),
  row('`auth_request` to our forward-auth', ports.asking, nginx, { against: '`auth_request` to an authorizer that asks nothing' }),
  peers.haproxy && row('HAProxy `jwt_verify`', ports.haproxy, peers.haproxy),
  peers.apache && row('Apache `mod_auth_openidc`', ports.apache, peers.apache),
  peers.express && row('nginx `auth_request` → Express', ports.askingExpress, { get pids() { return [...nginx.pids, ...peers.express.pids]; } }),
  peers.expressProxy && row('Express + `express-oauth2-jwt-bearer`', ports.expressProxy, peers.expressProxy),
  peers.portkey && row('`@portkey-ai/gateway`, asks for no token', ports.portkey, peers.portkey, { open: true, headers: peers.portkey.headers }),
].filter((r) => r && (!options.only || r.name.startsWith('bare') || r.name.includes(options.only)));

// ---- measuring ----

const pin = (pid, core) => execFileSync('taskset', ['-apc', String(core), String(pid)], { stdio: 'ignore' });

// The time on a core in microseconds, to the nanosecond (ticks are 10 ms), of all threads.
const busy = (pids) => pids.reduce((sum, pid) => sum + fs.readdirSync(`/proc/${pid}/task`).reduce((part, task) => part + Number(fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1000, 0), 0);
const memory = (pids) => pids.reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024, 0);
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

const post = ({ port, body, headers }, token) => new Promise((resolve, reject) => {
  const request = http.request({ port, host: '127.0.0.1', agent: false, method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...headers } },
    (response) => { response.resume(); response.on('end', () => resolve(response.statusCode)); });
  request.on('error', reject).end(body);
});

// A gate that lets everybody in would be fast.
async function check(r) {
  const [token] = r.tokens, [head, payload, signature] = token.split('.');
  const status = await post(r, token);
  if (status !== 200) throw new Error(`${r.name} answered a good token with ${status}\n${warm.log}`);
  if (r.open) return;
  const bad = {
    'no token': undefined, tampered: [head, payload, (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)].join('.'),
    'another key': new Key('k1').token(claims), expired: warm.key.token({ ...claims, exp: now() - 120 }), 'another issuer': warm.key.token({ ...claims, iss: 'https://other.example/' }),
    'another audience': warm.key.token({ ...claims, aud: 'https://other.example/' }), 'no organization': warm.key.token({ ...claims, org_id: undefined }), 'no permission': warm.key.token({ ...claims, permissions: ['files:read'] }),
  };
  for (const [what, wrong] of Object.entries(bad)) {
    const got = await post(r, wrong);
    if (got < 400) throw new Error(`${r.name} admitted a token with: ${what} (${got})`);
  }
}

// wrk takes the tokens in turn.
function slice({ port, tokens, body, headers = {}, of }) {
  const files = Object.fromEntries(['tokens', 'body', 'wrk.lua'].map((name) => [name, path.join(warm.dir, name)]));
  fs.writeFileSync(files.tokens, tokens.join('\n'));
  fs.writeFileSync(files.body, body);
  fs.writeFileSync(files['wrk.lua'], `local requests, at, body = {}, 0, io.open("${files.body}"):read("*a")
function init() for token in io.lines("${files.tokens}") do requests[#requests + 1] = wrk.format("POST", "/v1/chat/completions",
  { Authorization = "Bearer " .. token, ["Content-Type"] = "application/json"${Object.entries(headers).map(([name, value]) => `, ["${name}"] = "${value}"`).join('')} }, body) end end
function request() at = at % #requests + 1 return requests[at] end`);
  const { pids } = of, before = busy(pids);
  const text = execFileSync('taskset', ['-c', '1', 'wrk', '-t1', '-c32', `-d${seconds}s`, '--latency', '-s', files['wrk.lua'], `http://127.0.0.1:${port}/`], { encoding: 'utf8' });
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(text);
  const count = Number(/(\d+) requests in/.exec(text)[1]), [, p50, unit] = /50%\s+([\d.]+)(us|ms|s)/.exec(text);
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]), cpu: (busy(pids) - before) / count, p50: p50 * { us: 0.001, ms: 1, s: 1000 }[unit] };
}

try {
  if (options.peers) await startPeers();
  for (const { pids } of [nginx, coldNginx, ...Object.values(peers)]) for (const pid of pids) pin(pid, 0);
  pin(Number(upstream.workers[0]), 1);
  const rows = rowsToMeasure();
  for (const r of rows) await check(r);
  const load = os.loadavg()[0];
  const seen = new Map(rows.map((r) => [r.name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const r of rows) seen.get(r.name).push(slice(r));
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  const result = rows.map((r) => {
    const own = seen.get(r.name), base = seen.get(r.against);
    const of = (what) => Number(median(own.map((s, i) => what(s, base[i]))).toPrecision(3));
    return { name: r.name, against: r.against, requests_per_second: Math.round(median(own.map((s) => s.rate))), ratio: of((s, b) => s.rate / b.rate), cpu_us: of((s) => s.cpu), cpu_ratio: of((s, b) => b.cpu / s.cpu), p50_ms: of((s) => s.p50), rss_mb: Math.round(memory(r.of.pids)) };
  });
  const version = (command, flag, stream) => /\d+\.\d+[.\w]*/.exec(execFileSync('sh', ['-c', `${command} ${flag} ${stream}`], { encoding: 'utf8' }))[0];
  const conditions = {
    date: new Date().toISOString().slice(0, 10), rounds, seconds, connections: 32, token_bytes: rsa[0].length, body_bytes: small.length, answer_bytes: answer.length, cpu: os.cpus()[0].model, cores: os.cpus().length, load_before: Number(load.toFixed(2)), load_after: Number(os.loadavg()[0].toFixed(2)),
    versions: { nginx: version('nginx', '-v', '2>&1'), OpenSSL: version('openssl', 'version', ''), Node: process.versions.node, ...(options.peers && { HAProxy: peers.haproxy.version, mod_auth_openidc: peers.apache.version, 'Express and express-oauth2-jwt-bearer': peers.expressProxy.version, '@portkey-ai/gateway': peers.portkey.version }) },
    worker_rss_mb: Number(memory(nginx.pids).toFixed(1)),
  };
  report({ conditions, result }, { json: options.json, docs: options.docs && path.join(root, 'docs') });
} finally {
  for (const peer of Object.values(peers)) await peer.stop();
  jwks.closeAllConnections();
  jwks.close();
  upstream.child.kill('SIGTERM');
  await cold.stop();
  await warm.stop();
}
if (Object.values(ports).some(listens)) throw new Error('something still listens');
