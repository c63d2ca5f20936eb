import { VALUE_NAMES } from '../../model/flow-metrics.ts';
import type { Remainder, Report, ReportedFlow } from '../../model/report.ts';

/**
 * Formats a report as one line of JSON for people and scripts: values by their names, without the
 * unknown ones, and 64-bit numbers as text.
 */
export function reportLine(report: Report): string {
  const { timeUnixNano, flows, remainders = [], ...rest } = report;
  const time = new Date(Number(timeUnixNano / 1_000_000n)).toISOString();
  const readable = {
    ...{ time, timeUnixNano, ...rest },
    flows: flows.map(withNames),
    remainders: remainders.map(withNames),
  };
  return JSON.stringify(readable, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

function withNames({ values, ...key }: ReportedFlow | Remainder): object {
  const named = VALUE_NAMES.map((name, i) => [name, values[i] ?? Number.NaN] as const);
  return { ...key, ...Object.fromEntries(named.filter(([, value]) => !Number.isNaN(value))) };
}
