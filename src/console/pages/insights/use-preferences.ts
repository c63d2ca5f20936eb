import { useCallback, useState } from 'react';
import { type Preferences, parsePreferences } from './preferences.ts';

const KEY = 'nfm.contributors-table';

/** The table preferences stored in this browser. */
export function usePreferences(): [Preferences, (preferences: Preferences) => void] {
  const [preferences, setPreferences] = useState(() =>
    parsePreferences(window.localStorage.getItem(KEY)),
  );
  const change = useCallback((next: Preferences) => {
    window.localStorage.setItem(KEY, JSON.stringify(next));
    setPreferences(next);
  }, []);
  return [preferences, change];
}
