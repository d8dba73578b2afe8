// Every recipe of shared/vectors/tokens, made with fresh keys and sent through nginx, cold, warm and by forward-auth: the verdict is binding, the status too.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { noShared, shared } from './harness.mjs';
import { Key, Lab, issuer, now, raw } from './gateway_lab.mjs';

const file = path.join(shared, 'vectors/tokens/hostile-tokens.json');
const vectors = noShared ? { tokens: [] } : JSON.parse(fs.readFileSync(file));
const b64 = (data) => Buffer.from(data).toString('base64url');

function certificate(key, dir) {
  const pem = path.join(dir, 'x1.pem');
  fs.writeFileSync(pem, key.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return execFileSync('openssl', ['req', '-x509', '-new', '-key', pem, '-subj', '/CN=x', '-days', '1', '-outform', 'DER']).toString('base64');
}

// Replaces the placeholders: a Buffer, because @HEX:…@ is raw bytes.
function fill(text, lab) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(/@(NOW|PAD:\d+|NEST:\d+|HEX:[0-9a-fA-F ]+|JWK:X1|CERT:X1|SENTINEL)(?:([+-])(\d+))?@/g)) {
    parts.push(Buffer.from(text.slice(at, match.index)));
    at = match.index + match[0].length;
    const [name, n] = match[1].split(':');
    parts.push({
      NOW: () => Buffer.from(String(lab.now + (match[3] ? Number(match[2] + match[3]) : 0))),
      PAD: () => Buffer.from('A'.repeat(n)),
      NEST: () => Buffer.from('['.repeat(n) + ']'.repeat(n)),
      HEX: () => Buffer.from(n.replaceAll(' ', ''), 'hex'),
      JWK: () => Buffer.from(JSON.stringify(lab.keys.X1.publicKey.export({ format: 'jwk' }))),
      CERT: () => Buffer.from(lab.certificate),
      SENTINEL: () => Buffer.from(`http://127.0.0.1:${lab.sentinel.address().port}`),
    }[name]());
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(at))]);
}

// Splits `"a":1,"b":[2,3]` into its members, as written.
function members(text) {
  const list = [];
  let depth = 0, quoted = false, start = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (quoted) { if (c === '\\') i++; else if (c === '"') quoted = false; continue; }
    if (c === '"') quoted = true;
    else if (c === '[' || c === '{') depth++;
    else if (c === ']' || c === '}') depth--;
    else if (c === undefined || (c === ',' && depth === 0)) { list.push(text.slice(start, i)); start = i + 1; }
  }
  return list.map((member) => [JSON.parse(member.slice(0, member.indexOf('":') + 1)), member.slice(member.indexOf('":') + 2)]);
}

function object(base, change = {}) {
  const list = members(base).filter(([name]) => !change.del?.includes(name)).map(([name, value]) => `${JSON.stringify(name)}:${change.set?.[name] ?? value}`);
  const text = [change.before, ...list, change.after].filter((part) => part !== undefined).join(',');
  return change.raw === undefined ? `{${text}}` : change.raw.replace('@H@', text).replace('@C@', text);
}

function secret(of, key) {
  const [kind, rest] = of.split(':');
  const jwk = key.publicKey.export({ format: 'jwk' });
  if (kind === 'pem') return Buffer.from(key.publicKey.export({ type: 'spki', format: 'pem' }));
  if (kind === 'der') return key.publicKey.export({ type: 'spki', format: 'der' });
  if (kind === 'jwk') return Buffer.from(JSON.stringify({ e: jwk.e, kty: jwk.kty, n: jwk.n }));
  if (kind === 'n') return Buffer.from(jwk.n, 'base64url');
  return Buffer.from(kind === 'text' ? rest : '');
}

function signature(how, input, lab) {
  if (how === 'none') return Buffer.alloc(0);
  const { alg = 'RS256', key = 'K1', secret: of } = how ?? {};
  const data = Buffer.from(input, 'latin1');
  if (alg === 'HS256') return crypto.createHmac('sha256', secret(of, lab.keys.K1)).update(data).digest();
  const hash = `sha${alg.slice(2)}`;
  const options = { key: lab.keys[key].privateKey };
  if (alg.startsWith('PS')) Object.assign(options, { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(alg.slice(2)) / 8 });
  if (alg.startsWith('ES')) options.dsaEncoding = 'ieee-p1363';
  return crypto.sign(hash, data, options);
}

// The operations on encoded parts. pad and stray_bits first bring the JSON text to a length that leaves unused bits.
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
function trailing(part) {
  let bytes = Buffer.from(part, 'base64url');
  while (bytes.length % 3 !== 1) bytes = Buffer.concat([bytes, Buffer.from(' ')]);
  return b64(bytes);
}
const operations = {
  set_part: (parts, { part, text }) => { parts[part] = text; },
  drop_part: (parts, { part }) => { parts.splice(part, 1); },
  append: (parts, { text }) => { parts[parts.length - 1] += text; },
  insert: (parts, { part, at, text }) => { parts[part] = parts[part].slice(0, at) + text + parts[part].slice(at); },
  pad: (parts, { part }) => { parts[part] = `${trailing(parts[part])}==`; },
  stray_bits: (parts, { part }) => {
    if (part < 2) parts[part] = trailing(parts[part]);
    const last = parts[part].length - 1;
    parts[part] = parts[part].slice(0, last) + alphabet[alphabet.indexOf(parts[part][last]) | 1];
  },
  sig_from_base: (parts, _, base) => { parts[2] = base.split('.')[2]; },
  sig_bytes_set: (parts, { hex, repeat = 1 }) => { parts[2] = b64(Buffer.from(hex.repeat(repeat), 'hex')); },
  sig_bytes_drop_last: (parts, { n = 1 }) => { parts[2] = b64(Buffer.from(parts[2], 'base64url').subarray(0, -n)); },
  to_flattened_json: (parts) => {
    const [protectedHeader, payload, sig] = parts;
    parts.splice(0, 3, JSON.stringify({ payload, protected: protectedHeader, signature: sig }));
  },
};

function make(recipe, lab) {
  const { H, C } = vectors.base;
  const parts = [b64(fill(object(H, recipe.header), lab)), b64(fill(object(C, recipe.claims), lab))];
  for (const step of recipe.presign ?? []) operations[step.op](parts, step);
  const signed = recipe.sign_claims ? [parts[0], b64(fill(object(C, recipe.sign_claims), lab))] : parts;
  parts[2] = b64(signature(recipe.sign, signed.join('.'), lab));
  const base = recipe.name === 'control-base' ? '' : make(vectors.tokens[0], lab);
  for (const step of recipe.post ?? []) operations[step.op](parts, step, base);
  return parts.join('.');
}

let lab;
before(async () => {
  if (noShared) return console.log('gateway_tokens: ../shared is not here; the token recipes were skipped');
  lab = await Lab.start({
    server: `gatehouse on; gatehouse_issuer ${vectors.fixture.issuer}; gatehouse_audience ${vectors.fixture.audience}; gatehouse_feed feed;
      gatehouse_forward_auth_from unix:; location = /ask { gatehouse_forward_auth nginx; }
      location / { gatehouse_organization ${vectors.fixture.organization}; gatehouse_permission ${vectors.fixture.permission}; proxy_pass http://api; }`,
  });
  lab.keys = { K1: lab.key, X1: new Key('x1'), E1: new Key('e1', 'ES256') };
  lab.certificate = certificate(lab.keys.X1, lab.dir);
  lab.connections = 0;
  lab.sentinel = net.createServer((socket) => { lab.connections++; socket.destroy(); }).listen(0, '127.0.0.1');
});
after(async () => { lab?.sentinel.close(); await lab?.stop(); });

test('the whole bearer-token check', { skip: noShared }, async (t) => {
  assert.equal(vectors.fixture.issuer, issuer);
  assert.equal(vectors.tokens.length, 120);
  const count = { accept: 0, refuse: 0 }, other = [];
  for (const recipe of vectors.tokens) {
    lab.now = now();
    lab.upstream.hits.length = 0;
    const token = make(recipe, lab);
    const lines = recipe.send?.headers ?? ['Authorization: Bearer @TOKEN@'];
    const target = recipe.send?.target?.replace('@TOKEN@', token) ?? '/models';
    const request = `GET ${target} HTTP/1.1\r\nHost: gate.test\r\nConnection: close\r\n${lines.map((line) => `${line.replaceAll('@TOKEN@', token)}\r\n`).join('')}\r\n`;
    const send = () => raw(lab.socket, Buffer.from(request, 'latin1'), { wait: 2000 });
    const got = await send();
    for (let warm = 0; warm < 2; warm++) assert.equal((await send()).status, got.status, `${recipe.name}, warm`);
    const asked = await raw(lab.socket, Buffer.from(request.replace(`GET ${target} HTTP`, 'GET /ask HTTP')
      .replace('\r\n', `\r\nX-Original-Method: GET\r\nX-Original-URI: ${target}\r\n`), 'latin1'), { wait: 2000 });
    assert.deepEqual([asked.status, asked.status === 200 ? '' : asked.body], [got.status, got.status === 200 ? '' : got.body], `${recipe.name}, by forward-auth`);
    const seen = got.status === 200 ? 'accept' : 'refuse';
    assert.equal(seen, recipe.verdict, `${recipe.name}: ${recipe.reason}: ${got.status} ${got.body}`);
    assert.equal(lab.upstream.hits.length, seen === 'accept' ? 3 : 0, recipe.name);
    if (seen === 'refuse') assert.ok(got.status >= 400 && got.status < 500, `${recipe.name}: ${got.status}`);
    if (got.status !== recipe.status) other.push(`${recipe.name} ${got.status}`);
    count[seen]++;
  }
  assert.deepEqual(count, { accept: 12, refuse: 108 });
  // advisory: we say 401 where a claim has the wrong type (the token is at fault, not the caller's rights) and where a token is too large
  assert.deepEqual(other, ['org-array 401', 'org-number 401', 'permissions-string 401', 'permissions-nested 401', 'permissions-object 401', 'token-20-kib 401']);
  assert.equal(lab.connections, 0, 'a URL of a token was fetched');
  t.diagnostic(`${count.accept + count.refuse} of ${vectors.tokens.length} recipes got their verdict: ${count.accept} accepted, ${count.refuse} refused`);
});

test('of all spellings of the last character of a token only one is accepted', { skip: noShared }, async () => {
  const token = lab.key.token();
  let accepted = 0;
  for (const c of alphabet) if ((await lab.get('/models', { token: token.slice(0, -1) + c })).status === 200) accepted++;
  assert.equal(accepted, 1);
});
