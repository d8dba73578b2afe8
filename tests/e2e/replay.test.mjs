// Recorded exchanges with Auth0, sent to this tenant: how much of each corpus it answers as Auth0 did must not shrink.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

import { gatehouse, noShared, root, shared } from './harness.mjs';

const server = `${gatehouse} dev --data {data} --port {port} --gateway-port 0 --env-file {env}`;
const corpora = { 'go-auth0': 0.9, terraform: 0.97 }; // the fraction of exchanges that the core tier must reach

function replay(corpus, floor) {
  const args = [path.join(shared, 'tools/replay'), '--server', server, '--corpus', corpus, '--tier', 'core', '--min-exchanges', String(floor), path.join(shared, 'recordings', corpus)];
  return new Promise((resolve) => {
    const child = spawn('python3', args, { cwd: root });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (out += data));
    child.on('close', (code) => resolve({ code, out }));
  });
}

for (const [corpus, floor] of Object.entries(corpora))
  test(`the core recordings of ${corpus} are answered as recorded`, { skip: noShared, timeout: 240000 }, async (t) => {
    const { code, out } = await replay(corpus, floor);
    const score = /^replay: core .* exchanges, .* files$/m.exec(out);
    assert.ok(score, out);
    t.diagnostic(score[0]);
    assert.equal(code, 0, `less than ${100 * floor} %: ${out}`);
  });
