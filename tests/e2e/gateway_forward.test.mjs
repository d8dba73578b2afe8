// Forward-auth: other proxies ask the gateway about requests of their own. nginx's auth_request and Caddy run here; Traefik and Envoy
// ask in their own words. The verdict is that of the location which would serve the request.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { freePort, until } from './harness.mjs';
import { Lab, header, json, policy, raw } from './gateway_lab.mjs';

const routes = `
location = /v1/models { gatehouse_permission read:models; gatehouse_methods GET; proxy_pass http://api; }
location /v1/chat { gatehouse_permission chat:invoke; gatehouse_methods POST; proxy_pass http://api; }
location /public/ { gatehouse public; proxy_pass http://api; }
location /internal/ { internal; gatehouse_permission none; proxy_pass http://api; }
location /denied/ { gatehouse_permission none; deny all; proxy_pass http://api; }
location /early/ { gatehouse_permission none; return 204; }
location /moved/ { gatehouse_permission none; rewrite ^ /v1/models last; }
location /named/ { gatehouse_permission none; deny all; error_page 403 = @open; proxy_pass http://api; }
location @open { gatehouse public; proxy_pass http://api; }
location /fallback/ { gatehouse_permission none; try_files /nothing /v1/models; }
location / { proxy_pass http://api; }`;
const ask = (from) => `gatehouse_forward_auth_from ${from};
location = /auth { gatehouse_forward_auth nginx; }
location = /traefik { gatehouse_forward_auth traefik; }
location = /caddy { gatehouse_forward_auth caddy; }
location /envoy/ { gatehouse_forward_auth envoy; }`;
const names = ['subject', 'organization', 'client', 'permissions', 'request-id', 'identity'].map((name) => `x-gatehouse-${name}`);

let lab;
before(async () => {
  const port = await freePort();
  lab = await Lab.start({
    server: `gatehouse on; ${policy} ${ask('unix:')} ${routes}`,
    http: `
    server { listen 127.0.0.1:${port}; gatehouse on; ${policy} ${ask('127.0.0.2 10.0.0.0/8 ::1')} set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP; ${routes} }
    server { listen unix:open.sock; ${policy} ${ask('unix:')} location /open/ { proxy_pass http://api; } location /shut/ { gatehouse on; gatehouse_permission none; proxy_pass http://api; } }
    server { listen unix:models.sock; gatehouse on; gatehouse_models required; gatehouse_routes openai; gatehouse_route PUT /v1/own/<model> none model=path; ${policy} ${ask('unix:')} location /v1/ { proxy_pass http://api; } }
    server { listen unix:self.sock; gatehouse on; ${policy} gatehouse_forward_auth_from unix:;
      location / { gatehouse_permission none; auth_request /ask; proxy_pass http://api; }
      location /redirected { gatehouse public; try_files /nothing /ask; }
      location = /ask { gatehouse_forward_auth nginx; } }
    server { listen unix:front.sock; underscores_in_headers on;
      location / { auth_request /_ask; auth_request_set $who $upstream_http_x_gatehouse_subject; auth_request_set $org $upstream_http_x_gatehouse_organization;
        proxy_set_header X-Gatehouse-Subject $who; proxy_set_header X-Gatehouse-Organization $org; proxy_set_header Authorization ""; proxy_pass http://api; }
      location = /_ask { internal; proxy_pass http://unix:gate.sock:/auth; proxy_pass_request_body off; proxy_set_header Content-Length "";
        proxy_set_header X-Original-URI $request_uri; proxy_set_header X-Original-Method $request_method; } }`,
  });
  lab.port = port;
});
after(() => lab?.stop());
beforeEach(() => { lab.upstream.hits.length = 0; });

const original = (target, method = 'GET') => [`X-Original-URI: ${target}`, `X-Original-Method: ${method}`];
const forwarded = (target, method = 'GET') => [`X-Forwarded-Uri: ${target}`, `X-Forwarded-Method: ${method}`, 'X-Forwarded-Host: api.example', 'X-Forwarded-Proto: https', 'X-Forwarded-For: 192.0.2.1'];

function send(socket, target, { token, method = 'GET', headers = [] } = {}) {
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: gate.test', 'Connection: close', ...headers];
  if (token) lines.push(`Authorization: Bearer ${token}`);
  return raw(typeof socket === 'number' ? { port: socket, host: '127.0.0.1' } : path.join(lab.dir, socket), Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
}

// [what proxy, how it asks for a target and method]
const proxies = [
  ['nginx', (target, method, more) => ['/auth', { headers: [...original(target, method), ...more] }]],
  ['traefik', (target, method, more) => ['/traefik', { headers: [...forwarded(target, method), ...more] }]],
  ['caddy', (target, method, more) => ['/caddy', { headers: [...forwarded(target, method), ...more] }]],
  ['envoy', (target, method, more) => [`/envoy${target}`, { method, headers: more }]],
];
const rows = [
  ['/v1/models', 'GET', {}, 200],
  ['/v1/models?a=%2f', 'GET', {}, 200],
  ['/v1/models', 'HEAD', {}, 200],
  ['/v1/chat', 'POST', { permissions: ['chat:invoke'] }, 200],
  ['/public/x', 'GET', null, 200],
  ['/v1/models', 'GET', null, 401, 'no_token'],
  ['/v1/models', 'GET', { exp: 1000, iat: 1 }, 401, 'expired'],
  ['/v1/models', 'GET', { org_id: 'org_other' }, 403, 'wrong_organization'],
  ['/v1/models', 'POST', {}, 403, 'no_route'],
  ['/v1/models', 'FETCH', {}, 403, 'no_route'],
  ['/v1/chat', 'POST', {}, 403, 'no_permission'],
  ['/nowhere', 'GET', {}, 403, 'no_route'],
  ['/public/../v1/chat', 'POST', {}, 400, 'ambiguous_target'],
  ['/public/%2e%2e/v1/chat', 'POST', {}, 400, 'ambiguous_target'],
  ['//v1/models', 'GET', {}, 400, 'ambiguous_target'],
  ['/v1/models%00', 'GET', {}, 400],
  [`/v1/models?${'a'.repeat(8200)}`, 'GET', {}, 414, 'target_too_long'],
  ['/internal/x', 'GET', {}, 404],
  ['/denied/x', 'GET', {}, 403],
  ['/early/x', 'GET', {}, 403],
  ['/moved/x', 'GET', {}, 403, 'bad_forward'],
  ['/fallback/x', 'GET', {}, 403, 'bad_forward'],
  ['/named/x', 'GET', {}, 403, 'bad_forward'], // a named location has the URI of where the error was
];

for (const [proxy, how] of proxies)
  test(`${proxy}: the verdict of the location that would serve it, and nothing goes upstream`, async () => {
    for (const [target, method, claims, status, code] of rows) {
      const [where, options] = how(target, method, ['X-Gatehouse-Subject: forged', 'Cookie: a=b']);
      const got = await send('gate.sock', where, { ...options, token: claims && lab.key.token(claims) });
      const what = `${method} ${target}: ${got.status} ${got.body}`;
      // nginx itself reads what stands in Envoy's request line, and merges or refuses before we see it
      if (proxy === 'envoy' && [400, 404].includes(status)) assert.ok(got.status >= 400 && got.status < 500, what);
      else assert.equal(got.status, status, what);
      if (code && proxy !== 'envoy' && method !== 'HEAD') assert.equal(json(got).error.code, code, what);
      assert.equal(lab.upstream.hits.length, 0, what);
      if (status === 200) {
        const anonymous = claims === null;
        assert.deepEqual(got.headers.filter(([name]) => name.startsWith('x-gatehouse')).map(([name]) => name).sort(), [...names].sort(), what); // each once, ours
        assert.equal(header(got, 'x-gatehouse-subject') ?? '', anonymous ? '' : 'auth0|u1', what);
        assert.equal(header(got, 'x-gatehouse-organization') ?? '', anonymous ? '' : 'org_acme', what);
        assert.equal(header(got, 'content-length'), '0');
      } else assert.equal(header(got, 'x-gatehouse-subject'), undefined, what);
    }
  });

test('a refusal has its body and its challenge, also for a HEAD that was asked about by GET', async () => {
  const got = await send('gate.sock', '/auth', { headers: original('/v1/models', 'HEAD') });
  assert.equal(got.status, 401);
  assert.equal(json(got).error.code, 'no_token');
  assert.match(header(got, 'www-authenticate'), /^Bearer realm=/);
  await until('the log line', () => /rule=no_token .*method=HEAD path=\/v1\/models/.test(lab.log));
});

describe('what is told twice, not at all or in other words is refused', () => {
  const bad = [
    ['nothing', '/auth', []],
    ['no method', '/auth', ['X-Original-URI: /v1/models']],
    ['no target', '/auth', ['X-Original-Method: GET']],
    ['an empty target', '/auth', ['X-Original-URI:', 'X-Original-Method: GET']],
    ['two targets', '/auth', [...original('/v1/models'), 'X-Original-URI: /v1/chat']],
    ['the same target twice', '/auth', [...original('/v1/models'), 'X-Original-URI: /v1/models']],
    ['two methods', '/auth', [...original('/v1/models'), 'X-Original-Method: POST']],
    ['another spelling', '/auth', [...original('/v1/models'), 'x-ORIGINAL-uri: /v1/chat']],
    ['a lower-case method', '/auth', original('/v1/models', 'get')],
    ['two methods in one', '/auth', original('/v1/models', 'GET, POST')],
    ['the words of another proxy', '/auth', forwarded('/v1/models')],
    ['the words of nginx to Traefik', '/traefik', original('/v1/models')],
    ['the words of nginx to Caddy', '/caddy', original('/v1/models')],
    ['two targets from Traefik', '/traefik', [...forwarded('/v1/models'), 'X-Forwarded-Uri: /v1/models']],
    ['two methods from Traefik', '/traefik', [...forwarded('/v1/models'), 'X-Forwarded-Method: GET']],
    ['asking about asking', '/auth', original('/auth')],
    ['asking about asking otherwise', '/auth', original('/envoy/v1/models')],
    ['Envoy asking about asking', '/envoy/auth', original('/v1/models')],
    ['nothing behind the prefix, which is the endpoint again', '/envoy/envoy/', []],
  ];
  for (const [what, where, headers] of bad)
    test(what, async () => {
      const got = await send('gate.sock', where, { headers, token: lab.key.token() });
      assert.equal(got.status, 403, got.body);
      assert.equal(json(got).error.code, 'bad_forward');
      assert.equal(header(got, 'www-authenticate'), undefined);
      assert.match(header(got, 'x-request-id'), /^[0-9a-f]{32}$/);
      assert.equal(lab.upstream.hits.length, 0);
    });
  for (const target of ['http://gate.test/v1/models', 'v1/models', '*', '/v1/models#x', '/v1/mod els', '/v1;/models', '/v1/models\x80', '/v1/%5cmodels', '/v1/%252e/models', `/${'a'.repeat(9000)}`])
    test(`the target ${JSON.stringify(target.slice(0, 30))}`, async () => {
      const got = await send('gate.sock', '/auth', { headers: original(target), token: lab.key.token() });
      assert.ok(got.status >= 400, got.body);
      assert.notEqual(json(got)?.error.code, 'no_token');
      assert.equal(header(got, 'x-gatehouse-subject'), undefined);
      assert.match(header(got, 'x-request-id'), /^[0-9a-f]{32}$/);
    });
});

test('a model in a body is refused: the proxy keeps the body, or shows a part of it', async () => {
  const token = lab.key.token({ permissions: ['chat:invoke', 'models:list', 'model:gpt-5'] });
  const body = JSON.stringify({ model: 'gpt-5', messages: [] });
  for (const [where, headers] of [['/envoy/v1/chat/completions', []], ['/auth', original('/v1/chat/completions', 'POST')], ['/traefik', forwarded('/v1/chat/completions', 'POST')]])
    for (const [length, sent] of [[body.length, body], [0, '']]) {
      const got = await raw(path.join(lab.dir, 'models.sock'), Buffer.from(`${['POST', where, 'HTTP/1.1'].join(' ')}\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${headers.map((line) => `${line}\r\n`).join('')}Content-Length: ${length}\r\n\r\n${sent}`));
      assert.deepEqual([got.status, json(got).error.code], [403, 'hidden_model'], where);
    }
  for (const [target, method, status] of [['/v1/chat/completions', 'GET', 403], ['/v1/nothing', 'POST', 403], ['/v1/models/gpt-6', 'GET', 403], ['/v1/models', 'GET', 403], ['/v1/models/gpt-5', 'GET', 200], ['/v1/own/gpt-5', 'PUT', 403]])
    assert.equal((await send('models.sock', '/auth', { token, headers: original(target, method) })).status, status, `${method} ${target}`);
  assert.equal(lab.upstream.hits.length, 0);
});

test('only listed peers are believed, by the address of their connection', async () => {
  for (const headers of [[], ['X-Real-IP: 10.0.0.1'], ['X-Real-IP: ::1'], ['X-Forwarded-For: 10.0.0.1'], ['X-Real-IP: 127.0.0.2']])
    for (const [where, how] of [['/auth', original], ['/traefik', forwarded], ['/envoy/v1/models', () => []]]) {
      const got = await send(lab.port, where, { headers: [...how('/v1/models'), ...headers], token: lab.key.token() });
      assert.equal(got.status, 403, `${headers} ${where}`);
      assert.equal(json(got).error.code, 'untrusted_peer');
    }
  // the address that is listed
  const listed = await raw({ port: lab.port, host: '127.0.0.1', localAddress: '127.0.0.2' }, Buffer.from(
    `GET /auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${original('/v1/models').join('\r\n')}\r\nAuthorization: Bearer ${lab.key.token()}\r\n\r\n`));
  assert.equal(listed.status, 200, listed.body);
  assert.equal(lab.upstream.hits.length, 0);
});

test('a location without an opinion says no, not yes', async () => {
  const token = lab.key.token();
  for (const [target, status] of [['/open/x', 403], ['/nowhere', 403], ['/shut/x', 200]])
    assert.equal((await send('open.sock', '/auth', { headers: original(target), token })).status, status, target);
  assert.equal(lab.upstream.hits.length, 0);
  assert.equal((await send('open.sock', '/open/x')).status, 200); // itself served as before
});

test('the endpoint believes no subrequest and no redirect: those carry the caller\'s headers', async () => {
  const headers = original('/redirected');
  const got = await send('self.sock', '/x', { headers, token: lab.key.token() });
  assert.equal(got.status, 403);
  const redirected = await send('self.sock', '/redirected', { headers: original('/x'), token: lab.key.token() });
  assert.equal(redirected.status, 403);
  assert.equal(json(redirected).error.code, 'bad_forward');
  assert.equal(lab.upstream.hits.length, 0);
});

// The same requests through a proxy that asks; the caller tries to speak in the proxy's name.
const forged = ['X-Gatehouse-Subject: forged', 'X-Gatehouse-Organization: org_forged'];
async function behind(socket, reached) {
  const token = lab.key.token();
  for (const [target, options, status] of [
    ['/v1/models', { token }, 200],
    ['/public/x', {}, 200],
    ['/v1/models', {}, 401],
    ['/v1/models', { token: `${token}x` }, 401],
    ['/v1/models', { token, method: 'DELETE' }, 403],
    ['/v1/chat', { token, method: 'POST' }, 403],
    ['/nowhere', { token }, 403],
    ['/v1/chat', { token, method: 'POST', headers: original('/v1/models') }, 403],
    ['/v1/chat', { token, method: 'POST', headers: forwarded('/v1/models') }, 403],
    ['/v1/chat', { headers: forwarded('/public/x'), method: 'POST' }, 401],
    ['/nowhere', { headers: ['X-Original-URI: /public/x', 'X_Original_URI: /public/x', 'X_Forwarded_Uri: /public/x'] }, [401, 403]],
  ]) {
    lab.upstream.hits.length = 0;
    const got = await send(socket, target, { ...options, headers: [...(options.headers ?? []), ...forged] });
    const what = `${options.method ?? 'GET'} ${target} ${options.headers ?? ''}: ${got.status} ${got.body}`;
    assert.ok([status].flat().includes(got.status), what);
    assert.equal(lab.upstream.hits.length, status === 200 ? 1 : 0, what);
    if (status === 200) reached(lab.upstream.hits[0], options.token !== undefined, what);
  }
}
function nobodyForged(hit, known, what) {
  assert.equal(hit.headers['x-gatehouse-subject'] || undefined, known ? 'auth0|u1' : undefined, what);
  assert.equal(hit.headers['x-gatehouse-organization'] || undefined, known ? 'org_acme' : undefined, what);
}

test('behind nginx with auth_request', () => behind('front.sock', nobodyForged));

const noCaddy = spawnSync('caddy', ['version']).status !== 0;
test('behind Caddy with forward_auth', { skip: noCaddy && 'there is no caddy' }, async () => {
  const file = path.join(lab.dir, 'Caddyfile'), socket = path.join(lab.dir, 'caddy.sock');
  fs.writeFileSync(file, `{
  admin off
  auto_https off
}
http:// {
  bind unix/${socket}
  forward_auth unix/${lab.socket} {
    uri /caddy
    copy_headers X-Gatehouse-Subject X-Gatehouse-Organization X-Gatehouse-Client X-Gatehouse-Permissions X-Gatehouse-Request-Id
  }
  reverse_proxy unix/${path.join(lab.dir, 'upstream.sock')} {
    header_up -Authorization
  }
}\n`);
  let log = '';
  const child = spawn('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], { env: { ...process.env, HOME: lab.dir, XDG_DATA_HOME: lab.dir, XDG_CONFIG_HOME: lab.dir }, stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.on('data', (data) => (log += data));
  try {
    await until('caddy to listen', () => { assert.equal(child.exitCode, null, log); return fs.existsSync(socket); }, 5000);
    await behind('caddy.sock', nobodyForged);
  } finally {
    if (child.exitCode === null) { child.kill('SIGKILL'); await once(child, 'exit'); }
  }
});

describe('what does not start', () => {
  for (const [what, config, message] of [
    ['without peers', 'location = /a { gatehouse_forward_auth nginx; }', /"gatehouse_forward_auth" in "\/a" needs "gatehouse_forward_auth_from"/],
    ['for a whole server', 'gatehouse_forward_auth nginx;', /not allowed here/],
    ['an unknown proxy', 'gatehouse_forward_auth_from unix:; location = /a { gatehouse_forward_auth varnish; }', /invalid value "varnish"/],
    ['envoy without a prefix', 'gatehouse_forward_auth_from unix:; location = /a { gatehouse_forward_auth envoy; }', /needs a location by prefix/],
    ['envoy by regex', 'gatehouse_forward_auth_from unix:; location ~ ^/a { gatehouse_forward_auth envoy; }', /needs a location by prefix/],
    ['a name for an address', 'gatehouse_forward_auth_from proxy.example;', /takes addresses, CIDR blocks/],
    ['bits beyond the prefix', 'gatehouse_forward_auth_from 10.1.0.0/8;', /bits beyond/],
    ['peers twice', 'gatehouse_forward_auth_from unix:; gatehouse_forward_auth_from ::1;', /duplicate/],
  ])
    test(what, async () => {
      const other = await Lab.start({ server: 'location / { return 204; }', feed: false });
      try {
        other.write(config);
        const { ok, text } = other.check();
        assert.ok(!ok);
        assert.match(text, message);
      } finally { await other.stop(); }
    });
});
