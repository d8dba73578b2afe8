// tests/e2e/host_seed.test.mjs - the seed as it was written: one Python program, its mistakes and all, makes the tenant that its author meant.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { noShared, shared, temporary } from './harness.mjs';
import { installPython, must, programFolder, startLab } from './host_lab.mjs';

const { folder: python, missing } = installPython();
let lab, run;
before(async () => {
  lab = await startLab();
  run = (dir, args) => lab.run(dir, args, { VIRTUAL_ENV: python });
});
after(() => lab?.stop());

const common = 'Username-Password-Authentication';
const connection = async () => (await lab.api.get(`connections?name=${common}`)).body[0];

describe('the seed as written', { skip: missing || noShared }, () => {
  const seed = () => { const dir = temporary('gatehouse-seed-'); fs.cpSync(path.join(shared, 'seed/python'), dir, { recursive: true }); return dir; };

  test('without placeholders it fails with a sentence that says what to do, and makes nothing', async () => {
    const { err } = must(await run(seed(), ['up', '-y']), 1);
    assert.match(err, /^error: .*__main__\.py:54: <USER_ID> is a placeholder; say what it stands for with --placeholder '<USER_ID>=…', or under gatehouse:placeholders in Pulumi\.dev\.yaml\n +54 \| {5}user_id="<USER_ID>",/m);
    assert.equal(err.match(/^error: /gm).length, 1);
    assert.deepEqual((await lab.api.get('organizations')).body, []);
  });

  test('with them it makes what its author meant, and each line that Pulumi would refuse is told with its right text', async () => {
    const dir = seed(), before = await connection();
    const user = (await lab.api.post('users', { connection: common, email: 'ada@example.com', password: 'Canary-Horse-Battery-2026' })).body;
    const role = (await lab.api.post('roles', { name: 'ai-user' })).body;
    const up = must(await run(dir, ['up', '-y', '--placeholder', `<USER_ID>=${user.user_id}`, '--placeholder', `<ROLE_ID>=${role.id}`]));
    assert.match(up.out, /\+ 4 created/);
    assert.match(up.out, /= 1 adopted/);
    for (const told of [
      /__main__\.py:15: OrganizationBrandingColorsArgs does not exist: .*; write\n {4}colors=\{"primary": "#0000FF", "page_background": "#FFFFFF"\}\n/,
      new RegExp(`__main__\\.py:28: every tenant has the connection ${common}, .*; write\n {4}opts=pulumi\\.ResourceOptions\\(import_="${before.id}"\\)\n`),
      /__main__\.py:52: OrganizationMember has no roles: .*; write\n {4}auth0\.OrganizationMember\("my-org-member", user_id="<USER_ID>", organization_id=org\.id\)\n {4}auth0\.OrganizationMemberRoles\("my-org-member", user_id="<USER_ID>", organization_id=org\.id, roles=\["<ROLE_ID>"\]\)\n/,
      /__main__\.py:62: org\.auth_domain does not exist: .*; write\n {4}auth0\.get_tenant_output\(\)\.domain\n/,
      new RegExp(`__main__\\.py:54: <USER_ID> is a placeholder, which a tenant refuses; write\n {4}user_id="${user.user_id.replace('|', '\\|')}",`),
      new RegExp(`__main__\\.py:58: <ROLE_ID> is a placeholder, which a tenant refuses; write\n {4}roles=\\["${role.id}"\\]`),
    ]) assert.match(up.err, told);
    assert.equal(up.err.match(/^warning: /gm).length, 6, up.err);

    const [organization] = (await lab.api.get('organizations')).body;
    assert.deepEqual([organization.name, organization.display_name, organization.branding],
      ['my-awesome-company', 'My Awesome Company', { logo_url: 'https://example.com/logo.png', colors: { primary: '#0000FF', page_background: '#FFFFFF' } }]);
    assert.equal((await connection()).options.passwordPolicy, 'good');
    const [enabled] = (await lab.api.get(`organizations/${organization.id}/enabled_connections`)).body;
    assert.deepEqual([enabled.connection_id, enabled.assign_membership_on_login], [before.id, true]);
    assert.deepEqual((await lab.api.get(`organizations/${organization.id}/members`)).body.map((member) => member.user_id), [user.user_id]);
    assert.deepEqual((await lab.api.get(`organizations/${organization.id}/members/${user.user_id}/roles`)).body.map((one) => one.id), [role.id]);
    assert.deepEqual(JSON.parse(must(await run(dir, ['stack', 'output', '--json'])).out), { organization_domain: lab.g.domain });

    // From the stack's file they count as well; what is given on the command line wins.
    fs.writeFileSync(path.join(dir, 'Pulumi.dev.yaml'), `config:\n  gatehouse:placeholders:\n    <USER_ID>: ${user.user_id}\n    <ROLE_ID>: rol_0000000000000000\n`);
    must(await run(dir, ['up', '-y', '--expect-no-changes', '--placeholder', `<ROLE_ID>=${role.id}`]));
    must(await run(dir, ['destroy', '-y']));
    assert.deepEqual(await connection(), before);
    assert.deepEqual((await lab.api.get('organizations')).body, []);
    assert.equal((await lab.api.get(`users/${encodeURIComponent(user.user_id)}`)).status, 200);
  });
});

test('--placeholder is checked, and is not for YAML', async () => {
  const yaml = programFolder({ 'Pulumi.yaml': 'name: p\nruntime: yaml\nresources:\n  m: { type: "auth0:OrganizationMember", properties: { organizationId: org_1, userId: <USER_ID> } }\n' });
  assert.match(must(await run(yaml, ['preview', '--placeholder', '<USER_ID>=auth0|1']), 2).err, /^error: --placeholder is for programs in other languages: in YAML, write a config value in its place\n$/);
  assert.match(must(await run(yaml, ['preview']), 1).err, /<USER_ID> is a placeholder: replace it; Declare the object/);
  for (const wrong of ['USER_ID=1', '<user>=1', '<USER_ID>', '<USER_ID>=', '=1'])
    assert.match(must(await run(yaml, ['preview', '--placeholder', wrong]), 2).err, /^error: --placeholder takes <NAME>=VALUE, not '/);
});
