// tests/e2e/device.test.mjs - the device authorization grant (RFC 8628) of our own tenant: openid-client and `gatehouse token --device` as the devices, a browser without JavaScript as the person.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import * as oidc from 'openid-client';
import { Browser, decodeToken, fillForm, gatehouse, management, ok, postForm, readReply, signIn, sleep, startGatehouse, until } from './harness.mjs';

const grant = 'urn:ietf:params:oauth:grant-type:device_code';
const password = 'Correct-Horse-Battery-9';
const redirectUri = 'http://localhost:3000/callback';
let g, api;
const made = {};
const nextSecond = () => sleep(1000 - (Date.now() % 1000) + 20);

before(async () => {
  g = await startGatehouse();
  api = await management(g);
  const scopes = [{ value: 'chat:invoke' }, { value: 'models:list' }];
  made.api = ok(await api.post('resource-servers', { identifier: g.audience, name: 'AI API', enforce_policies: true, token_dialect: 'rfc9068_profile_authz', allow_offline_access: true, scopes }));
  made.role = ok(await api.post('roles', { name: 'ai-user' }));
  ok(await api.post(`roles/${made.role.id}/permissions`, { permissions: [{ permission_name: 'chat:invoke', resource_server_identifier: g.audience }] }));
  made.connection = ok(await api.post('connections', { name: 'people', strategy: 'auth0' }));
  const publicClient = { app_type: 'native', token_endpoint_auth_method: 'none', grant_types: [grant, 'refresh_token'], oidc_conformant: true, organization_usage: 'allow' };
  for (const [name, client] of Object.entries({
    tool: { ...publicClient, name: 'Tool & "1"' },
    rival: { ...publicClient, name: 'Rival' },
    doomed: { ...publicClient, name: 'Doomed' },
    strict: { ...publicClient, name: 'Strict', organization_usage: 'require', organization_require_behavior: 'post_login_prompt' },
    alone: { ...publicClient, name: 'Alone', organization_usage: 'deny' },
    foreign: { ...publicClient, name: 'Foreign', is_first_party: false },
    tv: { ...publicClient, name: 'TV', app_type: 'regular_web', token_endpoint_auth_method: 'client_secret_post' },
    web: { name: 'Web', app_type: 'regular_web', grant_types: ['authorization_code'], callbacks: [redirectUri], organization_usage: 'allow' },
  })) made[name] = ok(await api.post('clients', client));
  ok(await api.patch(`connections/${made.connection.id}/clients`, ['tool', 'rival', 'doomed', 'strict', 'alone', 'tv', 'web'].map((name) => ({ client_id: made[name].client_id, status: true }))));
  made.acme = ok(await api.post('organizations', { name: 'acme', display_name: 'Acme <i>Ltd</i>' }));
  made.bare = ok(await api.post('organizations', { name: 'bare' }));
  ok(await api.post(`organizations/${made.acme.id}/enabled_connections`, { connection_id: made.connection.id, assign_membership_on_login: false }));
  for (const name of ['ada', 'bob', 'eve', 'pat']) made[name] = ok(await api.post('users', { connection: 'people', email: `${name}@example.com`, password, email_verified: true }));
  ok(await api.post(`organizations/${made.acme.id}/members`, { members: ['ada', 'bob', 'pat'].map((name) => made[name].user_id) }));
  ok(await api.post(`organizations/${made.acme.id}/members/${encodeURIComponent(made.ada.user_id)}/roles`, { roles: [made.role.id] }));
  await nextSecond();
});
after(() => g?.stop());

const proof = (client) => ({ client_id: client.client_id, ...(client === made.tv ? { client_secret: client.client_secret } : {}) });
const begin = (client = made.tool, more = {}) => postForm(`${g.origin}/oauth/device/code`, { ...proof(client), audience: g.audience, scope: 'openid email offline_access chat:invoke models:list', organization: made.acme.id, ...more });
const poll = (code, client = made.tool, more = {}) => postForm(`${g.origin}/oauth/token`, { grant_type: grant, device_code: code.device_code, ...proof(client), ...more });
const refused = (reply, status, error, description) => {
  assert.deepEqual([reply.status, reply.body.error, reply.body.error_description], [status, error, description], reply.text);
  assert.equal(reply.headers.get('cache-control'), 'no-store');
};
const pending = (reply) => refused(reply, 403, 'authorization_pending', 'User has yet to authorize device code.');
const unknown = (reply) => refused(reply, 403, 'invalid_grant', 'Invalid or unknown device code');
const sql = (statement, ...values) => execFileSync('python3', ['-c', 'import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], timeout=5)\nprint(db.execute(sys.argv[2], sys.argv[3:]).fetchall())\ndb.commit()', made.file ??= path.join(g.dir, 'tenant', fs.readdirSync(path.join(g.dir, 'tenant')).find((name) => /\.(db|sqlite)$/.test(name))), statement, ...values], { encoding: 'utf8' });

const submit = async (browser, page, fields, headers) => {
  const { url, form } = fillForm(page, fields);
  return browser.follow(await browser.request(url, { method: 'POST', form, headers }), g.origin);
};
const typed = async (browser, user_code) => submit(browser, await browser.request(`${g.origin}/activate`), { user_code });
// As far as the page that asks yes or no.
const signedIn = async (browser, user_code, who = 'ada') => {
  const page = await typed(browser, user_code);
  assert.equal(page.status, 200, page.text);
  return submit(browser, page, { username: `${who}@example.com`, password });
};
const decide = async (user_code, { who, decision = 'approve', browser = new Browser() } = {}) => submit(browser, await signedIn(browser, user_code, who), { decision });
const connected = (page) => { assert.equal(page.status, 200); assert.match(page.text, /Your device is connected/); };
const gone = (page) => { assert.equal(page.status, 400); assert.match(page.text, /This sign-in is no longer valid/); };
const wrongCode = (page) => { assert.equal(page.status, 400); assert.match(page.text, /This code is not valid, has expired, or was used already/); };

test('openid-client and gatehouse token --device get tokens of the organization', async () => {
  const config = await oidc.discovery(new URL(g.issuer), made.tool.client_id, undefined, oidc.None());
  const metadata = config.serverMetadata();
  assert.equal(metadata.device_authorization_endpoint, `${g.origin}/oauth/device/code`);
  assert.ok(metadata.grant_types_supported.includes(grant));
  const code = await oidc.initiateDeviceAuthorization(config, { audience: g.audience, scope: 'openid email offline_access chat:invoke models:list', organization: made.acme.id });
  assert.match(code.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  assert.deepEqual([code.verification_uri, code.verification_uri_complete, code.expires_in, code.interval], [`${g.origin}/activate`, `${g.origin}/activate?user_code=${code.user_code}`, 900, 5]);

  const cli = spawn(gatehouse, ['token', '--device', '--audience', g.audience, '--organization', made.acme.id, '--scope', 'chat:invoke'], { env: { ...g.childEnv, AUTH0_CLIENT_ID: made.tv.client_id, AUTH0_CLIENT_SECRET: made.tv.client_secret } });
  let out = '', err = '';
  cli.stdout.on('data', (data) => (out += data));
  cli.stderr.on('data', (data) => (err += data));
  const ended = new Promise((resolve) => cli.on('close', resolve));
  const polled = oidc.pollDeviceAuthorizationGrant(config, code);

  const browser = new Browser();
  let page = await browser.request(code.verification_uri_complete);
  assert.match(page.text, new RegExp(`value="${code.user_code}"`));
  page = await submit(browser, page, {});
  assert.match(page.text, /Log in to Acme &lt;i&gt;Ltd&lt;\/i&gt; to continue to Tool &amp; &quot;1&quot;/);
  page = await submit(browser, page, { username: 'ada@example.com', password });
  assert.match(page.text, /Tool &amp; &quot;1&quot; on another device will act as ada@example\.com in Acme &lt;i&gt;Ltd&lt;\/i&gt;\./);
  assert.ok(!page.text.includes('<script'));
  connected(await submit(browser, page, { decision: 'approve' }));
  connected(await decide(/type the code (\S+)/.exec(await until('the prompt', () => err.includes('Waiting') && err))[1]));

  const tokens = await polled;
  const { payload } = decodeToken(tokens.access_token);
  assert.deepEqual([payload.sub, payload.client_id, payload.org_id, payload.permissions, payload.scope], [made.ada.user_id, made.tool.client_id, made.acme.id, ['chat:invoke'], 'openid email offline_access chat:invoke']);
  assert.deepEqual([tokens.claims().org_id, tokens.claims().email, tokens.claims().sid], [made.acme.id, 'ada@example.com', undefined]);
  const next = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  assert.deepEqual([decodeToken(next.access_token).payload.org_id, next.refresh_token !== tokens.refresh_token], [made.acme.id, true]);
  assert.equal(await ended, 0, err);
  const own = decodeToken(out.trim()).payload;
  assert.deepEqual([own.sub, own.client_id, own.org_id, own.permissions], [made.ada.user_id, made.tv.client_id, made.acme.id, ['chat:invoke']]);
});

test('who may not begin', async () => {
  const none = { organization: '' };
  const rows = [
    [begin({ client_id: 'nobody' }), 401, 'access_denied', 'Unauthorized'],
    [begin(made.tv, { client_secret: 'wrong' }), 401, 'access_denied', 'Unauthorized'],
    [postForm(`${g.origin}/oauth/device/code`, { client_id: made.tv.client_id }), 401, 'access_denied', 'Unauthorized'],
    [postForm(`${g.origin}/oauth/device/code`, {}), 400, 'invalid_request', 'Missing required parameter: client_id'],
    [postForm(`${g.origin}/oauth/device/code`, [['client_id', made.tool.client_id], ['scope', 'a'], ['scope', 'b']]), 400, 'invalid_request', 'The request is not well formed'],
    [postForm(`${g.origin}/oauth/device/code`, { client_id: made.web.client_id, client_secret: made.web.client_secret }), 403, 'unauthorized_client', `Grant type '${grant}' not allowed for the client.`],
    [begin(made.foreign), 403, 'access_denied', 'Third-party clients are not supported: consent cannot be asked for'],
    [begin(made.tool, { scope: 'a"b' }), 400, 'invalid_scope', 'The scope is not well formed'],
    [begin(made.tool, { audience: 'https://nowhere.example' }), 403, 'access_denied', 'Service not found: https://nowhere.example'],
    [begin(made.tool, { audience: `${g.origin}/api/v2/` }), 400, 'invalid_request', `Client is not authorized to access resource server "${g.origin}/api/v2/".`],
    [begin(made.strict, none), 400, 'invalid_request', 'parameter organization is required for this client'],
    [begin(made.alone), 400, 'invalid_request', 'parameter organization is not allowed for this client'],
    [begin(made.tool, { organization: 'org_0000000000000000' }), 400, 'invalid_request', 'parameter organization is invalid: org_0000000000000000'],
    [begin(made.tool, { organization: made.bare.id }), 403, 'access_denied', 'no connections enabled for the organization'],
  ];
  for (const [reply, ...want] of rows) refused(await reply, ...want);
  const json = await readReply(await fetch(`${g.origin}/oauth/device/code`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ client_id: made.alone.client_id, resource: g.audience }) }));
  assert.ok(ok(json).device_code && json.headers.get('cache-control') === 'no-store'); // JSON, and no organization
  assert.equal((await fetch(`${g.origin}/oauth/device/code`)).status, 405);
});

test('until somebody decides there is nothing, and not faster than every five seconds', async () => {
  const code = ok(await begin());
  pending(await poll(code));
  refused(await poll(code), 429, 'slow_down', 'You are polling faster than the specified interval of 5 seconds.');
  unknown(await poll(code, made.rival));
  unknown(await poll({ device_code: 'x'.repeat(43) }));
  unknown(await poll({ device_code: code.user_code }));
  refused(await poll({ device_code: '' }), 400, 'invalid_request', 'Missing required parameter: device_code');
  refused(await poll(code, made.web, { client_secret: made.web.client_secret }), 403, 'unauthorized_client', `Grant type '${grant}' not allowed for the client.`);
  const browser = new Browser(), page = await signedIn(browser, code.user_code);
  refused(await poll(code), 429, 'slow_down', 'You are polling faster than the specified interval of 5 seconds.'); // signed in is not decided
  sql('UPDATE device_codes SET polled_at = polled_at - 5000');
  pending(await poll(code));
  assert.equal((await submit(browser, page, { decision: 'perhaps' })).status, 400);
  connected(await submit(browser, page, { decision: 'approve' }));
  ok(await poll(code)); // the wait is over at once
});

test('no is no, for the device and for whoever types the code later', async () => {
  const code = ok(await begin());
  const page = await decide(code.user_code, { decision: 'deny' });
  assert.match(page.text, /The device was not let in/);
  for (let i = 0; i < 2; i++) refused(await poll(code), 403, 'access_denied', 'User cancelled the confirmation prompt.');
  wrongCode(await typed(new Browser(), code.user_code));
});

test('of two devices with one code one gets tokens, and then neither has them', async () => {
  const code = ok(await begin());
  connected(await decide(code.user_code));
  const replies = await Promise.all([poll(code), poll(code), poll(code)]);
  const [won, ...others] = replies.sort((a, b) => a.status - b.status);
  const tokens = ok(won);
  others.forEach(unknown);
  refused(await postForm(`${g.origin}/oauth/token`, { grant_type: 'refresh_token', client_id: made.tool.client_id, refresh_token: tokens.refresh_token }), 403, 'invalid_grant', 'Unknown or invalid refresh token.');
  const info = await fetch(`${g.origin}/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  assert.equal(info.status, 401);
  unknown(await poll(code));
});

test('of two browsers with one code the first to decide wins', async () => {
  const code = ok(await begin());
  const [one, two] = [new Browser(), new Browser()];
  const [first, second] = [await signedIn(one, code.user_code, 'ada'), await signedIn(two, code.user_code, 'bob')];
  gone(await submit(two, first, { decision: 'approve' })); // another browser's form
  gone(await submit(new Browser(), first, { decision: 'approve' }));
  connected(await submit(two, second, { decision: 'approve' }));
  gone(await submit(one, first, { decision: 'approve' }));
  gone(await submit(two, second, { decision: 'approve' }));
  wrongCode(await typed(new Browser(), code.user_code));
  assert.equal(decodeToken(ok(await poll(code)).access_token).payload.sub, made.bob.user_id);
});

test('who is no member, or whose connection is not enabled, lets nothing in', async () => {
  const code = ok(await begin()), browser = new Browser();
  const page = await signedIn(browser, code.user_code, 'eve');
  assert.equal(page.status, 403);
  assert.match(page.text, /user auth0\|\w+ is not part of the org_\w+ organization/);
  pending(await poll(code));
  assert.equal((await submit(browser, await typed(browser, code.user_code), { username: 'ada@example.com', password: 'wrong' })).status, 400);
  const asked = await signedIn(browser, code.user_code);
  ok(await api.delete(`organizations/${made.acme.id}/enabled_connections/${made.connection.id}`));
  gone(await submit(browser, asked, { decision: 'approve' }));
  assert.match((await signedIn(new Browser(), code.user_code)).text, /Wrong email or password/); // nobody is known there
  ok(await api.post(`organizations/${made.acme.id}/enabled_connections`, { connection_id: made.connection.id, assign_membership_on_login: false }));
  connected(await decide(code.user_code));
  ok(await api.delete(`organizations/${made.acme.id}/members`, { members: [made.ada.user_id] }));
  unknown(await poll(code)); // approved, but no member any more
  ok(await api.post(`organizations/${made.acme.id}/members`, { members: [made.ada.user_id] }));
  ok(await poll(code));
});

test('a new password, a lost grant, a deleted client and an old code end it', async () => {
  const approved = ok(await begin()), asked = ok(await begin()), browser = new Browser();
  connected(await decide(approved.user_code, { who: 'pat' }));
  const page = await signedIn(browser, asked.user_code, 'pat');
  ok(await api.patch(`users/${encodeURIComponent(made.pat.user_id)}`, { password: `${password}-new`, connection: 'people' }));
  unknown(await poll(approved));
  gone(await submit(browser, page, { decision: 'approve' })); // the session ended with the old password

  const old = ok(await begin(made.rival)), late = new Browser(), form = await signedIn(late, old.user_code);
  sql('UPDATE device_codes SET expires_at = 1 + (SELECT MAX(expires_at) FROM device_codes) - 900000 - 1000 WHERE client_id = ?', made.rival.client_id);
  refused(await poll(old, made.rival), 403, 'expired_token', 'The device code has expired.');
  gone(await submit(late, form, { decision: 'approve' }));
  wrongCode(await typed(new Browser(), old.user_code));
  sql('UPDATE device_codes SET expires_at = expires_at - 86400000 WHERE client_id = ?', made.rival.client_id);

  const code = ok(await begin(made.doomed));
  unknown(await poll(old, made.rival)); // a day later it is swept away
  connected(await decide(code.user_code));
  ok(await api.patch(`clients/${made.doomed.client_id}`, { grant_types: ['refresh_token'] }));
  refused(await poll(code, made.doomed), 403, 'unauthorized_client', `Grant type '${grant}' not allowed for the client.`);
  ok(await api.delete(`clients/${made.doomed.client_id}`));
  refused(await poll(code, made.doomed), 401, 'access_denied', 'Unauthorized');
});

test('an old session, a foreign page and another sign-in are worth nothing here', async () => {
  const code = ok(await begin()), browser = new Browser();
  const session = await signIn(g, { browser, clientId: made.web.client_id, redirectUri, username: 'ada@example.com', password });
  assert.ok(session.code, session.reply.text);
  const page = await typed(browser, code.user_code);
  assert.match(page.text, /name="password"/); // asked for although somebody is signed in
  gone(await browser.request(page.url.replace('/u/login', '/u/device'))); // not past the password
  const elsewhere = { origin: 'https://evil.example' };
  assert.equal((await browser.request(`${g.origin}/activate`, { method: 'POST', form: { user_code: code.user_code }, headers: elsewhere })).status, 403);
  const asked = await submit(browser, page, { username: 'ada@example.com', password });
  assert.equal((await submit(browser, asked, { decision: 'approve' }, elsewhere)).status, 403);
  await browser.request(`${g.origin}/v2/logout`);
  gone(await submit(browser, asked, { decision: 'approve' }));
  pending(await poll(code));
});

test('what is stored is a hash, and codes cannot be tried for long', async () => {
  const code = ok(await begin());
  const rows = sql('SELECT device_hash, user_code_hash, doc FROM device_codes');
  assert.ok(!rows.includes(code.device_code) && !rows.includes(code.user_code) && !rows.includes(code.user_code.replace('-', '')));
  const lower = await typed(new Browser(), ` ${code.user_code.toLowerCase().replace('-', ' ')}`);
  assert.match(lower.text, /name="password"/);
  const hostile = await typed(new Browser(), '"><script>alert(1)</script>');
  wrongCode(hostile);
  assert.ok(!hostile.text.includes('<script>'));
  const statuses = [];
  for (let i = 0; i < 12; i++) statuses.push((await typed(new Browser(), 'BBBB-BBBB')).status);
  assert.equal(statuses.at(-1), 429);
  assert.equal((await typed(new Browser(), code.user_code)).status, 429); // the right one neither
});
