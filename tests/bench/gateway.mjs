// script/bench gateway - what a guarded request costs beside nginx's bare proxy_pass: the same nginx, upstream and request, slices of each
// in turn, medians over the rounds. The gateway's one worker has a core of its own, the upstream and wrk share the other.
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
const ports = { bare: await freePort(), guarded: await freePort(), upstream: await freePort() };
const answer = JSON.stringify({ id: 'x', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(820) }, finish_reason: 'stop' }] });
const proxy = 'proxy_pass http://bench;';
const lab = await Lab.start({
  server: 'return 204;',
  http: `upstream bench { server 127.0.0.1:${ports.upstream}; keepalive 64; keepalive_requests 10000000; }
    keepalive_requests 10000000; error_log stderr crit; proxy_set_header Host $http_host;
    server { listen 127.0.0.1:${ports.bare}; location / { ${proxy} } }
    server { listen 127.0.0.1:${ports.guarded};
      gatehouse on; gatehouse_issuer ${issuer}; gatehouse_audience ${audience}; gatehouse_feed feed; gatehouse_organization any;
      location / { gatehouse_permission read:models; ${proxy} } }`,
});
// The upstream: another nginx, so that it never is the bottleneck.
const upstreamDir = path.join(lab.dir, 'up');
fs.mkdirSync(path.join(upstreamDir, 'tmp'), { recursive: true });
const upstream = Object.assign(Object.create(Lab.prototype), { dir: upstreamDir, socket: path.join(upstreamDir, 'gate.sock'), log: '' });
upstream.write('default_type application/json;', `keepalive_requests 10000000; error_log stderr crit; server { listen 127.0.0.1:${ports.upstream}; default_type application/json; location / { return 200 '${answer}'; } }`);
await upstream.run();

const pin = (pid, core) => execFileSync('taskset', ['-pc', String(core), String(pid)], { stdio: 'ignore' });
const worker = Number(lab.workers[0]);
pin(worker, 0);
pin(Number(upstream.workers[0]), 1);

const ec = new Key('e1', 'ES256');
await lab.feed.keys(issuer, [lab.key, ec]);
const more = { scope: 'openid profile read:models', permissions: ['read:models', 'chat:invoke', 'models:list', 'a:b', 'c:d', 'e:f'], aud: [audience, `${issuer}userinfo`] };
const cases = [
  ['bare proxy_pass', ports.bare, lab.key.token(more)],
  ['guarded, RS256', ports.guarded, lab.key.token(more)],
  ['guarded, ES256', ports.guarded, ec.token(more)],
];

// user + system time of the worker in microseconds
const ticks = () => { const stat = fs.readFileSync(`/proc/${worker}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(stat[11]) + Number(stat[12])) * 10000; };
const get = (port, token) => new Promise((resolve, reject) => http.get({ port, host: '127.0.0.1', path: '/v1/models', headers: { authorization: `Bearer ${token}` } }, (r) => { r.resume(); resolve(r.statusCode); }).on('error', reject));

function slice(port, token) {
  const before = ticks();
  const text = execFileSync('taskset', ['-c', '1', 'wrk', '-t1', '-c32', `-d${seconds}s`, '-H', `Authorization: Bearer ${token}`, `http://127.0.0.1:${port}/v1/models`], { encoding: 'utf8' });
  if (/Non-2xx/.test(text)) throw new Error(text);
  const count = Number(/(\d+) requests in/.exec(text)[1]);
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]), cpu: (ticks() - before) / count };
}
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

try {
  const seen = cases.map(() => []);
  for (const [, port, token] of cases) if (await get(port, token) !== 200) throw new Error(`not admitted:\n${lab.log}`);
  for (let round = 0; round < rounds; round++)
    for (const [i, [, port, token]] of cases.entries()) seen[i].push(slice(port, token));
  const result = cases.map(([name], i) => ({ name, requests_per_second: Math.round(median(seen[i].map((s) => s.rate))), cpu_us: Number(median(seen[i].map((s) => s.cpu)).toFixed(1)), ratio: Number(median(seen[i].map((s, r) => s.rate / seen[0][r].rate)).toFixed(3)) }));
  console.table(result);
  const rss = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${worker}/status`, 'utf8'))[1]);
  console.log(`token of ${cases[1][2].length} bytes, ${rounds} rounds of ${seconds} s, 32 connections; worker ${(rss / 1024).toFixed(1)} MB`);
  if (options.json) fs.writeFileSync(options.json, JSON.stringify({ rounds, seconds, worker_rss_kb: rss, result }, null, 2));
} finally {
  upstream.child.kill('SIGTERM');
  await lab.stop();
}
