import { useEffect } from 'react';
import { useStore } from '../../lib/use-store.ts';
import type { InsightsState, LiveInsights, Question } from './live-insights.ts';

/** The answers to the question, refreshed while `live` is set and the tab is visible. */
export function useInsights(
  insights: LiveInsights,
  question: Question | undefined,
  live: boolean,
): InsightsState {
  useEffect(() => {
    insights.setLive(live);
  }, [insights, live]);
  useEffect(() => {
    if (question !== undefined) insights.ask(question);
    return () => insights.stop();
  }, [insights, question]);
  useEffect(() => {
    const onChange = () => insights.setVisible(document.visibilityState === 'visible');
    onChange();
    document.addEventListener('visibilitychange', onChange);
    return () => document.removeEventListener('visibilitychange', onChange);
  }, [insights]);
  return useStore(insights.state);
}
