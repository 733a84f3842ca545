# lit configuration: every tool by full path, features for what a machine may lack.
import glob
import os
import shutil
import subprocess

import lit.formats
from lit.llvm.subst import ToolSubst
from lit.llvm import llvm_config  # noqa: F401  (set up below)
import lit.llvm

config.name = "prepatch"
config.test_source_root = os.path.join(config.source_root, "test")
config.test_exec_root = os.path.join(config.build_root, "test", "out")
config.suffixes = [".test", ".s", ".c", ".ll", ".mir"]
config.excludes = ["Inputs", "unit", "Corpus", "fuzz"]
config.test_format = lit.formats.ShTest(execute_external=False)

# Attributes that lit.llvm expects of an LLVM build.
config.llvm_tools_dir = config.llvm_tools
config.lit_tools_dir = ""
lit.llvm.initialize(lit_config, config)
from lit.llvm import llvm_config

our_tools = os.path.join(config.build_root, "bin")
tools = [
    ToolSubst(t, unresolved="fatal")
    for t in ["FileCheck", "not", "count", "split-file", "yaml2obj", "obj2yaml",
              "llvm-mc", "llvm-objdump", "llvm-readobj", "llvm-readelf", "llvm-objcopy",
              "llvm-strip", "llvm-ar"]
] + [
    ToolSubst("%clang-bpf", command=os.path.join(config.llvm_tools, "clang")
              + " -target bpf -O2 -g -I" + config.test_source_root + "/Inputs"
              + " -idirafter /usr/include/" + os.uname().machine + "-linux-gnu",
              unresolved="fatal"),
    ToolSubst("%mc-bpf", command=os.path.join(config.llvm_tools, "llvm-mc")
              + " -triple bpfel -mcpu=v4 -filetype=obj", unresolved="fatal"),
]
ours = [t for t in ["prepatch", "prepatch-kload", "prepatch-bench"]
        if os.path.exists(os.path.join(our_tools, t))]
tools += [ToolSubst(t, unresolved="fatal") for t in ours]
llvm_config.add_tool_substitutions(tools, [config.llvm_tools, our_tools])
config.environment["FILECHECK_OPTS"] = "-enable-var-scope --allow-unused-prefixes=false --dump-input-filter=all"
config.substitutions.append(("%inputs", os.path.join(config.test_source_root, "Inputs")))
config.substitutions.append(("%python", "python3"))

# Kernel tests need bpf(): the loader itself says whether it may use it.
kload = os.path.join(our_tools, "prepatch-kload")
if os.path.exists(kload) and subprocess.run([kload, "--probe"], stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL).returncode == 0:
    config.available_features.add("bpf")
    config.available_features.add("bpf-" + os.uname().release.split("-")[0].rsplit(".", 1)[0])

# Tests under other kernels need these kernels and QEMU, which ./x test gets.
vm_dir = os.environ.get("PREPATCH_VM_DIR", os.path.join(config.build_root, "vm"))
config.environment["PREPATCH_VM_DIR"] = vm_dir
vm = os.path.join(our_tools, "prepatch-vm")
# A VM that tests start stays from one to the next, and not much longer.
config.substitutions.append(("%vm", vm + " --idle 60"))
if os.path.exists(vm + "-agent") and shutil.which("qemu-system-x86_64") and all(
        glob.glob(os.path.join(vm_dir, "kernels", kernel, "boot", "vmlinuz-*"))
        for kernel in ("6.1", "6.12")):
    config.available_features.add("vm")
