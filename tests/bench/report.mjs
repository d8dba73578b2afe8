// The result of script/bench gateway as people read it: on the terminal, as JSON, as a table and a chart in docs/.
import fs from 'node:fs';
import path from 'node:path';

const number = (n) => n.toLocaleString('en-US');
const find = (result, name) => result.find((r) => r.name === name);

// What must hold: [what, its value, at least].
function floors(result) {
  const ratio = (name) => find(result, name)?.ratio;
  const times = (name) => { const ours = find(result, 'guarded, 1 token'), peer = find(result, name); return peer && ours.requests_per_second / peer.requests_per_second; };
  return [
    ['warm, 1 token, of bare', ratio('guarded, 1 token'), 0.85], ['warm, 1,000 tokens, of bare', ratio('guarded, 1,000 tokens'), 0.85],
    ['with the model rule, of bare', ratio('guarded, with the model rule'), 0.8], ['cold RS256, of bare', ratio('guarded, cold, RS256'), 0.4],
    ['prompt of 115 KB, of bare with a buffer of 512 KB', ratio('guarded, prompt of 115 KB'), 0.9],
    ['forward-auth, of `auth_request` to an authorizer that asks nothing', ratio('`auth_request` to our forward-auth'), 0.9],
    ['times Express as a proxy', times('Express + `express-oauth2-jwt-bearer`'), 12], ['times Portkey', times('`@portkey-ai/gateway`, asks for no token'), 50],
  ].filter(([, value]) => value !== undefined);
}

const table = (result) => ['| | requests/s | of bare | CPU per request | CPU of bare / own | p50 | memory |', '|---|---|---|---|---|---|---|',
  ...result.map((r) => `| ${r.name} | ${number(r.requests_per_second)} | ${r.ratio}${r.against === 'bare `proxy_pass`' ? '' : ' ¹'} | ${r.cpu_us} µs | ${r.cpu_ratio} | ${r.p50_ms} ms | ${r.rss_mb} MB |`)].join('\n');

const escape = (text) => text.replaceAll('`', '').replaceAll('&', '&amp;').replaceAll('<', '&lt;');

// Bars of requests a second; ours in one colour, peers in another, bare nginx as the measure of all.
export function chart({ conditions, result }) {
  const bars = result.filter((r) => !r.name.includes('115 KB') && r.name !== 'bare, 1,000 tokens');
  const left = 330, width = 420, step = 30, top = 58, height = top + bars.length * step + 46;
  const most = Math.max(...bars.map((r) => r.requests_per_second));
  const kind = (r) => (/^bare|asks nothing$/.test(r.name) ? 'bare' : /^guarded|our forward/.test(r.name) ? 'ours' : 'peer');
  const rows = bars.map((r, i) => {
    const y = top + i * step, length = Math.max(1, (r.requests_per_second / most) * width);
    return `  <text class="name" x="${left - 10}" y="${y + 15}" text-anchor="end">${escape(r.name)}</text>
  <rect class="${kind(r)}" x="${left}" y="${y + 2}" width="${length.toFixed(1)}" height="18" rx="2"/>
  <text class="value" x="${(left + length + 7).toFixed(1)}" y="${y + 15}">${number(r.requests_per_second)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 90} ${height}" width="${left + width + 90}" height="${height}" role="img" aria-label="Requests per second through each gateway">
  <style>
    svg { background: #fff; }
    text { font: 13px "DejaVu Sans", Verdana, sans-serif; fill: #24292f; }
    .title { font-size: 15px; font-weight: bold; }
    .small { font-size: 11px; fill: #57606a; }
    .bare { fill: #8c959f; } .ours { fill: #1a7f64; } .peer { fill: #bc6c25; }
  </style>
  <rect width="100%" height="100%" fill="#fff"/>
  <text class="title" x="16" y="24">Requests per second through one core</text>
  <text class="small" x="16" y="42">medians of ${conditions.rounds} rounds, ${conditions.connections} connections, ${conditions.body_bytes} byte request, ${number(conditions.answer_bytes)} byte answer</text>
${rows.join('\n')}
  <g transform="translate(${left}, ${height - 26})">
    <rect class="ours" width="12" height="12"/><text class="small" x="18" y="11">Gatehouse</text>
    <rect class="bare" x="110" width="12" height="12"/><text class="small" x="128" y="11">nginx alone</text>
    <rect class="peer" x="230" width="12" height="12"/><text class="small" x="248" y="11">others</text>
  </g>
</svg>
`;
}

function page({ conditions: c, result }) {
  return `${table(result)}

¹ of the bare row above that does the same without us.

| aim | at least | measured | |
|---|---|---|---|
${floors(result).map(([what, value, least]) => `| ${what} | ${least} | ${value.toPrecision(3)} | ${value >= least ? 'met' : '**missed**'} |`).join('\n')}

Conditions: ${c.date}, ${c.rounds} rounds of ${c.seconds} s, each row in each round; ${c.connections} connections kept alive; POST of ${c.body_bytes} bytes, answer of ${number(c.answer_bytes)} bytes, RS256 token of ${number(c.token_bytes)} bytes
with six permissions, plain HTTP over loopback; ${c.cores} virtual cores (${c.cpu}): the gateway on one, upstream and wrk on the other; load of the machine before ${c.load_before}, after ${c.load_after}.
${Object.entries(c.versions).map(([name, version]) => `${name} ${version}`).join('; ')}. The worker of the guarded rows takes ${c.worker_rss_mb} MB.`;
}

// Replaces what stands between the marks.
function renew(file, text) {
  const old = fs.readFileSync(file, 'utf8'), [head, rest] = old.split('<!-- measured -->\n'), tail = rest.slice(rest.indexOf('<!-- end of measured -->'));
  fs.writeFileSync(file, `${head}<!-- measured -->\n${text}\n${tail}`);
}

export function report(all, { json, docs }) {
  console.table(all.result.map(({ against, ...r }) => r));
  for (const [what, value, least] of floors(all.result)) console.log(`${value >= least ? 'met   ' : 'missed'} ${what}: ${value.toPrecision(3)}, aim ${least}`);
  console.log(JSON.stringify(all.conditions));
  if (json) fs.writeFileSync(json, `${JSON.stringify(all, null, 2)}\n`);
  if (docs) {
    renew(path.join(docs, 'benchmarks.md'), page(all));
    fs.writeFileSync(path.join(docs, 'benchmark-gateway.svg'), chart(all));
  }
}
