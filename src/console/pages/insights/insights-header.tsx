import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ScopeSummary } from './insights-api.ts';
import { InsightsControls, type InsightsControlsProps } from './insights-controls.tsx';
import { SCOPE_STATUS_TEXT } from './scope-status.ts';

export interface InsightsHeaderProps extends InsightsControlsProps {
  /** Undefined while there is none; the controls are hidden then. */
  readonly scope: ScopeSummary | undefined;
}

/** Title of the page, status of the scope and the controls. */
export function InsightsHeader({ scope, ...controls }: InsightsHeaderProps) {
  return (
    <SpaceBetween size="m">
      <Header
        variant="h1"
        description="Traffic and packet loss of every host with an agent."
        info={scope === undefined ? undefined : <ScopeStatus status={scope.status} />}
      >
        Workload insights
      </Header>
      {scope === undefined ? undefined : <InsightsControls {...controls} />}
    </SpaceBetween>
  );
}

function ScopeStatus({ status }: Pick<ScopeSummary, 'status'>) {
  const { type, label } = SCOPE_STATUS_TEXT[status];
  return <StatusIndicator type={type}>{label}</StatusIndicator>;
}
