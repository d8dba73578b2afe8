// tests/e2e/host_python.test.mjs - programs in Python, with the published SDKs, against the running tenant.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { temporary } from './harness.mjs';
import { copyOf, installPython, must, programFolder, proveTheHostedStack, startLab } from './host_lab.mjs';

const { folder: python, missing } = installPython();

let lab, run;
before(async () => {
  lab = await startLab();
  run = (dir, args, env) => lab.run(dir, args, { VIRTUAL_ENV: python, ...env });
});
after(() => lab?.stop());

const head = 'import os, signal, sys\nimport pulumi\nimport pulumi_auth0 as auth0\n';
const pythonProgram = (text, files = {}) => programFolder({ 'Pulumi.yaml': 'name: p\nruntime: python\n', '__main__.py': head + text, ...files });
const roles = async () => (await lab.api.get('roles')).body.map((role) => role.name);

describe('Python', { skip: missing }, () => {
  test('a program with a loop, a component, a secret, a lookup and dependsOn', () => proveTheHostedStack({ ...lab, run }, copyOf('python', temporary('gatehouse-host-'))));

  test('the interpreter is that of the project, else the active environment, else the first on PATH', async () => {
    const text = 'print("by", sys.executable)\n', here = `by ${python}/bin/python`;
    const files = { 'Pulumi.yaml': `name: p\nruntime: { name: python, options: { virtualenv: sdk } }\n` };
    const dir = pythonProgram(text, files);
    fs.symlinkSync(python, path.join(dir, 'sdk'));
    assert.match(must(await lab.run(dir, ['preview'], { VIRTUAL_ENV: '/nonexistent' })).err, new RegExp(`by ${dir}/sdk/bin/python`));
    assert.ok(must(await run(pythonProgram(text), ['preview'])).err.includes(here));
    assert.ok(must(await lab.run(pythonProgram(text), ['preview'], { VIRTUAL_ENV: '', PATH: `${python}/bin:${process.env.PATH}` })).err.includes(here));
    assert.match(must(await lab.run(pythonProgram(text), ['preview'], { VIRTUAL_ENV: '/nonexistent' }), 1).err,
      /^error: VIRTUAL_ENV names \/nonexistent, and there is no Python in it: make it with python3 -m venv \/nonexistent && \/nonexistent\/bin\/pip install pulumi pulumi_auth0\n$/);
  });

  test('options of a resource reach the engine: import, replacement, secrets, ignored and retained', async () => {
    const { id } = (await lab.api.post('roles', { name: 'py-found', description: 'theirs' })).body;
    const program = (api, description) => `
found = auth0.Role("found", name="py-found", description="${description}", opts=pulumi.ResourceOptions(import_="${id}", ignore_changes=["description"], retain_on_delete=True))
api = auth0.ResourceServer("api", identifier="https://py.example.com/", name="${api}",
                           opts=pulumi.ResourceOptions(replace_on_changes=["name"], delete_before_replace=True, additional_secret_outputs=["name"]))
pulumi.export("api", api.name)
pulumi.export("apiId", api.id)
class Pair(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("py:index:Pair", name)
        auth0.Role(f"{name}-one", name=f"py-{name}-one", opts=pulumi.ResourceOptions(parent=self))
Pair("left"); Pair("right")
`;
    const dir = pythonProgram(program('One', 'theirs'));
    const first = must(await run(dir, ['up', '-y']));
    assert.match(first.out, /api *: \[secret\]/);
    const apis = async () => (await lab.api.get('resource-servers')).body.filter((one) => one.identifier === 'https://py.example.com/');
    const [before] = await apis();
    fs.writeFileSync(path.join(dir, '__main__.py'), head + program('Two', 'ours'));
    const second = must(await run(dir, ['up', '-y']));
    const [after, ...more] = await apis();
    assert.deepEqual([after.name, more, after.id === before.id], ['Two', [], false], second.out);
    assert.equal((await lab.api.get(`roles/${id}`)).body.description, 'theirs');
    must(await run(dir, ['destroy', '-y']));
    assert.deepEqual([(await lab.api.get(`roles/${id}`)).status, (await roles()).filter((name) => /^py-(left|right)/.test(name)), await apis()], [200, [], []]);
  });

  test('what is only read is left alone', async () => {
    const { id } = (await lab.api.post('roles', { name: 'py-theirs', description: 'read me' })).body;
    const dir = pythonProgram(`pulumi.export("description", auth0.Role.get("theirs", "${id}").description)\n`);
    assert.match(must(await run(dir, ['up', '-y'])).out, /description: "read me"/);
    must(await run(dir, ['destroy', '-y']));
    assert.ok((await roles()).includes('py-theirs'));
  });

  test('a program that ends badly says why, at once, and deletes nothing', async () => {
    const dir = pythonProgram('auth0.Role("kept", name="py-kept")\n');
    must(await run(dir, ['up', '-y']));
    for (const [text, told] of [
      ['def inner():\n    raise ValueError("the reason")\nauth0.Role("new", name="py-new")\ninner()\n',
        /^error: the program failed with an unhandled exception:\nTraceback \(most recent call last\):\n {2}File ".*__main__\.py", line 7, in <module>\n {4}inner\(\)\n(.*\n)*ValueError: the reason\n$/m],
      ['raise pulumi.RunError("for people")\n', /^error: for people$/m],
      ['sys.exit(3)\n', /the program ended with status 3/],
      ['os.kill(os.getpid(), signal.SIGKILL)\n', /the program was ended by SIGKILL/],
      ['os.kill(os.getppid(), signal.SIGKILL)\n', /the language host ended early: it was ended by SIGKILL/],
    ]) {
      fs.writeFileSync(path.join(dir, '__main__.py'), head + text);
      const started = Date.now(), result = must(await run(dir, ['preview']), 1);
      assert.match(result.err, told);
      assert.ok(Date.now() - started < 8000, `${text}: ${Date.now() - started} ms`);
    }
    assert.ok((await roles()).includes('py-kept'));
    must(await run(dir, ['destroy', '-y']));
  });

  test('what Gatehouse cannot do is refused in words, with the line that asked for it', async () => {
    const refused = [
      ['pulumi.CustomResource("random:index/randomId:RandomId", "a")', /^error: random:index\/randomId:RandomId a: there is no such resource type/m],
      ['pulumi.CustomResource("auth0:index/role:Role", "b", {"name": ["a"]})', /property name of Role must be string\nerror: Role b is not as the provider wants it/],
      ['auth0.Organization("c", branding={"logo": "x"})', /__main__\.py:6: Property logo does not exist on OrganizationBranding; Existing properties are: logoUrl, colors\n +6 \| auth0\.Organization/],
      ['auth0.Role("d", name="x", opts=pulumi.ResourceOptions(provider=auth0.Provider("p", domain="elsewhere.example.com")))', /a provider with other settings is not in Gatehouse/],
      ['for parent in "CD": auth0.Role("twin", name="x", opts=pulumi.ResourceOptions(parent=pulumi.ComponentResource(f"t:i:{parent}", parent)))', /Role twin: there are two of this type and name, in two components perhaps: rename one/],
      ['auth0.get_role_output(name="no-such-role")', /getRole/],
    ];
    const result = must(await run(pythonProgram(refused.map(([text]) => text).join('\n')), ['preview']), 1);
    for (const [, told] of refused) assert.match(result.err, told);
    assert.match(must(await run(pythonProgram('pulumi.StackReference("other")\n'), ['preview']), 1).err, /__main__\.py:4: pulumi:pulumi:StackReference other: stack references are not in Gatehouse/);
  });

  test('a missing SDK or program is one sentence', async () => {
    const dir = pythonProgram(''), empty = { VIRTUAL_ENV: '', PYTHONPATH: '', PYTHONNOUSERSITE: '1' };
    const bare = path.join(temporary('gatehouse-host-'), 'bare');
    fs.mkdirSync(bare);
    fs.writeFileSync(path.join(bare, 'python3'), `#!/bin/sh\nexec ${path.join(python, 'bin/python')} -I -S "$@"\n`, { mode: 0o755 });
    assert.match(must(await lab.run(dir, ['preview'], { ...empty, PATH: `${bare}:${process.env.PATH}` }), 1).err,
      /^error: pulumi and pulumi_auth0 cannot be found by (.*): run \1 -m pip install pulumi pulumi_auth0\n$/);
    assert.match(must(await lab.run(dir, ['preview'], { ...empty, PATH: '/nonexistent' }), 1).err, /python3 cannot be started: there is no such program/);
    fs.rmSync(path.join(dir, '__main__.py'));
    assert.match(must(await run(dir, ['preview']), 1).err, /there is no program: .* has no __main__\.py/);
  });
});
