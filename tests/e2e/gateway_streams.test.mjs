// Answers that last: an event stream and a WebSocket end within a second of revocation and when their token expires, where the configuration
// says so, and go on where it does not; reloads cut none and decide nothing wrong.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sleep, until } from './harness.mjs';
import { Key, Lab, issuer, now, policy } from './gateway_lab.mjs';

const campaign = process.env.GATEHOUSE_CAMPAIGN === '1';
const server = `gatehouse on; ${policy.replace('org_acme', 'any')} gatehouse_permission read:models; gatehouse_leeway 0; proxy_buffering off;
  location / { gatehouse_stream_check 800ms; proxy_pass http://api; }
  location /on { proxy_pass http://api; }
  location /ws { gatehouse_stream_check 300ms; proxy_pass http://api; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }`;

// An upstream that streams: an event each 50 ms, or a WebSocket's bytes back.
function makeItLast(upstream) {
  upstream.open = new Set();
  upstream.server.removeAllListeners('request');
  upstream.server.on('request', (request, response) => {
    if (!/sse/.test(request.url)) { response.end('{}'); return; }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => response.write(`data: ${Date.now()}\n\n`), 50);
    upstream.open.add(response);
    response.on('close', () => { clearInterval(timer); upstream.open.delete(response); });
  });
  upstream.server.on('upgrade', (request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    upstream.open.add(socket);
    socket.on('data', (data) => socket.write(data)).on('error', () => {}).on('end', () => socket.end()).on('close', () => upstream.open.delete(socket));
  });
}

// A connection that stays open: what came, and when it ended.
function open(lab, target, token, upgrade = false) {
  const stream = { text: '', ended: null, bytes: 0 };
  stream.socket = net.connect(lab.socket);
  stream.socket.write([`GET ${target} HTTP/1.1`, 'Host: gate.test', ...(upgrade ? ['Connection: Upgrade', 'Upgrade: websocket'] : ['Connection: close']), `Authorization: Bearer ${token}`, '', ''].join('\r\n'));
  stream.socket.on('data', (data) => (stream.text += data)).on('error', () => {}).on('close', () => (stream.ended = Date.now()));
  stream.started = () => until('the stream to start', () => (upgrade ? / 101 /.test(stream.text) : /data: /.test(stream.text)));
  stream.goes = async () => {
    const had = stream.text.length;
    if (upgrade) stream.socket.write('ping');
    await until('the stream to go on', () => stream.text.length > had, 1000);
    assert.equal(stream.ended, null);
  };
  stream.close = () => stream.socket.destroy();
  return stream;
}

describe('streams', () => {
  let lab;
  before(async () => {
    lab = await Lab.start({ server, workers: 1 });
    makeItLast(lab.upstream);
  });
  after(() => lab.stop());

  const t = now() - 30;
  // one stream for each way to lose it, beside two that go on: of another user, and where nothing is checked again
  for (const [kind, target, upgrade] of [['event streams', '/sse', false], ['WebSockets', '/ws', true]])
    test(`${kind} end within a second after their user, organization or key was taken away; others go on`, async (t_) => {
      const next = new Key('k2', 'ES256');
      await lab.feed.keys(issuer, [lab.key, next]);
      const user = `auth0|gone-${kind}`, organization = `org_${kind.replace(/\W/, '')}`;
      const gone = [next.token({ iat: t, sub: user }), next.token({ iat: t, org_id: organization }), lab.key.token({ iat: t })].map((token) => open(lab, target, token, upgrade));
      const others = [open(lab, target, next.token({ iat: t, sub: 'auth0|stays' }), upgrade), open(lab, '/on/sse', next.token({ iat: t, sub: user }))];
      await Promise.all([...gone, ...others].map((stream) => stream.started()));
      for (const stream of gone) await stream.goes();
      lab.log = '';
      await lab.feed.epoch('user', user, '', t);
      await lab.feed.epoch('suspended', organization, '', 1);
      await lab.feed.keys(issuer, [next]);
      const taken = Date.now();
      for (const stream of gone) await until('the end', () => stream.ended, 3000);
      const worst = Math.max(...gone.map((stream) => stream.ended)) - taken;
      t_.diagnostic(`the last one ended after ${worst} ms`);
      assert.ok(worst < 1000, `${worst} ms`);
      await until('the log lines', () => lab.log.split('gatehouse: ended rule=revoked').length === 3 && lab.log.includes('gatehouse: ended rule=unknown_key'));
      if (!upgrade) for (const stream of gone) assert.ok(!stream.text.endsWith('0\r\n\r\n'), 'it looks like a whole answer');
      for (const stream of others) { await stream.goes(); stream.close(); }
      await until('the upstream to be left', () => lab.upstream.open.size === 0);
    });

  test('a stream ends when its token expires', async () => {
    await lab.feed.keys(issuer, [lab.key]);
    const exp = now() + 2;
    const streams = [open(lab, '/sse', lab.key.token({ exp })), open(lab, '/ws', lab.key.token({ exp }), true)];
    await Promise.all(streams.map((stream) => stream.started()));
    for (const stream of streams) {
      await until('the end', () => stream.ended, 4000);
      assert.ok(stream.ended >= exp * 1000 && stream.ended < exp * 1000 + 300, `${stream.ended - exp * 1000} ms`);
    }
  });

  test('streams end when nothing can be decided any more', async () => {
    const stream = open(lab, '/sse', lab.key.token()), file = path.join(lab.dir, 'feed');
    await stream.started();
    fs.renameSync(file, `${file}.away`);
    await until('the end', () => stream.ended, 3500);
    fs.renameSync(`${file}.away`, file);
    await until('an answer', async () => (await lab.get('/x', { token: lab.key.token() })).status === 200, 3000);
  });

  test('requests that end by themselves are not touched, nor are those that are left', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 }), token = lab.key.token();
    const one = () => new Promise((resolve, reject) => http.get({ socketPath: lab.socket, path: '/x', agent, headers: { authorization: `Bearer ${token}` } },
      (response) => response.resume().on('end', () => resolve(response.statusCode))).on('error', reject));
    for (const end = Date.now() + 900; Date.now() < end;) assert.deepEqual(await Promise.all([one(), one(), one(), one()]), [200, 200, 200, 200]);
    agent.destroy();
    for (let i = 0; i < 10; i++) {
      const stream = open(lab, i % 2 ? '/ws' : '/sse', token, i % 2 === 1);
      await stream.started();
      stream.close();
    }
    await sleep(400);
    assert.equal(lab.upstream.open.size, 0);
    assert.equal((await lab.get('/x', { token })).status, 200);
    assert.ok(!/exited on signal|alert/.test(lab.log), lab.log);
  });
});

const reloads = campaign ? 200 : 6;
test(`${reloads} reloads under load with open streams: no request that was read fails, no stream is cut, no decision is wrong`, async (t) => {
  const lab = await Lab.start({ server, workers: 2 });
  makeItLast(lab.upstream);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const good = lab.key.token(), bad = lab.key.token({ permissions: [] }), old = lab.key.token({ iat: now() - 30, sub: 'auth0|late' });
  let stop = false, count = 0;
  const once = (token) => new Promise((resolve, reject) => {
    const request = http.get({ socketPath: lab.socket, path: '/x', agent, headers: { authorization: `Bearer ${token}` } }, (response) => response.resume().on('end', () => resolve(response.statusCode)));
    // nginx closes connections that wait for a request when their worker is to end, also new ones: what was not read is sent again
    request.on('error', (error) => (/^(ECONNRESET|EPIPE)$/.test(error.code) ? resolve(once(token)) : reject(error)));
  });
  const streams = Array.from({ length: 8 }, (_, n) => open(lab, n % 2 ? '/ws' : '/sse', n < 4 ? good : old, n % 2 === 1));
  try {
    await Promise.all(streams.map((stream) => stream.started()));
    const load = Array.from({ length: 8 }, async (_, n) => {
      while (!stop) {
        assert.equal(await once(n % 2 ? good : bad), n % 2 ? 200 : 403);
        count++;
      }
    });
    const reload = async () => {
      for (let i = 0; i < reloads; i++) {
        const known = new Set(lab.workers);
        lab.child.kill('SIGHUP');
        await until('new workers', () => lab.workers.some((pid) => !known.has(pid)));
        await sleep(20);
      }
      stop = true;
    };
    await Promise.all([...load, reload()]);
    for (const stream of streams) await stream.goes();
    await lab.feed.epoch('user', 'auth0|late', '', now() - 30);
    await Promise.all(streams.slice(4).map((stream) => until('the end of a stream of an old worker', () => stream.ended, 2500)));
    for (const stream of streams.slice(0, 4)) await stream.goes();
    t.diagnostic(`${count} requests and ${streams.length} streams over ${reloads} reloads`);
  } finally {
    stop = true;
    agent.destroy();
    for (const stream of streams) stream.close();
    await lab.stop();
  }
});
