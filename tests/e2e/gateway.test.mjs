// The nginx module in front of an upstream: who gets in, what the upstream learns about the caller, what a refusal says.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gatehouse, until } from './harness.mjs';
import { Key, Lab, audience, header, issuer, json, now, policy, raw } from './gateway_lab.mjs';

const routes = `gatehouse on; ${policy}
location = /v1/models { gatehouse_permission read:models; gatehouse_methods GET; proxy_pass http://api; }
location = /both { gatehouse_permission read:models write:models; proxy_pass http://api; }
location = /anybody { gatehouse_permission none; proxy_pass http://api; }
location = /any-org { gatehouse_organization any; gatehouse_permission none; proxy_pass http://api; }
location = /no-org { gatehouse_organization none; gatehouse_permission none; proxy_pass http://api; }
location = /public { gatehouse public; proxy_pass http://api; }
location = /cookies { gatehouse_cookies keep; gatehouse_permission none; proxy_pass http://api; }
location = /strict { gatehouse_leeway 0; gatehouse_permission none; proxy_pass http://api; }
location / { proxy_pass http://api; }`;

describe('gateway', () => {
  let lab;
  before(async () => { lab = await Lab.start({ server: routes }); });
  after(() => lab.stop());
  beforeEach(() => { lab.upstream.hits.length = 0; lab.upstream.answer = () => ({}); });

  async function refused(reply, status, code) {
    const got = await reply;
    assert.equal(got.status, status, got.body);
    assert.equal(json(got).error.code, code);
    assert.equal(lab.upstream.hits.length, 0, 'the upstream was contacted');
    return got;
  }
  async function admitted(reply) {
    const got = await reply;
    assert.equal(got.status, 200, got.body);
    assert.equal(lab.upstream.hits.length, 1);
    return lab.upstream.hits[0];
  }

  test('a good token gets in and the upstream learns who calls, but not the token', async () => {
    const hit = await admitted(lab.get('/v1/models?a=%2f&b', { token: lab.key.token({ permissions: ['read:models', 'x:y'] }) }));
    assert.equal(hit.target, '/v1/models?a=%2f&b');
    assert.equal(hit.headers['x-gatehouse-subject'], 'auth0|u1');
    assert.equal(hit.headers['x-gatehouse-organization'], 'org_acme');
    assert.equal(hit.headers['x-gatehouse-client'], 'client_A');
    assert.equal(hit.headers['x-gatehouse-permissions'], 'read:models x:y');
    assert.match(hit.headers['x-gatehouse-request-id'], /^[0-9a-f]{32}$/);
    assert.equal(hit.headers.authorization, undefined);
  });

  test('ES256 keys beside RS256 ones, each only for its own algorithm', async () => {
    const ec = new Key('e1', 'ES256');
    await lab.feed.keys(issuer, [lab.key, ec]);
    await admitted(lab.get('/v1/models', { token: ec.token() }));
    lab.upstream.hits.length = 0;
    await refused(lab.get('/v1/models', { token: ec.token({}, { alg: 'RS256' }) }), 401, 'wrong_alg');
    await refused(lab.get('/v1/models', { token: ec.token({}, { kid: 'k1' }) }), 401, 'wrong_alg');
    await lab.feed.keys(issuer, [lab.key]);
    await refused(lab.get('/v1/models', { token: ec.token() }), 401, 'unknown_key');
  });

  // every row: where, what is special about the token, status, code
  const rows = [
    ['no token', '/v1/models', null, 401, 'no_token'],
    ['expired', '/v1/models', { exp: now() - 100, iat: now() - 700 }, 401, 'expired'],
    ['inside the leeway', '/v1/models', { exp: now() - 20, iat: now() - 700 }, 200],
    ['the leeway is the location\'s', '/strict', { exp: now() - 2, iat: now() - 700 }, 401, 'expired'],
    ['not yet', '/v1/models', { nbf: now() + 100 }, 401, 'not_yet'],
    ['another issuer', '/v1/models', { iss: 'https://other.example/' }, 401, 'wrong_issuer'],
    ['another audience', '/v1/models', { aud: 'https://other.example/' }, 401, 'wrong_audience'],
    ['another organization', '/v1/models', { org_id: 'org_other' }, 403, 'wrong_organization'],
    ['no organization', '/v1/models', { org_id: undefined }, 403, 'no_organization'],
    ['name instead of id', '/v1/models', { org_id: undefined, org_name: 'org_acme' }, 403, 'no_organization'],
    ['without the permission', '/v1/models', { permissions: ['read:model', 'read:models2'] }, 403, 'no_permission'],
    ['scope is no permission', '/v1/models', { permissions: undefined, scope: 'read:models' }, 403, 'no_permission'],
    ['one of two permissions', '/both', {}, 403, 'no_permission'],
    ['both permissions', '/both', { permissions: ['write:models', 'read:models'] }, 200],
    ['no permission is needed', '/anybody', { permissions: [] }, 200],
    ['any organization', '/any-org', { org_id: 'org_other' }, 200],
    ['any, but one', '/any-org', { org_id: undefined }, 403, 'no_organization'],
    ['without organization', '/no-org', { org_id: undefined }, 200],
    ['with one where none may be', '/no-org', {}, 403, 'wrong_organization'],
    ['a path without a rule', '/other', {}, 403, 'no_route'],
    ['a path without a rule and no token', '/other', null, 401, 'no_token'],
    ['a target of 8 KiB', `/any-org?${'a'.repeat(8192 - 9)}`, {}, 200],
    ['a longer one, which is not the token\'s fault', `/any-org?${'a'.repeat(8192 - 8)}`, {}, 414, 'target_too_long'],
    ['a path that could mean two', '/x/..%2fv1/models', {}, 400, 'ambiguous_target'],
  ];
  for (const [what, where, claims, status, code] of rows)
    test(`${what}: ${status}${code ? ` ${code}` : ''}`, async () => {
      const reply = lab.get(where, { token: claims ? lab.key.token(claims) : undefined });
      if (status === 200) await admitted(reply); else await refused(reply, status, code);
    });

  test('a method that the route does not name is refused; GET admits HEAD', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'FOO'])
      assert.equal((await lab.get('/v1/models', { token: lab.key.token(), method })).status, 403, method);
    assert.equal(lab.upstream.hits.length, 0);
    assert.equal((await lab.get('/v1/models', { token: lab.key.token(), method: 'HEAD' })).status, 200);
  });

  test('a refusal is an OpenAI error, a challenge and one line in the log, without the token', async () => {
    const token = lab.key.token({ permissions: [] });
    const got = await refused(lab.get('/v1/models?access_token=canary-query', { token, headers: ['X-Request-Id: req-7.a'] }), 403, 'no_permission');
    assert.deepEqual(json(got), { error: { message: 'the token lacks the permission read:models', type: 'invalid_request_error', param: null, code: 'no_permission' } });
    assert.equal(header(got, 'content-type'), 'application/json');
    assert.equal(header(got, 'www-authenticate'), `Bearer realm="${audience}", error="insufficient_scope", error_description="the token lacks the permission", scope="read:models"`);
    assert.equal(header(got, 'x-request-id'), 'req-7.a');
    await until('the log line', () => lab.log.includes('req-7.a'));
    const line = lab.log.split('\n').find((l) => l.includes('req-7.a'));
    assert.match(line, /gatehouse: refused status=403 rule=no_permission permission=read:models organization=org_acme subject=auth0\|u1 client=client_A location=\/v1\/models .*method=GET path=\/v1\/models request_id=req-7\.a why="the token lacks the permission"$/);
    assert.ok(!lab.log.includes(token.split('.')[2]) && !line.includes('canary-query'));
  });

  test('a caller without credentials gets a challenge without an error (RFC 6750 3.1)', async () => {
    assert.equal(header(await lab.get('/v1/models'), 'www-authenticate'), `Bearer realm="${audience}"`);
    const bad = await lab.get('/v1/models', { token: 'x.y.z' });
    assert.match(header(bad, 'www-authenticate'), /error="invalid_token"/);
  });

  test('a refusal keeps the connection and reads the body it refused', async () => {
    const post = 'POST /v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';
    const get = `GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${lab.key.token()}\r\n\r\n`;
    const got = await raw(lab.socket, post + get);
    assert.equal(got.status, 401);
    assert.match(got.body, /HTTP\/1\.1 200 OK/);
    assert.equal(lab.upstream.hits.length, 1);
  });

  describe('Authorization', () => {
    const send = (...headers) => lab.get('/v1/models', { headers });
    test('any case of the scheme', async () => { await admitted(send(`Authorization: bEaReR ${lab.key.token()}`)); });
    const bad = {
      'two lines': (t) => [`Authorization: Bearer ${t}`, `Authorization: Bearer ${t}`],
      'two blanks': (t) => [`Authorization: Bearer  ${t}`],
      'no blank': (t) => [`Authorization: Bearer${t}`],
      'a second token': (t) => [`Authorization: Bearer ${t} ${t}`],
      'a comma': (t) => [`Authorization: Bearer ${t}, Bearer ${t}`],
      'another scheme': (t) => [`Authorization: Token ${t}`],
      Basic: (t) => [`Authorization: Basic ${Buffer.from(`x:${t}`).toString('base64')}`],
      'in a cookie': (t) => [`Cookie: Authorization=${t}; access_token=${t}`],
      'in X-Authorization': (t) => [`X-Authorization: Bearer ${t}`],
      'in Proxy-Authorization': (t) => [`Proxy-Authorization: Bearer ${t}`],
      'folded onto a second line': (t) => ['Authorization: Bearer', ` ${t}`],
      'underscored': (t) => [`Authorization_: Bearer ${t}`],
      'more than 16 KiB': (t) => [`Authorization: Bearer ${t}${'A'.repeat(16384)}`],
    };
    for (const [what, lines] of Object.entries(bad))
      test(`${what} is refused`, async () => {
        const got = await send(...lines(lab.key.token()));
        assert.ok(got.status === 400 || got.status === 401, String(got.status));
        assert.equal(lab.upstream.hits.length, 0);
      });
    test('in the query or the body it does not count', async () => {
      const t = lab.key.token();
      await refused(lab.get(`/v1/models?access_token=${t}`), 401, 'no_token');
      await refused(lab.get('/anybody', { method: 'POST', body: `access_token=${t}`, headers: ['Content-Type: application/x-www-form-urlencoded'] }), 401, 'no_token');
    });
    test('a token of nearly 16 KiB is read', async () => { await admitted(lab.get('/anybody', { token: lab.key.token({ pad: 'x'.repeat(11000) }) })); });
  });

  describe('what the upstream is told', () => {
    const names = [];
    for (const base of ['Subject', 'Organization', 'Client', 'Permissions', 'Request-Id', 'Identity', 'Role'])
      names.push(`X-Gatehouse-${base}`, `x-gatehouse-${base.toLowerCase()}`, `X_Gatehouse_${base}`, `X-GATEHOUSE_${base}`, `x_gatehouse-${base}`, `X-Gatehouse-${base}-`);
    for (const setting of ['', 'underscores_in_headers on; ignore_invalid_headers off;'])
      test(`${names.length} spoofed headers are gone${setting ? ', underscores and oddities allowed' : ''}`, async () => {
        lab.write(setting + routes);
        await lab.reload();
        const extra = setting ? ['X.Gatehouse.Subject', 'X-Gatehouse', 'x~gatehouse~subject'] : ['X-Gatehouse'];
        for (const where of ['/anybody', '/public']) {
          lab.upstream.hits.length = 0;
          const headers = [...names, ...extra].flatMap((name) => [`${name}: evil`, `${name}: evil2`]);
          const hit = await admitted(lab.get(where, { token: lab.key.token(), headers }));
          assert.deepEqual(hit.raw.filter((value) => /evil/.test(value)), []);
          const ours = hit.raw.filter((name, i) => i % 2 === 0 && /^x.gatehouse/i.test(name)).sort();
          assert.deepEqual(ours, where === '/public' ? ['X-Gatehouse-Request-Id'] : ['X-Gatehouse-Client', 'X-Gatehouse-Organization', 'X-Gatehouse-Permissions', 'X-Gatehouse-Request-Id', 'X-Gatehouse-Subject']);
        }
      });

    test('Connection cannot name our headers away', async () => {
      lab.write(`proxy_set_header Connection $http_connection; ${routes}`);
      await lab.reload();
      const hit = await admitted(raw(lab.socket, `GET /anybody HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${lab.key.token()}\r\nConnection: close, X-Gatehouse-Subject\r\n\r\n`));
      assert.equal(hit.headers['x-gatehouse-subject'], 'auth0|u1');
      assert.ok(!/gatehouse/i.test(hit.headers.connection ?? ''));
      lab.write(routes);
      await lab.reload();
    });

    test('cookies and credentials stay here, both ways, unless kept', async () => {
      lab.upstream.answer = () => ({ 'set-cookie': ['a=1', 'b=2'], 'x-gatehouse-subject': 'evil', 'X_Gatehouse_Role': 'evil', 'x-other': 'kept' });
      const send = (where) => lab.get(where, { token: lab.key.token(), headers: ['Cookie: sid=1', 'Cookie: b=2', 'OpenAI-Organization: org-x', 'OpenAI-Project: p', 'Proxy-Authorization: Basic eA=='] });
      let got = await send('/anybody');
      let [hit] = lab.upstream.hits;
      for (const name of ['cookie', 'authorization', 'proxy-authorization', 'openai-organization', 'openai-project']) assert.equal(hit.headers[name], undefined, name);
      assert.equal(header(got, 'set-cookie'), undefined);
      assert.equal(header(got, 'x-gatehouse-subject'), undefined);
      assert.equal(header(got, 'x_gatehouse_role'), undefined);
      assert.equal(header(got, 'x-other'), 'kept');
      for (const where of ['/cookies', '/public']) {
        lab.upstream.hits.length = 0;
        got = await send(where);
        [hit] = lab.upstream.hits;
        assert.equal(hit.headers.cookie, 'sid=1; b=2');
        assert.equal(hit.headers.authorization, undefined);
        assert.equal(header(got, 'set-cookie'), 'a=1, b=2');
        assert.equal(header(got, 'x-gatehouse-subject'), undefined);
      }
    });

    test('$http_authorization and $http_cookie are empty too', async () => {
      lab.write(`proxy_set_header X-Leak "[$http_authorization][$http_cookie][$cookie_sid]"; proxy_set_header Authorization $http_authorization; ${routes}`);
      await lab.reload();
      const hit = await admitted(lab.get('/anybody', { token: lab.key.token(), headers: ['Cookie: sid=1'] }));
      assert.equal(hit.headers['x-leak'], '[][][]');
      assert.equal(hit.headers.authorization, undefined);
      lab.write(routes);
      await lab.reload();
    });

    test('claims cannot forge a header or a second permission', async () => {
      const hit = await admitted(lab.get('/anybody', { token: lab.key.token({ sub: 'a\r\nX-Evil: 1', azp: 'Zoë %', permissions: ['x read:models', 'y'] }) }));
      assert.equal(hit.headers['x-gatehouse-subject'], 'a%0D%0AX-Evil:%201');
      assert.equal(hit.headers['x-gatehouse-client'], 'Zo%C3%AB%20%25');
      assert.equal(hit.headers['x-gatehouse-permissions'], 'x%20read:models y');
      assert.equal(hit.headers['x-evil'], undefined);
    });

    test('a well formed request id is taken over, another replaced', async () => {
      for (const [id, kept] of [['req-1', true], ['a b', false], ['x'.repeat(129), false], ['"', false]]) {
        lab.upstream.hits.length = 0;
        const got = await lab.get('/anybody', { token: lab.key.token(), headers: [`X-Request-Id: ${id}`] });
        const seen = lab.upstream.hits[0].headers['x-gatehouse-request-id'];
        if (kept) assert.equal(seen, id); else assert.match(seen, /^[0-9a-f]{32}$/);
        assert.equal(header(got, 'x-request-id'), seen);
      }
    });
  });
});

test('each request has an id of its own, in every worker, and access logs have the same', async () => {
  const lab = await Lab.start({
    workers: 2, http: "log_format ids '$request_id';",
    server: `access_log ids.log ids; ${routes.replace('location / {', 'location = /asked { set $early $request_id; gatehouse_permission none; proxy_pass http://api; }\nlocation / {')}`,
  });
  try {
    const token = lab.key.token(), seen = new Set();
    for (let i = 0; i < 150; i++) {
      const got = await lab.get(['/anybody', '/public', '/asked'][i % 3], { token });
      assert.match(header(got, 'x-request-id'), /^[0-9a-f]{32}$/);
      assert.equal(json(got).headers['x-gatehouse-request-id'], header(got, 'x-request-id'));
      seen.add(header(got, 'x-request-id'));
    }
    assert.equal(seen.size, 150);
    const logged = () => fs.readFileSync(path.join(lab.dir, 'ids.log'), 'utf8').trim().split('\n');
    await until('all to be logged', () => logged().length === 150);
    assert.deepEqual(new Set(logged()), seen);
  } finally {
    await lab.stop();
  }
});

describe('mock-ai behind the gateway', () => {
  let lab, mock;
  before(async () => {
    lab = await Lab.start({
      server: `gatehouse on; ${policy} location / { gatehouse_permission none; proxy_buffering off; proxy_pass http://unix:mock.sock:; }`,
    });
    const socket = path.join(lab.dir, 'mock.sock');
    mock = spawn(gatehouse, ['mock-ai', '--socket', socket], { stdio: ['ignore', 'ignore', 'inherit'] });
    await until('the mock to listen', () => fs.existsSync(socket));
  });
  after(async () => { mock?.kill(); await lab.stop(); });

  test('echoes who calls', async () => {
    const got = await lab.get('/v1/models', { token: lab.key.token(), headers: ['X-Mock-Echo: 1'] });
    const { gatehouse: seen } = json(got);
    assert.deepEqual([seen.subject, seen.organization, seen.client, seen.permissions], ['auth0|u1', 'org_acme', 'client_A', 'read:models']);
    assert.equal(seen.headers.authorization, undefined);
  });

  test('streams: the first event is here long before the last', async () => {
    const body = JSON.stringify({ model: 'gpt-5', stream: true, stream_options: { include_usage: true }, messages: [{ role: 'user', content: 'one two' }] });
    const started = Date.now();
    const first = await lab.get('/v1/chat/completions', { token: lab.key.token(), method: 'POST', body, headers: ['X-Mock-Delay: 100'], wait: 450 });
    assert.match(first.body, /^data: \{/);
    assert.ok(!first.body.includes('[DONE]') && Date.now() - started < 1000);
    const whole = await lab.get('/v1/chat/completions', { token: lab.key.token(), method: 'POST', body });
    assert.equal(header(whole, 'content-type'), 'text/event-stream');
    assert.match(whole.body, /"usage":\{"prompt_tokens":6,"completion_tokens":7,"total_tokens":13\}\}\n\ndata: \[DONE\]\n\n$/);
  });

  test('ends when told to', async () => {
    mock.kill('SIGTERM');
    const code = await new Promise((resolve) => mock.once('exit', resolve));
    assert.equal(code, 0);
    assert.ok(!fs.existsSync(path.join(lab.dir, 'mock.sock')));
    assert.equal((await lab.get('/v1/models', { token: lab.key.token() })).status, 502);
  });
});
