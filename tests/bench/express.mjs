// What many write by hand today: an Express app that verifies the token with Auth0's middleware, asks for an organization and a permission,
// and then proxies, or with no upstream answers nginx's auth_request. Its packages are those of tests/e2e.
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const express = require('express'), { auth } = require('express-oauth2-jwt-bearer');

const [port, issuer, audience, permission, jwksUri, upstream] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const app = express();
app.disable('x-powered-by');
app.use(auth({ issuer, audience, jwksUri, tokenSigningAlg: 'RS256' }));
app.use((request, response, next) => {
  const { org_id, permissions } = request.auth.payload;
  if (!org_id || !permissions?.includes(permission)) return response.status(403).json({ error: 'forbidden' });
  next();
});
app.use((request, response) => {
  if (!upstream) return response.status(204).end();
  const { authorization, host, ...headers } = request.headers;
  const sent = http.request({ host: '127.0.0.1', port: upstream, agent, method: request.method, path: request.originalUrl, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  sent.on('error', () => response.status(502).end());
  request.pipe(sent);
});
app.use((error, request, response, next) => response.status(error.status ?? 500).json({ error: error.message }));
app.listen(Number(port), '127.0.0.1');
