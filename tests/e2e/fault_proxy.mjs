// tests/e2e/fault_proxy.mjs - a proxy between a client and the tenant that does to them what networks and hosts do.
// It speaks TLS with the leaf that `gatehouse dev` made for localhost, so the client needs to know nothing but its address.
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';

export const refusal = (status, headers = {}) => ({
  status, headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({ statusCode: status, error: 'Fault', message: 'injected by the proxy' }),
});

// Options `before` and `after` may be changed between runs. Each is called with { n, method, url } (n counts from 1 in a run):
//   before(request)          undefined: forward; 'reset': cut the connection; a refusal: answer that, nothing reaches the tenant
//   after(request, answer)   the tenant has done it: undefined: pass on; 'reset' or a refusal instead of what it answered
export async function startFaultProxy(g) {
  const tls = path.join(g.dir, 'tls');
  const agent = new https.Agent({ keepAlive: true });
  const proxy = { requests: [], before: () => undefined, after: () => undefined };
  const forward = (request, body) => new Promise((resolve, reject) => {
    const onward = https.request(`${g.origin}${request.url}`, { method: request.method, agent, headers: { ...request.headers, host: g.domain } }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part)).on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    onward.on('error', reject).end(body);
  });
  const serve = async (incoming, response) => {
    const parts = [];
    for await (const part of incoming) parts.push(part);
    const request = { n: proxy.requests.length + 1, method: incoming.method, url: incoming.url, body: Buffer.concat(parts).toString() };
    proxy.requests.push(request);
    let answer = await proxy.before(request);
    if (!answer) {
      answer = await forward(incoming, Buffer.concat(parts));
      request.status = answer.status;
      answer = (await proxy.after(request, answer)) ?? answer;
    }
    if (answer === 'reset') return incoming.socket.resetAndDestroy?.() ?? incoming.socket.destroy();
    const headers = { ...answer.headers };
    for (const name of ['connection', 'keep-alive', 'transfer-encoding']) delete headers[name];
    response.writeHead(answer.status, headers).end(answer.body);
  };
  const server = https.createServer({ cert: fs.readFileSync(path.join(tls, 'localhost.pem')), key: fs.readFileSync(path.join(tls, 'localhost.key')) },
    (incoming, response) => serve(incoming, response).catch(() => incoming.socket.destroy())); // the client was killed under it
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.domain = `localhost:${server.address().port}`;
  // The token is for the tenant's own API, whatever the way there.
  proxy.env = { AUTH0_DOMAIN: proxy.domain, AUTH0_AUDIENCE: `${g.origin}/api/v2/` };
  proxy.reset = () => { proxy.requests = []; proxy.before = proxy.after = () => undefined; };
  proxy.stop = () => { agent.destroy(); server.closeAllConnections(); return new Promise((resolve) => server.close(resolve)); };
  return proxy;
}
