import { applyMode, Mode } from '@cloudscape-design/global-styles';

/** Light or dark as the system prefers, also when that changes; the answer ends it. */
export function followColourMode(window: Window): () => void {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const apply = () => applyMode(dark.matches ? Mode.Dark : Mode.Light);
  apply();
  dark.addEventListener('change', apply);
  return () => dark.removeEventListener('change', apply);
}
