const TIME = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  hour: '2-digit',
  minute: '2-digit',
});
const TIME_WITH_SECONDS = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** `14:05`, UTC. */
export function formatTime(millis: number): string {
  return TIME.format(millis);
}

/** `14:05:09`, UTC. */
export function formatTimeWithSeconds(millis: number): string {
  return TIME_WITH_SECONDS.format(millis);
}
