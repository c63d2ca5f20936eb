// The agent alone, as a program: what `bin/nfm agent` runs, without the server, its store and its console.
import { runAgent } from '../src/agent/main.ts';

runAgent(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error) => {
    process.stderr.write(`nfm-agent: ${error.stack}\n`);
    process.exit(1);
  },
);
