// tests/e2e/management.test.mjs - the Management API on the running system: refusals in the recorded words, paging in both styles,
// what each collection does that no schema says, and that a security change is effective when the call returns.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeToken, machineToken, management, postForm, readReply, startGatehouse } from './harness.mjs';

let g, api;
before(async () => {
  g = await startGatehouse();
  api = await management(g);
});
after(() => g?.stop());

const raw = async (method, where, headers = {}, body) =>
  readReply(await fetch(`${g.origin}/api/v2/${where}`, { method, headers, body, redirect: 'manual' }));
const bearer = (token) => ({ authorization: `Bearer ${token}` });
let counter = 0;
const unique = (name) => `${name}-${++counter}`;

async function make(where, body, status = 201) {
  const reply = await api.post(where, body);
  assert.equal(reply.status, status, `${where}: ${reply.text}`);
  return reply.body;
}
const makeUser = (more = {}) => make('users', { connection: 'Username-Password-Authentication', email: `${unique('u')}@example.com`, password: 'Str0ng-enough!', ...more });

test('who is nobody gets 401, and each reason its own words', async () => {
  const [header, payload, signature] = api.token.split('.');
  const foreign = await machineToken(g, { clientId: g.env.AUTH0_CLIENT_ID, clientSecret: g.env.AUTH0_CLIENT_SECRET, audience: `${g.origin}/api/v2/` });
  const claims = decodeToken(foreign).payload;
  const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.`;
  const rows = [
    ['no header', {}, 401, 'Missing authentication'],
    ['another scheme', { authorization: 'Basic YTpi' }, 401, 'Missing authentication'],
    ['two blanks', { authorization: `Bearer  ${api.token}` }, 400, 'Bad HTTP authentication header format'],
    ['two tokens', { authorization: `Bearer ${api.token} x` }, 400, 'Bad HTTP authentication header format'],
    ['no token', bearer('abc'), 401, 'Invalid token'],
    ['alg none', bearer(unsigned), 401, undefined],
    ['cut signature', bearer(`${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`), 401, 'Invalid signature received for JSON Web Token validation'],
    ['other payload', bearer(`${header}.${Buffer.from(JSON.stringify({ ...claims, scope: 'all' })).toString('base64url')}.${signature}`), 401, 'Invalid signature received for JSON Web Token validation'],
  ];
  for (const [name, headers, status, message] of rows) {
    const reply = await raw('GET', 'roles', headers);
    assert.equal(reply.status, status, name);
    assert.equal(reply.body.statusCode, status, name);
    if (message) assert.equal(reply.body.message, message, name);
    if (status === 401) assert.equal(reply.headers.get('www-authenticate'), 'Bearer', name);
  }
  assert.equal((await raw('GET', 'roles', bearer(api.token))).status, 200);
});

test('a token for another audience is refused and told so', async () => {
  const own = await make('resource-servers', { identifier: 'https://other.example/' });
  await make('client-grants', { client_id: g.env.AUTH0_CLIENT_ID, audience: own.identifier, scope: [] });
  const token = await machineToken(g, { clientId: g.env.AUTH0_CLIENT_ID, clientSecret: g.env.AUTH0_CLIENT_SECRET, audience: own.identifier });
  const reply = await raw('GET', 'roles', bearer(token));
  assert.equal(reply.status, 401);
  assert.equal(reply.body.message, `Bad audience: ${g.origin}/api/v2/`);
});

// A machine client that holds just these Management scopes.
async function limited(scope) {
  const client = await make('clients', { name: unique('limited'), app_type: 'non_interactive', grant_types: ['client_credentials'] });
  const grant = await make('client-grants', { client_id: client.client_id, audience: `${g.origin}/api/v2/`, scope });
  const token = await machineToken(g, { clientId: client.client_id, clientSecret: client.client_secret, audience: `${g.origin}/api/v2/` });
  return { client, grant, token };
}

test('scopes: any, all, narrow, and operations that are known but not served', async () => {
  const user = await makeUser();
  const { token } = await limited(['read:roles', 'update:users_app_metadata', 'read:users']);
  const json = { ...bearer(token), 'content-type': 'application/json' };
  const id = encodeURIComponent(user.user_id);
  const rows = [
    ['GET', 'roles', undefined, 200],
    ['POST', 'roles', '{"name":"x"}', 403, 'Insufficient scope, expected any of: create:roles'],
    ['POST', 'roles', '{', 403], // the scope is asked before the body is read
    ['GET', `users/${id}/roles`, undefined, 403, 'Insufficient scope, expected all of: read:users,read:roles,read:role_members'],
    ['PATCH', `users/${id}`, '{"app_metadata":{"plan":"gold"}}', 200],
    ['PATCH', `users/${id}`, '{"password":"Another-0ne!"}', 403],
    ['PATCH', `users/${id}`, '{"app_metadata":{"a":1},"blocked":true}', 403],
    ['GET', 'actions/actions', undefined, 403], // served, but not with these scopes
    ['GET', 'rules', undefined, 403],
    ['GET', 'guardian/factors', undefined, 403],
    ['GET', 'nonsense', undefined, 404],
    ['PUT', 'roles', '{}', 405],
  ];
  for (const [method, where, body, status, message] of rows) {
    const reply = await raw(method, where, body ? json : bearer(token), body);
    assert.equal(reply.status, status, `${method} ${where}: ${reply.text}`);
    if (message) assert.equal(reply.body.message, message);
    if (status === 403) assert.equal(reply.body.errorCode, 'insufficient_scope');
  }
  for (const where of ['rules', 'guardian/factors', 'log-streams'])
    assert.equal((await api.get(where)).body.errorCode, 'insufficient_scope', where);
});

test('what is badly said is 400 in the words of the schema', async () => {
  const rows = [
    ['post', 'organizations', {}, "Payload validation error: 'Missing required property: name'.", 'invalid_body'],
    ['post', 'organizations', { name: 'Acme Inc' }, "Payload validation error: 'Object didn't pass validation for format organization-name: Acme Inc' on property name.", 'invalid_body'],
    ['post', 'organizations', { name: 'a', extra: 1 }, "Payload validation error: 'Additional properties not allowed: extra'.", 'invalid_body'],
    ['post', 'organizations', '{"name":"a","name":"b"}', undefined, 'invalid_body'],
    ['post', 'organizations', '{"name":', undefined, 'invalid_body'],
    ['post', 'roles', '', undefined, 'invalid_body'],
    ['post', 'connections', { name: 'a--b', strategy: 'auth0' }, "Payload validation error: 'String does not match pattern ^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$: a--b' on property name.", 'invalid_body'],
    ['post', 'resource-servers', { identifier: 'https://twice.example/', scopes: [{ value: 'a' }, { value: 'a' }] }, "Payload validation error: 'Array items are not unique (indexes 0 and 1)' on property scopes.", 'invalid_body'],
    ['get', 'roles?per_page=0', undefined, "Query validation error: 'Value 0 is less than minimum 1' on property per_page.", 'invalid_query_string'],
    ['get', 'roles?nonsense=1', undefined, "Query validation error: 'Additional properties not allowed: nonsense'.", 'invalid_query_string'],
    ['get', 'users?page=11&per_page=100', undefined, 'Requesting page exceeds the allowed maximum of 1000 records', 'invalid_paging'],
    ['get', 'organizations?from=bm9uc2Vuc2U', undefined, undefined, 'invalid_query_string'],
    ['get', 'users?q=(((', undefined, undefined, 'invalid_query_string'],
  ];
  for (const [method, where, body, message, code] of rows) {
    const reply = await api[method](where, body);
    assert.equal(reply.status, 400, `${where}: ${reply.text}`);
    if (message) assert.equal(reply.body.message, message);
    assert.equal(reply.body.errorCode, code, where);
  }
});

test('what is not there is 404 in the words of its collection, and deleting it again is as recorded', async () => {
  const rows = [
    ['organizations/org_0000000000000000', 'No organization found by that id or name', undefined, 404],
    ['connections/con_0000000000000000', 'The connection does not exist', 'inexistent_connection', 204],
    ['clients/nobody', 'The client does not exist', 'inexistent_client', 204],
    ['client-grants/cgr_0000000000000000', 'The grant does not exist.', 'inexistent_client_grant', 204],
    ['resource-servers/nothing', 'The resource server does not exist', 'inexistent_resource_server', 204],
    ['roles/rol_0000000000000000', 'The role does not exist.', undefined, 404],
    ['users/auth0%7Cnobody', 'The user does not exist.', 'inexistent_user', 204],
  ];
  for (const [where, message, code, deleted] of rows) {
    const reply = await api.get(where);
    assert.equal(reply.status, 404, where);
    assert.equal(reply.body.message, message);
    assert.equal(reply.body.errorCode, code);
    assert.equal((await api.delete(where)).status, deleted, `DELETE ${where}`);
  }
});

test('what is taken is 409', async () => {
  const name = unique('taken');
  await make('organizations', { name });
  const role = unique('role');
  await make('roles', { name: role }, 200);
  const identifier = `https://${name}.example/`;
  await make('resource-servers', { identifier });
  const user = await makeUser();
  const rows = [
    ['organizations', { name }, 'An organization with this name already exists.'],
    ['roles', { name: role }, 'The role already exists.'],
    ['resource-servers', { identifier }, 'A resource server with the same identifier already exists.'],
    ['resource-servers', { identifier: `${g.origin}/api/v2/` }, 'A resource server with the same identifier already exists.'],
    ['connections', { name: 'Username-Password-Authentication', strategy: 'auth0' }, 'A connection with the same name already exists'],
    ['users', { connection: 'Username-Password-Authentication', email: user.email.toUpperCase(), password: 'Str0ng-enough!' }, 'The user already exists.'],
  ];
  for (const [where, body, message] of rows) {
    const reply = await api.post(where, body);
    assert.equal(reply.status, 409, `${where}: ${reply.text}`);
    assert.equal(reply.body.message, message);
  }
});

test('the Management API itself can be neither changed nor deleted', async () => {
  const id = encodeURIComponent(`${g.origin}/api/v2/`);
  const found = await api.get(`resource-servers/${id}`);
  assert.equal(found.status, 200);
  assert.equal(found.body.identifier, `${g.origin}/api/v2/`);
  for (const reply of [await api.patch(`resource-servers/${id}`, { name: 'x' }), await api.delete(`resource-servers/${id}`), await api.delete(`resource-servers/${found.body.id}`)])
    assert.equal(reply.status, 400, reply.text);
});

test('an organization: what is unset is left out, PATCH merges, and its members have roles', async () => {
  const org = await make('organizations', { name: unique('acme'), display_name: 'Acme', metadata: { a: '1' } });
  assert.match(org.id, /^org_[0-9A-Za-z]{16}$/);
  assert.ok(!('branding' in org) && !('token_quota' in org));
  const cleared = await api.patch(`organizations/${org.id}`, { metadata: {} });
  assert.ok(!('metadata' in cleared.body) && cleared.body.display_name === 'Acme');
  assert.deepEqual((await api.get(`organizations/name/${org.name}`)).body, cleared.body);

  const user = await makeUser(), role = await make('roles', { name: unique('r') }, 200);
  const members = `organizations/${org.id}/members`, roles = `${members}/${encodeURIComponent(user.user_id)}/roles`;
  assert.equal((await api.post(roles, { roles: [role.id] })).status, 404); // no member yet
  assert.equal((await api.post(members, { members: ['auth0|nobody'] })).status, 404);
  assert.equal((await api.post(members, { members: [user.user_id] })).status, 204);
  assert.equal((await api.post(roles, { roles: [role.id] })).status, 204);
  assert.deepEqual((await api.get(`${members}?fields=user_id,roles&include_fields=true`)).body, [{ user_id: user.user_id, roles: [{ id: role.id, name: role.name }] }]);
  for (let i = 0; i < 3; i++) assert.equal((await api.delete(roles, { roles: [role.id] })).status, 204);
  assert.deepEqual((await api.get(roles)).body, []);
  assert.equal((await api.delete(`organizations/${org.id}`)).status, 204);
  assert.equal((await api.get(members)).status, 404);
});

test("another organization's role is no role here", async () => {
  const [a, b] = [await make('organizations', { name: unique('a') }), await make('organizations', { name: unique('b') })];
  const role = await make('roles', { name: unique('own'), type: 'organization', owner_id: a.id }, 200);
  const user = await makeUser();
  await api.post(`organizations/${b.id}/members`, { members: [user.user_id] });
  const reply = await api.post(`organizations/${b.id}/members/${encodeURIComponent(user.user_id)}/roles`, { roles: [role.id] });
  assert.equal(reply.status, 404);
  assert.equal((await api.post(`users/${encodeURIComponent(user.user_id)}/roles`, { roles: [role.id] })).status, 404);
  assert.equal((await api.post(`roles/${role.id}/users`, { users: [user.user_id] })).status, 404);
});

test('sign-up without membership is refused', async () => {
  const org = await make('organizations', { name: unique('signup') });
  const connection = await make('connections', { name: unique('db'), strategy: 'auth0' });
  const reply = await api.post(`organizations/${org.id}/connections`, { connection_id: connection.id, is_signup_enabled: true });
  assert.equal(reply.status, 400);
  assert.equal(reply.body.message, 'Only database connections with assign_membership_on_login = true support is_signup_enabled = true.');
});

test('lists: pages with Link, totals, checkpoints, fields', async () => {
  for (let i = 0; i < 5; i++) await make('roles', { name: `page-${i}` }, 200);
  const link = await api.get('roles?name_filter=page-&per_page=2&page=1');
  assert.deepEqual(link.body.map((r) => r.name), ['page-2', 'page-3']);
  const rels = [...link.headers.get('link').matchAll(/<([^>]+)>; rel="(\w+)"/g)].map((m) => [m[2], new URL(m[1])]);
  assert.deepEqual(rels.map(([rel, url]) => [rel, url.searchParams.get('page')]), [['first', '0'], ['prev', '0'], ['next', '2'], ['last', '2']]);
  assert.ok(rels.every(([, url]) => url.protocol === 'http:' && url.searchParams.get('name_filter') === 'page-'));
  const totals = (await api.get('roles?name_filter=page-&include_totals=true&per_page=2&page=9')).body;
  assert.deepEqual([totals.roles, totals.start, totals.limit, totals.total], [[], 18, 2, 5]);

  for (let i = 0; i < 3; i++) await make('organizations', { name: unique('walk') });
  const seen = [];
  for (let from = '', page; ; from = `&from=${encodeURIComponent(page.next)}`) {
    page = (await api.get(`organizations?include_totals=true&per_page=50&take=2${from}`)).body;
    assert.ok(page.organizations.length <= 2 && !('total' in page));
    seen.push(...page.organizations.map((o) => o.id));
    if (!page.next) break;
  }
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(seen.length, (await api.get('organizations?include_totals=true')).body.total);
  assert.deepEqual(Object.keys((await api.get('clients?is_global=true&fields=client_id&include_fields=true')).body[0]).sort(), ['client_id', 'tenant']);
});

test('users: hashed passwords, policy, search', async () => {
  const email = `${unique('find')}@example.com`;
  const user = await makeUser({ email, app_metadata: { plan: 'gold' } });
  assert.ok(!JSON.stringify(user).includes('Str0ng'));
  assert.deepEqual([user.name, user.nickname, user.email_verified], [email, email.split('@')[0], false]);
  const weak = await api.post('users', { connection: 'Username-Password-Authentication', email: 'weak@example.com', password: 'weak' });
  assert.deepEqual([weak.status, weak.body.message], [400, 'PasswordStrengthError: Password is too weak']);
  const search = async (q) => (await api.get(`users?search_engine=v3&q=${encodeURIComponent(q)}`)).body.map((u) => u.user_id);
  for (const q of [`email:"${email}"`, `email:${email.slice(0, 5)}* AND app_metadata.plan:gold`, `user_id:"${user.user_id}"`]) assert.ok((await search(q)).includes(user.user_id), q);
  for (const q of [`email:"${email}" AND NOT app_metadata.plan:gold`, `user_id:"${user.user_id}" AND app_metadata.plan:lead`, `user_id:"${user.user_id.toUpperCase()}"`]) assert.deepEqual(await search(q), [], q);
  assert.deepEqual(await search(`user_id:"${user.user_id}" AND email:${email}`), [user.user_id]);
  const second = await makeUser(), pair = [user.user_id, second.user_id].sort();
  for (const q of [`user_id:("${user.user_id}" OR "${second.user_id}" OR "${user.user_id}" OR "auth0|nobody")`, `email:("${email.toUpperCase()}" OR "${second.email}")`]) assert.deepEqual((await search(q)).sort(), pair, q);
  assert.deepEqual(await search(`user_id:("${user.user_id}" OR "${second.user_id}") AND app_metadata.plan:gold`), [user.user_id]);
  const totals = (await api.get(`users?search_engine=v3&include_totals=true&q=${encodeURIComponent(`user_id:"${user.user_id}"`)}`)).body;
  assert.deepEqual([totals.total, totals.length, totals.users[0].email], [1, 1, email]);
  assert.deepEqual((await api.get(`users-by-email?email=${encodeURIComponent(email)}`)).body.map((u) => u.user_id), [user.user_id]);
  const other = await makeUser();
  const stolen = await api.patch(`users/${encodeURIComponent(other.user_id)}`, { email });
  assert.deepEqual([stolen.status, stolen.body.message], [400, 'The specified new email already exists']);
  const both = await api.patch(`users/${encodeURIComponent(user.user_id)}`, { username: 'x', password: 'Str0ng-enough!' });
  assert.deepEqual([both.status, both.body.message], [400, 'Cannot update username and password simultaneously.']);
});

test('a secret is shown to whom may see it, and to nobody else', async () => {
  const client = await make('clients', { name: unique('secret') });
  assert.match(client.client_secret, /^[\w-]{64}$/);
  const { token } = await limited(['read:clients']);
  const seen = (await raw('GET', `clients/${client.client_id}`, bearer(token))).body;
  assert.ok(seen.client_id && !('client_secret' in seen));
  assert.equal((await api.get(`clients/${client.client_id}`)).body.client_secret, client.client_secret);
  const { token: updater } = await limited(['update:clients']);
  const patch = async (body) => raw('PATCH', `clients/${client.client_id}`, { ...bearer(updater), 'content-type': 'application/json' }, JSON.stringify(body));
  const renamed = await patch({ name: 'renamed' });
  assert.ok(renamed.status === 200 && !('client_secret' in renamed.body));
  assert.equal((await patch({ client_secret: 'x'.repeat(48) })).status, 403);
});

test('a security change is effective when its call returns', async () => {
  const works = async (token) => (await raw('GET', 'roles', bearer(token))).status;
  const cases = [
    ['secret rotated', (l) => api.post(`clients/${l.client.client_id}/rotate-secret`)],
    ['grant narrowed', (l) => api.patch(`client-grants/${l.grant.id}`, { scope: [] })],
    ['grant deleted', (l) => api.delete(`client-grants/${l.grant.id}`)],
    ['client deleted', (l) => api.delete(`clients/${l.client.client_id}`)],
  ];
  for (const [name, change] of cases) {
    const l = await limited(['read:roles']);
    assert.equal(await works(l.token), 200, name);
    assert.ok((await change(l)).status < 300, name);
    assert.equal(await works(l.token), 401, name);
  }
  const l = await limited(['read:roles']);
  await api.post(`clients/${l.client.client_id}/rotate-secret`);
  const old = await postForm(`${g.origin}/oauth/token`, { grant_type: 'client_credentials', client_id: l.client.client_id, client_secret: l.client.client_secret, audience: `${g.origin}/api/v2/` });
  assert.equal(old.status, 401);
});

test('tenant settings: flags merge one by one, lifetimes in minutes are kept in hours', async () => {
  const changed = await api.patch('tenants/settings', { flags: { enable_pipeline2: true }, session_lifetime_in_minutes: 181 });
  assert.equal(changed.status, 200, changed.text);
  assert.equal(changed.body.flags.enable_pipeline2, true);
  assert.ok(Object.keys(changed.body.flags).length > 3 && Math.abs(changed.body.session_lifetime - 181 / 60) < 1e-9);
  assert.ok(!('session_lifetime_in_minutes' in changed.body));
  assert.deepEqual((await api.get('tenants/settings?fields=session_lifetime')).body, { session_lifetime: changed.body.session_lifetime });
});

test('headers that clients rely on are there on every answer', async () => {
  for (const reply of [await api.get('roles'), await api.get('roles/none'), await raw('GET', 'roles')]) {
    assert.equal(reply.headers.get('cache-control'), 'no-cache');
    assert.ok(Number(reply.headers.get('x-ratelimit-reset')) > Date.now() / 1000 - 1);
    assert.equal(reply.headers.get('x-content-type-options'), 'nosniff');
  }
});
