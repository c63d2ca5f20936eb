import type { OpenEndpoint } from '../open-endpoint.ts';
import type { PostResult } from '../report/endpoint.ts';
import type { Check } from './check.ts';

const TIMEOUT_MILLIS = 10_000;

/** Nearer than this no one sees it. */
const CLOCK_MILLIS = 5_000;

/** No report: what is sent to see whether the keys are taken. */
const NO_REPORT = { bytes: Uint8Array.of(0xff), isGzip: false };

/** Whether the endpoint can be reached, what time it has there, and whether it takes the keys. */
export async function endpointChecks(to: OpenEndpoint | undefined): Promise<readonly Check[]> {
  if (to === undefined) {
    const found = 'cannot tell: none is given';
    return [{ name: 'endpoint', status: 'WARN', found, todo: 'name it by --endpoint' }];
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
    return 'name the certificate authority that signed it by --ca-file';
  }
  return 'check the address, firewalls and security groups on the way, and --proxy';
}

/** @param aheadMillis how far this host's clock is ahead of the endpoint's, if it told its time */
export function clockCheck(aheadMillis: number | undefined): Check {
  const name = 'clock';
  const todo = 'synchronise it (chrony, systemd-timesyncd); reports go by the endpoint’s till then';
  if (aheadMillis === undefined) {
    return { name, status: 'WARN', found: 'cannot tell: the endpoint did not say', todo };
  }
  const seconds = Math.round(aheadMillis / 1_000);
  const found = `${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} the endpoint's`;
  if (Math.abs(aheadMillis) <= CLOCK_MILLIS) return { name, status: 'OK', found };
  return { name, status: 'WARN', found, todo };
}

/** @param result what the endpoint said to a post that is no report */
export function keyCheck(result: PostResult): Check {
  const name = 'credentials';
  if (result.status === 'accepted' || result.status === 'rejected') {
    return { name, status: 'OK', found: 'taken by the endpoint' };
  }
  if (result.status === 'failed') {
    const found = `cannot tell: ${result.reason}`;
    return { name, status: 'WARN', found, todo: 'look at the endpoint’s own log' };
  }
  const todo =
    'name keys that may publish by AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE, or give the instance or pod a role with networkflowmonitor:Publish';
  return { name, status: 'FAIL', found: result.reason, todo };
}
