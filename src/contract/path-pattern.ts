/** A method and a path pattern such as `/scopes/{scopeId}`. A `{label}` stands for one segment. */
export interface MethodAndPath {
  readonly method: string;
  readonly path: string;
}

export interface PathMatch<Entry> {
  readonly entry: Entry;
  /** The segments in place of the labels, by label, still URL-encoded. */
  readonly labels: Readonly<Record<string, string>>;
}

export type PathMatcher<Entry> = (method: string, path: string) => PathMatch<Entry> | undefined;

/**
 * Finds the first entry whose method and pattern match a request's method and raw path. The path
 * is split while still encoded: an encoded slash stays inside its segment, and dot segments are
 * segments like any other.
 */
export function pathMatcher<Entry extends MethodAndPath>(
  entries: readonly Entry[],
): PathMatcher<Entry> {
  const byLength = new Map<string, { readonly entry: Entry; readonly pattern: string[] }[]>();
  for (const entry of entries) {
    const pattern = entry.path.split('/');
    const key = `${entry.method} ${pattern.length}`;
    byLength.set(key, [...(byLength.get(key) ?? []), { entry, pattern }]);
  }
  return (method, path) => {
    const segments = path.split('/');
    for (const { entry, pattern } of byLength.get(`${method} ${segments.length}`) ?? []) {
      const labels = matchSegments(pattern, segments);
      if (labels !== undefined) return { entry, labels };
    }
    return undefined;
  };
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const [i, expected] of pattern.entries()) {
    const segment = segments[i] ?? '';
    if (expected.startsWith('{')) labels[expected.slice(1, -1)] = segment;
    else if (expected !== segment) return undefined;
  }
  return labels;
}

/** The path of a pattern whose labels are replaced by `segmentOf`, which encodes them. */
export function fillPath(pattern: string, segmentOf: (label: string) => string): string {
  return pattern.replace(/\{(\w+)\}/g, (_, label: string) => segmentOf(label));
}
