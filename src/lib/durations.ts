export const SECONDS_A_DAY = 86_400;
export const MILLIS_A_DAY = SECONDS_A_DAY * 1000;
