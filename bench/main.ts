import { missingForLab } from '../src/lab/net/kernel-need.ts';
import { benchAgent, newConnections, openSockets } from './agent-bench.ts';
import { benchApi } from './api-bench.ts';
import { benchHealth } from './health-bench.ts';
import { benchPublish } from './publish-bench.ts';
import { benchTopology } from './topology-bench.ts';

const REPORTS = 3_000;
const HEALTH_CELLS = [50_000, 1_000_000] as const;
const AGENT_SECONDS = 40;

print(
  `publish: ${REPORTS} reports of 500 flows, signed, to durable rows`,
  await benchPublish(REPORTS),
);
for (const [operation, result] of Object.entries(await benchApi())) {
  print(`${operation}: signed, server on one core, client on the other`, result);
}
print('topology: bars are 2 s, 300 MiB, and 2 µs a flow with its path', benchTopology());
// Warm up: a server has judged many windows before it meets a large one.
benchHealth(HEALTH_CELLS[0]);
for (const cells of HEALTH_CELLS) {
  print('health: first pass and search, bars are 0.5 s and 5 s', benchHealth(cells));
}
const missing = missingForLab();
if (missing === undefined) {
  print(
    'agent, 2,000 new connections/s: bars are 80 MiB and 2% of a core',
    await benchAgent(newConnections(2_000, AGENT_SECONDS)),
  );
  print(
    'agent, 50,000 open sockets of which 1,000/s move: bars are 80 MiB and 3% of a core',
    await benchAgent(openSockets(50_000, 1_000, AGENT_SECONDS)),
  );
} else console.log(`agent: ${missing}`);

function print(title: string, result: object): void {
  console.log(title);
  for (const [name, value] of Object.entries(result))
    console.log(`  ${name}: ${value.toFixed(value < 10 ? 2 : 1)}`);
}
