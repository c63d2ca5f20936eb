/** A Region's name as part of a pattern: not only AWS's own, but anything that fits into an ARN. */
export const REGION_NAME = '[A-Za-z0-9_.-]{1,64}';

const WHOLE = new RegExp(`^${REGION_NAME}$`);

/** Whether the text may name a Region: 1 to 64 letters, digits, dots, dashes or underscores. */
export function isRegionName(text: string): boolean {
  return WHOLE.test(text);
}
