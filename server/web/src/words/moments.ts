// Moments and dates as people read them, by the browser's own calendar. Pure: the language and the present are arguments.

type Moment = number | string;

const kept = new Map<string, Intl.DateTimeFormat>();

function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  const known = kept.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(language, { hourCycle: 'h23', ...options });
  kept.set(key, made);
  return made;
}

const MINUTE: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
};

/** A moment to the minute, where the reader is. */
export function moment(language: string, at: Moment, timeZone?: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  return format(language, timeZone ? { ...MINUTE, timeZone } : MINUTE).format(date);
}

/** The time of day alone. */
export function clock(language: string, at: Moment): string {
  return format(language, { hour: '2-digit', minute: '2-digit' }).format(new Date(at));
}

/** A date as precise as it is known: `2019`, `2019-03` or `2019-03-07`. What is no date is shown as it is. */
export function partialDate(language: string, text: string): string {
  const parts = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(text);
  if (!parts) return text;
  const [, year, month, day] = parts;
  const date = new Date(Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1)));
  if (month && date.getUTCMonth() + 1 !== Number(month)) return text;
  return format(language, {
    timeZone: 'UTC',
    year: 'numeric',
    ...(month ? { month: 'short' } : {}),
    ...(day ? { day: 'numeric' } : {}),
  }).format(date);
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** How long ago, in the largest unit that fits; below a minute, one minute. */
export function age(language: string, since: number, now: number): string {
  const passed = Math.max(now - since, 60_000);
  const [unit, millis] = UNITS.find(([, millis]) => passed >= millis) ?? UNITS[2];
  const style = { style: 'unit', unit, unitDisplay: 'short' } as const;
  return new Intl.NumberFormat(language, style).format(Math.floor(passed / millis));
}

/** When a UUIDv7 was made, in milliseconds; `undefined` for other ids. */
export function madeAt(id: string): number | undefined {
  const hex = id.replaceAll('-', '');
  return hex.length === 32 && hex[12] === '7' ? Number.parseInt(hex.slice(0, 12), 16) : undefined;
}
