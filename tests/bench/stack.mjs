// script/bench stack - the preview of a stack whose 10,000 resources have not changed, and beside it plain curl fetching the same pages over one
// connection: what the tenant and the transport cost by themselves. Interleaved rounds, medians; peak memory as the kernel counts it.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gatehouse, management, temporary } from '../e2e/harness.mjs';
import { personId, startWithPeople } from '../e2e/people_lab.mjs';
import { project, runStack } from '../e2e/stack_lab.mjs';
import { startFaultProxy } from '../e2e/fault_proxy.mjs';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, resources: { type: 'string', default: '10000' }, json: { type: 'string' } } });
const rounds = Number(options.rounds), resources = Number(options.resources);
const org = 'resources:\n  org: { type: auth0:Organization, properties: { name: bench, displayName: Bench } }\n';
const member = (i) => `  m${i}: { type: auth0:OrganizationMember, properties: { organizationId: "\${org.id}", userId: "${personId(i)}" } }\n`;
const user = (i) => `  u${i}: { type: auth0:User, properties: { connectionName: Username-Password-Authentication, email: p${i}@people.example, emailVerified: false } }\n`;
const many = (n, make) => Array.from({ length: n }, (_, i) => make(i)).join('');
const shapes = { members: org + many(resources - 1, member), 'users and members': org + many(resources / 2 - 1, (i) => user(i) + member(i)) };

const g = await startWithPeople(temporary(), resources), proxy = await startFaultProxy(g);
const env = { ...g.childEnv, PULUMI_CONFIG_PASSPHRASE: undefined };
const { token } = await management(g);
const must = ({ code, err }) => { if (code) throw new Error(err.slice(0, 1000)); };
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const timed = (command, args, extra) => {
  const began = process.hrtime.bigint(), run = spawnSync(command, args, { encoding: 'utf8', ...extra });
  return { ms: Number(process.hrtime.bigint() - began) / 1e6, ...run };
};
// The kernel's word: getrusage of the child.
const python = 'import resource,subprocess,sys; code=subprocess.call(sys.argv[1:],stdout=subprocess.DEVNULL); u=resource.getrusage(resource.RUSAGE_CHILDREN); print(u.ru_maxrss, u.ru_utime+u.ru_stime, code)';

const report = { resources, rounds, cases: [] };
for (const [name, text] of Object.entries(shapes)) {
  const dir = project(text);
  must(await runStack(env, dir, ['up', '-y', '--skip-preview']));
  proxy.reset();
  must(await runStack({ ...env, ...proxy.env }, dir, ['preview', '--expect-no-changes']));
  const urls = proxy.requests.filter(({ method }) => method === 'GET').map(({ url }) => g.origin + url), requests = proxy.requests.length;
  const config = path.join(dir, 'curl');
  fs.writeFileSync(config, [`header = "Authorization: Bearer ${token}"`, 'silent', ...urls.flatMap((url) => [`url = "${url.replaceAll('"', '%22')}"`, 'output = /dev/null'])].join('\n'));
  const ours = [], curl = [], memory = [], cpu = [];
  for (let round = 0; round < rounds; round++) {
    const preview = timed('python3', ['-c', python, gatehouse, 'preview', '-C', dir, '--expect-no-changes'], { env });
    const [kilobytes, seconds, code] = preview.stdout.trim().split(' ').map(Number);
    if (code !== 0) throw new Error(preview.stderr);
    ours.push(preview.ms);
    memory.push(kilobytes / 1024);
    cpu.push(seconds * 1000);
    const fetched = timed('curl', ['--cacert', g.env.NODE_EXTRA_CA_CERTS, '-K', config]);
    if (fetched.status !== 0) throw new Error(fetched.stderr);
    curl.push(fetched.ms);
  }
  const row = { name, requests, preview_ms: median(ours), cpu_ms: median(cpu), curl_ms: median(curl), ratio: median(ours.map((ms, i) => ms / curl[i])), peak_mb: Math.max(...memory) };
  report.cases.push(row);
  console.log(`${resources} resources, ${name}: preview ${row.preview_ms.toFixed(0)} ms (${row.cpu_ms.toFixed(0)} ms CPU) with ${requests} requests, peak ${row.peak_mb.toFixed(1)} MB; curl alone ${row.curl_ms.toFixed(0)} ms; ratio ${row.ratio.toFixed(2)}`);
  must(await runStack(env, dir, ['destroy', '-y']));
}
if (options.json) fs.writeFileSync(options.json, JSON.stringify(report, null, 2) + '\n');
await proxy.stop();
await g.stop();
