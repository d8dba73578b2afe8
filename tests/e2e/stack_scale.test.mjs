// tests/e2e/stack_scale.test.mjs - an organization with many members: how many requests a plan and its application cost.
// GATEHOUSE_CAMPAIGN=1: 10,000 members, most of them people whom the stack did not make (a program has at most 20,000 resources).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startFaultProxy } from './fault_proxy.mjs';
import { management, startGatehouse, temporary } from './harness.mjs';
import { personId, startWithPeople } from './people_lab.mjs';
import { must, project, runStack } from './stack_lab.mjs';

const campaign = !!process.env.GATEHOUSE_CAMPAIGN, members = campaign ? 10000 : 105;
const made = campaign ? 120 : members, withRoles = campaign ? 9800 : members; // users of the stack, members with a role
const pages = Math.ceil(members / 100);
let g, api, proxy;
const env = () => ({ ...g.childEnv, ...proxy.env });
before(async () => { g = await (campaign ? startWithPeople(temporary(), members) : startGatehouse()); api = await management(g); proxy = await startFaultProxy(g); });
after(async () => { await proxy?.stop(); await g?.stop(); });

const fixed = `resources:
  org: { type: auth0:Organization, properties: { name: big, displayName: Big } }
  db: { type: auth0:Connection, properties: { name: big-db, strategy: auth0 } }
  app: { type: auth0:Client, properties: { name: big-app } }
  on: { type: auth0:ConnectionClients, properties: { connectionId: "\${db.id}", enabledClients: ["\${app.id}"] } }
  role: { type: auth0:Role, properties: { name: big-role } }
`;
const user = (i) => `  u${i}: { type: auth0:User, properties: { connectionName: "\${db.name}", email: u${i}@big.example, password: Canary-Horse-${10000 + i} }, options: { ignoreChanges: [password] } }\n`;
const person = (i) => `${i < made ? user(i) : ''}  m${i}: { type: auth0:OrganizationMember, properties: { organizationId: "\${org.id}", userId: "${i < made ? `\${u${i}.id}` : personId(i)}" } }
${i < withRoles ? `  r${i}: { type: auth0:OrganizationMemberRoles, properties: { organizationId: "\${org.id}", userId: "\${m${i}.userId}", roles: ["\${role.id}"] } }\n` : ''}`;
const program = () => fixed + Array.from({ length: members }, (_, i) => person(i)).join('');

// Runs, and counts the requests by what they are about.
async function counted(dir, args) {
  proxy.reset();
  const began = Date.now(), result = await runStack(env(), dir, args), kinds = {};
  for (const { method, url } of proxy.requests) {
    const kind = `${method} ${url.split('?')[0].replace('/api/v2/', '').replace(/\/(auth0%7C|\w+_)\w+/g, '/*')}`;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  const reads = proxy.requests.filter(({ method }) => method === 'GET').length;
  console.log(`${args[0]} of ${members} members: ${proxy.requests.length} requests, ${reads} of them reads, ${Date.now() - began} ms: ${Object.entries(kinds).map(([kind, n]) => `${kind} ×${n}`).join(', ')}`);
  return { ...result, reads, kinds };
}

test('many members are read by the page', { timeout: 3600000 }, async (t) => {
  const dir = project(program());
  await t.test('new: a search for each hundred users, and ten members to a call', async () => {
    const plan = must(await counted(dir, ['preview']));
    assert.ok(plan.reads <= pages + 8, `${plan.reads} reads`);
    const up = must(await counted(dir, ['up', '-y', '--skip-preview']));
    assert.ok(up.reads <= pages + 10, `${up.reads} reads`);
    assert.ok(up.kinds['POST organizations/*/members'] <= Math.ceil(members / 10) + 1, `${up.kinds['POST organizations/*/members']} calls add members`);
  });
  await t.test('nothing has changed: a page of users and a page of members for each hundred', async () => {
    const same = must(await counted(dir, ['preview', '--expect-no-changes']));
    assert.ok(same.reads <= 2 * pages + 8, `${same.reads} reads`);
  });
  await t.test('what somebody changed is found all the same, and told from what the search engine has not seen yet', async () => {
    const users = (await api.get('users?q=email:u7@big.example&search_engine=v3')).body, org = (await api.get('organizations/name/big')).body;
    assert.equal((await api.patch(`users/${encodeURIComponent(users[0].user_id)}`, { email: 'moved@big.example', password: undefined })).status, 200);
    assert.equal((await api.delete(`organizations/${org.id}/members/${encodeURIComponent(users[0].user_id)}/roles`, { roles: [(await api.get('roles?name_filter=big-role')).body[0].id] })).status, 204);
    const drift = await counted(dir, ['preview', '--expect-no-changes']);
    assert.match(must(drift, 7).out, /u7 update[^\n]*email/);
    assert.match(drift.out, /r7 update/);
    assert.ok(drift.reads <= 2 * pages + 10, `${drift.reads} reads`);
    // A search that lags behind: it names an address that was changed back since.
    must(await runStack(env(), dir, ['up', '-y']));
    proxy.reset();
    let lied = 0;
    proxy.after = ({ url }, answer) => {
      if (!/users\?search_engine/.test(url) || !answer.body.includes('u7@big.example')) return undefined;
      lied++;
      return { status: 200, headers: { 'content-type': 'application/json' }, body: answer.body.toString().replaceAll('u7@big.example', 'moved@big.example') };
    };
    must(await runStack(env(), dir, ['preview', '--expect-no-changes']));
    assert.equal(lied, 1);
  });
  await t.test('a user who is gone is seen to be gone', async () => {
    const [user] = (await api.get('users?q=email:u9@big.example&search_engine=v3')).body;
    assert.equal((await api.delete(`users/${encodeURIComponent(user.user_id)}`)).status, 204);
    assert.match(must(await counted(dir, ['preview', '--expect-no-changes']), 7).out, /u9 create/);
  });
  await t.test('to delete all: a page of users and a page of members for each hundred, then one look at each user before it goes', async () => {
    const pagesOfMade = Math.ceil(made / 100), plan = must(await counted(dir, ['destroy', '--preview-only']));
    assert.ok(plan.reads <= pagesOfMade + 2 * pages + 10, `${plan.reads} reads`);
    const gone = must(await counted(dir, ['destroy', '-y']));
    assert.ok(gone.reads <= made + 4 * pagesOfMade + 6 * pages + 20, `${gone.reads} reads`);
  });
});
