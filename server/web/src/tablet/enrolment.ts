// The office's code as it is scanned or opened: an address of the tablet's page with the code behind the `#`, as
// `sojourn device code --public-url` prints it.

export type Enrolment = { code: string } | { elsewhere: string };

const LINK = /^#\/enrol\/([0-9A-Za-z-]+)$/;

/** The code behind the `#` of an address. */
export function codeOf(hash: string): string | undefined {
  return LINK.exec(hash)?.[1];
}

/** What a picture says to a tablet of the register at `origin`; nothing when it is about something else. */
export function read(text: string, origin: string): Enrolment | undefined {
  const address = URL.parse(text);
  const code = address && codeOf(address.hash);
  if (!code) return undefined;
  return address.origin === origin ? { code } : { elsewhere: address.origin };
}
