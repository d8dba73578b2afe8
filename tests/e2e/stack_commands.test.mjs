// tests/e2e/stack_commands.test.mjs - the commands around a stack that need no tenant: config and stack.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gatehouse, temporary } from './harness.mjs';

const canary = 'Canary-Horse-Battery-2026';

function project(config = '') {
  const dir = temporary('gatehouse-stack-');
  fs.writeFileSync(path.join(dir, 'Pulumi.yaml'), `name: p\nruntime: yaml\n${config}`);
  return dir;
}

function run(dir, args, { input = '', passphrase = 'open sesame', code = 0 } = {}) {
  const env = { ...process.env, PULUMI_CONFIG_PASSPHRASE: passphrase };
  delete env.PULUMI_STACK;
  if (passphrase === null) delete env.PULUMI_CONFIG_PASSPHRASE;
  const result = spawnSync(gatehouse, [...args, '-C', dir], { env, input, encoding: 'utf8' });
  assert.equal(result.status, code, `${args.join(' ')}\n${result.stdout}${result.stderr}`);
  return result;
}

test('a value is set, read, listed and taken out', () => {
  const dir = project('config:\n  email: { type: string }\n  seats: 5\n  pw: { type: string, secret: true }\n');
  const file = () => fs.readFileSync(path.join(dir, 'Pulumi.dev.yaml'), 'utf8');
  run(dir, ['config', 'set', 'email', 'ada@example.com']);
  run(dir, ['config', 'set', 'pw'], { input: `${canary}\n` });
  run(dir, ['config', 'set', 'auth0:debug', 'true', '--secret']);
  assert.ok(!file().includes(canary) && file().includes('p:email: ada@example.com'));
  assert.equal(run(dir, ['config', 'get', 'pw']).stdout, `${canary}\n`);
  assert.equal(run(dir, ['config', 'get', 'p:email']).stdout, 'ada@example.com\n');
  assert.equal(run(dir, ['config', 'get', 'seats']).stdout, '5\n');
  assert.deepEqual(JSON.parse(run(dir, ['config', 'get', 'pw', '--json']).stdout), { secret: true, value: canary });
  const list = run(dir, ['config']).stdout;
  assert.match(list, /^email +ada@example.com$/m);
  assert.match(list, /^pw +\[secret\]$/m);
  assert.ok(!list.includes(canary));
  assert.deepEqual(JSON.parse(run(dir, ['config', '--json'], { passphrase: null }).stdout), {
    'p:email': { secret: false, value: 'ada@example.com' }, 'p:pw': { secret: true }, 'auth0:debug': { secret: true },
  });
  assert.ok(run(dir, ['config', '--show-secrets']).stdout.includes(canary));
  run(dir, ['config', 'rm', 'email']);
  run(dir, ['config', 'rm', 'email'], { code: 1 });
  run(dir, ['config', 'get', 'email'], { code: 1 });
  assert.ok(!file().includes('email'));
});

test('config refuses what is wrong', () => {
  const dir = project('config:\n  pw: { type: string, secret: true }\n  n: { type: integer }\n');
  for (const args of [['set'], ['get'], ['rm'], ['set', 'n', '1', '--secret', '--plaintext'], ['set', 'n', 'many'], ['set', 'nn', '1'], ['change']])
    run(dir, ['config', ...args], { code: 2 });
  assert.match(run(dir, ['config', 'set', 'pw', 'x'], { code: 2, passphrase: null }).stderr, /PULUMI_CONFIG_PASSPHRASE/);
  run(dir, ['config', 'set', 'pw', 'x']);
  run(dir, ['config', 'get', 'pw'], { code: 1, passphrase: null });
  run(dir, ['config', '--show-secrets'], { code: 2, passphrase: null });
  run(dir, ['config'], { code: 2, passphrase: 'another' });
  assert.match(run(dir, ['config', 'set', '--help']).stdout, /--secret/);
});
