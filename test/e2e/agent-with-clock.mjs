/**
 * `nfm agent` on a host whose clock is wrong: by as many milliseconds as stand in the file named by
 * NFM_TEST_CLOCK, at any moment.
 */
import { readFileSync } from 'node:fs';
import { runAgent } from '../../dist/agent/main.js';

const file = process.env.NFM_TEST_CLOCK ?? '';
const clock = { now: () => Date.now() + Number(readFileSync(file, 'utf8')) };
process.exitCode = await runAgent(process.argv.slice(2), clock);
