#include "sandbox_attacks.h"

namespace srpo::verify {
namespace {

using records::VerdictKind;

const std::set<VerdictKind> kRefused = {VerdictKind::kCorrect};
const std::set<VerdictKind> kWrong = {VerdictKind::kWrong};
const std::set<VerdictKind> kTimeout = {VerdictKind::kTimeout};
const std::set<VerdictKind> kResource = {VerdictKind::kResourceLimit};
const std::set<VerdictKind> kStopped = {VerdictKind::kTimeout,
                                        VerdictKind::kResourceLimit, VerdictKind::kWrong};

}  // namespace

std::vector<Attack> attacks_on_the_machine() {
  return {
    {"ForkBomb", R"PY(
import os
while True:
    try: os.fork()
    except OSError: pass
)PY",
     kTimeout},
        {"ShellForkBomb", ":(){ :|:& };:\nsleep 60", kStopped, "bash"},
        {"ThreadBomb", R"PY(
import threading, time
n = 0
try:
    for i in range(10000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        n += 1
except RuntimeError: pass
assert n < 40, n
print(42, flush=True)
)PY",
         kRefused},
        {"Spin", "while True: pass", kTimeout},
        {"SpinInManyChildren", R"PY(
import os
for i in range(31):
    try:
        if os.fork() == 0: break
    except OSError: pass
while True: pass
)PY",
         kTimeout},
        {"SleepForEver", "import time\nwhile True: time.sleep(1000)", kTimeout},
        {"StopsItself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
         kTimeout},
        {"IgnoresSignals", R"PY(
import signal
for s in range(1, 65):
    try: signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass
)PY",
         kTimeout},
        {"Daemon", R"PY(
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3): os.close(fd)
        time.sleep(60)
    os._exit(0)
print(42)
)PY",
         kRefused},
        {"DaemonHoldsTheOutput", R"PY(
import os, time
print(42, flush=True)
if os.fork() == 0:
    os.setsid()
    time.sleep(60)
)PY",
         kRefused},
        {"OneLargeAllocation", "x = bytearray(4 << 30)", kResource},
        {"SlowCreep",
         "x = []\nwhile True: x.append(b'x' * 4000000 + bytes([len(x) % 256]))",
         {VerdictKind::kResourceLimit, VerdictKind::kTimeout}},
        {"ManyLargeChildren", R"PY(
import os, time
for i in range(31):
    if os.fork() == 0: break
x = b'x' * (400 << 20)
time.sleep(60)
)PY",
         kStopped},
        {"FillsItsTmp", R"PY(
written = 0
try:
    for i in range(1000):
        with open(f'trap{i}', 'wb') as f:
            written += f.write(b'x' * (1 << 20))
except OSError as e: assert e.errno == 28, e
assert written <= 33 << 20, written
print(42)
)PY",
         kRefused},
        {"FillsSharedMemory", R"PY(
written = 0
try:
    for i in range(100):
        with open(f'/dev/shm/trap{i}', 'wb') as f:
            written += f.write(b'x' * (1 << 20))
except OSError as e: assert e.errno in (28, 13), e
assert written <= 2 << 20, written
print(42)
)PY",
         kRefused},
        {"WritesOutsideItsTmp", R"PY(
for path in ['/trap', '/dev/trap', '/usr/trap', '/run/trap', '/proc/trap', '/etc/trap', '/tmp/../trap']:
    try: open(path, 'w')
    except OSError: continue
    raise SystemExit(path)
print(42)
)PY",
         kRefused},
        {"FloodsOutput", "while True: print('x' * 1000)", kResource},
        {"FloodsErrors", "import sys\nwhile True: print('x' * 1000, file=sys.stderr)",
         kResource},
        {"EndlessLine", "import os\nwhile True: os.write(1, b'4' * 65536)", kResource},
        {"BinaryOutput", "import os\nos.write(1, b'42\\n' + bytes(range(256)) * 100)",
         kWrong},
        {"MillionLines", "print('42\\n' * 1000000)", kWrong},
        {"ClosesOutputAndWaits",
         "import os, time\nos.close(1); os.close(2); time.sleep(60)", kTimeout},
        {"LargeFile", R"PY(
try:
    with open('trap', 'wb') as f:
        for i in range(1024): f.write(b'x' * (1 << 20))
except OSError as e: assert e.errno in (27, 28), e
else: raise SystemExit('a GiB was written')
print(42)
)PY",
         kRefused},
        {"SparseFile", R"PY(
try: open('trap', 'wb').truncate(1 << 40)
except OSError: print(42)
)PY",
         kRefused},
        {"MillionFiles", R"PY(
import os
for i in range(10 ** 7): os.close(os.open(f'trap{i}', os.O_CREAT))
)PY",
         kStopped},
        {"DeepFolders", R"PY(
import os
for i in range(3000):
    os.mkdir('trap')
    os.chdir('trap')
print(42)
)PY",
         kRefused},
        {"LooksAround", R"PY(
import os
assert open('/proc/1/environ', 'rb').read() == b'', 'environment'
for path in ['/etc/passwd', '/etc/shadow', '/root', '/home', '/var', '/work', '/mnt', '/sys',
             '/proc/1/root/etc/passwd', '/proc/self/root/home', '/boot', '/opt']:
    assert not os.path.exists(path), path
assert os.listdir('/tmp') == ['program.py'], os.listdir('/tmp')
processes = [p for p in os.listdir('/proc') if p.isdigit()]
assert len(processes) <= 3, processes
assert set(os.environ) <= {'PATH', 'HOME', 'TMPDIR', 'LANG', 'PYTHONHASHSEED', 'OMP_NUM_THREADS',
                           'OPENBLAS_NUM_THREADS', 'LC_CTYPE', 'PWD'}, dict(os.environ)
print(42)
)PY",
         kRefused},
        {"LinksOut", R"PY(
import os
os.symlink('/etc/passwd', 'trap1')
os.symlink('/proc/1/root/../../etc/shadow', 'trap2')
os.symlink('/proc/self/root', 'trap3')
for path in ['trap1', 'trap2', 'trap3/root/.profile']:
    try: open(path)
    except OSError: continue
    raise SystemExit(path)
try: os.link('/usr/bin/env', 'trap4')
except OSError: print(42)
)PY",
         kRefused},
        {"WritesToInheritedDescriptors", R"PY(
import os
open_ones = []
for fd in range(3, 1024):
    try: os.write(fd, b'trap'); open_ones.append(fd)
    except OSError: pass
assert not open_ones, open_ones
print(42)
)PY",
         kRefused},
        {"WritesToTheInitProcess", R"PY(
import os
for fd in range(64):
    for flags in (os.O_WRONLY, os.O_RDWR):
        try: os.write(os.open(f'/proc/1/fd/{fd}', flags), b'\x01\0\0\0\0\0\0\0')
        except OSError: pass
for name in ['mem', 'oom_score_adj', 'attr/current', 'clear_refs', 'coredump_filter', 'comm']:
    try: open(f'/proc/1/{name}', 'wb').write(b'0')
    except OSError: pass
print(41)
)PY",
         kWrong},
        {"OpensSockets", R"PY(
import socket
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET, 40, 38):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try: socket.socket(family, kind)
        except OSError: continue
        raise SystemExit(f'{family} {kind}')
for name in ['\0srpo-sandbox-uid-61000', '\0/tmp/dbus', '/run/docker.sock', '/var/run/nscd/socket']:
    try: socket.socket(socket.AF_UNIX).connect(name)
    except OSError: continue
    raise SystemExit(name)
try: socket.getaddrinfo('example.com', 80)
except OSError: print(42)
)PY",
         kRefused},
#if defined(__x86_64__)
        {"CallsTheKernel", R"PY(
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
calls = {'unshare': (272, 0x10000000), 'setns': (308, 0, 0), 'mount': (165, 0, 0, 0, 0, 0),
         'umount2': (166, b'/tmp', 0), 'pivot_root': (155, b'/', b'/'), 'chroot': (161, b'/tmp'),
         'ptrace': (101, 16, 1, 0, 0), 'process_vm_readv': (310, 1, 0, 0, 0, 0, 0),
         'bpf': (321, 0, 0, 0), 'perf_event_open': (298, 0, 0, -1, -1, 0),
         'userfaultfd': (323, 0), 'io_uring_setup': (425, 8, 0), 'keyctl': (250, 0, 0),
         'add_key': (248, b'user', b'x', b'y', 1, -2), 'clone': (56, 0x10000000 | 17, 0, 0, 0, 0),
         'clone3': (435, 0, 88), 'setuid': (105, 0), 'open_by_handle_at': (304, -100, 0, 0),
         'fsopen': (430, b'tmpfs', 0), 'move_mount': (429, -1, b'', -1, b'', 0),
         'seccomp': (317, 1, 0, 0), 'mknod': (133, b'trap', 0o20666, 0x103),
         'pidfd_getfd': (438, 0, 0, 0), 'fanotify_init': (300, 0, 0), 'acct': (163, 0),
         'syslog': (103, 2, 0, 0), 'shmget': (29, 0, 4096, 0o1666), 'unknown': (999, 0)}
for name, call in calls.items():
    ctypes.set_errno(0)
    result = libc.syscall(*call)
    assert result == -1 and ctypes.get_errno() in (1, 38), (name, result, ctypes.get_errno())
print(42)
)PY",
         kRefused},
        {"LoadsKernelCode",
         "import ctypes\nctypes.CDLL(None).syscall(175, 0, 0, 0)\nprint(42)", kWrong},
        {"ReplacesTheKernel",
         "import ctypes\nctypes.CDLL(None).syscall(246, 0, 0, 0, 0)\nprint(42)", kWrong},
#endif
        {"UnsharesByProgram", R"PY(
import subprocess
for command in (['unshare', '-Ur', 'true'], ['mount', '-t', 'tmpfs', 'x', '/tmp'], ['su', '-c', 'true'],
                ['bwrap', '--ro-bind', '/', '/', 'true'], ['nsenter', '-t', '1', '-m', 'true']):
    try: assert subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).returncode != 0, command
    except FileNotFoundError: pass
print(42)
)PY",
         kRefused},
        {"KillsAllItSees", R"PY(
import os, signal
for process in (1, os.getppid()):
    for s in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGCHLD):
        try: os.kill(process, s)
        except OSError: pass
for process in range(2, 70000):
    if process != os.getpid():
        try: os.kill(process, 9)
        except OSError: pass
try: os.kill(-1, 9)
except OSError: pass
print(42)
)PY",
         kRefused},
        {"RaisesItsLimits", R"PY(
import resource
for limit in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU,
              resource.RLIMIT_NOFILE, resource.RLIMIT_CORE):
    soft, hard = resource.getrlimit(limit)
    try: resource.setrlimit(limit, (hard + 1, hard + 1))
    except (ValueError, OSError): continue
    raise SystemExit(str(limit))
print(42)
)PY",
         kRefused},
  };
}

std::vector<Attack> attacks_on_the_verdict() {
  return {
      {"SaysNothing", "pass", kWrong},
      {"SaysPassed", "print('PASSED')\nprint('ok')", kWrong},
      {"PrintsAVerdict", "print('{\"verdict\":\"correct\",\"reward\":1.0}')", kWrong},
      {"AnswersAndMore", "print(42)\nprint('and garbage')", kWrong},
      {"AnswersAndFails", "print(42)\nraise SystemExit(1)", kWrong},
      {"LeavesAtOnce", "import os\nos._exit(0)", kWrong},
      {"SpeaksAtTheEnd", "import atexit, os\natexit.register(lambda: os._exit(0))",
       kWrong},
      {"PatchesPrint", R"PY(
import builtins, sys
class Same(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
builtins.print = lambda *a, **k: None
sys.stdout.write(Same('43'))
)PY",
       kWrong},
      {"Traces", R"PY(
import sys
def trace(frame, event, arg):
    frame.f_trace_opcodes = True
    return trace
sys.settrace(trace)
def f(): return 41
print(f())
)PY",
       kWrong},
      {"LooksForTheAnswer", R"PY(
import gc, os, sys, glob
seen = []
for path in glob.glob('/proc/*/cmdline') + glob.glob('/proc/*/environ') + glob.glob('/tmp/*'):
    if path.endswith('program.py'): continue
    try: seen.append(open(path, 'rb').read())
    except OSError: pass
seen.append(repr(sys.argv).encode())
print(40 + any(b'42' in s for s in seen) * 2)
)PY",
       kWrong},
      {"RecursesForEver", "def f(): f()\nf()", kWrong},
      {"OverflowsTheStack",
       "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(): f()\nf()",
       {VerdictKind::kWrong, VerdictKind::kResourceLimit, VerdictKind::kTimeout}},
      {"LargeInteger", "import sys\nsys.set_int_max_str_digits(0)\nint('9' * 10 ** 9)",
       kStopped},
      {"SlowInteger", "import sys\nsys.set_int_max_str_digits(0)\nint('9' * 10 ** 7)",
       kTimeout},
      {"SlowPattern", "import re\nre.match('(a+)+$', 'a' * 60 + 'b')", kTimeout},
      {"ZipBomb",
       "import gzip\ngzip.decompress(gzip.compress(b'0' * (1 << 24), 1) * 400)",
       kStopped},
      {"PickleBomb", R"PY(
import pickle
class Late:
    def __reduce__(self): return (eval, ("__import__('os')._exit(0)",))
pickle.loads(pickle.dumps(Late()))
)PY",
       kWrong},
      {"CrashesTheInterpreter", "import ctypes\nctypes.string_at(0)", kWrong},
      {"NotPython", "\x01 this is } not {", kWrong},
      {"NoBytesAtAll", " ", {VerdictKind::kUnparsable}},
  };
}

std::vector<Attack> attacks_in_cpp() {
  const std::set<VerdictKind> not_compiled = kStopped;
  return {
    {"IncludesAnEndlessFile", "#include </dev/zero>\nint main() {}", not_compiled,
     "cpp_small"},
        {"IncludesPasswords", "#include \"/etc/passwd\"\nint main() {}", kWrong,
         "cpp_small"},
        {"TemplateBomb",
         "template <int n, int m> struct B { static const int v = B<n - 1, m>::v + B<n - "
         "1, m + "
         "(1 << n)>::v; };\ntemplate <int m> struct B<0, m> { static const int v = m; "
         "};\n"
         "int main() { return B<26, 0>::v; }",
         not_compiled, "cpp_small"},
        {"EndlessMacro",
         "#define A(x) B(x) B(x) B(x) B(x)\n#define B(x) C(x) C(x) C(x) C(x)\n#define "
         "C(x) D(x) D(x) "
         "D(x) D(x)\n#define D(x) E(x) E(x) E(x) E(x)\n#define E(x) F(x) F(x) F(x) "
         "F(x)\n#define F(x) G(x) G(x) "
         "G(x) G(x)\n#define G(x) x x x x x x x x\nint main() { A(A(A(;))) }",
         not_compiled, "cpp_small"},
        {"Traps", "int main() { __asm__ volatile(\"int3\"); }", kWrong, "cpp_small"},
#if defined(__x86_64__)
        {"OldSystemCall",
         "int main() { int r; __asm__ volatile(\"int $0x80\" : \"=a\"(r) : \"a\"(20)); "
         "__builtin_printf(\"42\"); }",
         kWrong, "cpp_small"},
#endif
        {"HugeStaticArray",
         "static char a[2147483647]; int main() { for (auto& c : a) c = 1; "
         "__builtin_puts(\"42\"); }",
         kStopped, "cpp_small"},
        {"Segfault", "int main() { *(volatile int*)8 = 1; }", kWrong, "cpp_small"},
        {"StackOverflow",
         "int f(int n) { volatile char a[4096]; a[0] = n; return f(n + 1) + a[0]; }\n"
         "int main() { return f(0); }",
         kWrong, "cpp_small"},
        {"WritesFromTheCompiler",
         "#pragma GCC dependency \"/etc/shadow\"\n#include <cstdio>\nint main() { "
         "puts(\"41\"); }",
         kWrong, "cpp_small"},
  };
}

}  // namespace srpo::verify
