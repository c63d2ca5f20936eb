import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { WorkloadInsightsMetric } from '../../../model/query.ts';
import { ContributorsTable } from './contributors-table.tsx';
import { emptyMessage } from './empty-message.ts';
import { EmptyNote } from './empty-note.tsx';
import type { SectionState } from './live-insights.ts';
import type { Insights } from './load-insights.ts';
import { METRIC_TEXT } from './metrics.ts';
import type { TableState } from './page-state.ts';
import { type Series, withZeros } from './series.ts';
import { SeriesChart } from './series-chart.tsx';
import type { TimeRange } from './time-window.ts';

export interface MetricSectionProps {
  readonly metric: WorkloadInsightsMetric;
  readonly state: SectionState;
  readonly loading: boolean;
  readonly range: TimeRange;
  /** Data transferred by the same flows; undefined until it has been read. */
  readonly traffic: Insights | undefined;
  /** All zones of the page, in the order of their colours. */
  readonly zones: readonly string[];
  readonly table: TableState;
  readonly onTableChange: (table: TableState) => void;
  readonly onRetry: () => void;
}

/** One metric: a chart over time and a table of the top contributors. */
export function MetricSection(props: MetricSectionProps) {
  const { metric, state, range, traffic } = props;
  const { title, description } = METRIC_TEXT[metric];
  const waiting = state.insights === undefined && props.loading;
  const message = emptyMessage({ metric, range, traffic });
  const empty = <EmptyNote message={message} advise={metric === 'DATA_TRANSFERRED'} />;
  return (
    <section aria-label={title} data-metric={metric}>
      <Container
        header={
          <Header variant="h2" description={description}>
            {title}
          </Header>
        }
      >
        <SpaceBetween size="l">
          <SectionFailure state={state} title={title} onRetry={props.onRetry} />
          {state.insights !== undefined && isEmpty(state.insights) ? empty : undefined}
          {hasNothing(state) ? undefined : (
            <>
              <SeriesChart
                metric={metric}
                window={state.insights?.window}
                series={linesOf(state.insights, traffic)}
                zones={props.zones}
                empty={empty}
              />
              <ContributorsTable
                metric={metric}
                contributors={state.insights?.contributors ?? []}
                loading={waiting}
                empty={empty}
                table={props.table}
                onTableChange={props.onTableChange}
              />
            </>
          )}
        </SpaceBetween>
      </Container>
    </section>
  );
}

/**
 * Adds the zeros that the traffic proves, if both answers have the same window and so the same
 * bins.
 */
function linesOf(insights: Insights | undefined, traffic: Insights | undefined): readonly Series[] {
  if (insights === undefined) return [];
  const sameBins = traffic?.window.startMillis === insights.window.startMillis;
  return sameBins ? withZeros(insights.series, traffic.series) : insights.series;
}

/** Whether chart and table are left out, after a failure or without data. */
function hasNothing({ insights, error }: SectionState): boolean {
  return insights === undefined ? error !== undefined : isEmpty(insights);
}

function isEmpty({ contributors, series }: Insights): boolean {
  return contributors.length === 0 && series.length === 0;
}

interface SectionFailureProps {
  readonly state: SectionState;
  readonly title: string;
  readonly onRetry: () => void;
}

function SectionFailure({ state, title, onRetry }: SectionFailureProps) {
  if (state.error === undefined) return undefined;
  const old =
    state.insights === undefined ? '' : ' The data below is from the last successful refresh.';
  return (
    <Alert
      type="error"
      header={`${title} could not be read`}
      action={<Button onClick={onRetry}>Try again</Button>}
    >
      {state.error + old}
    </Alert>
  );
}
