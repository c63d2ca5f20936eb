import type { ComponentType } from 'react';
import type { Session } from '../session/session.ts';
import type { ConsoleServices } from './console-services.ts';

/** Values of the variable segments of a route's path, by name. */
export type PathParams = Readonly<Record<string, string>>;

export interface PageProps {
  readonly services: ConsoleServices;
  readonly session: Session;
  readonly params: PathParams;
}

/** A page of the console and its place in it. */
export interface PageRoute {
  /** Path below `/console`. A segment that starts with a colon is variable: `/monitors/:name`. */
  readonly path: string;
  readonly title: string;
  /** Heading above the page's link in the navigation. A page without a section has no link. */
  readonly section?: string | undefined;
  /** Shown in the help panel: what the page shows and how to read it. */
  readonly help: string;
  readonly Page: ComponentType<PageProps>;
}
