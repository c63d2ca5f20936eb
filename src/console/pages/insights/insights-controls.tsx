import FormField from '@cloudscape-design/components/form-field';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import Select, { type SelectProps } from '@cloudscape-design/components/select';
import Toggle from '@cloudscape-design/components/toggle';
import {
  type DestinationCategory,
  INDICATOR_CATEGORIES,
  OTHER_CATEGORIES,
} from '../../../model/category.ts';
import { CATEGORY_TEXT, parseFlowType } from './categories.ts';
import { LiveControl } from './live-control.tsx';
import type { PageState } from './page-state.ts';
import { TIME_RANGE_TEXT, TIME_RANGES } from './time-window.ts';
import type { ChangePage } from './use-page-state.ts';

export interface InsightsControlsProps {
  readonly page: PageState;
  readonly onChange: ChangePage;
  readonly loading: boolean;
  readonly updatedMillis: number | undefined;
  /** Whether a metric could not be read in the last refresh. */
  readonly failed: boolean;
  readonly onRefresh: () => void;
}

/** Selects the flows and the time range, and controls the refresh. */
export function InsightsControls(props: InsightsControlsProps) {
  const { page, onChange } = props;
  return (
    <div className="insights-controls">
      <div className="flow-type">
        <FormField label="Flow type">
          <Select
            options={FLOW_TYPE_OPTIONS}
            selectedOption={optionOf(page.flowType)}
            onChange={({ detail }) => {
              const flowType = parseFlowType(detail.selectedOption.value ?? '');
              if (flowType !== undefined) onChange({ flowType }, 'push');
            }}
            selectedAriaLabel="Selected"
          />
        </FormField>
      </div>
      <FormField label="Time range (UTC)">
        <SegmentedControl
          label="Time range"
          selectedId={page.range}
          options={TIME_RANGES.map((id) => ({ id, text: TIME_RANGE_TEXT[id].label }))}
          onChange={({ detail }) => {
            const range = TIME_RANGES.find((id) => id === detail.selectedId);
            if (range !== undefined) onChange({ range }, 'push');
          }}
        />
      </FormField>
      <div className="loopback-control">
        <Toggle
          checked={page.loopback}
          onChange={({ detail }) => onChange({ loopback: detail.checked }, 'push')}
        >
          Loopback flows
        </Toggle>
      </div>
      <LiveControl
        live={page.live}
        loading={props.loading}
        updatedMillis={props.updatedMillis}
        failed={props.failed}
        onLiveChange={(live) => onChange({ live }, 'replace')}
        onRefresh={props.onRefresh}
      />
    </div>
  );
}

const ALL_OPTION: SelectProps.Option = {
  value: 'ALL',
  label: 'All categories',
  description: 'Every flow',
};

const FLOW_TYPE_OPTIONS: SelectProps.Options = [
  ALL_OPTION,
  group('Network health indicator (NHI) flows', INDICATOR_CATEGORIES),
  group('Non network health indicator (NHI) flows', OTHER_CATEGORIES),
];

function group(label: string, categories: readonly DestinationCategory[]): SelectProps.OptionGroup {
  return { label, options: categories.map(optionOf) };
}

function optionOf(flowType: PageState['flowType']): SelectProps.Option {
  if (flowType === 'ALL') return ALL_OPTION;
  const { label, description } = CATEGORY_TEXT[flowType];
  return { value: flowType, label, description };
}
