// tests/e2e/stack_kill.test.mjs - `gatehouse up` killed at each of its calls, before the tenant saw it and after it was done.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startFaultProxy } from './fault_proxy.mjs';
import { management, startGatehouse } from './harness.mjs';
import { assertSame, dump, exampleProject, must, password, runStack } from './stack_lab.mjs';

let g, api, proxy, empty, expected, calls;
// No passphrase: deriving a key from it takes longer than all the rest of a run.
const env = () => ({ ...g.childEnv, ...proxy.env, PULUMI_CONFIG_PASSPHRASE: undefined });
const project = () => exampleProject((text) => text.replace('memberPassword: { type: string, secret: true }', `memberPassword: { type: string, default: ${password} }`));
const up = ['up', '-y', '--show-sames'];
before(async () => {
  g = await startGatehouse();
  api = await management(g);
  proxy = await startFaultProxy(g);
  empty = await dump(api);
  const dir = project();
  must(await runStack(env(), dir, up));
  calls = proxy.requests.length;
  expected = await dump(api);
  must(await runStack(env(), dir, ['destroy', '-y']));
  assertSame(await dump(api), empty);
});
after(async () => { await proxy?.stop(); await g?.stop(); });

// Runs until call `n`, dies there for certain, and is run again.
async function killAt(dir, n, where) {
  let child, died;
  proxy.reset();
  proxy[where] = async (request) => {
    if (request.n !== n) return undefined;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone; // nobody is there any more who could read the answer or send another call
    died = request;
    return 'reset';
  };
  const result = await runStack(env(), dir, up, (process) => (child = process));
  assert.equal(result.signal, 'SIGKILL', `call ${n} was never made: ${result.out}${result.err}`);
  proxy.reset();
  return died;
}

for (const where of ['before', 'after'])
  test(`killed ${where} the tenant does what it was asked, at every call: the next up converges`, { timeout: 300000 }, async () => {
    const tally = { runs: 0, writes: 0, taken: 0 };
    for (let n = 1; n <= calls; n++) {
      const dir = project();
      const at = await killAt(dir, n, where), label = `${where} call ${n}: ${at.method} ${at.url}`;
      const next = must(await runStack(env(), dir, up));
      try { assertSame(await dump(api), expected); } catch (error) { error.message = `${label}\n${error.message}\n${next.out}`; throw error; }
      assert.doesNotMatch(next.out, /adopted/, `${label}: what the killed run made is ours\n${next.out}`);
      must(await runStack(env(), dir, ['preview', '--expect-no-changes']));
      must(await runStack(env(), dir, ['destroy', '-y']));
      try { assertSame(await dump(api), empty); } catch (error) { error.message = `${label}, after destroy\n${error.message}\n${next.out}`; throw error; }
      tally.runs++;
      tally.writes += at.method !== 'GET';
      tally.taken += /cut off/.test(next.out);
    }
    console.log(`killed ${where} each of ${calls} calls: ${tally.runs} runs converged, ${tally.writes} at a write, ${tally.taken} found what the killed run had made; 0 duplicates, 0 left after destroy`);
  });
