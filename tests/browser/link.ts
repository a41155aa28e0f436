// The way between a tablet and the office, as a real network has it: the office stands behind another address, until something goes wrong
// with what the engine asks the register. The office behind it can also have a newer version of the tablet's pages.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of what the engine asks the register. */
export type Way =
  /** It goes there and back. */
  | 'whole'
  /** Nobody is there. */
  | 'down'
  /** Everything is taken, and nothing comes back. */
  | 'silent'
  /** The answer breaks off. */
  | 'cut'
  /** The network itself answers, with a page on which to sign in. */
  | 'portal'
  /** What proves who asks gets lost. */
  | 'unproven';

/** What stands above the passphrase, in the version that was built and in the newer one. */
const HEADING = '解锁平板';
export const NEWER_HEADING = '解锁新版平板';
const WORKER = '/tablet/sw.js';
const NEWER_SCRIPT = 'tablet-newer.js';

/** A newer version: what stands otherwise in its files, one replaced after the other. */
interface Release {
  how: 'whole' | 'half';
  script: string;
  changes: [before: string, after: string][];
}

const changed = (text: string, { changes }: Release): string =>
  changes.reduce((text, [before, after]) => text.replaceAll(before, after), text);

const integrityOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

export class Link {
  readonly #office: string;
  readonly #server: Server;
  #way: Way = 'whole';
  #release: Release | undefined;

  private constructor(office: string) {
    this.#office = office;
    this.#server = createServer((asked, answer) => {
      if (asked.url?.startsWith('/v1/')) this.#carry(asked, answer, this.#way);
      else if (this.#release) this.#serve(this.#release, asked, answer);
      else this.#carry(asked, answer, 'whole');
    });
  }

  static async to(office: string): Promise<Link> {
    const link = new Link(office);
    await new Promise<void>((listening) => link.#server.listen(0, '127.0.0.1', listening));
    return link;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Has it be like this from now on, and ends what is open. */
  go(way: Way): void {
    this.#way = way;
    this.#server.closeAllConnections();
  }

  /**
   * The office has a newer version of the pages from now on: a script of another name, in which a heading is another. Or it is in the
   * middle of getting one.
   */
  async release(how: 'whole' | 'half'): Promise<void> {
    const file = async (name: string) => (await fetch(`${this.#office}/tablet/${name}`)).text();
    const [index, worker] = await Promise.all([file(''), file('sw.js')]);
    const [script] = /tablet-[\w-]+\.js/.exec(index) ?? [];
    const [version] = /(?<=version\\?":\\?")[0-9a-f]{16}/.exec(worker) ?? [];
    if (!script || !version) throw new Error('the pages are not as a build makes them');
    const release: Release = {
      how,
      script,
      changes: [
        [script, NEWER_SCRIPT],
        [HEADING, NEWER_HEADING],
      ],
    };
    const before = [index, await file(`assets/${script}`)];
    const checks = before.map((text): [string, string] => [integrityOf(text), integrityOf(changed(text, release))]);
    release.changes.push([version, 'f'.repeat(16)], ...checks);
    this.#release = release;
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  #carry(asked: IncomingMessage, answer: ServerResponse, way: Way): void {
    const { method, url, headers } = asked;
    if (way === 'silent') return;
    if (way === 'down') {
      answer.destroy();
      return;
    }
    if (way === 'portal') {
      answer.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in first</title>');
      return;
    }
    if (way === 'unproven') delete headers.dpop;
    const further = request(`${this.#office}${url}`, { method, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      if (way !== 'cut') {
        got.pipe(answer);
        return;
      }
      answer.flushHeaders();
      got.resume().once('end', () => answer.destroy());
    });
    further.once('error', () => answer.destroy());
    answer.once('close', () => further.destroy());
    asked.pipe(further);
  }

  async #serve(release: Release, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const got = await fetch(`${this.#office}${asked.url?.replace(NEWER_SCRIPT, release.script)}`);
    const names = ['content-type', 'content-security-policy', 'cache-control'];
    const headers = Object.fromEntries(names.map((name) => [name, got.headers.get(name) ?? '']));
    const body = Buffer.from(await got.arrayBuffer());
    const isNewer = headers['content-type']?.startsWith('text/') && (release.how === 'whole' || asked.url === WORKER);
    answer.writeHead(got.status, headers).end(isNewer ? changed(body.toString(), release) : body);
  }
}
