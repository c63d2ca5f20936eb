#!/bin/sh
# Compiles an eBPF program, by default the agent's: scripts/build-bpf.sh [OUTPUT [SOURCE]]. Needs clang and libbpf-dev.
set -eu
source=${2:-}
cd "$(dirname "$0")/../src/agent/kernel/bpf"
# Debian installs clang as clang-14; other versions make other bytes.
clang=$(command -v clang-14 || command -v clang)
output=${1:-nfm.bpf.o}
# mcpu=v2: what kernels from 5.8 on take. The BTF stays (maps and CO-RE need it), DWARF goes.
"$clang" -target bpf -mcpu=v2 -O2 -g -Wall -Werror -fdebug-compilation-dir=. \
  -idirafter "/usr/include/$(uname -m)-linux-gnu" -c "${source:-nfm.bpf.c}" -o "$output"
strip=$(command -v llvm-strip || ls /usr/bin/llvm-strip-* | tail -1)
"$strip" -g "$output"
