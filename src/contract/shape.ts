/** The place of an input member in the request; without a location it is in the JSON body. */
export type MemberLocation = 'uri' | 'querystring';

export interface MemberSpec {
  readonly shape: string;
  readonly location?: MemberLocation;
  /** The client generates a value if the caller gives none. */
  readonly idempotencyToken?: true;
}

/** A string. Lengths count Unicode code points; the pattern must match the whole value. */
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

/** In JSON ISO 8601 with Z if `iso8601`, otherwise epoch seconds, the default of the protocol. */
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

/** A structure. In a union exactly one member is set. */
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
