import { useSyncExternalStore } from 'react';
import { hrefOf, pathOf } from './console-path.ts';

/** The path of the page in the address, kept current when it changes. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => pathOf(window.location.pathname));
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener('popstate', onChange);
  return () => window.removeEventListener('popstate', onChange);
}

/** Opens another page without loading the console again; Back returns to the current one. */
export function navigate(path: string): void {
  window.history.pushState(null, '', hrefOf(path));
  // `pushState` fires no event. This one makes a page read its state from the new address, too.
  window.dispatchEvent(new PopStateEvent('popstate'));
}
