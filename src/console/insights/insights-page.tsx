import Alert from '@cloudscape-design/components/alert';
import AppLayout from '@cloudscape-design/components/app-layout';
import Button from '@cloudscape-design/components/button';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useMemo } from 'react';
import type { Owner } from '../../model/owner.ts';
import { categoryOf } from './categories.ts';
import { InsightsControls } from './insights-controls.tsx';
import type { LiveInsights, Question } from './live-insights.ts';
import { MetricSection } from './metric-section.tsx';
import { METRICS } from './metrics.ts';
import { NoScope } from './no-scope.tsx';
import { OnlyLoopback } from './only-loopback.tsx';
import { SCOPE_STATUS_TEXT } from './scope-status.ts';
import type { ScopeStore } from './scope-store.ts';
import { zonesOf } from './series.ts';
import { useInsights } from './use-insights.ts';
import { usePageState } from './use-page-state.ts';
import { useScope } from './use-scope.ts';

export interface InsightsPageProps {
  readonly scopes: ScopeStore;
  readonly insights: LiveInsights;
  readonly owner: Owner;
}

/** Workload insights: who moves the most data, and who loses the most of it. */
export function InsightsPage({ scopes, insights, owner }: InsightsPageProps) {
  const [page, changePage] = usePageState();
  const { scope, busy, error } = useScope(scopes);
  const scopeId = scope === undefined || scope === 'none' ? undefined : scope.scopeId;
  const scopeReady = scope !== undefined && scope !== 'none' && scope.status === 'SUCCEEDED';
  const question = useMemo<Question | undefined>(
    () =>
      scopeId === undefined
        ? undefined
        : {
            scopeId,
            scopeReady,
            category: categoryOf(page.flowType),
            loopback: page.loopback,
            range: page.range,
          },
    [scopeId, scopeReady, page.flowType, page.loopback, page.range],
  );
  const state = useInsights(insights, question, page.live);
  const { sections } = state;
  const traffic = sections.DATA_TRANSFERRED.insights;
  const zones = zonesOf(METRICS.map((metric) => sections[metric].insights?.series ?? []));
  const refresh = () => {
    void scopes.look();
    insights.refresh();
  };
  return (
    <AppLayout
      headerSelector="#console-header"
      navigationHide
      toolsHide
      maxContentWidth={1760}
      content={
        <ContentLayout
          header={
            <SpaceBetween size="m">
              <Header
                variant="h1"
                description="The flows of every host with an agent, by the traffic they move and the losses they meet."
                info={
                  scope === undefined || scope === 'none' ? undefined : (
                    <StatusIndicator type={SCOPE_STATUS_TEXT[scope.status].type}>
                      {SCOPE_STATUS_TEXT[scope.status].label}
                    </StatusIndicator>
                  )
                }
              >
                Workload insights
              </Header>
              {scopeId === undefined ? undefined : (
                <InsightsControls
                  page={page}
                  onChange={changePage}
                  loading={state.loading}
                  updatedMillis={state.updatedMillis}
                  failed={METRICS.some((metric) => sections[metric].error !== undefined)}
                  onRefresh={refresh}
                />
              )}
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            {error === undefined ? undefined : (
              <Alert
                type="error"
                header="The scope could not be read or created"
                action={<Button onClick={refresh}>Try again</Button>}
              >
                {error}
              </Alert>
            )}
            {scope === undefined && busy ? (
              <StatusIndicator type="loading">Looking for the scope</StatusIndicator>
            ) : undefined}
            {scope === 'none' ? (
              <NoScope owner={owner} busy={busy} onCreate={() => void scopes.create(owner)} />
            ) : undefined}
            {traffic?.onlyLoopback ? (
              <OnlyLoopback onShow={() => changePage({ loopback: true }, 'step')} />
            ) : undefined}
            {scopeId === undefined
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
                      changePage({ tables: { ...page.tables, [metric]: table } }, 'still')
                    }
                    onRetry={refresh}
                  />
                ))}
          </SpaceBetween>
        </ContentLayout>
      }
    />
  );
}
