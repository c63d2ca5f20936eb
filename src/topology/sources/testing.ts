import type { Resource } from '../graph/resource.ts';
import type {
  SourceFailure,
  SourceSlice,
  SourceStatement,
  StatementSink,
} from '../graph/source-statement.ts';

/** A sink that keeps what it is told. */
export class RecordingSink implements StatementSink {
  readonly statements: SourceStatement[] = [];
  readonly failures: SourceFailure[] = [];
  readonly withdrawn: string[] = [];

  async accept(statement: SourceStatement): Promise<void> {
    this.statements.push(statement);
  }

  fail(failure: SourceFailure): void {
    this.failures.push(failure);
  }

  async withdraw({ slice }: SourceSlice): Promise<void> {
    this.withdrawn.push(slice);
  }

  /** What a slice said last. */
  last(slice: string): SourceStatement | undefined {
    return this.statements.findLast((statement) => statement.slice === slice);
  }

  /** The resources of one kind that a slice named last. */
  named(slice: string, kind: Resource['kind']): readonly Resource[] {
    return this.last(slice)?.resources.filter((resource) => resource.kind === kind) ?? [];
  }
}
