// script/bench gateway - what a guarded request costs beside nginx's bare proxy_pass: the same nginx, upstream and request, slices of each
// in turn, medians over the rounds. The gateway's one worker has a core of its own, the upstream and wrk share the other.
// cpu_ratio is bare / ours in CPU per request: what the ratio of requests is when the gateway's core is the bottleneck.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Key, Lab, audience, issuer } from '../e2e/gateway_lab.mjs';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '2' }, json: { type: 'string' } } });
const rounds = Number(options.rounds), seconds = Number(options.seconds);

const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});
const ports = { bare: await freePort(), warm: await freePort(), upstream: await freePort() };
const answer = JSON.stringify({ id: 'x', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(820) }, finish_reason: 'stop' }] });
const proxy = 'proxy_pass http://bench;';
const guarded = `gatehouse on; gatehouse_issuer ${issuer}; gatehouse_audience ${audience}; gatehouse_feed feed; gatehouse_organization any;
      location / { gatehouse_permission read:models; ${proxy} }`;
const lab = await Lab.start({
  server: 'return 204;',
  http: `upstream bench { server 127.0.0.1:${ports.upstream}; keepalive 64; keepalive_requests 10000000; }
    keepalive_requests 10000000; error_log stderr crit; proxy_set_header Host $http_host;
    server { listen 127.0.0.1:${ports.bare}; location / { ${proxy} } }
    server { listen 127.0.0.1:${ports.warm}; ${guarded} }`,
});
// Cold is another nginx, without a cache: its worker has the same core, and rests while the other works.
const cold = await Lab.start({
  server: 'return 204;',
  http: `upstream bench { server 127.0.0.1:${ports.upstream}; keepalive 64; keepalive_requests 10000000; }
    keepalive_requests 10000000; error_log stderr crit; proxy_set_header Host $http_host; gatehouse_token_cache off;
    server { listen 127.0.0.1:${(ports.cold = await freePort())}; ${guarded} }`,
});
// The upstream: another nginx, so that it never is the bottleneck.
const upstreamDir = path.join(lab.dir, 'up');
fs.mkdirSync(path.join(upstreamDir, 'tmp'), { recursive: true });
const upstream = Object.assign(Object.create(Lab.prototype), { dir: upstreamDir, socket: path.join(upstreamDir, 'gate.sock'), log: '' });
upstream.write('default_type application/json;', `keepalive_requests 10000000; error_log stderr crit; server { listen 127.0.0.1:${ports.upstream}; default_type application/json; location / { return 200 '${answer}'; } }`);
await upstream.run();

const pin = (pid, core) => execFileSync('taskset', ['-pc', String(core), String(pid)], { stdio: 'ignore' });
const worker = Number(lab.workers[0]), coldWorker = Number(cold.workers[0]);
pin(worker, 0);
pin(coldWorker, 0);
pin(Number(upstream.workers[0]), 1);

const ec = new Key('e1', 'ES256');
for (const one of [lab, cold]) await one.feed.keys(issuer, [lab.key, ec]);
const more = { scope: 'openid profile read:models', permissions: ['read:models', 'chat:invoke', 'models:list', 'a:b', 'c:d', 'e:f'], aud: [audience, `${issuer}userinfo`], exp: Math.floor(Date.now() / 1000) + 86400 };
const rsa = lab.key.token(more), many = Array.from({ length: 1000 }, (_, i) => lab.key.token({ ...more, sub: `auth0|user${String(i).padStart(4, '0')}` }));
const cases = [
  ['bare proxy_pass', ports.bare, [rsa], worker],
  ['bare, 1,000 tokens', ports.bare, many, worker],
  ['warm, 1 token', ports.warm, [rsa], worker],
  ['warm, 1,000 tokens', ports.warm, many, worker],
  ['cold RS256', ports.cold, [rsa], coldWorker],
  ['cold ES256', ports.cold, [ec.token(more)], coldWorker],
];

// The worker's time on its core in microseconds, to the nanosecond: ticks are 10 ms.
const busy = (pid) => Number(fs.readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
const get = (port, token) => new Promise((resolve, reject) => http.get({ port, host: '127.0.0.1', path: '/v1/models', headers: { authorization: `Bearer ${token}` } }, (r) => { r.resume(); resolve(r.statusCode); }).on('error', reject));

// wrk takes the tokens in turn.
function slice(port, tokens, pid) {
  const script = path.join(lab.dir, 'tokens.lua');
  fs.writeFileSync(script, `local requests, at = {}, 0
function init() for token in io.lines("${path.join(lab.dir, 'tokens')}") do requests[#requests + 1] = wrk.format("GET", "/v1/models", { Authorization = "Bearer " .. token }) end end
function request() at = at % #requests + 1 return requests[at] end`);
  fs.writeFileSync(path.join(lab.dir, 'tokens'), tokens.join('\n'));
  const before = busy(pid);
  const text = execFileSync('taskset', ['-c', '1', 'wrk', '-t1', '-c32', `-d${seconds}s`, '-s', script, `http://127.0.0.1:${port}/`], { encoding: 'utf8' });
  if (/Non-2xx/.test(text)) throw new Error(text);
  const count = Number(/(\d+) requests in/.exec(text)[1]);
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]), cpu: (busy(pid) - before) / count };
}
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

try {
  const seen = cases.map(() => []);
  for (const [, port, [token]] of cases) if (await get(port, token) !== 200) throw new Error(`not admitted:\n${lab.log}`);
  for (let round = 0; round < rounds; round++)
    for (const [i, [, port, tokens, pid]] of cases.entries()) seen[i].push(slice(port, tokens, pid));
  const result = cases.map(([name, , tokens], i) => ({ name, requests_per_second: Math.round(median(seen[i].map((s) => s.rate))), cpu_us: Number(median(seen[i].map((s) => s.cpu)).toFixed(1)), ratio: Number(median(seen[i].map((s, r) => s.rate / seen[tokens.length > 1 ? 1 : 0][r].rate)).toFixed(3)), cpu_ratio: Number(median(seen[i].map((s, r) => seen[tokens.length > 1 ? 1 : 0][r].cpu / s.cpu)).toFixed(3)) }));
  console.table(result);
  const rss = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${worker}/status`, 'utf8'))[1]);
  console.log(`token of ${rsa.length} bytes, ${rounds} rounds of ${seconds} s, 32 connections; worker ${(rss / 1024).toFixed(1)} MB`);
  if (options.json) fs.writeFileSync(options.json, JSON.stringify({ rounds, seconds, worker_rss_kb: rss, result }, null, 2));
} finally {
  upstream.child.kill('SIGTERM');
  await cold.stop();
  await lab.stop();
}
