import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../../scripts/build-bpf.sh');
const COMMITTED = join(import.meta.dirname, 'bpf/nfm.bpf.o');

/** Other versions of clang compile the same source to other bytes. */
const BUILT_WITH = 'clang version 14.';

const found = ['clang-14', 'clang']
  .map((name) => spawnSync(name, ['--version'], { encoding: 'utf8' }).stdout ?? '')
  .join('\n');
const isBuilder = found.includes(BUILT_WITH) && process.arch === 'x64';

test.skipIf(!isBuilder)(
  `the committed eBPF object is what its source makes (${BUILT_WITH}x)`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'nfm-bpf-'));
    try {
      const output = join(folder, 'nfm.bpf.o');
      execFileSync(SCRIPT, [output]);
      expect(readFileSync(output).equals(readFileSync(COMMITTED))).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
