// Every request target of shared/vectors/paths through nginx to two upstreams, Node and nginx: the decision is made on the path that
// the upstream resolves.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { noShared, shared } from './harness.mjs';
import { Lab, json, policy, raw } from './gateway_lab.mjs';

const file = path.join(shared, 'vectors/paths/paths.txt');
const rows = noShared ? [] : fs.readFileSync(file, 'latin1').split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
  const [verdict, kind, target] = line.split('\t');
  return { verdict, kind, target: target.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))) };
});

// As a careless server would: decode, then take dot segments away.
function resolved(target) {
  let decoded = target.split('?')[0];
  try { decoded = decodeURIComponent(decoded); } catch { /* as it is */ }
  return path.posix.normalize(decoded.replaceAll('\\', '/'));
}

let lab;
before(async () => {
  if (noShared) return console.log('gateway_paths: ../shared is not here; the path targets were skipped');
  const routes = (upstream) => `gatehouse on; ${policy} gatehouse_forward_auth_from unix:; location = /ask { gatehouse_forward_auth nginx; }
    location /public/ { gatehouse_permission read:models; proxy_pass ${upstream}; }
    location /admin/ { gatehouse_permission admin; proxy_pass ${upstream}; }
    location / { proxy_pass ${upstream}; }`;
  lab = await Lab.start({
    server: routes('http://api'),
    http: `upstream second { server unix:second.sock; }
      server { listen unix:second.sock; default_type text/plain; location / { return 200 "$request_uri\\n$uri"; } }
      server { listen unix:gate2.sock; ${routes('http://second')} }`,
  });
});
after(() => lab?.stop());

const send = (socket, target) => raw(path.join(lab.dir, socket), Buffer.from(
  `GET ${target} HTTP/1.1\r\nHost: gate.test\r\nConnection: close\r\nAuthorization: Bearer ${lab.key.token()}\r\n\r\n`, 'latin1'), { wait: 2000 });

for (const [name, socket] of [['Node', 'gate.sock'], ['nginx', 'gate2.sock']])
  test(`what ${name} resolves is what was decided on`, { skip: noShared }, async (t) => {
    const count = { A: 0, R: 0, S: 0, passed: 0 };
    for (const { verdict, kind, target } of rows) {
      lab.upstream.hits.length = 0;
      const got = await send(socket, target);
      const passed = got.status === 200;
      const what = `${verdict} ${kind} ${JSON.stringify(target)}: ${got.status} ${got.body}`;
      count[verdict]++;
      // 301: nginx adds the slash that a location ends with, before any rule is asked; no answer of an upstream
      if (!passed) assert.ok(got.status === 0 || (got.status === 301 && verdict === 'S') || (got.status >= 400 && got.status < 500), what);
      if (name === 'Node') assert.equal(lab.upstream.hits.length, passed ? 1 : 0, what);
      if (verdict === 'R') assert.ok(!passed, what);
      if (verdict === 'A') assert.ok(passed, what);
      if (!passed) continue;
      count.passed++;
      const seen = name === 'Node' ? json(got).target : got.body.split('\n')[0];
      if (verdict === 'A') assert.equal(seen, target, what);
      const paths = [resolved(seen), new URL(seen, 'http://x').pathname, name === 'nginx' ? got.body.split('\n')[1] : '/public/'];
      for (const one of paths) assert.ok(/^\/public(\/|$)/.test(one), `${what} -> ${one}`);
    }
    assert.deepEqual([count.A, count.R, count.S], [15, 103, 122]);
    t.diagnostic(`${rows.length} targets: ${count.passed} passed on, all to the path that was decided`);
  });

// A target may not mean more to a proxy that asks than it means here.
test('by forward-auth a yes is a yes here too, for the same path', { skip: noShared }, async (t) => {
  const count = { yes: 0, no: 0 };
  for (const { verdict, kind, target } of rows) {
    const asked = await raw(path.join(lab.dir, 'gate.sock'), Buffer.from(
      `GET /ask HTTP/1.1\r\nHost: gate.test\r\nConnection: close\r\nX-Original-Method: GET\r\nX-Original-URI: ${target}\r\nAuthorization: Bearer ${lab.key.token()}\r\n\r\n`, 'latin1'), { wait: 2000 });
    const what = `${verdict} ${kind} ${JSON.stringify(target)}: ${asked.status} ${asked.body}`;
    if (verdict === 'A') assert.equal(asked.status, 200, what);
    if (verdict === 'R') assert.notEqual(asked.status, 200, what);
    count[asked.status === 200 ? 'yes' : 'no']++;
    if (asked.status !== 200) continue;
    lab.upstream.hits.length = 0;
    const direct = await send('gate.sock', target);
    assert.equal(direct.status, 200, what);
    assert.ok(/^\/public(\/|$)/.test(resolved(json(direct).target)), what);
  }
  t.diagnostic(`${count.yes} yes, ${count.no} no`);
});
