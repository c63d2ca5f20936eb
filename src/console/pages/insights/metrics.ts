import {
  METRIC_LABEL,
  METRIC_UNIT,
  type MetricUnit,
  type WorkloadInsightsMetric,
} from '../../../model/query.ts';

interface MetricText {
  readonly title: string;
  readonly description: string;
  /** Completes "No … in the last hour". */
  readonly noun: string;
  readonly unit: MetricUnit;
  /** Prefix of the section's parameters in the page's address. */
  readonly key: string;
}

/** The sections of the page, top to bottom. */
export const METRICS = [
  'DATA_TRANSFERRED',
  'TIMEOUTS',
  'RETRANSMISSIONS',
] as const satisfies readonly WorkloadInsightsMetric[];

export const METRIC_TEXT: Readonly<Record<WorkloadInsightsMetric, MetricText>> = {
  DATA_TRANSFERRED: {
    title: METRIC_LABEL.DATA_TRANSFERRED,
    description: 'Bytes sent and received, as counted by the reporting hosts.',
    noun: 'data',
    unit: METRIC_UNIT.DATA_TRANSFERRED,
    key: 'data',
  },
  TIMEOUTS: {
    title: METRIC_LABEL.TIMEOUTS,
    description: 'Times a sender received no acknowledgment in time and had to start over.',
    noun: 'retransmission timeouts',
    unit: METRIC_UNIT.TIMEOUTS,
    key: 'timeouts',
  },
  RETRANSMISSIONS: {
    title: METRIC_LABEL.RETRANSMISSIONS,
    description: 'Segments sent again because they were lost or acknowledged too late.',
    noun: 'retransmissions',
    unit: METRIC_UNIT.RETRANSMISSIONS,
    key: 'retransmissions',
  },
};
