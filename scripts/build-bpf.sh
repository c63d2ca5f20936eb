#!/bin/sh
# Compiles an eBPF program, by default the agent's: scripts/build-bpf.sh [OUTPUT [SOURCE]]. Needs clang and libbpf-dev.
set -eu
source=${2:-}
cd "$(dirname "$0")/../src/agent/kernel/bpf"
# Debian installs clang as clang-14; other versions produce other bytes.
clang=$(command -v clang-14 || command -v clang)
output=${1:-nfm.bpf.o}
# Kernels from 5.8 on accept mcpu=v2. Stripping removes DWARF and keeps BTF, which maps and CO-RE need.
"$clang" -target bpf -mcpu=v2 -O2 -g -Wall -Werror -fdebug-compilation-dir=. \
  -idirafter "/usr/include/$(uname -m)-linux-gnu" -c "${source:-nfm.bpf.c}" -o "$output"
strip=$(command -v llvm-strip || ls /usr/bin/llvm-strip-* | tail -1)
"$strip" -g "$output"
