import { setTimeout as delay } from 'node:timers/promises';
import { NetworkFlowMonitor } from '../../src/client/network-flow-monitor.ts';
import type { NetworkFlowMonitorClient } from '../../src/client/network-flow-monitor-client.ts';
import {
  type MonitorRow,
  queryMonitor,
  queryWorkloadInsights,
  type WorkloadInsightsRow,
} from '../../src/client/run-query.ts';
import { waitUntilScopeSucceeded } from '../../src/client/waiters.ts';
import type { ServerProcess } from '../../src/lab/server-process.ts';
import type { DestinationCategory } from '../../src/model/category.ts';
import type { WorkloadInsightsMetric } from '../../src/model/query.ts';

export const ACCOUNT = '000000000000';
export const REGION = 'us-east-1';
const MONITOR = 'everything';

/** A flow of `/api/v1/flows`, with its counts converted to numbers. */
export type Flow = Readonly<Record<string, string | number>>;

export interface FlowFilter {
  readonly localIp?: string;
  readonly remoteIp?: string;
  readonly servicePort?: number;
}

export interface Question {
  readonly metric: WorkloadInsightsMetric;
  readonly category: DestinationCategory;
}

/**
 * A server as its users see it: all answers come from signed requests to its API. `open` creates a
 * scope and a monitor of the whole Region; every query covers the time since then.
 */
export class ApiView {
  readonly client: NetworkFlowMonitorClient;
  readonly #scopeId: string;
  readonly #startTime: Date;

  private constructor(client: NetworkFlowMonitorClient, scopeId: string, startTime: Date) {
    this.client = client;
    this.#scopeId = scopeId;
    this.#startTime = startTime;
  }

  static async open(server: ServerProcess): Promise<ApiView> {
    const credentials = await server.credentials('default');
    const client = new NetworkFlowMonitor({
      endpoint: server.endpoint,
      region: REGION,
      credentials,
    });
    const target = { targetId: { accountId: ACCOUNT }, targetType: 'ACCOUNT' } as const;
    const { scopeId, scopeArn } = await client.createScope({
      targets: [{ targetIdentifier: target, region: REGION }],
    });
    await waitUntilScopeSucceeded({ client, maxWaitSeconds: 30 }, { scopeId });
    const localResources = [{ type: 'AWS::Region', identifier: REGION }] as const;
    await client.createMonitor({ monitorName: MONITOR, scopeArn, localResources });
    return new ApiView(client, scopeId, new Date(Date.now() - 1_000));
  }

  /** Flows since `open`, in descending order of bytes. */
  async flows(filter: FlowFilter = {}): Promise<readonly Flow[]> {
    const query = new URLSearchParams({ start: this.#startTime.toISOString(), limit: '1000' });
    for (const [name, value] of Object.entries(filter)) query.set(name, String(value));
    const target = `/api/v1/flows?${query}`;
    const answer = (await this.client.send({ method: 'GET', target, body: undefined })) as {
      readonly flows: readonly Flow[];
    };
    return answer.flows;
  }

  /** Queries until the flows satisfy a condition; throws after half a minute. */
  async untilFlows(
    filter: FlowFilter,
    isEnough: (flows: readonly Flow[]) => boolean,
  ): Promise<readonly Flow[]> {
    const latest = Date.now() + 30_000;
    for (;;) {
      const flows = await this.flows(filter);
      if (isEnough(flows)) return flows;
      if (Date.now() > latest) throw new Error(`only these flows came: ${JSON.stringify(flows)}`);
      await delay(100);
    }
  }

  monitorRows({ metric, category }: Question): Promise<MonitorRow[]> {
    return queryMonitor(this.#waiting(), {
      ...this.#range(),
      monitorName: MONITOR,
      metricName: metric,
      destinationCategory: category,
      limit: 500,
    });
  }

  insightRows({ metric, category }: Question): Promise<WorkloadInsightsRow[]> {
    return queryWorkloadInsights(this.#waiting(), {
      ...this.#range(),
      scopeId: this.#scopeId,
      metricName: metric,
      destinationCategory: category,
      limit: 500,
    });
  }

  #waiting() {
    return { client: this.client, maxWaitSeconds: 60 };
  }

  #range() {
    return { startTime: this.#startTime, endTime: new Date(Date.now() + 60_000) };
  }
}

/** The sum of members over flows; an absent member counts as 0. */
export function sumOf(flows: readonly Flow[], ...members: readonly string[]): number {
  return flows
    .flatMap((flow) => members.map((member) => Number(flow[member] ?? 0)))
    .reduce((sum, value) => sum + value, 0);
}
