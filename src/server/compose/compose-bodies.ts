import { systemClock } from '../../lib/clock.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { BodyRead } from '../../model/http.ts';
import { mib } from '../config.ts';
import {
  droppedBodiesCounter,
  UnverifiedBodies,
  type UnverifiedBodiesOptions,
} from '../http/unverified-bodies.ts';

/** One reader per kind of request, so that bodies of one kind never use the memory of another. */
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
  const reader = (options: UnverifiedBodiesOptions): BodyRead => {
    const bodies = new UnverifiedBodies({ options, dropped, clock: systemClock });
    return (stream, limits) => bodies.read(stream, limits);
  };
  return { readReport: reader(REPORTS), readCall: reader(CALLS), readSignIn: reader(SIGN_INS) };
}
