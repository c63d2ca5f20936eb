import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ServerProcess } from '../src/lab/server-process.ts';
import { seededRandom } from '../src/lib/testing.ts';
import { Poster } from '../test/load/poster.ts';
import { encodeBody, makeReport } from '../test/load/report-source.ts';

export interface PublishBenchResult {
  readonly flowRowsPerSecond: number;
  readonly cpuSecondsPerMillionRows: number;
  readonly peakMemoryMib: number;
  readonly postP50Millis: number;
  readonly postP99Millis: number;
}

const FLOWS = 500;
const HOSTS = 256;
const CONNECTIONS = 16;
const CLOCK_TICKS = 100;

/**
 * Posts signed reports of 500 flows until their rows are durable in the embedded store, with client
 * and server on one machine. Rows per second are counted from the first POST to the last stored
 * row, so a report that waits in the journal does not count as done.
 */
export async function benchPublish(reports: number): Promise<PublishBenchResult> {
  const server = await ServerProcess.start();
  const poster = new Poster({
    endpoint: server.endpoint,
    credentials: await server.credentials('agent'),
    region: 'us-east-1',
    connections: CONNECTIONS,
  });
  try {
    const bodies = makeBodies();
    const cpuBefore = await cpuSeconds(server.pid);
    const started = performance.now();
    const latencies = await postAll(poster, bodies, reports);
    const rows = reports * FLOWS;
    while ((await server.metric('nfm_flow_rows_stored_total')) < rows) await delay(50);
    const seconds = (performance.now() - started) / 1000;
    const sorted = Float64Array.from(latencies).sort();
    return {
      flowRowsPerSecond: rows / seconds,
      cpuSecondsPerMillionRows: (((await cpuSeconds(server.pid)) - cpuBefore) / rows) * 1e6,
      peakMemoryMib: await peakMemoryMib(server.pid),
      postP50Millis: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
      postP99Millis: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    };
  } finally {
    poster.close();
    await server.dispose();
  }
}

function makeBodies(): Buffer[] {
  const random = seededRandom(1);
  const timeMillis = Date.now();
  return Array.from({ length: HOSTS }, (_, host) =>
    encodeBody(makeReport({ host, flows: FLOWS, timeMillis, random })),
  );
}

async function postAll(
  poster: Poster,
  bodies: readonly Buffer[],
  reports: number,
): Promise<number[]> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async () => {
    while (next < reports) {
      const body = bodies[next % bodies.length] ?? Buffer.alloc(0);
      next += 1;
      const started = performance.now();
      // Two equal bodies in one second would be duplicates; an extra signed header tells them
      // apart.
      const answer = await poster.post(body, { 'x-nfm-report': String(next) });
      latencies.push(performance.now() - started);
      if (answer.status !== 200) throw new Error(`POST: ${answer.status} ${answer.body}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return latencies;
}

/** User and system time of a process (proc_pid_stat(5), fields 14 and 15), seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** VmHWM (proc_pid_status(5)), MiB. */
export async function peakMemoryMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}
