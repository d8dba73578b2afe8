// The Authentication API and the sign-in pages by plain HTTP: what is refused, and what the answers look like.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Browser, decodeToken, fillForm, management, noShared, ok, pkce, postForm, readReply, shared, signIn, sleep, startGatehouse } from './harness.mjs';

const redirectUri = 'http://localhost:3000/callback';
const other = 'https://other.example/callback';
const password = 'Correct-Horse-Battery-9';
let g, api;
const made = {};

const nextSecond = async () => sleep(1000 - (Date.now() % 1000) + 20); // revocations hold for the whole second they happen in

before(async () => {
  g = await startGatehouse();
  api = await management(g);
  made.api = ok(await api.post('resource-servers', {
    identifier: g.audience, name: 'AI API', enforce_policies: true, token_dialect: 'access_token_authz', allow_offline_access: true, token_lifetime: 600,
    scopes: [{ value: 'chat:invoke' }, { value: 'models:list' }],
  }));
  made.strictApi = ok(await api.post('resource-servers', { identifier: 'https://rfc.example', name: 'RFC', token_dialect: 'rfc9068_profile', allow_offline_access: true, scopes: [{ value: 'read' }] }));
  made.role = ok(await api.post('roles', { name: 'ai-user' }));
  ok(await api.post(`roles/${made.role.id}/permissions`, { permissions: [{ permission_name: 'chat:invoke', resource_server_identifier: g.audience }] }));
  made.connection = ok(await api.post('connections', { name: 'people', strategy: 'auth0' }));
  const client = { callbacks: [redirectUri], grant_types: ['authorization_code', 'refresh_token'], oidc_conformant: true, allowed_logout_urls: ['https://app.example/bye'] };
  made.app = ok(await api.post('clients', { ...client, name: 'App', app_type: 'regular_web', organization_usage: 'require', refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring', leeway: 0 } }));
  made.spa = ok(await api.post('clients', { ...client, name: 'SPA', app_type: 'spa', token_endpoint_auth_method: 'none', organization_usage: 'allow' }));
  made.personal = ok(await api.post('clients', { ...client, name: 'Personal', app_type: 'regular_web' }));
  made.asks = ok(await api.post('clients', { ...client, name: 'Asks', app_type: 'regular_web', organization_usage: 'require', organization_require_behavior: 'pre_login_prompt' }));
  made.picks = ok(await api.post('clients', { ...client, name: 'Picks', app_type: 'regular_web', organization_usage: 'require', organization_require_behavior: 'post_login_prompt' }));
  made.foreign = ok(await api.post('clients', { ...client, name: 'Third', app_type: 'regular_web', is_first_party: false }));
  for (const c of [made.app, made.spa, made.personal, made.asks, made.picks])
    ok(await api.patch(`connections/${made.connection.id}/clients`, [{ client_id: c.client_id, status: true }]));
  const branding = { colors: { primary: '#FFD400', page_background: '#0B1020' }, logo_url: 'https://cdn.example/logo.png' };
  made.acme = ok(await api.post('organizations', { name: 'acme', display_name: 'Acme <b>"Ltd"</b>', branding }));
  made.globex = ok(await api.post('organizations', { name: 'globex' }));
  made.open = ok(await api.post('organizations', { name: 'open' }));
  for (const [o, assign] of [[made.acme, false], [made.globex, false], [made.open, true]])
    ok(await api.post(`organizations/${o.id}/enabled_connections`, { connection_id: made.connection.id, assign_membership_on_login: assign }));
  for (const name of ['ada', 'bob', 'eve', 'dan', 'two'])
    made[name] = ok(await api.post('users', { connection: 'people', email: `${name}@example.com`, password, email_verified: true }));
  ok(await api.post(`organizations/${made.acme.id}/members`, { members: [made.ada.user_id, made.dan.user_id, made.two.user_id] }));
  ok(await api.post(`organizations/${made.globex.id}/members`, { members: [made.two.user_id] }));
  ok(await api.post(`organizations/${made.acme.id}/members/${encodeURIComponent(made.ada.user_id)}/roles`, { roles: [made.role.id] }));
  await nextSecond();
});
after(async () => g?.stop());

const authorizeUrl = (parameters) => {
  const url = new URL(`${g.origin}/authorize`);
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
};
const base = (client = made.app, more = {}) => ({ response_type: 'code', client_id: client.client_id, redirect_uri: redirectUri, organization: made.acme.id, audience: g.audience, scope: 'openid profile email offline_access chat:invoke models:list', state: 's-1', ...more });
const login = (client = made.app, { who = 'ada', ...more } = {}) => signIn(g, { clientId: client.client_id, redirectUri, username: `${who}@example.com`, password, organization: made.acme.id, audience: g.audience, scope: 'openid profile email offline_access chat:invoke models:list', state: 's-1', ...more });
const token = (form, headers) => postForm(`${g.origin}/oauth/token`, form, headers);
const redeem = (code, client = made.app, more = {}) => token({ grant_type: 'authorization_code', client_id: client.client_id, ...(client.client_secret ? { client_secret: client.client_secret } : {}), code, redirect_uri: redirectUri, ...more });
const refresh = (value, client = made.app, more = {}) => token({ grant_type: 'refresh_token', client_id: client.client_id, ...(client.client_secret ? { client_secret: client.client_secret } : {}), refresh_token: value, ...more });
const userinfo = async (value) => readReply(await fetch(`${g.origin}/userinfo`, { headers: { authorization: `Bearer ${value}` } }));
const refused = (reply, status, error, description) => assert.deepEqual([reply.status, reply.body.error, reply.body.error_description], [status, error, description]);
const invalidCode = (reply) => refused(reply, 403, 'invalid_grant', 'Invalid authorization code');
const invalidRefresh = (reply) => refused(reply, 403, 'invalid_grant', 'Unknown or invalid refresh token.');

test('both discovery documents list what is served', async () => {
  for (const name of ['openid-configuration', 'oauth-authorization-server']) {
    const doc = ok(await readReply(await fetch(`${g.origin}/.well-known/${name}`)));
    assert.equal(doc.issuer, g.issuer);
    assert.ok(doc.id_token_signing_alg_values_supported.includes('RS256'));
    assert.deepEqual(doc.code_challenge_methods_supported, ['S256']);
    for (const endpoint of ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri', 'revocation_endpoint', 'device_authorization_endpoint']) {
      const reply = await fetch(doc[endpoint], { redirect: 'manual' });
      assert.notEqual(reply.status, 404, doc[endpoint]);
      await reply.text();
    }
  }
  const reply = await readReply(await fetch(`${g.origin}/.well-known/jwks.json`));
  assert.match(reply.headers.get('cache-control'), /max-age/);
  for (const key of reply.body.keys) assert.ok(key.kid && key.use === 'sig' && key.alg === 'RS256' && key.n && key.e && key.x5c?.length && key.x5t && !key.d);
});

test('a member signs in and gets tokens of the organization', async () => {
  const { verifier, challenge } = pkce();
  const back = await login(made.app, { nonce: 'n-1', code_challenge: challenge, code_challenge_method: 'S256' });
  assert.equal(back.url.origin + back.url.pathname, redirectUri);
  assert.equal(back.state, 's-1');
  const reply = await redeem(back.code, made.app, { code_verifier: verifier });
  const tokens = ok(reply);
  assert.equal(reply.headers.get('cache-control'), 'no-store');
  assert.equal(tokens.token_type, 'Bearer');
  assert.equal(tokens.expires_in, 600);
  const access = decodeToken(tokens.access_token), id = decodeToken(tokens.id_token);
  assert.equal(access.header.typ, 'JWT');
  assert.deepEqual(access.payload.aud, [g.audience, `${g.issuer}userinfo`]);
  assert.deepEqual(
    [access.payload.iss, access.payload.sub, access.payload.azp, access.payload.org_id, access.payload.permissions, access.payload.scope, access.payload.org_name, access.payload.jti],
    [g.issuer, made.ada.user_id, made.app.client_id, made.acme.id, ['chat:invoke'], 'openid profile email offline_access chat:invoke', undefined, undefined]);
  assert.equal(access.payload.exp - access.payload.iat, 600);
  assert.equal(tokens.scope, access.payload.scope); // it differs from what was asked for
  assert.deepEqual([id.payload.aud, id.payload.nonce, id.payload.org_id, id.payload.email], [made.app.client_id, 'n-1', made.acme.id, 'ada@example.com']);
  assert.ok(id.payload.sid && id.payload.auth_time <= id.payload.iat);
  const info = ok(await userinfo(tokens.access_token));
  assert.deepEqual([info.sub, info.email, info.org_id], [made.ada.user_id, 'ada@example.com', made.acme.id]);
});

test('the page is the organization\'s, and nothing in it can run', async () => {
  const browser = new Browser();
  const page = await browser.follow(await browser.request(authorizeUrl(base(made.app, { login_hint: '"><script>alert(1)</script>' }))), g.origin);
  assert.equal(page.status, 200);
  assert.match(page.text, /--primary: #FFD400;/);
  assert.match(page.text, /--background: #0B1020;/);
  assert.match(page.text, /--on-primary: #16181d;/); // white on yellow could not be read
  assert.match(page.text, /<img class="logo" src="https:\/\/cdn\.example\/logo\.png" alt="Acme &lt;b&gt;/);
  assert.match(page.text, /id="username" name="username"/);
  assert.match(page.text, /id="password" name="password"/);
  assert.match(page.text, /<button type="submit">Continue<\/button>/);
  assert.equal(page.text.match(/<form/g).length, 1);
  assert.ok(!page.text.includes('<script') && !page.text.includes('<b>'));
  const csp = page.headers.get('content-security-policy'), nonce = /<style nonce="([^"]+)"/.exec(page.text)[1];
  assert.equal(page.text.match(/<style/g).length, 1);
  assert.ok(csp.includes(`style-src 'nonce-${nonce}'`) && csp.includes("default-src 'none'") && csp.includes("frame-ancestors 'none'") && csp.includes('img-src https://cdn.example;'));
  assert.match(csp, /form-action 'self' http:\/\/localhost:3000/);
  const cookie = (await browser.request(authorizeUrl(base()))).headers.getSetCookie();
  assert.ok([...browser.cookies.keys()].every((name) => name.startsWith('__Host-')));
  for (const line of cookie) assert.match(line, /Secure; HttpOnly; SameSite=Lax/);
});

test('a code is good once, for who asked, as it was asked', async () => {
  const { verifier, challenge } = pkce();
  const withPkce = { code_challenge: challenge, code_challenge_method: 'S256' };
  let { code } = await login(made.app, withPkce);
  refused(await redeem(code, made.app, { code_verifier: pkce().verifier }), 403, 'invalid_grant', 'Failed to verify code verifier');
  refused(await redeem(code, made.app), 403, 'invalid_grant', 'Failed to verify code verifier');
  invalidCode(await redeem(code, made.personal, { code_verifier: verifier })); // another client
  invalidCode(await redeem(code, made.app, { code_verifier: verifier, redirect_uri: other }));
  invalidCode(await redeem(code, made.app, { code_verifier: verifier, organization: made.globex.id }));
  invalidCode(await token({ grant_type: 'authorization_code', client_id: made.app.client_id, client_secret: made.app.client_secret, code, code_verifier: verifier })); // redirect_uri was given
  ok(await redeem(code, made.app, { code_verifier: verifier }));
  invalidCode(await redeem(code, made.app, { code_verifier: verifier }));
  invalidCode(await redeem('nonsense', made.app));
  refused(await token({ grant_type: 'authorization_code', client_id: made.app.client_id, client_secret: made.app.client_secret }), 400, 'invalid_request', 'Missing required parameter: code');
  ({ code } = await login(made.app));
  refused(await redeem(code, made.app, { code_verifier: verifier }), 403, 'invalid_grant', 'Failed to verify code verifier'); // made without a challenge
  await nextSecond();
});

test('of fifty parallel redemptions one wins, and then all of it is revoked', async () => {
  const { code } = await login();
  const replies = await Promise.all(Array.from({ length: 50 }, () => redeem(code)));
  const won = replies.filter((r) => r.status === 200);
  assert.equal(won.length, 1);
  for (const reply of replies) if (reply !== won[0]) invalidCode(reply);
  refused(await userinfo(won[0].body.access_token), 401, 'invalid_token', 'the token was revoked');
  invalidRefresh(await refresh(won[0].body.refresh_token));
  await nextSecond();
});

test('a code is refused when its minute is over', async () => {
  const sql = (text) => spawnSync('python3', ['-c', 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1], timeout=5); r = d.execute(sys.argv[2]).fetchall(); d.commit(); print(r[0][0] if r else "")', path.join(g.dir, 'tenant/tenant.db'), text], { encoding: 'utf8' });
  const left = (code) => Number(sql(`SELECT expires_at FROM authorization_codes WHERE code_hash = '${createHash('sha256').update(code).digest('hex')}'`).stdout) - Date.now();
  const { code } = await login();
  assert.ok(left(code) > 50000 && left(code) <= 60000, `${left(code)} ms are left`);
  assert.equal(sql(`UPDATE authorization_codes SET expires_at = expires_at - 60000 WHERE spent_at IS NULL`).status, 0);
  invalidCode(await redeem(code));
  assert.equal(sql(`UPDATE authorization_codes SET expires_at = expires_at + 60000 WHERE spent_at IS NULL`).status, 0);
  ok(await redeem(code)); // it was its age and nothing else
});

test('strict_oauth_errors makes invalid_grant the 400 of RFC 6749, and nothing else', async () => {
  const flags = (value) => api.patch('tenants/settings', { flags: { strict_oauth_errors: value } });
  const answers = async () => [(await redeem('no-code')).status, (await refresh('no-token')).status, (await token({ grant_type: 'client_credentials', client_id: made.app.client_id, client_secret: made.app.client_secret, audience: g.audience })).status, (await redeem('no-code', { client_id: made.app.client_id, client_secret: 'wrong' })).status];
  assert.deepEqual(await answers(), [403, 403, 403, 401]);
  for (const no of ['true', 1, {}]) assert.equal((await flags(no)).status, 400, JSON.stringify(no));
  assert.equal(ok(await flags(true)).flags.strict_oauth_errors, true);
  assert.deepEqual(await answers(), [400, 400, 403, 401]);
  assert.equal((await redeem('no-code')).body.error, 'invalid_grant');
  ok(await api.patch('tenants/settings', { flags: { enable_sso: true } })); // the others leave it alone
  assert.equal((await redeem('no-code')).status, 400);
  ok(await flags(false));
  assert.deepEqual(await answers(), [403, 403, 403, 401]);
});

test('a refresh token rotates, and its second use ends the family', async () => {
  const first = ok(await redeem((await login()).code));
  const second = ok(await refresh(first.refresh_token));
  assert.notEqual(second.refresh_token, first.refresh_token);
  const access = decodeToken(second.access_token).payload;
  assert.deepEqual([access.org_id, access.permissions, access.gty], [made.acme.id, ['chat:invoke'], 'refresh_token']);
  assert.ok(second.scope && second.id_token);
  assert.equal(decodeToken(ok(await refresh(second.refresh_token, made.app, { scope: 'openid' })).access_token).payload.scope, 'openid');
  invalidRefresh(await refresh(first.refresh_token));
  invalidRefresh(await refresh(second.refresh_token));
  assert.equal((await userinfo(second.access_token)).status, 401);
  await nextSecond();
});

test('of parallel refreshes at most one family member survives', async () => {
  const first = ok(await redeem((await login()).code));
  const replies = await Promise.all(Array.from({ length: 50 }, () => refresh(first.refresh_token)));
  const won = replies.filter((r) => r.status === 200);
  assert.ok(won.length <= 1);
  for (const reply of won) invalidRefresh(await refresh(reply.body.refresh_token)); // leeway 0: the others were reuse
  await nextSecond();
});

test('a refresh token is its client\'s, its organization\'s and its API\'s', async () => {
  const tokens = ok(await redeem((await login()).code));
  invalidRefresh(await refresh(tokens.refresh_token, made.personal));
  refused(await refresh(tokens.refresh_token, made.app, { audience: 'https://rfc.example' }), 400, 'invalid_target', 'The refresh token was not issued for this audience');
  invalidRefresh(await refresh(tokens.refresh_token, made.app, { organization: made.globex.id }));
  invalidRefresh(await refresh(tokens.refresh_token)); // the attempt ended it
  await nextSecond();
});

test('refresh asks again whether the person may', async () => {
  const tokens = ok(await redeem((await login(made.app, { who: 'dan' })).code));
  assert.deepEqual(decodeToken(tokens.access_token).payload.permissions, []);
  ok(await api.post(`organizations/${made.acme.id}/members/${encodeURIComponent(made.dan.user_id)}/roles`, { roles: [made.role.id] }));
  const more = ok(await refresh(tokens.refresh_token));
  assert.deepEqual(decodeToken(more.access_token).payload.permissions, ['chat:invoke']);
  ok(await api.delete(`organizations/${made.acme.id}/members`, { members: [made.dan.user_id] }));
  invalidRefresh(await refresh(more.refresh_token));
  assert.equal((await userinfo(more.access_token)).status, 401);
  ok(await api.post(`organizations/${made.acme.id}/members`, { members: [made.dan.user_id] }));
  invalidRefresh(await refresh(more.refresh_token));
  await nextSecond();
});

test('revocation ends the token, and does not tell', async () => {
  const revoke = (value, client = made.app, more = {}) => postForm(`${g.origin}/oauth/revoke`, { client_id: client.client_id, client_secret: client.client_secret, token: value, ...more });
  const tokens = ok(await redeem((await login()).code));
  assert.equal((await revoke(tokens.refresh_token, made.personal)).status, 200); // not its own: nothing happens
  const alive = ok(await refresh(tokens.refresh_token));
  const gone = await revoke(alive.refresh_token);
  assert.deepEqual([gone.status, gone.text], [200, '']);
  assert.equal((await revoke('unknown')).status, 200);
  invalidRefresh(await refresh(alive.refresh_token));
  refused(await revoke('x', { client_id: made.app.client_id, client_secret: 'wrong' }), 401, 'invalid_client', 'Unauthorized');
  refused(await revoke(''), 400, 'invalid_request', 'Missing required parameter: token');
  await nextSecond();
});

test('with the tenant\'s flag a revocation ends the grant in every organization', async () => {
  ok(await api.patch('tenants/settings', { flags: { revoke_refresh_token_grant: true } }));
  const here = ok(await redeem((await login(made.app, { who: 'two' })).code));
  const there = ok(await redeem((await login(made.app, { who: 'two', organization: made.globex.id })).code));
  assert.equal((await userinfo(there.access_token)).status, 200);
  ok(await postForm(`${g.origin}/oauth/revoke`, { client_id: made.app.client_id, client_secret: made.app.client_secret, token: here.refresh_token }));
  ok(await api.patch('tenants/settings', { flags: { revoke_refresh_token_grant: false } }));
  for (const tokens of [here, there]) {
    assert.equal((await userinfo(tokens.access_token)).status, 401);
    invalidRefresh(await refresh(tokens.refresh_token));
  }
  await nextSecond();
});

test('a refusal that quotes a long word is still a refusal', async () => {
  for (const first of ['', 'x']) { // the quotation may end inside a character
    refused(await token({ grant_type: first + 'é'.repeat(300), client_id: made.app.client_id, client_secret: made.app.client_secret }), 400, 'unsupported_grant_type', `Unsupported grant type: ${first}${'é'.repeat(243)}`);
    const page = await new Browser().request(authorizeUrl(base(made.app, { client_id: first + 'é'.repeat(150) })));
    assert.equal(page.status, 400);
    const reply = await api.post('connections', { name: 'c', strategy: 'auth0', enabled_clients: [first + 'é'.repeat(600)] });
    assert.equal(reply.status, 400, reply.text);
    const unknown = await api.post('roles', { name: 'r', [first + 'é'.repeat(200)]: 1 });
    assert.equal(unknown.status, 400, unknown.text);
  }
});

test('a member without a name is one that no schema knows', async () => {
  assert.equal((await api.post('roles', { name: 'nameless', '': 1 })).status, 400);
});

test('clients prove who they are, one way at a time', async () => {
  const id = g.env.AUTH0_CLIENT_ID, secret = g.env.AUTH0_CLIENT_SECRET, audience = `${g.origin}/api/v2/`;
  const basic = { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
  ok(await token({ grant_type: 'client_credentials', audience }, basic));
  ok(await token({ grant_type: 'client_credentials', audience, client_id: id }, basic));
  ok(await readReply(await fetch(`${g.origin}/oauth/token`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ grant_type: 'client_credentials', audience, client_id: id, client_secret: secret }) })));
  assert.equal((await token({ grant_type: 'client_credentials', audience, client_id: id, client_secret: secret }, basic)).body.error, 'invalid_request');
  refused(await token({ grant_type: 'client_credentials', audience, client_id: id, client_secret: 'wrong' }), 401, 'access_denied', 'Unauthorized');
  refused(await token({ grant_type: 'client_credentials', audience, client_id: id }), 401, 'access_denied', 'Unauthorized');
  refused(await token({ grant_type: 'client_credentials', audience, client_id: 'nobody', client_secret: 'x' }), 401, 'access_denied', 'Unauthorized');
  const wrong = await token({ grant_type: 'client_credentials', audience }, { authorization: `Basic ${Buffer.from(`${id}:no`).toString('base64')}` });
  assert.equal(wrong.status, 401);
  assert.match(wrong.headers.get('www-authenticate'), /^Basic /);
  assert.equal((await readReply(await fetch(`${g.origin}/oauth/token`, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: `grant_type=client_credentials&grant_type=x&client_id=${id}` }))).status, 400);
  refused(await token({ client_id: id, client_secret: secret }), 400, 'invalid_request', 'Missing required parameter: grant_type');
  refused(await token({ client_id: id, client_secret: secret, grant_type: 'magic' }), 400, 'unsupported_grant_type', 'Unsupported grant type: magic');
  refused(await token({ client_id: made.app.client_id, client_secret: made.app.client_secret, grant_type: 'client_credentials', audience }), 403, 'unauthorized_client', "Grant type 'client_credentials' not allowed for the client.");
});

test('a machine\'s organization is decided by its grant', async () => {
  const worker = ok(await api.post('clients', { name: 'Worker', app_type: 'non_interactive', grant_types: ['client_credentials'] }));
  const ask = (more) => token({ grant_type: 'client_credentials', client_id: worker.client_id, client_secret: worker.client_secret, audience: g.audience, ...more });
  refused(await ask({ audience: 'https://nowhere' }), 403, 'access_denied', 'Service not enabled within domain: https://nowhere');
  assert.equal((await ask()).body.error, 'access_denied');
  const grant = ok(await api.post('client-grants', { client_id: worker.client_id, audience: g.audience, scope: ['chat:invoke', 'models:list'] }));
  refused(await ask({ organization: made.acme.id }), 400, 'invalid_request', 'parameter organization is not allowed for this client');
  let payload = decodeToken(ok(await ask({ scope: 'chat:invoke other' })).access_token).payload;
  assert.deepEqual([payload.sub, payload.gty, payload.scope, payload.permissions, payload.org_id, payload.aud], [`${worker.client_id}@clients`, 'client-credentials', 'chat:invoke', ['chat:invoke'], undefined, g.audience]);
  ok(await api.patch(`client-grants/${grant.id}`, { organization_usage: 'require' }));
  refused(await ask(), 400, 'invalid_request', 'parameter organization is required for this client');
  refused(await ask({ organization: 'org_0000000000000000' }), 400, 'invalid_request', 'parameter organization is invalid: org_0000000000000000');
  refused(await ask({ organization: 'acme' }), 400, 'invalid_request', 'parameter organization is invalid: acme'); // names are not allowed here
  assert.deepEqual([(await ask({ organization: made.acme.id })).status, (await ask({ organization: made.acme.id })).body.error], [403, 'access_denied']);
  ok(await api.post(`organizations/${made.acme.id}/client-grants`, { grant_id: grant.id }));
  payload = decodeToken(ok(await ask({ organization: made.acme.id })).access_token).payload;
  assert.deepEqual([payload.org_id, payload.permissions], [made.acme.id, ['chat:invoke', 'models:list']]);
  assert.equal((await ask({ organization: made.globex.id })).status, 403);
  ok(await api.patch(`clients/${worker.client_id}`, { default_organization: { organization_id: made.acme.id, flows: ['client_credentials'] } }));
  assert.equal(decodeToken(ok(await ask()).access_token).payload.org_id, made.acme.id);
});

test('/authorize redirects only to where it may', async () => {
  const at = async (more, client) => { const b = new Browser(); return b.request(authorizeUrl({ ...base(client), ...more })); };
  for (const more of [{ redirect_uri: other }, { redirect_uri: `${redirectUri}/` }, { redirect_uri: 'http://localhost:3000/callback?x=1' }, { redirect_uri: 'javascript:alert(1)' }]) {
    const reply = await at(more);
    assert.deepEqual([reply.status, reply.location], [403, null], JSON.stringify(more));
    assert.match(reply.text, /Callback URL mismatch\./);
  }
  const unknown = await at({ client_id: '<script>x' });
  assert.equal(unknown.status, 400);
  assert.match(unknown.text, /Unknown client: &lt;script&gt;x/);
  assert.equal((await new Browser().request(`${authorizeUrl(base())}&client_id=two`)).status, 400);
});

test('no payload of the corpus leaves the allow-lists', { skip: noShared }, async () => {
  const lines = fs.readFileSync(path.join(shared, 'vectors/redirects/payloads.txt'), 'utf8').split('\n').filter((l) => l && !l.startsWith('#'));
  for (let i = 0; i < lines.length; i += 16) {
    await Promise.all(lines.slice(i, i + 16).flatMap((line) => [
      `${g.origin}/authorize?response_type=code&client_id=${made.app.client_id}&redirect_uri=${encodeURIComponent(line)}`,
      `${g.origin}/v2/logout?returnTo=${encodeURIComponent(line)}`,
      `${g.origin}/v2/logout?client_id=${made.app.client_id}&returnTo=${encodeURIComponent(line)}`,
    ]).map(async (url) => {
      const reply = await fetch(url, { redirect: 'manual' });
      await reply.text();
      assert.equal(reply.headers.get('location'), null, url);
      assert.ok(reply.status >= 400, url);
    }));
  }
});

test('/authorize says no in the words that clients know', async () => {
  const { challenge } = pkce();
  const rows = [
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: undefined }, 'invalid_request', 'Missing required parameter: response_type'],
    [{ response_mode: 'fragment' }, 'invalid_request'],
    [{ prompt: 'none' }, 'login_required', 'Login required'],
    [{ prompt: 'none login' }, 'invalid_request'],
    [{ max_age: '-1' }, 'invalid_request'],
    [{ audience: 'https://nowhere' }, 'access_denied', 'Service not found: https://nowhere'],
    [{ audience: `${g.origin}/api/v2/` }, 'invalid_request', `Client is not authorized to access resource server "${g.origin}/api/v2/".`],
    [{ organization: undefined }, 'invalid_request', 'parameter organization is required for this client'],
    [{ organization: 'org_0000000000000000' }, 'invalid_request', 'parameter organization is invalid: org_0000000000000000'],
    [{ organization: 'acme' }, 'invalid_request', 'parameter organization is invalid: acme'],
    [{ connection: 'nothing' }, 'access_denied', 'no connections enabled for the organization'],
    [{ code_challenge: challenge }, 'invalid_request', 'code_challenge_method must be S256'],
    [{ code_challenge: challenge, code_challenge_method: 'plain' }, 'invalid_request', 'code_challenge_method must be S256'],
    [{ code_challenge: 'short', code_challenge_method: 'S256' }, 'invalid_request'],
    [{ scope: 'a"b' }, 'invalid_scope'],
    [{ request: 'x' }, 'request_not_supported'],
    [{ request_uri: 'x' }, 'request_uri_not_supported'],
    [{}, 'invalid_request', 'Missing required parameter: code_challenge', made.spa],
    [{}, 'invalid_request', 'parameter organization is not allowed for this client', made.personal],
    [{ organization: undefined }, 'access_denied', undefined, made.foreign],
  ];
  for (const [more, error, description, client] of rows) {
    const reply = await new Browser().request(authorizeUrl({ ...base(client), ...more }));
    const url = reply.location && new URL(reply.location);
    assert.equal(url && url.origin + url.pathname, redirectUri, `${JSON.stringify(more)} ${reply.status} ${reply.text.slice(0, 300)}`);
    assert.deepEqual([url.searchParams.get('error'), url.searchParams.get('state')], [error, 's-1'], JSON.stringify(more));
    if (description) assert.equal(url.searchParams.get('error_description'), description);
  }
});

test('a form is worth something only in the browser it was made for', async () => {
  const victim = new Browser(), attacker = new Browser();
  const page = await victim.follow(await victim.request(authorizeUrl(base())), g.origin);
  await attacker.follow(await attacker.request(authorizeUrl(base())), g.origin);
  const { url, form } = fillForm(page, { username: 'ada@example.com', password });
  const gone = async (browser, fields, headers) => {
    const reply = await browser.request(url, { method: 'POST', form: fields, headers });
    assert.ok([400, 403].includes(reply.status) && !reply.location, `${reply.status} ${reply.location}`);
    assert.ok(!browser.cookies.has('__Host-gatehouse'));
  };
  await gone(attacker, form); // another browser
  await gone(new Browser(), form); // no cookie
  await gone(victim, { username: form.username, password }); // no state
  await gone(victim, { ...form, state: form.state.replace(/^./, (c) => (c === 'a' ? 'b' : 'a')) });
  await gone(victim, form, { origin: 'https://evil.example' });
  await gone(victim, form, { origin: 'null' });
  assert.equal((await attacker.request(page.url)).status, 400);
  const done = await victim.request(url, { method: 'POST', form, headers: { origin: g.origin } });
  assert.equal(done.status, 303);
  const session = victim.cookies.get('__Host-gatehouse');
  assert.ok(session);
  assert.equal((await victim.request(url, { method: 'POST', form })).status, 400); // finished
  const again = await victim.follow(await victim.request(authorizeUrl(base(made.app, { prompt: 'login' }))), g.origin);
  const second = fillForm(again, { username: 'ada@example.com', password });
  await victim.request(second.url, { method: 'POST', form: second.form });
  assert.notEqual(victim.cookies.get('__Host-gatehouse'), session); // a new id at each sign-in
  const fixed = new Browser();
  fixed.cookies.set('__Host-gatehouse', session); // the old one is worth nothing
  assert.match((await fixed.request(authorizeUrl(base(made.app, { prompt: 'none' })))).location, /error=login_required/);
});

test('who does not get in sees one page, known or not', async () => {
  const attempt = async (username, word) => {
    const browser = new Browser();
    const page = await browser.follow(await browser.request(authorizeUrl(base())), g.origin);
    const { url, form } = fillForm(page, { username, password: word });
    const reply = await browser.request(url, { method: 'POST', form });
    const bare = reply.text.replaceAll(form.state, '').replace(/nonce="[^"]+"/g, '').replaceAll(username.trim().toLowerCase(), 'NAME');
    return { status: reply.status, bare, text: reply.text };
  };
  const known = await attempt('bob@example.com', 'wrong'), unknown = await attempt('xyz@example.com', 'wrong');
  assert.equal(known.status, 400);
  assert.match(known.text, /role="alert">Wrong email or password</);
  assert.deepEqual(unknown, { ...known, text: unknown.text });
  assert.equal((await attempt('bob@example.com', 'x'.repeat(2000))).bare, known.bare);
  for (let i = 0; i < 10; i++) assert.equal((await attempt('eve@example.com', `wrong ${i}`)).status, 400);
  const locked = await attempt('eve@example.com', password); // right, but too late: nothing tells
  assert.deepEqual([locked.status, locked.bare], [known.status, known.bare]);
});

test('unknown users cost the time of known ones', async (t) => {
  const kinds = { known: [], unknown: [] };
  for (let i = 0; i < 3; i++) ok(await api.post('users', { connection: 'people', email: `known${i}@example.com`, password }));
  for (let i = 0; i < 15; i++)
    for (const kind of Object.keys(kinds)) { // by turns, so that a busy machine slows both
      const browser = new Browser();
      const page = await browser.follow(await browser.request(authorizeUrl(base())), g.origin);
      const { url, form } = fillForm(page, { username: `${kind}${i % 3}@example.com`, password: 'wrong' });
      const start = process.hrtime.bigint();
      assert.equal((await browser.request(url, { method: 'POST', form })).status, 400);
      kinds[kind].push(Number(process.hrtime.bigint() - start) / 1e6);
    }
  const [known, unknown] = Object.values(kinds).map((ms) => ms.sort((a, b) => a - b)[7]);
  t.diagnostic(`median of 15: known ${known.toFixed(1)} ms, unknown ${unknown.toFixed(1)} ms`);
  assert.ok(unknown / known > 0.5 && unknown / known < 2, `${unknown} / ${known}`);
  assert.ok(Math.min(known, unknown) > 5, 'a password is hashed for both');
});

test('membership decides, and a connection may give it', async () => {
  const out = await login(made.app, { who: 'bob' });
  assert.deepEqual([out.error, out.description], ['access_denied', `user ${made.bob.user_id} is not part of the ${made.acme.id} organization`]);
  assert.ok(!out.browser.cookies.has('__Host-gatehouse'));
  const joined = await login(made.app, { who: 'bob', organization: made.open.id });
  const payload = decodeToken(ok(await redeem(joined.code)).access_token).payload;
  assert.deepEqual([payload.org_id, payload.permissions], [made.open.id, []]);
  const members = ok(await api.get(`organizations/${made.open.id}/members`));
  assert.deepEqual(members.map((m) => m.user_id), [made.bob.user_id]);
  // a session of one organization is no way into another
  const silent = await joined.browser.request(authorizeUrl(base(made.app, { prompt: 'none' })));
  assert.match(silent.location, /error=login_required/);
  assert.match((await joined.browser.request(authorizeUrl(base(made.app, { prompt: 'none', organization: made.open.id })))).location, /code=/);
});

test('a blocked user, a disabled connection and a deleted member get nothing', async () => {
  ok(await api.patch(`users/${encodeURIComponent(made.eve.user_id)}`, { blocked: true }));
  ok(await api.post(`organizations/${made.globex.id}/members`, { members: [made.eve.user_id, made.bob.user_id] }));
  const browser = new Browser(); // another address is not at hand: eve is locked out by name here, so bob is blocked too
  ok(await api.patch(`users/${encodeURIComponent(made.bob.user_id)}`, { blocked: true }));
  await nextSecond();
  const blocked = await login(made.app, { who: 'bob', browser, organization: made.globex.id });
  assert.deepEqual([blocked.error, blocked.description], ['unauthorized', 'user is blocked']);
  ok(await api.patch(`users/${encodeURIComponent(made.bob.user_id)}`, { blocked: false }));
  await nextSecond();

  const first = await login(made.app, { who: 'bob', organization: made.globex.id });
  const started = new Browser();
  const page = await started.follow(await started.request(authorizeUrl(base(made.app, { organization: made.globex.id }))), g.origin);
  ok(await api.delete(`organizations/${made.globex.id}/enabled_connections/${made.connection.id}`));
  invalidCode(await redeem(first.code)); // the code was made while it counted
  const { url, form } = fillForm(page, { username: 'bob@example.com', password });
  const late = await started.request(url, { method: 'POST', form }); // so was the page
  assert.ok(!late.location?.includes('code='));
  assert.match((await new Browser().request(authorizeUrl(base(made.app, { organization: made.globex.id })))).location, /no%20connections%20enabled/);
  assert.match((await first.browser.request(authorizeUrl(base(made.app, { organization: made.globex.id, prompt: 'none' })))).location, /error=/);
  ok(await api.post(`organizations/${made.globex.id}/enabled_connections`, { connection_id: made.connection.id }));
  await nextSecond();
});

test('a session is used where it may be, and ends', async () => {
  const { browser } = await login();
  const silent = async (more) => new URL((await browser.request(authorizeUrl(base(made.app, { prompt: 'none', ...more })))).location).searchParams;
  assert.ok((await silent()).get('code'));
  assert.equal((await silent({ max_age: '0', prompt: undefined, state: 's-2' }).catch(() => new Map([['page', 1]]))).get('code') ?? null, null);
  assert.equal((await silent({ organization: made.globex.id })).get('error'), 'login_required');
  assert.equal((await silent({ organization: made.globex.id })).get('code'), null);
  const bad = await browser.request(`${g.origin}/v2/logout?returnTo=${encodeURIComponent('https://evil.example/')}`);
  assert.deepEqual([bad.status, bad.location], [400, null]);
  assert.ok((await silent()).get('code'));
  const bye = await browser.request(`${g.origin}/v2/logout?client_id=${made.app.client_id}&returnTo=${encodeURIComponent('https://app.example/bye')}`);
  assert.deepEqual([bye.status, bye.location], [302, 'https://app.example/bye']);
  assert.ok(!browser.cookies.has('__Host-gatehouse'));
  assert.equal((await silent()).get('error'), 'login_required');
});

test('a new password ends what the old one opened, also what is under way', async () => {
  const path = `users/${encodeURIComponent(made.dan.user_id)}`, next = 'Another-Horse-Battery-8';
  const first = await login(made.app, { who: 'dan' });
  const tokens = ok(await redeem(first.code));
  const silent = async () => new URL((await first.browser.request(authorizeUrl(base(made.app, { prompt: 'none' })))).location).searchParams;
  const unspent = (await silent()).get('code');
  const browser = new Browser();
  const page = await browser.follow(await browser.request(authorizeUrl(base())), g.origin);
  const { url, form } = fillForm(page, { username: 'dan@example.com', password });
  const change = api.patch(path, { password: next });
  await sleep(5); // the check of the old password now waits behind the hash of the new one
  const late = browser.request(url, { method: 'POST', form });
  ok(await change);
  const reply = await late;
  assert.deepEqual([reply.status, reply.location], [400, null]);
  assert.match(reply.text, /Wrong email or password/);
  assert.equal((await silent()).get('error'), 'login_required');
  invalidCode(await redeem(unspent));
  invalidRefresh(await refresh(tokens.refresh_token));
  await nextSecond();
  const again = fillForm(reply, { username: 'dan@example.com', password: next }); // the same page, once more
  assert.match((await browser.request(again.url, { method: 'POST', form: again.form })).location, /code=/);
});

test('/v2/logout ends the session for good, and leads only to listed addresses', async () => {
  const logout = (browser, query = {}) => browser.request(`${g.origin}/v2/logout?${new URLSearchParams(query)}`);
  const tenant = 'https://tenant.example/bye', own = 'https://app.example/bye';
  ok(await api.patch('tenants/settings', { allowed_logout_urls: [tenant] }));
  const { browser } = await login();
  const cookie = browser.cookies.get('__Host-gatehouse'), alive = async (b) => /[?&]code=/.test((await b.request(authorizeUrl(base(made.app, { prompt: 'none' })))).location);
  for (const query of [{ client_id: 'nobody', returnTo: own }, { returnTo: own }, { client_id: made.app.client_id, returnTo: tenant }, { client_id: made.app.client_id, returnTo: `${own}/x` }, { returnTo: `${tenant}\n` }]) {
    const reply = await logout(browser, query);
    assert.deepEqual([reply.status, reply.location], [400, null], JSON.stringify(query));
  }
  assert.ok(await alive(browser)); // a link that lies ends nothing
  const bye = await logout(browser, { returnTo: tenant, federated: '' });
  assert.deepEqual([bye.status, bye.location], [302, tenant]);
  const kept = new Browser();
  kept.cookies.set('__Host-gatehouse', cookie); // whoever kept the cookie has nothing
  assert.ok(!(await alive(kept)) && !(await alive(browser)));
  assert.equal((await logout(new Browser(), { client_id: made.app.client_id })).location, own); // the first of the list
  assert.equal((await logout(new Browser())).location, tenant);
  ok(await api.patch('tenants/settings', { allowed_logout_urls: [] }));
  const page = await logout(new Browser());
  assert.deepEqual([page.status, page.location], [200, null]);
  assert.match(page.text, /You are logged out/);
});

test('what is not served is not announced', async () => {
  const doc = ok(await readReply(await fetch(`${g.origin}/.well-known/openid-configuration`)));
  for (const [member, path] of [['registration_endpoint', '/oidc/register'], ['end_session_endpoint', '/oidc/logout'], ['mfa_challenge_endpoint', '/mfa/challenge'], ['pushed_authorization_request_endpoint', '/oauth/par']]) {
    assert.equal((await fetch(`${g.origin}${path}`, { method: 'POST' })).status, 404, path);
    assert.equal(doc[member], undefined, member);
  }
});

test('a public client needs PKCE, and personal sign-in has no organization', async () => {
  const { verifier, challenge } = pkce();
  const { code } = await login(made.spa, { organization: undefined, code_challenge: challenge, code_challenge_method: 'S256', audience: 'https://rfc.example', scope: 'openid offline_access read' });
  const tokens = ok(await redeem(code, { client_id: made.spa.client_id }, { code_verifier: verifier }));
  const { header, payload } = decodeToken(tokens.access_token);
  assert.equal(header.typ, 'at+jwt');
  assert.deepEqual([payload.client_id, payload.azp, payload.gty, payload.permissions, payload.org_id, payload.scope], [made.spa.client_id, undefined, undefined, undefined, undefined, 'openid offline_access read']);
  assert.ok(payload.jti);
  assert.equal(tokens.scope, undefined); // as asked for
  const next = ok(await refresh(tokens.refresh_token, { client_id: made.spa.client_id }));
  assert.ok(next.refresh_token); // public clients always rotate
  invalidRefresh(await refresh(tokens.refresh_token, { client_id: made.spa.client_id }));
  refused(await userinfo(next.access_token), 401, 'invalid_token', 'the token was revoked'); // by its jti
});

test('form_post answers by a form, and no audience means /userinfo only', async () => {
  const browser = new Browser();
  const page = await signIn(g, { browser, clientId: made.personal.client_id, redirectUri, username: 'two@example.com', password, response_mode: 'form_post', state: '"><x', scope: 'openid' });
  const { url, form } = fillForm(page.reply, {});
  assert.equal(url, redirectUri);
  assert.equal(form.state, '"><x');
  const tokens = ok(await redeem(form.code, made.personal));
  const { payload } = decodeToken(tokens.access_token);
  assert.equal(payload.aud, `${g.issuer}userinfo`);
  assert.equal(ok(await userinfo(tokens.access_token)).sub, made.two.user_id);
  assert.equal((await userinfo(tokens.id_token)).status, 401); // an ID token is no access token
  assert.equal((await userinfo('x.y.z')).status, 401);
  assert.equal((await readReply(await fetch(`${g.origin}/userinfo`))).headers.get('www-authenticate'), 'Bearer realm="gatehouse"');
  const posted = await postForm(`${g.origin}/userinfo`, { access_token: tokens.access_token });
  assert.equal(ok(posted).sub, made.two.user_id);
});

test('an organization is asked for before, or picked after the sign-in', async () => {
  const browser = new Browser();
  let page = await browser.follow(await browser.request(authorizeUrl(base(made.asks, { organization: undefined }))), g.origin);
  assert.match(page.text, /Enter your organization/);
  let filled = fillForm(page, { organizationName: 'nope' });
  page = await browser.request(filled.url, { method: 'POST', form: filled.form });
  assert.match(page.text, /The organization you entered is invalid/);
  filled = fillForm(page, { organizationName: 'ACME' });
  page = await browser.follow(await browser.request(filled.url, { method: 'POST', form: filled.form }), g.origin);
  filled = fillForm(page, { username: 'ada@example.com', password });
  const done = await browser.request(filled.url, { method: 'POST', form: filled.form });
  const code = new URL(done.location).searchParams.get('code');
  assert.equal(decodeToken(ok(await redeem(code, made.asks)).access_token).payload.org_id, made.acme.id);

  // who is signed in, but is to sign in anew, does so although the organization was asked for in between
  for (const fresh of [{ prompt: 'login' }, { max_age: '0' }]) {
    page = await browser.follow(await browser.request(authorizeUrl(base(made.asks, { organization: undefined, ...fresh }))), g.origin);
    filled = fillForm(page, { organizationName: 'acme' });
    page = await browser.follow(await browser.request(filled.url, { method: 'POST', form: filled.form }), g.origin);
    assert.equal(page.location, null);
    assert.match(page.text, /name="password"/);
  }

  const one = await login(made.picks, { who: 'ada', organization: undefined }); // one organization: no question
  assert.equal(decodeToken(ok(await redeem(one.code, made.picks)).access_token).payload.org_id, made.acme.id);
  const two = await login(made.picks, { who: 'two', organization: undefined });
  assert.match(two.reply.text, /Choose an Organization/);
  filled = fillForm(two.reply, { organization: made.open.id }); // not a member
  assert.equal((await two.browser.request(filled.url, { method: 'POST', form: filled.form })).status, 400);
  filled = fillForm(two.reply, { organization: made.globex.id });
  const picked = await two.browser.follow(await two.browser.request(filled.url, { method: 'POST', form: filled.form }), g.origin);
  assert.equal(decodeToken(ok(await redeem(new URL(picked.location).searchParams.get('code'), made.picks)).access_token).payload.org_id, made.globex.id);
});
