import type { Output } from './context.ts';

/** Prints a value as indented JSON, 64-bit numbers exactly and times as ISO 8601. */
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
