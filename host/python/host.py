"""Runs a Pulumi program in Python: serves the two gRPC services that PyPI's pulumi speaks to, with the grpc library that it brings, and asks
`gatehouse` for each resource in JSON lines (docs/hosts.md). It decides nothing: what is a resource of the provider goes to the engine, what
exists in the program alone (the stack, components, the provider) is answered here. The twin of host/node/host.cjs."""
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [path for path in sys.path if path != HERE]  # what the SDK imports is never a file of ours


class Channel:
    """Lines of JSON to and from the engine. Requests of several threads may wait at once."""

    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.lock = threading.Lock()
        self.waiting = {}
        self.asked = 0

    def read(self):
        line = self.lines.readline()
        return json.loads(line) if line else None

    def send(self, message):
        self.socket.sendall(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")

    def tell(self, message):
        with self.lock:
            self.send(message)

    def ask(self, message):
        answered, place = threading.Event(), []
        with self.lock:
            self.asked += 1
            self.waiting[self.asked] = (answered, place)
            self.send({"id": self.asked, **message})
        answered.wait()
        return place[0]

    def answer_all(self, when_closed):
        """Hands each answer to the thread that waits for it, until the engine is gone."""
        while (answer := self.read()) is not None:
            answered, place = self.waiting.pop(answer["id"])
            place.append(answer)
            answered.set()
        when_closed()


class MissingSdk(Exception):
    pass


def load_services():
    """The SDK's service descriptions without the SDK around them: pulumi's own __init__ takes half a second and is the program's business."""
    names = [("grpc", "pulumi"), ("pulumi", "pulumi"), ("pulumi_auth0", "pulumi_auth0")]
    missing = sorted({package for module, package in names if importlib.util.find_spec(module) is None})
    if missing:
        raise MissingSdk(f"{' and '.join(missing)} cannot be found by {sys.executable}: run {sys.executable} -m pip install pulumi pulumi_auth0")
    folder = os.path.dirname(importlib.util.find_spec("pulumi").origin)
    for name, path in (("pulumi", folder), ("pulumi.runtime", os.path.join(folder, "runtime"))):
        module = types.ModuleType(name)
        module.__path__ = [path]
        sys.modules[name] = module
    import grpc
    from google.protobuf import empty_pb2, struct_pb2
    from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, resource_pb2, resource_pb2_grpc
    return types.SimpleNamespace(grpc=grpc, Empty=empty_pb2.Empty, Struct=struct_pb2.Struct, engine=engine_pb2, engine_grpc=engine_pb2_grpc,
                                 provider=provider_pb2, resource=resource_pb2, resource_grpc=resource_pb2_grpc)


def plain(value):
    """A google.protobuf.Value as Python's own: whole numbers are integers again."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return members(value.struct_value)
    if kind == "list_value":
        return [plain(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return None if kind in (None, "null_value") else getattr(value, kind)


def members(struct):
    return {key: plain(value) for key, value in struct.fields.items()}


# A URN's logical name: urn:pulumi:stack::project::parent$type::name.
def name_of(urn):
    return "::".join(urn.split("::")[3:])


def make_services(job, channel, sdk):
    resource = sdk.resource
    known = {}  # urn -> logical name of what the engine has; None for what exists in the program alone
    failed = set()
    within = {}  # urn of a component -> "type::name" of those around what is in it, outermost first
    root = [""]

    def refuse(context, details):
        context.abort(sdk.grpc.StatusCode.INVALID_ARGUMENT, details)

    def urn_of(type, name, parent):
        above = f"{parent.split('::')[2]}$" if parent and parent != root[0] else ""
        return f"urn:pulumi:{job['stack']}::{job['project']}::{above}{type}::{name}"

    def answer(urn, id="", outputs=None):
        struct = sdk.Struct()
        struct.update(outputs or {})
        return resource.RegisterResourceResponse(urn=urn, id=id, object=struct)

    def fail(request, context, urn):
        failed.add(urn)
        if not request.supportsResultReporting:
            refuse(context, "the resource failed; gatehouse says why")
        return resource.RegisterResourceResponse(urn=urn, result=resource.Result.FAIL)

    def names_of(urns):
        return sorted({known[one] for one in urns if known.get(one)})

    def position_of(request):
        """The first place on the way to the call that is the program's own, not a library's."""
        for place in [request.sourcePosition, *(frame.pc for frame in request.stackTrace.frames)]:
            file = urllib.parse.unquote(urllib.parse.urlsplit(place.uri).path)
            if file.startswith(job["dir"] + "/") and "/site-packages/" not in file:
                return {"file": file, "line": place.line}
        return None

    class Monitor(sdk.resource_grpc.ResourceMonitorServicer):
        # Secrets only: without the richer kinds of values, resources arrive as their ids and unknowns as the sentinel.
        def SupportsFeature(self, request, context):
            return resource.SupportsFeatureResponse(hasSupport=request.id == "secrets")

        def RegisterResource(self, request, context):
            urn = urn_of(request.type, request.name, request.parent)
            if urn in known:
                refuse(context, f"two resources of type {request.type} are named '{request.name}'")
            if request.type == "pulumi:pulumi:Stack":
                root[0] = urn
            urns = set(request.dependencies).union(*(one.urns for one in request.propertyDependencies.values()))
            if urns & failed:
                return fail(request, context, urn)
            known[urn] = None
            if request.remote:
                refuse(context, f"{request.type} {request.name}: components of other packages are not in Gatehouse")
            parents = within.get(request.parent, [])
            if not request.custom:
                if urn != root[0]:
                    within[urn] = [*parents, f"{request.type}::{request.name}"]
                return answer(urn)
            inputs = members(request.object)
            if request.type.startswith("pulumi:providers:"):
                reply = channel.ask({"op": "provider", "type": request.type, "name": request.name, "inputs": inputs})
                return fail(request, context, urn) if reply.get("error") else answer(urn, request.name, inputs)
            reply = channel.ask({
                "op": "register", "type": request.type, "name": request.name, "inputs": inputs, "parents": parents, "position": position_of(request),
                "dependencies": names_of(urns),
                "protect": request.protect,
                "retainOnDelete": request.retainOnDelete,
                "deleteBeforeReplace": request.deleteBeforeReplace,
                "importId": request.importId,
                "ignoreChanges": list(request.ignoreChanges),
                "replaceOnChanges": list(request.replaceOnChanges),
                "additionalSecretOutputs": list(request.additionalSecretOutputs),
                "aliases": [name_of(alias) for alias in request.aliasURNs],
            })
            if reply.get("error"):
                return fail(request, context, urn)
            known[urn] = request.name
            outputs = reply["outputs"]
            id = outputs.pop("id", None)
            return answer(urn, "" if id is None or id == job["unknown"] else str(id), outputs)

        def ReadResource(self, request, context):
            """An object that the program only reads: `.get(name, id)`."""
            urn = urn_of(request.type, request.name, request.parent)
            reply = channel.ask({
                "op": "read", "type": request.type, "name": request.name, "readId": request.id, "inputs": members(request.properties),
                "position": position_of(request), "dependencies": names_of(request.dependencies),
                "additionalSecretOutputs": list(request.additionalSecretOutputs),
            })
            if reply.get("error"):
                refuse(context, "the resource could not be read; gatehouse says why")
            known[urn] = None
            outputs = reply["outputs"]
            outputs.pop("id", None)
            properties = sdk.Struct()
            properties.update(outputs)
            return resource.ReadResourceResponse(urn=urn, properties=properties)

        def RegisterResourceOutputs(self, request, context):
            if request.urn == root[0]:
                channel.tell({"op": "outputs", "outputs": dict(sorted(members(request.outputs).items()))})
            return sdk.Empty()

        def Invoke(self, request, context):
            reply = channel.ask({"op": "invoke", "function": request.tok, "inputs": members(request.args)})
            if reply.get("error"):
                refuse(context, f"{request.tok} failed; gatehouse says why")
            result = sdk.Struct()
            result.update(reply["result"])
            return sdk.provider.InvokeResponse(**{"return": result})

        def RegisterPackage(self, request, context):
            if request.name != "auth0":
                refuse(context, f"the package {request.name} is not in Gatehouse: it knows the provider auth0 only")
            return resource.RegisterPackageResponse(ref="auth0")

        def SignalAndWaitForShutdown(self, request, context):
            return sdk.Empty()

    class Engine(sdk.engine_grpc.EngineServicer):
        def Log(self, request, context):
            if request.severity == sdk.engine.INFO:
                print(request.message, file=sys.stderr, flush=True)
            elif request.severity > sdk.engine.INFO:
                channel.tell({"op": "log", "error": request.severity == sdk.engine.ERROR, "message": request.message.strip()})
            return sdk.Empty()

        def SetRootResource(self, request, context):
            root[0] = request.urn
            return sdk.engine.SetRootResourceResponse()

        def GetRootResource(self, request, context):
            return sdk.engine.GetRootResourceResponse(urn=root[0])

    return Monitor(), Engine()


def start_program(job):
    """Starts at once, so that it loads its SDK while we load ours; it waits for the address on its standard input."""
    env = {**os.environ, "PULUMI_CONFIG": json.dumps(job["config"]), "PULUMI_CONFIG_SECRET_KEYS": json.dumps(job["secretKeys"])}
    # What the program prints goes to stderr: stdout belongs to the plan.
    return subprocess.Popen([sys.executable, "-u", os.path.join(HERE, "program.py")], cwd=job["dir"], env=env, stdin=subprocess.PIPE, stdout=2)


def run(job, channel, folder, started):
    sdk = load_services()
    started.append(start_program(job))
    program = started[0]
    size = 64 << 20
    server = sdk.grpc.server(ThreadPoolExecutor(max_workers=160), options=[
        ("grpc.max_receive_message_length", size), ("grpc.max_send_message_length", size), ("grpc.so_reuseport", 0)])
    monitor, engine = make_services(job, channel, sdk)
    sdk.resource_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    sdk.engine_grpc.add_EngineServicer_to_server(engine, server)
    # A socket in a folder of our own, not a port: nobody else on this machine may register resources.
    address = f"unix:{folder}/engine"
    server.add_insecure_port(address)
    server.start()
    start = {key: job.get(key) for key in ("project", "stack", "dir", "main", "preview")}
    try:
        program.stdin.write(json.dumps({**start, "address": address}).encode() + b"\n")
        program.stdin.close()
    except BrokenPipeError:
        pass  # it ended before it began: its status says so
    status = program.wait()
    if status < 0:
        return {"code": 1, "error": f"the program was ended by {signal.Signals(-status).name}"}
    return {"code": status}


def main():
    channel = Channel(int(sys.argv[1]))
    job = channel.read()
    folder = tempfile.mkdtemp(prefix="gatehouse-host-")
    started = []

    def leave(status):
        if started and started[0].returncode is None:
            started[0].kill()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(status)

    signal.signal(signal.SIGTERM, lambda *_: leave(143))
    # The engine that is gone takes the program with it.
    threading.Thread(target=channel.answer_all, args=(lambda: leave(1),), daemon=True).start()
    try:
        end = run(job, channel, folder, started)
    except MissingSdk as error:
        end = {"code": 1, "error": str(error)}
    except Exception as error:
        end = {"code": 1, "error": f"the language host failed: {error!r}"}
    channel.tell({"op": "end", **end})
    leave(0)


main()
