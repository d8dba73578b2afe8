"""core/ knows memory and libcrypto only: what its archive asks of the outside is on the list below.

    core_symbols.py NM LIBGH_CORE     exit status 1 and the names when something else is there

Reading a file, a clock, a socket or randomness would need a function that is not here. In libcrypto the same
doors are closed by prefix: BIO_ and *_fp read files, RAND_ and *_keygen draw randomness, and the configuration,
store and time functions do what their names say.
"""

import re
import subprocess
import sys

MEMORY = r"(bcmp|mem(chr|cmp|cpy|move|set|mem)|str(len|cmp|ncmp|chr)|malloc|calloc|realloc|free|v?snprintf)"
ALLOWED = [
    MEMORY,
    rf"__{MEMORY}_chk",  # with _FORTIFY_SOURCE
    r"__stack_chk_fail|__assert_fail|abort",
    r"_GLOBAL_OFFSET_TABLE_",
    r"(BN|CRYPTO_memcmp|CRYPTO_clear|EVP|ERR_(clear|get|peek)_error|OPENSSL_cleanse|OSSL_PARAM|ECDSA|EC|RSA|d2i|i2d)\w*",
]
RUNTIME = r"__(asan|ubsan|tsan|msan|sanitizer|gcov|llvm|sancov)_\w+|__(start|stop)_\w+"  # instrumented builds
FORBIDDEN = [
    r"\w*(BIO|_fp$|_file|RAND|rand|keygen|generate|paramgen|_time|_load_|OSSL_STORE)\w*",
]


def outside(nm, archive):
    """The names that the archive needs and does not define itself."""
    text = subprocess.run([nm, "-P", archive], check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^([\w.@]+) (\w)\b", text, re.M)
    defined = {name for name, kind in rows if kind not in "Uwv"}
    return sorted({name for name, _ in rows} - defined)


def is_allowed(name):
    name = name.split("@")[0]
    return bool(re.fullmatch(RUNTIME, name)) or any(re.fullmatch(p, name) for p in ALLOWED) and not any(re.fullmatch(p, name) for p in FORBIDDEN)


def check_the_check():
    """The rule itself: these must be refused, or the test proves nothing."""
    for name in ("open", "read", "fopen", "printf", "time", "clock_gettime", "getrandom", "socket", "getenv", "write",
                 "BIO_new_file", "RAND_bytes", "EVP_PKEY_Q_keygen", "EVP_PKEY_generate", "d2i_PUBKEY_fp",
                 "BN_rand", "gh_random_bytes", "pthread_create", "syscall"):
        assert not is_allowed(name), name


def main(nm, archive):
    check_the_check()
    names = outside(nm, archive)
    if not any(n.startswith("EVP_") for n in names):
        print("no symbols of libcrypto: this is not the archive of core")
        return 1
    bad = [n for n in names if not is_allowed(n)]
    for name in bad:
        print(f"core must not use {name}")
    print(f"{len(names)} outside symbols, {len(bad)} not allowed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
