import koffi, { type LibraryHandle } from 'koffi';
import { AgentError } from '../agent-error.ts';

/** A C pointer; 0n is NULL. */
export type Pointer = bigint;

/** The functions we use of libbpf 1.x and libc. They return a negative errno unless noted. */
export interface Libbpf {
  /** NULL, with errno set, when the bytes are no BPF object. */
  openObject(bytes: Buffer, size: number): Pointer;
  loadObject(object: Pointer): number;
  closeObject(object: Pointer): void;
  findProgram(object: Pointer, name: string): Pointer;
  setAutoload(program: Pointer, autoload: boolean): number;
  /** A link that lives as long as this process; NULL, with errno set, on failure. */
  attachCgroup(program: Pointer, cgroupFd: number): Pointer;
  attachIterator(program: Pointer): Pointer;
  linkFd(link: Pointer): number;
  /** A file descriptor; reading it to the end runs the iterator once. */
  createIterator(linkFd: number): number;
  destroyLink(link: Pointer): number;
  findMapFd(object: Pointer, name: string): number;
  lookup(mapFd: number, key: Buffer, value: Buffer): number;
  update(mapFd: number, key: Buffer, value: Buffer): number;
  remove(mapFd: number, key: Buffer): number;
  /**
   * `batch.in` is null for the first batch. `count` is the room before the call, and the number
   * read after it.
   */
  lookupBatch(mapFd: number, batch: LookupBatch): number;
  possibleCpus(): number;
  /** Fills `ids` and returns the number of programs. */
  queryPrograms(targetFd: number, attachType: number, ids: Uint32Array): number;
  mapMemory(fd: number, area: MemoryArea): ArrayBuffer | undefined;
  pageBytes(): number;
  errno(): number;
}

export interface LookupBatch {
  readonly in: Buffer | null;
  readonly out: Buffer;
  readonly keys: Buffer;
  readonly values: Buffer;
  readonly count: Buffer;
}

export interface MemoryArea {
  readonly offset: number;
  readonly length: number;
  readonly writable: boolean;
}

/** The errno values of this machine, by name. */
export const ERRNO = koffi.os.errno;

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

function loadLibrary(name: string) {
  try {
    return koffi.load(name);
  } catch (cause) {
    throw new AgentError(`${name} is missing: apt-get install libbpf1`, { cause });
  }
}

/**
 * Loads the system's libbpf.
 *
 * @throws AgentError that names the package to install
 */
export function openLibbpf(): Libbpf {
  const bpf = loadLibrary('libbpf.so.1');
  // NULL silences libbpf: the agent's own error is one line and needs no output of libbpf.
  bpf.func('void *libbpf_set_print(void *print)')(null);
  const open = bpf.func('void *bpf_object__open_mem(void *bytes, size_t size, void *options)');
  const setAutoload = bpf.func('int bpf_program__set_autoload(void *program, bool autoload)');
  const iterate = bpf.func('void *bpf_program__attach_iter(void *program, void *options)');
  const update = bpf.func(
    'int bpf_map_update_elem(int fd, void *key, void *value, uint64_t flags)',
  );
  return {
    openObject: (bytes, size) => open(bytes, size, null) ?? 0n,
    loadObject: bpf.func('int bpf_object__load(void *object)'),
    closeObject: bpf.func('void bpf_object__close(void *object)'),
    findProgram: bpf.func('void *bpf_object__find_program_by_name(void *object, str name)'),
    setAutoload,
    attachCgroup: nullable(bpf.func('void *bpf_program__attach_cgroup(void *program, int fd)')),
    attachIterator: (program) => iterate(program, null) ?? 0n,
    linkFd: bpf.func('int bpf_link__fd(void *link)'),
    createIterator: bpf.func('int bpf_iter_create(int fd)'),
    destroyLink: bpf.func('int bpf_link__destroy(void *link)'),
    findMapFd: bpf.func('int bpf_object__find_map_fd_by_name(void *object, str name)'),
    lookup: bpf.func('int bpf_map_lookup_elem(int fd, void *key, void *value)'),
    update: (fd, key, value) => update(fd, key, value, 0),
    remove: bpf.func('int bpf_map_delete_elem(int fd, void *key)'),
    possibleCpus: bpf.func('int libbpf_num_possible_cpus()'),
    queryPrograms: programQuery(bpf),
    errno: () => koffi.errno(),
    ...memoryFunctions(bpf),
  };
}

function nullable(attach: (program: Pointer, fd: number) => Pointer | null) {
  return (program: Pointer, fd: number): Pointer => attach(program, fd) ?? 0n;
}

function programQuery(bpf: LibraryHandle): Libbpf['queryPrograms'] {
  const query = bpf.func(
    'int bpf_prog_query(int fd, int type, uint32_t flags, void *attach_flags, void *ids, void *count)',
  );
  return (fd, type, ids) => {
    const count = Uint32Array.of(ids.length);
    const result = query(fd, type, 0, null, ids, count);
    return result < 0 ? result : (count[0] ?? 0);
  };
}

function memoryFunctions(
  bpf: LibraryHandle,
): Pick<Libbpf, 'lookupBatch' | 'mapMemory' | 'pageBytes'> {
  const lookupBatch = bpf.func(
    'int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, void *count, void *options)',
  );
  const libc = loadLibrary('libc.so.6');
  const mmap = libc.func(
    'void *mmap(void *address, size_t length, int access, int flags, int fd, int64_t offset)',
  );
  return {
    pageBytes: libc.func('int getpagesize()'),
    lookupBatch: (fd, batch) =>
      lookupBatch(fd, batch.in, batch.out, batch.keys, batch.values, batch.count, null),
    mapMemory: (fd, { offset, length, writable }) => {
      const access = writable ? PROT_READ | PROT_WRITE : PROT_READ;
      const address = mmap(null, length, access, MAP_SHARED, fd, offset);
      return address === MAP_FAILED ? undefined : koffi.view(address, length);
    },
  };
}
