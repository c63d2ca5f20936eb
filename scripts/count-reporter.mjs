import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

/** A Vitest reporter that writes the counts and the skipped tests to `NFM_TEST_COUNTS`. */
export default class CountReporter {
  onTestRunEnd(modules) {
    const counts = { passed: 0, failed: 0, skipped: [] };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        if (state === 'passed' || state === 'failed') counts[state] += 1;
        else counts.skipped.push(skipOf(module, test, note));
      }
    }
    writeFileSync(process.env.NFM_TEST_COUNTS, JSON.stringify(counts));
  }
}

/** The test with its file, and the reason; a suite that is skipped as a whole has the reason in its name. */
function skipOf(module, test, note) {
  const file = relative(process.cwd(), module.moduleId);
  return { test: `${file}: ${test.fullName}`, reason: note ?? 'see its name' };
}
