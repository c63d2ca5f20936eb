/** A field of a C struct: its name there, its type, and how many of them if it is an array. */
export type StructField = readonly [name: string, type: FieldType, length?: number];

/** An integer of so many bytes, or a struct by its size (our structs are aligned to 8 bytes). */
export type FieldType = 'u8' | 'u16' | 'u32' | 'u64' | { readonly bytes: number };

const INTEGER_BYTES = { u8: 1, u16: 2, u32: 4, u64: 8 } as const;

export interface StructLayout {
  readonly bytes: number;
  /** @throws Error when the struct has no such field */
  readonly offsetOf: (name: string) => number;
}

/** Offsets and size as a C compiler lays the struct out: each field aligned to its own size. */
export function structLayout(fields: readonly StructField[]): StructLayout {
  const offsets = new Map<string, number>();
  let end = 0;
  let widest = 1;
  for (const [name, type, length = 1] of fields) {
    const bytes = typeof type === 'string' ? INTEGER_BYTES[type] : type.bytes;
    const alignment = typeof type === 'string' ? bytes : 8;
    const offset = alignTo(end, alignment);
    offsets.set(name, offset);
    end = offset + bytes * length;
    widest = Math.max(widest, alignment);
  }
  return {
    bytes: alignTo(end, widest),
    offsetOf: (name) => {
      const offset = offsets.get(name);
      if (offset === undefined) throw new Error(`the struct has no field ${name}`);
      return offset;
    },
  };
}

function alignTo(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
