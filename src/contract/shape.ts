/** Where a member of an operation's input travels; without one it is in the JSON body. */
export type MemberLocation = 'uri' | 'querystring';

export interface MemberSpec {
  readonly shape: string;
  readonly location?: MemberLocation;
  /** The client fills it in when the caller does not. */
  readonly idempotencyToken?: true;
}

/** A string; lengths in Unicode code points, the pattern matches the whole value. */
export interface StringSpec {
  readonly type: 'string';
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
}

export interface NumberSpec {
  readonly type: 'integer' | 'long' | 'double';
  readonly min?: number;
  readonly max?: number;
}

/** In JSON ISO 8601 with Z when `iso8601`, else the protocol's default: epoch seconds. */
export interface TimestampSpec {
  readonly type: 'timestamp';
  readonly timestampFormat?: 'iso8601';
}

export interface ListSpec {
  readonly type: 'list';
  readonly member: string;
  readonly min?: number;
  readonly max?: number;
}

export interface MapSpec {
  readonly type: 'map';
  readonly key: string;
  readonly value: string;
  readonly min?: number;
  readonly max?: number;
}

/** A structure; of a union exactly one member is set. */
export interface StructureSpec {
  readonly type: 'structure';
  readonly required?: readonly string[];
  readonly members: Readonly<Record<string, MemberSpec>>;
  readonly union?: true;
}

export type ShapeSpec =
  | StringSpec
  | NumberSpec
  | TimestampSpec
  | ListSpec
  | MapSpec
  | StructureSpec;
