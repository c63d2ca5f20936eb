import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a program and returns its standard output. Throws if it fails; the cause has its standard error. */
export async function runCommand(argv: readonly string[]): Promise<string> {
  const [program = '', ...rest] = argv;
  try {
    return (await execute(program, rest, { maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (cause) {
    throw new Error(`cannot run ${argv.join(' ')}`, { cause });
  }
}
