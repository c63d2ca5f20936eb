import { applyMode, Mode } from '@cloudscape-design/global-styles';

/** Follows the system's preference for light or dark. The returned function stops following. */
export function followColourMode(window: Window): () => void {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const apply = () => applyMode(dark.matches ? Mode.Dark : Mode.Light);
  apply();
  dark.addEventListener('change', apply);
  return () => dark.removeEventListener('change', apply);
}
