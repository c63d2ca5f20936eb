import koffi from 'koffi';

/** sys/file.h */
const LOCK_EX_NB = 2 | 4;

/**
 * Locks an open file exclusively (flock(2)). The lock ends with the descriptor, and so with the
 * process, however it ends.
 *
 * @returns false when another process holds the lock
 */
export function lockFile(fd: number): boolean {
  const flock = koffi.load('libc.so.6').func('int flock(int fd, int operation)');
  return flock(fd, LOCK_EX_NB) === 0;
}
