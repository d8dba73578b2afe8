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

// The seed in YAML, with the mistakes of its Python program and the spelling of another tool.
const asWritten = `# one company
name: secure-ai-api
runtime: yaml
resources:
  my-organization: # with its looks
    type: auth0:Organization
    properties:
      name: my-awesome-company
      display_name: My Awesome Company
      branding:
        colors: { primary: "#0000FF", pageBackground: "#FFFFFF" }
        logoUrl: https://example.com/logo.png
  my-org-member:
    type: auth0:OrganizationMember
    properties:
      userId: <USER_ID> # who
      organizationId: \${my-organization.id}
      roles: [<ROLE_ID>]
outputs:
  organization_domain: \${my-organization.authDomain}
`;

function fix(text, prepare = () => {}) {
  const dir = temporary('gatehouse-check-'), file = path.join(dir, 'Pulumi.yaml');
  fs.writeFileSync(file, text, { mode: 0o640 });
  prepare(dir);
  const { status, stdout, stderr } = spawnSync(gatehouse, ['check', '--fix', '-C', dir], { encoding: 'utf8', env: { PATH: '/nonexistent' }, timeout: 10000 });
  return { status, stdout, stderr: stderr.replaceAll(`${dir}/`, ''), text: fs.readFileSync(file, 'utf8'), mode: fs.statSync(file).mode & 0o777, files: fs.readdirSync(dir) };
}

test('check --fix writes what was meant, shows it, and keeps comments and mode', () => {
  const fixed = fix(asWritten);
  assert.equal(fixed.status, 0, fixed.stderr);
  assert.match(fixed.stdout, /^0 errors, 0 warnings/);
  assert.deepEqual([fixed.mode, fixed.files], [0o640, ['Pulumi.yaml']]);
  assert.match(fixed.stderr, /^Pulumi\.yaml:16: <USER_ID> is the config value userId now: give it with -c userId=…$/m);
  assert.match(fixed.stderr, /^@@ -6,15 \+6,26 @@$/m);
  assert.match(fixed.stderr, /^-( +)display_name: My Awesome Company\n(.*\n)*\+\1displayName: My Awesome Company$/m);
  for (const kept of ['# one company', 'my-organization: # with its looks', 'userId: "${userId}" # who']) assert.ok(fixed.text.includes(kept), fixed.text);
  assert.match(fixed.text, /my-org-member-roles:\n {4}type: auth0:OrganizationMemberRoles\n {4}properties:\n {6}organizationId: \$\{my-organization\.id\}\n {6}userId: "\$\{userId\}"\n {6}roles: \["\$\{roleId\}"\]\n/);
  assert.match(fixed.text, /organization_domain: \$\{tenant\.domain\}/);
  const again = fix(fixed.text);
  assert.deepEqual([again.status, again.text, again.stderr], [0, fixed.text, '']);
});

test('check --fix says what it cannot mend, and leaves a file alone that it cannot read', () => {
  const half = fix(`${head}  o:\n    type: auth0:Organization\n    properties:\n      display_name: A\n      nonsense: 1\n`);
  assert.equal(half.status, 1);
  assert.match(half.stderr, /^error: Pulumi\.yaml:8,7: Property nonsense does not exist on Organization/m);
  assert.match(half.text, /displayName: A\n {6}nonsense: 1/);
  const none = fix('name: [\n');
  assert.deepEqual([none.status, none.text], [1, 'name: [\n']);
  assert.match(none.stderr, /this is not YAML/);
  const elsewhere = path.join(temporary('gatehouse-check-'), 'file');
  fs.writeFileSync(elsewhere, asWritten);
  const link = fix('', (dir) => { fs.rmSync(path.join(dir, 'Pulumi.yaml')); fs.symlinkSync(elsewhere, path.join(dir, 'Pulumi.yaml')); });
  assert.equal(link.status, 1);
  assert.equal(fs.readFileSync(elsewhere, 'utf8'), asWritten);
});
