// Credentials of upstreams: from files to a proven upstream, on requests of admitted callers, and nowhere else.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { until } from './harness.mjs';
import { Lab, policy } from './gateway_lab.mjs';

const secret = 'sk-c4n4ry-0123456789', other = 'sk-c4n4ry-other';
const outside = Object.values(os.networkInterfaces()).flat().find((one) => !one.internal && one.family === 'IPv4')?.address;
const key = (file = 'key') => `gatehouse_upstream_credential Authorization ${file} Bearer;`;
const guarded = 'gatehouse_permission read:models;';

let lab;
const write = (name, content, mode = 0o600) => { const file = path.join(lab.dir, name); fs.writeFileSync(file, content); fs.chmodSync(file, mode); return file; };
before(async () => {
  lab = await Lab.start({ server: 'location / { return 204; }' });
  write('key', `${secret}\n`);
  write('other', other);
  write('page.html', 'a<!--#include virtual="/leak/ssi" -->b');
});
after(() => lab?.stop());

describe('what does not start', () => {
  const place = (directive, more = 'proxy_pass http://api;') => `gatehouse on; ${policy} location / { ${guarded} ${directive} ${more} }`;
  const files = [
    ['a file that is not there', 'nothing', undefined, 0, /cannot be opened/],
    ['readable by others', 'f1', 'x', 0o604, /must be a file of root or of nginx's user, which others cannot read/],
    ['writable by the group', 'f2', 'x', 0o620, /others cannot read/],
    ['writable by others', 'f3', 'x', 0o602, /others cannot read/],
    ['empty', 'f4', '', 0o600, /one line of visible ASCII/],
    ['a newline alone', 'f5', '\n', 0o600, /one line/],
    ['two lines', 'f6', 'a\nb\n', 0o600, /one line/],
    ['a header behind it', 'f7', 'a\r\nX-Admin: 1\r\n', 0o600, /one line/],
    ['a CR at its end', 'f8', 'a\r\n', 0o600, /one line/],
    ['NUL', 'f9', 'a\0b', 0o600, /one line/],
    ['not ASCII', 'f10', 'schlüssel', 0o600, /one line/],
    ['a blank at its end', 'f11', 'a ', 0o600, /one line/],
    ['longer than the limit', 'f12', 'x'.repeat(8193), 0o600, /at most 8192 bytes/],
  ];
  for (const [what, name, content, mode, message] of files)
    test(`the file: ${what}`, () => {
      if (content !== undefined) write(name, content, mode);
      lab.write(place(key(name)));
      const { ok, text } = lab.check();
      assert.ok(!ok, 'it started');
      assert.match(text, message);
      if (content?.trim().length > 4) assert.ok(!text.includes(content.trim()), 'the content was said');
    });
  test('the file: a folder, a fifo', () => {
    execFileSync('mkfifo', ['-m', '600', path.join(lab.dir, 'fifo')]);
    for (const name of ['tmp', 'fifo']) {
      lab.write(place(key(name)));
      assert.match(lab.check().text, /must be a file of root/);
    }
  });

  const rows = [
    ['a header that frames messages', place('gatehouse_upstream_credential Transfer-Encoding key;'), /does not set this header/],
    ['Host', place('gatehouse_upstream_credential host key;'), /does not set this header/],
    ['Cookie', place('gatehouse_upstream_credential COOKIE key;'), /does not set this header/],
    ['a header of ours', place('gatehouse_upstream_credential X-Gatehouse-Subject key;'), /headers of our own/],
    ['a header that is none', place('gatehouse_upstream_credential "X: y" key;'), /a header's name/],
    ['an underscore', place('gatehouse_upstream_credential X_Api_Key key;'), /a header's name/],
    ['one header twice', place(`${key()} gatehouse_upstream_credential authorization other;`), /names a header twice/],
    ['two words as scheme', place('gatehouse_upstream_credential Authorization key "Bearer x";'), /one word as the scheme/],
    ['no file', place('gatehouse_upstream_credential Authorization;'), /number of arguments/],
    ['a public location', `gatehouse on; ${policy} location / { gatehouse public; ${key()} proxy_pass http://api; }`, /would be anybody's/],
    ['a location where nobody is asked', `location / { ${key()} proxy_pass http://api; }`, /would be anybody's/],
    ['http: to another machine', place(key(), 'proxy_pass http://192.0.2.1;'), /would go to whoever answers/],
    ['https: without verification', place(key(), 'proxy_pass https://192.0.2.1;'), /would go to whoever answers/],
    ['verification said off', place(key(), 'proxy_ssl_verify off; proxy_pass https://192.0.2.1;'), /would go to whoever answers/],
    ['verification without https:', place(key(), 'proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_pass http://192.0.2.1;'), /would go to whoever answers/],
    ['inherited into a location that is not proven', `gatehouse on; ${policy} ${key()} location / { ${guarded} location /a { proxy_pass http://192.0.2.1; } }`, /in "\/a" would go to whoever answers/],
    ['an address out of variables', place(key(), 'resolver 127.0.0.1; proxy_pass http://$arg_host;'), /without variables/],
    ['a path out of variables', place(key(), 'proxy_pass http://api$request_uri;'), /without variables/],
    ['FastCGI', place(key(), 'fastcgi_pass unix:x.sock;'), /needs "proxy_pass"/],
    ['an answer of nginx itself is none', place(key(), 'stub_status;'), /needs "proxy_pass"/],
    ['one of several upstreams elsewhere', place(key(), 'proxy_pass http://mixed;'), /would go to whoever answers/],
    ['a backup elsewhere', place(key(), 'proxy_pass http://backup;'), /would go to whoever answers/],
    ['an if that leads elsewhere', place(key(), 'if ($arg_a) { proxy_pass http://192.0.2.1; } proxy_pass http://api;'), /would go to whoever answers/],
  ];
  for (const [what, server, message] of rows)
    test(what, () => {
      lab.write(server, 'upstream mixed { server unix:x.sock; server 192.0.2.1; } upstream backup { least_conn; server 127.0.0.1:1; server 192.0.2.1 backup; keepalive 2; }');
      const { ok, text } = lab.check();
      assert.ok(!ok, 'it started');
      assert.match(text, message);
      assert.ok(!text.includes(secret));
    });
  for (const [what, upstream] of [['unix sockets and loopback', 'proxy_pass http://near;'], ['127.1.2.3', 'proxy_pass http://127.1.2.3:81;'], ['::1', 'proxy_pass http://[::1]:81;'], ['localhost', 'proxy_pass http://localhost:81/v1/;']])
    test(`but ${what} does`, () => {
      lab.write(place(key(), upstream), 'upstream near { least_conn; server unix:x.sock; server 127.0.0.1:1; server [::1]:1 backup; keepalive 2; }');
      const { ok, text } = lab.check();
      assert.ok(ok, text);
    });
});

describe('who gets it', () => {
  const access = () => fs.readFileSync(path.join(lab.dir, 'access.log'), 'utf8');
  before(async () => {
    lab.write(`gatehouse on; ${policy} ${key()} gatehouse_upstream_credential X-Api-Key other; access_log access.log all;
      add_header X-Said "$http_authorization/$http_x_api_key" always;
      location /v1/ { ${guarded} proxy_pass http://api; }
      location /own/ { ${guarded} gatehouse_upstream_credential Authorization other Basic; proxy_pass http://api; }
      location /public/ { gatehouse public; proxy_pass http://api; }
      location /again/ { ${guarded} error_page 404 = /public/redirected; proxy_intercept_errors on; proxy_pass http://api; }
      location /accel/ { ${guarded} proxy_pass http://api; }
      location /copy/ { ${guarded} proxy_set_header X-Copy "$http_authorization$http_x_api_key"; proxy_pass http://api; }
      location /rewritten/ { ${guarded} set $was "$http_authorization$http_x_api_key"; proxy_set_header X-Copy $was; proxy_pass http://api; }`,
    `log_format all "$request $http_authorization $http_x_api_key $upstream_addr $mapped"; map $http_authorization $mapped { default $http_authorization; }
      server { listen unix:mixed.sock; ${policy} access_log access.log all;
        location /mirror/ { gatehouse on; ${guarded} ${key()} mirror /leak/mirror; proxy_pass http://api; }
        location /auth/ { gatehouse on; ${guarded} ${key()} auth_request /leak/auth; proxy_pass http://api; }
        location /ssi/ { gatehouse on; ${guarded} ${key()} ssi on; ssi_types *; proxy_pass http://api; }
        location /error/ { gatehouse on; ${guarded} ${key()} proxy_intercept_errors on; error_page 404 = /leak/error; proxy_pass http://api; }
        location /named/ { gatehouse on; ${guarded} ${key()} proxy_intercept_errors on; error_page 404 = @leak; proxy_pass http://api; }
        location /accel/ { gatehouse on; ${guarded} ${key()} proxy_pass http://api; }
        location /files/ { gatehouse on; ${guarded} ${key()} try_files /nothing /leak/files; }
        location /after/ { gatehouse on; ${guarded} ${key()} post_action /leak/after; proxy_pass http://api; }
        location @leak { proxy_pass http://api; }
        location /leak/ { proxy_pass http://api; } }`);
    await lab.reload();
  });
  beforeEach(() => {
    lab.upstream.hits.length = 0;
    lab.upstream.answer = (request) => request.url.startsWith('/accel/') ? { 'x-accel-redirect': '/leak/accel' } : {};
  });
  const carries = (hit) => JSON.stringify(hit.raw).includes('c4n4ry');

  test('the upstream of an admitted caller, once, instead of what the caller sent', async () => {
    const got = await lab.get('/v1/x', { token: lab.key.token(), headers: ['X-Api-Key: mine', 'x-api-KEY: mine too', 'Proxy-Authorization: Basic x'] });
    assert.equal(got.status, 200);
    const { raw } = lab.upstream.hits[0];
    const values = (name) => raw.filter((_, i) => i % 2 === 1 && raw[i - 1].toLowerCase() === name);
    assert.deepEqual(values('authorization'), [`Bearer ${secret}`]);
    assert.deepEqual(values('x-api-key'), [other]);
    assert.ok(!raw.some((value) => value.includes(lab.key.kid) || value.includes('mine')));
  });
  test('a location with some of its own inherits none', async () => {
    await lab.get('/own/x', { token: lab.key.token(), headers: ['X-Api-Key: mine'] });
    assert.equal(lab.upstream.hits[0].headers.authorization, `Basic ${other}`);
    assert.equal(lab.upstream.hits[0].headers['x-api-key'], 'mine');
  });
  test('nobody on a public route, nor anybody refused', async () => {
    await lab.get('/public/x', { headers: ['X-Api-Key: mine'] });
    assert.deepEqual([lab.upstream.hits[0].headers.authorization, lab.upstream.hits[0].headers['x-api-key']], [undefined, 'mine']);
    lab.upstream.hits.length = 0;
    for (const token of [undefined, 'x', lab.key.token({ permissions: [] })]) assert.notEqual((await lab.get('/v1/x', { token })).status, 200);
    assert.equal(lab.upstream.hits.length, 0);
  });
  test('variables never tell it: not in answers, not in copies', async () => {
    for (const where of ['/v1/x', '/copy/x', '/rewritten/x']) {
      lab.upstream.hits.length = 0;
      const got = await lab.get(where, { token: lab.key.token(), headers: ['X-Api-Key: mine'] });
      assert.ok(!JSON.stringify(got.headers).includes('c4n4ry'), where);
      assert.ok(!`${lab.upstream.hits[0].headers['x-copy']}`.includes('c4n4ry'), where);
    }
  });
  for (const [what, target, status] of [
    ['mirror', '/mirror/x', 200], ['auth_request', '/auth/x', 200], ['an included subrequest', '/ssi/page', 200], ['error_page', '/error/x', 200],
    ['a named location', '/named/x', 200], ['X-Accel-Redirect', '/accel/x', 200], ['try_files', '/files/x', 200], ['post_action', '/after/x', 200],
  ])
    test(`not where ${what} leads, outside of the guard`, async () => {
      const plain = lab.upstream.server.listeners('request')[0];
      lab.upstream.server.removeAllListeners('request');
      lab.upstream.server.on('request', (request, response) => {
        if (/^\/(error|named)\//.test(request.url) && request.headers.authorization) { lab.upstream.hits.push({ target: request.url, raw: request.rawHeaders, headers: request.headers }); response.writeHead(404); response.end(); } else if (request.url === '/ssi/page') { response.setHeader('content-type', 'text/html'); response.end('a<!--#include virtual="/leak/ssi" -->b'); lab.upstream.hits.push({ target: request.url, raw: request.rawHeaders, headers: request.headers }); } else plain(request, response);
      });
      try {
        const socket = lab.socket;
        lab.socket = path.join(lab.dir, 'mixed.sock');
        const got = await lab.get(target, { token: lab.key.token() }).finally(() => { lab.socket = socket; });
        assert.equal(got.status, status, got.body);
        const leaked = await until('the other request', () => lab.upstream.hits.find((hit) => !/^\/(auth|mirror|ssi|accel|after)\//.test(hit.target) && !(/^\/(error|named)\//.test(hit.target) && carries(hit))), 2000);
        assert.ok(!carries(leaked), `${leaked.target} ${leaked.raw}`);
        if (what !== 'try_files') assert.ok(lab.upstream.hits.some(carries), 'the guarded upstream got none');
      } finally {
        lab.upstream.server.removeAllListeners('request');
        lab.upstream.server.on('request', plain);
      }
    });
  test('no log has it', async () => {
    await until('the access log', () => access().includes('/rewritten/x'));
    assert.ok(!access().includes('c4n4ry'), access());
    assert.ok(!lab.log.includes('c4n4ry'));
  });
  test('a reload reads it anew, and one that cannot be read leaves the old', async () => {
    write('key', 'sk-c4n4ry-new');
    await lab.reload();
    await lab.get('/v1/x', { token: lab.key.token() });
    assert.equal(lab.upstream.hits[0].headers.authorization, 'Bearer sk-c4n4ry-new');
    write('key', 'sk-c4n4ry-loose', 0o644);
    const at = lab.log.length;
    lab.child.kill('SIGHUP');
    await until('the refusal', () => lab.log.slice(at).includes('must be a file of root'));
    await lab.get('/v1/x', { token: lab.key.token() });
    assert.equal(lab.upstream.hits[1].headers.authorization, 'Bearer sk-c4n4ry-new');
    write('key', secret);
  });
});

describe('over TLS to another address', { skip: !outside && 'this machine has no other address' }, () => {
  let tls, plain, hits, name = 'api.upstream.example';
  before(async () => {
    const openssl = (...args) => execFileSync('openssl', args, { cwd: lab.dir, stdio: 'ignore' });
    for (const ca of ['ca', 'foreign']) openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${ca}.key`, '-out', `${ca}.pem`, '-days', '2', '-subj', `/CN=${ca}`);
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'tls.key', '-out', 'tls.csr', '-subj', `/CN=${name}`);
    fs.writeFileSync(path.join(lab.dir, 'ext'), `subjectAltName=DNS:${name}`);
    openssl('x509', '-req', '-in', 'tls.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', 'ext', '-out', 'tls.pem');
    const answer = (request, response) => { hits.push(request.headers); response.end('{}'); };
    tls = https.createServer({ key: fs.readFileSync(path.join(lab.dir, 'tls.key')), cert: fs.readFileSync(path.join(lab.dir, 'tls.pem')) }, answer).listen(0, outside);
    plain = http.createServer(answer).listen(0, outside);
    await Promise.all([once(tls, 'listening'), once(plain, 'listening')]);
  });
  beforeEach(() => { hits = []; });
  after(() => { for (const server of [tls, plain]) { server?.closeAllConnections(); server?.close(); } });

  async function serve(settings, more = '') {
    lab.write(`gatehouse on; ${policy} ${key()} proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; proxy_ssl_name ${name};
      location / { ${guarded} ${settings} proxy_pass https://${outside}:${tls.address().port}; } ${more}`);
    const { ok, text } = lab.check();
    if (ok) await lab.reload();
    return { ok, text };
  }
  test('the proven upstream gets it', async () => {
    assert.ok((await serve('')).ok);
    assert.equal((await lab.get('/x', { token: lab.key.token() })).status, 200);
    assert.equal(hits[0].authorization, `Bearer ${secret}`);
  });
  for (const [what, settings] of [['of a foreign authority', 'proxy_ssl_trusted_certificate foreign.pem;'], ['of another name', 'proxy_ssl_name other.example;']])
    test(`one with a certificate ${what} gets nothing`, async () => {
      assert.ok((await serve(settings)).ok);
      assert.equal((await lab.get('/x', { token: lab.key.token() })).status, 502);
      assert.equal(hits.length, 0);
    });
  test('http: beside an https: location of the same settings gets nothing', async () => {
    const { ok, text } = await serve('', `location /plain/ { ${guarded} proxy_pass http://${outside}:${plain.address().port}; }`);
    if (!ok) return assert.match(text, /in "\/plain\/" would go to whoever answers/); // nginx before 1.23: seen at start
    const got = await lab.get('/plain/x', { token: lab.key.token() });
    assert.equal(got.status, 500);
    assert.equal(hits.length, 0);
    await until('the log', () => /a credential was not sent to an upstream that is not proven/.test(lab.log));
    assert.equal((await lab.get('/x', { token: lab.key.token() })).status, 200);
  });
});
