import { missingForKernelTests } from '../net/kernel-need.ts';
import { benchAgent, newConnections, openSockets } from './agent-bench.ts';
import { benchApi } from './api-bench.ts';
import { benchPublish } from './publish-bench.ts';

const REPORTS = 3_000;
const AGENT_SECONDS = 40;

print(
  `publish: ${REPORTS} reports of 500 flows, signed, to durable rows`,
  await benchPublish(REPORTS),
);
for (const [operation, result] of Object.entries(await benchApi())) {
  print(`${operation}: signed, server on one core, client on the other`, result);
}
const missing = missingForKernelTests();
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
  for (const [name, value] of Object.entries(result)) console.log(`  ${name}: ${value.toFixed(1)}`);
}
