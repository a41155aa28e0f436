// The way between a tablet and the office, as a real network has it: the office stands behind another address, until something goes wrong
// with what the engine asks the register. The office behind it can also have a newer version of the tablet's pages.
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

/** A newer version: a script of another name, with another heading in it. */
interface Release {
  script: string;
  as: string;
}

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

  /** The office has a newer version of the pages from now on. */
  async release(): Promise<void> {
    const index = await (await fetch(`${this.#office}/tablet/`)).text();
    const [script] = /tablet-[\w-]+\.js/.exec(index) ?? [];
    if (!script) throw new Error('the index names no script');
    this.#release = { script, as: 'tablet-newer.js' };
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

  async #serve({ script, as }: Release, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const got = await fetch(`${this.#office}${asked.url?.replace(as, script)}`);
    const headers = Object.fromEntries(
      ['content-type', 'content-security-policy', 'cache-control'].flatMap((name) => {
        const value = got.headers.get(name);
        return value ? [[name, value]] : [];
      }),
    );
    const body = Buffer.from(await got.arrayBuffer());
    const text = headers['content-type']?.startsWith('text/');
    const version = /(?<=version\\?":\\?")[0-9a-f]{16}/;
    const newer = () =>
      body.toString().replaceAll(script, as).replaceAll(HEADING, NEWER_HEADING).replace(version, 'f'.repeat(16));
    answer.writeHead(got.status, headers).end(text ? newer() : body);
  }
}
