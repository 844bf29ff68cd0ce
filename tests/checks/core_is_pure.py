#!/usr/bin/env python3
"""The pure libraries reach for nothing: no socket, clock, thread, random device, file or environment.

Every symbol that one of them leaves to others must be on the short list below, so a new way to reach the machine is found
even when nobody thought of forbidding it.

usage: core_is_pure.py COMPILER LIBRARY.a…
       core_is_pure.py COMPILER --self-test
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ALLOWED = [re.compile(pattern) for pattern in (
    # Our own: those of another pure folder, or the layers check has something to say.
    r"^(vtable for |typeinfo for |typeinfo name for |guard variable for )?choregos::",
    # Externals of wire/: bytes in, values out. (No file or stream support of Boost.JSON is among them.)
    r"^(std::pair<boost::json::key_value_pair\*, unsigned long> )?boost::json::(?!.*(istream|ostream))",
    r"^crypto_auth_hmacsha256(_(init|update|final|verify))?$", r"^sodium_mem(cmp|zero)$",
    # What the compiler writes for allocation, exceptions, assertions, statics and position-independent code.
    r"^operator (new|delete)(\[\])?\(", r"^vtable for __cxxabiv1::", r"^__cxa_\w+$", r"^__gxx_personality_v0$", r"^_Unwind_Resume$",
    r"^__dso_handle$", r"^_GLOBAL_OFFSET_TABLE_$", r"^__assert_fail$", r"^__stack_chk_fail$", r"^__libc_single_threaded$", r"^__popcount[sd]i2$",
    r"^__(asan|ubsan|tsan|sanitizer|interceptor)_\w+$", r"^_ITM_\w+$",
    # The parts of the standard library that compute.
    r"^(vtable for |typeinfo for )?std::(__throw_\w+|exception|bad_alloc|bad_\w+|logic_error|length_error|out_of_range|invalid_argument"
    r"|runtime_error|range_error|overflow_error|domain_error)\b",
    r"^std::(_Rb_tree_\w+|_Hash_bytes|__detail::_Prime_rehash_policy|__detail::_List_node_base|_List_node_base|from_chars|to_chars|nothrow"
    r"|terminate|uncaught_exceptions?)\b",
    r"^std::(__cxx11::basic_string<char\b|basic_string_view<|allocator<|char_traits<char>|__cxx11::to_string)",
    r"^(bool |char\* |void )?std::(operator|__cxx11::basic_string<char)",
    # The parts of the C library that compute. strerror_r comes with the error categories of Boost.JSON.
    r"^mem(chr|cmp|cpy|move|set|rchr)$", r"^str(len|cmp|ncmp|chr|ncpy|error_r)$", r"^v?snprintf$", r"^abort$", r"^bcmp$",
    r"^(floor|ceil|round|llround|lround|log|log2|log10|log1p|exp|exp2|expm1|pow|sqrt|fmod|ldexp|frexp|nextafter|fmin|fmax|trunc)f?$",
)]


def undefined(library):
    """(object, demangled name) of each symbol that the library leaves to others, without those it defines itself."""
    def nm(flag):
        return subprocess.run(["nm", "-A", "-C", flag, str(library)], check=True, capture_output=True, text=True).stdout.splitlines()
    # "libx.a:file.cpp.o:0123456789abcdef T name" or, when undefined, spaces for the number.
    form = re.compile(r"^.*?:([^:]+\.o):\s*(?:[0-9a-f]+)?\s+(\w)\s+(.*)$")
    defined = {m[3] for m in map(form.match, nm("--defined-only")) if m}
    for match in map(form.match, nm("--undefined-only")):
        if match and match[3] not in defined:
            yield match[1], match[3]


def check(libraries):
    found = []
    for library in libraries:
        for part, name in undefined(library):
            if not any(pattern.search(name) for pattern in ALLOWED):
                found.append(f"{pathlib.Path(library).name}: {part} uses {name}: a pure folder may not reach for it; take it as an argument")
    return found


# Code that must be found out, and the name under which it is.
PLANTS = [
    ("#include <sys/socket.h>\nint f() { return socket(1, 2, 0); }", "socket"),
    ("#include <unistd.h>\nlong f(char* p) { return read(0, p, 1); }", "read"),
    ("#include <netdb.h>\nint f(addrinfo** r) { return getaddrinfo(\"a\", \"b\", nullptr, r); }", "getaddrinfo"),
    ("#include <ctime>\nlong f() { return std::time(nullptr); }", "time"),
    ("#include <ctime>\nlong f() { timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec; }", "clock_gettime"),
    ("#include <chrono>\nauto f() { return std::chrono::steady_clock::now(); }", "steady_clock::now"),
    ("#include <chrono>\nauto f() { return std::chrono::system_clock::now(); }", "system_clock::now"),
    ("#include <thread>\nvoid f() { std::thread([] {}).join(); }", "std::thread"),
    ("#include <mutex>\nvoid f(std::mutex& m) { m.lock(); }", "pthread_mutex_lock"),
    ("#include <random>\nunsigned f() { return std::random_device{}(); }", "random_device"),
    ("#include <cstdlib>\nint f() { return std::rand(); }", "rand"),
    ("#include <sys/random.h>\nlong f(char* p) { return getrandom(p, 8, 0); }", "getrandom"),
    ("extern \"C\" void randombytes_buf(void*, unsigned long);\nvoid f(char* p) { randombytes_buf(p, 8); }", "randombytes_buf"),
    ("#include <cstdio>\nvoid* f() { return std::fopen(\"a\", \"r\"); }", "fopen"),
    ("#include <fcntl.h>\nint f() { return open(\"a\", 0); }", "open"),
    ("#include <fstream>\nbool f() { return std::ifstream(\"a\").good(); }", "basic_ifstream"),
    ("#include <filesystem>\nbool f() { return std::filesystem::exists(\"a\"); }", "std::filesystem"),
    ("#include <iostream>\nvoid f() { std::cout << 1; }", "std::cout"),
    ("#include <cstdio>\nvoid f() { std::puts(\"a\"); }", "puts"),
    ("#include <cstdlib>\nchar* f() { return std::getenv(\"a\"); }", "getenv"),
]


def build(compiler, folder, source):
    (folder / "planted.cpp").write_text(source + "\n")
    library = folder / "libplanted.a"
    library.unlink(missing_ok=True)
    # As a library of ours is built in a debug build: nothing inlined away.
    subprocess.run([*compiler, "-std=c++20", "-O0", "-fPIC", "-c", "planted.cpp", "-o", "planted.cpp.o"], cwd=folder, check=True)
    subprocess.run(["ar", "rc", library.name, "planted.cpp.o"], cwd=folder, check=True)
    return library


def self_test(compiler):
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        harmless = "#include <map>\n#include <string>\n#include <cmath>\nstd::map<std::string, double> f(double x) { return {{std::to_string(x), std::floor(x)}}; }"
        if found := check([build(compiler, folder, harmless)]):
            print("found in harmless code:", *found, sep="\n  ")
            failures += 1
        for source, name in PLANTS:
            found = check([build(compiler, folder, source)])
            caught = any(re.search(rf" uses .*\b{re.escape(name)}\b", line) for line in found)
            print(f"{'caught' if caught else 'NOT CAUGHT'}: {name}")
            failures += not caught
    return 1 if failures else 0


def main():
    compiler = [sys.argv[1]]
    if sys.argv[2] == "--self-test":
        return self_test(compiler)
    found = check(sys.argv[2:])
    print(*found, sep="\n")
    print(f"{len(found)} violations" if found else f"none found in {len(sys.argv) - 2} libraries")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
