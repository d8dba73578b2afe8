// `gatehouse dev`: what others rely on (ports, environment file, children, start and memory).
import assert from 'node:assert/strict';
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';

import { gatehouse, sleep, startGatehouse, temporary, until } from './harness.mjs';
import { Key } from './gateway_lab.mjs';
import { Issuer } from './issuer_lab.mjs';

const alive = (pid) => { try { process.kill(pid, 0); return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1][0] !== 'Z'; } catch { return false; } };
const residentMiB = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const childrenOf = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const ready = async (g) => (await fetch(`${g.origin}/readyz`).catch(() => ({}))).status === 200;

function runDev(args, env = {}) {
  return spawnSync(gatehouse, ['dev', ...args], { encoding: 'utf8', timeout: 15000, env: { ...process.env, ...env } });
}

test('starts, answers, tells the clients, and ends within 3 s', async (t) => {
  const dir = temporary();
  const first = await startGatehouse({ dir });
  t.diagnostic(`new DIR: ready after ${first.readyMs.toFixed(0)} ms`);
  for (const name of ['AUTH0_DOMAIN', 'AUTH0_CLIENT_ID', 'AUTH0_CLIENT_SECRET', 'SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'GATEHOUSE_GATEWAY'])
    assert.ok(first.env[name], name);
  assert.equal(fs.statSync(path.join(dir, 'test-env')).mode & 0o777, 0o600);
  assert.equal(fs.statSync(dir).mode & 0o077, 0);
  assert.ok(await ready(first));

  await t.test('the local CA vouches for localhost and loopback alone, and strict verifiers agree', () => {
    const [host, port] = first.domain.split(':');
    const strict = spawnSync('openssl', ['s_client', '-connect', `${host}:${port}`, '-CAfile', first.env.NODE_EXTRA_CA_CERTS, '-x509_strict', '-verify_hostname', 'localhost', '-verify_return_error'], { input: '', encoding: 'utf8' });
    assert.match(strict.stdout, /Verify return code: 0 \(ok\)/);
    const text = execFileSync('openssl', ['x509', '-in', first.env.NODE_EXTRA_CA_CERTS, '-noout', '-text'], { encoding: 'utf8' });
    assert.match(text, /Name Constraints: critical/);
    assert.match(text, /DNS:localhost/);
  });

  await t.test('a second dev on the same DIR is refused', () => {
    const second = runDev(['--data', dir, '--port', '0', '--gateway-port', '0']);
    assert.equal(second.status, 1);
    assert.match(second.stderr, /another gatehouse dev runs there/);
  });

  await t.test('nothing listens beyond loopback', () => {
    const sockets = new Set();
    for (const pid of [first.child.pid, ...childrenOf(first.child.pid), ...childrenOf(first.pid('nginx'))])
      for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
        const inode = /socket:\[(\d+)\]/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`).toString())?.[1];
        if (inode) sockets.add(inode);
      }
    const addresses = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => fs.readFileSync(file, 'utf8').split('\n').slice(1))
      .map((line) => line.trim().split(/\s+/)).filter((f) => f[3] === '0A' && sockets.has(f[9])).map((f) => f[1].split(':')[0]);
    assert.ok(addresses.length >= 2);
    for (const address of addresses) assert.ok(['0100007F', '00000000000000000000000001000000'].includes(address), address);
  });

  await t.test('memory at rest', async (t) => {
    await sleep(500);
    const tenant = residentMiB(first.pid('tenant')), workers = childrenOf(first.pid('nginx')).map(residentMiB);
    t.diagnostic(`resident: tenant ${tenant.toFixed(1)} MiB, nginx workers ${workers.map((w) => w.toFixed(1)).join(' and ')} MiB`);
    assert.ok(tenant <= 20, `tenant rests in ${tenant} MiB`);
    assert.ok(Math.max(...workers) <= 15, `worker rests in ${workers} MiB`);
  });

  await t.test('each child comes back when it is killed, and no child outlives its parent', async () => {
    for (const name of ['tenant', 'mock', 'nginx']) {
      const pid = first.pid(name);
      process.kill(pid, 'SIGKILL');
      await until(`${name} to come back`, () => first.pid(name) !== pid && alive(first.pid(name)));
      await until(`answers after ${name} came back`, () => ready(first));
    }
  });

  const stopping = Date.now();
  const { code } = await first.stop();
  assert.equal(code, 0);
  assert.ok(Date.now() - stopping < 3000, `stopped after ${Date.now() - stopping} ms`);

  await t.test('the same DIR again: same ports, same machine client, known tokens', async (t) => {
    const again = await startGatehouse({ dir });
    t.diagnostic(`existing DIR: ready after ${again.readyMs.toFixed(0)} ms`);
    assert.deepEqual(again.env, first.env);
    const pids = ['tenant', 'mock', 'nginx'].map(again.pid).concat(childrenOf(again.pid('nginx')));
    await again.stop('SIGKILL');
    await until('the children to die with their parent', () => !pids.some(alive), 5000);
    fs.rmSync(dir, { recursive: true });
  });
});

test('bad options are told apart, and nothing is made', async () => {
  const dir = path.join(temporary(), 'never');
  const rows = [
    [[], /--data: is needed/],
    [['--data', dir, '--port', 'many'], /--port has a value that does not fit/],
    [['--data', dir, '--port', '70000'], /at most 65535/],
    [['--data', dir, '--upstream', 'ftp://x'], /--upstream: needs http/],
    [['--data', dir, '--upstream', 'https://api.example.com/v1'], /without a path/],
    [['--data', dir, '--audience', 'a b'], /--audience: needs/],
    [['--data', dir, '--frobnicate'], /--frobnicate is not an option/],
    [['--data', `${dir}"`], /not supported/],
  ];
  for (const [args, message] of rows) {
    const result = runDev(args);
    assert.equal(result.status, 2, args.join(' '));
    assert.match(result.stderr, message);
  }
  assert.ok(!fs.existsSync(dir));
  assert.equal(runDev(['--help']).status, 0);
});

test('a busy port that was asked for is an error', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const dir = temporary();
  const result = runDev(['--data', dir, '--port', String(server.address().port), '--gateway-port', '0']);
  server.close();
  assert.equal(result.status, 2);
  assert.match(result.stderr, /--port: port \d+ is busy/);
  fs.rmSync(dir, { recursive: true });
});

test('an ordinary user can run it', { skip: process.getuid() !== 0 && 'skipped: not root, every other test shows it' }, async () => {
  const dir = temporary();
  // The checkout may lie where only root can look: that user runs a copy.
  const program = path.join(dir, 'gatehouse');
  fs.copyFileSync(gatehouse, program);
  fs.mkdirSync(path.join(dir, 'gateway'));
  fs.copyFileSync(path.join(path.dirname(gatehouse), 'gateway/ngx_http_gatehouse_module.so'), path.join(dir, 'gateway/ngx_http_gatehouse_module.so'));
  execFileSync('chown', ['-R', '65534:65534', dir]);
  const envFile = path.join(dir, 'test-env');
  const child = spawn(program, ['dev', '--data', path.join(dir, 'data'), '--port', '0', '--gateway-port', '0', '--env-file', envFile],
    { uid: 65534, gid: 65534, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (data) => (log += data));
  const exit = new Promise((resolve) => child.once('exit', resolve));
  try {
    await until('dev as nobody', () => { if (child.exitCode !== null) throw new Error(log); return fs.existsSync(envFile); });
  } finally {
    child.kill('SIGTERM');
    await exit;
    fs.rmSync(dir, { recursive: true, force: true });
  }
});

test('--trust-issuer: the gateway believes another issuer too, whose keys the helper gets', async () => {
  const issuer = await Issuer.start();
  const g = await startGatehouse({ args: ['--trust-issuer', issuer.url], env: { SSL_CERT_FILE: issuer.ca } });
  const ask = async (token) => (await fetch(`${g.gateway}/v1/models`, { headers: { authorization: `Bearer ${token}` } })).status;
  const claims = { aud: g.audience, permissions: ['models:list'] };
  try {
    await until('the keys', async () => (await ask(issuer.token(issuer.keys[0], claims))) === 200);
    assert.equal(await ask(issuer.keys[0].token({ ...claims, iss: g.issuer })), 401);
    assert.equal(await ask(issuer.token(new Key('k1'), claims)), 401);
    const pid = g.pid('feed');
    process.kill(pid, 'SIGKILL');
    await until('the helper to come back', () => g.pid('feed') !== pid && alive(g.pid('feed')));
    assert.equal(await ask(issuer.token(issuer.keys[0], claims)), 200);
    const last = g.pid('feed');
    await g.stop();
    assert.ok(!alive(last));
  } finally {
    await g.stop();
    issuer.close();
  }
});
test('--trust-issuer: what is no issuer is refused', () => {
  for (const url of ['http://a.example/', 'a.example', 'https://a.example/;x', 'https://$host/', ''])
    assert.equal(runDev(['--data', temporary(), '--trust-issuer', url]).status, 2, url);
});
