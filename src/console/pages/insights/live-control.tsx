import Button from '@cloudscape-design/components/button';
import StatusIndicator, {
  type StatusIndicatorProps,
} from '@cloudscape-design/components/status-indicator';
import Toggle from '@cloudscape-design/components/toggle';
import { formatTimeWithSeconds } from '../../lib/format-time.ts';

export interface LiveControlProps {
  readonly live: boolean;
  readonly loading: boolean;
  readonly updatedMillis: number | undefined;
  /** Whether a metric could not be read in the last refresh. */
  readonly failed: boolean;
  readonly onLiveChange: (live: boolean) => void;
  readonly onRefresh: () => void;
}

/** Shows the time of the last refresh and controls the next one. */
export function LiveControl(props: LiveControlProps) {
  const { live, loading, updatedMillis, onLiveChange, onRefresh } = props;
  return (
    <div className="live-control">
      <span className="live-status">
        <StatusIndicator type={typeOf(props)}>{statusOf(props)}</StatusIndicator>
      </span>
      <Toggle checked={live} onChange={({ detail }) => onLiveChange(detail.checked)}>
        Live, every 30 s
      </Toggle>
      <Button
        iconName="refresh"
        ariaLabel="Refresh"
        onClick={onRefresh}
        disabled={loading && updatedMillis === undefined}
      />
    </div>
  );
}

function typeOf({ live, loading, failed }: LiveControlProps): StatusIndicatorProps.Type {
  if (loading) return 'loading';
  if (failed) return 'warning';
  return live ? 'success' : 'stopped';
}

function statusOf({ live, loading, failed, updatedMillis }: LiveControlProps): string {
  if (updatedMillis === undefined) return loading ? 'Loading' : 'Waiting';
  const updated = `Updated ${formatTimeWithSeconds(updatedMillis)} UTC`;
  if (failed && !loading) {
    return `Refresh failed at ${formatTimeWithSeconds(updatedMillis)} UTC`;
  }
  return live || loading ? updated : `Paused. ${updated}`;
}
