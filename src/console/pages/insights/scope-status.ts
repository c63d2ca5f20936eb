import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { ScopeStatus } from '../../../model/scope.ts';

interface ScopeStatusText {
  readonly type: StatusIndicatorProps.Type;
  readonly label: string;
}

export const SCOPE_STATUS_TEXT: Readonly<Record<ScopeStatus, ScopeStatusText>> = {
  SUCCEEDED: { type: 'success', label: 'Scope ready' },
  IN_PROGRESS: { type: 'in-progress', label: 'Scope in progress: building its topology' },
  FAILED: { type: 'error', label: 'Scope failed' },
  DEACTIVATING: { type: 'pending', label: 'Scope is being deleted' },
  DEACTIVATED: { type: 'stopped', label: 'Scope deleted' },
};
