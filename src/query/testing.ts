import type { Monitor, MonitorLocalResource, MonitorRemoteResource } from '../model/monitor.ts';
import type { QueryRequest } from '../model/query.ts';
import type { PathFinder } from '../model/topology.ts';
import type { SqlFragment } from '../store/sql.ts';
import type { AskerOptions, FlowReader } from './queries.ts';

/** A query that a test controls. */
export interface AskedQuestion {
  readonly signal: AbortSignal | undefined;
  readonly resolve: (rows: readonly unknown[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A store whose queries a test answers when it wants, to keep a query in a state. Like the real
 * store, it rejects with the signal's reason when the signal is aborted.
 */
export class QueuedStore implements FlowReader {
  /** Number of queries so far. */
  asked = 0;
  readonly #questions: AskedQuestion[] = [];
  readonly #waiting: ((question: AskedQuestion) => void)[] = [];

  query<Row>(_: SqlFragment, { signal }: AskerOptions): Promise<Row[]> {
    this.asked += 1;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const question: AskedQuestion = {
        signal,
        resolve: (rows) => resolve(rows as Row[]),
        reject,
      };
      signal?.addEventListener('abort', () => {
        const at = this.#questions.indexOf(question);
        if (at !== -1) this.#questions.splice(at, 1);
        reject(signal.reason);
      });
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#questions.push(question);
      else waiting(question);
    });
  }

  /** Waits for the next query and returns it. */
  next(): Promise<AskedQuestion> {
    const question = this.#questions.shift();
    if (question !== undefined) return Promise.resolve(question);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async answer(rows: readonly unknown[]): Promise<void> {
    (await this.next()).resolve(rows);
  }

  async fail(error: Error): Promise<void> {
    (await this.next()).reject(error);
  }
}

/** A topology without resources. */
export const NO_PATHS: PathFinder = {
  pathOf: () => ({ constructs: [], snatAddress: '', dnatAddress: '' }),
};

/** Half a minute after a full minute, so the first bin starts before it. */
export const QUERY_START = 1_800_000_030;
export const QUERY_END = 1_800_001_800;

/** A query over the half hour that has the generated flows. */
export function requestOf(parts: Partial<QueryRequest>): QueryRequest {
  return {
    kind: 'MonitorTopContributors',
    resource: 'web',
    startSeconds: QUERY_START,
    endSeconds: QUERY_END,
    metric: 'DATA_TRANSFERRED',
    category: 'INTRA_AZ',
    limit: 500,
    ...parts,
  };
}

export function monitorOf(
  localResources: readonly MonitorLocalResource[],
  remoteResources: readonly MonitorRemoteResource[] = [],
): Monitor {
  const none = { createdAtMillis: 0, modifiedAtMillis: 0, tags: {} };
  return {
    ...none,
    monitorName: 'web',
    monitorArn: '',
    scopeArn: '',
    status: 'ACTIVE',
    localResources,
    remoteResources,
  };
}
