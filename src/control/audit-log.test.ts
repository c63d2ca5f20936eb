import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import type { AuditEvent } from '../model/audit-event.ts';
import { AuditLog } from './audit-log.ts';
import { type ControlBench, controlBench, owner } from './testing.ts';

const postgresUrl = process.env.NFM_TEST_POSTGRES_URL;
const START = Date.UTC(2026, 10, 23, 12);

function event(n: number, overrides: Partial<AuditEvent> = {}): AuditEvent {
  return {
    eventVersion: '1.11',
    eventID: `e-${String(n).padStart(6, '0')}`,
    eventTime: new Date(START + n).toISOString(),
    eventSource: 'networkflowmonitor.amazonaws.com',
    eventName: 'GetScope',
    eventType: 'AwsApiCall',
    eventCategory: 'Management',
    managementEvent: true,
    readOnly: true,
    awsRegion: owner.region,
    sourceIPAddress: '192.0.2.1',
    userAgent: 'test',
    userIdentity: { type: 'AccessKey', arn: 'arn:x', accountId: owner.account, accessKeyId: 'A' },
    recipientAccountId: owner.account,
    requestParameters: { ScopeId: 's-1' },
    requestID: 'r',
    ...overrides,
  };
}

const engines = [
  { name: 'SQLite', url: undefined, skipped: false },
  { name: 'PostgreSQL', url: postgresUrl, skipped: postgresUrl === undefined },
];
describe.each(engines)('the audit log on $name', ({ url, skipped }) => {
  let bench: ControlBench;
  let metrics: Metrics;
  beforeEach(async (context) => {
    if (skipped) return context.skip('NFM_TEST_POSTGRES_URL is not set');
    bench = await controlBench(url);
  });
  afterEach(async () => {
    if (!skipped) await bench[Symbol.asyncDispose]();
  });

  const auditLog = (maxEvents = 1_000) => {
    const { database } = bench;
    metrics = new Metrics();
    return new AuditLog({ database, log: silentLog, metrics, maxEvents });
  };

  const everything = {
    account: owner.account,
    fromMillis: 0,
    untilMillis: Number.MAX_SAFE_INTEGER,
    limit: 1_000,
  };
  const ids = (events: readonly AuditEvent[]) => events.map(({ eventID }) => eventID);

  test('finds events newest first, also those not written yet', async () => {
    const log = auditLog();
    for (let n = 0; n < 3; n += 1) log.record(event(n), START + n);
    const { events, next } = await log.find(everything);
    expect(events).toEqual([event(2), event(1), event(0)]);
    expect(next).toBeUndefined();
  });

  test('pages return each event of one millisecond exactly once', async () => {
    const log = auditLog();
    for (let n = 0; n < 25; n += 1) log.record(event(n), START);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await log.find({ ...everything, limit: 7, after });
      seen.push(...ids(page.events));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => event(24 - i).eventID));
  });

  const filters = [
    { name: 'account', query: { account: '210987654321' }, found: ['e-000001'] },
    { name: 'name', query: { eventName: 'CreateScope' }, found: ['e-000002'] },
    { name: 'key', query: { accessKeyId: 'B' }, found: ['e-000003'] },
    {
      name: 'time',
      query: { fromMillis: START + 2, untilMillis: START + 3 },
      found: ['e-000002'],
    },
  ];
  test.each(filters)('finds events by $name', async ({ query, found }) => {
    const log = auditLog();
    log.record(event(0), START);
    log.record(event(1, { recipientAccountId: '210987654321' }), START + 1);
    log.record(event(2, { eventName: 'CreateScope' }), START + 2);
    const userIdentity = { ...event(3).userIdentity, accessKeyId: 'B' };
    log.record(event(3, { userIdentity }), START + 3);
    expect(ids((await log.find({ ...everything, ...query })).events)).toEqual(found);
  });

  test('keeps the newest events and drops older ones', async () => {
    const log = auditLog(100);
    for (let n = 0; n < 2_500; n += 1) log.record(event(n), START + n);
    const { events } = await log.find({ ...everything, limit: 5_000 });
    expect(events).toHaveLength(100);
    expect(events.at(-1)).toEqual(event(2_400));
  });

  test('reads do not displace changes', async () => {
    const log = auditLog(10);
    log.record(event(0, { eventName: 'CreateScope', readOnly: false }), START);
    for (let n = 1; n < 1_100; n += 1) log.record(event(n), START + n);
    const { events } = await log.find(everything);
    expect(events).toHaveLength(11);
    expect(events.at(-1)?.eventName).toBe('CreateScope');
  });

  const OTHER = '210987654321';

  test('an account that makes many events does not displace those of others', async () => {
    const log = auditLog(100);
    const change = { eventName: 'CreateScope', readOnly: false };
    for (let n = 0; n < 30; n += 1) log.record(event(n, change), START + n);
    for (let n = 30; n < 3_000; n += 1) {
      log.record(event(n, { ...change, recipientAccountId: OTHER }), START + n);
    }
    expect((await log.find(everything)).events).toHaveLength(30);
    expect((await log.find({ ...everything, account: OTHER })).events).toHaveLength(70);
  });

  test('failed changes do not displace changes', async () => {
    const log = auditLog(10);
    const change = { eventName: 'CreateScope', readOnly: false };
    log.record(event(0, change), START);
    const failed = { ...change, errorCode: 'AccessDeniedException' };
    for (let n = 1; n < 1_100; n += 1) log.record(event(n, failed), START + n);
    const { events } = await log.find(everything);
    expect(events).toHaveLength(11);
    expect(events.at(-1)?.errorCode).toBeUndefined();
  });

  test('a full queue of one account gives way to others', async () => {
    const log = auditLog(20_000);
    for (let n = 0; n < 10_000; n += 1) log.record(event(n), START + n);
    log.record(event(10_000, { recipientAccountId: OTHER }), START + 10_000);
    expect(await metrics.value('nfm_audit_dropped_total')).toBe(1);
    expect((await log.find({ ...everything, account: OTHER })).events).toHaveLength(1);
    expect((await log.find({ ...everything, limit: 20_000 })).events).toHaveLength(9_999);
  });

  test('with a maximum of 0, records nothing', async () => {
    const log = auditLog(0);
    log.record(event(0), START);
    expect((await log.find(everything)).events).toEqual([]);
  });

  test('writes queued events when it stops, and a new log finds them', async () => {
    const log = auditLog();
    await log.start();
    log.record(event(0), START);
    await log.stop();
    await bench.reopen();
    expect(ids((await auditLog().find(everything)).events)).toEqual(['e-000000']);
  });

  test('while the database is down, queues 10,000 events, counts the dropped ones and writes later', async () => {
    const log = auditLog(20_000);
    const flow = bench.database;
    await flow.schema.alterTable('audit_event').renameTo('away').execute();
    for (let n = 0; n < 10_050; n += 1) log.record(event(n), START + n);
    await expect(log.flush()).rejects.toThrow();
    expect(await metrics.value('nfm_audit_dropped_total')).toBe(50);
    await flow.schema.alterTable('away').renameTo('audit_event').execute();
    await turn();
    const { events } = await log.find({ ...everything, limit: 20_000 });
    expect(events).toHaveLength(10_000);
  });
});
