import './insights.css';
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import ContentLayout from '@cloudscape-design/components/content-layout';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useMemo } from 'react';
import type { ConsoleServices } from '../../shell/console-services.ts';
import type { PageProps } from '../../shell/page-route.ts';
import { categoryOf } from './categories.ts';
import { InsightsApi } from './insights-api.ts';
import { InsightsHeader } from './insights-header.tsx';
import { LiveInsights, type Question } from './live-insights.ts';
import { MetricSection } from './metric-section.tsx';
import { METRICS } from './metrics.ts';
import { NoScope } from './no-scope.tsx';
import { OnlyLoopback } from './only-loopback.tsx';
import type { PageState } from './page-state.ts';
import { type ScopeState, ScopeStore } from './scope-store.ts';
import { zonesOf } from './series.ts';
import { useInsights } from './use-insights.ts';
import { usePageState } from './use-page-state.ts';
import { useScope } from './use-scope.ts';

/** Workload insights: the contributors with the most traffic and those with the most loss. */
export function InsightsPage({ services, session }: PageProps) {
  const { scopes, insights } = useMemo(() => createStores(services), [services]);
  const [page, changePage] = usePageState();
  const { scope, busy, error } = useScope(scopes);
  const question = useQuestion(scope, page);
  const state = useInsights(insights, question, page.live);
  const { sections } = state;
  const traffic = sections.DATA_TRANSFERRED.insights;
  const zones = zonesOf(METRICS.map((metric) => sections[metric].insights?.series ?? []));
  const refresh = () => {
    void scopes.load();
    insights.refresh();
  };
  const header = (
    <InsightsHeader
      scope={scope === 'none' ? undefined : scope}
      page={page}
      onChange={changePage}
      loading={state.loading}
      updatedMillis={state.updatedMillis}
      failed={METRICS.some((metric) => sections[metric].error !== undefined)}
      onRefresh={refresh}
    />
  );
  return (
    <ContentLayout header={header}>
      <SpaceBetween size="l">
        {error === undefined ? undefined : <ScopeFailure error={error} onRetry={refresh} />}
        {scope === undefined && busy ? (
          <StatusIndicator type="loading">Loading the scope</StatusIndicator>
        ) : undefined}
        {scope === 'none' ? (
          <NoScope owner={session} busy={busy} onCreate={() => void scopes.create(session)} />
        ) : undefined}
        {traffic?.onlyLoopback ? (
          <OnlyLoopback onShow={() => changePage({ loopback: true }, 'push')} />
        ) : undefined}
        {question === undefined
          ? undefined
          : METRICS.map((metric) => (
              <MetricSection
                key={metric}
                metric={metric}
                state={sections[metric]}
                loading={state.loading}
                range={page.range}
                traffic={traffic}
                zones={zones}
                table={page.tables[metric]}
                onTableChange={(table) =>
                  changePage({ tables: { ...page.tables, [metric]: table } }, 'replace')
                }
                onRetry={refresh}
              />
            ))}
      </SpaceBetween>
    </ContentLayout>
  );
}

function createStores(services: ConsoleServices) {
  const deps = { ...services, api: new InsightsApi(services) };
  return { scopes: new ScopeStore(deps), insights: new LiveInsights(deps) };
}

/** The page's question to the scope; undefined while there is no scope. */
function useQuestion(
  scope: ScopeState['scope'],
  { flowType, loopback, range }: PageState,
): Question | undefined {
  const known = scope === undefined || scope === 'none' ? undefined : scope;
  const scopeId = known?.scopeId;
  const scopeReady = known?.status === 'SUCCEEDED';
  return useMemo(() => {
    if (scopeId === undefined) return undefined;
    return { scopeId, scopeReady, category: categoryOf(flowType), loopback, range };
  }, [scopeId, scopeReady, flowType, loopback, range]);
}

interface ScopeFailureProps {
  readonly error: string;
  readonly onRetry: () => void;
}

function ScopeFailure({ error, onRetry }: ScopeFailureProps) {
  return (
    <Alert
      type="error"
      header="The scope could not be read or created"
      action={<Button onClick={onRetry}>Try again</Button>}
    >
      {error}
    </Alert>
  );
}
