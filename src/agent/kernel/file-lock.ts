import koffi from 'koffi';

/** sys/file.h */
const LOCK_EX_NB = 2 | 4;

/**
 * Locks an open file against every other holder (flock(2)), or says that somebody else has it. The
 * lock goes with the descriptor, so with the process however it ends.
 */
export function lockFile(fd: number): boolean {
  const flock = koffi.load('libc.so.6').func('int flock(int fd, int operation)');
  return flock(fd, LOCK_EX_NB) === 0;
}
