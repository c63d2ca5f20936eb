import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a program to its end and gives its standard output. Throws with what it wrote to standard error. */
export async function runCommand(argv: readonly string[]): Promise<string> {
  const [program = '', ...rest] = argv;
  try {
    return (await execute(program, rest, { maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (cause) {
    throw new Error(`cannot run ${argv.join(' ')}`, { cause });
  }
}
