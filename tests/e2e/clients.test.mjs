// Other people's clients, unmodified, against a running Gatehouse: what the seed asks for, through each of them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { ManagementClient, ManagementError } from 'auth0';
import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import OpenAI from 'openai';
import * as oidc from 'openid-client';
import { chromium } from 'playwright-core';

import { Browser, artefacts, decodeToken, machineToken, root, signIn, startGatehouse, temporary, until } from './harness.mjs';

const redirectUri = 'http://localhost:3000/callback';
const person = { email: 'ada@example.com', password: 'Correct-Horse-Battery-9' };
const colours = { primary: '#0000FF', page_background: '#FFFFFF' };
let g, management;
const made = {};

before(async () => {
  g = await startGatehouse();
  management = new ManagementClient({ domain: g.domain, clientId: g.env.AUTH0_CLIENT_ID, clientSecret: g.env.AUTH0_CLIENT_SECRET });
});
after(async () => g?.stop());

test("auth0 (node SDK) creates the seed's objects", async (t) => {
  made.api = await management.resourceServers.create({
    identifier: g.audience, name: 'AI API', enforce_policies: true, token_dialect: 'access_token_authz', allow_offline_access: true,
    scopes: [{ value: 'chat:invoke', description: 'Call chat models' }, { value: 'models:list', description: 'List models' }],
  });
  made.role = await management.roles.create({ name: 'ai-user', description: 'May call the AI API' });
  await management.roles.permissions.add(made.role.id, {
    permissions: ['chat:invoke', 'models:list'].map((name) => ({ permission_name: name, resource_server_identifier: g.audience })),
  });
  made.organization = await management.organizations.create({
    name: 'my-awesome-company', display_name: 'My Awesome Company', branding: { colors: colours, logo_url: 'https://example.com/logo.png' },
  });
  made.connection = await management.connections.create({ name: 'my-awesome-company-users', strategy: 'auth0', options: { passwordPolicy: 'good' } });
  made.app = await management.clients.create({
    name: 'AI Console', app_type: 'regular_web', callbacks: [redirectUri], grant_types: ['authorization_code', 'refresh_token'],
    oidc_conformant: true, organization_usage: 'require', organization_require_behavior: 'no_prompt',
    refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring', leeway: 0 },
  });
  await management.connections.clients.update(made.connection.id, [{ client_id: made.app.client_id, status: true }]);
  await management.organizations.enabledConnections.add(made.organization.id, { connection_id: made.connection.id, assign_membership_on_login: true });
  made.user = await management.users.create({ connection: made.connection.name, ...person, email_verified: true });
  await management.organizations.members.create(made.organization.id, { members: [made.user.user_id] });
  await management.organizations.members.roles.assign(made.organization.id, made.user.user_id, { roles: [made.role.id] });
  made.worker = await management.clients.create({ name: 'AI batch worker', app_type: 'non_interactive', grant_types: ['client_credentials'] });
  made.grant = await management.clientGrants.create({ client_id: made.worker.client_id, audience: g.audience, scope: ['chat:invoke'], organization_usage: 'require' });
  await management.organizations.clientGrants.create(made.organization.id, { grant_id: made.grant.id });

  const organizations = [];
  for await (const organization of await management.organizations.list()) organizations.push(organization.name);
  assert.deepEqual(organizations, ['my-awesome-company']);
  const members = [];
  for await (const member of await management.organizations.members.list(made.organization.id)) members.push(member.user_id);
  assert.deepEqual(members, [made.user.user_id]);

  await t.test('and its errors are the SDK\'s own', async () => {
    await assert.rejects(management.organizations.create({ name: 'my-awesome-company' }), (error) =>
      error instanceof ManagementError && error.statusCode === 409);
    await assert.rejects(management.organizations.get('org_0000000000000000'), (error) => error.statusCode === 404);
    await assert.rejects(management.organizations.create({ name: 'Not Allowed' }), (error) => error.statusCode === 400);
  });
});

test('openid-client: code + PKCE with an organization, refresh, reuse refused', async () => {
  const config = await oidc.discovery(new URL(g.issuer), made.app.client_id, made.app.client_secret);
  const codeVerifier = oidc.randomPKCECodeVerifier(), state = oidc.randomState(), nonce = oidc.randomNonce();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri, scope: 'openid profile email offline_access', audience: g.audience, organization: made.organization.id,
    code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier), code_challenge_method: 'S256', state, nonce,
  });
  const { url: back, error, description } = await signIn(g, { ...Object.fromEntries(url.searchParams), clientId: made.app.client_id, redirectUri, username: person.email, password: person.password });
  assert.ok(back, `no redirect back: ${error} ${description}`);
  const tokens = await oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier: codeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true });
  assert.equal(tokens.claims().org_id, made.organization.id);
  assert.equal(tokens.claims().email, person.email);
  const access = decodeToken(tokens.access_token).payload;
  assert.equal(access.org_id, made.organization.id);
  assert.deepEqual([...access.permissions].sort(), ['chat:invoke', 'models:list']);
  made.accessToken = tokens.access_token;

  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(userinfo.email, person.email);

  const renewed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(renewed.refresh_token, tokens.refresh_token);
  assert.equal(decodeToken(renewed.access_token).payload.org_id, made.organization.id);
  await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), (e) => e.error === 'invalid_grant');
  await assert.rejects(oidc.refreshTokenGrant(config, renewed.refresh_token), (e) => e.error === 'invalid_grant', 'reuse ends the family');

  await assert.rejects(oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier: codeVerifier, expectedState: state, expectedNonce: nonce }), (e) => e.error === 'invalid_grant');
});

test('express-oauth2-jwt-bearer accepts our token and refuses a wrong audience', async () => {
  const serve = async (audience) => {
    const app = express();
    app.use(auth({ issuerBaseURL: g.issuer, audience }));
    app.get('/', (request, response) => response.json(request.auth.payload));
    app.use((error, request, response, next) => response.status(error.status ?? 500).json({ code: error.code, message: error.message }));
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      const token = await machineToken(g, { clientId: made.worker.client_id, clientSecret: made.worker.client_secret, organization: made.organization.id });
      const reply = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { authorization: `Bearer ${token}` } });
      return { status: reply.status, body: await reply.json() };
    } finally {
      server.closeAllConnections();
      server.close();
    }
  };
  const good = await serve(g.audience);
  assert.equal(good.status, 200);
  assert.equal(good.body.org_id, made.organization.id);
  const bad = await serve('https://other.example.com');
  assert.equal(bad.status, 401);
  assert.equal(bad.body.code, 'invalid_token');
});

test('openai (node SDK) through the gateway, plain and streaming', async () => {
  const token = await machineToken(g, { clientId: made.worker.client_id, clientSecret: made.worker.client_secret, organization: made.organization.id });
  const openai = new OpenAI({ baseURL: `${g.gateway}/v1`, apiKey: token });
  const messages = [{ role: 'user', content: 'Who guards this API?' }];
  const plain = await openai.chat.completions.create({ model: 'gpt-5', messages });
  assert.ok(plain.choices[0].message.content.length > 0);
  let text = '', usage;
  for await (const chunk of await openai.chat.completions.create({ model: 'gpt-5', messages, stream: true, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage ??= chunk.usage;
  }
  assert.equal(text, plain.choices[0].message.content);
  assert.ok(usage.total_tokens > 0);
  await assert.rejects(openai.models.list(), (error) => error instanceof OpenAI.PermissionDeniedError && error.status === 403);
  await assert.rejects(new OpenAI({ baseURL: `${g.gateway}/v1`, apiKey: 'nonsense' }).models.list(), OpenAI.AuthenticationError);
});

test('auth0-deploy-cli imports an organization', async () => {
  const dir = temporary('deploy-cli-');
  fs.writeFileSync(path.join(dir, 'tenant.yaml'), [
    'organizations:', '  - name: deployed-company', '    display_name: Deployed Company', '    branding:', '      colors:',
    "        primary: '#112233'", "        page_background: '#FFFFFF'", '    connections:', '      - name: my-awesome-company-users', '        assign_membership_on_login: true', ''].join('\n'));
  const { code, output } = await run(process.execPath, [path.join(root, 'tests/e2e/node_modules/auth0-deploy-cli/lib/index.js'), 'import', '--input_file', path.join(dir, 'tenant.yaml')],
    { ...g.childEnv, AUTH0_INCLUDED_ONLY: '["organizations"]' });
  fs.rmSync(dir, { recursive: true });
  assert.equal(code, 0, output);
  const { data } = await management.organizations.getByName('deployed-company').withRawResponse();
  assert.equal(data.branding.colors.primary, '#112233');
  const connections = [];
  for await (const connection of await management.organizations.enabledConnections.list(data.id)) connections.push(connection.connection.name);
  assert.deepEqual(connections, ['my-awesome-company-users']);
});

test("Chromium shows the sign-in page in the organization's colours and signs in", async () => {
  const profile = temporary('chromium-');
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium', headless: true, ignoreHTTPSErrors: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    const page = await browser.newPage();
    const violations = [];
    page.on('console', (message) => { if (/Content Security Policy/.test(message.text())) violations.push(message.text()); });
    await page.route('https://example.com/**', (route) => route.fulfill({ contentType: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><circle cx="32" cy="32" r="28" fill="#0000FF"/></svg>' }));
    await page.route('http://localhost:3000/**', (route) => route.fulfill({ contentType: 'text/plain', body: 'back at the application' }));
    const url = new URL(`${g.origin}/authorize`);
    for (const [name, value] of Object.entries({ response_type: 'code', client_id: made.app.client_id, redirect_uri: redirectUri, scope: 'openid', audience: g.audience, organization: made.organization.id, state: 'from-chromium' }))
      url.searchParams.set(name, value);
    await page.goto(url.href);
    const button = page.getByRole('button', { name: 'Continue', exact: true });
    assert.equal(await button.evaluate((element) => getComputedStyle(element).backgroundColor), 'rgb(0, 0, 255)');
    assert.equal(await page.locator('img').first().getAttribute('src'), 'https://example.com/logo.png');
    fs.mkdirSync(artefacts, { recursive: true });
    await page.screenshot({ path: path.join(artefacts, 'sign-in.png') });

    await page.fill('#username', person.email);
    await page.fill('#password', 'wrong password');
    await button.click();
    await page.waitForSelector('text=/wrong/i');
    await page.screenshot({ path: path.join(artefacts, 'sign-in-wrong-password.png') });
    await page.fill('#username', person.email);
    await page.fill('#password', person.password);
    await page.getByRole('button', { name: 'Continue', exact: true }).click();
    await page.waitForURL(/localhost:3000\/callback/);
    const back = new URL(page.url());
    assert.equal(back.searchParams.get('state'), 'from-chromium');
    assert.ok(back.searchParams.get('code'));
    assert.deepEqual(violations, []);
  } finally {
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
});

async function run(command, args, env) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  return { code, output };
}
