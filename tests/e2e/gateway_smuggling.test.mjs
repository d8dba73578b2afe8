// Requests that two servers could frame differently, as raw bytes, to guarded routes in front of two upstreams (Node, nginx), with request
// bodies buffered and streamed, over HTTP/1 and HTTP/2. Whatever nginx makes of them: an upstream sees only requests that a caller with
// the right permission made, for what was decided on, and the next caller gets its own answer.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { until } from './harness.mjs';
import { Lab, json, policy, raw } from './gateway_lab.mjs';

let lab, token;
const seen = () => fs.readFileSync(path.join(lab.dir, 'seen.log'), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
before(async () => {
  const routes = (upstream) => `gatehouse on; ${policy} client_max_body_size 1m;
    location /allowed/ { gatehouse_permission read:models; proxy_pass ${upstream}; }
    location /allowed/streamed/ { gatehouse_permission read:models; proxy_request_buffering off; proxy_buffering off; proxy_pass ${upstream}; }
    location /forbidden/ { gatehouse_permission admin; proxy_pass ${upstream}; }
    location / { proxy_pass ${upstream}; }`;
  lab = await Lab.start({
    server: routes('http://api'),
    http: `log_format seen escape=json '{"target":"$request_uri","method":"$request_method","subject":"$http_x_gatehouse_subject","authorization":"$http_authorization"}';
      upstream second { server unix:second.sock; keepalive 16; }
      server { listen unix:second.sock; access_log seen.log seen; location / { return 200 '{"target":"$request_uri","headers":{"x-gatehouse-subject":"$http_x_gatehouse_subject"}}'; } }
      server { listen unix:gate2.sock; server_name gate.test; ${routes('http://second')} }
      server { listen unix:h2.sock http2; server_name gate.test; ${routes('http://api')} }
      server { listen unix:h2two.sock http2; server_name gate.test; ${routes('http://second')} }
      server { listen unix:gate.sock; server_name open.test; location / { return 200 open; } }`,
  });
  token = lab.key.token();
});
after(() => lab?.stop());

const smuggled = 'GET /forbidden/smuggled HTTP/1.1\r\nHost: gate.test\r\nX-Gatehouse-Subject: root\r\n\r\n';
const head = (line, ...lines) => `${[line, 'Host: gate.test', `Authorization: Bearer ${token}`, ...lines].join('\r\n')}\r\n\r\n`;
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
const body = `0\r\n\r\n${smuggled}`;

// [what, (path below which a friend may ask) => bytes]
const one = [
  ['CL.TE', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${body.length}`, 'Transfer-Encoding: chunked') + body],
  ['TE.CL', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding: chunked', 'Content-Length: 4') + chunk(smuggled) + '0\r\n\r\n'],
  ['CL.0', (p) => head(`GET ${p} HTTP/1.1`, `Content-Length: ${smuggled.length}`) + smuggled],
  ['0.CL', (p) => head(`POST ${p} HTTP/1.1`, 'Content-Length: 0') + smuggled],
  ['DELETE with a body', (p) => head(`DELETE ${p} HTTP/1.1`, `Content-Length: ${smuggled.length}`) + smuggled],
  ...['xchunked', 'chunked, identity', 'identity, chunked', 'chunked,chunked', '"chunked"', 'chunked;q=1', 'Chunked', 'CHUNKED ', '\x0bchunked', 'chunked\x00', 'gzip, chunked', ''].map((value) =>
    [`Transfer-Encoding: ${JSON.stringify(value)}`, (p) => head(`POST ${p} HTTP/1.1`, `Transfer-Encoding: ${value}`) + body]),
  ...['xchunked', 'identity', 'chunked\x0b'].map((value) =>
    [`CL and Transfer-Encoding: ${JSON.stringify(value)}`, (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${body.length}`, `Transfer-Encoding: ${value}`) + body]),
  ['Transfer-Encoding twice', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + body],
  ['Transfer-Encoding twice, other first', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding: identity', 'Transfer-Encoding: chunked') + body],
  ['blank before the colon', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${body.length}`, 'Transfer-Encoding : chunked') + body],
  ['tab before the colon', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${body.length}`, 'Transfer-Encoding\t: chunked') + body],
  ['tab behind the colon', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding:\tchunked') + body],
  ['underscore', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${body.length}`, 'Transfer_Encoding: chunked') + body],
  ['NUL in the name', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${body.length}`, 'Transfer-Encoding\0: chunked') + body],
  ['obs-fold of TE', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${body.length}`, 'Transfer-Encoding:\r\n chunked') + body],
  ['obs-fold hides TE', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${body.length}`, 'X-A: b', ' Transfer-Encoding: chunked') + body],
  ['obs-fold of the target\'s host', (p) => head(`GET ${p} HTTP/1.1`, 'X-A: b', '\tHost: open.test')],
  ['a first header line that begins with a blank', (p) => `GET ${p} HTTP/1.1\r\n Host: open.test\r\n${head('X: y')}`],
  ['bare LF everywhere', (p) => head(`GET ${p} HTTP/1.1`).replaceAll('\r\n', '\n') + smuggled],
  ['bare LF hides a header', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${body.length}`, 'X-A: b\nTransfer-Encoding: chunked') + body],
  ['bare CR hides a header', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${body.length}`, 'X-A: b\rTransfer-Encoding: chunked') + body],
  ['bare CR ends the head', (p) => head(`GET ${p} HTTP/1.1`).slice(0, -4) + `\r\r${smuggled}`],
  ['LF CR', (p) => head(`GET ${p} HTTP/1.1`).replaceAll('\r\n', '\n\r') + smuggled],
  ['two lengths', (p) => head(`POST ${p} HTTP/1.1`, 'Content-Length: 0', `Content-Length: ${smuggled.length}`) + smuggled],
  ['two equal lengths', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${smuggled.length}`, `Content-Length: ${smuggled.length}`) + smuggled],
  ...['+5', '-1', '0x5', '5, 5', '5 5', '5;', '05', '', ' ', '1e1', '٥', '99999999999999999999', '18446744073709551621'].map((value) =>
    [`Content-Length: ${JSON.stringify(value)}`, (p) => head(`POST ${p} HTTP/1.1`, `Content-Length: ${Buffer.from(value).toString('latin1')}`) + `hello${smuggled}`]),
  ['a length with a blank before the colon', (p) => head(`POST ${p} HTTP/1.1`, `Content-Length : ${smuggled.length}`) + smuggled],
  ['a length that is too long', (p) => head(`POST ${p} HTTP/1.1`, 'Content-Length: 500') + smuggled],
  ...['5;a=b', '5;a="\r\n"', '5;a=b\nx', '5 ', ' 5', '0x5', '+5', '-5', '5\0', '000000000005', '5\t', 'fffffffffffffffb', '10000000000000005', '5,5', '', 'g', '5\n'].map((size) =>
    [`chunk size ${JSON.stringify(size)}`, (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding: chunked') + `${size}\r\nhello\r\n0\r\n\r\n${smuggled}`]),
  ['chunks ended by bare LF', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding: chunked') + `5\nhello\n0\n\n${smuggled}`],
  ['no end behind a chunk', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding: chunked') + `5\r\nhello0\r\n\r\n${smuggled}`],
  ['two bytes for the end behind a chunk', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding: chunked') + `5\r\nhelloXX0\r\n\r\n${smuggled}`],
  ['an extension of the last chunk', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding: chunked') + `0;\n${smuggled}\r\n\r\n`],
  ['trailers that are ours', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding: chunked', 'Trailer: X-Gatehouse-Subject') + `5\r\nhello\r\n0\r\nX-Gatehouse-Subject: root\r\nAuthorization: Bearer x\r\nContent-Length: 3\r\n\r\n${smuggled}`],
  ['Expect, and the body at once', (p) => head(`POST ${p} HTTP/1.1`, 'Expect: 100-continue', `Content-Length: ${smuggled.length}`) + smuggled],
  ['Expect something else', (p) => head(`POST ${p} HTTP/1.1`, 'Expect: 200-ok', 'Content-Length: 0') + smuggled],
  ['absolute form', (p) => head(`GET http://gate.test${p} HTTP/1.1`)],
  ['absolute form of another server', () => head('GET http://open.test/forbidden/smuggled HTTP/1.1')],
  ['absolute form of ours, Host of another', () => head('GET http://gate.test/forbidden/smuggled HTTP/1.1').replace('Host: gate.test', 'Host: open.test')],
  ['absolute form with a dot segment', (p) => head(`GET http://gate.test${p}../../../forbidden/smuggled HTTP/1.1`)],
  ['absolute form with user information', () => head('GET http://a@gate.test/forbidden/smuggled HTTP/1.1')],
  ['absolute form of another scheme', () => head('GET gopher://gate.test/forbidden/smuggled HTTP/1.1')],
  ['authority form', () => head('CONNECT gate.test:443 HTTP/1.1') + smuggled],
  ['asterisk form', () => head('OPTIONS * HTTP/1.1')],
  ['HTTP/0.9', () => 'GET /forbidden/smuggled\r\n'],
  ['HTTP/0.9 with a friend\'s path', (p) => `GET ${p}\r\nAuthorization: Bearer ${token}\r\n\r\n`],
  ...['HTTP/1.0', 'HTTP/1.2', 'HTTP/1.10', 'HTTP/2.0', 'HTTP/3', 'http/1.1', 'HTTP/1.1 x', 'HTTP /1.1', 'HTTP/01.1'].map((version) =>
    [`version ${version}`, (p) => head(`POST ${p} ${version}`, `Content-Length: ${body.length}`, 'Transfer-Encoding: chunked') + body]),
  ['HTTP/1.0 with chunks', (p) => head(`POST ${p} HTTP/1.0`, 'Transfer-Encoding: chunked', 'Connection: keep-alive') + body],
  ['NUL in the target', (p) => head(`GET ${p}\0/../../forbidden/smuggled HTTP/1.1`)],
  ['a blank in the target', (p) => head(`GET ${p} /forbidden/smuggled HTTP/1.1`)],
  ['a tab in the target', (p) => head(`GET ${p}\t/forbidden/smuggled HTTP/1.1`)],
  ['CR in the target', (p) => head(`GET ${p}\rX HTTP/1.1`)],
  ['encoded CRLF in the target', (p) => head(`GET ${p}%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0aGET%20/forbidden/smuggled HTTP/1.1`)],
  ['a fragment', () => head('GET /forbidden/smuggled#/allowed/ HTTP/1.1')],
  ...['get', 'G\0ET', 'GET\t', 'GET\x0b', 'POST\r\nGET', 'CONNECT', 'TRACE', 'PRI', ''].map((method) => [`method ${JSON.stringify(method)}`, () => head(`${method} /forbidden/smuggled HTTP/1.1`)]),
  ['HTTP/2\'s preface', () => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${smuggled}`],
  ['empty lines before', (p) => `\r\n\r\n${head(`GET ${p} HTTP/1.1`)}`],
  ['garbage before', (p) => `\0\r\n${head(`GET ${p} HTTP/1.1`)}`],
  ['two hosts', () => head('GET /forbidden/smuggled HTTP/1.1', 'Host: open.test')],
  ['two hosts, other first', () => `GET /forbidden/smuggled HTTP/1.1\r\nHost: open.test\r\n${head('X: y').replace('X: y\r\n', '')}`],
  ...['gate.test/forbidden', 'gate.test:80@open.test', 'open.test,gate.test', 'gate.test\0', '', '..', 'gate.test#'].map((host) =>
    [`Host: ${JSON.stringify(host)}`, () => head('GET /forbidden/smuggled HTTP/1.1').replace('Host: gate.test', `Host: ${host}`)]),
  ['a header without a colon', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding chunked', `Content-Length: ${body.length}`) + body],
  ['a header without a name', (p) => head(`POST ${p} HTTP/1.1`, ': chunked', `Content-Length: ${body.length}`) + body],
  ['Connection names the framing', (p) => head(`POST ${p} HTTP/1.1`, 'Connection: Content-Length, Transfer-Encoding, X-Gatehouse-Subject', `Content-Length: ${body.length}`) + body],
  ['Upgrade to h2c', (p) => head(`GET ${p} HTTP/1.1`, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__') + `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${smuggled}`],
  ['Upgrade to a socket', (p) => head(`GET ${p} HTTP/1.1`, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==') + smuggled],
  ['a friend, then a stranger', (p) => head(`GET ${p} HTTP/1.1`) + smuggled],
  ['a stranger, then a friend', (p) => smuggled + head(`GET ${p} HTTP/1.1`)],
  ['twenty in turns', (p) => Array.from({ length: 10 }, () => head(`GET ${p} HTTP/1.1`) + smuggled).join('')],
  ['a friend for what it may not', () => head('GET /forbidden/smuggled HTTP/1.1')],
  ['a refused one with a body, then another', (p) => `POST /forbidden/smuggled HTTP/1.1\r\nHost: gate.test\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}${head(`GET ${p} HTTP/1.1`)}`],
  ['a body cut short', (p) => head(`POST ${p} HTTP/1.1`, 'Transfer-Encoding: chunked') + '5\r\nhel'],
  ['a header of 40 KB', (p) => head(`GET ${p} HTTP/1.1`, `X-A: ${'a'.repeat(40000)}`) + smuggled],
  ['a target of 40 KB', (p) => head(`GET ${p}${'a'.repeat(40000)} HTTP/1.1`) + smuggled],
  ['5,000 headers', (p) => head(`GET ${p} HTTP/1.1`, ...Array.from({ length: 5000 }, (_, i) => `X-${i}: a`)) + smuggled],
  ['a body of 2 MB', (p) => head(`POST ${p} HTTP/1.1`, 'Content-Length: 2097152') + smuggled.repeat(3)],
  ['Authorization folded', () => `GET /allowed/x HTTP/1.1\r\nHost: gate.test\r\nAuthorization: Bearer\r\n ${'x.y.z'}\r\n\r\n`],
];

async function inParallel(list, width, work) {
  const rest = list.slice();
  await Promise.all(Array.from({ length: width }, async () => { for (let item; (item = rest.shift());) await work(item); }));
}

// What all of them must leave true.
async function nothingSlippedThrough(what) {
  for (const hit of [...lab.upstream.hits.map(({ target, method, raw: lines, headers }) => ({ target, method, subject: lines.filter((_, i) => i % 2 && /^x.gatehouse.subject$/i.test(lines[i - 1])).join(), authorization: headers.authorization ?? '' })), ...seen()]) {
    const said = `${what}: ${JSON.stringify(hit)}`;
    assert.ok(/^(http:\/\/gate\.test)?\/allowed\/(?!.*\.\.)/.test(hit.target) && !hit.target.includes('smuggled'), said);
    assert.ok(hit.subject === 'auth0|u1' || hit.subject === 'auth0|probe', said);
    assert.equal(hit.authorization, '', said);
  }
  // keep-alive connections to the upstream that were out of step would give somebody else's answer now
  const probe = lab.key.token({ sub: 'auth0|probe' });
  for (const socket of ['gate.sock', 'gate2.sock'])
    for (let i = 0; i < 20; i++) {
      const got = await raw(path.join(lab.dir, socket), Buffer.from(`GET /allowed/probe-${i} HTTP/1.1\r\nHost: gate.test\r\nConnection: close\r\nAuthorization: Bearer ${probe}\r\n\r\n`));
      assert.equal(got.status, 200, got.body);
      assert.equal(json(got).target, `/allowed/probe-${i}`, `${what}: ${socket}`);
      assert.equal(json(got).headers['x-gatehouse-subject'], 'auth0|probe', `${what}: ${socket}`);
    }
}

test('over HTTP/1', async (t) => {
  const all = one.flatMap(([what, make], i) => ['gate.sock', 'gate2.sock'].flatMap((socket) => ['/allowed/', '/allowed/streamed/'].map((p) => ({ what, socket, bytes: make(`${p}${i}/`) }))));
  const statuses = {};
  await inParallel(all, 24, async ({ socket, bytes, what }) => {
    const got = await raw(path.join(lab.dir, socket), Buffer.from(bytes, 'latin1'), { wait: 120 });
    assert.ok(!got.body.includes('smuggled') || got.status >= 400 || !/"target":"[^"]*smuggled/.test(got.body), `${what}: ${got.body}`);
    statuses[got.status] = (statuses[got.status] ?? 0) + 1;
  });
  await nothingSlippedThrough('HTTP/1');
  assert.ok(lab.upstream.hits.length > 50 && seen().length > 50, 'hardly any got through: the guard was not tried');
  assert.ok(one.length >= 120);
  t.diagnostic(`${one.length} requests, ${all.length} times; answers ${JSON.stringify(statuses)}; ${lab.upstream.hits.length} and ${seen().length} reached an upstream`);
});

// HTTP/2 by hand: frames that no client library would send. Header fields are literals without indexing and without Huffman.
const field = ([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)]);
function text(value) {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const size = [];
  for (let n = bytes.length - 127; ; n >>= 7) { size.push((n & 127) | (n > 127 ? 128 : 0)); if (n <= 127) break; }
  return Buffer.concat([Buffer.from([127, ...size]), bytes]);
}
function frame(type, flags, stream, payload) {
  const h = Buffer.alloc(9);
  h.writeUIntBE(payload.length, 0, 3);
  h[3] = type; h[4] = flags; h.writeUInt32BE(stream, 5);
  return Buffer.concat([h, payload]);
}
function h2(socket, streams) {
  return new Promise((resolve) => {
    const connection = net.connect(path.join(lab.dir, socket));
    const end = () => { clearTimeout(timer); connection.destroy(); resolve(); };
    const timer = setTimeout(end, 120);
    connection.on('error', end).on('close', end).on('data', () => {});
    connection.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, Buffer.alloc(0)),
      ...streams.flatMap(([fields, data], i) => [frame(1, data === undefined ? 5 : 4, 2 * i + 1, Buffer.concat(fields.map(field))), ...(data === undefined ? [] : [frame(0, 1, 2 * i + 1, Buffer.from(data, 'latin1'))])])]));
  });
}
const fields = (p, more = [], { method = 'POST', authority = 'gate.test', scheme = 'http' } = {}) => [[':method', method], [':scheme', scheme], [':path', p], [':authority', authority], ['authorization', `Bearer ${token}`], ...more];
const two = [
  ['a friend', (p) => [[fields(p), 'hello']]],
  ['transfer-encoding', (p) => [[fields(p, [['transfer-encoding', 'chunked']]), body]]],
  ['transfer-encoding and a length', (p) => [[fields(p, [['transfer-encoding', 'chunked'], ['content-length', '5']]), body]]],
  ['a shorter length', (p) => [[fields(p, [['content-length', '0']]), smuggled]]],
  ['a longer length', (p) => [[fields(p, [['content-length', '500']]), smuggled]]],
  ['two lengths', (p) => [[fields(p, [['content-length', '0'], ['content-length', `${smuggled.length}`]]), smuggled]]],
  ['connection', (p) => [[fields(p, [['connection', 'x-gatehouse-subject, transfer-encoding']]), 'hello']]],
  ['CRLF in a value', (p) => [[fields(p, [['x-a', `b\r\ntransfer-encoding: chunked`]]), body]]],
  ['a whole request in a value', (p) => [[fields(p, [['x-a', `b\r\n\r\n${smuggled}`]]), 'hello']]],
  ['LF in a value', (p) => [[fields(p, [['x-a', 'b\nx-gatehouse-subject: root']]), 'hello']]],
  ['NUL in a value', (p) => [[fields(p, [['x-a', 'b\0c']]), 'hello']]],
  ['a colon in a name', (p) => [[fields(p, [['transfer-encoding: chunked\r\nx', 'y']]), body]]],
  ['CRLF in a name', (p) => [[fields(p, [['x\r\n\r\nGET /forbidden/smuggled HTTP/1.1\r\nhost', 'gate.test']]), 'hello']]],
  ['a blank in a name', (p) => [[fields(p, [['transfer-encoding ', 'chunked']]), body]]],
  ['upper case in a name', (p) => [[fields(p, [['Transfer-Encoding', 'chunked']]), body]]],
  ['our header in upper case', (p) => [[fields(p, [['X-Gatehouse-Subject', 'root']]), 'hello']]],
  ['our header', (p) => [[fields(p, [['x-gatehouse-subject', 'root'], ['x_gatehouse_subject', 'root']]), 'hello']]],
  ['a path with a request in it', (p) => [[fields(`${p} HTTP/1.1\r\nHost: gate.test\r\n\r\n${smuggled}`), 'hello']]],
  ['a path with a blank', (p) => [[fields(`${p} /forbidden/smuggled`), 'hello']]],
  ['two paths', (p) => [[[...fields(p), [':path', '/forbidden/smuggled']], 'hello']]],
  ['two paths, other first', (p) => [[[[':path', '/forbidden/smuggled'], ...fields(p)], 'hello']]],
  ['no path', () => [[fields('x').filter(([name]) => name !== ':path'), 'hello']]],
  ['an empty path', () => [[fields(''), 'hello']]],
  ['an absolute path', () => [[fields('http://gate.test/forbidden/smuggled'), 'hello']]],
  ['a path with a dot segment', (p) => [[fields(`${p}../../../forbidden/smuggled`), 'hello']]],
  ['a method with a request in it', () => [[fields('/allowed/x', [], { method: 'GET /forbidden/smuggled HTTP/1.1\r\nHost: gate.test\r\n\r\nGET' }), 'hello']]],
  ['a method with a blank', () => [[fields('/allowed/x', [], { method: 'GET /forbidden/smuggled' }), 'hello']]],
  ['CONNECT', () => [[fields('/forbidden/smuggled', [], { method: 'CONNECT' }), smuggled]]],
  ['an authority with a line', (p) => [[fields(p, [], { authority: `gate.test\r\n\r\n${smuggled}` }), 'hello']]],
  ['another authority and a host', () => [[fields('/forbidden/smuggled', [['host', 'gate.test']], { authority: 'open.test' }), 'hello']]],
  ['a scheme with a request in it', (p) => [[fields(p, [], { scheme: `http://gate.test/forbidden/smuggled HTTP/1.1\r\n` }), 'hello']]],
  ['a pseudo-header behind', (p) => [[[...fields(p), ['x', 'y'], [':path', '/forbidden/smuggled']], 'hello']]],
  ['an unknown pseudo-header', (p) => [[[[':x-gatehouse-subject', 'root'], ...fields(p)], 'hello']]],
  ['authorization twice', () => [[[...fields('/forbidden/smuggled'), ['authorization', `Bearer ${token}`]], 'hello']]],
  ['a friend and a stranger on one connection', (p) => [[fields(p), 'hello'], [fields('/forbidden/smuggled').filter(([name]) => name !== 'authorization'), smuggled], [fields(p), undefined]]],
  ['te', (p) => [[fields(p, [['te', 'chunked'], ['trailer', 'x-gatehouse-subject'], ['upgrade', 'h2c']]), body]]],
];

test('over HTTP/2', async (t) => {
  lab.upstream.hits.length = 0;
  const before = seen().length;
  const all = two.flatMap(([, make], i) => ['h2.sock', 'h2two.sock'].flatMap((socket) => ['/allowed/', '/allowed/streamed/'].map((p) => ({ socket, streams: make(`${p}two-${i}/`) }))));
  await inParallel(all, 24, ({ socket, streams }) => h2(socket, streams));
  await until('the upstreams', () => lab.upstream.hits.length > 10 && seen().length - before > 10);
  await nothingSlippedThrough('HTTP/2');
  t.diagnostic(`${two.length} requests, ${all.length} times; ${lab.upstream.hits.length} and ${seen().length - before} reached an upstream`);
});
