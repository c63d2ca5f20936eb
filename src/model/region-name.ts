/** A pattern of Region names: any text that fits into an ARN, not only AWS's Regions. */
export const REGION_NAME = '[A-Za-z0-9_.-]{1,64}';

const WHOLE = new RegExp(`^${REGION_NAME}$`);

/** Whether the text is a Region's name: 1 to 64 letters, digits, dots, dashes or underscores. */
export function isRegionName(text: string): boolean {
  return WHOLE.test(text);
}
