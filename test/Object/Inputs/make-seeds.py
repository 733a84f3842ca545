#!/usr/bin/env python3
"""make-seeds.py COMPILER OUT: small objects to start fuzzing from: both byte
orders, with and without debug information, cpu v1 to v4, maps, subprograms,
function pointers, jump tables, global data, several programs in a section."""
import os
import shlex
import subprocess
import sys

PARTS = {
    "plain": 'SEC("xdp") int f(void *c) { return 2; }',
    "branches": 'SEC("tc") int f(int *c) { if (c[0] == 3) return c[1]; return c[2] & 1; }\n'
                'SEC("tc") int g(int *c) { int s = 0; for (int i = 0; i < c[0]; i++) s += c[1]; return s; }',
    "map": 'struct { int (*type)[2]; int *key; long *value; int (*max_entries)[4]; } m SEC(".maps");\n'
           'static void *(*lookup)(void *, void *) = (void *)1;\n'
           'SEC("xdp") int f(void *c) { int k = 0; long *v = lookup(&m, &k); return v ? *v : 0; }',
    "calls": 'static __attribute__((noinline)) int s(int *c) { return c[0] * 3; }\n'
             '__attribute__((noinline)) int g(int *c) { return s(c) + 1; }\n'
             'static int cb(int i, void *c) { return 0; }\n'
             'static long (*loop)(int, void *, void *, long) = (void *)181;\n'
             'SEC("tc") int f(int *c) { loop(c[0], cb, 0, 0); return g(c) + s(c); }',
    "data": 'int a = 3; const volatile int b = 4; static int z;\n'
            'extern int CONFIG_HZ __attribute__((section(".kconfig")));\n'
            'SEC("socket") int f(int *c) { z += c[0]; a += b; return z + CONFIG_HZ; }',
    "core": 'struct s { int a, b; } __attribute__((preserve_access_index));\n'
            'SEC("raw_tp") int f(struct s *c) { return c->b; }',
    "ops": 'int f1(int *c) { return c[0]; }\n'
           'SEC("struct_ops/f") int f(int *c) { return 1; }\n'
           'struct ops { int (*f)(int *); } o SEC(".struct_ops") = { .f = f };',
}
HEADER = '#define SEC(n) __attribute__((section(n), used))\nchar l[] SEC("license") = "GPL";\n'
VARIANTS = {
    "v3": ["-mcpu=v3"], "v1": ["-mcpu=v1", "-g0"], "v4": ["-mcpu=v4"],
    "eb": ["-mcpu=v3", "-target", "bpfeb"], "btf": ["-mcpu=v3", "-gno-column-info"],
}

compiler, out = shlex.split(sys.argv[1]), sys.argv[2]
for name, text in PARTS.items():
    for variant, flags in VARIANTS.items():
        subprocess.run(compiler + flags + ["-w", "-x", "c", "-c", "-", "-o",
                                           os.path.join(out, name + "-" + variant + ".o")],
                       input=(HEADER + text).encode(), check=True)
