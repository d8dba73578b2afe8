// tests/e2e/issuer_lab.mjs - a token issuer over HTTPS that answers as it is told, the helper that follows it, and a clock that tests move.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { once } from 'node:events';
import { endWithUs, gatehouse, root, temporary, until } from './harness.mjs';
import { Key } from './gateway_lab.mjs';

const movedClock = path.join(root, process.env.GATEHOUSE_BUILD || 'build', 'tests/unit/follow/libmoved_clock.so');

let certificate;
export function localhostCertificate() {
  if (!certificate) {
    const dir = temporary('gatehouse-tls-');
    certificate = { key: path.join(dir, 'key.pem'), cert: path.join(dir, 'cert.pem') };
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', certificate.key, '-out', certificate.cert,
      '-days', '3650', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
  }
  return certificate;
}

// `issuer.answer` maps a path to (request, response) => void; what is not there is 404. `hits` are the paths that were asked for.
export class Issuer {
  static async start(keys = [new Key('k1')]) {
    const self = new Issuer();
    const { key, cert } = localhostCertificate();
    Object.assign(self, { keys, hits: [], headers: {}, ca: cert });
    self.server = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (request, response) => {
      self.hits.push(request.url);
      const answer = self.answer[request.url];
      if (answer) answer(request, response); else response.writeHead(404).end();
    });
    self.server.listen(0, '127.0.0.1');
    await once(self.server, 'listening');
    self.port = self.server.address().port;
    self.url = `https://localhost:${self.port}/`;
    self.honest();
    return self;
  }
  json(body, status = 200) {
    return (request, response) => response.writeHead(status, { 'content-type': 'application/json', ...this.headers }).end(typeof body === 'string' ? body : JSON.stringify(body));
  }
  get jwks() { return { keys: this.keys.map((key) => key.jwk) }; }
  honest() {
    this.answer = {
      '/.well-known/openid-configuration': this.json({ issuer: this.url, jwks_uri: `${this.url}jwks` }),
      '/jwks': (request, response) => this.json(this.jwks)(request, response),
    };
  }
  fetches(of = '/jwks') { return this.hits.filter((hit) => hit === of).length; }
  token(key, claims = {}) { return key.token({ iss: this.url, ...claims }); }
  // What happens to a connection of a server that is gone.
  async down() { this.server.closeAllConnections(); this.server.close(); await once(this.server, 'close').catch(() => {}); }
  async up() {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }
  close() { this.server.closeAllConnections(); this.server.close(); }
}

// `gatehouse feed` with a clock of its own: `later(seconds)` moves it.
export class Helper {
  static async start(dir, args, { ready = true } = {}) {
    const self = new Helper();
    Object.assign(self, { dir, log: '', exited: null, clock: path.join(dir, 'clock'), seconds: 0 });
    fs.writeFileSync(self.clock, '0');
    self.child = endWithUs(spawn(gatehouse, ['feed', '--data', path.join(dir, 'feeds'), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LD_PRELOAD: movedClock, MOVED_CLOCK: self.clock },
    }));
    self.child.stderr.on('data', (data) => (self.log += data));
    self.exit = once(self.child, 'exit').then(([code, signal]) => (self.exited = { code, signal }));
    if (ready) await self.says('event=feed.ready');
    return self;
  }
  later(seconds) {
    this.seconds += seconds;
    fs.writeFileSync(`${this.clock}.new`, String(this.seconds));
    fs.renameSync(`${this.clock}.new`, this.clock);
  }
  // Waits for a line that is new since the last call that found one.
  async says(what, ms = 5000) {
    let at = -1;
    await until(`the helper to say ${what}; it said:\n${this.log}`, () => {
      if (this.exited) throw new Error(`the helper ended: ${JSON.stringify(this.exited)}\n${this.log}`);
      at = this.log.indexOf(what, this.seen ?? 0);
      return at >= 0;
    }, ms);
    const line = this.log.slice(this.log.lastIndexOf('\n', at) + 1, this.log.indexOf('\n', at) + 1 || undefined);
    this.seen = at + what.length;
    return line;
  }
  async stop(signal = 'SIGTERM') {
    if (!this.exited) this.child.kill(signal);
    return this.exit;
  }
}

export const feedOf = (dir, issuer) => path.join(dir, 'feeds', `localhost_${issuer.port}.feed`);
