// tests/e2e/stack_people.test.mjs - what holds people that the stack did not make is neither deleted nor replaced, unless --allow-data-loss names it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { refusal, startFaultProxy } from './fault_proxy.mjs';
import { management, startGatehouse } from './harness.mjs';
import { assertSame, dump, must, password, project, runStack } from './stack_lab.mjs';

let g, api, proxy, count = 0;
const env = () => ({ ...g.childEnv, ...proxy.env });
before(async () => { g = await startGatehouse(); api = await management(g); proxy = await startFaultProxy(g); });
after(async () => { await proxy?.stop(); await g?.stop(); });

const good = (reply) => { assert.ok(reply.status < 300, reply.text); return reply.body; };
const make = async (list, body) => good(await api.post(list, body));
const program = (n, name = `people-${n}`) => `resources:
  acme: { type: auth0:Connection, properties: { strategy: auth0, name: ${name} } }
  clients: { type: auth0:ConnectionClients, properties: { connectionId: "\${acme.id}", enabledClients: [${g.env.AUTH0_CLIENT_ID}] } }
  ada: { type: auth0:User, properties: { connectionName: "\${acme.name}", email: ada-${n}@example.com, password: ${password} }, options: { dependsOn: ["\${clients}"] } }
  org: { type: auth0:Organization, properties: { name: people-${n} } }
  member: { type: auth0:OrganizationMember, properties: { organizationId: "\${org.id}", userId: "\${ada.id}" } }
`;
const keeping = (n, ...names) => names.reduce((text, name) => text.replace(new RegExp(`^  ${name}: .*`, 'm'), (line) => (
  line.includes('options: {') ? line.replace('options: {', 'options: { retainOnDelete: true,') : line.replace(/ }$/, ', options: { retainOnDelete: true } }'))), program(n));
const user = (n, who, connection = `people-${n}`) => make('users', { connection, email: `${who}-${n}@example.com`, password });
const find = async (list, name) => (await api.get(`${list}?per_page=100`)).body.find((object) => object.name === name);
const write = (dir, text) => fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${text}`);

// A stack that is up: { n, dir, ada, org, stranger() }.
async function lab() {
  const n = ++count, dir = project(program(n));
  proxy.reset();
  must(await runStack(env(), dir, ['up', '-y']));
  const entry = (name) => JSON.parse(fs.readFileSync(path.join(dir, '.gatehouse/dev.json'), 'utf8')).resources.find((one) => one.name === name);
  proxy.reset();
  return { n, dir, entry, ada: entry('ada').id, org: entry('org').id, run: (...args) => runStack(env(), dir, args) };
}

const everything = ['--allow-data-loss', 'acme', '--allow-data-loss', 'org', '--allow-data-loss', 'ada'];
async function finish(l) { proxy.reset(); write(l.dir, 'resources: {}\n'); must(await l.run('destroy', '-y', ...everything)); }

const member = (org, who) => api.post(`organizations/${org}/members`, { members: [who] }).then(good);

// Each: what was done to the tenant, the program then, what is said. Both `preview` (or the plan of destroy) and the command itself refuse.
const refusals = {
  'a connection with a user of somebody else, at destroy': {
    async change(l) { await user(l.n, 'bob'); }, verb: 'destroy', said: /Connection acme holds 1 user that this stack did not make; deleting it deletes it, too; --allow-data-loss acme accepts that/,
  },
  'the same when it is no longer declared': {
    async change(l) { await user(l.n, 'bob'); await user(l.n, 'eve'); write(l.dir, 'resources: {}\n'); }, verb: 'up', said: /Connection acme holds 2 users/,
  },
  'the same when a new name means a new connection': {
    async change(l) { await user(l.n, 'bob'); write(l.dir, program(l.n, `renamed-${l.n}`)); }, verb: 'up', said: /Connection acme holds 1 user .*replacing it deletes/s,
  },
  'a stranger in the place of a user that the stack made': {
    async change(l) { good(await api.delete(`users/${encodeURIComponent(l.ada)}`)); await user(l.n, 'bob'); }, verb: 'destroy', spoils: true, said: /Connection acme holds 1 user/,
  },
  'a stranger among several that the stack made': {
    async change(l) {
      write(l.dir, `${program(l.n)}  ben: { type: auth0:User, properties: { connectionName: "\${acme.name}", email: ben-${l.n}@example.com, password: ${password} }, options: { dependsOn: ["\${clients}", "\${ada}"] } }\n`);
      must(await l.run('up', '-y'));
      good(await api.delete(`users/${encodeURIComponent(l.entry('ben').id)}`));
      await user(l.n, 'eve');
    },
    verb: 'destroy', spoils: true, said: /Connection acme holds 1 user/,
  },
  'a connection with a user that the stack is to keep': {
    async change(l) { write(l.dir, keeping(l.n, 'ada')); must(await l.run('up', '-y')); }, verb: 'destroy', spoils: true, said: /Connection acme holds 1 user/,
  },
  'an organization with a member that the stack is to keep': {
    async change(l) { write(l.dir, keeping(l.n, 'ada', 'member')); must(await l.run('up', '-y')); },
    verb: 'destroy', args: ['--allow-data-loss', 'acme'], spoils: true, said: /Organization org holds 1 member/,
  },
  'an organization with a member of somebody else': {
    async change(l) { const bob = await user(l.n, 'bob', 'Username-Password-Authentication'); await member(l.org, bob.user_id); }, verb: 'destroy', said: /Organization org holds 1 member/,
  },
  'the same when it is no longer declared, whatever else may go': {
    async change(l) { const bob = await user(l.n, 'bob', 'Username-Password-Authentication'); await member(l.org, bob.user_id); write(l.dir, 'resources: {}\n'); },
    verb: 'up', args: ['--allow-data-loss', 'acme', '--allow-data-loss', 'ada', '--allow-data-loss', 'Org'], said: /Organization org holds 1 member.*nothing of that name is deleted or replaced|nothing of that name.*Organization org holds 1 member/s,
  },
  'a user with a membership elsewhere': {
    async change(l) { const other = await make('organizations', { name: `elsewhere-${l.n}` }); await member(other.id, l.ada); }, verb: 'destroy', said: /User ada holds 1 membership/,
  },
  'a user with a linked account': {
    async change() {
      proxy.after = ({ url }, answer) => {
        if (!/\/users\/auth0%7C/.test(url) || /organizations/.test(url) || answer.status !== 200) return undefined;
        const body = JSON.parse(answer.body);
        body.identities.push({ connection: 'google-oauth2', provider: 'google-oauth2', user_id: '1', isSocial: true });
        return { ...answer, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      };
    },
    verb: 'destroy', said: /User ada holds 1 linked identity/,
  },
  'a whole company': {
    async change() { proxy.after = ({ url }, answer) => (/\/users\?/.test(url) ? { ...answer, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ total: 1205, users: [] }) } : undefined); },
    verb: 'destroy', said: /Connection acme holds 1,204 users that this stack did not make; deleting it deletes them/,
  },
  'people who cannot be counted': {
    async change() { proxy.before = ({ url }) => (/\/users\?/.test(url) ? refusal(403) : undefined); }, verb: 'destroy', said: /the users of Connection acme could not be counted: 403/,
  },
  'a count that is none': {
    async change() { proxy.before = ({ url }) => (/\/members\?/.test(url) ? { status: 200, headers: { 'content-type': 'application/json' }, body: '[]' } : undefined); },
    verb: 'destroy', said: /the members of Organization org could not be counted/,
  },
};

// Bob signs up just before the n-th time that the users are counted.
function newcomerAt(l, n) {
  let asked = 0;
  proxy.before = async ({ url }) => { if (/\/users\?/.test(url) && ++asked === n) await user(l.n, 'bob'); };
}

// One stack for all that is refused and can be taken back.
let shared;
async function takeBack(l) {
  proxy.reset();
  write(l.dir, program(l.n));
  for (const { user_id: id, email } of (await api.get('users?per_page=100')).body) if (!email.startsWith('ada-')) good(await api.delete(`users/${encodeURIComponent(id)}`));
  for (const { id, name } of (await api.get('organizations')).body) if (name.startsWith('elsewhere-')) good(await api.delete(`organizations/${id}`));
}

for (const [what, { change, verb, said, args = [], spoils = false }] of Object.entries(refusals))
  test(`refused: ${what}`, async () => {
    const l = spoils ? await lab() : (shared ??= await lab());
    await change(l);
    const was = await dump(api);
    const runs = verb === 'up' ? [['preview', ...args], ['up', '-y', ...args]] : [['destroy', '--preview-only'], ['destroy', '-y', '--skip-preview', ...args]];
    for (const run of runs) assert.match(must(await l.run(...run), 1).err, said);
    assertSame(await dump(api), was);
    await (spoils ? finish(l) : takeBack(l));
  });

test('refused: somebody who signed up since the plan, before anything is done', async () => {
  const l = shared ??= await lab();
  newcomerAt(l, 2);
  const was = await dump(api);
  assert.match(must(await l.run('destroy', '-y'), 4).err, /Connection acme holds 1 user/);
  const is = await dump(api);
  assert.equal(is.users.length, was.users.length + 1);
  assertSame({ ...is, users: [] }, { ...was, users: [] });
  await takeBack(l);
});

test('refused: somebody who signed up between the last look at all and the deletion', async () => {
  const l = shared ??= await lab();
  newcomerAt(l, 3);
  assert.match(must(await l.run('destroy', '-y'), 4).err, /Connection acme holds 1 user/);
  assert.ok(await find('connections', `people-${l.n}`));
  assert.equal((await api.get(`users-by-email?email=bob-${l.n}@example.com`)).body.length, 1);
  await finish(l);
  assert.equal((await api.get(`users-by-email?email=bob-${l.n}@example.com`)).body.length, 0);
});

test('what was replaced by mistake is not left marked for deletion', async () => {
  const l = await lab();
  write(l.dir, program(l.n).replace('properties: { strategy: auth0', 'options: { replaceOnChanges: ["*"] }, properties: { displayName: y, strategy: auth0'));
  newcomerAt(l, 3);
  assert.match(must(await l.run('up', '-y'), 4).err, /Connection acme holds 1 user/);
  assert.ok(!JSON.parse(fs.readFileSync(path.join(l.dir, '.gatehouse/dev.json'), 'utf8')).resources.some((entry) => entry.replaced));
  await finish(l);
});

test('what the stack made itself goes without a question, and strangers where that was accepted', async () => {
  const l = await lab();
  const bob = await user(l.n, 'bob');
  await member(l.org, bob.user_id);
  const shown = must(await l.run('destroy', '--preview-only', '--allow-data-loss', 'acme', '--allow-data-loss', 'org'));
  assert.match(shown.out, /acme delete \(with 1 user that this stack did not make\)/);
  assert.match(shown.out, /org delete \(with 1 member that this stack did not make\)/);
  must(await l.run('destroy', '-y', '--allow-data-loss', 'acme', '--allow-data-loss', 'org'));
  assert.equal(await find('connections', `people-${l.n}`), undefined);
  const own = await lab();
  proxy.reset();
  must(await own.run('destroy', '-y'));
  assert.equal(await find('connections', `people-${own.n}`), undefined);
  const counting = proxy.requests.filter(({ method, url }) => method === 'GET' && /include_totals/.test(url));
  assert.ok(counting.length <= 12, counting.map(({ url }) => url).join('\n'));
});

test('a member by sign-in is the stack\'s own when the user and the organization are', async () => {
  const l = await lab();
  write(l.dir, program(l.n).replace(/ {2}member:.*\n/, ''));
  must(await l.run('up', '-y'));
  await member(l.org, l.ada); // as assignMembershipOnLogin does it
  must(await l.run('destroy', '-y'));
});

test('a membership in somebody else\'s organization is the stack\'s own when the stack declares it', async () => {
  const l = await lab();
  const one = await make('organizations', { name: `one-${l.n}` }), all = await make('organizations', { name: `all-${l.n}` });
  write(l.dir, `${program(l.n)}  one: { type: auth0:OrganizationMember, properties: { organizationId: ${one.id}, userId: "\${ada.id}" } }
  all: { type: auth0:OrganizationMembers, properties: { organizationId: ${all.id}, members: ["\${ada.id}"] } }
`);
  must(await l.run('up', '-y'));
  must(await l.run('destroy', '-y'));
  assert.equal((await api.get(`users/${encodeURIComponent(l.ada)}`)).status, 404);
  for (const { id } of [one, all]) good(await api.delete(`organizations/${id}`));
});

test('what is only given back or kept asks nothing', async () => {
  const n = ++count;
  const theirs = await make('connections', { strategy: 'auth0', name: `people-${n}`, enabled_clients: [g.env.AUTH0_CLIENT_ID] });
  await user(n, 'bob');
  proxy.reset();
  const dir = project(`resources:\n  acme: { type: auth0:Connection, properties: { strategy: auth0, name: people-${n} } }\n  kept: { type: auth0:Organization, properties: { name: kept-${n} }, options: { retainOnDelete: true } }\n`);
  must(await runStack(env(), dir, ['up', '-y']));
  const bob = (await api.get(`users-by-email?email=bob-${n}@example.com`)).body[0];
  await member((await find('organizations', `kept-${n}`)).id, bob.user_id);
  must(await runStack(env(), dir, ['destroy', '-y']));
  assert.equal((await api.get(`connections/${theirs.id}`)).status, 200);
});

// --- many users: what goes with them is read by the hundred ---

const many = process.env.GATEHOUSE_CAMPAIGN ? 200 : 12, elsewhere = (n) => `elsewhere-${n}`;
const crowdOf = (n, users = true) => program(n) + (users ? Array.from({ length: many }, (_, i) =>
  `  u${i}: { type: auth0:User, properties: { connectionName: "\${acme.name}", email: u${i}-${n}@example.com, password: ${password} }, options: { dependsOn: ["\${clients}"] } }
  m${i}: { type: auth0:OrganizationMember, properties: { organizationId: "\${org.id}", userId: "\${u${i}.id}" } }
`).join('') : '');
const alone = ({ method, url }) => method === 'GET' && /\/users\/auth0/.test(url);
const json = (body) => ({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const bulk = /\/organizations\/[^/]+\/members\?fields=user_id&/, search = /\/users\?search_engine=v3&q=user_id/;
const edited = (pattern, edit) => { proxy.after = ({ url }, answer) => (pattern.test(url) && answer.status === 200 ? json(edit(JSON.parse(answer.body))) : undefined); };

let crowd;
async function manyUsers() {
  if (crowd) return crowd;
  const n = ++count, dir = project(crowdOf(n));
  proxy.reset();
  must(await runStack(env(), dir, ['up', '-y']));
  const { resources } = JSON.parse(fs.readFileSync(path.join(dir, '.gatehouse/dev.json'), 'utf8'));
  const id = (name) => resources.find((one) => one.name === name).id;
  return (crowd = { n, dir, id, other: (await make('organizations', { name: elsewhere(n) })).id, run: (...args) => runStack(env(), dir, args) });
}
const leave = (l, who) => api.delete(`organizations/${l.other}/members`, { members: [who] }).then(good);

// Each: what a plan of the deletion of all says, and of how many users it may ask alone: who is left over from the hundreds is.
const crowds = {
  'a membership elsewhere of one': { async change(l) { await member(l.other, l.id('u5')); }, after: (l) => leave(l, l.id('u5')), said: /^error: User u5 holds 1 membership that/m, alone: 1 },
  'memberships elsewhere of two': {
    async change(l) { await member(l.other, l.id('u0')); await member(l.other, l.id(`u${many - 1}`)); }, after: async (l) => { await leave(l, l.id('u0')); await leave(l, l.id(`u${many - 1}`)); },
    said: /User u11 holds 1 membership[^]*User u0 holds 1 membership|User u199 holds 1 membership[^]*User u0 holds 1 membership/, alone: 1,
  },
  'one with a linked account, and its name not among those that may go': {
    async change(l) { edited(search, (body) => { body.users.find((one) => one.user_id === l.id('u3'))?.identities.push({ connection: 'google-oauth2' }); return body; }); },
    args: ['--allow-data-loss', 'u4'], said: /User u3 holds 1 linked identity/, alone: 1,
  },
  'a member list that may not be read, and then the user\'s own': {
    async change() { proxy.before = ({ url }) => (bulk.test(url) || /\/users\/[^/]+\/organizations/.test(url) ? refusal(403) : undefined); }, said: /the memberships of User u5 could not be counted: 403/, alone: many + 2,
  },
  'a member list that is none': {
    async change(l) { await member(l.other, l.id('u5')); proxy.before = ({ url }) => (bulk.test(url) ? json({ members: 3 }) : undefined); }, after: (l) => leave(l, l.id('u5')),
    said: /User u5 holds 1 membership/, alone: many + 2,
  },
  'members who have no name': {
    async change(l) { await member(l.other, l.id('u5')); edited(bulk, (body) => ({ ...body, members: body.members.map(() => ({})) })); }, after: (l) => leave(l, l.id('u5')),
    said: /User u5 holds 1 membership/, alone: many + 2,
  },
  'a member list without an end': {
    async change(l) { await member(l.other, l.id('u5')); edited(bulk, () => ({ members: [], next: 'again' })); }, after: (l) => leave(l, l.id('u5')), said: /User u5 holds 1 membership/, alone: many + 2,
  },
  'more organizations than users': {
    async change(l) { await member(l.other, l.id('u5')); edited(/\/v2\/organizations\?/, (body) => ({ organizations: Array.from({ length: many + 1 }, (_, i) => ({ id: `org_${i}` })) })); }, after: (l) => leave(l, l.id('u5')),
    said: /User u5 holds 1 membership/, alone: many + 2, lists: 0,
  },
  'users whom the search does not know yet': {
    async change(l) { await member(l.other, l.id('u5')); edited(search, () => ({ users: [], total: 0 })); }, after: (l) => leave(l, l.id('u5')), said: /User u5 holds 1 membership/, alone: many + 2,
  },
};
for (const [what, { change, after: back, said, args = [], alone: most, lists }] of Object.entries(crowds))
  for (const verb of /membership/.test(what) ? ['destroy', 'up'] : ['destroy'])
    test(`refused, of many users, at ${verb}: ${what}`, async () => {
      const l = await manyUsers();
      proxy.reset();
      if (verb === 'up') write(l.dir, crowdOf(l.n, false));
      await change(l);
      const { err } = must(await l.run(...(verb === 'up' ? ['preview'] : ['destroy', '--preview-only']), ...args), 1);
      assert.match(err, said);
      assert.ok(proxy.requests.filter(alone).length <= most, `${proxy.requests.filter(alone).length} users asked alone`);
      if (lists !== undefined) assert.equal(proxy.requests.filter(({ url }) => bulk.test(url)).length, lists);
      assert.ok(proxy.requests.every(({ method, url }) => method === 'GET' || url === '/oauth/token'));
      proxy.reset();
      await back?.(l);
      write(l.dir, crowdOf(l.n));
    });

test('refused, of many users: a membership since the plan stops all, one since the first deletion that user alone', async () => {
  const l = await manyUsers();
  proxy.reset();
  let lists = 0;
  proxy.before = async ({ url }) => { if (/\/v2\/organizations\?/.test(url) && ++lists === 3) await member(l.other, l.id('u5')); };
  assert.match(must(await l.run('destroy', '-y'), 4).err, /User u5 holds 1 membership/);
  assert.equal(lists, 3); // for the plan of the users and of the organization, and before the first deletion
  assert.ok(!proxy.requests.some(({ method }) => method === 'DELETE'));
  await leave(l, l.id('u5'));
  proxy.reset();
  let begun = false;
  proxy.before = async ({ method }) => { if (method === 'DELETE' && !begun) { begun = true; await member(l.other, l.id('u0')); } };
  write(l.dir, crowdOf(l.n, false));
  assert.match(must(await l.run('up', '-y', '--skip-preview'), 4).err, /User u0 holds 1 membership/);
  assert.ok(begun && !proxy.requests.some(({ method, url }) => method === 'DELETE' && url.includes(encodeURIComponent(l.id('u0')))));
  assert.equal((await api.get(`users/${encodeURIComponent(l.id('u0'))}`)).status, 200);
  assert.equal((await api.get(`users/${encodeURIComponent(l.id('u1'))}`)).status, 404);
  const reads = proxy.requests.filter(alone).length;
  assert.ok(reads <= many + 2, `${reads} users asked alone`);
  await leave(l, l.id('u0'));
  proxy.reset();
  must(await l.run('destroy', '-y'));
});

test('refused: a connection whose user may not go does not take that user along', async () => {
  const l = await lab(), other = await make('organizations', { name: `elsewhere-${l.n}` });
  let begun = false;
  proxy.before = async ({ method }) => { if (method === 'DELETE' && !begun) { begun = true; await member(other.id, l.ada); } };
  write(l.dir, `${program(l.n)}  role: { type: auth0:Role, properties: { name: late-${l.n} }, options: { dependsOn: ["\${ada}"] } }\n`);
  must(await l.run('up', '-y', '--skip-preview'));
  const { err } = must(await l.run('destroy', '-y'), 4);
  assert.match(err, /User ada holds 1 membership that this stack did not make/);
  assert.equal((await api.get(`users/${encodeURIComponent(l.ada)}`)).status, 200, err);
  assert.match(err, /Connection acme holds 1 user that may not be deleted; deleting it deletes it, too; --allow-data-loss acme accepts that/);
  proxy.reset();
  good(await api.delete(`organizations/${other.id}`));
  must(await l.run('destroy', '-y'));
});
