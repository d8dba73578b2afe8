// Runs a Pulumi program in JavaScript or TypeScript: serves the two gRPC services that @pulumi/pulumi speaks to, with the grpc library that
// it brings, and asks `gatehouse` for each resource in JSON lines (docs/hosts.md). It decides nothing: what is a resource of the
// provider goes to the engine, what exists in the program alone (the stack, components, the provider) is answered here.
'use strict';
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { fileURLToPath } = require('node:url');
const { stripVTControlCharacters } = require('node:util');

const channel = new net.Socket({ fd: Number(process.argv[2]) });
const waiting = new Map();
let asked = 0;
const tell = (message) => channel.write(JSON.stringify(message) + '\n');
const ask = (message) => new Promise((resolve) => {
  waiting.set(++asked, resolve);
  tell({ id: asked, ...message });
});
const lines = readline.createInterface({ input: channel });
lines.once('line', (first) => {
  lines.on('line', (line) => {
    const answer = JSON.parse(line);
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  run(JSON.parse(first)).catch((error) => finish({ code: 1, error: String(error.message ?? error) }));
});

let folder, program;
process.on('exit', () => {
  program?.kill('SIGKILL');
  if (folder) fs.rmSync(folder, { recursive: true, force: true });
});
process.on('SIGTERM', () => process.exit(143));
channel.on('close', () => process.exit(1)); // gatehouse is gone: so is the program

function finish(end) {
  channel.removeAllListeners('close');
  channel.end(JSON.stringify({ op: 'end', ...end }) + '\n', () => process.exit(0));
}

// The SDK that the program itself will find, or one sentence.
function findSdk(dir) {
  const find = createRequire(path.join(dir, 'package.json'));
  const missing = ['@pulumi/pulumi', '@pulumi/auth0'].filter((name) => {
    try { find.resolve(`${name}/package.json`); return false; } catch { return true; }
  });
  if (missing.length) throw new Error(`${missing.join(' and ')} cannot be found from ${dir}: run npm install @pulumi/pulumi @pulumi/auth0 there`);
  return path.dirname(find.resolve('@pulumi/pulumi/package.json'));
}

async function run(job) {
  const sdk = findSdk(job.dir);
  const load = createRequire(path.join(sdk, 'package.json'));
  const grpc = load('@grpc/grpc-js');
  const services = makeServices(job, {
    grpc,
    resource: load('./proto/resource_pb.js'),
    engine: load('./proto/engine_pb.js'),
    provider: load('./proto/provider_pb.js'),
    Struct: load('google-protobuf/google/protobuf/struct_pb.js').Struct,
    Empty: load('google-protobuf/google/protobuf/empty_pb.js').Empty,
  });
  const size = 64 << 20;
  const server = new grpc.Server({ 'grpc.max_receive_message_length': size, 'grpc.max_send_message_length': size });
  server.addService(load('./proto/resource_grpc_pb.js').ResourceMonitorService, services.monitor);
  server.addService(load('./proto/engine_grpc_pb.js').EngineService, services.engine);
  // A socket in a folder of our own, not a port: nobody else on this machine may register resources.
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gatehouse-host-'));
  const address = `unix:${path.join(folder, 'engine')}`;
  await new Promise((resolve, reject) => server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())));
  const end = await runProgram(job, sdk, address);
  finish(end);
}

function runProgram(job, sdk, address) {
  const args = ['--require', path.join(__dirname, 'preload.cjs'), path.join(sdk, 'cmd/run'), '--monitor', address, '--engine', address, '--project', job.project, '--stack', job.stack,
    '--organization', 'organization', '--root-directory', job.dir, '--pwd', job.dir, '--parallel', '16', ...(job.preview ? ['--dry-run'] : []), job.main ?? '.'];
  const env = {
    ...process.env,
    PULUMI_CONFIG: JSON.stringify(job.config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(job.secretKeys),
    PULUMI_NODEJS_TYPESCRIPT: String(usesTypeScript(job)),
  };
  // What the program prints goes to stderr: stdout belongs to the plan.
  program = spawn(process.execPath, args, { cwd: job.dir, env, stdio: ['ignore', 2, 2] });
  return new Promise((resolve) => {
    program.once('error', (error) => resolve({ code: 1, error: error.message }));
    program.once('exit', (code, signal) => resolve(signal ? { code: 1, error: `the program was ended by ${signal}` } : { code }));
  });
}

const usesTypeScript = ({ dir, main }) => /\.tsx?$/.test(main ?? '') || ['tsconfig.json', 'index.ts'].some((name) => fs.existsSync(path.join(dir, name)));

// A URN's logical name and the types on its way: urn:pulumi:stack::project::parent$type::name.
const nameOf = (urn) => urn.split('::').slice(3).join('::');

function makeServices(job, { grpc, resource, engine, provider, Struct, Empty }) {
  const known = new Map(); // urn -> logical name of what the engine has; null for what exists in the program alone
  const failed = new Set();
  const within = new Map(); // urn of a component -> "type::name" of it and of those around it
  let root = '';

  const refuse = (details) => Object.assign(new Error(details), { code: grpc.status.INVALID_ARGUMENT, details });
  const handle = (fn) => (call, reply) => Promise.resolve().then(() => fn(call.request)).then((answer) => reply(null, answer), (error) => reply(error));
  const urnOf = (type, name, parent) => {
    const above = parent && parent !== root ? `${parent.split('::')[2]}$` : '';
    return `urn:pulumi:${job.stack}::${job.project}::${above}${type}::${name}`;
  };

  function answer({ urn, id = '', object = {}, result = resource.Result.SUCCESS }) {
    const reply = new resource.RegisterResourceResponse();
    reply.setUrn(urn);
    reply.setId(id);
    reply.setObject(Struct.fromJavaScript(object));
    reply.setResult(result);
    return reply;
  }

  function fail(urn, result, request) {
    failed.add(urn);
    if (!request.getSupportsresultreporting()) throw refuse('the resource failed; gatehouse says why');
    return answer({ urn, result });
  }

  const dependenciesOf = (request) => {
    const urns = new Set(request.getDependenciesList());
    request.getPropertydependenciesMap().forEach((one) => one.getUrnsList().forEach((urn) => urns.add(urn)));
    return [...urns];
  };

  const namesOf = (urns) => [...new Set(urns.map((one) => known.get(one)).filter((one) => one))];
  const positionOf = (request) => {
    const position = request.getSourceposition(), uri = position?.getUri() ?? '';
    return uri.startsWith('file://') ? { file: fileURLToPath(uri), line: position.getLine() } : undefined;
  };

  async function registerResource(request) {
    const type = request.getType(), name = request.getName(), inputs = request.getObject()?.toJavaScript() ?? {};
    const urn = urnOf(type, name, request.getParent());
    if (known.has(urn)) throw refuse(`two resources of type ${type} are named '${name}'`);
    if (type === 'pulumi:pulumi:Stack') root = urn;
    const dependencies = dependenciesOf(request);
    if (dependencies.some((one) => failed.has(one))) return fail(urn, resource.Result.SKIP, request);
    known.set(urn, null);
    if (request.getRemote()) throw refuse(`${type} ${name}: components of other packages are not in Gatehouse`);
    const parents = within.get(request.getParent()) ?? [];
    if (!request.getCustom()) {
      if (urn !== root) within.set(urn, [...parents, `${type}::${name}`]);
      return answer({ urn });
    }
    if (type.startsWith('pulumi:providers:')) {
      const { error } = await ask({ op: 'provider', type, name, inputs });
      return error ? fail(urn, resource.Result.FAIL, request) : answer({ urn, id: name, object: inputs });
    }
    const { outputs, error } = await ask({
      op: 'register', type, name, inputs, parents, position: positionOf(request),
      dependencies: namesOf(dependencies),
      protect: request.getProtect(),
      retainOnDelete: request.getRetainondelete(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
      importId: request.getImportid(),
      ignoreChanges: request.getIgnorechangesList(),
      replaceOnChanges: request.getReplaceonchangesList(),
      additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
      aliases: request.getAliasurnsList().map(nameOf),
    });
    if (error) return fail(urn, resource.Result.FAIL, request);
    known.set(urn, name);
    const { id, ...object } = outputs;
    return answer({ urn, id: id === job.unknown ? '' : String(id ?? ''), object });
  }

  // An object that the program only reads: `.get(name, id)`.
  async function readResource(request) {
    const type = request.getType(), name = request.getName(), urn = urnOf(type, name, request.getParent());
    const { outputs, error } = await ask({
      op: 'read', type, name, readId: request.getId(), inputs: request.getProperties()?.toJavaScript() ?? {}, position: positionOf(request),
      dependencies: namesOf(request.getDependenciesList()), additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    });
    if (error) throw refuse('the resource could not be read; gatehouse says why');
    known.set(urn, null);
    const { id, ...object } = outputs;
    const reply = new resource.ReadResourceResponse();
    reply.setUrn(urn);
    reply.setProperties(Struct.fromJavaScript(object));
    return reply;
  }

  async function invoke(request) {
    const { result, error } = await ask({ op: 'invoke', function: request.getTok(), inputs: request.getArgs()?.toJavaScript() ?? {} });
    if (error) throw refuse(`${request.getTok()} failed; gatehouse says why`);
    const reply = new provider.InvokeResponse();
    reply.setReturn(Struct.fromJavaScript(result));
    return reply;
  }

  function registerPackage(request) {
    const reply = new resource.RegisterPackageResponse();
    if (request.getName() !== 'auth0') throw refuse(`the package ${request.getName()} is not in Gatehouse: it knows the provider auth0 only`);
    reply.setRef('auth0');
    return reply;
  }

  return {
    monitor: {
      // Secrets only: without the richer kinds of values, resources arrive as their ids and unknowns as the sentinel.
      supportsFeature: handle((request) => {
        const reply = new resource.SupportsFeatureResponse();
        reply.setHassupport(request.getId() === 'secrets');
        return reply;
      }),
      registerResource: handle(registerResource),
      registerResourceOutputs: handle((request) => {
        if (request.getUrn() === root) tell({ op: 'outputs', outputs: request.getOutputs()?.toJavaScript() ?? {} });
        return new Empty();
      }),
      invoke: handle(invoke),
      readResource: handle(readResource),
      registerPackage: handle(registerPackage),
      signalAndWaitForShutdown: handle(() => new Empty()),
    },
    engine: {
      log: handle((request) => {
        const severity = request.getSeverity();
        if (severity === engine.LogSeverity.INFO) process.stderr.write(`${request.getMessage()}\n`);
        if (severity > engine.LogSeverity.INFO) tell({ op: 'log', error: severity === engine.LogSeverity.ERROR, message: stripVTControlCharacters(request.getMessage()).trim() });
        return new Empty();
      }),
      setRootResource: handle((request) => { root = request.getUrn(); return new engine.SetRootResourceResponse(); }),
      getRootResource: handle(() => {
        const reply = new engine.GetRootResourceResponse();
        reply.setUrn(root);
        return reply;
      }),
    },
  };
}
