import { useEffect } from 'react';
import { useStore } from '../../lib/use-store.ts';
import type { ScopeState, ScopeStore } from './scope-store.ts';

/** The scope, read when the page opens. */
export function useScope(scopes: ScopeStore): ScopeState {
  useEffect(() => {
    void scopes.load();
    return () => scopes.stop();
  }, [scopes]);
  return useStore(scopes.state);
}
