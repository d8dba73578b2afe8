"""The user's program in a process of its own, under PyPI's pulumi: what pulumi-language-python-exec does under the Pulumi CLI. It knows nothing of
Gatehouse but the address that it reads from its standard input."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [path for path in sys.path if path != HERE]  # an `import host` in the program means the program's

import asyncio
import json
import logging
import runpy
import traceback
from concurrent.futures import ThreadPoolExecutor

import pulumi
import pulumi.runtime

MANY = 128  # resources under way at once: the engine reads and writes them in batches


def shown(error, program):
    """The traceback from the program's first line on: what is above it is ours and Python's."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, frame in enumerate(frames) if frame.filename.startswith(os.path.dirname(program) if program.endswith(".py") else program)), 0)
    lines = traceback.TracebackException.from_exception(error)
    lines.stack = traceback.StackSummary.from_list(frames[first:])
    return "".join(lines.format()).rstrip()


def configure(job):
    values = json.loads(os.environ["PULUMI_CONFIG"])
    pulumi.runtime.set_all_config(values, json.loads(os.environ["PULUMI_CONFIG_SECRET_KEYS"]))
    pulumi.runtime.configure(pulumi.runtime.Settings(
        project=job["project"], stack=job["stack"], organization="organization", root_directory=job["dir"], parallel=16,
        monitor=job["address"], engine=job["address"], dry_run=job["preview"]))


def run(program):
    """What the exit status says: 0, or that of sys.exit; 1 after an error was logged."""
    # The SDK leaves futures behind when a program fails; what asyncio says of them helps nobody.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(max_workers=MANY))
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: runpy.run_path(program, run_name="__main__")))
        return 0
    except pulumi.RunError as error:  # for people, without a traceback
        pulumi.log.error(str(error))
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        pulumi.log.error(str(error.code))
    except BaseException as error:
        pulumi.log.error(f"the program failed with an unhandled exception:\n{shown(error, program)}")
    return 1


def main():
    job = json.loads(sys.stdin.readline())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    program = os.path.normpath(os.path.join(job["dir"], job["main"] or "."))
    os.chdir(job["dir"])
    sys.argv = [program]
    if not os.path.isdir(program):
        sys.path.insert(0, os.path.dirname(program))
    if not os.path.exists(os.path.join(program, "__main__.py") if os.path.isdir(program) else program):
        print(f"there is no program: {program} has no __main__.py", file=sys.stderr)
        return 1
    configure(job)
    folder = program if os.path.isdir(program) else os.path.dirname(program)
    runpy.run_path(os.path.join(HERE, "as_written.py"))["install"](folder)
    return run(program)


status = main()
sys.stdout.flush()
sys.stderr.flush()
os._exit(status & 0xFF)  # threads of the SDK's grpc would keep it for seconds
