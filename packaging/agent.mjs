// Entry point of the packaged agent: the same as `bin/nfm agent`, without server, store and console.
import { runAgent } from '../src/agent/main.ts';

runAgent(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error) => {
    process.stderr.write(`nfm-agent: ${error.stack}\n`);
    process.exit(1);
  },
);
