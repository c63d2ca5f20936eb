import LineChart from '@cloudscape-design/components/line-chart';
import type { MixedLineBarChartProps } from '@cloudscape-design/components/mixed-line-bar-chart';
import type { ReactNode } from 'react';
import { formatValue } from '../../../model/format-value.ts';
import type { MetricUnit, WorkloadInsightsMetric } from '../../../model/query.ts';
import { formatTime } from '../../lib/format-time.ts';
import { formatTick } from './format-tick.ts';
import { METRIC_TEXT } from './metrics.ts';
import { type Series, unbroken } from './series.ts';
import { seriesColour } from './series-colour.ts';
import { BIN_MILLIS, type TimeWindow } from './time-window.ts';
import { ZoneLegend } from './zone-legend.tsx';
import { zoneText } from './zone-text.ts';

export interface SeriesChartProps {
  readonly metric: WorkloadInsightsMetric;
  /** Undefined until the first answer. */
  readonly window: TimeWindow | undefined;
  readonly series: readonly Series[];
  /** All zones of the page, in the order of their colours. */
  readonly zones: readonly string[];
  readonly empty: ReactNode;
}

/** A line for each Availability Zone, with a gap at each missing bin. */
export function SeriesChart({ metric, window, series, zones, empty }: SeriesChartProps) {
  const { title, unit } = METRIC_TEXT[metric];
  const colourOf = (zone: string) => seriesColour(zones.indexOf(zone));
  return (
    <div className="series-chart">
      <LineChart<Date>
        series={series.flatMap((one) => linesOf(one, colourOf(one.zone), unit))}
        {...(window === undefined ? {} : { xDomain: domainOf(window) })}
        yDomain={[0, ceilingOf(series, unit)]}
        xScaleType="time"
        height={200}
        hideFilter
        hideLegend
        xTitle="Time (UTC)"
        yTitle={unit === 'Bytes' ? 'Bytes in 5 minutes' : 'Count in 5 minutes'}
        ariaLabel={`${title} in 5-minute steps, by Availability Zone`}
        statusType={window === undefined ? 'loading' : 'finished'}
        loadingText="Loading"
        empty={empty}
        i18nStrings={{
          xTickFormatter: (date) => formatTime(date.getTime()),
          yTickFormatter: (value) => formatTick(value, unit),
        }}
        detailPopoverFooter={(date) =>
          `5 minutes to ${formatTime(date.getTime() + BIN_MILLIS)} UTC`
        }
      />
      {series.length === 0 ? undefined : (
        <ZoneLegend items={series.map(({ zone }) => ({ zone, colour: colourOf(zone) }))} />
      )}
    </div>
  );
}

type Line = MixedLineBarChartProps.LineDataSeries<Date>;

/** The axis ends at the start of the last bin, because a bin is drawn at its start. */
function domainOf({ startMillis, endMillis }: TimeWindow): [Date, Date] {
  return [new Date(startMillis), new Date(endMillis - BIN_MILLIS)];
}

/** The chart connects all points of a line, so each run without a gap becomes its own line. */
function linesOf({ zone, bins }: Series, color: string, unit: MetricUnit) {
  return unbroken(bins).map(
    (run): Line => ({
      title: zoneText(zone),
      type: 'line',
      color,
      data: run.map(({ millis, value }) => ({ x: new Date(millis), y: value })),
      valueFormatter: (value) => formatValue(value, unit),
    }),
  );
}

/** A little above the highest point. At least 5 for counts, so that every tick is an integer. */
function ceilingOf(series: readonly Series[], unit: MetricUnit): number {
  const highest = Math.max(0, ...series.flatMap(({ bins }) => bins.map(({ value }) => value)));
  return Math.max(highest * 1.1, unit === 'Count' ? 5 : 1000);
}
