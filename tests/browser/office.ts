// The two programs as people run them: the office's `sojourn` and `sojourn-tablet`, each in a folder of its own.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HERE = dirname(fileURLToPath(import.meta.url));
export const ROOT = resolve(HERE, '../..');
export const AREAS = join(ROOT, 'server/data/areas-weifang.csv');
const PASSPHRASE = 'four villages, one register';

/** The path of a program that has been built. */
function program(name: string): string {
  const path = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'debug', name);
  if (!existsSync(path)) throw new Error(`${path} is not there: run \`cargo build --workspace --bins\` first`);
  return path;
}

/** A tablet: a folder and the program that works on it. */
export class Tablet {
  readonly #data: string;

  constructor(data: string) {
    this.#data = data;
  }

  /** Runs a command to its end and gives what it printed. */
  async run(...args: string[]): Promise<string> {
    const env = { ...process.env, SOJOURN_PASSPHRASE: PASSPHRASE };
    const all = ['--data', this.#data, '--lang', 'en', ...args];
    return (await run(program('sojourn-tablet'), all, { env })).stdout;
  }

  /** Registers a household from its JSON. */
  async add(household: object): Promise<void> {
    const file = `${this.#data}.json`;
    await writeFile(file, JSON.stringify(household));
    await this.run('add', file);
  }

  /** Registers many households, all of them or none. */
  async import(households: object[]): Promise<void> {
    const file = `${this.#data}.jsonl`;
    await writeFile(file, households.map((each) => JSON.stringify(each)).join('\n'));
    await this.run('import', file);
  }

  /** Changes fields: `path=value`. */
  async edit(household: string, ...fields: string[]): Promise<void> {
    await this.run('edit', household, ...fields);
  }

  /** Makes an edit of any kind from its JSON. */
  async change(household: string, edit: object): Promise<void> {
    const file = `${this.#data}.edit.json`;
    await writeFile(file, JSON.stringify(edit));
    await this.run('edit', household, '--file', file);
  }

  async sync(): Promise<void> {
    await this.run('sync');
  }

  /** Enrols the folder, or enrols it anew for other areas: what it has still to hand in goes under the new grant. */
  async enrol(server: string, code: string): Promise<void> {
    await this.run('enrol', '--server', server, '--code', code);
  }
}

/** The central register, running, in a folder that goes with it. */
export class Office {
  readonly #folder: string;
  #server: ChildProcess | undefined;
  url = '';

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** A register on the real tree of areas, serving on a free port. */
  static async open(): Promise<Office> {
    const office = new Office(await mkdtemp(join(tmpdir(), 'sojourn-browser-')));
    try {
      await office.run('areas', 'import', AREAS);
      await office.#serve();
      return office;
    } catch (error) {
      await office.close();
      throw error;
    }
  }

  get #data(): string {
    return join(this.#folder, 'office');
  }

  /** Runs an office command and gives what it printed. */
  async run(...args: string[]): Promise<string> {
    return (await this.says(...args)).stdout;
  }

  /** The same, and what it said beside. */
  async says(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const all = ['--data', this.#data, '--lang', 'en', ...args];
    return await run(program('sojourn'), all);
  }

  async #serve(): Promise<void> {
    const log = await open(join(this.#folder, 'server.log'), 'w');
    const args = ['--data', this.#data, 'serve', '--listen', '127.0.0.1:0'];
    const server = spawn(program('sojourn'), args, { stdio: ['ignore', 'pipe', log.fd] });
    this.#server = server;
    const { stdout } = server;
    if (!stdout) throw new Error('its output is piped');
    const lines = createInterface({ input: stdout });
    for await (const line of lines) {
      const address = /listening (http:\S+)/.exec(line)?.[1];
      if (!address) continue;
      this.url = address;
      // Whatever else it prints is read, so that it never waits for us.
      stdout.resume();
      await log.close();
      return;
    }
    await log.close();
    throw new Error(`the server did not start:\n${await this.log()}`);
  }

  log(): Promise<string> {
    return readFile(join(this.#folder, 'server.log'), 'utf8');
  }

  /** A member of staff; gives their id. */
  async staff(name: string, role: string): Promise<string> {
    return JSON.parse(await this.run('staff', 'add', name, '--role', role, '--json')).id;
  }

  /** A new tablet, in a folder of this name, of a member of staff who works in this area. */
  async tablet(folder: string, area: string, staff: string): Promise<Tablet> {
    const tablet = new Tablet(join(this.#folder, folder));
    await this.enrol(tablet, area, staff);
    return tablet;
  }

  /** Gives a tablet to a member of staff for an area, whatever it was for before. */
  async enrol(tablet: Tablet, area: string, staff: string): Promise<void> {
    const code = (await this.run('device', 'code', '--area', area, '--staff', staff)).trim();
    await tablet.enrol(this.url, code);
  }

  /** Ends the server and takes its folder away. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server && server.exitCode === null) {
      const ended = new Promise((done) => server.once('exit', done));
      server.kill('SIGTERM');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
