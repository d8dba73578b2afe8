// tests/e2e/stack_faults.test.mjs - the example through a proxy that limits, fails, resets and delays: the same tenant, only later.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { refusal, startFaultProxy } from './fault_proxy.mjs';
import { management, sleep, startGatehouse } from './harness.mjs';
import { assertSame, dump, exampleProject, must, password, runStack } from './stack_lab.mjs';

let g, api, proxy, empty, expected, calls;
const through = () => ({ ...g.childEnv, ...proxy.env });
before(async () => {
  g = await startGatehouse();
  api = await management(g);
  proxy = await startFaultProxy(g);
  empty = await dump(api);
  const dir = exampleProject();
  must(await runStack(through(), dir, ['up', '-y', '-c', `memberPassword=${password}`]));
  expected = await dump(api);
  calls = proxy.requests.length;
  must(await runStack(through(), dir, ['destroy', '-y']));
  assertSame(await dump(api), empty);
});
after(async () => { await proxy?.stop(); await g?.stop(); });

// Up and destroy with faults; `plan` sets them. What the tenant holds afterwards is what it holds without.
async function upThrough(plan) {
  const dir = exampleProject(), began = Date.now();
  proxy.reset();
  const hit = plan();
  const up = must(await runStack(through(), dir, ['up', '-y', '-c', `memberPassword=${password}`]));
  proxy.reset();
  assertSame(await dump(api), expected);
  assert.match(must(await runStack(through(), dir, ['up', '-y', '--expect-no-changes'])).out, /^ {4}17 unchanged$/m);
  must(await runStack(through(), dir, ['destroy', '-y']));
  assertSame(await dump(api), empty);
  assert.ok(hit.length > 0, 'no fault was injected');
  console.log(`${hit.length} faults in an up of ${calls} calls, ${Date.now() - began} ms: ${[...new Set(hit)].join(' ')}`);
  return up;
}

const writes = (request) => request.method !== 'GET' && !request.url.startsWith('/oauth');

test('rate limits are waited for, as Retry-After and X-RateLimit-Reset say', async () => {
  const up = await upThrough(() => {
    const hit = [];
    proxy.before = ({ n, method }) => {
      if (n % 12 !== 3) return undefined;
      hit.push(method);
      return hit.length % 2 ? refusal(429, { 'retry-after': '1' }) : refusal(429, { 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${Math.floor(Date.now() / 1000) + 1}` });
    };
    return hit;
  });
  assert.match(up.err, /waiting 1 s: the tenant's rate limit is reached/);
});

// Each row: what happens to every one of the writes, once.
for (const [name, kind, before, after] of [
  ['an answer of 500 after the change was made', 'failed-after', undefined, refusal(500)],
  ['a connection reset before the request reached the tenant', 'reset-before', 'reset', undefined],
  ['a connection reset after the change was made', 'reset-after', undefined, 'reset'],
])
  test(`${name} makes nothing twice`, { timeout: 120000 }, async () => {
    await upThrough(() => {
      const hit = [], seen = new Set();
      const once = (request, fault) => {
        const key = `${request.method} ${request.url}`;
        if (!fault || !writes(request) || seen.has(key)) return undefined;
        seen.add(key);
        hit.push(`${kind}:${request.method}`);
        return fault;
      };
      proxy.before = (request) => once(request, before);
      proxy.after = (request) => once(request, after);
      return hit;
    });
  });

test('a 500 before anything was done is tried again, a read as well as the token', async () => {
  await upThrough(() => {
    const hit = [];
    proxy.before = ({ n, method, url }) => {
      if (n !== 1 && n !== 5 && n !== calls - 2) return undefined;
      hit.push(`${method} ${url.split('?')[0]}`);
      return refusal(n === 5 ? 503 : 500);
    };
    return hit;
  });
});

test('slow answers change nothing but the time', async () => {
  await upThrough(() => {
    const hit = [];
    proxy.after = async ({ method }) => { hit.push(method); await sleep(20); };
    return hit;
  });
});

test('several calls at a time, no more than asked for, and the same lines in the same order', async () => {
  const lines = [];
  for (const parallel of [1, 4]) {
    const dir = exampleProject();
    let open = 0, most = 0;
    proxy.reset();
    proxy.before = () => { most = Math.max(most, ++open); };
    proxy.after = async () => { await sleep(10); open--; };
    const up = must(await runStack(through(), dir, ['up', '-y', '-p', `${parallel}`, '-c', `memberPassword=${password}`]));
    proxy.reset();
    assertSame(await dump(api), expected);
    assert.ok(parallel === 1 ? most === 1 : most > 1 && most <= parallel, `${most} calls at a time with -p ${parallel}`);
    lines.push(up.out.split('\n').filter((line) => / auth0:/.test(line)).map((line) => line.replace(/\(\d.*?s\)/, '')));
    must(await runStack(through(), dir, ['destroy', '-y']));
  }
  assert.deepEqual(lines[1], lines[0]);
});

test('what the tenant says of its rate is kept, and three tenths of it are left', async () => {
  let second = 0, sent = 0, fewest = Infinity;
  const up = await upThrough(() => {
    const hit = [];
    proxy.after = ({ method }, answer) => { // twenty calls a second, counted as the tenant would
      const now = Math.floor(Date.now() / 1000);
      if (now !== second) [second, sent] = [now, 0];
      const remaining = 20 - ++sent;
      fewest = Math.min(fewest, remaining);
      hit.push(method);
      return { ...answer, headers: { ...answer.headers, 'x-ratelimit-limit': '20', 'x-ratelimit-remaining': `${remaining}`, 'x-ratelimit-reset': `${now + 1}` } };
    };
    return hit;
  });
  assert.ok(fewest >= 6 - 1, `only ${fewest} of 20 were left`); // a second may end between a call and its answer
  assert.doesNotMatch(up.err, /rate limit is reached/);
});
