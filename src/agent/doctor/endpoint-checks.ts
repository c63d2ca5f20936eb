import type { OpenEndpoint } from '../open-endpoint.ts';
import type { PostResult } from '../report/endpoint.ts';
import type { Check } from './check.ts';

const TIMEOUT_MILLIS = 10_000;

/** Up to this difference the agent uses its own clock (ServerClock). */
const CLOCK_MILLIS = 5_000;

/** An invalid report: the endpoint rejects it only after it has accepted the key. */
const NO_REPORT = { bytes: Uint8Array.of(0xff), isGzip: false };

/** Checks that the endpoint answers, that the clocks agree, and that it accepts the key. */
export async function endpointChecks(to: OpenEndpoint | undefined): Promise<readonly Check[]> {
  if (to === undefined) {
    const found = 'cannot check: no --endpoint';
    return [{ name: 'endpoint', status: 'WARN', found, todo: 'name the endpoint by --endpoint' }];
  }
  const signal = AbortSignal.timeout(TIMEOUT_MILLIS);
  const reached = await reachCheck(to, signal);
  const clock = clockCheck(to.clock.hostAheadMillis);
  if (reached.status === 'FAIL') return [reached, clock];
  return [reached, clock, keyCheck(await to.endpoint.post(NO_REPORT, signal))];
}

async function reachCheck({ endpoint }: OpenEndpoint, signal: AbortSignal): Promise<Check> {
  const name = 'endpoint';
  try {
    return { name, status: 'OK', found: `answers (${await endpoint.learnTime(signal)})` };
  } catch (error) {
    const found = error instanceof Error ? error.message || error.name : String(error);
    return { name, status: 'FAIL', found, todo: todoOf(error) };
  }
}

function todoOf(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'check the host name and the resolver';
  if (/CERT|SIGNATURE|ISSUER/.test(code)) {
    return 'name the certificate authority of the endpoint by --ca-file';
  }
  return 'check the address, firewalls, security groups and --proxy';
}

/** @param aheadMillis this host's time minus the endpoint's; undefined when it gave none */
export function clockCheck(aheadMillis: number | undefined): Check {
  const name = 'clock';
  const todo =
    "synchronise it (chrony, systemd-timesyncd); until then reports have the endpoint's time";
  if (aheadMillis === undefined) {
    return { name, status: 'WARN', found: 'cannot check: the endpoint gave no date', todo };
  }
  const seconds = Math.round(aheadMillis / 1_000);
  const found = `${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} the endpoint's`;
  if (Math.abs(aheadMillis) <= CLOCK_MILLIS) return { name, status: 'OK', found };
  return { name, status: 'WARN', found, todo };
}

/** @param result the result of posting `NO_REPORT` */
export function keyCheck(result: PostResult): Check {
  const name = 'credentials';
  if (result.status === 'accepted' || result.status === 'rejected') {
    return { name, status: 'OK', found: 'accepted by the endpoint' };
  }
  if (result.status === 'failed') {
    const found = `cannot check: ${result.reason}`;
    return { name, status: 'WARN', found, todo: "see the endpoint's log" };
  }
  const todo =
    'name a key that may publish by AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE, or give the instance or pod a role with networkflowmonitor:Publish';
  return { name, status: 'FAIL', found: result.reason, todo };
}
