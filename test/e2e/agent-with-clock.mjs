/**
 * Runs `nfm agent` with a wrong clock. The file named by NFM_TEST_CLOCK contains the current error in
 * milliseconds.
 */
import { readFileSync } from 'node:fs';
import { runAgent } from '../../dist/agent/main.js';

const file = process.env.NFM_TEST_CLOCK ?? '';
const clock = { now: () => Date.now() + Number(readFileSync(file, 'utf8')) };
process.exitCode = await runAgent(process.argv.slice(2), clock);
