// Days on which a question comes back. Pure: the present is an argument; a day begins where the reader is.

const DAY_MS = 86_400_000;
/** The register puts nothing off for longer. */
export const DAYS_MAX = 90;
/** Offered by a press. */
export const OFFERED = [1, 7, 30] as const;

/** The day so many days from now, as a date field holds it. */
export function dayIn(days: number, now: number): string {
  const at = new Date(now + days * DAY_MS);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** When a day begins, in milliseconds; nothing for what is no day, has begun, or is too far ahead. */
export function beginOf(day: string, now: number): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined;
  const at = new Date(`${day}T00:00`).getTime();
  return at > now && at <= now + DAYS_MAX * DAY_MS ? at : undefined;
}
