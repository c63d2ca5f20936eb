import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import koffi from 'koffi';

/** Bits of the capabilities that a collector may keep (linux/capability.h). */
const CAPABILITY = { netAdmin: 12, sysPtrace: 19, sysAdmin: 21, bpf: 39 } as const;
export type Capability = keyof typeof CAPABILITY;

/** _LINUX_CAPABILITY_VERSION_3: two words for each set. */
const VERSION = 0x2008_0522;
const WORDS = 2;
const SET_BYTES = 12;

/** linux/prctl.h */
const PR_SET_NO_NEW_PRIVS = 38;

/** After this many rounds without a further thread that dropped them, the rest are not libuv's. */
const IDLE_ROUNDS = 16;
/** Keeps a pool thread busy for this long, so that the next task runs on another thread. */
const NAP_MICROS = 1_000;

/**
 * Gives up every capability but `kept`, in this thread and in libuv's pool. Programs that this
 * process starts cannot regain them. capset(2) changes only the thread that calls it. So the
 * function queues capset calls and short sleeps to the pool until each pool thread has called
 * capset. V8's own threads only compile and collect garbage; they keep their capabilities.
 *
 * @param poolThreads the largest number of threads in libuv's pool
 * @returns how many threads of this process still hold other capabilities
 */
export async function dropCapabilities(
  keep: readonly Capability[],
  poolThreads: number,
): Promise<number> {
  const libc = koffi.load('libc.so.6');
  const capset = libc.func('int capset(void *header, void *sets)');
  const nap = promisify(libc.func('int usleep(uint32_t micros)').async);
  const prctl = libc.func(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  );
  const kept = maskOf(keep) & permitted('/proc/self/status');
  const header = Buffer.alloc(8);
  header.writeUInt32LE(VERSION);
  const sets = capabilitySets(kept);
  if (capset(header, sets) !== 0) throw new Error('cannot give up capabilities');
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw new Error('cannot set no_new_privs');
  const capsetInPool = promisify(capset.async);
  const tasks = Array.from({ length: poolThreads }, () => async () => {
    await Promise.all([capsetInPool(header, sets), nap(NAP_MICROS)]);
  });
  let left = threadsBeyond(kept);
  for (let idle = 0; left > 0 && idle < IDLE_ROUNDS; ) {
    await Promise.all(tasks.map((run) => run()));
    const now = threadsBeyond(kept);
    idle = now < left ? 0 : idle + 1;
    left = now;
  }
  return left;
}

/** The sets for capset(2): `bits` effective and permitted, none inheritable. */
function capabilitySets(bits: bigint): Buffer {
  const sets = Buffer.alloc(WORDS * SET_BYTES);
  for (let word = 0; word < WORDS; word += 1) {
    const part = Number((bits >> BigInt(32 * word)) & 0xffff_ffffn);
    sets.writeUInt32LE(part, word * SET_BYTES);
    sets.writeUInt32LE(part, word * SET_BYTES + 4);
  }
  return sets;
}

function maskOf(keep: readonly Capability[]): bigint {
  return keep.reduce((mask, name) => mask | (1n << BigInt(CAPABILITY[name])), 0n);
}

function permitted(statusFile: string): bigint {
  const status = readFileSync(statusFile, 'utf8');
  return BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
}

function threadsBeyond(kept: bigint): number {
  const threads = readdirSync('/proc/self/task');
  const beyond = threads.filter((thread) => {
    return (permitted(`/proc/self/task/${thread}/status`) & ~kept) !== 0n;
  });
  return beyond.length;
}
