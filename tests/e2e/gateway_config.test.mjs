// Configurations: what does not start, and that only the guarded route answers however nginx composes it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root, until } from './harness.mjs';
import { Lab, json, modulePath, policy } from './gateway_lab.mjs';

describe('what does not start', () => {
  let lab;
  before(async () => { lab = await Lab.start({ server: 'location / { return 204; }' }); });
  after(() => lab.stop());

  const rows = [
    ['no issuer', 'gatehouse on; gatehouse_audience a; gatehouse_feed feed;', /"gatehouse on" in "" needs "gatehouse_issuer"/],
    ['no audience', 'gatehouse on; gatehouse_issuer i; gatehouse_feed feed;', /needs "gatehouse_audience"/],
    ['no feed', 'gatehouse on; gatehouse_issuer i; gatehouse_audience a;', /needs "gatehouse_feed"/],
    ['a nested location without a policy', 'location /a { location /a/b { gatehouse on; } }', /"gatehouse on" in "\/a\/b" needs "gatehouse_issuer"/],
    ['an empty issuer', `gatehouse on; gatehouse_issuer ""; gatehouse_audience a; gatehouse_feed feed;`, /gatehouse_issuer" directive must be/],
    ['an audience with a quote', `gatehouse_audience 'a"b';`, /must be visible ASCII/],
    ['satisfy any', `${policy} location / { gatehouse on; satisfy any; }`, /"satisfy any" in "\/" would let other access rules overrule/],
    ['satisfy any from above', `satisfy any; ${policy} location / { gatehouse on; }`, /satisfy any/],
    ['satisfy any inside', `gatehouse on; ${policy} location / { satisfy any; allow all; }`, /satisfy any/],
    ['off inside on', `gatehouse on; ${policy} location /x { gatehouse off; }`, /"gatehouse off" in "\/x" would open a part/],
    ['off inside public', `${policy} location / { gatehouse public; location /x { gatehouse off; } }`, /would open a part/],
    ['a permission where nobody is asked', 'location / { gatehouse_permission a; }', /"gatehouse_permission" in "\/" has no effect/],
    ['a misspelt mode', 'gatehouse enabled;', /invalid value "enabled"/],
    ['a misspelt organization rule', 'gatehouse_organization every;', /takes "any", "none" or the id/],
    ['the name of an organization', 'gatehouse_organization acme;', /takes "any", "none" or the id/],
    ['the same issuer twice', 'gatehouse_issuer i; gatehouse_issuer i;', /duplicate/],
    ['the same feed twice', 'gatehouse_feed f; gatehouse_feed f;', /duplicate/],
    ['two organizations', 'gatehouse_organization any; gatehouse_organization none;', /duplicate/],
    ['a permission with a quote', `gatehouse_permission 'a"b';`, /takes "none" alone/],
    ['a permission with a blank', `gatehouse_permission 'a b';`, /takes "none" alone/],
    ['none beside another', 'gatehouse_permission none a;', /takes "none" alone/],
    ['permissions twice', 'gatehouse_permission a; gatehouse_permission b;', /duplicate/],
    ['no permission', 'gatehouse_permission;', /number of arguments/],
    ['too much leeway', 'gatehouse_leeway 61;', /value must be between 0 and 60/],
    ['an unknown method', 'gatehouse_methods FETCH;', /invalid value "FETCH"/],
    ['in an if', 'location / { if ($arg_a) { gatehouse off; } }', /not allowed here/],
    ['a stream check that is too often', 'gatehouse_stream_check 50ms;', /takes "off" or a time/],
    ['a stream check that is none', 'gatehouse_stream_check often;', /takes "off" or a time/],
    ['the wrong word for cookies', 'gatehouse_cookies on;', /invalid value "on"/],
  ];
  for (const [what, server, message] of rows)
    test(what, () => {
      lab.write(server);
      const { ok, text } = lab.check();
      assert.ok(!ok, 'it started');
      assert.match(text, message);
    });

  test('a feed that is not there yet does start, and is said', () => {
    lab.write(`gatehouse on; ${policy.replace('gatehouse_feed feed', 'gatehouse_feed elsewhere')}`);
    const { ok, text } = lab.check();
    assert.ok(ok, text);
    assert.match(text, /the feed ".*elsewhere" cannot be read \(not_found\); guarded locations answer 503/);
  });
});

// Each row: locations of a guarded server, the target asked for, what a caller without a token may see, what one with a good token sees.
// '/secret' is what nobody may reach without a token; the upstream answers with the target it got.
const guarded = 'location /secret { gatehouse_permission read:models; proxy_pass http://api; }';
const matrix = [
  ['a nested location inherits', `gatehouse on; location / { gatehouse_permission read:models; location /a/ { location ~ /deep { proxy_pass http://api; } } }`, '/a/deep', 401, 200],
  ['a regex location inherits', `gatehouse on; gatehouse_permission read:models; location ~ \\.json$ { proxy_pass http://api; }`, '/a.json', 401, 200],
  ['no permission said: default-deny', 'gatehouse on; location / { proxy_pass http://api; }', '/x', 401, 403],
  ['no location at all', 'gatehouse on;', '/x', 401, 403],
  ['public is said in words', `gatehouse on; location / { gatehouse public; proxy_pass http://api; } ${guarded}`, '/x', 200, 200],
  ['error_page of an open route to a guarded one', `gatehouse on; location /open { gatehouse public; error_page 404 = /secret; return 404; } ${guarded}`, '/open', 401, 200],
  ['error_page to a named guarded location', `gatehouse on; location /open { gatehouse public; error_page 404 = @deep; return 404; } location @deep { gatehouse_permission read:models; proxy_pass http://api; }`, '/open', 401, 200],
  ['error_page 401 403 cannot turn a refusal around', `gatehouse on; error_page 401 403 =200 /open; location /open { gatehouse public; proxy_pass http://api; } ${guarded}`, '/secret', 401, 200],
  ['recursive_error_pages too', `gatehouse on; recursive_error_pages on; error_page 401 403 404 =200 /open; location /open { gatehouse public; proxy_pass http://api; } ${guarded}`, '/secret', 401, 200],
  ['try_files to a guarded location', `gatehouse on; location /open { gatehouse public; try_files /nothing /secret; } ${guarded}`, '/open', 401, 200],
  ['try_files inside a guarded location', `gatehouse on; root files; location /files { gatehouse_permission read:models; try_files /plain.txt =404; }`, '/files', 401, 200],
  ['a static file', `gatehouse on; root files; location /plain.txt { gatehouse_permission read:models; }`, '/plain.txt', 401, 200],
  ['an index', `gatehouse on; root files; location / { gatehouse_permission read:models; index plain.txt; }`, '/', 401, 200],
  ['rewrite last', `gatehouse on; location /open { gatehouse public; rewrite ^ /secret last; } ${guarded}`, '/open', 401, 200],
  ['rewrite of the server', `gatehouse on; rewrite ^/open$ /secret; location /open { gatehouse public; proxy_pass http://api; } ${guarded}`, '/open', 401, 200],
  ['if with another proxy_pass', `gatehouse on; location / { gatehouse_permission read:models; if ($arg_a) { proxy_pass http://api; } proxy_pass http://api; }`, '/x?a=1', 401, 200],
  ['limit_except', `gatehouse on; location / { gatehouse_permission read:models; limit_except POST { allow all; } proxy_pass http://api; }`, '/x', 401, 200],
  ['return before the access phase is withheld', `gatehouse on; location / { gatehouse_permission read:models; return 200 secret; }`, '/x', 403, 403],
  ['return of the server too', `gatehouse on; return 200 secret;`, '/x', 403, 403],
  ['return of a public route is fine', `gatehouse on; location / { gatehouse public; return 200 hello; }`, '/x', 200, 200],
  ['return of a redirect says nothing', `gatehouse on; location / { return 301 /y; }`, '/x', 301, 301],
  ['X-Accel-Redirect into a guarded location', `gatehouse on; location /accel { gatehouse public; proxy_pass http://api; } ${guarded}`, '/accel', 401, 200],
  ['allow and deny still count', `gatehouse on; location / { gatehouse_permission read:models; deny all; proxy_pass http://api; }`, '/x', 401, 403],
  ['auth_request beside it', `gatehouse on; location / { gatehouse_permission read:models; auth_request /auth; proxy_pass http://api; } location /auth { gatehouse public; internal; proxy_pass http://api; }`, '/x', 401, 200],
  ['auth_request to a guarded location', `location / { auth_request /auth; proxy_pass http://api; } location /auth { gatehouse on; gatehouse_permission read:models; proxy_pass http://api; }`, '/x', 401, 200],
  ['auth_request to one without permission', `location / { auth_request /auth; proxy_pass http://api; } location /auth { gatehouse on; proxy_pass http://api; }`, '/x', 401, 403],
  ['an included subrequest', `location / { ssi on; ssi_types *; root files; } location /secret { gatehouse on; gatehouse_permission read:models; proxy_pass http://api; }`, '/page.html', 200, 200],
  ['a mirror of a guarded location', `gatehouse on; location / { gatehouse_permission read:models; mirror /mirror; proxy_pass http://api; } location = /mirror { gatehouse_permission read:models; internal; proxy_pass http://api/mirrored; }`, '/x', 401, 200],
  ['a mirror without permission is not fed', `gatehouse on; location / { gatehouse_permission read:models; mirror /mirror; proxy_pass http://api; } location = /mirror { internal; proxy_pass http://api/mirrored; }`, '/x', 401, 200],
  ['post_action', `gatehouse on; location / { gatehouse public; post_action /secret; proxy_pass http://api; } ${guarded}`, '/x', 200, 200],
  ['off has no opinion', 'location / { satisfy any; deny all; }', '/x', 403, 403],
  ['an alias', `gatehouse on; location /open/ { gatehouse public; alias files/; } location /closed/ { gatehouse_permission read:models; alias files/; }`, '/closed/plain.txt', 401, 200],
  ['an alias by regex', `gatehouse on; location ~ ^/closed/(.+)$ { gatehouse_permission read:models; alias files/$1; }`, '/closed/plain.txt', 401, 200],
  ['an exact location beside its prefix', `gatehouse on; location /x { gatehouse public; proxy_pass http://api/open; } location = /x { gatehouse_permission read:models; proxy_pass http://api; }`, '/x', 401, 200],
  ['a prefix that stops regexes', `gatehouse on; location ~ txt$ { gatehouse public; root files; } location ^~ /plain { gatehouse_permission read:models; root files; }`, '/plain.txt', 401, 200],
  ['a regex that takes a file away from its prefix', `gatehouse on; location / { gatehouse public; root files; } location ~ \\.txt$ { gatehouse_permission read:models; root files; }`, '/plain.txt', 401, 200],
  ['an index that another location guards', `gatehouse on; root files; location / { gatehouse public; index plain.txt; } location = /plain.txt { gatehouse_permission read:models; }`, '/', 401, 200],
  ['try_files to a named guarded location', `gatehouse on; location /open { gatehouse public; try_files /nothing @deep; } location @deep { gatehouse_permission read:models; proxy_pass http://api; }`, '/open', 401, 200],
  ['try_files from one guarded location to another without a rule', `gatehouse on; location /open { gatehouse_permission read:models; try_files /nothing @deep; } location @deep { gatehouse_permission admin; proxy_pass http://api; }`, '/open', 401, 403],
  ['error_page chained through two named locations', `gatehouse on; recursive_error_pages on; location /open { gatehouse public; error_page 404 = @one; return 404; } location @one { gatehouse public; error_page 418 = @two; return 418; } location @two { gatehouse_permission read:models; proxy_pass http://api; }`, '/open', 401, 200],
  ['the 403 of another module cannot open a guarded location', `gatehouse on; error_page 403 = /secret; location /open { gatehouse public; deny all; proxy_pass http://api; } ${guarded}`, '/open', 401, 200],
  ['an intercepted error of the upstream', `gatehouse on; location /accel { gatehouse public; proxy_intercept_errors on; error_page 404 = /secret; proxy_pass http://api/missing; } ${guarded}`, '/accel', 401, 200],
  ['X-Accel-Redirect to a named location', `gatehouse on; location /named { gatehouse public; proxy_pass http://api/accel-named; } location @deep { gatehouse_permission read:models; proxy_pass http://api; }`, '/named', 401, 200],
  ['X-Accel-Redirect to a file', `gatehouse on; location /accel { gatehouse public; proxy_pass http://api/accel-file; } location /plain.txt { gatehouse_permission read:models; root files; }`, '/accel', 401, 200],
  ['text before an answer', `location / { root files; add_before_body /secret; default_type text/html; } location /secret { gatehouse on; gatehouse_permission read:models; proxy_pass http://api; }`, '/page.html', 200, 200],
  ['a rewrite in an if', `gatehouse on; location / { gatehouse public; if ($arg_a) { rewrite ^ /secret last; } proxy_pass http://api; } ${guarded}`, '/x?a=1', 401, 200],
  ['rewrite break stays in its location', `gatehouse on; location /closed { gatehouse_permission read:models; rewrite ^/closed(.*) /open$1 break; proxy_pass http://api; } location /open { gatehouse public; proxy_pass http://api; }`, '/closed/x', 401, 200],
  ['a return in an if is withheld', `gatehouse on; location / { gatehouse_permission read:models; if ($arg_a) { return 200 secret; } proxy_pass http://api; }`, '/x?a=1', 403, 403],
  ['an upstream chosen by a map', `gatehouse on; set $to api; location / { gatehouse_permission read:models; proxy_pass http://$to; }`, '/x', 401, 200],
  ['auth_basic, and satisfy all', `gatehouse on; location / { gatehouse_permission read:models; satisfy all; auth_basic x; auth_basic_user_file nobody; proxy_pass http://api; }`, '/x', 401, 401],
  ['auth_request that says yes', `gatehouse on; location / { gatehouse_permission read:models; auth_request /auth; proxy_pass http://api; } location = /auth { gatehouse public; return 204; }`, '/x', 401, 200],
  ['limit_except for a method that is not asked', `gatehouse on; location / { gatehouse_permission read:models; limit_except GET { deny all; } proxy_pass http://api; }`, '/x', 401, 200],
  ['nginx\'s own status page', `gatehouse on; location = /status { gatehouse_permission admin; stub_status; }`, '/status', 401, 403],
  ['an empty picture', `gatehouse on; location = /1.gif { gatehouse_permission admin; empty_gif; }`, '/1.gif', 401, 403],
  ['a listing', `gatehouse on; root files; location / { gatehouse_permission admin; autoindex on; }`, '/', 401, 403],
  ['an upload', `gatehouse on; root files; location / { gatehouse_permission admin; dav_methods PUT DELETE; }`, '/plain.txt', 401, 403],
  ['a slice', `gatehouse on; location / { gatehouse_permission read:models; slice 1k; proxy_set_header Range $slice_range; proxy_pass http://api; }`, '/x', 401, 200],
  ['what a cache kept for somebody else', `gatehouse on; location / { gatehouse_permission read:models; proxy_cache kept; proxy_cache_valid any 1m; proxy_cache_key all; proxy_pass http://api; }`, '/x', 401, 200],
  ['the same, from a friend before', `gatehouse on; location / { gatehouse_permission read:models; proxy_cache kept; proxy_cache_valid any 1m; proxy_cache_key all; proxy_pass http://api; }`, '/x', 401, 200],
  ['fifty locations deep', `gatehouse on; gatehouse_permission read:models; ${Array.from({ length: 50 }, (_, i) => `location /${'a'.repeat(i + 1)} {`).join(' ')} proxy_pass http://api; ${'}'.repeat(50)}`, `/${'a'.repeat(50)}/x`, 401, 200],
];

describe('however nginx composes it', () => {
  let lab;
  before(async () => {
    lab = await Lab.start({ server: 'location / { return 204; }' });
    fs.mkdirSync(path.join(lab.dir, 'files'));
    fs.writeFileSync(path.join(lab.dir, 'files/plain.txt'), 'plain');
    fs.writeFileSync(path.join(lab.dir, 'files/page.html'), 'before<!--#include virtual="/secret/part" -->after');
    fs.writeFileSync(path.join(lab.dir, 'nobody'), '');
    const to = { '/accel': '/secret/accel', '/accel-named': '@deep', '/accel-file': '/plain.txt' };
    lab.upstream.answer = (request) => (request.url === '/missing' ? { ':status': 404 } : to[request.url] ? { 'x-accel-redirect': to[request.url], 'set-cookie': 'a=1' } : request.url === '/x' ? { 'set-cookie': 'b=2' } : {});
  });
  after(() => lab.stop());

  for (const [what, server, target, without, withToken] of matrix)
    test(what, async () => {
      lab.write(`${policy} ${server}`, 'proxy_cache_path kept keys_zone=kept:1m;');
      const started = lab.check();
      assert.ok(started.ok, started.text);
      await lab.reload();

      lab.upstream.hits.length = 0;
      const stranger = await lab.get(target);
      assert.equal(stranger.status, without, `without a token: ${stranger.body}`);
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok(!lab.upstream.hits.some((hit) => hit.target.startsWith('/secret')), 'the secret was asked for');
      assert.ok(!/"target":"\/secret|^plain$|^secret$/.test(stranger.body), 'the secret was shown');
      if (without !== 200) assert.ok(!lab.upstream.hits.some((hit) => !/^\/(accel|auth|missing)/.test(hit.target)), 'the upstream was contacted');

      lab.upstream.hits.length = 0;
      const friend = await lab.get(target, { token: lab.key.token() });
      assert.equal(friend.status, withToken, `with a token: ${friend.body}`);
      if (/^(auth_request beside|a mirror)/.test(what)) assert.ok(!friend.headers.some(([name]) => name === 'set-cookie'), 'a cookie came');
      if (what === 'an included subrequest') assert.match(friend.body, /before\{.*"target":"\/secret\/part".*\}after/);
      if (what.startsWith('a mirror of')) await until('the mirror', () => lab.upstream.hits.some((hit) => hit.target === '/mirrored'));
      if (what.startsWith('a mirror without')) assert.ok(!lab.upstream.hits.some((hit) => hit.target === '/mirrored'));
      for (const hit of lab.upstream.hits.filter((h) => !['/auth'].includes(h.target) || /guarded/.test(what)))
        if (!/^auth_request to/.test(what) && what !== 'an included subrequest') assert.equal(hit.headers.authorization, undefined, `the token went to ${hit.target}`);
    });
});

describe('examples/nginx', () => {
  const names = fs.readdirSync(path.join(root, 'examples/nginx'));
  let lab;
  before(async () => {
    lab = await Lab.start({ server: 'location / { return 204; }' });
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'site.key', '-out', 'site.pem', '-days', '1', '-subj', '/CN=x'], { cwd: lab.dir, stdio: 'ignore' });
    fs.writeFileSync(path.join(lab.dir, 'ai.key'), 'sk-example\n', { mode: 0o600 });
    fs.copyFileSync(path.join(lab.dir, 'site.key'), path.join(lab.dir, 'identity.pem'));
    fs.chmodSync(path.join(lab.dir, 'identity.pem'), 0o600);
  });
  after(() => lab.stop());

  // What a machine without that site does not have: its certificates and secrets, the user, the installed module, its ports.
  function here(name) {
    let n = 0;
    return fs.readFileSync(path.join(root, 'examples/nginx', name), 'utf8').replace(/\/etc\/ssl\/[\w.]+\.example\.com\.(pem|key)/g, `${lab.dir}/site.$1`)
      .replaceAll('/etc/gatehouse/', `${lab.dir}/`).replace(/\/var\/lib\/gatehouse\/[\w.]+/g, 'feed').replace(/^error_log .*$/m, '')
      .replace(/^user .*$/m, `${process.geteuid() === 0 ? 'user root; ' : ''}daemon off; pid nginx.pid; error_log stderr warn;`).replace('modules/ngx_http_gatehouse_module.so', modulePath)
      .replace(/listen (443 ssl|127\.0\.0\.1:9145)/g, (_, what) => (what === '443 ssl' ? `listen unix:site${n++}.sock ssl` : 'listen unix:metrics.sock'))
      .replace('http {', 'http {\n    access_log off; client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; fastcgi_temp_path tmp/fastcgi; uwsgi_temp_path tmp/uwsgi; scgi_temp_path tmp/scgi;');
  }
  for (const name of names)
    test(`${name} is understood by nginx, and names nothing that is not explained`, () => {
      const config = here(name);
      assert.ok(!/example\.com\.(pem|key)|\/etc\/|\/var\//.test(config.replace(/#.*$/gm, '')), 'a path that this test does not know');
      lab.write('', '', 1, config);
      const { ok, text } = lab.check();
      assert.ok(ok, text);
      assert.ok(!text.includes('[warn]'), text);
    });
  test('openai-style.conf refuses a stranger, lets the public in, and counts both', async () => {
    const ask = (socket, target, secure) => new Promise((resolve, reject) => {
      (secure ? https : http).get({ socketPath: path.join(lab.dir, socket), path: target, headers: { host: 'ai.example.com', connection: 'close' }, servername: 'ai.example.com', rejectUnauthorized: false }, (response) => {
        let body = '';
        response.on('data', (data) => (body += data)).on('end', () => resolve(`${response.statusCode} ${body}`));
      }).on('error', reject);
    });
    await lab.feed.keys('https://login.example.com/', [lab.key]);
    lab.write('', '', 1, here('openai-style.conf'));
    lab.child.kill('SIGHUP');
    await until('the new sockets', () => fs.existsSync(path.join(lab.dir, 'metrics.sock')));
    assert.match(await ask('site1.sock', '/v1/models', true), /^401 .*"code":"no_token"/);
    assert.match(await ask('site1.sock', '/healthz', true), /^204 $/);
    assert.match(await ask('site1.sock', '/.well-known/gatehouse.json', true), /^200 .*"kty":"EC"/);
    assert.match(await ask('metrics.sock', '/metrics', false), /rule="no_token"\} 1\n/);
  });
});

describe('the table of directives', () => {
  const text = (...args) => execFileSync(path.join(path.dirname(modulePath), 'directives_text'), args, { cwd: root, encoding: 'utf8' });
  const manual = text('--man', 'docs/man/gatehouse_nginx.5.in');
  const names = [...manual.matchAll(/^\.It Ic (\w+) Ar .*;$/gm)].map(([, name]) => name);

  test('docs/gateway.md says what it says (else: build/gateway/directives_text --renew docs/gateway.md)', () => {
    const page = fs.readFileSync(path.join(root, 'docs/gateway.md'), 'utf8');
    assert.equal(text('--show', 'docs/gateway.md'), page);
    for (const name of names) assert.ok(page.includes(`\n    ${name} `), name);
  });

  test('nginx knows each directive of the man page', async () => {
    assert.ok(names.length >= 10);
    const lab = await Lab.start({ server: 'location / { return 204; }' });
    try {
      lab.write('', `${names[0]}_unheard_of on;`);
      assert.match(lab.check().text, /unknown directive "gatehouse_unheard_of"/);
      for (const name of names) {
        lab.write('', `${name} \x01 \x01 \x01 \x01 \x01;`); // too many arguments or wrong ones, but known
        const { ok, text: said } = lab.check();
        assert.ok(!ok && said.includes(`"${name}" directive`) || /invalid|takes/.test(said), said);
        assert.ok(!/unknown directive/.test(said), said);
      }
    } finally { await lab.stop(); }
  });
});
