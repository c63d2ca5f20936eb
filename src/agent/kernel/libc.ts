import koffi from 'koffi';

/** The functions we use of the C library. They return -1 and set errno unless noted. */
export interface Libc {
  /** Moves the calling thread into the namespace of an open /proc/PID/ns/net. */
  enterNetNamespace(fd: number): number;
  /** Returns a file descriptor. */
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  setOption(fd: number, level: number, option: number, ...value: OptionValue): number;
  send(fd: number, bytes: Buffer, length: number, flags: number): number;
  /** Returns the number of bytes received. */
  receive(fd: number, into: Buffer, length: number, flags: number): number;
  close(fd: number): number;
  /** Milliseconds since the machine started, including suspended time. */
  bootMillis(): number;
  /** The length of the kernel's tick. */
  jiffyMicros(): number;
  errno(): number;
}

type OptionValue = readonly [value: Int32Array, bytes: number];

const CLONE_NEWNET = 0x4000_0000;
const CLOCK_MONOTONIC_COARSE = 6;
const CLOCK_BOOTTIME = 7;

export function openLibc(): Libc {
  const libc = koffi.load('libc.so.6');
  const setns = libc.func('int setns(int fd, int type)');
  const getTime = libc.func('int clock_gettime(int clock, void *time)');
  const time = new BigInt64Array(2);
  const getResolution = libc.func('int clock_getres(int clock, void *resolution)');
  return {
    socket: libc.func('int socket(int family, int type, int protocol)'),
    bind: libc.func('int bind(int fd, void *address, uint32_t length)'),
    setOption: libc.func(
      'int setsockopt(int fd, int level, int option, void *value, uint32_t length)',
    ),
    send: libc.func('int64_t send(int fd, void *bytes, size_t length, int flags)'),
    receive: libc.func('int64_t recv(int fd, void *into, size_t length, int flags)'),
    close: libc.func('int close(int fd)'),
    enterNetNamespace: (fd) => setns(fd, CLONE_NEWNET),
    bootMillis: () => {
      getTime(CLOCK_BOOTTIME, time);
      return Number(time[0]) * 1_000 + Number(time[1]) / 1_000_000;
    },
    jiffyMicros: () => {
      // The coarse clocks advance once a tick (posix-timers.c: KTIME_LOW_RES), for any CONFIG_HZ.
      const resolution = Buffer.alloc(16);
      getResolution(CLOCK_MONOTONIC_COARSE, resolution);
      return Math.round(Number(resolution.readBigInt64LE(8)) / 1_000);
    },
    errno: () => koffi.errno(),
  };
}
