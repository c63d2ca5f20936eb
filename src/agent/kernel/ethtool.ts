import koffi from 'koffi';

/** linux/sockios.h, linux/ethtool.h */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GDRVINFO = 0x03;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GSTATS = 0x1d;
const ETH_SS_STATS = 1;

/** struct ethtool_drvinfo: `driver` follows the command; `n_stats` comes after all five texts. */
const DRIVER_INFO_BYTES = 196;
const DRIVER_OFFSET = 4;
const STATISTICS_COUNT_OFFSET = 180;

const STRING_BYTES = 32;
/** Upper bound: drivers have some counters for each queue. */
const MAX_STATISTICS = 16_384;

const AF_INET = 2;
const SOCK_DGRAM = 2;
const IFNAMSIZ = 16;

/** The counters of a network device's driver, by the driver's names. */
export interface DriverStatistics {
  readonly driver: string;
  readonly values: ReadonlyMap<string, bigint>;
}

/**
 * Reads the statistics of a device's driver by SIOCETHTOOL, in this process's network namespace. No
 * privilege is needed. Undefined when the driver has none.
 */
export function driverStatistics(device: string): DriverStatistics | undefined {
  const libc = openLibc();
  const fd = libc.socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return undefined;
  try {
    return readStatistics((bytes) => ask(libc, { fd, device, bytes }));
  } finally {
    libc.close(fd);
  }
}

/** Sends a command with room for the answer; returns the answer, or undefined if it is rejected. */
type Ask = (bytes: Buffer) => Buffer | undefined;

function readStatistics(send: Ask): DriverStatistics | undefined {
  const info = send(command(ETHTOOL_GDRVINFO, DRIVER_INFO_BYTES));
  if (info === undefined) return undefined;
  const driver = textAt(info, DRIVER_OFFSET);
  const count = info.readUInt32LE(STATISTICS_COUNT_OFFSET);
  if (count === 0 || count > MAX_STATISTICS) return { driver, values: new Map() };
  const wanted = command(ETHTOOL_GSTRINGS, 12 + count * STRING_BYTES);
  wanted.writeUInt32LE(ETH_SS_STATS, 4);
  wanted.writeUInt32LE(count, 8);
  const names = send(wanted);
  const sized = command(ETHTOOL_GSTATS, 8 + count * 8);
  sized.writeUInt32LE(count, 4);
  const values = send(sized);
  if (names === undefined || values === undefined) return { driver, values: new Map() };
  const pairs = Array.from(
    { length: count },
    (_, i) => [textAt(names, 12 + i * STRING_BYTES), values.readBigUInt64LE(8 + i * 8)] as const,
  );
  return { driver, values: new Map(pairs) };
}

function command(number: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(number);
  return bytes;
}

function textAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, Math.min(end < 0 ? bytes.length : end, at + STRING_BYTES));
}

interface Libc {
  socket(family: number, type: number, protocol: number): number;
  close(fd: number): number;
  ioctl(fd: number, request: number, argument: Buffer): number;
  malloc(size: number): bigint;
  free(pointer: bigint): void;
}

function openLibc(): Libc {
  const libc = koffi.load('libc.so.6');
  return {
    socket: libc.func('int socket(int family, int type, int protocol)'),
    close: libc.func('int close(int fd)'),
    ioctl: libc.func('int ioctl(int fd, unsigned long request, void *argument)'),
    malloc: libc.func('void *malloc(size_t size)'),
    free: libc.func('void free(void *pointer)'),
  };
}

/** Uses memory of libc for the answer: the address of a Buffer inside a struct is not stable. */
function ask(
  libc: Libc,
  { fd, device, bytes }: { readonly fd: number; readonly device: string; readonly bytes: Buffer },
): Buffer | undefined {
  const memory = libc.malloc(bytes.length);
  try {
    const shared = Buffer.from(koffi.view(memory, bytes.length));
    bytes.copy(shared);
    const request = Buffer.alloc(40);
    request.write(device.slice(0, IFNAMSIZ - 1), 'latin1');
    request.writeBigUInt64LE(memory, IFNAMSIZ);
    return libc.ioctl(fd, SIOCETHTOOL, request) < 0 ? undefined : Buffer.from(shared);
  } finally {
    libc.free(memory);
  }
}
