// tests/e2e/host_hostile.test.mjs - the engine's end of a language host: the protocol over standard input and output, and hosts that do not keep to it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { gatehouse, temporary } from './harness.mjs';
import { canary, must, programFolder, startLab } from './host_lab.mjs';

let lab;
before(async () => { lab = await startLab(); });
after(() => lab?.stop());

const folder = () => programFolder({ 'Pulumi.yaml': 'name: p\nruntime: nodejs\n' });
const secret = (value) => ({ '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', value });
const role = (id, name, more = {}) => ({ id, op: 'register', type: 'auth0:index/role:Role', name, inputs: { name }, dependencies: [], ...more });
const roles = async () => (await lab.api.get('roles')).body.map((one) => one.name);

// Runs the engine and plays its host: `play(line, say)` gets each line; what it says is text, or an object for a line of its own.
function engine(play, args = [], dir = folder()) {
  return new Promise((resolve) => {
    const child = spawn(gatehouse, ['engine', '--stdio', '-C', dir, ...args], { env: { ...lab.g.childEnv, PULUMI_CONFIG_PASSPHRASE: 'open sesame' } });
    const lines = [];
    let out = '', err = '';
    child.stdin.on('error', () => {});
    const say = (what) => child.stdin.write(typeof what === 'string' || Buffer.isBuffer(what) ? what : `${JSON.stringify(what)}\n`);
    child.stdout.on('data', (data) => {
      for (out += data; out.includes('\n'); out = out.slice(out.indexOf('\n') + 1)) {
        lines.push(JSON.parse(out.slice(0, out.indexOf('\n'))));
        play(lines.at(-1), say, () => child.stdin.end());
      }
    });
    child.stderr.on('data', (data) => (err += data));
    const timer = setTimeout(() => child.kill('SIGKILL'), 20000);
    child.on('close', (code) => { clearTimeout(timer); resolve({ code, lines, out, err }); });
  });
}

test('a host of somebody else: the plan, then the update, over standard input and output', async () => {
  const play = (line, say) => {
    if (line.project) say(role(1, 'hostile-good', { inputs: { name: 'hostile-good', description: secret(canary) } }));
    else { say({ op: 'outputs', outputs: { id: line.outputs.id, description: line.outputs.description } }); say({ op: 'end', code: 0 }); }
  };
  const dir = folder(), planned = must(await engine(play, ['--preview'], dir));
  assert.deepEqual([planned.lines.length, planned.lines[0].preview, planned.lines[1].outputs.id], [2, true, planned.lines[0].unknown]);
  assert.ok(!(await roles()).includes('hostile-good'));
  const { lines, err } = must(await engine(play, [], dir));
  assert.deepEqual(lines.map((line) => line.preview), [true, undefined, false, undefined]);
  assert.match(lines[3].outputs.id, /^rol_\w{16}$/);
  assert.deepEqual(lines[3].outputs.description, secret(canary));
  assert.match(err, /\+ 1 created/);
  assert.ok(!err.includes(canary) && (await roles()).includes('hostile-good'));
  must(await lab.run(dir, ['destroy', '-y']));
});

const protocol = /^error: the language host does not keep to its protocol: it sent what is no request$/m;
const early = /^error: the language host ended early: it said nothing more$/m;
const hostile = [
  ['junk', (say) => say('hello\n'), protocol],
  ['JSON that is no object', (say) => say('[]\n'), protocol],
  ['an empty line', (say) => say('\n'), protocol],
  ['a member twice', (say) => say('{"op":"end","op":"end","code":0}\n'), protocol],
  ['bytes that are no UTF-8', (say) => say(Buffer.from('{"op":"end","code":0,"error":"\xff"}\n', 'latin1')), protocol],
  ['a NUL', (say) => say('{"op":"log","message":"a\\u0000b"}\n'), protocol],
  ['an operation that is none', (say) => say({ op: 'reigster', id: 1 }), protocol],
  ['a request without id', (say) => say({ ...role(1, 'hostile-no-id'), id: undefined }), protocol],
  ['an id twice', (say) => { say(role(1, 'hostile-one')); say(role(1, 'hostile-two')); }, protocol],
  ['ids that go back', (say) => { say(role(7, 'hostile-one')); say(role(3, 'hostile-two')); }, protocol],
  ['depth', (say) => say(`{"id":1,"op":"register","type":"auth0:index/role:Role","name":"a","inputs":${'{"a":'.repeat(500)}1${'}'.repeat(500)}}\n`), /its properties are too large or nested too deeply/],
  ['more depth', (say) => say(`${'['.repeat(100000)}\n`), protocol],
  ['the end of the stream, at once', (say, end) => end(), early],
  ['the end of the stream, in a line', (say, end) => { say('{"op":"en'); end(); }, early],
  ['the end of the stream, after a request', (say, end) => { say(role(1, 'hostile-one')); end(); }, early],
  ['a line that never ends', (say) => { for (let i = 0; i < 34; i++) say('x'.repeat(1 << 20)); }, /^error: the language host does not keep to its protocol: a line of it is too long$/m],
  ['a resource without a name', (say) => say(role(1, '')), /it has no name, or an option holds too many names/],
  ['too many dependencies', (say) => say(role(1, 'hostile-one', { dependencies: Array(257).fill('x') })), /it has no name, or an option holds too many names/],
  ['dependencies that are no texts', (say) => say(role(1, 'hostile-one', { dependencies: [1] })), /it has no name, or an option holds too many names/],
  ['a resource twice', (say) => { say(role(1, 'hostile-one')); say(role(2, 'hostile-one')); }, /^error: Role hostile-one: there are two of this type and name, in two components perhaps: rename one$/m],
  ['inputs that are none', (say) => say(role(1, 'hostile-one', { inputs: [] })), /its properties are too large or nested too deeply/],
  ['outputs that are none', (say) => { say({ op: 'outputs', outputs: 5 }); say({ op: 'end', code: 0 }); }, /the program outputs: too large or nested too deeply/],
  ['an error of the program', (say) => { say({ op: 'log', error: true, message: 'no\u001b[2J further' }); say({ op: 'end', code: 0 }); }, /^error: no \[2J further$/m],
  ['a status', (say) => say({ op: 'end', code: 9 }), /^error: the program ended with status 9$/m],
  ['a fraction of a second', (say) => say({ ...role(1, 'hostile-one', { inputs: { identifier: 'https://hostile.example/', tokenLifetime: 3600.5 } }), type: 'auth0:index/resourceServer:ResourceServer' }), /property tokenLifetime of ResourceServer must be integer/],
  ['more seconds than there are', (say) => say({ ...role(1, 'hostile-one', { inputs: { identifier: 'https://hostile.example/', tokenLifetime: 1e300 } }), type: 'auth0:index/resourceServer:ResourceServer' }), /property tokenLifetime of ResourceServer must be integer/],
  ['a secret of the wrong type', (say) => say(role(1, 'hostile-one', { inputs: { name: secret([canary]), nonsense: secret(canary) } })), /property name of Role must be string/],
];
test('a host that does not keep to its protocol changes nothing, and is told apart', async () => {
  const before = await roles();
  for (const [name, play, told] of hostile) {
    // After what is answered with an error the program goes on and ends well: the error must count all the same.
    const { code, err } = await engine((line, say, end) => {
      if (line.project) play(say, end); else if (line.error) say({ op: 'end', code: 0 });
    });
    assert.equal(code, 1, `${name}: ${err}`);
    assert.match(err, told, name);
    assert.ok(!err.includes(canary), name);
  }
  assert.deepEqual(await roles(), before);
});

test('a host that says its end and stays is ended, with all that it started', async () => {
  const bin = temporary('gatehouse-host-'), dir = folder(), mark = path.join(dir, 'pid');
  fs.writeFileSync(path.join(bin, 'node'), `#!/bin/bash\nread -r job <&"$2"\nsleep 60 & echo $! >${mark}\nprintf '{"op":"end","code":0}\\n' >&"$2"\ntrap '' TERM HUP\nsleep 60\n`, { mode: 0o755 });
  const started = Date.now();
  must(await lab.run(dir, ['preview'], { PATH: `${bin}:${process.env.PATH}` }));
  assert.ok(Date.now() - started < 8000, `${Date.now() - started} ms`);
  const alive = (pid) => { try { return fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] !== 'Z'; } catch { return false; } };
  assert.ok(!alive(Number(fs.readFileSync(mark, 'utf8'))));
});

test('engine says how it is called', async () => {
  assert.match(must(await lab.run(folder(), ['engine']), 2).err, /^error: gatehouse engine takes --stdio/);
  const yaml = programFolder({ 'Pulumi.yaml': 'name: p\nruntime: yaml\n' });
  assert.match(must(await lab.run(yaml, ['engine', '--stdio']), 2).err, /^error: gatehouse engine is for programs in other languages than YAML\n$/);
});
