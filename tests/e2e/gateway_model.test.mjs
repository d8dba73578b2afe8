// The model rule: what a request names must be allowed by the token and by its organization, wherever it stands and however the body comes;
// what cannot be decided is refused before the upstream sees a byte of it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './harness.mjs';
import { Lab, audience, issuer, json, policy, raw } from './gateway_lab.mjs';

const any = policy.replace('gatehouse_organization org_acme;', 'gatehouse_organization any;');
const server = `gatehouse on; ${any} gatehouse_body_size 256k; client_body_buffer_size 4k; client_max_body_size 8m; client_body_temp_path tmp/body;
  gatehouse_routes openai anthropic gemini azure;
  gatehouse_route POST /own/<model>/run own:run model=path;
  gatehouse_route POST /own/plain none model=none;
  location / { proxy_pass http://api; }
  location /v1/completions { gatehouse_permission none; gatehouse_models off; proxy_pass http://api; }
  location /unbuffered/ { gatehouse_route POST /unbuffered/x none; proxy_request_buffering off; proxy_pass http://api; }
  location /mirrored { gatehouse_route POST /mirrored none; mirror /copy; proxy_pass http://api; }
  location = /listed { gatehouse_route GET /listed models:list model=list; mirror /beside; proxy_pass http://api/v1/models; }
  location = /beside { internal; gatehouse_permission none; gatehouse_models off; proxy_pass http://api/copied; }
  location = /elsewhere { gatehouse_route GET /elsewhere models:list model=list; mirror /other; proxy_pass http://api/v1/models; }
  location = /other { internal; gatehouse_issuer https://other.example/; gatehouse_permission none; proxy_pass http://api/copied; }
  location = /copy { internal; gatehouse_route POST /copy none model=body; proxy_pass http://api/copied; }
  location /again { gatehouse_route POST /again none model=none; proxy_intercept_errors on; error_page 404 = @again; proxy_pass http://api; }
  location /again-unbuffered { gatehouse_route POST /again-unbuffered none model=none; proxy_request_buffering off; proxy_intercept_errors on; error_page 404 = @again; proxy_pass http://api; }
  location @again { gatehouse_route POST /again-unbuffered none model=body;  gatehouse_route POST /again none model=body; gatehouse_models required; proxy_pass http://api; }
  location /required { gatehouse_route POST /required none; gatehouse_models required; proxy_pass http://api; }`;
const permissions = ['chat:invoke', 'models:list', 'audio:invoke', 'realtime:invoke', 'batches:write', 'own:run', 'messages:invoke', 'embeddings:invoke', 'model:gpt-5*', 'model:o1', 'model:whisper-1'];

let lab, token;
before(async () => {
  lab = await Lab.start({ server, http: 'server { listen unix:h2.sock http2; SERVER }'.replace('SERVER', server) });
  await lab.feed.put('binds', issuer, audience);
  await lab.feed.keys('https://other.example/', [lab.key]);
  token = lab.key.token({ permissions });
  // the upstream keeps what it got
  lab.upstream.server.removeAllListeners('request');
  lab.upstream.server.on('request', (request, response) => {
    if (lab.upstream.list && request.url === '/v1/models') return lab.upstream.list(request, response);
    const parts = [];
    request.on('data', (data) => parts.push(data)).on('end', () => {
      const got = { method: request.method, target: request.url, headers: request.headers, body: Buffer.concat(parts) };
      lab.upstream.hits.push(got);
      const status = request.url.startsWith('/again') && !lab.upstream.hits.some((hit) => hit !== got && hit.target === request.url) ? 404 : 200;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ok: true, length: got.body.length }));
    });
  });
});
after(() => lab.stop());

// The log comes by a pipe of its own, perhaps after the answer.
const logged = (line) => until(`the log line ${line}`, () => line.test(lab.log));
const jsonType = 'Content-Type: application/json';
async function post(target, body, { headers = [jsonType], as = token, method = 'POST' } = {}) {
  lab.upstream.hits.length = 0;
  const bytes = body === undefined ? '' : Buffer.from(body, 'utf8');
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: gate.test', 'Connection: close', `Authorization: Bearer ${as}`, ...headers];
  if (body !== undefined) lines.push(`Content-Length: ${bytes.length}`);
  const reply = await raw(lab.socket, Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(bytes)]));
  const code = reply.status === 200 ? 'ok' : `${reply.status} ${json(reply)?.error?.code}`;
  if (code !== 'ok') assert.equal(lab.upstream.hits.length, 0, 'the upstream saw a refused request');
  return code;
}
const chat = (body, more) => post('/v1/chat/completions', typeof body === 'string' ? body : JSON.stringify(body), more);

test('a model of the token passes, and the upstream gets the very bytes', async () => {
  const body = '{ "messages": [{"role":"user","content":"h\\u00e9 \\ud83d\\ude00 é"}],\n "model" : "gpt-5-mini" }';
  assert.equal(await chat(body), 'ok');
  assert.equal(lab.upstream.hits[0].body.toString(), body);
  assert.equal(lab.upstream.hits[0].headers.authorization, undefined);
  assert.equal(lab.upstream.hits[0].headers['x-gatehouse-organization'], 'org_acme');
});

test('others are 403 with the model, the rule and the reason', async () => {
  lab.log = '';
  const reply = await lab.get('/v1/chat/completions', { token, method: 'POST', headers: [jsonType], body: '{"model":"gpt-4o"}' });
  assert.equal(reply.status, 403);
  assert.deepEqual(json(reply).error, { message: 'no permission of the token allows the model gpt-4o', type: 'invalid_request_error', param: 'model', code: 'model_not_allowed' });
  assert.match(reply.headers.find(([name]) => name === 'www-authenticate')[1], /error="insufficient_scope".*scope="model:gpt-4o"/);
  await logged(/gatehouse: refused status=403 rule=model_not_allowed model=gpt-4o organization=org_acme/);
});

test('the organization\'s list counts too, at once', async () => {
  await lab.feed.put('models', issuer, 'org_acme', 'gpt-5, o1');
  assert.equal(await chat({ model: 'gpt-5' }), 'ok');
  assert.equal(await chat({ model: 'gpt-5-mini' }), '403 model_not_allowed');
  await logged(/rule=model_not_allowed model=gpt-5-mini reason=organization/);
  assert.equal(await chat({ model: 'gpt-5-mini' }, { as: lab.key.token({ permissions, org_id: 'org_other' }) }), 'ok');
  await lab.feed.put('models', issuer, 'org_acme', '');
  assert.equal(await chat({ model: 'gpt-5' }), '403 model_not_allowed');
  await lab.feed.put('unlist', issuer, 'org_acme');
  assert.equal(await chat({ model: 'gpt-5-mini' }), 'ok');
});

test('bodies that could be read in two ways are refused', async () => {
  const rows = {
    '{"model":"gpt-5","model":"gpt-4o"}': '400 ambiguous_body',
    '{"model":"gpt-5","mod\\u0065l":"gpt-4o"}': '400 ambiguous_body',
    '{"model":"gpt-5","Model":"gpt-4o"}': '400 ambiguous_body',
    '\ufeff{"model":"gpt-5"}': '400 ambiguous_body',
    '{"model":"gpt-5"}{}': '400 ambiguous_body',
    '{"model":["gpt-5"]}': '400 ambiguous_body',
    '[{"model":"gpt-5"}]': '400 ambiguous_body',
    'model=gpt-5': '400 ambiguous_body',
    '{}': '400 no_model',
    '{"messages":[{"model":"gpt-5"}]}': '400 no_model',
    '': '400 no_model',
    '{"model":"gpt-5","fallbacks":["gpt-4o"]}': '403 model_not_allowed',
    '{"model":"gpt-5","models":["gpt-5-mini","o1"]}': 'ok',
    '{"model":"gpt-5","fallbacks":[{"model":"gpt-4o"}]}': '403 model_not_allowed',
    '{"model":"gpt-5","tools":[{"type":"image_generation","model":"gpt-image-1"}]}': '403 model_not_allowed',
    '{"model":"gpt-5","extra_body":{"model":"gpt-4o"}}': '403 model_not_allowed',
    '{"model":"gpt-5,gpt-4o"}': '403 model_not_allowed',
    '{"model":"gpt-5/../gpt-4o"}': '403 model_not_allowed',
    '{"model":"gpt-5*"}': '403 model_not_allowed',
    '{"model":"gpt-5\\""}': '403 model_not_allowed',
  };
  for (const [body, want] of Object.entries(rows)) assert.equal(await chat(body), want, body);
});

test('bytes that are not UTF-8 are refused', async () => {
  for (const bytes of ['\xff', '\xe9', '\xc0\xaf', '\xed\xa0\x80', '\0']) {
    const body = `{"model":"gpt-5","x":"${bytes}"}`;
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n${jsonType}\r\nContent-Length: ${body.length}\r\n\r\n`;
    assert.equal(json(await raw(lab.socket, Buffer.from(head + body, 'latin1')))?.error.code, 'ambiguous_body');
  }
});

test('types and encodings that cannot be judged are refused', async () => {
  const body = '{"model":"gpt-5"}';
  const rows = [
    [[], '415'], [['Content-Type: text/plain'], '415'], [['Content-Type: application/x-www-form-urlencoded'], '415'],
    [['Content-Type: application/json; charset=utf-16'], '415'], [['Content-Type: application/json', 'Content-Type: text/plain'], '415'], [['Content-Type: text/plain', jsonType], '415'], [[jsonType, jsonType], '415'],
    [['Content-Type: application/json, text/plain'], '415'], [['Content-Type: multipart/form-data; boundary=b'], '415'],
    [[jsonType, 'Content-Encoding: gzip'], '415'], [[jsonType, 'Content-Encoding: identity', 'Content-Encoding: br'], '415'],
    [[jsonType, 'X-Portkey-Config: pc-1'], '403'],
    [['Content-Type: Application/JSON; charset="UTF-8"'], 'ok'], [[jsonType, 'Content-Encoding: identity'], 'ok'],
  ];
  for (const [headers, want] of rows) assert.equal((await chat(body, { headers })).split(' ')[0], want, headers.join());
});

const part = (name, text, more = '') => `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${text}\r\n`;
test('a form names its model in a field, wherever it stands', async () => {
  const form = (body) => post('/v1/audio/transcriptions', body, { headers: ['Content-Type: multipart/form-data; boundary=b'] });
  const file = part('file', 'x'.repeat(100000) + '\r\n--', '; filename="a.mp3"\r\nContent-Type: audio/mpeg');
  assert.equal(await form(`${file}${part('model', 'whisper-1')}--b--\r\n`), 'ok');
  assert.ok(lab.upstream.hits[0].body.length > 100000);
  assert.equal(await form(`${part('model', 'gpt-4o')}${file}--b--\r\n`), '403 model_not_allowed');
  assert.equal(await form(`${part('model', 'whisper-1')}${part('model', 'gpt-4o')}--b--\r\n`), '400 ambiguous_body');
  assert.equal(await form(`${file}--b--\r\n`), '400 no_model');
  assert.equal(await form(`${part('model', 'whisper-1')}`), '400 ambiguous_body');
  assert.equal(await post('/v1/audio/transcriptions', '{"model":"whisper-1"}'), 'ok');
});

test('paths and queries name models too', async () => {
  assert.equal(await post('/v1beta/models/gpt-5:generateContent', '{"contents":[]}'), 'ok');
  assert.equal(await post('/v1beta/models/gpt-4o:generateContent', '{"contents":[]}'), '403 model_not_allowed');
  assert.equal(await post('/v1beta/models/gpt%2d5:generateContent', '{}'), 'ok');
  assert.equal(await post('/openai/deployments/gpt-5/chat/completions?api-version=1', '{"messages":[]}'), 'ok');
  assert.equal(await post('/openai/deployments/gpt-5/chat/completions', '{"model":"o1"}'), 'ok');
  assert.equal(await post('/openai/deployments/gpt-5/chat/completions', '{"model":"gpt-4o"}'), '403 model_not_allowed');
  assert.equal(await post('/openai/deployments/gpt-4o/chat/completions', '{"model":"gpt-5"}'), '403 model_not_allowed');
  assert.equal(await post('/own/o1/run', '{}'), 'ok');
  assert.equal(await post('/own/o3/run', '{}'), '403 model_not_allowed');
  const get = (target, headers = []) => post(target, undefined, { method: 'GET', headers });
  assert.equal(await get('/v1/models/gpt-5'), 'ok');
  assert.equal(await get('/v1/models/gpt-4o'), '403 model_not_allowed');
  assert.equal(await get('/v1/realtime?model=gpt-5-realtime'), 'ok');
  assert.equal(await get('/v1/realtime?model=gpt%2D5'), 'ok');
  assert.equal(await get('/v1/realtime?model=gpt-4o'), '403 model_not_allowed');
  assert.equal(await get('/v1/realtime?model=gpt-5-realtime', ['X-Portkey-Config: pc-1']), '403 hidden_model');
  assert.equal(await post('/own/o1/run', undefined, { headers: ['Helicone-Model-Override: gpt-4o'] }), '403 hidden_model');
  assert.equal(await get('/v1/realtime'), '400 no_model');
  assert.equal(await get('/v1/realtime?model=gpt-5&model=gpt-4o'), '400 ambiguous_body');
  assert.equal(await get('/v1/realtime?model=gpt-5&%6dodel=gpt-4o'), '400 ambiguous_body');
});

describe('a list of models', () => {
  const all = ['gpt-4o', 'gpt-5', 'gpt-5-mini', 'o1', 'o1-pro'];
  const full = JSON.stringify({ object: 'list', data: all.map((id) => ({ id, object: 'model', owned_by: 'x' })), note: 'gpt-4o' });
  let answer;
  before(() => {
    lab.upstream.list = (request, response) => {
      lab.upstream.hits.push({ headers: request.headers });
      answer(response);
    };
  });
  after(() => { delete lab.upstream.list; });
  const plain = (text, headers = {}) => (response) => { response.writeHead(200, { 'content-type': 'application/json', etag: '"1"', ...headers }); response.end(text); };
  const list = (options = {}) => { lab.upstream.hits.length = 0; return lab.get('/v1/models', { token, ...options }); };
  const ids = (reply) => json(reply)?.data?.map(({ id }) => id);

  test('shows what the caller may use, whole or in pieces', async () => {
    answer = plain(full);
    const reply = await list({ headers: ['Accept-Encoding: gzip', 'If-None-Match: "1"', 'Range: bytes=0-3'] });
    assert.deepEqual(ids(reply), ['gpt-5', 'gpt-5-mini', 'o1']);
    assert.deepEqual(json(reply).data[0], { id: 'gpt-5', object: 'model', owned_by: 'x' });
    assert.ok(!reply.body.includes('gpt-4o'));
    assert.ok(!reply.headers.some(([name]) => name === 'etag' || name === 'accept-ranges'));
    for (const name of ['accept-encoding', 'if-none-match', 'range', 'authorization']) assert.equal(lab.upstream.hits[0].headers[name], undefined);
    answer = async (response) => {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      for (let at = 0; at < full.length; at += 7) { response.write(full.slice(at, at + 7)); await new Promise(setImmediate); }
      response.end();
    };
    assert.deepEqual(ids(await list()), ['gpt-5', 'gpt-5-mini', 'o1']);
    const many = JSON.stringify({ data: Array.from({ length: 3000 }, (_, i) => ({ id: i % 2 ? `gpt-5-${i}` : `gpt-4-${i}`, text: 'x'.repeat(100) })) });
    answer = plain(many);
    assert.equal(ids(await list()).length, 1500);
    answer = plain(full);
    await lab.feed.put('models', issuer, 'org_acme', 'o1 gpt-5');
    assert.deepEqual(ids(await list()), ['gpt-5', 'o1']);
    await lab.feed.put('unlist', issuer, 'org_acme');
    assert.deepEqual(ids(await list({ token: lab.key.token({ permissions: ['models:list'] }) })), []);
    answer = plain(full);
    const head = await list({ method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [200, '']);
    assert.ok(!head.headers.some(([name]) => name === 'content-length'));
  });

  test('also where a subrequest goes to a place without the rule, or of another issuer', async () => {
    answer = (response) => setTimeout(plain(full), 50, response); // after the subrequest
    const many = lab.key.token({ permissions: [...permissions, ...Array.from({ length: 50 }, (_, i) => `more:${i}`)] });
    for (const target of ['/listed', '/elsewhere', '/elsewhere']) { // by then the token is cached
      const reply = await lab.get(target, { token: many });
      assert.deepEqual(ids(reply), ['gpt-5', 'gpt-5-mini', 'o1'], `${target} ${reply.status}`);
    }
    await logged(/rule=wrong_issuer/);
  });

  test('what is no list is withheld', async () => {
    const wrong = {
      html: plain('<p>gpt-4o</p>', { 'content-type': 'text/html' }), gzip: plain('gpt-4o', { 'content-encoding': 'gzip' }),
      text: plain('gpt-4o'), twice: plain('{"data":[],"data":[{"id":"gpt-4o"}]}'), other: plain('{"models":[{"name":"gpt-4o"}]}'),
      part: (response) => { response.writeHead(206, { 'content-type': 'application/json' }); response.end('gpt-4o'); },
      large: plain(JSON.stringify({ data: [{ id: 'gpt-5', x: 'gpt-4o'.repeat(200000) }] })),
      cut: (response) => { response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 }); response.write('{"data":[{"id":"gpt-4o"}'); setTimeout(() => response.destroy(), 20); },
    };
    for (const [what, how] of Object.entries(wrong)) {
      answer = how;
      const reply = await list();
      assert.ok([0, 502].includes(reply.status), `${what} ${reply.status}`);
      assert.ok(!reply.body.includes('gpt-4o'), what);
    }
    await logged(/an answer that lists models was withheld/);
    answer = (response) => { response.writeHead(404, { 'content-type': 'application/json' }); response.end('{"error":{}}'); };
    assert.equal((await list()).status, 404);
  });

  test('is as it came where the rule does not bind', async () => {
    answer = plain(full);
    await lab.feed.put('unbind', issuer, audience);
    assert.equal((await list()).body, full);
    await lab.feed.put('binds', issuer, audience);
    assert.deepEqual(ids(await list()), ['gpt-5', 'gpt-5-mini', 'o1']);
  });
});

test('routes give permissions; what is in no table is closed', async () => {
  const other = lab.key.token({ permissions: ['models:list', 'model:*'] });
  assert.equal(await chat({ model: 'gpt-5' }, { as: other }), '403 no_permission');
  assert.equal(await post('/v1/unknown', '{"model":"gpt-5"}'), '403 no_route');
  assert.equal(await post('/v1/chat/completions/', '{"model":"gpt-5"}'), '403 no_route');
  assert.equal(await chat({ model: 'gpt-5' }, { method: 'PUT' }), '403 no_route');
  assert.equal(await post('/v1/batches', '{"input_file_id":"f"}'), '403 hidden_model');
  assert.equal(await post('/own/plain', 'anything', { headers: [] }), 'ok');
  assert.equal(await post('/v1/completions', '{"model":"gpt-4o"}'), 'ok'); // gatehouse_models off
});

test('the rule binds when the feed says so, and where it is required', async () => {
  await lab.feed.put('unbind', issuer, audience);
  assert.equal(await chat({ model: 'gpt-4o' }), 'ok');
  assert.equal(await chat('not JSON'), 'ok');
  assert.equal(await post('/required', '{"model":"gpt-4o"}'), '403 model_not_allowed');
  assert.equal(await post('/required', '{"model":"gpt-5"}'), 'ok');
  await lab.feed.put('binds', issuer, audience);
  assert.equal(await chat({ model: 'gpt-4o' }), '403 model_not_allowed');
});

describe('however a body comes', () => {
  const head = (more) => `POST /v1/chat/completions HTTP/1.1\r\nHost: gate.test\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n${jsonType}\r\n${more}\r\n`;
  const big = (model, size) => `{"messages":[{"role":"user","content":"${'x'.repeat(size)}"}],"model":"${model}"}`;
  const files = () => fs.readdirSync(path.join(lab.dir, 'tmp'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

  for (const size of [10, 4000, 20000, 200000])
    test(`${size} bytes, by length and in chunks`, async () => {
      for (const [model, want] of [['gpt-5', 200], ['gpt-4o', 403]]) {
        lab.upstream.hits.length = 0;
        const body = big(model, size);
        const chunked = [];
        for (let at = 0; at < body.length; at += 1111) chunked.push(`${Math.min(1111, body.length - at).toString(16)}\r\n${body.slice(at, at + 1111)}\r\n`);
        for (const bytes of [`${head(`Content-Length: ${body.length}\r\n`)}${body}`, `${head('Transfer-Encoding: chunked\r\n')}${chunked.join('')}0\r\n\r\n`]) {
          const reply = await raw(lab.socket, bytes);
          assert.equal(reply.status, want, reply.body.slice(0, 300));
        }
        if (want === 200) for (const hit of lab.upstream.hits) assert.equal(hit.body.toString(), body);
        assert.equal(lab.upstream.hits.length, want === 200 ? 2 : 0);
      }
      assert.deepEqual(files(), []);
    });

  test('one byte at a time, in chunks of one', async () => {
    const body = big('gpt-5', 300);
    const reply = await new Promise((resolve) => {
      const socket = net.connect(lab.socket);
      let text = '';
      socket.on('data', (data) => (text += data)).on('close', () => resolve(text));
      socket.write(head('Transfer-Encoding: chunked\r\n'));
      (async () => {
        for (const char of body) { socket.write(`1\r\n${char}\r\n`); await new Promise(setImmediate); }
        socket.write('0\r\n\r\n');
      })();
    });
    assert.match(reply, /^HTTP\/1.1 200/);
    assert.equal(lab.upstream.hits.at(-1).body.toString(), body);
  });

  test('too large is 413 in words, told early when the length is', async () => {
    lab.upstream.hits.length = 0;
    const early = await raw(lab.socket, head('Content-Length: 300000\r\n'), { wait: 200 });
    assert.equal(early.status, 413);
    assert.equal(json(early).error.code, 'body_too_large');
    const body = big('gpt-5', 300000);
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const late = await raw(lab.socket, `${head('Transfer-Encoding: chunked\r\n')}${chunks}`);
    assert.equal(late.status, 413);
    assert.equal(json(late).error.code, 'body_too_large');
    assert.equal(lab.upstream.hits.length, 0);
    assert.deepEqual(files(), []);
  });

  test('Expect: 100-continue is answered for those who may, and not for others', async () => {
    const ask = (as) => new Promise((resolve) => {
      const body = '{"model":"gpt-5"}', socket = net.connect(lab.socket);
      let text = '';
      socket.on('data', (data) => {
        text += data;
        if (text.endsWith('100 Continue\r\n\r\n')) socket.write(body);
        if (/HTTP\/1.1 [24]/.test(text)) socket.destroy(); // nginx would wait for the rest of a body that it throws away
      }).on('close', () => resolve(text));
      socket.write(head(`Content-Length: ${body.length}\r\nExpect: 100-continue\r\n`).replace(token, as));
    });
    assert.match(await ask(token), /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/);
    assert.match(await ask('x.y.z'), /^(HTTP\/1.1 100 Continue\r\n\r\n)?HTTP\/1.1 401/); // nginx asks for a body that it throws away
  });

  test('a caller that gives up in the middle does no harm', async () => {
    for (let i = 0; i < 20; i++) {
      const socket = net.connect(lab.socket);
      socket.on('error', () => {});
      socket.write(`${head('Content-Length: 20000\r\n')}{"model":"gpt-5"`);
      await sleep(2);
      socket.destroy();
    }
    assert.equal(await chat({ model: 'gpt-5' }), 'ok');
  });

  test('several on one connection', async () => {
    const one = (model) => { const body = big(model, 50); return `${head(`Content-Length: ${body.length}\r\n`).replace('Connection: close\r\n', '')}${body}`; };
    const text = await new Promise((resolve) => {
      const socket = net.connect(lab.socket);
      let got = '';
      socket.on('data', (data) => (got += data)).on('close', () => resolve(got));
      socket.write(`${one('gpt-5')}${one('gpt-4o')}${one('o1')}GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    });
    assert.deepEqual([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status), ['200', '403', '200', '401']);
  });

  test('HTTP/2, with and without a length', async () => {
    const session = http2.connect('http://gate.test', { createConnection: () => net.connect(path.join(lab.dir, 'h2.sock')) });
    const send = (body, withLength) => new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST', ':path': '/v1/chat/completions', authorization: `Bearer ${token}`, 'content-type': 'application/json',
        ...(withLength ? { 'content-length': Buffer.byteLength(body) } : {}),
      });
      let status, text = '';
      stream.on('response', (headers) => (status = headers[':status'])).on('data', (data) => (text += data)).on('end', () => resolve([status, text])).on('error', reject);
      for (let at = 0; at < body.length; at += 5000) stream.write(body.slice(at, at + 5000));
      stream.end();
    });
    for (const withLength of [true, false])
      for (const size of [10, 3000, 100000]) {
        lab.upstream.hits.length = 0;
        assert.equal((await send(big('gpt-5', size), withLength))[0], 200, `${size} ${withLength}`);
        assert.equal(lab.upstream.hits[0].body.toString(), big('gpt-5', size));
        const [status, text] = await send(big('gpt-4o', size), withLength);
        assert.equal(status, 403, text);
        assert.equal(lab.upstream.hits.length, 1);
      }
    assert.equal((await send(big('gpt-5', 300000), false))[0], 413);
    session.close();
    assert.deepEqual(files(), []);
  });
});

describe('no other way around it', () => {
  test('proxy_request_buffering off', async () => {
    assert.equal(await post('/unbuffered/x', '{"model":"gpt-4o"}'), '403 model_not_allowed');
    assert.equal(await post('/unbuffered/x', JSON.stringify({ model: 'gpt-5', x: 'y'.repeat(30000) })), 'ok');
    assert.ok(lab.upstream.hits[0].body.length > 30000);
  });

  test('mirror: the copy is judged where it goes, and only after the request itself', async () => {
    assert.equal(await post('/mirrored', '{"model":"gpt-4o"}'), '403 model_not_allowed');
    assert.equal(await post('/mirrored', '{"model":"gpt-5"}'), 'ok');
    for (let i = 0; i < 100 && lab.upstream.hits.length < 2; i++) await sleep(10);
    assert.deepEqual(lab.upstream.hits.map((hit) => [hit.target, hit.body.toString()]).sort(), [['/copied', '{"model":"gpt-5"}'], ['/mirrored', '{"model":"gpt-5"}']]);
  });

  test('error_page into a location that looks at the model', async () => {
    for (const [model, want] of [['gpt-4o', 403], ['gpt-5', 200]]) {
      lab.upstream.hits.length = 0;
      const reply = await lab.get('/again', { token, method: 'POST', headers: [jsonType], body: `{"model":"${model}"}` });
      assert.equal(reply.status, want, reply.body);
      assert.deepEqual(lab.upstream.hits.map((hit) => hit.body.toString()), Array(want === 200 ? 2 : 1).fill(`{"model":"${model}"}`));
    }
  });

  test('... with a body that the first location wrote to a file, or passed on in pieces', async () => {
    const body = `{"model":"gpt-5","x":"${'y'.repeat(200000)}","models":["gpt-4o"]}`;
    for (const target of ['/again', '/again-unbuffered']) {
      lab.upstream.hits.length = 0;
      const reply = await lab.get(target, { token, method: 'POST', headers: [jsonType], body });
      assert.equal(reply.status, 413, `${target} ${reply.body}`);
      assert.equal(lab.upstream.hits.length, 1); // the first location's own
    }
  });
});

test('configurations that mean nothing do not start', () => {
  const tries = [
    ['gatehouse_route OPTIONS /x none;', /takes GET, POST/],
    ['gatehouse_route POST x none;', /plain path/],
    ['gatehouse_route POST /<model>/<model> none model=path;', /plain path/],
    ['gatehouse_route POST /x none model=path;', /needs a segment/],
    ['gatehouse_route POST /<model> none model=body;', /needs a segment/],
    ['gatehouse_route POST /x none model=header;', /takes model=/],
    ['gatehouse_route POST /x none body;', /takes model=/],
    ['gatehouse_routes openia;', /invalid value/],
    ['gatehouse_models on;', /invalid value/],
    ['gatehouse_body_size 65m;', /more than 64m/],
  ];
  const dir = lab.dir, before = fs.readFileSync(path.join(dir, 'nginx.conf'));
  try {
    for (const [line, why] of tries) {
      lab.write(`gatehouse on; ${any} ${line} location / { proxy_pass http://api; }`);
      const { ok, text } = lab.check();
      assert.ok(!ok, line);
      assert.match(text, why);
    }
  } finally { fs.writeFileSync(path.join(dir, 'nginx.conf'), before); }
});
