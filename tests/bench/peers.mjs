// What the gateway is compared with: each peer is started on loopback, verifies the same claims of the same token where it can, and is
// stopped by the bench. A peer is { name, version, port, pids, headers, open, stop() }; `open`: it asks nobody for a token.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { once } from 'node:events';
import { root, until } from '../e2e/harness.mjs';
import { audience, issuer } from '../e2e/gateway_lab.mjs';

export const permission = 'chat:invoke';
const tools = path.join(root, '.tools/bench/node_modules');
const first = (command, ...args) => /\d+\.\d+[\w.]*/.exec(execFileSync(command, args, { encoding: 'utf8' }))[0];
const npmVersion = (folder, name) => JSON.parse(fs.readFileSync(path.join(folder, name, 'package.json'))).version;

export const listens = (port) => execFileSync('ss', ['-Hltn', `sport = :${port}`], { encoding: 'utf8' }) !== '';

// A process and all that it started.
function family(pid) {
  const list = [pid];
  for (const at of list)
    for (const task of fs.readdirSync(`/proc/${at}/task`)) {
      const children = fs.readFileSync(`/proc/${at}/task/${task}/children`, 'utf8').split(' ').filter(Boolean);
      list.push(...children.map(Number));
    }
  return list;
}

async function run(peer, command, args, env = {}) {
  const log = [];
  const child = spawn(command, args, { cwd: peer.dir, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => log.push(data));
  await until(`${peer.name} to listen`, () => {
    if (child.exitCode !== null) throw new Error(`${peer.name} ended:\n${Buffer.concat(log)}`);
    return listens(peer.port);
  });
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  return {
    ...peer,
    get pids() {
      if (ended()) throw new Error(`${peer.name} ended:\n${Buffer.concat(log)}`);
      return family(child.pid);
    },
    async stop() {
      if (ended()) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

// The claims that jwt_verify leaves to its user. A list cannot be asked for a member, so the first one is compared.
export function haproxy({ dir, port, upstream, pem }) {
  const claim = (name, test) => `http-request deny deny_status 401 unless { var(txn.t),jwt_payload_query('$.${name}') ${test} }`;
  fs.writeFileSync(path.join(dir, 'haproxy.cfg'), `global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend gate
  bind 127.0.0.1:${port}
  http-request set-var(txn.t) http_auth_bearer
  http-request set-var(txn.alg) var(txn.t),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.t),jwt_verify(txn.alg,"${pem}") 1 }
  ${claim('iss', `-m str ${issuer}`)}
  ${claim('aud[0]', `-m str ${audience}`)}
  ${claim('org_id', '-m found')}
  ${claim('permissions[0]', `-m str ${permission}`)}
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.t),jwt_payload_query('$.exp','int'),sub(txn.now) -m int gt 0 }
  default_backend api
backend api
  server one 127.0.0.1:${upstream}
`);
  return run({ name: 'HAProxy `jwt_verify`', version: first('haproxy', '-v'), port, dir }, 'haproxy', ['-f', 'haproxy.cfg', '-db']);
}

export function apache({ dir, port, upstream, pem }) {
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http', 'auth_openidc'];
  fs.writeFileSync(path.join(dir, 'apache.conf'), `${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ServerRoot ${dir}
ServerName localhost
PidFile apache.pid
ErrorLog apache.log
LogLevel crit
Listen 127.0.0.1:${port}
User www-data
Group www-data
Mutex default:${dir}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
KeepAlive On
MaxKeepAliveRequests 0
OIDCCryptoPassphrase bench
OIDCOAuthVerifyCertFiles k1#${pem}
OIDCOAuthRemoteUserClaim sub
<Location />
  AuthType oauth20
  <RequireAll>
    Require claim "iss:${issuer}"
    Require claim "aud:${audience}"
    Require claim "org_id~.+"
    Require claim "permissions:${permission}"
  </RequireAll>
  ProxyPass http://127.0.0.1:${upstream}/ keepalive=On
</Location>
`);
  const version = execFileSync('dpkg-query', ['-W', '-f', '${Version}', 'libapache2-mod-auth-openidc'], { encoding: 'utf8' }).split('-')[0];
  return run({ name: 'Apache `mod_auth_openidc`', version, port, dir }, 'apache2', ['-f', path.join(dir, 'apache.conf'), '-DFOREGROUND']);
}

// `proxy`: in front of the upstream itself; else it answers nginx's auth_request.
export function express({ dir, port, upstream, jwks, proxy }) {
  const clients = path.join(root, 'tests/e2e/node_modules');
  const version = `${npmVersion(clients, 'express')}, ${npmVersion(clients, 'express-oauth2-jwt-bearer')}`;
  return run({ name: proxy ? 'Express + `express-oauth2-jwt-bearer`' : 'nginx `auth_request` → Express', version, port, dir },
    process.execPath, [path.join(root, 'tests/bench/express.mjs'), String(port), issuer, audience, permission, jwks, proxy ? String(upstream) : ''], { NODE_ENV: 'production' });
}

// It listens on all addresses unless told otherwise, which its command line cannot: so net is told.
const loopback = "data:text/javascript,import net from 'node:net'; const { listen } = net.Server.prototype; net.Server.prototype.listen = function (port, ...rest) { return listen.call(this, port, '127.0.0.1', ...rest.filter((x) => typeof x === 'function')); };";

export function portkey({ dir, port, upstream }) {
  return run({
    name: '`@portkey-ai/gateway`, asks for no token', version: npmVersion(tools, '@portkey-ai/gateway'), port, dir, open: true,
    headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `http://127.0.0.1:${upstream}/v1` },
  }, process.execPath, ['--import', loopback, path.join(tools, '@portkey-ai/gateway/build/start-server.js'), `--port=${port}`, '--headless'], { NODE_ENV: 'production' });
}
