// What was taken away is gone when the call that took it returns: through nginx, tenant, store, feed and gateway, as a customer meets it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { machineToken, management, ok, postForm, signIn, startGatehouse } from './harness.mjs';

const redirectUri = 'http://localhost:3000/callback';
const password = 'Correct-Horse-Battery-9';
const requests = process.env.GATEHOUSE_CAMPAIGN === '1' ? 1000 : 100;
let g, api, connection, app, bystander, serial = 0;

const permission = (name) => ({ permission_name: name, resource_server_identifier: g.audience });

before(async () => {
  g = await startGatehouse();
  api = await management(g);
  ok(await api.post('resource-servers', {
    identifier: g.audience, name: 'AI API', enforce_policies: true, token_dialect: 'access_token_authz', token_lifetime: 600, allow_offline_access: true,
    scopes: [{ value: 'chat:invoke' }, { value: 'models:list' }],
  }));
  connection = ok(await api.post('connections', { name: 'people', strategy: 'auth0' }));
  app = ok(await api.post('clients', { name: 'App', app_type: 'regular_web', callbacks: [redirectUri], grant_types: ['authorization_code'], oidc_conformant: true, organization_usage: 'require' }));
  ok(await api.patch(`connections/${connection.id}/clients`, [{ client_id: app.client_id, status: true }]));
  bystander = await (await person()).token();
});
after(async () => g?.stop());

async function organization() {
  const made = ok(await api.post('organizations', { name: `org-${++serial}` }));
  ok(await api.post(`organizations/${made.id}/enabled_connections`, { connection_id: connection.id }));
  return made.id;
}

async function application() {
  const made = ok(await api.post('clients', { name: `App ${++serial}`, app_type: 'regular_web', callbacks: [redirectUri], grant_types: ['authorization_code', 'refresh_token'], oidc_conformant: true, organization_usage: 'require' }));
  ok(await api.patch(`connections/${connection.id}/clients`, [{ client_id: made.client_id, status: true }]));
  return made;
}

// A member of an organization of its own, whose permission comes from a role of its own; a second role keeps what is not taken.
async function person(own = false) {
  const p = { app: own ? await application() : app, n: ++serial, organization: await organization(), email: `p${serial}@example.com` };
  p.id = ok(await api.post('users', { connection: 'people', email: p.email, password, email_verified: true })).user_id;
  p.path = encodeURIComponent(p.id);
  p.role = ok(await api.post('roles', { name: `lists-${p.n}` })).id;
  p.other = ok(await api.post('roles', { name: `chats-${p.n}` })).id;
  ok(await api.post(`roles/${p.role}/permissions`, { permissions: [permission('models:list')] }));
  ok(await api.post(`roles/${p.other}/permissions`, { permissions: [permission('chat:invoke')] }));
  p.join = async () => {
    ok(await api.post(`organizations/${p.organization}/members`, { members: [p.id] }));
    ok(await api.post(`organizations/${p.organization}/members/${p.path}/roles`, { roles: [p.role, p.other] }));
  };
  await p.join();
  p.password = password;
  p.token = async () => {
    const back = await signIn(g, { clientId: p.app.client_id, redirectUri, username: p.email, password: p.password, organization: p.organization, audience: g.audience, scope: own ? 'openid offline_access' : 'openid', state: 's' });
    if (!back.code) return null;
    const reply = ok(await postForm(`${g.origin}/oauth/token`, { grant_type: 'authorization_code', client_id: p.app.client_id, client_secret: p.app.client_secret, code: back.code, redirect_uri: redirectUri }));
    p.refresh = reply.refresh_token;
    return reply.access_token;
  };
  return p;
}

async function machine() {
  const m = { organization: await organization() };
  const made = ok(await api.post('clients', { name: `machine-${++serial}`, app_type: 'non_interactive', grant_types: ['client_credentials'] }));
  m.id = made.client_id;
  m.secret = made.client_secret;
  m.grant = async () => (m.grantId = ok(await api.post('client-grants', { client_id: m.id, audience: g.audience, scope: ['models:list', 'chat:invoke'], organization_usage: 'require' })).id);
  m.associate = async () => ok(await api.post(`organizations/${m.organization}/client-grants`, { grant_id: m.grantId }));
  await m.grant();
  await m.associate();
  m.token = () => machineToken(g, { clientId: m.id, clientSecret: m.secret, organization: m.organization }).catch(() => null);
  return m;
}

const routes = { list: ['GET', '/v1/models'], chat: ['POST', '/v1/chat/completions'] };
async function call(token, route = 'list') {
  const [method, path] = routes[route];
  const response = await fetch(`${g.gateway}${path}`, {
    method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: method === 'POST' ? JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }) : undefined,
  });
  const body = await response.json();
  return response.status === 200 ? 'admitted' : `${response.status} ${body.error.code}`;
}
const tally = (answers) => Object.fromEntries([...new Set(answers)].map((a) => [a, answers.filter((b) => b === a).length]));

const member = (p) => `organizations/${p.organization}/members`;
const blocked = (p, value) => api.patch(`users/${p.path}`, { blocked: value });

// who, what is taken away, what gives it back (null: nothing can; kept: a new token may be had as it is), what the new token may do at once
const kept = async () => {};
const rows = [
  ['a member was removed', person, (p) => api.delete(member(p), { members: [p.id] }), (p) => p.join(), { list: 'admitted', chat: 'admitted' }],
  ['a role of a member was removed', person, (p) => api.delete(`${member(p)}/${p.path}/roles`, { roles: [p.role] }), kept, { list: '403 no_permission', chat: 'admitted' }],
  ['a permission of a role was removed', person, (p) => api.delete(`roles/${p.role}/permissions`, { permissions: [permission('models:list')] }), kept, { list: '403 no_permission', chat: 'admitted' }],
  ['a role was deleted', person, (p) => api.delete(`roles/${p.role}`), kept, { list: '403 no_permission', chat: 'admitted' }],
  ['a user was blocked', person, (p) => blocked(p, true), async (p) => ok(await blocked(p, false)), { list: 'admitted', chat: 'admitted' }],
  ['a user got a new password', person, (p) => api.patch(`users/${p.path}`, { password: (p.password = 'Another-Horse-Battery-7'), connection: 'people' }), kept, { list: 'admitted' }],
  ['a user was deleted', person, (p) => api.delete(`users/${p.path}`)],
  ['the connection was taken from the organization', person, (p) => api.delete(`organizations/${p.organization}/enabled_connections/${connection.id}`), async (p) => ok(await api.post(`organizations/${p.organization}/enabled_connections`, { connection_id: connection.id })), { list: 'admitted' }],
  ['the organization of a person was deleted', person, (p) => api.delete(`organizations/${p.organization}`)],
  ['the organization of a machine was deleted', machine, (m) => api.delete(`organizations/${m.organization}`)],
  ['a client secret was rotated', machine, async (m) => { const reply = await api.post(`clients/${m.id}/rotate-secret`); m.secret = reply.body.client_secret; return reply; }, kept, { list: 'admitted', chat: 'admitted' }],
  ['a client grant was narrowed', machine, (m) => api.patch(`client-grants/${m.grantId}`, { scope: ['chat:invoke'] }), kept, { list: '403 no_permission', chat: 'admitted' }],
  ['a client grant was deleted', machine, (m) => api.delete(`client-grants/${m.grantId}`), async (m) => { await m.grant(); await m.associate(); }, { list: 'admitted' }],
  ['a client grant was taken from the organization', machine, (m) => api.delete(`organizations/${m.organization}/client-grants/${m.grantId}`), (m) => m.associate(), { list: 'admitted' }],
  ['a client lost a grant type', machine, (m) => api.patch(`clients/${m.id}`, { grant_types: ['authorization_code'] }), async (m) => ok(await api.patch(`clients/${m.id}`, { grant_types: ['client_credentials'] })), { list: 'admitted' }],
  ['a client was switched off for a connection', () => person(true), (p) => api.patch(`connections/${connection.id}/clients`, [{ client_id: p.app.client_id, status: false }]), async (p) => ok(await api.patch(`connections/${connection.id}/clients`, [{ client_id: p.app.client_id, status: true }])), { list: 'admitted' }],
  ['a refresh token was revoked', () => person(true), (p) => postForm(`${g.origin}/oauth/revoke`, { client_id: p.app.client_id, client_secret: p.app.client_secret, token: p.refresh }), kept, { list: 'admitted', chat: 'admitted' }],
  ['a client was deleted', machine, (m) => api.delete(`clients/${m.id}`)],
];

for (const [what, who, take, give = null, then] of rows)
  test(`${what}: none of the next ${requests} requests is admitted, a new token counts at once`, async () => {
    const subject = await who();
    const token = await subject.token();
    assert.equal(await call(token), 'admitted');
    const reply = await take(subject);
    const answers = await Promise.all(Array.from({ length: requests }, () => call(token)));
    assert.ok(reply.status < 300, `${reply.status} ${reply.text}`);
    assert.deepEqual(tally(answers), { '401 revoked': requests });
    assert.equal(await call(bystander), 'admitted', 'it concerned somebody else too');
    if (give !== kept) assert.equal(await subject.token(), null, 'a new token was given to whom nothing is left');
    if (!give) return;
    await give(subject);
    const next = await subject.token();
    assert.ok(next, 'no new token');
    for (const [route, expected] of Object.entries(then)) assert.equal(await call(next, route), expected, route);
    assert.equal(await call(token), '401 revoked', 'the old token came back to life');
  });

// What concerns the API concerns all who hold tokens for it, and nobody else.
const server = () => `resource-servers/${encodeURIComponent(g.audience)}`;
for (const [what, take] of [
  ['the rules of the API changed', () => api.patch(server(), { enforce_policies: false })],
  ['the API was deleted', () => api.delete(server())],
])
  test(`${what}: none of the next ${requests} requests is admitted, of people and machines`, async () => {
    const tokens = [await (await person()).token(), await (await machine()).token()];
    for (const token of tokens) assert.equal(await call(token), 'admitted');
    ok(await take());
    for (const token of tokens)
      assert.deepEqual(tally(await Promise.all(Array.from({ length: requests }, () => call(token)))), { '401 revoked': requests });
    assert.equal((await api.get('tenants/settings')).status, 200); // a token for another API
    ok(await api.patch(server(), { enforce_policies: true }).then((reply) => (reply.status === 404 ? { status: 200 } : reply)));
  });
