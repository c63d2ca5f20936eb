import { systemClock } from '../../lib/clock.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { BodyRead } from '../../model/http.ts';
import { mib } from '../config.ts';
import { BodyReader, type BodyReaderOptions, droppedBodiesCounter } from '../http/body-reader.ts';

/** One per kind of request, so that bodies of one kind never use the memory of another. */
export interface BodyReaders {
  readonly readReport: BodyRead;
  readonly readCall: BodyRead;
  readonly readSignIn: BodyRead;
}

const REPORTS = { maxBytes: mib(96), maxBytesPerSender: mib(64) };
const CALLS = { maxBytes: mib(16), maxBytesPerSender: mib(8) };
const SIGN_INS = { maxBytes: mib(1), maxBytesPerSender: mib(0.25) };

export function composeBodies(metrics: Metrics): BodyReaders {
  const dropped = droppedBodiesCounter(metrics);
  /** Bodies of verified and of unverified senders have memory of their own. */
  const read = (options: BodyReaderOptions): BodyRead => {
    const verified = new BodyReader({ options, dropped, clock: systemClock });
    const unverified = new BodyReader({ options, dropped, clock: systemClock });
    return (stream, limits) =>
      (limits.account === undefined ? unverified : verified).read(stream, limits);
  };
  return { readReport: read(REPORTS), readCall: read(CALLS), readSignIn: read(SIGN_INS) };
}
