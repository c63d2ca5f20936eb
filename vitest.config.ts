import { defineConfig } from 'vitest/config';

/** A test file's suffix names its need; each need is a project. */
const needs = {
  // Needs only time, and would make `npm run check` slow.
  proof: ['{src,test,eval}/**/*.proof.test.ts'],
  store: ['src/**/*.store.test.ts'],
  kernel: ['src/**/*.kernel.test.ts'],
  e2e: ['test/e2e/**/*.e2e.test.ts'],
  browser: ['test/e2e/**/*.browser.test.ts'],
  conformance: ['test/e2e/**/*.conformance.test.ts'],
};
const special = Object.values(needs).flat();
const slow = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,test,bench,eval}/**/*.test.ts'],
          exclude: special,
          // On a busy machine a correct test may take long.
          testTimeout: 60_000,
          // No module has state, so test files share modules; importing them took half of the time.
          isolate: false,
        },
      },
      { test: { name: 'proof', include: needs.proof, ...slow } },
      { test: { name: 'store', include: needs.store, ...slow } },
      { test: { name: 'kernel', include: needs.kernel, fileParallelism: false, ...slow } },
      { test: { name: 'e2e', include: needs.e2e, fileParallelism: false, ...slow } },
      { test: { name: 'browser', include: needs.browser, fileParallelism: false, ...slow } },
      {
        test: { name: 'conformance', include: needs.conformance, fileParallelism: false, ...slow },
      },
    ],
  },
});
