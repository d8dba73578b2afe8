// tests/e2e/check.test.mjs - `gatehouse check`: what is wrong with a program, where, and what was meant; offline.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gatehouse, root, temporary } from './harness.mjs';

function check(text, ...args) {
  const dir = temporary('gatehouse-check-');
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), text);
  const { status, stdout, stderr } = spawnSync(gatehouse, ['check', '-C', dir, ...args], { encoding: 'utf8', env: { PATH: '/nonexistent' }, timeout: 10000 });
  fs.rmSync(dir, { recursive: true });
  return { status, stdout, stderr: stderr.replaceAll(`${dir}/`, '') };
}

const errors = (stderr) => stderr.split('\n').filter((line) => /^(error|warning): /.test(line));
const head = 'name: p\nruntime: yaml\nresources:\n';
const member = (more) => `${head}  m:\n    type: auth0:OrganizationMember\n    properties:\n      organizationId: org_1\n      ${more}\n`;
const organization = (more) => `${head}  o:\n    type: auth0:Organization\n    properties:\n      name: acme\n${more}`;

// The mistakes of the seed, one at a time: the program, the one error.
const rows = [
  ['roles of a member', member('userId: auth0|1\n      roles: [rol_1]'),
    'error: Pulumi.yaml:9,7: Property roles does not exist on OrganizationMember; Roles of a member are a resource of their own: OrganizationMemberRoles with organizationId, userId and roles'],
  ['a domain of an organization', organization('      authDomain: login.example.com\n'),
    "error: Pulumi.yaml:8,7: Property authDomain does not exist on Organization; The domain is the tenant's: declare variables: { tenant: { fn::auth0:getTenant: {} } } and write ${tenant.domain}"],
  ['colours that are no map of the API', organization('      branding:\n        colors: { primary: "#0000FF", pageBackground: "#FFFFFF" }\n'),
    /^error: Pulumi\.yaml:9,39: colors has no key 'pageBackground'; .*page_background/],
  ['colours under another name', organization('      branding:\n        colours: { primary: "#0000FF" }\n'),
    'error: Pulumi.yaml:9,9: Property colours does not exist on OrganizationBranding; Existing properties are: colors, logoUrl'],
  ['a placeholder for a user', member('userId: <USER_ID>'), /^error: Pulumi\.yaml:8,15: <USER_ID> is a placeholder: replace it; .*\$\{name\.id\}/],
  ['a placeholder for a role', `${head}  r:\n    type: auth0:OrganizationMemberRoles\n    properties:\n      organizationId: org_1\n      userId: auth0|1\n      roles: ["<ROLE_ID>"]\n`,
    /^error: Pulumi\.yaml:9,15: <ROLE_ID> is a placeholder: replace it; /],
];

for (const [name, text, want] of rows)
  test(`${name}: one error with its place and its remedy`, () => {
    const { status, stderr } = check(text), said = errors(stderr);
    assert.equal(status, 1, stderr);
    assert.equal(said.length, 1, stderr);
    if (want instanceof RegExp) assert.match(said[0], want); else assert.equal(said[0], want);
  });

test('the place is shown: the line, and a mark below the column', () => {
  const { stderr } = check(member('userId: <USER_ID>'));
  assert.match(stderr, /^ +8 \| {7}userId: <USER_ID>\n +\| {15}\^$/m);
});

test('all mistakes of a file are told at once, in its order', () => {
  const { status, stdout, stderr } = check(`${organization('      authDomain: a\n      branding:\n        colours: {}\n')}  m:\n    type: auth0:OrganizationMember\n    properties: { organizationId: "\${o.id}", userId: <USER_ID>, roles: [] }\n`);
  assert.equal(status, 1);
  assert.deepEqual(errors(stderr).map((line) => /yaml:(\d+,\d+)/.exec(line)[1]), ['8,7', '10,9', '13,54', '13,65']);
  assert.match(stdout, /4 errors, 0 warnings/);
});

test('the example is right, and check needs nothing but the file', () => {
  const { status, stderr } = check(fs.readFileSync(path.join(root, 'examples/secure-ai-api/Pulumi.yaml'), 'utf8'));
  assert.equal(status, 0, stderr);
  assert.deepEqual(errors(stderr), []);
});
