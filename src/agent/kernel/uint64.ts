/**
 * A 64-bit value as a double: exact up to 2^53, which is 9 petabytes for a byte counter, 104 days
 * since boot in nanoseconds (after that two connections of one socket would have to begin within
 * 2 ns to be mistaken for each other), and more sockets than a machine ever opens.
 */
export function uint64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
}
