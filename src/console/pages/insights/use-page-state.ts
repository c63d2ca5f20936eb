import { useCallback, useEffect, useState } from 'react';
import { formatPageState, type PageState, parsePageState } from './page-state.ts';

/** Back undoes a change of kind `push`; `replace` leaves no entry in the history. */
export type ChangeKind = 'push' | 'replace';
export type ChangePage = (change: Partial<PageState>, kind: ChangeKind) => void;

/** The page's state, which is stored in its address. */
export function usePageState(): [PageState, ChangePage] {
  const [state, setState] = useState(() => parsePageState(window.location.search));
  useEffect(() => {
    const onBack = () => setState(parsePageState(window.location.search));
    window.addEventListener('popstate', onBack);
    return () => window.removeEventListener('popstate', onBack);
  }, []);
  const change = useCallback<ChangePage>(
    (changed, kind) => {
      const next = { ...state, ...changed };
      const address = window.location.pathname + formatPageState(next);
      if (kind === 'push') window.history.pushState(null, '', address);
      else window.history.replaceState(null, '', address);
      setState(next);
    },
    [state],
  );
  return [state, change];
}
