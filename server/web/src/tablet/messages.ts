// Made from the engine's types in `client-core/src/bindings/`; its tests say how to make it anew.
import type { Area, DocKind, HistoryEntry, Household as RecordOfHousehold, Written } from '../model';

export type Message = { "say": "ask", 
/**
 * Names the question, so that its answer is known.
 */
id: string, 
/**
 * What.
 */
command: Command, } | { "say": "reply", 
/**
 * The question.
 */
id: string, 
/**
 * The answer.
 */
answer: Answer, } | { "say": "tell", 
/**
 * What.
 */
event: Event, };

export type Command = { "do": "look" } | { "do": "open", 
/**
 * The passphrase of its database.
 */
passphrase: string, } | { "do": "close" } | { "do": "enrol", 
/**
 * Address of the server, without a path.
 */
server: string, 
/**
 * The office's one-time code.
 */
code: string, 
/**
 * What people call the tablet.
 */
label: string, } | { "do": "sync" } | { "do": "listen" } | { "do": "list", 
/**
 * The last one of the screen before; the first screen when absent.
 */
after: After | null, 
/**
 * At most so many.
 */
limit: number, } | { "do": "search", 
/**
 * What somebody typed.
 */
text: string, 
/**
 * At most so many.
 */
limit: number, } | { "do": "show", 
/**
 * Which.
 */
household: string, } | { "do": "card", 
/**
 * Which household.
 */
household: string, } | { "do": "similar", 
/**
 * What is known.
 */
household: NewHousehold, 
/**
 * At most so many.
 */
limit: number, } | { "do": "areas" } | { "do": "register", 
/**
 * The household.
 */
household: NewHousehold, } | { "do": "add-person", 
/**
 * To which household.
 */
household: string, 
/**
 * The person.
 */
person: NewPerson, } | { "do": "correct-person", 
/**
 * Of which household.
 */
household: string, 
/**
 * Who.
 */
person: string, 
/**
 * Fields and values; `null` clears.
 */
set: Record<string, Written>, } | { "do": "remove-person", 
/**
 * Of which household.
 */
household: string, 
/**
 * Who.
 */
person: string, 
/**
 * Why, by the record's words.
 */
reason: string, 
/**
 * Since when.
 */
on: string | null, 
/**
 * What the next member of staff should know.
 */
note: string | null, } | { "do": "restore-person", 
/**
 * Of which household.
 */
household: string, 
/**
 * Who.
 */
person: string, 
/**
 * Why.
 */
note: string, } | { "do": "correct", 
/**
 * Which household.
 */
household: string, 
/**
 * Fields and values; `null` clears.
 */
set: Record<string, Written>, } | { "do": "note-need", 
/**
 * Which household.
 */
household: string, 
/**
 * What.
 */
need: NewNeed, } | { "do": "record-visit", 
/**
 * Of which household.
 */
household: string, 
/**
 * The visit.
 */
visit: NewVisit, } | { "do": "move", 
/**
 * Which household.
 */
household: string, 
/**
 * Where to.
 */
to: NewMove, } | { "do": "arrive", 
/**
 * The household as it was registered here.
 */
household: string, 
/**
 * Where it comes from.
 */
from: NewArrival, };

export type After = { 
/**
 * Its area.
 */
area: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Its id.
 */
id: string, };

export type NewHousehold = { 
/**
 * Area of residence; the area the author works for when absent.
 */
area?: string, 
/**
 * Where a visit finds them.
 */
address?: string, 
/**
 * Since when they live there.
 */
since?: string, 
/**
 * Telephone of the household.
 */
phone?: string, 
/**
 * How and when they want to be reached.
 */
note?: string, 
/**
 * What they agreed to.
 */
consent?: NewConsent, 
/**
 * Who belongs to it.
 */
persons?: Array<NewPerson>, };

export type NewConsent = { 
/**
 * Follow-up visits: `given`, `refused`, `withdrawn`.
 */
care?: string, 
/**
 * Records follow the family: `given`, `refused`, `withdrawn`.
 */
sharing?: string, };

export type NewPerson = { 
/**
 * Their id, when the file names it.
 */
id?: string, 
/**
 * Name as people say it.
 */
name: string, 
/**
 * Name in Latin letters.
 */
latin_name?: string, 
/**
 * `female`, `male`, `unspecified`.
 */
sex?: string, 
/**
 * Birth date: year, month or day.
 */
birth?: string, 
/**
 * Relation to the head of household.
 */
relation?: string, 
/**
 * Which document the number is of; `resident` when absent.
 */
id_kind?: string, 
/**
 * The number.
 */
id_number?: string, 
/**
 * Their telephone.
 */
phone?: string, 
/**
 * Whether a school place has to be found.
 */
school?: string, 
/**
 * Languages spoken.
 */
languages?: Array<string>, 
/**
 * From which household they come.
 */
came_from?: string, };

export type NewNeed = { 
/**
 * Its id, when given.
 */
id?: string, 
/**
 * Which office can help.
 */
kind: string, 
/**
 * What they ask for.
 */
text: string, 
/**
 * `routine` when absent.
 */
urgency?: string, 
/**
 * For whom.
 */
person?: string, 
/**
 * The kind of open question that a reviewer asks about.
 */
asks?: string, };

export type NewVisit = { 
/**
 * Its id, when given.
 */
id?: string, 
/**
 * Who was seen; nobody in particular when absent.
 */
person?: string, 
/**
 * Day of the visit.
 */
on: string, 
/**
 * Which care was given.
 */
kind: string, 
/**
 * Findings and advice.
 */
note?: string, 
/**
 * Weight in grams.
 */
weight_g?: number, 
/**
 * Height in millimetres.
 */
height_mm?: number, 
/**
 * Temperature in tenths of a degree Celsius.
 */
temperature_dc?: number, 
/**
 * Systolic pressure in mmHg.
 */
systolic?: number, 
/**
 * Diastolic pressure in mmHg.
 */
diastolic?: number, 
/**
 * Vaccine given.
 */
vaccine?: string, 
/**
 * When the next visit is due.
 */
next_on?: string, 
/**
 * In which household's record it was made.
 */
came_from?: string, };

export type NewMove = { 
/**
 * Its id, when given.
 */
id?: string, 
/**
 * Area moved to.
 */
to: string, 
/**
 * Day of the move.
 */
on: string, 
/**
 * Why.
 */
reason?: string, 
/**
 * The new address; without one the old address is cleared.
 */
address?: string, 
/**
 * When a stay for a time ends; for good when absent.
 */
until?: string, 
/**
 * The area that the family left has handed it over, or the family showed its card: it is told as a hand-over that was accepted.
 */
agreed?: boolean, 
/**
 * The card that the family showed.
 */
card?: string, };

export type NewArrival = { 
/**
 * Its id, when given.
 */
id?: string, 
/**
 * Area where the family says that it lived, or one above.
 */
from: string, 
/**
 * Day of the move.
 */
on: string, 
/**
 * Why.
 */
reason?: string, 
/**
 * When a stay for a time ends; for good when absent.
 */
until?: string, 
/**
 * The card that the family showed.
 */
card?: string, };

export type Answer = { "answer": "state", 
/**
 * The door.
 */
door: Door, 
/**
 * Who the tablet is and what it holds; absent unless it is open.
 */
status: Status | null, } | { "answer": "synced" } & Synced | { "answer": "households", 
/**
 * The rows.
 */
rows: Array<HouseholdRow>, } | { "answer": "found", 
/**
 * Best first.
 */
found: Array<Found>, } | { "answer": "household" } & Household | { "answer": "card", 
/**
 * Letters and digits in groups; a slip in one is noticed.
 */
card: string, } | { "answer": "similar", 
/**
 * Best first.
 */
similar: Array<Likely>, } | { "answer": "areas", 
/**
 * Every area, by code.
 */
areas: Pick<Area, 'code' | 'parent' | 'level' | 'name'>[], } | { "answer": "edited", 
/**
 * In which household.
 */
household: string, } | { "answer": "failed", 
/**
 * What stood against it.
 */
fault: Fault, };

export type Door = "new" | "shut" | "open";

export type Status = { 
/**
 * The device; `None` before the tablet is enrolled, like the four fields after it.
 */
device: string | null, 
/**
 * The member of staff.
 */
staff: string | null, 
/**
 * Their name.
 */
staff_name: string | null, 
/**
 * The server.
 */
server: string | null, 
/**
 * Version of the grant.
 */
grant: number | null, 
/**
 * Areas granted.
 */
areas: Array<string>, 
/**
 * Kinds of document granted.
 */
kinds: DocKind[], 
/**
 * Households on this tablet.
 */
households: number, 
/**
 * Their persons.
 */
persons: number, 
/**
 * Contradicted fields.
 */
contradictions: number, 
/**
 * Edits not yet acknowledged.
 */
pending: number, 
/**
 * Edits held that nobody has decided about.
 */
held: number, 
/**
 * When the last session ended in agreement.
 */
synced_at: number | null, };

export type Synced = { 
/**
 * How it ended.
 */
outcome: Ending, 
/**
 * Why it gave up.
 */
fault: Fault | null, 
/**
 * Areas that still differ.
 */
differing: Array<string>, 
/**
 * Edits that the server has now.
 */
pushed: number, 
/**
 * Entries received.
 */
received: number, 
/**
 * Edits still to hand in.
 */
queued: number, 
/**
 * Edits held that nobody has decided about.
 */
held: number, 
/**
 * Bytes of request bodies.
 */
bytes_up: number, 
/**
 * Bytes of reply bodies.
 */
bytes_down: number, };

export type Ending = "agreed" | "differs" | "gave-up" | "cancelled";

export type HouseholdRow = { 
/**
 * The household.
 */
id: string, 
/**
 * Area of residence, as the record has it.
 */
area: string, 
/**
 * Name of the head, or of the first person.
 */
name: string, 
/**
 * Where a visit finds them.
 */
address: string, 
/**
 * Telephone of the household.
 */
phone: string, 
/**
 * Persons, removed ones left out.
 */
persons: number, 
/**
 * Contradicted fields.
 */
contradictions: number, 
/**
 * Edits not yet acknowledged.
 */
pending: number, 
/**
 * Edits held that nobody has decided about.
 */
held: number, 
/**
 * It moved out of this tablet's areas and goes once nothing of it is pending.
 */
leaving: boolean, 
/**
 * When it was last changed, by the author's clock.
 */
updated: number, 
/**
 * The area that it is about to move to and that has not answered yet; empty when no move is prepared. Of several that
 * were prepared apart, all.
 */
moving_to: string, 
/**
 * The day of that.
 */
moving_on: string, 
/**
 * What a reviewer asks and nobody has answered yet; empty when nothing. Of several, all.
 */
asked: string, 
/**
 * The household in whose record the family goes on, where it had two; empty otherwise.
 */
goes_on: string, };

export type Found = { 
/**
 * Whose name or number was found; `None` for the household's own telephone.
 */
person: string | null, 
/**
 * Their name.
 */
person_name: string, 
/**
 * How well, up to 1.
 */
score: number, 
/**
 * The household.
 */
id: string, 
/**
 * Area of residence, as the record has it.
 */
area: string, 
/**
 * Name of the head, or of the first person.
 */
name: string, 
/**
 * Where a visit finds them.
 */
address: string, 
/**
 * Telephone of the household.
 */
phone: string, 
/**
 * Persons, removed ones left out.
 */
persons: number, 
/**
 * Contradicted fields.
 */
contradictions: number, 
/**
 * Edits not yet acknowledged.
 */
pending: number, 
/**
 * Edits held that nobody has decided about.
 */
held: number, 
/**
 * It moved out of this tablet's areas and goes once nothing of it is pending.
 */
leaving: boolean, 
/**
 * When it was last changed, by the author's clock.
 */
updated: number, 
/**
 * The area that it is about to move to and that has not answered yet; empty when no move is prepared. Of several that
 * were prepared apart, all.
 */
moving_to: string, 
/**
 * The day of that.
 */
moving_on: string, 
/**
 * What a reviewer asks and nobody has answered yet; empty when nothing. Of several, all.
 */
asked: string, 
/**
 * The household in whose record the family goes on, where it had two; empty otherwise.
 */
goes_on: string, };

export type Household = { 
/**
 * Its line in the list.
 */
row: HouseholdRow, 
/**
 * The record.
 */
record: RecordOfHousehold, 
/**
 * Names of the areas that the record names, from the top of the tree down, by code.
 */
areas: { [key in string]: Array<string> }, 
/**
 * Who wrote what when.
 */
history: HistoryEntry[], };

export type Likely = { 
/**
 * Its line in the list.
 */
row: HouseholdRow, 
/**
 * That they are one, from 0 to 1.
 */
probability: number, 
/**
 * Names of those in it who may be somebody of the draft, the clearest first.
 */
people: Array<string>, };

export type Fault = { 
/**
 * What.
 */
obstacle: Obstacle, 
/**
 * The field that it is about.
 */
field: string | null, 
/**
 * What the engine says of it, in its own words; holds no value of a field.
 */
detail: string, };

export type Obstacle = "shut" | "syncing" | "wrong-passphrase" | "no-storage" | "storage-full" | "damaged" | "version" | "not-enrolled" | "code" | "withdrawn" | "unauthenticated" | "clock" | "no-connection" | "silent" | "cut" | "not-the-server" | "server-busy" | "unknown-household" | "unknown-area" | "not-granted" | "bad-value" | "edit" | "interrupted" | "failed";

export type Event = { "event": "syncing", 
/**
 * Edits that the server has now.
 */
pushed: number, 
/**
 * Those and the ones still to push.
 */
to_push: number, 
/**
 * Entries received.
 */
received: number, 
/**
 * Those and the ones still to come.
 */
to_receive: number, } | { "event": "synced" } & Synced | { "event": "changed" } | { "event": "restarted" };
