// tests/e2e/host_lab.mjs - programs in other languages: their SDKs, a running tenant, and the stack that each language must make alike.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { artefacts, gatehouse, management, root, startGatehouse, temporary } from './harness.mjs';

export const canary = 'Canary-Horse-Battery-2026';

// A folder with the SDKs, made once and kept (test files that run at the same time wait for the one that makes it); or why there is none.
function install(language, versions, steps) {
  const folder = path.join(artefacts, 'sdk', language), done = path.join(folder, `.done-${versions}`);
  if (fs.existsSync(done)) return { folder, missing: false };
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  const script = ['set -e', '[ ! -e "$DONE" ] || exit 0', 'rm -rf "$FOLDER"', 'mkdir "$FOLDER"', 'cd "$FOLDER"',
    ...steps(folder).map((step) => step.map((word) => `'${word}'`).join(' ')), 'touch "$DONE"'].join('\n');
  const { status } = spawnSync('flock', [`${folder}.lock`, 'sh', '-c', script], { env: { ...process.env, DONE: done, FOLDER: folder }, timeout: 300000 });
  return { folder, missing: status === 0 ? false : `skipped: the SDKs for ${language} could not be installed; is the registry out of reach?` };
}

const node = { pulumi: '3.248.0', auth0: '3.49.0' }, python = { pulumi: '3.272.0', auth0: '3.55.1' };
export const installNode = () => install('nodejs', `${node.pulumi}-${node.auth0}`, (folder) => [
  ['npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, `@pulumi/pulumi@${node.pulumi}`, `@pulumi/auth0@${node.auth0}`]]);
export const installPython = () => install('python', `${python.pulumi}-${python.auth0}`, (folder) => [
  ['python3', '-m', 'venv', folder],
  [path.join(folder, 'bin/pip'), 'install', '--quiet', '--disable-pip-version-check', `pulumi==${python.pulumi}`, `pulumi_auth0==${python.auth0}`]]);

export async function startLab() {
  const g = await startGatehouse();
  const lab = { g, api: await management(g), stop: () => g.stop() };
  const tmp = temporary('gatehouse-host-'); // a host that is killed leaves its folder
  lab.run = (dir, args, env = {}) => new Promise((resolve) => {
    const child = spawn(gatehouse, [...args, '-C', dir], { env: { ...g.childEnv, TMPDIR: tmp, PULUMI_CONFIG_PASSPHRASE: 'open sesame', ...env } });
    let out = '', err = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('close', (code) => resolve({ code, out, err }));
  });
  return lab;
}
export const must = (result, code = 0) => { assert.equal(result.code, code, result.out + result.err); return result; };

// A folder with these files.
export function programFolder(files) {
  const dir = temporary('gatehouse-host-');
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(dir, name), text);
  return dir;
}
export const copyOf = (language, dir) => { fs.cpSync(path.join(root, 'tests/data/host', language), dir, { recursive: true }); return dir; };

export async function proveTheHostedStack({ run, api, g }, dir) {
  const seen = must(await run(dir, ['preview', '-c', `password=${canary}`]));
  assert.match(seen.out, /\+ 13 to create/);
  assert.match(seen.out, /organizationId: +\[unknown\]/);
  assert.match(seen.err, /asked for a preview/);
  assert.equal((await api.get('organizations')).body.length, 0);

  const up = must(await run(dir, ['up', '-y']));
  assert.match(up.out, /\+ 13 created/);
  assert.match(up.err, /asked for an update/);
  const [organization] = (await api.get('organizations')).body;
  assert.deepEqual([organization.name, organization.display_name, organization.branding.colors],
    ['hosted-acme', 'Acme for https://hosted-api.example.com/v1', { primary: '#0000FF', page_background: '#FFFFFF' }]);
  const [member] = (await api.get(`organizations/${organization.id}/members`)).body;
  assert.equal(member.email, 'ada@example.com');
  const roles = (await api.get(`organizations/${organization.id}/members/${member.user_id}/roles`)).body.map((role) => role.name).sort();
  assert.deepEqual(roles, ['hosted-sales', 'hosted-support']);
  const server = (await api.get('resource-servers')).body.find((one) => one.name === 'hosted-api');
  assert.equal(server.token_lifetime, 7200);

  const outputs = JSON.parse(must(await run(dir, ['stack', 'output', '--json'])).out);
  assert.deepEqual(outputs, { organizationId: organization.id, roleCount: 2, password: '[secret]', domain: g.domain });
  assert.equal(JSON.parse(must(await run(dir, ['stack', 'output', '--json', '--show-secrets'])).out).password, canary);
  for (const text of [seen.out, seen.err, up.out, up.err, fs.readFileSync(path.join(dir, '.gatehouse/dev.json'), 'utf8'), fs.readFileSync(path.join(dir, 'Pulumi.dev.yaml'), 'utf8')])
    assert.ok(!text.includes(canary));

  assert.match(must(await run(dir, ['up', '-y', '--expect-no-changes'])).out, /^ {4}13 unchanged$/m);
  // One department less: its role and permissions go, at the end.
  const less = must(await run(dir, ['up', '-y', '-c', 'departments=["sales"]']));
  assert.match(less.out, /- 2 deleted/);
  assert.deepEqual((await api.get('roles')).body.map((role) => role.name).filter((name) => name.startsWith('hosted-')), ['hosted-sales']);
  must(await run(dir, ['destroy', '-y']));
  assert.deepEqual([(await api.get('organizations')).body, (await api.get('roles')).body.filter((role) => role.name.startsWith('hosted-'))], [[], []]);
}
