/** The bytes are not a well-formed protobuf message. */
export class MalformedError extends Error {
  constructor(reason: string) {
    super(`malformed protobuf: ${reason}`);
  }
}

/** Wire types of the protobuf encoding. */
export const WIRE = { varint: 0, fixed64: 1, span: 2, fixed32: 5 } as const;

const TWO_32 = 2 ** 32;

/**
 * Reads protobuf fields in place, and never past the end of the current message: a length that
 * exceeds it is an error. `enter` and `leave` walk nested messages on the same cursor, so that the
 * hot path allocates nothing for them.
 */
export class Cursor {
  readonly bytes: Buffer;
  readonly #view: DataView;
  #at: number;
  #end: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#end = bytes.length;
  }

  get at(): number {
    return this.#at;
  }

  /** True while the current message has more fields. */
  get more(): boolean {
    return this.#at < this.#end;
  }

  /** The next field's tag: `field << 3 | wire type`. */
  tag(): number {
    const tag = this.varint();
    if (tag >>> 3 === 0 || tag > 0xffffffff) throw new MalformedError('field number 0');
    return tag;
  }

  /** An unsigned varint. Above 2^53 it loses low bits, but no length or port is that large. */
  varint(): number {
    // Nearly all tags and lengths are one byte.
    if (this.#at < this.#end) {
      const first = this.#view.getUint8(this.#at);
      if (first < 0x80) {
        this.#at += 1;
        return first;
      }
    }
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i += 1) {
      if (this.#at >= this.#end) throw new MalformedError('cut varint');
      const byte = this.#view.getUint8(this.#at);
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new MalformedError('varint of more than 10 bytes');
  }

  /** A signed 64-bit varint, exact. */
  int64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.#at >= this.#end) throw new MalformedError('cut varint');
      const byte = this.#view.getUint8(this.#at);
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new MalformedError('varint of more than 10 bytes');
  }

  fixed64(): bigint {
    return this.#view.getBigUint64(this.#fixed(8), true);
  }

  /** A fixed64 as a double: exact up to 2^53, which no count exceeds. */
  fixed64Number(): number {
    const at = this.#fixed(8);
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * TWO_32;
  }

  double(): number {
    return this.#view.getFloat64(this.#fixed(8), true);
  }

  /** Enters a nested message. The caller passes the result to `leave`. */
  enter(): number {
    const length = this.varint();
    const end = this.#at + length;
    if (end > this.#end) throw new MalformedError('length beyond its message');
    const outer = this.#end;
    this.#end = end;
    return outer;
  }

  /** Moves to the end of the nested message and returns to the outer one. */
  leave(outer: number): void {
    this.#at = this.#end;
    this.#end = outer;
  }

  /** The end of the current message. */
  get end(): number {
    return this.#end;
  }

  /** Like `leave`, but from any depth inside the message that ends at `end`. */
  leaveAt(end: number, outer: number): void {
    this.#at = end;
    this.#end = outer;
  }

  string(): string {
    const outer = this.enter();
    const text = this.bytes.toString('utf8', this.#at, this.#end);
    this.leave(outer);
    return text;
  }

  /** Skips the next length-delimited field if it has exactly these bytes; else returns false. */
  takeSpan(expected: Uint8Array): boolean {
    const start = this.#at;
    const length = expected.length;
    if (start + 1 + length > this.#end || this.#view.getUint8(start) !== length) return false;
    for (let i = 0; i < length; i += 1) {
      if (this.#view.getUint8(start + 1 + i) !== expected[i]) return false;
    }
    this.#at = start + 1 + length;
    return true;
  }

  skip(tag: number): void {
    switch (tag & 7) {
      case WIRE.varint:
        this.varint();
        return;
      case WIRE.fixed64:
        this.#fixed(8);
        return;
      case WIRE.span:
        this.leave(this.enter());
        return;
      case WIRE.fixed32:
        this.#fixed(4);
        return;
      default:
        throw new MalformedError(`wire type ${tag & 7}`);
    }
  }

  #fixed(length: number): number {
    const at = this.#at;
    if (at + length > this.#end) throw new MalformedError('cut number');
    this.#at = at + length;
    return at;
  }
}

/** The tag of a field that is a message, string or bytes. */
export function spanTag(field: number): number {
  return (field << 3) | WIRE.span;
}

export function fixed64Tag(field: number): number {
  return (field << 3) | WIRE.fixed64;
}

export function varintTag(field: number): number {
  return (field << 3) | WIRE.varint;
}
