import type { OPERATIONS, OperationName } from './operations.ts';
import type { MemberSpec } from './shape.ts';
import type { SHAPES, ShapeName } from './shapes.ts';

/** The TypeScript type of a shape: timestamps are `Date`, 64-bit integers `bigint`. */
export type TypeOf<Name extends ShapeName> = TypeOfSpec<(typeof SHAPES)[Name]>;

/** The input of an operation, for example `InputOf<'CreateScope'>`. */
export type InputOf<Name extends OperationName> = TypeOf<(typeof OPERATIONS)[Name]['input']>;

/** The output of an operation. */
export type OutputOf<Name extends OperationName> = TypeOf<(typeof OPERATIONS)[Name]['output']>;

type TypeOfSpec<Spec> = Spec extends { readonly enum: readonly (infer Value)[] }
  ? Value
  : Spec extends { readonly type: 'string' }
    ? string
    : Spec extends { readonly type: 'integer' | 'double' }
      ? number
      : Spec extends { readonly type: 'long' }
        ? bigint
        : Spec extends { readonly type: 'timestamp' }
          ? Date
          : TypeOfContainer<Spec>;

type TypeOfContainer<Spec> = Spec extends { readonly type: 'list'; readonly member: infer Member }
  ? readonly TypeOfName<Member>[]
  : Spec extends { readonly type: 'map'; readonly value: infer Value }
    ? Readonly<Record<string, TypeOfName<Value>>>
    : Spec extends { readonly type: 'structure'; readonly members: infer Members }
      ? TypeOfMembers<Members, RequiredOf<Spec>>
      : never;

type RequiredOf<Spec> = Spec extends { readonly required: readonly (infer Name)[] } ? Name : never;

type TypeOfMembers<Members, Required> = Flat<
  {
    readonly [Name in keyof Members as Name extends Required ? Name : never]: TypeOfMember<
      Members[Name]
    >;
  } & {
    readonly [Name in keyof Members as Name extends Required ? never : Name]?:
      | TypeOfMember<Members[Name]>
      | undefined;
  }
>;

type TypeOfMember<Member> = Member extends MemberSpec ? TypeOfName<Member['shape']> : never;

type TypeOfName<Name> = Name extends ShapeName ? TypeOf<Name> : never;

/** Makes editors and compiler messages show an intersection as one object. */
type Flat<Type> = { [Key in keyof Type]: Type[Key] };
