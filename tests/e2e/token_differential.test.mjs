// Random tokens, ours and npm jose's verdict beside each other: valid ones of all nine algorithms, changed in one or two places before or after
// they are signed. What we accept, jose accepts. What jose accepts and we refuse is in the list below, each with its reason.
// A sample; GATEHOUSE_CAMPAIGN=1: 100,000. The seed is printed; GATEHOUSE_SEED repeats a run (but for keys and signatures).
import assert from 'node:assert/strict';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { randomFrom, root } from './harness.mjs';
import { Key, audience, issuer } from './gateway_lab.mjs';

const tool = path.join(root, process.env.GATEHOUSE_BUILD || 'build', 'tests/unit/gateway/token_verdict');
const total = process.env.GATEHOUSE_CAMPAIGN === '1' ? 100_000 : 3000;
const seed = Number(process.env.GATEHOUSE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const now = 1_800_000_000;

const random = randomFrom(seed);
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

// ---- where we are stricter: the kind of change, our words, why ----

const stricter = [
  ['member twice', 'malformed bad_claim', 'jose reads the last of two members of one name; another reader the first (RFC 8725 2.4)'],
  ['name escaped', 'malformed', 'a claim that decides is spelled one way, or a reader that does not unescape overlooks it'],
  ['kid missing', 'malformed', 'jose takes the only key that fits; a key belongs to an issuer and a kid'],
  ['kid odd', 'malformed unknown_key too_large', 'jose overlooks a kid that is no text when one key fits'],
  ['typ', 'wrong_type malformed', 'logout tokens, DPoP proofs and the like are signed by the same keys (RFC 8725 3.11)'],
  ['extension', 'malformed', 'b64 and zip change what is signed or read, with crit or without'],
  ['base64', 'malformed', 'one spelling: no padding, no other alphabet, no blanks, no stray bits; else one token has many names'],
  ['json text', 'malformed', 'a byte order mark is no JSON (RFC 8259 8.1); bytes that are no UTF-8, half surrogates and NUL are no text'],
  ['depth', 'malformed too_large', 'nesting has a limit'],
  ['size', 'too_large malformed', 'a token has a longest length'],
  ['date odd', 'bad_claim not_yet', 'dates are whole seconds from 0 to 2^53: no fractions, exponents or negative ones, which readers round differently'],
  ['issued in the future', 'not_yet', 'jose looks at iat only when a maximal age is asked for'],
  ['no expiry', 'bad_claim', 'exp is required (jose was told so too)'],
  ['name odd', 'bad_claim', 'sub, azp, client_id and org_id are texts that are not empty: an empty name would look like none'],
  ['permissions odd', 'bad_claim too_large', 'permissions are an array of texts'],
  ['scope odd', 'bad_claim', 'scope and jti are texts'],
  ['audience odd', 'bad_claim too_large malformed', 'aud is a text or an array of texts, all of them'],
  ['bytes', 'malformed', 'a byte that no token has'],
];

// ---- making tokens ----

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA'];
const keys = algorithms.map((alg) => new Key(`k-${alg}`, alg));
const b64 = (data) => Buffer.from(data).toString('base64url');

const claimsOf = () => ({
  iss: issuer, sub: `auth0|${below(1e9)}`, aud: pick([audience, [audience], [audience, `${issuer}userinfo`], ['https://x/', audience]]),
  exp: now + 1 + below(86400), iat: now - below(1000), ...(below(2) && { nbf: now - below(1000) }), ...(below(2) && { azp: 'client_A' }), ...(below(2) && { org_id: 'org_acme' }),
  ...(below(2) && { permissions: ['chat:invoke', 'models:list'] }), ...(below(2) && { scope: 'openid profile' }), ...(below(2) && { jti: `t${below(1e9)}` }), ...(below(4) === 0 && { 'https://example.com/tenant': { a: [1, null, { b: 'c' }] } }),
});
const odd = () => pick([null, true, false, 0, 1, -1, 1.5, '', 'x', [], {}, [null], ['x', 1], { a: 1 }, 1e30]);
const oddDate = () => pick([null, true, '', `${now + 500}`, [], {}, [now + 500], -1, -now, now + 500.5, 2 ** 53, 2 ** 60, 1e30, 0]);

// Changes of the claims or the header as objects.
const objects = [
  ['valid', () => {}],
  ['no expiry', ({ claims }) => { delete claims.exp; }],
  ['date odd', ({ claims }) => { claims[pick(['exp', 'nbf', 'iat'])] = oddDate(); }],
  ['time', ({ claims }) => { claims.exp = now + below(5) - 2; }],
  ['time', ({ claims }) => { claims.nbf = now + below(5) - 2; }],
  ['issued in the future', ({ claims }) => { claims.iat = now + below(5) - 2; }],
  ['issuer', ({ claims }) => { claims.iss = pick([undefined, '', `${issuer}x`, issuer.slice(0, -1), issuer.toUpperCase(), [issuer], odd()]); }],
  ['audience', ({ claims }) => { claims.aud = pick([undefined, '', `${audience}x`, audience.slice(0, -1), ['https://x/'], [], { a: audience }]); }],
  ['audience odd', ({ claims }) => { claims.aud = pick([odd(), [audience, odd()], [odd(), audience], [[audience]]]); }],
  ['name odd', ({ claims }) => { claims[pick(['sub', 'azp', 'client_id', 'org_id'])] = odd(); }],
  ['permissions odd', ({ claims }) => { claims.permissions = pick([odd(), 'chat:invoke', ['a', odd()], { 0: 'a' }, Array(2000).fill('x')]); }],
  ['scope odd', ({ claims }) => { claims[pick(['scope', 'jti'])] = odd(); }],
  ['kid missing', ({ header }) => { delete header.kid; }],
  ['kid odd', ({ header }) => { header.kid = pick([odd(), 'x'.repeat(5000), '../k', `${header.kid}\0`]); }],
  ['kid of another', ({ header }) => { header.kid = pick(keys).kid; }],
  ['typ', ({ header }) => { header.typ = pick(['JWT', 'at+jwt', 'application/at+jwt', 'jwt', 'logout+jwt', 'dpop+jwt', '', 'AT+JWT', odd()]); }],
  ['algorithm', ({ header }) => { header.alg = pick([...algorithms, 'none', 'None', 'HS256', 'rs256', 'ES512', 'ES256K', 'RSA-OAEP', 'dir', '', odd(), undefined]); }],
  ['extension', ({ header }) => { Object.assign(header, pick([{ crit: ['exp'], exp: 1 }, { crit: ['x'] }, { crit: [] }, { crit: 'b64' }, { crit: ['b64'], b64: false }, { crit: ['b64'], b64: true }, { b64: false }, { b64: true }, { zip: 'DEF' }, { zip: null }])); }],
  ['keys in the header', ({ header, key }) => { Object.assign(header, pick([{ jwk: key.jwk }, { jku: 'https://evil.example/' }, { x5u: 'https://evil.example/' }, { x5c: ['AA=='] }, { cty: 'JWT' }])); }],
  ['size', ({ claims }) => { claims.more = 'x'.repeat(pick([11000, 12000, 13000, 20000])); }],
];

// ... of their text.
const twice = (json, name, value) => (below(2) ? json.replace('{', `{${JSON.stringify(name)}:${JSON.stringify(value)},`) : json.replace(/\}$/, `,${JSON.stringify(name)}:${JSON.stringify(value)}}`));
const texts = [
  ['member twice', (json) => twice(json, pick(['iss', 'aud', 'exp', 'sub', 'org_id', 'alg', 'kid', 'permissions', 'zzz']), pick([issuer, audience, now + 500, 'x']))],
  ['name escaped', (json) => json.replace(/"(iss|sub|aud|exp|org_id|alg|kid|permissions|iat)"/, (name) => `"\\u00${name.charCodeAt(1).toString(16)}${name.slice(2)}`)],
  ['value escaped', (json) => json.replace(/"(a|o|k)([^"\\]*)"(?!:)/, (_, first, rest) => `"\\u00${first.charCodeAt(0).toString(16)}${rest}"`)],
  ['json text', (json) => pick([`\ufeff${json}`, `${json}\0`, json.slice(0, -1), `${json}}`, `${json},`, `${json} `, `\n\t ${json}`, `\v${json}`, json.replace('{', '{,'), json.replace('"', "'"), `/**/${json}`, json.replace('{', '{"n":NaN,'), json.replace('{', '{"n":01,'), json.replace('{', '{"n":+1,'), json.replace('{', '{"n":.5,'), json.replace('{', '{"n":1.,'), json.replace('{', '{"s":"\t",'), json.replace('{', '{"s":"\\x",'), json.replace('{', '{"s":"\\ud800",'), json.replace('{', '{"s":"a\\u0000b",'), json.replace('{', '{"n":1e400,'), `[${json}]`, '[]', '{}', 'null', '"x"', '1', 'true', ''])],
  ['json text', (json) => { const bytes = Buffer.from(json.replace('{', '{"s":"????",')); bytes.set(pick([[0xff, 0xfe], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0x80], [0xe2, 0x82]]), bytes.indexOf('????')); return bytes; }],
  ['depth', (json) => { const n = pick([5, 10, 50, 500]); return json.replace('{', `{"d":${'['.repeat(n)}${']'.repeat(n)},`); }],
  ['prototype', (json) => json.replace('{', pick(['{"__proto__":{"exp":9999999999},', '{"constructor":1,', '{"toString":"x",']))],
];

// ... of the finished token.
const flip = (text, at) => `${text.slice(0, at)}${pick([...'ABCDabcd0189-_'])}${text.slice(at + 1)}`;
const bytesOf = (part) => Buffer.from(part, 'base64url');
const finished = [
  ['signature', ([h, p, s]) => [h, p, flip(s, below(s.length))]],
  ['signature', ([h, p, s]) => [h, p, b64(pick([bytesOf(s).subarray(0, -1), Buffer.concat([bytesOf(s), Buffer.alloc(1)]), Buffer.concat([Buffer.alloc(1), bytesOf(s)]), Buffer.alloc(bytesOf(s).length), Buffer.alloc(bytesOf(s).length, 255), Buffer.alloc(1), Buffer.concat([bytesOf(s).subarray(bytesOf(s).length / 2), bytesOf(s).subarray(0, bytesOf(s).length / 2)])]))]],
  ['payload', ([h, p, s]) => [h, flip(p, below(p.length)), s]],
  ['header', ([h, p, s]) => [flip(h, below(h.length)), p, s]],
  ['base64', (parts) => { const at = below(3); return parts.map((part, i) => (i !== at ? part : pick([`${part}=`, `${part}==`, part.replaceAll('-', '+').replaceAll('_', '/'), ` ${part}`, `${part}\n`, `${part}A`, flip(part, part.length - 1)]))); }],
  ['parts', ([h, p, s]) => pick([[h, p], [h, p, ''], ['', p, s], [h, '', s], [h, p, s, ''], [h, p, s, 'e30'], [h], ['', '', ''], [h, p, s, h, p]])],
  ['bytes', (parts) => { const text = parts.join('.'), at = below(text.length); return [`${text.slice(0, at)}${String.fromCharCode(below(256))}${text.slice(at + 1)}`]; }],
];

function make() {
  const key = pick(keys), kinds = [];
  const header = { alg: key.alg, typ: 'JWT', kid: key.kid }, claims = claimsOf();
  for (let n = 1 + (below(6) === 0); n > 0; n--) {
    const [kind, change] = pick(objects);
    kinds.push(kind);
    change({ header, claims, key });
  }
  let headerText = JSON.stringify(header), claimsText = JSON.stringify(claims);
  if (below(3) === 0) {
    const [kind, change] = pick(texts);
    kinds.push(kind);
    if (below(3) === 0) headerText = change(headerText); else claimsText = change(claimsText);
  }
  const input = `${b64(headerText)}.${b64(claimsText)}`;
  let parts = [...input.split('.'), b64(key.sign(input))];
  if (below(5) === 0) {
    const [kind, change] = pick(finished);
    kinds.push(kind);
    parts = change(parts);
  }
  return { kinds, token: parts.join('.') };
}

// ---- the two verdicts ----

function ours(jwks) {
  const child = spawn(tool, [issuer, audience, String(now)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const out = [];
  child.stdout.on('data', (data) => out.push(data));
  child.stdin.write(`${JSON.stringify(jwks)}\n`);
  return {
    tell: (token) => new Promise((resolve) => child.stdin.write(`${Buffer.from(token, 'latin1').toString('hex')}\n`, resolve)),
    end: () => new Promise((resolve) => { child.stdin.end(); child.once('close', (code) => { assert.equal(code, 0); resolve(Buffer.concat(out).toString().trim().split('\n')); }); }),
  };
}

test('what we accept, jose accepts; what only jose accepts is in the list', async (t) => {
  const jwks = { keys: keys.map((key) => key.jwk) }, set = createLocalJWKSet(jwks), us = ours(jwks);
  const cases = [];
  for (let i = 0; i < total; i++) {
    const one = make();
    cases.push(one);
    await us.tell(one.token);
    one.jose = await jwtVerify(one.token, set, { issuer, audience, algorithms, currentDate: new Date(now * 1000), requiredClaims: ['exp'] }).then(() => 'ok', (error) => error.code ?? error.name);
  }
  const verdicts = await us.end();
  assert.equal(verdicts.length, total);

  const used = new Map(), wrong = [];
  let accepted = 0, refused = 0;
  for (const [i, { kinds, token, jose }] of cases.entries()) {
    const our = verdicts[i];
    if (our === 'ok' && jose === 'ok') accepted++;
    else if (our !== 'ok' && jose !== 'ok') refused++;
    else {
      const reason = our !== 'ok' && stricter.find(([kind, words]) => kinds.includes(kind) && words.split(' ').includes(our));
      if (reason) used.set(reason[0], (used.get(reason[0]) ?? 0) + 1); else wrong.push(`${kinds.join(', ')}: we say ${our}, jose ${jose}: ${token.slice(0, 3000)}`);
    }
    if (['nomem', 'crypto', 'feed'].includes(our)) wrong.push(`${kinds.join(', ')}: trouble of ours: ${our}: ${token}`);
  }
  t.diagnostic(`seed ${seed}: ${total} tokens, both accept ${accepted}, both refuse ${refused}, only jose accepts: ${[...used].map(([kind, n]) => `${kind} ${n}`).join(', ')}`);
  assert.ok(wrong.length === 0, `seed ${seed}: ${wrong.length} beyond the list:\n${wrong.slice(0, 10).join('\n')}`);
  assert.ok(accepted > total / 10 && refused > total / 10);
});
