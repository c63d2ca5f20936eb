import koffi from 'koffi';

/** What is used of the C library. Functions give -1 and errno unless said otherwise. */
export interface Libc {
  /** Moves the calling thread into the namespace of an open /proc/PID/ns/net. */
  enterNetNamespace(fd: number): number;
  /** Length of the kernel's tick. */
  jiffyMicros(): number;
  errno(): number;
}

const CLONE_NEWNET = 0x4000_0000;
const CLOCK_MONOTONIC_COARSE = 6;

export function openLibc(): Libc {
  const libc = koffi.load('libc.so.6');
  const setns = libc.func('int setns(int fd, int type)');
  const getResolution = libc.func('int clock_getres(int clock, void *resolution)');
  return {
    enterNetNamespace: (fd) => setns(fd, CLONE_NEWNET),
    jiffyMicros: () => {
      // The coarse clocks move once a tick (posix-timers.c: KTIME_LOW_RES), whatever CONFIG_HZ is.
      const resolution = Buffer.alloc(16);
      getResolution(CLOCK_MONOTONIC_COARSE, resolution);
      return Math.round(Number(resolution.readBigInt64LE(8)) / 1_000);
    },
    errno: () => koffi.errno(),
  };
}
