// A village of its own for each test: a household that two tablets hold, and reviewers who answer for that village alone.
import { readFileSync } from 'node:fs';
import type { Office, Tablet } from './office.ts';
import { AREAS } from './office.ts';

/** An area of the tree that no test has; nobody lives there but who moves there. */
export function elsewhere(at: number): { code: string; name: string } {
  const found = villages.at(-1 - at);
  if (!found) throw new Error('the tree has so many villages');
  return found;
}

/** The area above another. */
export function above(code: string): string {
  const [, parent] = areas.find(([here]) => here === code) ?? [];
  if (!parent) throw new Error(`nothing is above ${code}`);
  return parent;
}

/** Of every account here. */
const PASSWORD = 'a long word nobody guesses';

/** Somebody with an account. */
export interface Reviewer {
  account: string;
  name: string;
  password: string;
  /** The code for the first sign-in. */
  code: string;
}

const areas = readFileSync(AREAS, 'utf8')
  .split('\n')
  .map((line) => line.trim().split(','));
const villages = areas
  .filter(([, , level]) => level === 'village')
  .map(([code = '', , , name = '']) => ({ code, name }));
let next = 0;

const SURNAMES = [...'王李张刘陈杨吕单曾赵'];
const GIVEN = [...'芳伟娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚'];

/** The household of this number; its telephone numbers are nobody's. */
function household(n: number): object {
  const person = (at: number, relation: string) => ({
    name: `${SURNAMES[n % SURNAMES.length]}${GIVEN[(n * 7 + at * 5) % GIVEN.length]}`,
    birth: `${1950 + ((n * 3 + at * 25) % 70)}-0${1 + (n % 9)}`,
    relation,
  });
  return {
    address: `村东 ${n} 号`,
    phone: `100${String(n).padStart(8, '0')}`,
    persons: [person(0, 'head'), person(1, 'spouse'), person(2, 'child')],
  };
}

export class Village {
  readonly office: Office;
  readonly code: string;
  readonly name: string;
  readonly east: Tablet;
  readonly west: Tablet;
  readonly household: string;
  readonly grandmother: string;
  readonly child: string;

  #accounts = 0;

  private constructor(office: Office, at: number, east: Tablet, west: Tablet) {
    const village = villages[at];
    if (!village) throw new Error('the tree has so many villages');
    this.office = office;
    this.code = village.code;
    this.name = village.name;
    this.east = east;
    this.west = west;
    const id = (of: number) => `01990000-0000-7000-8000-${String(at * 10 + of).padStart(12, '0')}`;
    [this.household, this.grandmother, this.child] = [id(1), id(2), id(3)];
  }

  /** A village where both tablets hold one family. */
  static async found(office: Office): Promise<Village> {
    const at = next;
    next += 1;
    const code = villages[at]?.code ?? '';
    const east = await office.tablet(`east-${at}`, code, await office.staff('张护士', 'worker'));
    const west = await office.tablet(`west-${at}`, code, await office.staff('赵村医', 'worker'));
    const village = new Village(office, at, east, west);
    await east.add({
      id: village.household,
      address: '村东 12 号',
      phone: '10012345678',
      consent: { care: 'given', sharing: 'given' },
      persons: [
        {
          id: village.grandmother,
          name: '王秀英',
          sex: 'female',
          birth: '1958-03-02',
          relation: 'head',
          id_kind: 'resident',
          id_number: '990000199001010017',
        },
        { id: village.child, name: '王小明', sex: 'male', birth: '2021', relation: 'grandchild' },
      ],
    });
    await village.meet();
    return village;
  }

  /** Somebody of this name and role, with an account for this village and a code for the first sign-in. */
  async staff(name: string, role: 'reviewer' | 'officer', ...elsewhere: string[]): Promise<Reviewer> {
    const id = await this.office.staff(name, role);
    this.#accounts += 1;
    const areas = [this.code, ...elsewhere].flatMap((area) => ['--area', area]);
    const account = `shen.${this.code}.${this.#accounts}`;
    const given = await this.office.run('account', 'give', account, '--staff', id, ...areas, '--json');
    return { account, name, password: PASSWORD, code: JSON.parse(given).code };
  }

  /** A reviewer of this village, and of these other areas. */
  reviewer(name: string, ...elsewhere: string[]): Promise<Reviewer> {
    return this.staff(name, 'reviewer', ...elsewhere);
  }

  /** Registers so many households more. */
  async fill(count: number): Promise<void> {
    await this.east.import(Array.from({ length: count }, (_, n) => household(n)));
    await this.east.sync();
  }

  /** Both tablets hand in and fetch until both know everything. */
  async meet(): Promise<void> {
    for (const tablet of [this.east, this.west, this.east]) await tablet.sync();
  }

  /** Both write a field without knowing of each other, then both know. */
  async contradict(path: string, east: string, west: string): Promise<void> {
    await this.east.edit(this.household, `${path}=${east}`);
    await this.west.edit(this.household, `${path}=${west}`);
    await this.meet();
  }

  /** The household as a tablet shows it, as JSON. */
  async shown(tablet: Tablet): Promise<Record<string, unknown>> {
    await tablet.sync();
    return JSON.parse(await tablet.run('show', this.household, '--json'));
  }
}
