import type { Output } from './cli-context.ts';

/** Prints indented JSON. A bigint keeps all its digits; a Date is written as ISO 8601. */
export function printJson(out: Output, value: unknown): void {
  const digits: string[] = [];
  const text = JSON.stringify(
    value,
    (_, member: unknown) => {
      if (typeof member !== 'bigint') return member;
      digits.push(member.toString());
      return `\u0000${digits.length - 1}\u0000`;
    },
    2,
  );
  out.write(
    `${text.replace(/"\\u0000(\d+)\\u0000"/g, (_, i: string) => digits[Number(i)] ?? '')}\n`,
  );
}
